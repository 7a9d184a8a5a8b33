"""The preference center: what a person sees of their own choices, and how they change them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.consent.ledger import Change, Ledger
from bot.consent.numbers import address_of
from bot.errors import Invalid, NotFound, SaysoError
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, Context, Source, Words
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
        self, contact: Contact, subscription: str, change: str, *, key: str, say: Translator, context: Context
    ) -> Subscription:
        """Turns one subscription on or off. Raises Invalid (no such change, or nothing live of this name to change)."""
        if change not in CHANGES:
            raise Invalid(_("Choose a subscription to turn on or off."))
        found = await self._store.subscriptions.get(subscription)
        if found is None or not found.is_live or not address_of(contact, found.message_type):
            raise Invalid(_("This subscription is no longer offered. Nothing was changed."))
        await self._record(contact, [found], CHANGES[change], key=key, say=say, context=context)
        return found

    async def stop_all(self, contact: Contact, *, key: str, say: Translator, context: Context) -> None:
        """Turns off every text."""
        texts = [
            c.subscription
            for c in choices(contact, await self.live())
            if c.subscription.message_type is MessageType.SMS
        ]
        await self._record(contact, texts, Action.OPT_OUT, key=key, say=say, context=context)

    async def _record(
        self,
        contact: Contact,
        subscriptions: Sequence[Subscription],
        action: Action,
        *,
        key: str,
        say: Translator,
        context: Context,
    ) -> None:
        """Records what differs from how the person stands; the rest is as they want it already."""
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
                words=_words(subscription, action, say),
                context=context,
                key=f"{key}:{subscription.id}",
            )
            for subscription in subscriptions
            if _standing(contact, subscription) != wanted
        ]
        for result in await self._ledger.record_many(changes):
            if isinstance(result, SaysoError):
                raise result


def _words(subscription: Subscription, action: Action, say: Translator) -> Words:
    shown = subscription.words(say.locale)
    return Words(
        title=say("Choose the texts you get"),
        subscription_name=shown.name,
        subscription_description=shown.description,
        locale=say.locale,
        act=f'turned "{shown.name}" {"on" if action is Action.OPT_IN else "off"}',
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
