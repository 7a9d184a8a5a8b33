"""Routes of the API: each is declared once, by its function and decorator. Routing, scope checks, the OpenAPI document,
the reference page and the tests all follow from the declaration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from types import NoneType
from typing import Any, Literal, get_type_hints

from bot.app import Bot
from bot.model.event import Actor
from bot.model.teammate import By
from bot.shapes.base import ApiAnswer
from bot.workspace.access import Principal, Scope
from widget.api.faults import ALWAYS, NO_RESOURCE, WITH_BODY, WITH_KEY, ApiFault, ApiRefusal
from widget.api.models import ApiBody, ApiQuery
from widget.web.downloads import Download

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class ApiFile:
    """An answer that is a file, written piece by piece."""

    name: str
    content_type: str
    pieces: AsyncIterator[bytes]
    download: Download


RouteFunction = Callable[..., Awaitable[ApiAnswer | ApiFile | None]]
PREFIX = "/api"
MOST_BYTES = 64 * 1024
LONGEST_VARIABLE = 400


@dataclass(frozen=True, slots=True)
class Call:
    """An authorized request. `key`: the idempotency key of what it records."""

    bot: Bot
    who: Principal
    by: By
    key: str
    path: Mapping[str, str]
    answers_about: list[str] = field(default_factory=list)
    """Contacts whose data the answer contains."""
    is_head: bool = False
    """Its answer is sent without the body."""

    def variable(self, name: str, missing: ApiFault = NO_RESOURCE) -> str:
        """A part of the path. Raises ApiRefusal (`missing`) for what no id can be."""
        value = self.path[name]
        if not value.isprintable() or len(value) > LONGEST_VARIABLE:
            raise ApiRefusal(missing)
        return value

    @property
    def new_id(self) -> str:
        """The id of what the request creates: the same if it is sent again."""
        return self.key[:24]

    @property
    def actor(self) -> Actor:
        """The token, in the ledger."""
        return Actor(kind="api", id=self.who.token_id[:24])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: Method
    path: str
    """Below `/api`."""
    scope: Scope | None
    """None: any valid token."""
    function: RouteFunction
    body: type[ApiBody] | None
    query: type[ApiQuery] | None
    answer: type[ApiAnswer] | None
    """None: it answers with a file, or without a body (204)."""
    resource: str
    errors: tuple[ApiFault, ...] = ()
    """Those that not every route has."""
    status: int = 200
    files: tuple[str, ...] = ()
    """The content types of the file that it answers with."""
    most_bytes: int = MOST_BYTES
    is_secret: bool = False
    """Its answer is not kept for requests that are sent again."""
    is_compatible: bool = True
    """Whether it is one of Intercom's."""

    @property
    def name(self) -> str:
        """Its `operationId`."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        return self._words.partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        return self._words.partition("\n")[2].strip()

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def faults(self) -> tuple[ApiFault, ...]:
        """All errors that it can answer."""
        return (
            *ALWAYS,
            *(WITH_BODY if self.body else ()),
            *(WITH_KEY if self.changes else ()),
            *self.errors,
        )

    @property
    def _words(self) -> str:
        return cleandoc(self.function.__doc__ or "")


class Resource:
    """The routes of one resource. A decorated function takes a `Call` and, where it needs them, `body` and `query`;
    their types and that of its result declare the rest:

        @contacts.get("/contacts/{contact_id}", scope=Scope.READ_CONTACTS, errors=[NO_CONTACT])
        async def show_contact(call: Call) -> ContactAnswer: ...
    """

    def __init__(self, title: str, about: str = "", *, is_compatible: bool = True) -> None:
        self.title, self.about, self._is_compatible = title, about, is_compatible
        self.routes: list[Route] = []

    def get(self, path: str, **declared: Any) -> Callable[[RouteFunction], RouteFunction]:
        return self._route("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[RouteFunction], RouteFunction]:
        return self._route("POST", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[RouteFunction], RouteFunction]:
        return self._route("PUT", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[RouteFunction], RouteFunction]:
        return self._route("DELETE", path, **declared)

    def _route(
        self,
        method: Method,
        path: str,
        *,
        scope: Scope | None,
        errors: tuple[ApiFault, ...] = (),
        status: int = 200,
        files: tuple[str, ...] = (),
        most_bytes: int = MOST_BYTES,
        is_secret: bool = False,
    ) -> Callable[[RouteFunction], RouteFunction]:
        def add(function: RouteFunction) -> RouteFunction:
            hints = get_type_hints(function)
            route = Route(
                method=method,
                path=path,
                scope=scope,
                function=function,
                body=hints.get("body"),
                query=hints.get("query"),
                answer=None if hints["return"] in {NoneType, ApiFile} else hints["return"],
                resource=self.title,
                errors=errors,
                status=status,
                files=files,
                most_bytes=most_bytes,
                is_secret=is_secret,
                is_compatible=self._is_compatible,
            )
            self.routes.append(route)
            return function

        return add
