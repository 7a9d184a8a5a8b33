"""What a browser never sends: each field of each form with hostile values, and addresses with hostile parameters.

Nothing of it is an error of ours, and no answer shows it as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest

from bot.demo import DEALS
from bot.model.base import new_id
from tests.conftest import Visitor
from tests.widget.desk import HTML, Desk, at_desk
from tests.widget.help import Node, Running, read
from tests.widget.test_live import say
from tests.widget.web.test_roles import VISITOR, filled, routes

pytestmark = pytest.mark.slow

MARKUP = "\"'><img src=x onerror=alert(1)>{{7*7}}${7*7}%(name)s{x}"
LEAKED = "<img src=x"
MOST_FIELDS = 8
"""Of one form: its other fields are like those."""
HOSTILE = (
    MARKUP,
    "",
    "\x00\x1b[2J\r\nSet-Cookie: a=b",
    "\u202e\u2066\ufeff\u200b",
    "9" * 400,
    "-1e309",
    "a" * 20_000,
    "9999-12-31T23:59",
    "0001-01-01T00:00",
    "javascript:alert(1)//https://x.example",
    "https://[::1",
    '[x](javascript:alert(1))[y](https://x.example/"onmouseover=alert(1))',
)
ENCODED = {
    "not UTF-8": ("application/x-www-form-urlencoded", b"name=%ff%fe&text=%ed%a0%80"),
    "lone surrogates": ("application/x-www-form-urlencoded; charset=unicode_escape", b"name=%5Cud800&text=%5Cudfff"),
    "no charset": ("application/x-www-form-urlencoded; charset=nothing", b"name=x"),
    "bytes as charset": ("application/x-www-form-urlencoded; charset=hex", b"name=x"),
    "a tree of names": ("application/x-www-form-urlencoded", b"a." * 20_000 + b"a=1"),
    "many fields": ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % i for i in range(20_000))),
    "JSON": ("application/json", b'{"name": ["x"]}'),
    "multipart without a boundary": ("multipart/form-data", b"x"),
}

PARAMETERS = (
    "q", "before", "after", "next", "whose", "state", "template", "conversation", "subscription", "locale", "since",
    "until", "actor", "action", "page",
)  # fmt: skip


def forms(page: Node) -> Iterator[tuple[str, dict[str, str]]]:
    for form in page.all("form"):
        if form.attrs.get("method") == "post" and form.attrs.get("action", "/logout") != "/logout":
            named = [field for field in form.walk() if field.attrs.get("name") and field.tag != "button"]
            yield form.attrs["action"], {field.attrs["name"]: field.attrs.get("value", "") for field in named}


async def answered(desk: Desk, method: str, path: str, **options: Any) -> Node | None:
    """The page, if it is one."""
    async with desk.session.request(method, desk.base + path, allow_redirects=False, **options) as answer:
        text = await answer.text()
        assert answer.status < 500, f"{method} {path} {options}"[:2000]
        assert "Set-Cookie: a=b" not in str(answer.raw_headers)
        where = answer.headers.get("Location", "/")
        assert where.startswith("/"), where
        assert not where.startswith("//"), where
        if answer.content_type != "text/html":
            return None
    assert LEAKED not in text, f"{method} {path} {options}"[:2000]
    page = read(text)
    assert not [a for a in page.all("a") if a.attrs.get("href", "").startswith("javascript:")]
    return page


async def pages(visitor: Visitor, desk: Desk) -> list[str]:
    chat = f"/inbox/{visitor.conversation}"
    ben = next(a.attrs["href"] for a in (await desk.look("/settings/teammates")).all("a") if "Ben" in a.text)
    return [
        chat, f"{chat}/form", "/inbox/replies/new", "/contacts", f"/settings/subscriptions/{DEALS}", ben,
        "/settings/subscriptions/new", "/settings/brand", "/settings/install", "/settings/teammates",
        "/settings/tokens", "/settings/profile", "/settings/profile/sign-in", "/settings/profile/confirm",
        "/settings/ledger",
    ]  # fmt: skip


async def test_each_field_of_each_form_takes_hostile_values(own: Running, visitors: Callable[[], Visitor]) -> None:
    """One field at a time, and all of them at once; then the pages that show what was kept."""
    person, values = visitors(), cycle(HOSTILE)
    await person.open()
    await person.submit()
    await say(person, MARKUP, new_id())
    async with at_desk(own.base) as ada:
        paths = await pages(person, ada)
        for path in paths:
            for action, typed in forms(await ada.look(path)):
                fields = [name for name in typed if name not in {"csrf", "key"}]
                for wrong in ([], fields, *([name] for name in fields[:MOST_FIELDS])):
                    await answered(
                        ada, "POST", action, data={**typed, **dict.fromkeys(wrong, next(values))}, headers=HTML
                    )
        for path in (*paths, "/settings/audit", "/inbox/replies", "/inbox", "/settings/subscriptions"):
            await answered(ada, "GET", path, headers=HTML)


@pytest.mark.parametrize(("type", "body"), ENCODED.values(), ids=ENCODED)
async def test_a_body_that_is_no_form_is_the_senders_fault(running: Running, ada: Desk, type: str, body: bytes) -> None:
    token = await ada.csrf()
    for path in posts(running):
        headers = {**HTML, "Content-Type": type, "X-CSRF-Token": token}
        await answered(ada, "POST", filled(path), data=body, headers=headers)


JSON = [
    b"", b"null", b"[]", b"7", b'"x"', b"{", b"[" * 100_000, b'{"a":' * 50_000, b'{"conversation": NaN}',
    b'{"conversation": ["x"], "settings": 7}', b'{"settings": {"user_id": {"$ne": null}}}', b'{"token": 1e999}',
    b'{"text": "\\ud800", "key": "\\u0000"}', b"\xff\xfe", b'{"a": 1}' * 10,
    b'{"conversation": null, "settings": {"locale": "' + b"x" * 100_000 + b'"}}',
]  # fmt: skip


@pytest.mark.parametrize("body", JSON)
async def test_nor_is_json_of_a_visitor(running: Running, visitor: Visitor, body: bytes) -> None:
    desk, headers = Desk(visitor.session, visitor.base), {**visitor.headers, "Content-Type": "application/json"}
    for path in sorted(VISITOR):
        place = path.replace("{conversation}", visitor.conversation).replace("{seq}", "2")
        await answered(desk, "POST", place, data=body, headers=headers)


@pytest.mark.parametrize("value", [MARKUP, "\x00", "\ud800", "9" * 400, "-1", "a" * 5000, "{'$ne':1}", "%s%n"])
async def test_an_address_may_have_hostile_parameters(running: Running, ada: Desk, value: str) -> None:
    query = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name in PARAMETERS)
    for method, path in sorted(routes(running)):
        if method == "GET" and not path.endswith("/live"):
            await answered(ada, method, f"{filled(path)}?{query}", headers=HTML)


def posts(running: Running) -> list[str]:
    return sorted(path for method, path in routes(running) if method == "POST" and path != "/logout")
