"""A program that uses the API. Every answer that it gets is checked against the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from bot.consent.changes import address_change
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Actor, Source
from tests.widget.help import Running
from widget.api.openapi import document
from widget.api.route import PREFIX, Route
from widget.api.table import RESOURCES, ROUTES

Json = Any


@dataclass(frozen=True)
class Reply:
    status: int
    body: Json
    headers: Mapping[str, str]

    @property
    def codes(self) -> list[str]:
        assert self.body["type"] == "error.list"
        return [fault["code"] for fault in self.body["errors"]]

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and message of the only error."""
        (fault,) = self.body["errors"]
        return self.status, fault["code"], fault["message"]


@dataclass
class ApiClient:
    running: Running
    token: str

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Json = None, **headers: str) -> Reply:
        return await self.call("POST", path, body, **headers)

    async def put(self, path: str, body: Json = None, **headers: str) -> Reply:
        return await self.call("PUT", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Reply:
        return await self.call("DELETE", path, **headers)

    async def call(self, method: str, path: str, body: Json = None, **headers: str) -> Reply:
        """`body`: sent as JSON, or as it is if it is bytes. Headers are written with underscores."""
        sent = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.running.base}{PREFIX}{path}"
        async with self.running.session.request(method, url, data=sent, headers=given | named) as answer:
            text, is_json = await answer.text(), answer.content_type == "application/json"
            reply = Reply(answer.status, json.loads(text or "null") if is_json else text, answer.headers.copy())
        check_fits(method, path, reply)
        return reply


def check_fits(method: str, path: str, reply: Reply) -> None:
    """The answer is one that the document describes."""
    route = route_of(method, path.partition("?")[0])
    described = openapi()["paths"][route.path][method.lower()]["responses"]
    assert str(reply.status) in described, (method, path, reply)
    content = described[str(reply.status)].get("content")
    if content is None:
        assert reply.body is None
        return
    if "application/json" not in content:
        assert reply.headers["Content-Type"].partition(";")[0] in content
        return
    _validator(content["application/json"]["schema"]["$ref"]).validate(reply.body)
    codes = described[str(reply.status)]["description"]
    if reply.status >= 400:
        assert all(f"`{code}`" in codes for code in reply.codes), (method, path, reply.codes, codes)


def route_of(method: str, path: str) -> Route:
    return next(route for route in ROUTES if route.method == method and _pattern(route.path).fullmatch(path))


@cache
def openapi() -> dict[str, Any]:
    return document(RESOURCES, "http://sayso.test")


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))


@cache
def _validator(ref: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": ref, "components": openapi()["components"]})


async def new_contact(running: Running, *, phone: str | None = None, email: str | None = None) -> Contact:
    id, time, bot = new_id(), now(), running.bot
    await bot.contacts.create(Contact(id=id, created_at=time, updated_at=time))
    actor = Actor(kind="api", id="test")
    if phone or email:
        await bot.ledger.record(
            address_change(id, source=Source.API, actor=actor, key="address", phone=phone, email=email)
        )
    found = await bot.ledger.contact(id)
    assert found
    return found
