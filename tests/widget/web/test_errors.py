"""What programs rely on: the shape of a refusal, health, figures, and the headers of every answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from multidict import CIMultiDictProxy

from tests.conftest import Visitor
from tests.widget.help import Running, read
from tests.widget.test_live import heard, is_ready


async def ask(running: Running, method: str, path: str, **options: Any) -> tuple[int, Any, CIMultiDictProxy[str]]:
    async with running.session.request(method, running.base + path, **options) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await (answer.json() if is_json else answer.text()), answer.headers


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code", "message"),
    [
        ("GET", "/nothing-here", {}, 404, "not_found", None),
        ("POST", "/nothing-here", {}, 404, "not_found", None),
        ("GET", "/messenger/conversations", {}, 401, "unauthorized", "Reopen the chat to continue."),
        ("GET", "/messenger/open", {}, 405, "action_forbidden", None),
        ("DELETE", "/widget.js", {}, 405, "action_forbidden", None),
        ("POST", "/messenger/open", {"data": b"{"}, 422, "parameter_invalid", "Invalid value"),
        ("POST", "/messenger/open", {"data": b"x" * 70_000}, 413, "parameter_invalid", None),
        ("GET", "/messenger/live", {}, 403, "client_error", None),
        ("GET", "/static/none.css", {}, 404, "not_found", None),
    ],
)
async def test_a_refusal_has_one_shape(
    running: Running, method: str, path: str, options: Any, status: int, code: str, message: str | None
) -> None:
    got, body, headers = await ask(running, method, path, **options)
    assert got == status
    assert set(body) == {"type", "request_id", "errors"}
    assert body["type"] == "error.list"
    assert body["request_id"] == headers["X-Request-Id"]
    (fault,) = body["errors"]
    assert set(fault) == {"code", "message", "field"}
    assert fault["code"] == code
    assert (fault["message"] or "").startswith(message or "")
    assert headers["Content-Type"] == "application/json; charset=utf-8"


async def test_what_broke_is_not_told_to_the_world(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(running.bot.visitors, "enter", broken)
    status, body, _ = await ask(running, "POST", "/messenger/open", json={"conversation": None, "settings": {}})
    assert (status, body["errors"][0]["code"]) == (500, "server_error")
    assert "secret" not in str(body)


async def test_every_answer_names_its_request(running: Running, visitor: Visitor) -> None:
    paths = ("/healthz", "/widget.js", "/static/card.css", "/messenger", "/p/unknown", "/nothing", "/", "/brand.css")
    ids = []
    for path in paths:
        async with running.session.get(running.base + path, allow_redirects=False) as answer:
            ids.append(answer.headers["X-Request-Id"])
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with running.session.get(f"{running.base}/healthz", headers={"X-Request-Id": "mine"}) as answer:
        ids.append(answer.headers["X-Request-Id"])
    async with visitor.session.ws_connect(f"{visitor.base}/messenger/live", origin=visitor.base) as socket:
        ids.append(socket._response.headers["X-Request-Id"])
    assert [id for id in ids if not re.fullmatch(r"[0-9a-f]{24,}", id)] == []
    assert len(set(ids)) == len(ids)


async def test_people_get_a_page_and_programs_get_json(running: Running) -> None:
    html = {"Accept": "text/html,application/xhtml+xml"}
    status, page, headers = await ask(running, "GET", "/nothing-here", headers=html)
    root = read(page)
    assert (status, root.one("h1").text) == (404, "Page not found")
    assert root.one("html").attrs["lang"] == "en"
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    status, body, _ = await ask(running, "GET", "/messenger/conversations", headers=html)
    assert (status, body["type"]) == (401, "error.list")


async def test_a_wrong_method_names_the_right_ones(running: Running) -> None:
    status, _, headers = await ask(running, "GET", "/messenger/open")
    assert (status, headers["Allow"]) == (405, "POST")
    status, page, headers = await ask(running, "PUT", "/p/x", headers={"Accept": "text/html"})
    assert (status, set(headers["Allow"].split(","))) == (405, {"GET", "HEAD", "POST"})
    assert read(page).one("h1").text


async def test_health_and_readiness(running: Running) -> None:
    assert (await ask(running, "GET", "/healthz"))[:2] == (200, {"status": "ok", "database": "ok"})
    assert (await ask(running, "GET", "/readyz"))[:2] == (200, {"status": "ok"})


async def test_figures_name_routes_and_never_people(running: Running, visitor: Visitor) -> None:
    await visitor.submit("call me")
    await visitor.submit()
    await visitor.submit()
    token = await running.preference_token(visitor)
    await ask(running, "GET", f"/p/{token}")
    await ask(running, "GET", "/nothing-here")
    async with visitor.session.ws_connect(f"{visitor.base}/messenger/live", origin=visitor.base) as socket:
        greeting = {"type": "hello", "token": visitor.token, "conversation": visitor.conversation, "after": 2}
        await socket.send_json(greeting)
        await heard(socket, is_ready)
        status, text, headers = await ask(running, "GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4"
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    card = "/messenger/conversations/{conversation}/cards/{seq}"
    assert float(figures[f'sayso_requests_total{{method="POST",route="{card}",status="200"}}']) >= 2
    assert float(figures[f'sayso_requests_total{{method="POST",route="{card}",status="422"}}']) >= 1
    assert float(figures['sayso_requests_total{method="GET",route="/p/{token}",status="200"}']) >= 1
    assert float(figures['sayso_requests_total{method="GET",route="unknown",status="404"}']) >= 1
    assert float(figures[f'sayso_request_seconds_count{{method="POST",route="{card}"}}']) >= 3
    assert float(figures["sayso_open_messengers"]) >= 1
    for result in ("completed", "repeated", "not_a_number"):
        assert float(figures[f'sayso_card_answers_total{{result="{result}"}}']) >= 1
    for secret in (token, visitor.token or "", visitor.conversation, "2015550123", "nothing-here"):
        assert secret not in text
