"""The preference center: the person's subscriptions and changing them."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from bot.aio.batching import Batcher
from bot.consent.changes import ConsentChange
from bot.consent.choices import Choice, choices, numbers_of, preference_words, reached_at, state_on
from bot.consent.form_limits import FormLimits, OneFormText
from bot.consent.ledger import Ledger
from bot.consent.permission import records_no, yes_action
from bot.consent.preference_links import find_links, token_hash
from bot.consent.recorder import ChangeRecorder, PreferenceToggle, change_of, stands_on
from bot.consent.undo import NOT_OFFERED, PreferenceUndo, undoable
from bot.errors import Conflict, Invalid, NotFound, NumberStopped, WordsChanged
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, ConsentEvent, Context
from bot.model.preference_link import PreferenceLink
from bot.model.subscription import MessageType, Subscription
from bot.store import Store

CHANGES = {"opt_in", "opt_out", "cancel"}
"""All but the first opt out: by the toggle, and of a pending confirmation."""
CHAT_LINK = timedelta(days=2)
"""How long a link created in the chat is valid."""


@dataclass(frozen=True, slots=True)
class PreferenceView:
    """The data of one preference center page."""

    link: PreferenceLink
    contact: Contact
    live: Sequence[Subscription]
    stopped: frozenset[str]
    """The person's numbers that are on the stop list."""

    @property
    def choices(self) -> list[Choice]:
        return choices(self.contact, self.live, stopped=self.stopped)


@dataclass(frozen=True, slots=True)
class PreferenceResult:
    """The result of one change. The same request again has the same result."""

    contact: Contact
    subscription: Subscription | None = None
    state: str = ""
    """Of the changed subscription, as in `Choice`; empty if there were several."""
    undo: tuple[tuple[str, str], ...] = ()
    """Input of `undo`: each change, and the version of the wording shown with it; empty if none can be undone."""
    is_partial: bool = False
    """Of an undo: some of the changes could not be undone."""
    is_change: bool = False
    """Whether it recorded something, now or at an earlier try."""


