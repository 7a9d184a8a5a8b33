"""Helpers for tests of the faces: parsing HTML, and reading the database."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from bot.app import Bot
from bot.config import Settings
from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Conversation, Part
from bot.model.delivery import DeliveryState
from bot.model.event import ConsentEvent
from bot.model.signal import SignalKind
from bot.model.subscription import MessageType
from bot.store import Store
from tests.conftest import PATIENCE, Visitor, eventually
from widget.web.http import BOT

VOID = {"input", "meta", "link", "br", "img", "hr"}


@dataclass
class Node:
    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    def all(self, tag: str = "", **attrs: str) -> list[Node]:
        """`class_="x"`: x is among its classes."""
        return [n for n in self.walk() if (not tag or n.tag == tag) and all(n.has(k, v) for k, v in attrs.items())]

    def one(self, tag: str = "", **attrs: str) -> Node:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of {tag} {attrs}"
        return found[0]

    def has(self, name: str, value: str) -> bool:
        given = self.attrs.get(name.rstrip("_").replace("_", "-"))
        return given is not None and (value in given.split() if name == "class_" else given == value)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.line = [Node("#root")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.line[-1].children.append(node)
        if tag not in VOID:
            self.line.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.line[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.line[-1].tag == tag, f"</{tag}> closes <{self.line[-1].tag}>"
            self.line.pop()

    def handle_data(self, data: str) -> None:
        self.line[-1].children.append(data)


def read(html: str) -> Node:
    """Parses a page or a fragment; every tag must be closed, and no id may occur twice, except in templates."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.line) == 1, f"<{reader.line[-1].tag}> is not closed"
    root = reader.line[0]
    copied = {id(node) for template in root.all("template") for node in template.walk() if node is not template}
    ids = Counter(node.attrs["id"] for node in root.walk() if "id" in node.attrs and id(node) not in copied)
    assert not [id for id, times in ids.items() if times > 1]
    return root


class Card:
    """A card as the person sees it."""

    def __init__(self, html: str) -> None:
        self.root = read(html).one("section", class_="card")

    @property
    def state(self) -> str:
        return self.root.attrs["data-state"]

    @property
    def title(self) -> str:
        return self.root.one("h2", class_="card-title").text.strip()

    @property
    def error(self) -> str:
        """The error message; empty if there is none."""
        found = self.root.all("p", class_="card-error")
        return "" if not found or "hidden" in found[0].attrs else found[0].text

    @property
    def notice(self) -> str:
        return "".join(node.text for node in self.root.all("p", class_="card-notice"))

    @property
    def field(self) -> Node:
        return self.root.one("input", class_="field-input")

    @property
    def locked(self) -> str:
        """The locked number."""
        return "".join(node.text for node in self.root.all("bdi", class_="field-text"))

    def hidden(self, name: str) -> str:
        return self.root.one("input", type="hidden", name=name).attrs["value"]


@dataclass
class Running:
    server: TestServer
    store: Store
    settings: Settings
    session: aiohttp.ClientSession

    @property
    def base(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    @property
    def bot(self) -> Bot:
        return self.server.app[BOT]

    async def secret(self) -> str:
        return (await self.bot.workspace()).identity_secrets[0].secret

    @staticmethod
    def new_user_id() -> str:
        return f"user-{new_id()}"

    async def contact(self, person: Visitor) -> Contact:
        """As they are stored, or would be by their first act."""
        return (await self.bot.visitors.claimed(person.token or "")).contact

    async def events(self, person: Visitor) -> list[ConsentEvent]:
        contact = self.bot.visitors.read(person.token or "")
        return await self.store.events.after(contact, 0, limit=100)

    async def parts(self, person: Visitor) -> list[Part]:
        """Of their chat, also while it isn't stored."""
        chat = await self.chat(person)
        return chat.opening_parts if chat.unstored else await self.store.parts.after(chat.id, 0, limit=500)

    async def chat(self, person: Visitor) -> Conversation:
        found = await self.bot.openings.find(await self.bot.visitors.claimed(person.token or ""), person.conversation)
        assert found
        return found

    async def act(self, person: Visitor) -> Visitor:
        """Their chat and they themselves are stored, as by their first act, and nothing else has happened."""
        visitor = await self.bot.visitors.claimed(person.token or "")
        await self.bot.openings.store(visitor.contact, await self.chat(person))
        return person

    async def quiet(self, person: Visitor, parts: int = 4) -> None:
        """Waits until all consequences of a completed card are done and this process knows of them."""
        seen: list[object] = []

        async def done() -> bool:
            found = await self.parts(person)
            contact = self.bot.visitors.read(person.token or "")
            sent = await self.store.deliveries.find({"contact": contact}, limit=50)
            waiting = any(d.state in {DeliveryState.QUEUED, DeliveryState.SENDING} for d in sent)
            seen[:] = [(p.author.kind, p.content.kind, p.follow_up) for p in found], [(d.kind, d.state) for d in sent]
            return len(found) >= parts and not waiting and not any(p.follow_up for p in found)

        try:
            await eventually(done)
        except TimeoutError as error:
            error.add_note(str(seen))
            raise
        await self.caught_up()

    async def caught_up(self) -> None:
        """Waits until everything written so far is delivered to followers, so that later followers get only later
        changes."""
        with self.bot.feed.follow(id := new_id()) as follower:
            await self.bot.conversations.signal(id, SignalKind.GONE, Author(kind=AuthorKind.BOT, id="bot"))
            async with asyncio.timeout(PATIENCE):
                await follower.next()

    async def preference_token(self, person: Visitor) -> str:
        """A token as in a text."""
        await self.act(person)
        return await self.bot.preferences.make_link((await self.contact(person)).id, MessageType.SMS)


def user_hash(secret: str, user_id: str) -> str:
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def faults(body: Any) -> list[tuple[str, str]]:
    """Code and message of each error in the JSON envelope."""
    assert body["type"] == "error.list"
    return [(fault["code"], fault["message"]) for fault in body["errors"]]


async def raw_request(base: str, head: str, body: bytes = b"", *, encoding: str = "latin-1") -> bytes:
    """Sends a malformed request; returns all bytes until the server closes."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = f"{head}\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(lines.encode(encoding) + body)
    await writer.drain()
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def last_words(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[dict[str, Any]], int]:
    """What the server says until it hangs up, and its code.

    The code is read from the message: aiohttp overwrites `close_code` when the connection goes before it has answered.
    """
    words = []
    async with asyncio.timeout(PATIENCE):
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            words.append(message.json())
    assert message.type is aiohttp.WSMsgType.CLOSE, message
    return words, message.data


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int:
    """The code with which the server hangs up, whatever it says before."""
    return (await last_words(socket))[1]
