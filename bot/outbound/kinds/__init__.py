"""The kinds of text that Sayso sends: one class per file, one line here."""

from __future__ import annotations

from bot.model.delivery import DeliveryKind
from bot.model.event import ConsentEvent
from bot.outbound.kinds.base import Facts, TextKind, TextLimit
from bot.outbound.kinds.confirmation import Confirmation, Confirmed
from bot.outbound.kinds.flow_reply import FlowReply
from bot.outbound.kinds.flow_text import FlowText
from bot.outbound.kinds.keyword_answer import KeywordAnswer
from bot.outbound.kinds.message import Message
from bot.outbound.kinds.outbound import Outbound, Test
from bot.outbound.kinds.question import AskBack, Question

ALL: tuple[TextKind, ...] = (
    Confirmation(),
    Confirmed(),
    Question(),
    AskBack(),
    KeywordAnswer(),
    Message(),
    Outbound(),
    FlowText(),
    FlowReply(),
    Test(),
)
KINDS: dict[DeliveryKind, TextKind] = {kind.name: kind for kind in ALL}


def kind_for(event: ConsentEvent) -> TextKind | None:
    """The kind of text that a recorded event asks for, if any."""
    if event.number is None or event.subscription is None or event.stopped:
        return None
    return next((kind for kind in ALL if kind.follows(event)), None)


def names(*limits: TextLimit) -> list[DeliveryKind]:
    """Kinds with these limits."""
    return [kind.name for kind in ALL if kind.limit in limits]


__all__ = ["ALL", "KINDS", "Facts", "TextKind", "TextLimit", "kind_for", "names"]
