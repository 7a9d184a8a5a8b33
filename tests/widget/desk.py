"""A teammate's browser: a session, and forms with their CSRF token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tests.widget.help import Node, read

ADA, BEN = "ada@example.com", "ben@example.com"
HTML = {"Accept": "text/html"}


@dataclass
class Desk:
    session: aiohttp.ClientSession
    base: str
    token: str = ""
    """The session's CSRF token, read from a page once, since pages take long to render and parse."""

    async def get(self, path: str) -> tuple[int, Node]:
        async with self.session.get(self.base + path, headers=HTML, allow_redirects=False) as answer:
            return answer.status, read(await answer.text())

    async def look(self, path: str) -> Node:
        status, page = await self.get(path)
        assert status == 200, page.text
        return page

    async def csrf(self, path: str = "/inbox") -> str:
        return (await self.look(path)).all("input", name="csrf")[0].attrs["value"]

    async def post(self, path: str, form: dict[str, str], **headers: str) -> tuple[int, Node]:
        """Posts the form with the session's token, unless it contains one. Does not follow redirects."""
        if "csrf" not in form:
            self.token = self.token or await self.csrf()
        fields = {"csrf": self.token, **form}
        async with self.session.post(
            self.base + path, data=fields, headers={**HTML, **headers}, allow_redirects=False
        ) as answer:
            self.location = answer.headers.get("Location", "")
            return answer.status, read(await answer.text())

    async def said(self) -> str:
        """The flash message after the form."""
        page = await self.look(self.location)
        return page.one("div", id="said").text.strip()


@asynccontextmanager
async def at_desk(base: str, email: str = ADA, password: str = "demo") -> AsyncIterator[Desk]:  # noqa: S107
    """A signed-in desk."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        desk = Desk(session, base)
        form = {"email": email, "password": password, "csrf": await desk.csrf("/login")}
        status, _ = await desk.post("/login", form)
        assert status == 303
        yield desk
