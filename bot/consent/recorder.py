"""Recording a consent change from the preference center or a contact's panel: decided again after a conflict, and
recognized when it is retried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import numbers_of, preference_words, reached_at
from bot.consent.ledger import Ledger
from bot.consent.projection import consent_after
from bot.errors import Invalid
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import Action, ConsentEvent, Context, Source, Words
from bot.model.subscription import Subscription
from bot.store import Store

LOOK_BACK = 200
"""How many log entries are read to find the one that an undo or an old page refers to."""
TOO_LATE = _("This change can no longer be undone. Use the switch instead.")


@dataclass(frozen=True, slots=True)
class PreferenceToggle:
    """One act in the preference center, in the words and the language shown. The same `key` again changes nothing."""

    key: str
    act: str
    say: Translator
    context: Context


class ChangeRecorder:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def stopped(self, contact: Contact) -> frozenset[str]:
        return frozenset(await self._store.stops.stopped(numbers_of(contact)))

    async def by_key(self, contact: Contact, key: str) -> ConsentEvent | None:
        return await self._store.events.by_key(contact.id, f"{contact.id}:{key}")

    async def earlier(
        self, contact: Contact, subscriptions: Iterable[Subscription], toggle: PreferenceToggle
    ) -> list[ConsentEvent]:
        """What an earlier try of this act recorded, if it is still the current state."""
        ids = {subscription.id for subscription in subscriptions}
        stands = [c.event for c in contact.consents if c.subscription in ids and c.source is Source.PREFERENCE_CENTER]
        found = await self._store.events.named(stands) if stands else []
        return [event for event in found if event.key.startswith(f"{contact.id}:{toggle.key}:")]

    async def as_shown(self, subscription: Subscription, version: str, say: Translator) -> Subscription:
        """The subscription with the wording of this version, if it ever had one: an opt-out is stored with what was
        shown (law 6)."""
        if not version or preference_words(subscription, say).version == version:
            return subscription
        history = await self._store.subscription_versions.before(subscription.id, None, limit=LOOK_BACK)
        shown = (e.after for e in reversed(history) if preference_words(e.after, say).version == version)
        found = next(shown, None)
        names = {"name", "description", "language", "translations", "version"}
        return subscription.model_copy(update=found.model_dump(include=names)) if found else subscription

    async def before(self, contact: Contact, current: Consent) -> Consent | None:
        """The contact's consent before this consent's event; None: they had not answered.

        Raises Invalid if that is too long ago.
        """
        events = await self._store.events.named([current.event])
        earlier = await self._store.events.before(contact.id, events[0].seq, limit=LOOK_BACK) if events else []
        found = consent_after(current.subscription, earlier)
        if (found.state if found else ConsentState.NONE) is not current.was:
            raise Invalid(TOO_LATE)
        return found


def change_of(
    contact: Contact, subscription: Subscription, action: Action, toggle: PreferenceToggle, key: str
) -> ConsentChange:
    address = reached_at(contact, subscription)
    return consent_change(
        contact,
        subscription,
        action,
        address,
        source=Source.PREFERENCE_CENTER,
        words=_shown(subscription, address, toggle.say).model_copy(update={"act": toggle.act}),
        context=toggle.context,
        key=key,
    )


def restoration(
    contact: Contact,
    subscription: Subscription,
    current: Consent,
    before: Consent | None,
    toggle: PreferenceToggle,
) -> ConsentChange:
    """Restores the previous consent unchanged."""
    change = change_of(contact, subscription, Action.RESTORE, toggle, toggle.key)
    there = before or current
    return replace(change, number=there.number, email=there.email, restores=before)


def _shown(subscription: Subscription, address: str | None, say: Translator) -> Words:
    """The page shows only live subscriptions that reach the person: an opt-out of any other is recorded without
    words."""
    words = preference_words(subscription, say)
    return words if subscription.is_live and address else Words(title=words.title, locale=say.locale)


def stands_on(contact: Contact, event: ConsentEvent) -> bool:
    """Whether the contact's consent is still what the event made it."""
    consent = contact.consent(event.subscription or "")
    made = event.event
    if event.action is Action.RESTORE:
        made = event.restored.event if event.restored else ""
    return (consent.event if consent else "") == made
