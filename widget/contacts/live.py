"""Live rows: tells a page of the list which of its rows to load again, and how many contacts are new."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web
from multidict import MultiDict
from pydantic import Field

from bot.chat.feed import CONTACTS, SUBSCRIPTIONS, News, Told
from bot.consent.choices import numbers_of
from bot.errors import FilterTooBroad, Invalid, NotFound, StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.filter import Filter
from widget.contacts.columns import version_of
from widget.contacts.query import asked_in
from widget.web import websocket
from widget.web.http import BOT, METRICS
from widget.web.input import JsonInput, parse
from widget.web.live_session import LiveSession
from widget.web.teammate_pages import Scope, requires, translator_for

AT_ONCE = 100
"""Rows in one message."""
MOST = 500
"""Rows that one page can follow; further ones aren't live."""
HINT_SECONDS = 0.3
"""Changes within this time become one message."""
CHECK_SECONDS = 15.0
"""How often the session is checked: it can expire."""

TEXT_SECONDS = 2.0
"""How often an open profile looks for changes of its texts."""
JUST_DRAWN = timedelta(seconds=30)
"""What changed within this time may be newer than the page."""
MOST_TEXTS = 20
"""Those that it looks at."""
MOST_NEW = 500
"""New contacts that are counted."""

Row = Annotated[str, Field(pattern=r"^[0-9a-f]{24}:[0-9]{1,15}:[0-9]{1,15}$")]


class RowsShown(JsonInput):
    """Rows of the page, each as contact, sequence of their last event, and version (`version_of`)."""

    type: Literal["follow"]
    rows: Annotated[tuple[Row, ...], Field(max_length=AT_ONCE)]
    view: Annotated[str, Field(max_length=10_000)] | None = None
    """The query of the list's address: new contacts who match it are counted. None: it isn't a list."""
    texts: bool = False
    """A profile, which also shows what became of texts."""


async def live(request: web.Request) -> web.StreamResponse:
    return await websocket.hold(request, lambda socket: ContactsConnection(request, socket).run())


class ContactsConnection:
    def __init__(self, request: web.Request, socket: websocket.Socket) -> None:
        self._request, self._socket, self._bot = request, socket, request.app[BOT]
        self._session = LiveSession(request, socket, Scope.READ_CONTACTS)
        self._rows: set[str] = set()
        self._by_number: defaultdict[str, set[str]] = defaultdict(set)
        self._new: dict[str, None] = {}
        self._told_new = 0

    async def run(self) -> None:
        first = await websocket.greeting(self._socket, RowsShown)
        if first is None:
            return
        self._accounts = await self._session.topics()
        sockets = self._request.app[METRICS].sockets
        self._filter = await self._filter_of(first)
        news = (CONTACTS,) if self._filter else ()
        with self._bot.feed.follow(*self._accounts, *news, SUBSCRIPTIONS) as self._follower, sockets.track_inprogress():
            if await self._session.is_over():
                return
            await self._follow(first)
            await websocket.send(self._socket, {"type": "ready"})
            works = [self._send, self._stay]
            if first.texts and first.rows:
                works.append(partial(self._tell_texts, first.rows[0].partition(":")[0]))
            async with websocket.telling(self._socket, *works):
                await self._receive()

    async def _receive(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await self._follow(parse(RowsShown, message.data))

    async def _follow(self, shown: RowsShown) -> None:
        """Follows the rows before it looks for changes since the page was drawn, so that none is missed."""
        drawn = dict(row.split(":", 1) for row in shown.rows[: MOST - len(self._rows)])
        self._rows |= drawn.keys()
        self._bot.feed.also(self._follower, *drawn)
        contacts = await self._bot.ledger.contacts(drawn)
        self._follow_numbers(contacts.values())
        await self._tell(id for id, contact in contacts.items() if version_of(contact) != drawn[id])

    def _follow_numbers(self, contacts: Iterable[Contact]) -> None:
        for contact in contacts:
            for number in numbers_of(contact):
                self._by_number[number].add(contact.id)
                self._bot.feed.also(self._follower, number)

    async def _stay(self) -> None:
        while not self._socket.closed:
            await asyncio.sleep(CHECK_SECONDS)
            await self._session.is_over()

    async def _tell_texts(self, contact: str) -> None:
        """Looks again and again: a signal for each change of each text would be a write for each, and few are seen."""
        known: list[tuple[str, datetime]] | None = None
        while not self._socket.closed:
            with suppress(StoreUnavailable):
                found = await self._texts(contact)
                drawn_before = known is None and any(now() - at < JUST_DRAWN for _id, at in found)
                if drawn_before or known not in (None, found):
                    await websocket.send(self._socket, {"type": "texts"})
                known = found
            await asyncio.sleep(TEXT_SECONDS)

    async def _texts(self, contact: str) -> list[tuple[str, datetime]]:
        """The newest texts, each with its last change."""
        found = await self._bot.store.deliveries.to_contact(contact, None, MOST_TEXTS)
        return [(text.id, text.updated_at) for text in found]

    async def _send(self) -> None:
        while True:
            changed = await self._changed(await self._follower.next())
            await asyncio.sleep(HINT_SECONDS)
            while not self._follower.is_idle:
                changed |= await self._changed(await self._follower.next())
            self._follow_numbers((await self._bot.ledger.contacts(changed)).values())
            await self._tell(changed)
            await self._tell_new()

    async def _changed(self, news: Told) -> set[str]:
        """The rows that it is about: all of them if something may be missing, or if a subscription changed."""
        topic = news.topic if isinstance(news, News) else ""
        if isinstance(news, News) and topic == CONTACTS:
            if len(self._new) < MOST_NEW:
                self._new[news.id] = None
            return set()
        if topic in self._accounts:
            await self._session.is_over()
            return set()
        if topic in {"", SUBSCRIPTIONS}:
            return self._rows.copy()
        return {*self._by_number[topic]} if topic in self._by_number else {topic}

    async def _tell(self, changed: Iterable[str]) -> None:
        ids = sorted(changed)
        for start in range(0, len(ids), AT_ONCE):
            await websocket.send(self._socket, {"type": "rows", "ids": ids[start : start + AT_ONCE]})

    async def _tell_new(self) -> None:
        """How many new contacts match by now: one may match only after their first consent."""
        if not self._filter or not self._new:
            return
        with suppress(FilterTooBroad, Invalid):
            count = len(await self._bot.finder.among(self._filter, self._new) - self._rows)
            if count != self._told_new:
                self._told_new = count
                await websocket.send(self._socket, {"type": "new", "count": count, "text": self._new_words(count)})

    def _new_words(self, count: int) -> str:
        say = translator_for(self._request)
        return say.catalog.ngettext("%(number)s new contact", "%(number)s new contacts", count) % {
            "number": say.number(count)
        }

    async def _filter_of(self, shown: RowsShown) -> Filter | None:
        """Of a page whose address shows nobody, None."""
        if shown.view is None:
            return None
        with suppress(Invalid, NotFound):
            return (await asked_in(self._bot, MultiDict(parse_qsl(shown.view.removeprefix("?"))))).filter
        return None


def add_routes(app: web.Application) -> None:
    app.router.add_get("/contacts/live", requires(Scope.READ_CONTACTS)(live))
