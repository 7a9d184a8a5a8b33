"""What a text still lacks, over HTTP: for every teammate, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.demo import LEGAL
from tests.widget.desk import BEN, HTML, Desk, at_desk
from tests.widget.help import Node, Running, read

WHOLE = LEGAL.format(url="http://sayso.test")
MARKUP = '"><img src=x onerror=alert(1)><script>alert(1)</script>{{ 7*7 }}'


@pytest.fixture
async def ben(running: Running) -> AsyncIterator[Desk]:
    """An agent: he may ask, too."""
    async with at_desk(running.base, BEN) as desk:
        yield desk


def address(**asked: str) -> str:
    return "/settings/check?" + urlencode({"kind": "form", "field": "legal_text", **asked})


async def fragment(desk: Desk, text: str, **asked: str) -> Node:
    status, html = await desk.post(address(**asked), {"legal_text": text}, **{"HX-Request": "true"})
    assert status == 200, html.text
    return html


def offered(html: Node) -> list[str]:
    return [button.attrs["data-insert"] for button in html.all("button") if "data-insert" in button.attrs]


async def test_a_text_that_says_it_all_lacks_nothing(ben: Desk) -> None:
    html = await fragment(ben, WHOLE)
    assert "All requirements met." in html.text
    assert offered(html) == []


async def test_what_lacks_is_named_and_each_sentence_is_offered_once(ben: Desk) -> None:
    html = await fragment(ben, WHOLE.replace("Msg & data rates may apply. ", ""))
    assert "1 requirement is missing" in html.text
    assert "Message and data rates" in html.text
    assert offered(html) == ["Msg & data rates may apply."]
    empty = offered(await fragment(ben, ""))
    assert len(empty) == len(set(empty))
    assert await _lacks_nothing(ben, " ".join(empty))


async def _lacks_nothing(desk: Desk, text: str) -> bool:
    return not offered(await fragment(desk, text))


async def test_the_sentences_are_in_the_language_of_the_text(ben: Desk) -> None:
    html = await fragment(ben, "", locale="de")
    assert "12 requirements are missing" in html.text  # the reader's language is another


async def test_a_confirmation_is_read_with_its_places(ben: Desk) -> None:
    text = (
        "{brand}: You are now subscribed to {program}. {frequency}. Msg & data rates may apply. Reply STOP to cancel."
    )
    html = await fragment(ben, text, kind="confirmation", program="Deals")
    assert offered(html) == ["Reply HELP for help."]


async def test_an_empty_confirmation_is_the_standard_one(ben: Desk) -> None:
    html = await fragment(ben, " ", kind="confirmation", program="Deals")
    assert "Using the default text." in html.text


async def test_the_form_around_the_field_may_hold_anything(ben: Desk) -> None:
    form = {"legal_text": WHOLE, "name": "x", "act": "save", "translations.es.name": "y"}
    status, html = await ben.post(address(), form, **{"HX-Request": "true"})
    assert (status, offered(html)) == (200, [])


async def test_without_javascript_the_answer_is_a_page(ben: Desk) -> None:
    status, page = await ben.post(address(), {"legal_text": "Reply STOP to opt out."})
    assert status == 200
    assert page.one("blockquote").text == "Reply STOP to opt out."
    assert page.one("html").attrs["lang"] == "en"
    assert "requirements are missing" in page.text


async def test_markup_in_a_text_or_a_name_stays_text(ben: Desk) -> None:
    for html in (
        await fragment(ben, MARKUP, program=MARKUP, kind="confirmation"),
        (await ben.post(address(program=MARKUP), {"legal_text": MARKUP}))[1],
    ):
        assert html.all("img") == []
        assert not any("alert" in script.text for script in html.all("script"))
        assert "49" not in html.text


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "poem"}, {"field": "a b"}, {"field": "x,csrf"}, {"channel": "fax"}, {"program": "x" * 121}, {"m": "1"},
    ],
)  # fmt: skip
async def test_an_address_that_we_did_not_make_is_refused(ben: Desk, asked: dict[str, str]) -> None:
    status, page = await ben.post(address(**asked), {"legal_text": ""})
    assert status == 422
    assert "Invalid value" in page.text


async def test_it_takes_a_session_and_its_token(running: Running, ben: Desk) -> None:
    assert (await ben.post(address(), {"csrf": "x.y", "legal_text": ""}))[0] == 403
    async with aiohttp.ClientSession() as stranger:
        answer = await stranger.post(running.base + address(), data={"legal_text": ""}, headers=HTML)
        assert answer.status == 401
        assert "is missing" not in read(await answer.text()).text
    assert (await ben.get(address()))[0] == 405


async def test_a_very_long_text_is_answered(ben: Desk) -> None:
    assert offered(await fragment(ben, "reply msg rates 4 texts " * 2000))
