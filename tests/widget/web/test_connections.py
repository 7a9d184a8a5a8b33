"""Live connections are bounded by process, address and visitor; none of them can take them all."""

from __future__ import annotations

from contextlib import ExitStack

import aiohttp
import pytest

from bot.errors import TooManyConnections
from tests.conftest import Visitor
from tests.widget.help import Running, last_words
from tests.widget.test_live import heard, is_ready
from widget.web.connections import LiveConnections, _descriptors
from widget.web.websocket import CONNECTIONS, TOO_MANY


def test_an_address_can_not_hold_them_all() -> None:
    live = LiveConnections(10, of_address=2)
    with live.of_address("203.0.113.5"), live.of_address("203.0.113.5"):
        with pytest.raises(TooManyConnections), live.of_address("203.0.113.5"):
            pass
        with live.of_address("198.51.100.7"):
            pass
    with live.of_address("203.0.113.5"):
        pass


def test_a_process_holds_no_more_than_it_has_descriptors_for() -> None:
    live = LiveConnections(3, of_address=100)
    with ExitStack() as stack:
        for i in range(3):
            stack.enter_context(live.of_address(f"203.0.113.{i}"))
        with pytest.raises(TooManyConnections), live.of_address("198.51.100.7", is_bounded=False):
            pass
    assert _descriptors() > 0


def test_a_refused_connection_takes_no_place() -> None:
    live = LiveConnections(1, of_address=0)
    for _ in range(5):
        with pytest.raises(TooManyConnections), live.of_address("203.0.113.5"):
            pass
    with live.of_address("203.0.113.5", is_bounded=False):
        pass


async def test_a_full_process_says_so_before_the_upgrade(
    visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.server.app[CONNECTIONS], "most", 0)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await visitor.session.ws_connect(f"{visitor.base}/messenger/live", origin=visitor.base)
    assert refused.value.status == 429


async def test_a_visitor_with_too_many_pages_is_told_so(
    visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(running.server.app[CONNECTIONS].most_of, "visitor", 1)
    hello = {"type": "hello", "token": visitor.token, "conversation": visitor.conversation, "after": 0}
    url = f"{visitor.base}/messenger/live"
    async with visitor.session.ws_connect(url, origin=visitor.base) as first:
        await first.send_json(hello)
        await heard(first, is_ready)
        async with visitor.session.ws_connect(url, origin=visitor.base) as second:
            await second.send_json(hello)
            assert await last_words(second) == ([], TOO_MANY)