class Preferences:
    def __init__(self, store: Store, ledger: Ledger, limits: FormLimits, *, secret: str, link_days: int) -> None:
        self._store = store
        self._secret = secret.encode()
        self._limits = limits
        self._ledger = ledger
        self._link_days = link_days
        self._recorder = ChangeRecorder(store, ledger)
        self._undo = PreferenceUndo(ledger, self._recorder)
        self.look: Batcher[str, PreferenceView] = Batcher(self._look_round)
        """Everything that a token's page shows, read after the call. Raises NotFound for an unknown, revoked or expired
        token."""

    async def make_link(self, contact: str, channel: MessageType) -> str:
        """A new token for the contact. It is shown once: only its hash is stored (law 11)."""
        token = secrets.token_urlsafe(16)
        await self._keep_link(token, contact, channel, timedelta(days=self._link_days))
        return token

    async def chat_link(self, contact: str, channel: MessageType) -> str:
        """A token for a person who opens their preferences from the chat. It is derived like the tokens in texts, one a
        day, so that clicks store one document at most; after a revocation, the next one is used."""
        day = now().date()
        for number in count():
            cause = f"preference-link:chat:{contact}:{channel}:{day}" + (f":{number}" if number else "")
            token = urlsafe_b64encode(hmac.digest(self._secret, cause.encode(), "sha256")[:16]).rstrip(b"=").decode()
            if await self._keep_link(token, contact, channel, CHAT_LINK):
                break
        return token

    async def _keep_link(self, token: str, contact: str, channel: MessageType, lasts: timedelta) -> bool:
        """False: it was revoked."""
        time = now()
        link = PreferenceLink(
            id=token_hash(token), contact=contact, channel=channel, created_at=time, expires_at=time + lasts
        )
        await self._store.preference_links.keep(link)
        kept = await self._store.preference_links.get(link.id)
        return kept is not None and not kept.revoked_at

    async def _look_round(self, tokens: list[str]) -> list[PreferenceView | Exception]:
        """Five queries, shared by concurrent callers."""
        hashes = {token: token_hash(token) for token in tokens}
        kept, live = await asyncio.gather(find_links(self._store, {*hashes.values()}), self.live())
        time = now()
        good = {id: link for id, link in kept.items() if not link.revoked_at and link.expires_at >= time}
        contacts = await self._ledger.contacts(link.contact for link in good.values())
        stopped = await self._store.stops.stopped(number for c in contacts.values() for number in numbers_of(c))

        def view(token: str) -> PreferenceView | Exception:
            link = good.get(hashes[token])
            contact = contacts.get(link.contact) if link else None
            if link is None or contact is None:
                return NotFound()
            return PreferenceView(link, contact, live, frozenset(stopped & numbers_of(contact)))

        return [view(token) for token in tokens]

    async def look_again(self, view: PreferenceView, contact: Contact) -> PreferenceView:
        """The page after a change; `contact` is the result of the change. The rest was read in the same request."""
        is_known = numbers_of(contact) <= numbers_of(view.contact)
        stopped = view.stopped if is_known else await self._recorder.stopped(contact)
        return PreferenceView(view.link, contact, view.live, stopped)

    async def revoke(self, contact: str) -> None:
        """Revokes all links of the contact."""
        await asyncio.gather(
            self._store.preference_links.revoke_all(contact), self._store.deliveries.revoke_links(contact)
        )

    async def live(self) -> Sequence[Subscription]:
        """The live subscriptions (law 9)."""
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
        seen: PreferenceView | None = None,
    ) -> PreferenceResult:
        """Makes one of `CHANGES` to one subscription. `version` names the wording that the person saw
        (`preference_words`); `seen`: the page as this request has read it, which need not be read twice.

        Raises Invalid (unknown change, or no such live subscription), WordsChanged (an opt-in needs the wording that
        was shown) and NumberStopped. An opt-out is accepted whatever was shown.
        """
        if change not in CHANGES:
            raise Invalid(_("Choose a subscription to turn on or off."))
        found = await self._find(subscription, seen)
        if found is None or not found.is_live or not reached_at(contact, found):
            raise Invalid(NOT_OFFERED)
        toggle = PreferenceToggle(key, _act(change, found, say), say, context)
        if change == "opt_in":
            if preference_words(found, say).version != version:
                raise WordsChanged
            return await self._yes(contact, found, toggle, seen)
        return await self._no(contact, [await self._recorder.as_shown(found, version, say)], toggle)

    async def stop_all(
        self, contact: Contact, *, shown: Mapping[str, str], key: str, say: Translator, context: Context
    ) -> PreferenceResult:
        """Opts out of every SMS subscription, whatever its state: it could be put live later. The number is not put on
        the stop list: only its own STOP does that. `shown`: by subscription, the version of the wording that the person
        saw."""
        found = await self._store.subscriptions.texts()
        texts = [await self._recorder.as_shown(text, shown.get(text.id, ""), say) for text in found]
        toggle = PreferenceToggle(key, f'pressed "{say("Unsubscribe from all SMS")}"', say, context)
        return await self._no(contact, texts, toggle, of_all=True)

    async def undo(
        self, contact: Contact, events: Mapping[str, str], *, say: Translator, context: Context
    ) -> PreferenceResult:
        """See `PreferenceUndo.undo`."""
        texts, live = await asyncio.gather(self._store.subscriptions.texts(), self.live())
        known = {subscription.id: subscription for subscription in (*texts, *live)}
        after, is_partial = await self._undo.undo(contact, events, known, say=say, context=context)
        return PreferenceResult(after, is_partial=is_partial)

    async def _find(self, subscription: str, seen: PreferenceView | None) -> Subscription | None:
        if seen is None:
            return await self._store.subscriptions.get(subscription)
        return next((live for live in seen.live if live.id == subscription), None)

    async def _yes(
        self, contact: Contact, subscription: Subscription, toggle: PreferenceToggle, seen: PreferenceView | None
    ) -> PreferenceResult:
        """Records an opt-in, unless it is on already or waits for the YES by text, which a button can't replace.

        Raises Conflict for a late retry of an opt-in that was overridden since.
        """

        async def decide(judged: Contact) -> ConsentChange | None:
            is_as_seen = seen is not None and judged is seen.contact
            stopped = seen.stopped if seen and is_as_seen else await self._recorder.stopped(judged)
            state = state_on(judged, subscription, stopped=stopped)
            if state == "stopped":
                raise NumberStopped
            key = f"{toggle.key}:{subscription.id}"
            if state not in {"off", "weak"}:
                return None
            return await text.limited(change_of(judged, subscription, yes_action(subscription), toggle, key), judged)

        text = OneFormText(self._limits, toggle.context.ip)
        contact, recorded = await text.decide(self._ledger, contact, decide)
        if recorded and not stands_on(contact, recorded.event):
            raise Conflict
        made = [recorded.event] if recorded else await self._recorder.earlier(contact, [subscription], toggle)
        undo = undoable(contact, made, [subscription], toggle)
        return PreferenceResult(contact, subscription, state_on(contact, subscription), undo, is_change=bool(made))

    async def _no(
        self,
        contact: Contact,
        subscriptions: Sequence[Subscription],
        toggle: PreferenceToggle,
        *,
        of_all: bool = False,
    ) -> PreferenceResult:
        """Records each opt-out that has an effect (`records_no`).

        The key includes the event it overrides, so that a page restored by "Back" can opt out again.
        """
        made: list[ConsentEvent] = []
        for subscription in subscriptions:

            async def decide(judged: Contact, subscription: Subscription = subscription) -> ConsentChange | None:
                consent = judged.consent(subscription.id)
                key = f"{toggle.key}:{subscription.id}:{consent.event if consent else ''}"
                is_any = records_no(subscription, consent, of_all=of_all)
                return change_of(judged, subscription, Action.OPT_OUT, toggle, key) if is_any else None

            contact, recorded = await self._ledger.decide(contact, decide)
            made += [recorded.event] if recorded else []
        made = made or await self._recorder.earlier(contact, subscriptions, toggle)
        undo = undoable(contact, made, subscriptions, toggle)
        one = subscriptions[0] if len(subscriptions) == 1 else None
        return PreferenceResult(contact, one, state_on(contact, one) if one else "", undo, is_change=bool(made))


def _act(change: str, subscription: Subscription, say: Translator) -> str:
    """The person's act, in the wording of the page."""
    if change == "cancel":
        return f'pressed "{say("Cancel")}"'
    return f'turned "{subscription.words(say.locale).name}" {"on" if change == "opt_in" else "off"}'
