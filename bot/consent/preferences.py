"""The preference center: what a person sees of their own choices, and how they change them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.consent.ledger import Change, Ledger
from bot.consent.numbers import address_of
from bot.errors import Invalid, Moved, NotFound, SaysoError, WordsChanged
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, ConsentEvent, Context, Source, Words
from bot.model.link import PreferenceLink
from bot.model.subscription import ConsentType, MessageType, Subscription
from bot.store import Store

CHANGES = {"opt_in": Action.OPT_IN, "opt_out": Action.OPT_OUT}


@dataclass(frozen=True, slots=True)
class Choice:
    """One live subscription as the person stands on it. `state`: `on`, `off` or `pending`."""

    subscription: Subscription
    state: str

    @property
    def on(self) -> bool:
        return self.state == "on"


def choices(contact: Contact, live: Sequence[Subscription]) -> list[Choice]:
    """What the person can change: the live subscriptions that reach them somewhere."""
    return [Choice(s, _standing(contact, s)) for s in live if address_of(contact, s.message_type)]


def _standing(contact: Contact, subscription: Subscription) -> str:
    consent = contact.consent(subscription.id)
    state = consent.state if consent else ConsentState.NONE
    if state is ConsentState.NONE:
        return "on" if subscription.consent_type is ConsentType.OPT_OUT else "off"
    return {ConsentState.OPTED_IN: "on", ConsentState.OPTED_OUT: "off", ConsentState.PENDING: "pending"}[state]


class Preferences:
    def __init__(self, store: Store, ledger: Ledger, *, link_days: int) -> None:
        self._store = store
        self._ledger = ledger
        self._link_days = link_days
        self.after: Callable[[ConsentEvent], Awaitable[None]] = _nothing
        """Called with each event that was recorded: queues the text that it asks for."""

    async def make_link(self, contact: str, channel: MessageType) -> str:
        """A new token that stands for the contact. It can't be had again: only its hash is kept (law 11)."""
        token, time = secrets.token_urlsafe(16), now()
        await self._store.preference_links.insert(
            PreferenceLink(
                id=_hash(token),
                contact=contact,
                channel=channel,
                created_at=time,
                expires_at=time + timedelta(days=self._link_days),
            )
        )
        return token

    async def open(self, token: str) -> tuple[PreferenceLink, Contact]:
        """Who the token stands for. Raises NotFound for one that is unknown, revoked or expired, all alike."""
        link = await self._store.preference_links.get(_hash(token))
        if link is None or link.revoked_at or link.expires_at < now():
            raise NotFound
        contact = await self._ledger.contact(link.contact)
        if contact is None:
            raise NotFound
        return link, contact

    async def revoke(self, contact: str) -> None:
        """Makes all links of the contact useless."""
        await self._store.preference_links.revoke_all(contact)

    async def live(self) -> list[Subscription]:
        """What can be shown: live subscriptions only (law 9)."""
        return await self._store.subscriptions.live()

    async def change(
        self,
        contact: Contact,
        subscription: str,
        change: str,
        *,
        version: str,
        key: str,
        say: Translator,
        context: Context,
    ) -> Subscription:
        """Turns one subscription on or off. `version` names the words that the person saw (`words_of`).

        Raises Invalid (no such change, or nothing live of this name to change) and WordsChanged: nobody says yes to
        words they did not see. A no is taken whatever was shown.
        """
        if change not in CHANGES:
            raise Invalid(_("Choose a subscription to turn on or off."))
        found = await self._store.subscriptions.get(subscription)
        if found is None or not found.is_live or not address_of(contact, found.message_type):
            raise Invalid(_("This subscription is no longer offered. Nothing was changed."))
        action, on_or_off = CHANGES[change], {"opt_in": "on", "opt_out": "off"}[change]
        if action is Action.OPT_IN and words_of(found, say).version != version:
            raise WordsChanged
        act = f'turned "{found.words(say.locale).name}" {on_or_off}'
        await self._record(contact, [found], action, act, key=key, say=say, context=context)
        return found

    async def stop_all(self, contact: Contact, *, key: str, say: Translator, context: Context) -> None:
        """Turns off every text."""
        texts = [
            c.subscription
            for c in choices(contact, await self.live())
            if c.subscription.message_type is MessageType.SMS
        ]
        act = f'pressed "{say("Unsubscribe from all SMS")}"'
        await self._record(contact, texts, Action.OPT_OUT, act, key=key, say=say, context=context)

    async def _record(
        self,
        contact: Contact,
        subscriptions: Sequence[Subscription],
        action: Action,
        act: str,
        *,
        key: str,
        say: Translator,
        context: Context,
    ) -> None:
        """Records what differs from how the person stands; the rest is as they want it already.

        An old page, found again by "Back", still says its no: the key of a no holds the event that they stand on. A yes
        that was overtaken is not said again by a late retry: Moved is raised.
        """
        wanted = "on" if action is Action.OPT_IN else "off"
        changes = [
            Change(
                contact=contact.id,
                subscription=subscription.id,
                action=action,
                source=Source.PREFERENCE_CENTER,
                actor=Actor(kind="contact", id=contact.id),
                number=address_of(contact, MessageType.SMS) if subscription.message_type is MessageType.SMS else None,
                email=contact.email if subscription.message_type is MessageType.EMAIL else None,
                words=words_of(subscription, say).model_copy(update={"act": act}),
                context=context,
                key=f"{key}:{subscription.id}" + (f":{_event(contact, subscription)}" if wanted == "off" else ""),
            )
            for subscription in subscriptions
            if _standing(contact, subscription) != wanted
        ]
        for result in await self._ledger.record_many(changes):
            if isinstance(result, SaysoError):
                raise result
            await self.after(result.event)
            if not result.is_new and wanted == "on":
                await self._still(contact, result.event)

    async def _still(self, contact: Contact, event: ConsentEvent) -> None:
        """Raises Moved if the person no longer stands on this event."""
        now_standing = await self._ledger.contact(contact.id)
        consent = now_standing.consent(event.subscription or "") if now_standing else None
        if consent is None or consent.event != event.event:
            raise Moved


async def _nothing(event: ConsentEvent) -> None:
    """Nobody texts."""


def words_of(subscription: Subscription, say: Translator) -> Words:
    """What the page says of a subscription; `act` is added when there is one."""
    shown = subscription.words(say.locale)
    return Words(
        title=say("Choose what you get"),
        subscription_name=shown.name,
        subscription_description=shown.description,
        locale=say.locale,
        act="",
        subscription_version=subscription.version,
    )


def _event(contact: Contact, subscription: Subscription) -> str:
    consent = contact.consent(subscription.id)
    return consent.event if consent else ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
