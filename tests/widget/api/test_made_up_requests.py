"""schemathesis makes up requests from the OpenAPI document, right and wrong ones: every answer is a documented one.

Half of them are about things that exist, so that they get further than "not found".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import CheckContext, CheckFunction, not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from bot.demo import DEALS
from bot.model.attribute import AttributeType
from bot.model.teammate import By, Teammate
from tests.widget.api.client import new_contact, openapi
from tests.widget.help import Running
from widget.api.route import Route
from widget.api.table import ROUTES

Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Operation]
CSV = b"email,name\nmaya@shop.example,Maya\n"
Existing = Mapping[str, str]
"""Ids of things that exist, by the names of path variables and of fields."""


def error_code_conformance(_context: CheckContext, response: Response, case: Case) -> None:
    if response.status_code >= 400:
        operation = openapi()["paths"][case.path][case.method.lower()]
        described = operation["responses"][str(response.status_code)]["description"]
        for error in response.json()["errors"]:
            assert f"`{error['code']}`" in described, error


CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    error_code_conformance,
]


# Hypothesis blames its strategies if the server in the other thread draws a random number meanwhile.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.slow
@pytest.mark.parametrize("examples", [4, pytest.param(60, marks=pytest.mark.soak)])
async def test_every_answer_is_documented(own: Running, examples: int) -> None:
    admin = (await own.bot.teammates.all())[0]
    token = await own.bot.tokens.make(admin, "Test")
    schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{own.base}/api/openapi.json")
    schema.config.generation.update(with_security_parameters=False)  # tests/widget/api/test_access.py has those
    for route in ROUTES:
        existing = await _existing(own, admin, route)
        await asyncio.to_thread(_try, schema, route, existing, token, examples)


async def _existing(running: Running, admin: Teammate, route: Route) -> Existing:
    """New ones for each route: the one before may have deleted them."""
    bot, by, contact = running.bot, By(admin.id, admin.name), await new_contact(running, phone="+12015550171")
    found = {"contact_id": contact.id, "subscription_id": DEALS, "subscription": DEALS, "country": "GB"}
    found["tag_id"] = (await bot.tags.named(f"Tag {contact.id}", by)).id
    if "{reply_id}" in route.path:
        found["reply_id"] = (await bot.saved_replies.create(contact.id, "Hi", by)).id
    if "{attribute_id}" in route.path:
        found["attribute_id"] = (await bot.attributes.create(f"a{contact.id}", AttributeType.TEXT, by)).id
    if "{import_id}" in route.path:
        found["import_id"] = (await bot.imports.upload(BytesIO(CSV), "list.csv", len(CSV), by)).id
    if "{flow_id}" in route.path:
        found["flow_id"] = (await bot.flows.create_empty(contact.id, by)).id
    return found


def _try(schema: BaseSchema, route: Route, existing: Existing, token: str, examples: int) -> None:
    operation: Operation = schema[route.path][route.method]
    named = {name: id for name, id in existing.items() if f"{{{name}}}" in route.path}
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for mode in GenerationMode:
            _try_many(operation, mode, {}, {}, session, examples)
            if named or route.body:
                _try_many(operation, mode, named, existing, session, examples)


def _try_many(
    operation: Operation,
    mode: GenerationMode,
    named: Existing,
    existing: Existing,
    session: requests.Session,
    examples: int,
) -> None:
    @hypothesis.settings(max_examples=examples, derandomize=True, database=None)
    @hypothesis.given(case=operation.as_strategy(mode, path_parameters=dict(named)))
    def try_one(case: Case) -> None:
        if mode.is_positive and isinstance(case.body, dict):
            case.body = {name: existing.get(name, value) for name, value in case.body.items()}
        case.call_and_validate(session=session, headers=dict(session.headers), checks=CHECKS)

    try_one()
