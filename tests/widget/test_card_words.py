"""The consent box, the language of a card, and the country of the field."""

from __future__ import annotations

import pytest

from bot.demo import DEALS
from bot.flows.effects import Write
from bot.flows.steps import OptInForm
from bot.flows.steps.base import Started, Turn
from bot.model.base import now
from bot.model.conversation import Author, AuthorKind
from bot.model.conversation import Card as Content
from bot.model.form_words import FormWords
from tests.conftest import Visitor
from tests.widget.help import Card, Running, read

BOX = "I agree to marketing texts. See our [terms](https://harbor.example/terms)."
ARABIC = FormWords(title="عروض القهوة", legal_text="أرسل STOP.", box="أوافق على الرسائل التسويقية.")


async def offered(running: Running, person: Visitor, card: Content) -> Card:
    """This card in the visitor's chat, as they see it."""
    await running.act(person)
    author = Author(kind=AuthorKind.BOT, id="bot")
    await running.bot.conversations.append(person.conversation, author, card, "another")
    opened = await person.open(person.conversation)
    found = Card.__new__(Card)
    found.root = read(opened["html"]).one("li", id="part-3").one("section", class_="card")
    return found


def card(**values: object) -> Content:
    usual = {"subscription": DEALS, "title": "Coffee deals", "legal_text": "Reply STOP to stop."}
    return Content.model_validate({**usual, **values})


async def test_the_button_works_only_with_a_tick_and_the_tick_is_in_the_event(
    visitor: Visitor, running: Running
) -> None:
    seen = await offered(running, visitor, card(box=BOX))
    box = seen.root.one("input", type="checkbox")
    assert ("required" in box.attrs, "checked" in box.attrs) == (True, False)
    version = seen.hidden("version")
    status, html = await visitor.submit(seq=3, version=version)
    refused = Card(html)
    assert (status, refused.state, refused.error) == (422, "open", "")
    box = refused.root.one("input", type="checkbox")
    assert box.attrs["aria-invalid"] == "true"
    assert refused.root.one(id=box.attrs["aria-describedby"]).text == "Check this box to sign up."
    assert refused.field.attrs["value"] == "(201) 555-0123"
    assert "aria-invalid" not in refused.field.attrs
    status, html = await visitor.submit("(201) 555", seq=3, version=version, box="on")
    assert (status, "checked" in Card(html).root.one("input", type="checkbox").attrs) == (422, True)
    assert await running.events(visitor) == []
    status, html = await visitor.submit(seq=3, version=version, box="on")
    assert (status, Card(html).state) == (200, "completed")
    (event,) = await running.events(visitor)
    assert event.words
    assert (event.words.box, event.words.act) == (BOX, f'ticked "{BOX}" and pressed "Sign Up Now"')


async def test_a_tick_for_other_words_is_no_tick(visitor: Visitor, running: Running) -> None:
    seen = await offered(running, visitor, card(box=BOX))
    status, html = await visitor.submit(seq=3, version="0" * 16, box="on")
    assert (status, "checked" in Card(html).root.one("input", type="checkbox").attrs) == (409, False)
    for value in ("off", "true", ""):
        status, _ = await visitor.submit(seq=3, version=seen.hidden("version"), box=value)
        assert status == 422
    assert await running.events(visitor) == []


async def test_a_card_without_a_box_has_none(visitor: Visitor) -> None:
    assert Card(visitor.opened["html"]).root.all("input", type="checkbox") == []


def test_a_flows_form_has_a_box_and_translations() -> None:
    form = OptInForm(id="form", subscription=DEALS, title="Coffee deals", box=BOX, translations={"ar": ARABIC})
    (effect,) = form.enter(Turn(Started(now()), {})).effects
    assert isinstance(effect, Write)
    assert isinstance(effect.content, Content)
    assert (effect.content.box, effect.content.translations) == (BOX, {"ar": ARABIC})


async def test_an_arabic_visitor_sees_arabic_words_and_the_ledger_says_so(visitor: Visitor, running: Running) -> None:
    await visitor.open("new", locale="ar")
    seen = await offered(running, visitor, card(box=BOX, translations={"ar": ARABIC.model_dump()}))
    assert (seen.root.attrs["lang"], seen.root.attrs["dir"], seen.title) == ("ar", "rtl", "عروض القهوة")
    assert "Sign Up Now" not in seen.root.text
    status, html = await visitor.submit(seq=3, version=seen.hidden("version"))
    assert (status, "Tick this box" not in html) == (422, True)
    await visitor.submit(seq=3, version=seen.hidden("version"), box="on")
    (event,) = await running.events(visitor)
    assert event.words
    assert (event.words.locale, event.words.box) == ("ar", ARABIC.box)


async def test_english_words_have_an_english_button_and_english_errors(visitor: Visitor, running: Running) -> None:
    await visitor.open("new", locale="ar")
    seen = await offered(running, visitor, card())
    assert (seen.root.attrs["lang"], seen.root.attrs["dir"]) == ("en", "ltr")
    assert seen.root.one("button", class_="card-button").all(class_="card-button-idle")[0].text == "Sign Up Now"
    status, html = await visitor.submit("5", seq=3, version=seen.hidden("version"))
    assert (status, Card(html).error.startswith("Too short")) == (422, True)
    await visitor.submit(seq=3, version=seen.hidden("version"))
    (event,) = await running.events(visitor)
    assert event.words
    assert (event.words.locale, event.words.subscription_name) == ("en", "Deals and new roasts")


@pytest.mark.parametrize(
    ("zone", "accepted", "region"),
    [
        (None, "en-GB,en;q=0.8", "GB"),
        ("UTC", "en-GB", "GB"),
        ("Europe/London", "en-US", "GB"),
        ("America/Toronto", "en-GB", "CA"),
        ("Europe/Berlin", "de-DE", "US"),
        (None, "", "US"),
    ],
)
async def test_the_country_is_the_visitors_where_it_is_texted(
    running: Running, zone: str | None, accepted: str, region: str
) -> None:
    person = Visitor(running.session, running.base)
    running.session.headers.update({"Accept-Language": accepted})
    try:
        seen = Card((await person.open(time_zone=zone))["html"])
    finally:
        running.session.headers.popall("Accept-Language")
    (chosen,) = [option for option in seen.root.all("option") if "selected" in option.attrs]
    assert chosen.attrs["value"] == region
    assert seen.field.attrs["placeholder"] == chosen.attrs["data-example"]


async def test_a_british_browser_may_type_a_british_number(running: Running) -> None:
    person = Visitor(running.session, running.base)
    seen = Card((await person.open(time_zone="Europe/London"))["html"])
    (chosen,) = [option for option in seen.root.all("option") if "selected" in option.attrs]
    status, html = await person.submit("07400 123456", region=chosen.attrs["value"])
    assert (status, Card(html).locked) == (200, "+44 7400 123456")
