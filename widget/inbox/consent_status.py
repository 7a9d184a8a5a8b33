"""A contact's consent status on a subscription, in words for teammates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.consent.reader import ContactConsents
from bot.consent.status import ConsentStatus
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.contact import ConsentState
from bot.model.event import Source
from bot.model.subscription import MessageType, Purpose
from widget.inbox.details import shown_number
from widget.preferences import view
from widget.web.times import day

BY = {
    Source.FORM: _("Form"),
    Source.PREFERENCE_CENTER: _("Preference center"),
    Source.KEYWORD: _("Text message"),
    Source.PROFILE: _("Teammate"),
    Source.BULK: _("Bulk change"),
    Source.API: _("API"),
    Source.IMPORT: _("Import"),
    Source.BOT: _("Bot"),
    Source.SYSTEM: _("Expired"),
}


@dataclass(frozen=True, slots=True)
class ConsentItem(view.PreferenceItem):
    """The item of the preference center, with details for teammates."""

    channel: str
    address: str
    """Unmasked, since teammates may see it. Empty: there is none."""
    opted_out: str
    """When they opted out, if that holds; empty: they did not. A teammate who turns it on again is warned."""
    event: str
    """The current consent event; empty: there is none."""
    is_marketing: bool
    is_weak: bool
    """On, by evidence that is not sent on: better evidence can be recorded."""


def items_of(consents: ContactConsents, say: Translator) -> list[ConsentItem]:
    return [*_items(consents.statuses, say)]


def item_of(consents: ContactConsents, subscription: str, say: Translator) -> ConsentItem | None:
    return next((item for item in items_of(consents, say) if item.id == subscription), None)


def _items(statuses: Iterable[ConsentStatus], say: Translator) -> Iterable[ConsentItem]:
    for status in statuses:
        words = status.subscription.words(say.locale)
        yield ConsentItem(
            status.subscription.id,
            words.name,
            words.description,
            status.state,
            note_of(status, say),
            "",
            str(status.subscription.message_type),
            shown_number(status.address) if status.address else "",
            day(status.consent.at) if status.consent and status.consent.is_no else "",
            status.consent.event if status.consent else "",
            status.subscription.purpose is Purpose.MARKETING,
            status.is_weak,
        )


def note_of(status: ConsentStatus, say: Translator) -> str:
    """The state, since when, and from which source."""
    consent, is_text = status.consent, status.subscription.message_type is MessageType.SMS
    if status.state == "stopped":
        return say("Opted out with STOP. Can opt back in only by texting START.")
    if status.state == "pending":
        return say("Waiting for YES")
    if consent and consent.stopped:
        return say("Not signed up %(day)s: the number had opted out with STOP", day=day(consent.at))
    if consent and consent.state is not ConsentState.NONE:
        since = {"day": day(consent.at), "source": say(BY[consent.source])}
        if consent.state is ConsentState.OPTED_OUT:
            return say("Opted out %(day)s · %(source)s", **since)
        if status.is_weak:
            return say("Consent recorded %(day)s. Messages are only sent with written consent.", **since)
        if status.on:
            return say("Opted in %(day)s · %(source)s", **since)
        if status.state == "off":
            if consent.state is ConsentState.PENDING:
                return say("A different number was asked to confirm")
            return say("Opted in with a different number") if is_text else say("Opted in with a different address")
    if status.state == "unreachable":
        return say("No valid number yet") if is_text else say("No email address yet")
    if status.on:
        return say("On by default")
    return say("Confirmation expired") if consent else say("No response yet")
