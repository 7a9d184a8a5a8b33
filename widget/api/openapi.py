"""The OpenAPI 3.1 document, made of the route table and its models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from widget.api.faults import ApiFault
from widget.api.models import ErrorList, ErrorShape, example_of
from widget.api.route import PREFIX, Resource, Route
from widget.api.serve import VERSIONS

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]
REF = "#/components/schemas/{model}"
VARIABLE = re.compile(r"\{(\w+)\}")
ABOUT = (
    "Sayso's REST API is compatible with version 2.14 of Intercom's: the same routes, bodies and errors, and more "
    "routes for what Intercom's API lacks. Create a token in Settings > API tokens."
)
LIMITS = {
    "X-RateLimit-Limit": "Requests that the token may make in ten seconds.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "When the next ten seconds begin, in Unix seconds.",
}


def document(resources: Sequence[Resource], address: str) -> Json:
    routes = [route for resource in resources for route in resource.routes]
    taken = [model for route in routes for model in (route.body, route.query) if model]
    bodies: dict[type[BaseModel], Mode] = dict.fromkeys(taken, "validation")
    answers: dict[type[BaseModel], Mode] = {route.answer: "serialization" for route in routes if route.answer}
    models: list[tuple[type[BaseModel], Mode]] = [*bodies.items(), *answers.items(), (ErrorList, "serialization")]
    _, schemas = models_json_schema(models, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sayso API", "version": version("sayso"), "description": ABOUT},
        "servers": [{"url": f"{address}{PREFIX}"}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": resource.title, "description": resource.about} for resource in resources],
        "paths": _paths(routes),
        "components": {
            "schemas": schemas["$defs"],
            "headers": {name: _header(about) for name, about in LIMITS.items()},
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
            "parameters": {"IntercomVersion": _version_parameter(), "IdempotencyKey": _key_parameter()},
        },
    }


def _paths(routes: Iterable[Route]) -> Json:
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.description,
        "tags": [route.resource],
        "parameters": _parameters(route),
        "responses": _responses(route),
        "x-scope": route.scope,
    }
    if route.body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(route.body), "example": example_of(route.body)}},
        }
    return operation


def _parameters(route: Route) -> list[Json]:
    variables = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in VARIABLE.findall(route.path)
    ]
    schema: Json = route.query.model_json_schema(ref_template=REF) if route.query else {}
    required = schema.get("required", [])
    inlined = [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]
    shared = ["IntercomVersion", *(["IdempotencyKey"] if route.changes else [])]
    return [*variables, *inlined, *({"$ref": f"#/components/parameters/{name}"} for name in shared)]


def _responses(route: Route) -> Json:
    good: Json = {
        "description": HTTPStatus(route.status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in LIMITS},
    }
    if route.files:
        good["content"] = {content_type: {} for content_type in route.files}
    if route.answer:
        content = {"schema": _ref(route.answer), "example": example_of(route.answer)}
        good["content"] = {"application/json": content}
    by_status: dict[int, list[ApiFault]] = {}
    for fault in route.faults:
        by_status.setdefault(fault.status, []).append(fault)
    return {str(route.status): good, **{str(status): _error(faults) for status, faults in sorted(by_status.items())}}


def _error(faults: Sequence[ApiFault]) -> Json:
    error = ErrorShape(code=faults[-1].code, message=faults[-1].message, field=None)
    example = ErrorList(request_id=example_of(ErrorList)["request_id"], errors=[error])
    codes = ", ".join(dict.fromkeys(f"`{fault.code}`" for fault in faults))
    return {
        "description": f"{HTTPStatus(faults[0].status).phrase}: {codes}",
        "content": {"application/json": {"schema": _ref(ErrorList), "example": example.model_dump()}},
    }


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": REF.format(model=model.__name__)}


def _header(about: str) -> Json:
    return {"description": about, "schema": {"type": "integer"}}


def _version_parameter() -> Json:
    return {
        "name": "Intercom-Version",
        "in": "header",
        "description": f"The version of Intercom's API that the client speaks; {VERSIONS[0]} if it says none.",
        "schema": {"type": "string", "enum": [*VERSIONS]},
    }


def _key_parameter() -> Json:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes it safe to send the request again: for a day, equal requests with the same key are done "
        "once and get the same answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
