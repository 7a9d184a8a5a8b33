"""Teammates of one test, and what they do with passkeys."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.model.base import new_id
from bot.model.teammate import Teammate, TeammateRole
from tests.widget.authenticator import Authenticator
from tests.widget.desk import HTML, Desk, at_desk
from tests.widget.help import Node, Running

PASSWORD = "lantern orchid gravel 7"
SIGN_IN = "/settings/profile/sign-in"


def named_base(running: Running) -> str:
    """Passkeys need a domain name."""
    return running.base.replace("127.0.0.1", "localhost")


@dataclass
class Admin:
    teammate: Teammate
    desk: Desk

    @property
    def email(self) -> str:
        return self.teammate.email


@asynccontextmanager
async def new_teammate(running: Running, role: TeammateRole = TeammateRole.ADMIN) -> AsyncIterator[Admin]:
    """Somebody whom no other test knows, signed in."""
    email = f"{new_id()}@shop.example"
    made = await running.bot.teammates.add(email, role, PASSWORD, name="Eve")
    async with at_desk(named_base(running), email, PASSWORD) as desk:
        yield Admin(made, desk)
    if await running.bot.teammates.get(made.id):
        await running.bot.teammates.remove(email)


async def add_passkey(desk: Desk, key: Authenticator, name: str = "Phone") -> tuple[int, Node]:
    desk.token = desk.token or await desk.csrf(SIGN_IN)
    url, form = f"{desk.base}{SIGN_IN}/passkeys/options", {"csrf": desk.token}
    async with desk.session.post(url, data=form, headers=HTML) as answer:
        assert answer.status == 200, await answer.text()
        challenge, options = answer.headers["X-Challenge"], await answer.json()
    form = {"name": name, "challenge": challenge, "credential": key.create(options)}
    return await desk.post(f"{SIGN_IN}/passkeys", form)


def codes_of(page: Node) -> list[str]:
    return [item.text for item in page.one("ul", class_="codes").all("li")]


async def enter_password(desk: Desk, email: str) -> None:
    """The first step of a sign-in with a second factor."""
    form = {"email": email, "password": PASSWORD, "csrf": await desk.csrf("/login")}
    status, _ = await desk.post("/login", form)
    assert (status, desk.location.partition("?")[0]) == (303, "/login/verify")


async def sign_in_options(desk: Desk) -> tuple[dict[str, object], str]:
    page = await desk.look("/login/verify")
    (form,) = [form for form in page.all("form") if "data-use-passkey" in form.attrs]
    return json.loads(form.attrs["data-use-passkey"]), form.one("input", name="csrf").attrs["value"]


def link_in(page: Node, path: str) -> str:
    """The path of the first link to hand out that begins with `path`."""
    values = [field.attrs.get("value", "") for field in page.all("input")]
    return next(match[0] for value in values if (match := re.search(rf"{path}/[\w.-]+", value)))
