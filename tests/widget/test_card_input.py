"""What people, and other things, send to a card: each has its sentence, stays in the field, and is recorded nowhere."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.demo import NEWS
from bot.model import conversation as model
from bot.model.conversation import Author, AuthorKind
from tests.conftest import Visitor
from tests.widget.help import Card, Running, faults, raw_request

CHOOSE = "For another country, start with + and its code, like +44."
TOO_SHORT = f"Too short: numbers in the United States look like (201) 555-0123. {CHOOSE}"
NO_NUMBER = f"Enter a mobile number in the United States, like (201) 555-0123. {CHOOSE}"
FORM = "application/x-www-form-urlencoded"
PREMIUM = f"That type of number in the United States can't receive our texts. Use a mobile number. {CHOOSE}"
TOLL_FREE = (
    f"That's a toll-free number in the United States, which can't receive our texts. Use a mobile number. {CHOOSE}"
)


async def post(person: Visitor, form: Any, *, seq: int = 2, type: str = "") -> tuple[int, str]:
    url = f"{person.base}/messenger/conversations/{person.conversation}/cards/{seq}"
    headers = {**person.headers, **({"Content-Type": type} if type else {})}
    async with person.session.post(url, data=form, headers=headers) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("typed", "region", "sentence"),
    [
        pytest.param("call me maybe", "US", NO_NUMBER, id="letters"),
        pytest.param("", "US", "Enter your mobile number.", id="nothing"),
        pytest.param("   ", "US", "Enter your mobile number.", id="only spaces"),
        pytest.param("201 555", "US", TOO_SHORT, id="too short"),
        pytest.param("5", "US", TOO_SHORT, id="one digit"),
        pytest.param(
            "(201) 555-01234567",
            "US",
            f"Too long: numbers in the United States look like (201) 555-0123. {CHOOSE}",
            id="too long",
        ),
        pytest.param(
            "020 7946 0018",
            "GB",
            "That looks like a landline in the United Kingdom. Use a mobile number that can receive texts. " + CHOOSE,
            id="landline",
        ),
        pytest.param("(900) 555-0123", "US", PREMIUM, id="premium"),
        pytest.param("(800) 555-0123", "US", TOLL_FREE, id="toll free"),
        pytest.param(
            "+49 1512 3456789",
            "US",
            "We don't text numbers in Germany yet. Use a number from: United States, Canada, United Kingdom.",
            id="a country that is not texted",
        ),
        pytest.param(
            "+999 123 4567",
            "US",
            "Unknown country code. Start with + and a country code, like +44.",
            id="no country",
        ),
        pytest.param("📱 2015550123", "US", NO_NUMBER, id="emoji"),
        pytest.param("201\x00555\x000123", "US", NO_NUMBER, id="NUL bytes"),
        pytest.param('"><img src=x onerror=alert(1)>', "US", NO_NUMBER, id="markup"),
        pytest.param("{{ 7 * 7 }}", "US", NO_NUMBER, id="template"),
        pytest.param("(201) 555-0123", "ZZ", None, id="a region that is none"),
    ],
)
async def test_a_number_that_cannot_be_texted_comes_back_with_its_sentence(
    visitor: Visitor, running: Running, typed: str, region: str, sentence: str | None
) -> None:
    status, html = await visitor.submit(typed, region=region)
    card = Card(html)
    assert (status, card.state) == (422, "open")
    assert card.error
    assert sentence in {card.error, None}
    assert card.field.attrs["aria-invalid"] == "true"
    assert card.root.one(id=card.field.attrs["aria-describedby"].split()[-1]).text == card.error
    assert card.field.attrs["value"] == typed
    assert typed not in html or "<" not in typed
    assert await running.events(visitor) == []
    status, html = await visitor.submit("(201) 555-0123")
    assert (status, Card(html).state) == (200, "completed")


async def test_ten_thousand_characters_are_refused_and_what_comes_back_is_bounded(
    visitor: Visitor, running: Running
) -> None:
    for typed in ("7" * 10_000, "x" * 10_000, "📱" * 5_000):
        status, html = await visitor.submit(typed)
        assert (status, bool(Card(html).error)) == (422, True)
        assert typed.startswith(Card(html).field.attrs["value"])
        assert len(html) < 10_000
    assert await running.events(visitor) == []


@pytest.mark.parametrize(
    ("change", "without"),
    [
        pytest.param({}, "version", id="no version"),
        pytest.param({"region": "us"}, "", id="a region that is no code"),
        pytest.param({"consent": "true"}, "", id="a field that no card has"),
        pytest.param({"contact": "0" * 24}, "", id="somebody else's id"),
    ],
)
async def test_a_form_that_is_no_cards_form_comes_back_as_the_card(
    visitor: Visitor, running: Running, change: dict[str, str], without: str
) -> None:
    form = {**visitor.card(), "region": "US", "number": "(201) 555-0123", **change}
    status, html = await post(visitor, {k: v for k, v in form.items() if k != without})
    card = Card(html)
    assert (status, card.state, bool(card.error)) == (422, "open", True)
    assert card.field.attrs["value"] == "(201) 555-0123"
    assert await running.events(visitor) == []


@pytest.mark.parametrize(
    ("type", "body"),
    [
        pytest.param("application/json", b'{"number":"2015550123"}', id="JSON"),
        pytest.param("text/plain", b"number=2015550123", id="plain text"),
        pytest.param("", b"number=2015550123", id="no type"),
        pytest.param(FORM, b"", id="nothing at all"),
        pytest.param(FORM, b"number=\xff\xfe2015550123&key=abcdefgh&version=1", id="bytes that are no UTF-8"),
        pytest.param(
            f"{FORM}; charset=unicode_escape", b"number=1&page=\\ud800", id="an encoding with half characters"
        ),
        pytest.param(f"{FORM}; charset=klingon", b"number=2015550123", id="an encoding that is none"),
        pytest.param("multipart/form-data", b"--x\r\n\r\n--x--", id="multipart without a boundary"),
        pytest.param("multipart/form-data; boundary=x", b"garbage", id="multipart of garbage"),
        pytest.param(
            "multipart/form-data; boundary=x", b"--x\r\n\r\nnameless\r\n--x--\r\n", id="a field without a name"
        ),
        pytest.param(
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="number"; filename="n.txt"\r\n\r\n2015550123\r\n--x--\r\n',
            id="a file",
        ),
    ],
)
async def test_a_body_that_is_no_form_comes_back_as_the_card(
    visitor: Visitor, running: Running, type: str, body: bytes
) -> None:
    skip = () if type else ("Content-Type",)
    url = f"{visitor.base}/messenger/conversations/{visitor.conversation}/cards/2"
    headers = {**visitor.headers, **({"Content-Type": type} if type else {})}
    async with (
        aiohttp.ClientSession(skip_auto_headers=skip) as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        card = Card(await answer.text())
        assert (answer.status, card.state, bool(card.error)) == (422, "open", True)
    assert await running.events(visitor) == []


@pytest.mark.parametrize("typed", [b"%FF%FE2015550123", b"%ED%A0%80", b"%00", b"%F0%9F%93"])
async def test_escapes_that_are_no_utf_8_are_no_number(visitor: Visitor, running: Running, typed: bytes) -> None:
    form = "&".join(f"{name}={value}" for name, value in visitor.card().items()).encode()
    status, html = await post(visitor, form + b"&region=US&number=" + typed, type=FORM)
    assert (status, Card(html).error) == (422, NO_NUMBER)
    assert await running.events(visitor) == []


async def test_a_body_without_end_is_refused_unread(visitor: Visitor, running: Running) -> None:
    form = {**visitor.card(), "number": "2" * 70_000}
    status, body = await post(visitor, form)
    assert (status, '"error.list"' in body) == (413, True)
    assert await running.events(visitor) == []


async def test_headers_that_are_no_text_harm_nothing(visitor: Visitor, running: Running) -> None:
    form = {**visitor.card(), "region": "US", "number": "(201) 555-0123", "page": "https://shop.example/\udcff\x00"}
    answer = await raw_request(
        running.base,
        f"POST /messenger/conversations/{visitor.conversation}/cards/2 HTTP/1.1\r\n"
        f"Authorization: Bearer {visitor.token}\r\nUser-Agent: \xff\xfe odd\r\nAccept-Language: \xff\xff\r\n"
        f"X-Forwarded-For: \xff\r\nContent-Type: {FORM}",
        urlencode(form, errors="surrogateescape").encode(),
    )
    assert answer.startswith(b"HTTP/1.1 200"), answer
    (event,) = await running.events(visitor)
    assert event.hash == event.computed_hash()


async def test_a_number_in_digits_of_other_scripts_and_with_pasted_marks_is_understood(
    visitor: Visitor, running: Running
) -> None:
    status, html = await visitor.submit("‎tel:+1 (٢٠١) 555‑0123‏")
    assert (status, Card(html).state) == (200, "completed")
    assert [event.number for event in await running.events(visitor)] == ["+12015550123"]


@pytest.mark.parametrize(
    "typed", ["", "  ", "ada", "ada@", "@shop.example", "a b@shop.example", "ada@shop", f"{'x' * 300}@a.example"]
)
async def test_an_address_that_is_none_comes_back_with_its_sentence(
    visitor: Visitor, running: Running, typed: str
) -> None:
    await running.act(visitor)
    letter = model.Card(subscription=NEWS, title="Our letter")
    await running.bot.cards.insert(visitor.conversation, letter, Author(kind=AuthorKind.BOT, id="bot"), "letter")
    form = visitor.card((await visitor.open())["html"].split('id="card-3"')[1])
    status, html = await post(visitor, {**form, "email": typed}, seq=3)
    card = Card(html)
    assert (status, card.state, card.field.attrs["aria-invalid"]) == (422, "open", "true")
    assert card.error == "Enter an email address like name@example.com."
    assert typed.startswith(card.field.attrs["value"])
    assert await running.events(visitor) == []
    status, html = await post(visitor, {**form, "email": " Ada@Shop.example "}, seq=3)
    assert (status, Card(html).locked) == (200, "Ada@Shop.example")
    assert [(e.subscription, e.email, e.number) for e in await running.events(visitor)] == [
        (NEWS, "Ada@Shop.example", None)
    ]


async def test_without_a_token_there_is_no_card(visitor: Visitor, running: Running) -> None:
    person = Visitor(visitor.session, visitor.base, None, visitor.conversation, visitor.opened)
    status, body = await person.submit()
    assert status == 401
    assert faults(json.loads(body)) == [("unauthorized", "Reopen the chat to continue.")]
    assert await running.events(visitor) == []
