"""Chat messages: starting, pausing and ending them, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.consent.placeholders import fill_variables
from bot.errors import Conflict, FormWrong, Invalid, NotFound
from bot.errors import marked as _
from bot.jobs.outbound_messages import OutboundMessages
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.teammate import By
from bot.outbound.chat_messages import ChatMessageDelivery
from bot.store import Store
from bot.store.outbound_messages import MOST_RUNNING
from bot.workspace.audit import AuditLog

ChatAct = Literal["pause", "resume", "end"]
TOO_MANY = _("You already have %(most)s chat messages running. End one to start another.")
ENDED = _("This message has ended.")
RECORDED = {
    "pause": AuditAction.MESSAGE_PAUSED,
    "resume": AuditAction.MESSAGE_RESUMED,
    "end": AuditAction.MESSAGE_ENDED,
}


@dataclass(frozen=True, slots=True)
class ChatFigures:
    """People. `unconfirmed`: they signed up, and their number hasn't confirmed it."""

    shown: int
    signed_up: int
    unconfirmed: int
    dismissed: int = 0

    @property
    def unanswered(self) -> int:
        return max(self.shown - self.signed_up - self.unconfirmed - self.dismissed, 0)


class ChatMessages:
    def __init__(self, store: Store, outbound: OutboundMessages, delivery: ChatMessageDelivery) -> None:
        self._store = store
        self._table = store.outbound_messages
        self._outbound = outbound
        self._delivery = delivery
        self._audit = AuditLog(store)

    async def start(self, id: str, version: int, by: By) -> OutboundMessage:
        """Shows it from now on. Raises NotFound, Conflict, Invalid and FormWrong."""
        draft = await self._outbound.draft(id, version)
        if draft.chat is None:
            raise NotFound(_("Message not found."))
        await self._check(draft, draft.chat)
        values = {"filter": await self._outbound.audience.filter(draft), "is_running": True}
        started = await self._outbound.ordered(draft, values, by, has_job=draft.chat.at_once)
        self._delivery.changed()
        return started

    async def act(self, id: str, act: ChatAct, by: By) -> None:
        """Pauses, resumes or ends it, in every process within a second. Raises NotFound, and Conflict if it ended."""
        message = await self._outbound.get(id)
        if message.chat is None:
            raise NotFound(_("Message not found."))
        if message.is_ended:
            raise Conflict(ENDED)
        if act == "resume":
            await self._make_room()
        done = await (self._table.end(id, now()) if act == "end" else self._table.run(id, is_running=act == "resume"))
        if not done:
            raise Conflict(ENDED)
        self._delivery.changed()
        await self._audit.record(by, RECORDED[act], message.name)

    async def figures(self, id: str) -> ChatFigures:
        shown, dismissed = await self._store.chat_deliveries.count(id)
        return ChatFigures(shown, *await self._store.events.answers_to(id), dismissed)

    async def _check(self, draft: OutboundMessage, terms: ChatTerms) -> None:
        """Raises Invalid and FormWrong."""
        if not fill_variables(draft.text(draft.language), {}).strip():
            raise FormWrong({"text": _("Write a message first.")})
        if bare := [code for code, text in draft.texts.items() if not fill_variables(text, {}).strip()]:
            raise FormWrong({f"texts.{bare[0]}": _("Write more than variables: some people have no value for them.")})
        if terms.ends_at and terms.ends_at <= now():
            raise FormWrong({"ends_at": _("Choose a time in the future.")})
        if terms.card:
            subscription = await self._store.subscriptions.get(terms.card.subscription)
            if subscription is None or not subscription.is_live:
                raise FormWrong({"text": _("The form's subscription is no longer live. Change the form or remove it.")})
        await self._make_room()

    async def _make_room(self) -> None:
        """Raises Invalid."""
        await self._table.stop_ended()
        if len(await self._delivery.running()) >= MOST_RUNNING:
            raise Invalid(TOO_MANY, most=str(MOST_RUNNING))
