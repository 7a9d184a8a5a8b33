"""Growth: the inbox asks the same few questions of many conversations and a long thread as of twenty, and the database
looks at a page for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from bot.app import make_bot
from bot.chat.inbox import LOOKED_AT
from bot.config import Settings
from bot.demo import teammates
from bot.model.base import folded_words
from bot.model.contact import Contact
from bot.model.conversation import RANK_OF_UNREAD, Author, AuthorKind, Conversation, Newest, Part, Text
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from bot.store.numbered_log import NumberedLog
from tests.people import AT
from tests.store.wire import Query, Wire, explainable, listened_to, stages_of
from tests.widget.desk import Desk, at_desk
from widget.app import make_app

FEW, SHORT = 20, 200
THREAD = f"{0:024x}"
INDEXED = {"IXSCAN", "IDHACK", "CLUSTERED_IXSCAN", "COUNT_SCAN", "EOF"}
"""EOF: of a collection that is not there yet."""
ADA = teammates()[0].id


@pytest.mark.parametrize(("many", "long"), [(400, 2_000), pytest.param(2_000, 20_000, marks=pytest.mark.soak)])
async def test_the_inbox_asks_no_more_and_looks_at_no_more_as_it_grows(
    demo_store: Store, mongo: EmbeddedServer, settings: Settings, many: int, long: int
) -> None:
    if mongo.engine != "mongod":
        pytest.skip("plans are a real server's")
    async with listened_to(mongo) as (store, wire), _at_work(store, settings) as desk:
        await _grow(demo_store, range(FEW), range(1, SHORT + 1))
        await desk.get("/inbox")  # once a minute, a teammate's visit is noted
        before = {name: await _asked(desk, wire, path) for name, path in _pages(FEW, SHORT).items()}
        await _grow(demo_store, range(FEW, many), range(SHORT + 1, long + 1))
        after = {name: await _asked(desk, wire, path) for name, path in _pages(many, long).items()}
    assert {name: _kinds(after[name]) for name in after} == {name: _kinds(before[name]) for name in before}
    asked = [(name, query) for name, queries in after.items() for query in queries]
    faults = [f"{name}: {fault}" for name, query in asked for fault in await _faults(demo_store, query)]
    assert faults == []


def _pages(conversations: int, parts: int) -> dict[str, str]:
    middle = conversations // 2
    place, sign_up = (
        f"{_rank(middle).isoformat()},{id}".replace("+", "%2B") for id in (_id(middle), _sign_up_id(middle))
    )
    return {
        "the list": "/inbox",
        "mine": "/inbox?whose=mine",
        "sign-ups": "/inbox?whose=sign_ups",
        "a page in the middle of the sign-ups": f"/inbox/list?whose=sign_ups&before={sign_up}",
        "a page in the middle": f"/inbox/list?before={place}",
        "a page in the middle of nobody's": f"/inbox/list?whose=unassigned&before={place}",
        "the thread": f"/inbox/{THREAD}",
        "entries in the middle": f"/inbox/{THREAD}/parts?before={parts // 2}",
        "the panel": f"/inbox/contacts/{THREAD}/panel",
        "the history": f"/inbox/contacts/{THREAD}/history",
        "a name": "/inbox?q=maya",
        "words that many wrote": "/inbox?q=hello+coffee",
        "words of one entry": f"/inbox?q=hello+nr{parts // 2}",
        "a number": "/inbox?q=5550",
    }


@asynccontextmanager
async def _at_work(store: Store, settings: Settings) -> AsyncIterator[Desk]:
    """Ada at her desk. The work behind the requests rests: it would ask things of its own meanwhile."""
    bot = await make_bot(settings, store, "http://sayso.test")
    bot.running = nullcontext  # type: ignore[assignment,method-assign]
    async with (
        TestServer(make_app(bot), host="127.0.0.1") as server,
        at_desk(str(server.make_url("")).rstrip("/")) as d,
    ):
        yield d


async def _asked(desk: Desk, wire: Wire, path: str) -> list[Query]:
    """What opening a page asks of the database: queries alone, each answered at once."""
    wire.commands.clear()
    assert (await desk.get(path))[0] == 200
    assert [name for name, _ in wire.commands] == [name for name, _ in wire.queries]
    return wire.queries


def _kinds(asked: list[Query]) -> Counter[str]:
    """How often which collection was asked. The workspace is read anew every few seconds, whoever asks."""
    return Counter(f"{name} {command[name]}" for name, command in asked if command[name] != "workspaces")


async def _faults(store: Store, query: Query) -> list[str]:
    name, command = query
    faults = []
    for one in explainable(name, command):
        plan = await store.database.command({"explain": one, "verbosity": "executionStats"})
        stages, most = set(stages_of(plan)), _most(command)
        looked_at = max(_figures(plan, "totalDocsExamined"))
        if stages & {"COLLSCAN", "SORT"} or not stages & INDEXED or looked_at > most:
            faults.append(f"{one}: {sorted(stages)}, {looked_at} documents for {most}")
    return faults


def _most(command: Mapping[str, Any]) -> int:
    """Documents that may be looked at: as many as are asked for, but never more than a search may."""
    limits = [stage["$limit"] for stage in command.get("pipeline", []) if "$limit" in stage]
    most = limits[0] if limits else command["limit"]
    return min(int(most), LOOKED_AT) + 1


def _figures(plan: Any, name: str) -> list[int]:
    """This figure, wherever it stands in the explanation."""
    if isinstance(plan, Mapping):
        own = [plan[name]] if isinstance(plan.get(name), int) else []
        return own + [n for value in plan.values() for n in _figures(value, name)]
    return [n for value in plan for n in _figures(value, name)] if isinstance(plan, list) else []


# --- what there is


async def _grow(store: Store, conversations: range, parts: range) -> None:
    """One in two is unread, one in three is Ada's; the first has the long thread."""
    await store.contacts.insert_many([_contact(i) for i in conversations])
    await store.conversations.insert_many([_conversation(i) for i in conversations])
    await store.conversations.insert_many([_sign_up(i) for i in conversations])
    await store.parts.insert_many([_part(seq) for seq in parts])
    await store.conversations.update({"_id": THREAD}, {"$set": {"last": parts[-1]}})


