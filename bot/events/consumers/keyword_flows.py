"""Starts the flow of a keyword whose sign-up was recorded by a process that was killed before it started."""

from __future__ import annotations

from collections.abc import Sequence

from bot.events.consumers.base import Consumer, for_each
from bot.model.event import ConsentEvent, Source
from bot.outbound.inbound import Inbound
from bot.outbound.keyword_sign_ups import KEYED, TEXTED


class StartKeywordFlows(Consumer):
    name = "keyword_flows"
    after_crash_only = True

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await for_each([event for event in events if _is_by_keyword(event)], self._start)

    async def _start(self, event: ConsentEvent) -> None:
        text_id = event.key.removeprefix(f"{event.contact}:{KEYED}")
        if event.words and event.number:
            text = event.words.act.removeprefix(TEXTED).removesuffix('"')
            await self._inbound.start_flow_of(event.words.keyword or "", event.number, text, text_id)


def _is_by_keyword(event: ConsentEvent) -> bool:
    is_keyed = event.key.startswith(f"{event.contact}:{KEYED}")
    return event.source is Source.KEYWORD and is_keyed and bool(event.words and event.words.keyword)
