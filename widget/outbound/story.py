"""What happened to one text, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from babel.dates import format_datetime, get_timezone_gmt

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState, DeliveryStep, ProviderStatus, StepKind
from widget.outbound.results import reason_words

REPORTED = {
    ProviderStatus.ACCEPTED: _("Accepted by the provider"),
    ProviderStatus.SCHEDULED: _("Scheduled by the provider"),
    ProviderStatus.QUEUED: _("Queued by the provider"),
    ProviderStatus.SENDING: _("Being sent to the carrier"),
    ProviderStatus.SENT: _("Sent to the carrier"),
    ProviderStatus.DELIVERED: _("Delivered to the phone"),
    ProviderStatus.UNDELIVERED: _("Not delivered"),
    ProviderStatus.FAILED: _("Failed at the provider"),
    ProviderStatus.CANCELED: _("Canceled by the provider"),
    ProviderStatus.READ: _("Read"),
}
RECONCILED = {
    DeliveryState.SENT: _("Found at the provider: it was sent"),
    DeliveryState.QUEUED: _("Not found at the provider: it will be sent again"),
    DeliveryState.UNKNOWN: _("The provider couldn't confirm this text, so it won't be sent again"),
}


ZONES_FROM = {
    "number": _("the number"),
    "profile": _("the profile"),
    "number and profile": _("the number and the profile"),
    "country": _("the country"),
    "country and profile": _("the country and the profile"),
    "unknown": _("nothing"),
}
"""By `Whereabouts.source`."""


@dataclass(frozen=True, slots=True)
class StoryStep:
    at: datetime
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    kind: str = "plain"


def story_of(delivery: Delivery, say: Translator) -> list[StoryStep]:
    """In order of time."""
    return sorted(_steps(delivery, say), key=attrgetter("at"))


def _steps(delivery: Delivery, say: Translator) -> Iterator[StoryStep]:
    yield StoryStep(delivery.created_at, say("Queued"))
    yield from (_told(step, say) for step in delivery.steps or ())
    if delivery.checked_at:
        yield StoryStep(delivery.checked_at, say("Permission checked"), tuple(_proof(delivery, say)))
    if delivery.handed_at:
        sender = ((say("Sender"), delivery.sender),) if delivery.sender else ()
        yield StoryStep(delivery.handed_at, say("Handed over to the provider"), sender)
    if delivery.state in {DeliveryState.BLOCKED, DeliveryState.FAILED}:
        title = say("Not sent") if delivery.state is DeliveryState.BLOCKED else say("Failed")
        reason = reason_words(delivery.reason or "", delivery.code, say)
        yield StoryStep(delivery.updated_at, title, ((say("Reason"), reason),), "bad")
    for at, title, kind in (
        (delivery.clicked_at, say("Opened a link"), "good"),
        (delivery.replied_at, say("Replied"), "good"),
        (delivery.opted_out_at, say("Opted out"), "bad"),
    ):
        if at:
            yield StoryStep(at, title, kind=kind)


def _told(step: DeliveryStep, say: Translator) -> StoryStep:
    code = ((say("Code"), str(step.code)),) if step.code else ()
    match step.kind:
        case StepKind.REPORTED:
            is_good = step.what in {ProviderStatus.DELIVERED, ProviderStatus.READ}
            return StoryStep(step.at, say(REPORTED[ProviderStatus(step.what)]), code, "good" if is_good else "plain")
        case StepKind.RECONCILED:
            return StoryStep(step.at, say(RECONCILED[DeliveryState(step.what)]))
        case StepKind.WAITED:
            why = reason_words(step.what, step.code, say)
            return StoryStep(step.at, say("Back in the queue"), ((say("Reason"), why),))


def _proof(delivery: Delivery, say: Translator) -> Iterator[tuple[str, str]]:
    if delivery.event and delivery.kind not in {DeliveryKind.REPLY, DeliveryKind.MESSAGE, DeliveryKind.TEST}:
        yield say("Consent event"), delivery.event
    if delivery.local_times:
        yield say("Local time"), " / ".join(_local(time, say) for time in dict.fromkeys(delivery.local_times))
        yield say("Time zone known from"), say(ZONES_FROM.get(delivery.zone_source or "", ZONES_FROM["unknown"]))
    if delivery.rules:
        yield say("Sending rules"), delivery.rules
    if delivery.body_hash:
        yield say("SHA-256 of the text"), delivery.body_hash


def _local(time: str, say: Translator) -> str:
    """With its UTC offset, because it isn't in the reader's time zone."""
    at = datetime.fromisoformat(time)
    shown = format_datetime(at.replace(tzinfo=None), "medium", locale=say.locale)
    return f"{shown} {get_timezone_gmt(at, locale=say.locale)}"
