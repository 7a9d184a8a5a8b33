"""The database stops in the middle of everything: people are told, keep what they typed, and press again later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.config import Settings
from bot.demo import make_demo
from bot.store import open_store
from bot.store.embedded import EmbeddedServer, embedded_server
from tests.conftest import Visitor, asleep, eventually, serving
from tests.widget.help import Card, Running, faults, read

NOT_SAVED = "Couldn't save. Try again in a moment."


@pytest.fixture
async def own_database(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A server of this test's own, for it is going to be stopped."""
    async with embedded_server(tmp_path / "data") as database:
        yield database


async def fetched(session: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, str]:
    async with session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


@pytest.mark.slow
async def test_nothing_is_lost_and_nothing_happens_twice(own_database: EmbeddedServer, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data=tmp_path, secret_key="d" * 40, form_limit=0)
    async with open_store(own_database.url, "sayso_away") as store:
        await store.prepare()
        await make_demo(store, "http://sayso.test")
        async with serving(store, settings) as server, aiohttp.ClientSession() as session:
            running = Running(server, store, settings, session)
            people = [Visitor(session, running.base) for _ in range(12)]
            for person in people:
                await person.open()
            await _stop_in_the_middle(running, people, own_database)
            await _press_again(running, people)


async def _stop_in_the_middle(running: Running, people: list[Visitor], database: EmbeddedServer) -> None:
    """The first submits are on their way when the database stops answering; the others come after."""
    session, base = running.session, running.base
    link = await running.preference_token(people[-1])
    first = []
    for person in people[:8]:
        first.append(asyncio.create_task(person.submit()))
        await asyncio.sleep(0.002)
    async with asleep(database.pid):
        later = asyncio.gather(*(person.submit() for person in people[8:]))
        health = await fetched(session, f"{base}/healthz")
        assert not later.done(), "what waits for the database holds up nothing else"
        pages = asyncio.gather(
            eventually(partial(_not_ready, running)),
            fetched(session, f"{base}/p/{link}", Accept="text/html"),
            fetched(session, f"{base}/messenger/conversations", **people[-1].headers),
        )
        answers: list[Any] = [*await asyncio.gather(*first), *await later]
        _, page, chats = await pages
    for status, text in answers:
        assert status in {200, 503}
        if status == 503:
            assert faults(json.loads(text)) == [("service_unavailable", NOT_SAVED)]
    assert {status for status, _ in answers[8:]} == {503}
    assert (health[0], json.loads(health[1])["database"]) == (200, "unavailable")
    assert page[0] == 503
    assert "<h1>We&#39;ll be right back</h1>" in page[1]
    assert "Couldn't save" not in page[1], "nothing was to be saved"
    assert (chats[0], faults(json.loads(chats[1]))[0][0]) == (503, "service_unavailable")


async def _not_ready(running: Running) -> bool:
    status, text = await fetched(running.session, f"{running.base}/readyz")
    return (status, json.loads(text)) == (503, {"status": "database unavailable"})


async def _press_again(running: Running, people: list[Visitor]) -> None:
    """In the form that still stands there."""

    async def ready() -> bool:
        return (await fetched(running.session, f"{running.base}/readyz"))[0] == 200

    await eventually(ready)

    async def done(person: Visitor) -> bool:
        status, text = await person.submit()
        return status == 200 and Card(text).state == "completed"

    for person in people:
        await eventually(partial(done, person))
        assert len(await running.events(person)) == 1
    for person in people:
        await running.quiet(person)
        assert [part.content.kind for part in await running.parts(person)] == ["text", "card", "event", "text"]
    texts = await running.bot.phone.texts("+12015550123")
    assert len({text.id for text in texts}) == len(texts)


async def test_the_page_keeps_the_form_when_an_answer_is_no_card(visitor: Visitor, running: Running) -> None:
    """A 503 is no card: were it put in the form's place, what was typed would be gone."""
    async with visitor.session.get(f"{visitor.base}/messenger") as answer:
        meta = read(await answer.text()).one("meta", name="htmx-config")
    config = json.loads(meta.attrs["content"])
    options = running.store.database.client.delegate.options
    longest = options.server_selection_timeout + options.pool_options.socket_timeout
    assert config["timeout"] > longest * 1000, "the page hears of a database that is away before it gives up"

    def rule(status: int) -> dict[str, Any]:
        import re

        return next(
            r for r in config["responseHandling"] if re.fullmatch(r["code"].replace("...", "\\d{3}"), str(status))
        )

    assert [status for status in (200, 409, 422) if rule(status)["swap"]] == [200, 409, 422]
    for status in (401, 404, 413, 500, 502, 503):
        assert rule(status) == {"code": "...", "swap": False, "error": True}
    assert (
        read(visitor.opened["html"]).one("form", class_="card-form").attrs["data-unsent"].startswith("Couldn't save.")
    )