def _id(i: int) -> str:
    return f"{i:024x}"


def _rank(i: int) -> Any:
    """Three stand at one place."""
    return AT + timedelta(minutes=i // 3) + (RANK_OF_UNREAD if i % 2 else timedelta())


def _contact(i: int) -> Contact:
    return Contact(id=_id(i), name=f"Maya {i}", phone=f"+1201555{i:04}", created_at=AT, updated_at=AT)


def _conversation(i: int) -> Conversation:
    return Conversation(
        id=_id(i),
        contact=_id(i),
        begun=True,
        last=3,
        called=3 * (i % 2),
        newest=Newest(seq=3, author=AuthorKind.CONTACT),
        preview="Hello",
        assignee=ADA if i % 3 == 0 else "",
        rank=_rank(i),
        created_at=AT,
        updated_at=AT + timedelta(minutes=i // 3),
    )


def _sign_up_id(i: int) -> str:
    return _id(10**6 + i)


def _sign_up(i: int) -> Conversation:
    bot_alone = {"id": _sign_up_id(i), "begun": None, "called": 0, "signed_up": 3, "sign_up_rank": _rank(i)}
    return _conversation(i).model_copy(update=bot_alone)


def _part(seq: int) -> Part:
    text = f"Hello, the coffee of order nr{seq} is cold"
    kind = AuthorKind.TEAMMATE if seq % 2 else AuthorKind.CONTACT
    return Part(
        id=NumberedLog.entry_id(THREAD, seq),
        conversation=THREAD,
        seq=seq,
        author=Author(kind=kind, id=ADA if seq % 2 else THREAD),
        content=Text(text=text),
        at=AT + timedelta(seconds=seq),
        key=f"{THREAD}:{seq}",
        words=folded_words(text),
    )
