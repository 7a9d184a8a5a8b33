"""Law 10: whoever follows a link, a browser, a prefetcher or a mail scanner, changes nothing by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from bot.demo import DEALS
from bot.model.base import new_id
from bot.store import Store
from tests.conftest import Visitor
from tests.widget.desk import at_desk
from tests.widget.help import Running

OF_PROCESSES = {"leases", "event_cursors", "checkpoint_heads", "outcome_cursors", "flow_days"}
"""What processes note of their own work, whoever looks; figures of earlier acts are written some seconds later."""
OF_READERS = {"audit_log"}
"""Who downloaded what."""
PREFETCH = {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch", "Accept": "text/html"}


async def everything(store: Store) -> dict[str, list[Any]]:
    names = set(await store.database.list_collection_names()) - OF_PROCESSES - OF_READERS
    found = {name: await store.database[name].find({}).sort("_id", 1).to_list(None) for name in sorted(names)}
    for noted in (*found["teammates"], *found["sessions"]):
        noted.pop("last_seen_at", None)  # that a teammate is there is noted once a minute
    for counts in found["consent_counts"]:  # their position in the change stream moves on, each half minute
        del counts["token"], counts["revision"], counts["moved_at"]
    return found


async def test_looking_at_every_address_changes_nothing(
    server: TestServer, visitors: Callable[[], Visitor], demo_store: Store, settings: Any
) -> None:
    person = visitors()
    running = Running(server, demo_store, settings, person.session)
    await person.open()
    await person.submit()
    await running.quiet(person)
    token = await running.preference_token(person)
    contact = (await running.contact(person)).id
    values = {"token": token, "conversation": person.conversation, "seq": "2", "path": "card.css", "id": DEALS}
    values |= {
        "contact": contact,
        "contact_id": contact,
        "subscription_id": DEALS,
        "keyword": "join",
        "subscription": DEALS,
        "name": "proof",
        "reply": new_id(),
        "area": "bots",
        "rest": "x",
        "format": "csv",
        "key": "city",
    }
    routes = {
        (route.method, route.resource.canonical.format_map(defaultdict(new_id, values)))
        for route in server.app.router.routes()
        if route.method in {"GET", "HEAD"} and route.resource
    }
    assert {("GET", f"/p/{token}"), ("HEAD", f"/p/{token}"), ("GET", "/messenger/live")} <= routes
    assert len(routes) >= 30

    async with at_desk(person.base) as ada:
        before = await everything(demo_store)
        assert before["events"]
        for session in (person.session, ada.session):  # a visitor, and an admin who is signed in
            for method, path in sorted(routes):
                await _look(session, method, person.base + path, person.headers)
    async with person.session.ws_connect(f"{person.base}/messenger/live", origin=person.base) as socket:
        greeting = {"type": "hello", "token": person.token, "conversation": person.conversation, "after": 0}
        await socket.send_json(greeting)
        await socket.receive_json()
    assert await everything(demo_store) == before


async def test_a_link_takes_no_change_by_get(visitor: Visitor, running: Running) -> None:
    await visitor.submit()
    token = await running.preference_token(visitor)
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        url = f"{visitor.base}/p/{token}?change=stop_all"
        async with visitor.session.request(method, url, data={"change": "stop_all"}) as answer:
            assert answer.status == (200 if method in {"GET", "HEAD"} else 405)
            assert bool(await answer.read()) == (method != "HEAD")
    assert len(await running.events(visitor)) == 1


async def _look(session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str]) -> None:
    for query in ("", "?before=9&change=stop_all&confirm=1&number=%2B12015550123&locale=es&act=save&state=archived"):
        for more in ({}, PREFETCH):
            async with session.request(
                method, url + query, headers={**headers, **more}, allow_redirects=False
            ) as answer:
                await answer.read()
                assert answer.status < 500, (method, url)
