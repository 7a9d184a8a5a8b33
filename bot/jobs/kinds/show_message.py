"""Shows a chat message to those of its audience who are online."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from bot.contacts.selected import SelectedContacts
from bot.errors import marked as _
from bot.jobs.kind import Batch, JobKind
from bot.jobs.kinds.send_message import SendInput
from bot.model.base import Value
from bot.model.outbound_message import ChatTerms
from bot.model.selection import Selection
from bot.outbound.chat_judge import ChatJudge
from bot.outbound.chat_messages import ChatMessageDelivery
from bot.outbound.chat_rules import NOT_ASKED
from bot.store import Store
from bot.workspace.access import Scope

ONLINE = timedelta(days=1)
"""Who opened the chat this long before the message was started may have it open still."""
PAUSED_SECONDS = 2.0
SHOWN, AWAY = "shown", "away"


class ShowPlace(Value):
    after: str = ""


class ShowMessage(JobKind[SendInput, ShowPlace]):
    """Its id is the message's. While the message is paused it waits."""

    name, title, scope = "show_message", _("Show chat message"), Scope.SEND_MESSAGES
    outcomes: ClassVar[Mapping[str, str]] = {SHOWN: _("Included"), AWAY: _("Not online"), **NOT_ASKED}
    input, checkpoint = SendInput, ShowPlace
    most: ClassVar[int] = 200

    def __init__(self, store: Store, selected: SelectedContacts, delivery: ChatMessageDelivery | None) -> None:
        self._store = store
        self._selected = selected
        self._delivery = delivery
        self._judge = ChatJudge(store)

    @property
    def can_run(self) -> bool:
        return self._delivery is not None

    async def step(self, job: str, input: SendInput, at: ShowPlace, limit: int) -> Batch[ShowPlace]:
        message = await self._store.outbound_messages.get(job)
        if self._delivery is None:
            raise LookupError("this process doesn't show messages")
        if message is None or message.is_ended:
            return Batch(at, 0, is_last=True)
        if not message.is_running:
            return Batch(at, 0, again_after=PAUSED_SECONDS)
        batch = await self._selected.batch(
            Selection(filter=message.filter.as_text()), at.after, limit, input.ordered_at
        )
        online = [c for c in batch.contacts if c.last_seen_at and c.last_seen_at > input.ordered_at - ONLINE]
        refused = await self._judge.of(message.chat or ChatTerms(), online)
        await self._delivery.deliver_to_online(message, [c for c in online if not refused[c.id]])
        outcomes = {c.id: refused.get(c.id, AWAY) or SHOWN for c in batch.contacts}
        place = ShowPlace(after=batch.last or at.after)
        return Batch(place, batch.read, is_last=batch.last is None, counts=Counter(outcomes.values()))
