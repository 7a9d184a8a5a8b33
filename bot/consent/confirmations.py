"""Double opt-in: a yes that counts only after the number replied YES, and expires otherwise."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of
from bot.consent.past_permission import subscription_at
from bot.consent.projection import PENDING_FOR
from bot.consent.recorder import LOOK_BACK
from bot.errors import Conflict
from bot.i18n import translator
from bot.model.base import now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.delivery import WITHHELD, Delivery
from bot.model.event import Action, Actor, ConsentEvent, Context, Source, Words
from bot.model.subscription import MessageType, Subscription
from bot.store import Store


class Confirmations:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def confirm(self, number: str, text: str) -> ConsentEvent | None:
        """Applies a YES to the newest pending question sent to this number; None: there is none, or a flow asked
        something else since.

        The event records the question as sent, word for word, and the reply.
        """
        for asked in await self._asked(number):
            if event := await self._answer(asked, text, Action.CONFIRM):
                return event
        return None

    async def decline(self, number: str, text: str) -> ConsentEvent | None:
        """Applies a NO to the newest pending question sent to this number, as a refusal; None: there is none."""
        for asked in await self._asked(number):
            if event := await self._answer(asked, text, Action.REFUSE):
                return event
        return None

    async def lapse(self, time: datetime) -> None:
        """Expires overdue confirmation requests, a batch per call."""
        contacts = await self._store.contacts.lapsed(time, limit=500)
        for judged in (await self._ledger.contacts(contact.id for contact in contacts)).values():
            for consent in judged.consents:
                if _has_lapsed(consent, time):
                    with suppress(Conflict):  # they replied at the same moment
                        await self._ledger.record(_lapse(judged, consent))
                    break  # one per call: the next one needs the contact's new state

    async def _asked(self, number: str) -> list[Delivery]:
        """The questions that a reply may mean: none from before the newest form of a flow."""
        asked = await self._store.deliveries.asked(number)
        form = await self._store.deliveries.asked_by_flow(number) if asked else None
        return [question for question in asked if form is None or _came_at(question) >= _came_at(form)]

    async def _answer(self, asked: Delivery, text: str, action: Action) -> ConsentEvent | None:
        contact = await self._ledger.contact(asked.contact)
        if contact is None:
            return None

        async def decide(contact: Contact) -> ConsentChange | None:
            consent = contact.consent(asked.subscription)
            subscription = await self._store.subscriptions.get(asked.subscription)
            saved = address_of(contact, MessageType.SMS)
            if saved and saved != asked.number:
                return None  # another number was saved meanwhile, and is locked (law 5)
            if consent is None or subscription is None or not _waits_for(consent, asked):
                return None
            stop = (await self._store.stops.of([asked.number])).get(asked.number)
            if stop and stop.revoked_until and consent.at < stop.revoked_until:
                return None  # asked before the number's STOP, and not again since
            request = next(iter(await self._store.events.named([asked.event])), None)
            words = await self._words(asked, subscription, request, text)
            return _answer(contact, consent, asked, subscription, words, request, action)

        _, recorded = await self._ledger.decide(contact, decide)
        return recorded.event if recorded else await self._known(asked, action)

    async def _words(
        self, asked: Delivery, subscription: Subscription, request: ConsentEvent | None, text: str
    ) -> Words:
        """The question as texted, with the wording that was shown before it; if a teammate asked, the name used in the
        question. In the question's language. Of a question that was withheld, the words of the form, which said to
        text YES."""
        shown = request.words if request else None
        if shown is None or not shown.subscription_name:
            versions = await self._store.subscription_versions.before(subscription.id, None, limit=LOOK_BACK)
            then = subscription_at(subscription, versions, asked.checked_at or asked.created_at)
            shown = Words(subscription_name=then.words(asked.locale).name, subscription_version=then.version)
        return Words(
            legal_text=shown.legal_text if asked.reason == WITHHELD else asked.body or "",
            subscription_name=shown.subscription_name,
            subscription_description=shown.subscription_description,
            locale=translator(asked.locale).locale,
            act=f'texted "{text}"',
            subscription_version=shown.subscription_version,
        )

    async def _known(self, asked: Delivery, action: Action) -> ConsentEvent | None:
        """The event that an earlier copy of this answer recorded, if it is still current."""
        event = await self._store.events.by_key(asked.contact, f"{asked.contact}:{_key(asked.event, action)}")
        contact = await self._ledger.contact(asked.contact) if event else None
        consent = contact.consent(asked.subscription) if contact else None
        return event if event and consent and consent.event == event.event else None


def _came_at(asked: Delivery) -> datetime:
    return asked.handed_at or asked.created_at


def _waits_for(consent: Consent, asked: Delivery) -> bool:
    return (
        consent.state is ConsentState.PENDING
        and (consent.event, consent.number) == (asked.event, asked.number)
        and not _has_lapsed(consent, now())
    )


def _has_lapsed(consent: Consent, time: datetime) -> bool:
    return consent.state is ConsentState.PENDING and consent.at + PENDING_FOR <= time


def _answer(
    contact: Contact,
    consent: Consent,
    asked: Delivery,
    subscription: Subscription,
    words: Words,
    request: ConsentEvent | None,
    action: Action,
) -> ConsentChange:
    return consent_change(
        contact,
        subscription,
        action,
        asked.number,
        source=Source.KEYWORD,
        words=words,
        context=Context(conversation=consent.part.partition(":")[0], part=consent.part) if consent.part else Context(),
        flow=(request.flow, request.flow_version) if request else (None, None),
        flow_step=request.flow_step if request else None,
        message=request.message if request else None,
        key=_key(asked.event, action),
    )


def _lapse(contact: Contact, consent: Consent) -> ConsentChange:
    return ConsentChange(
        contact=contact.id,
        subscription=consent.subscription,
        action=Action.EXPIRE,
        source=Source.SYSTEM,
        actor=Actor(kind="system", id="system"),
        context=Context(part=consent.part),
        key=f"lapse:{consent.event}",
        judged=contact,
    )


def _key(asked: str, action: Action) -> str:
    return f"{action}:{asked}"
