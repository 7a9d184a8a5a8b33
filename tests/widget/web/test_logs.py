"""Log lines: for machines, with the request's id, and without a person in them."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bot.demo import DEALS
from tests.conftest import Visitor
from tests.widget.help import Running
from widget.web.logs import set_up_logs

SECRETS = ("5550123", "555-0123", "555 0123", "hunter2", "ada@shop.example", "Mozilla/5.0 (Ada)")


class Lines:
    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=["json", "text"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lines(form: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What Sayso writes, down to the least line."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    for handler in before[0]:
        root.removeHandler(handler)
    levels = {name: logging.getLogger(name).level for name in ("pymongo", "asyncio", "aiohttp.access")}
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logs(form, "debug")
    monkeypatch.undo()
    yield Lines(stream)
    root.handlers[:], root.level = before[0], before[1]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


async def test_a_whole_trip_leaves_no_person_in_the_logs(
    lines: Lines, form: str, visitor: Visitor, running: Running
) -> None:
    headers = {**visitor.headers, "User-Agent": "Mozilla/5.0 (Ada)"}
    room = f"{visitor.base}/messenger/conversations/{visitor.conversation}"
    await visitor.open(email="ada@shop.example", page_url="https://shop.example/?code=hunter2")
    status, card = await visitor.submit("+1 201 555 012")
    assert status == 422, card
    status, card = await visitor.submit("+1 (201) 555-0123", page="https://shop.example/?code=hunter2")
    assert status == 200, card
    await running.quiet(visitor)
    message = {"key": "message-1", "text": "My password is hunter2, call 201-555-0123"}
    async with visitor.session.post(f"{room}/messages", json=message, headers=headers) as answer:
        assert answer.status == 200
    token = await running.preference_token(visitor)
    async with visitor.session.get(f"{visitor.base}/p/{token}?utm=hunter2") as answer:
        assert answer.status == 200
    async with visitor.session.post(
        f"{visitor.base}/p/{token}", data={"change": "opt_out", "subscription": DEALS}
    ) as answer:
        assert answer.status == 200
    async with visitor.session.post(f"{visitor.base}/messenger/unread", data=visitor.token) as answer:
        assert answer.status == 200
    async with visitor.session.ws_connect(f"{visitor.base}/messenger/live", origin=visitor.base) as socket:
        await socket.send_json({"type": "hello", "token": visitor.token, "conversation": "hunter2", "after": 0})
        await socket.receive()
    phone = {"number": "+12015550123", "body": "hunter2"}
    async with visitor.session.post(f"{visitor.base}/demo/phone", data=phone) as answer:
        assert answer.status == 200
    async with visitor.session.get(f"{visitor.base}/nothing/hunter2?number=2015550123") as answer:
        assert answer.status == 404
    written = lines.text
    assert "/messenger/conversations/{conversation}/cards/{seq}" in written
    contact = await running.contact(visitor)
    for secret in (*SECRETS, visitor.token or "", token, contact.id):
        assert secret not in written, secret


@pytest.mark.parametrize("form", ["json"])
async def test_each_line_is_one_object_that_names_its_request(lines: Lines, form: str, running: Running) -> None:
    async with running.session.get(f"{running.base}/healthz") as answer:
        id = answer.headers["X-Request-Id"]
    (line,) = [line for line in lines.all if line.get("request_id") == id]
    assert {k: line[k] for k in ("level", "logger", "message", "status")} == {
        "level": "INFO",
        "logger": "sayso.http",
        "message": "GET /healthz",
        "status": 200,
    }
    assert line["ms"] >= 0
    assert line["time"]


async def test_what_breaks_is_logged_without_the_person(
    lines: Lines, form: str, visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"no such contact: +12015550123, {visitor.token}")

    monkeypatch.setattr(running.bot.cards, "card", broken)
    status, _ = await visitor.submit()
    assert status == 500
    assert "request failed" in lines.text
    assert "RuntimeError" in lines.text
    for secret in (*SECRETS, "2015550123", visitor.token or ""):
        assert secret not in lines.text, secret


def test_a_number_that_gets_into_a_message_is_masked(lines: Lines, form: str) -> None:
    log = logging.getLogger("sayso.test")
    log.info("texted %s and %s", "+1 (201) 555-0123", "+447400123456")
    log.info("took %d ms on port %d", 1234, 8080)
    assert "texted ••• and •••" in lines.text.encode().decode("unicode_escape" if form == "json" else "utf-8")
    assert "took 1234 ms on port 8080" in lines.text
