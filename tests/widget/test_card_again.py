"""After the first answer: whoever is out is offered to sign up again, and a pending number can be corrected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from bot.consent.attestations import Attestation
from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import ConsentState
from bot.model.conversation import Text
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import Action, ConsentEvent, Source
from bot.model.teammate import By
from bot.store.deliveries import LEFT
from tests.conftest import Visitor, eventually
from tests.widget.help import Card, Running
from tests.widget.test_live import heard, hello, is_ready


@pytest.fixture
async def _double(running: Running) -> AsyncIterator[None]:
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    yield
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": False}})


async def press(person: Visitor, what: str, **form: str) -> tuple[int, str]:
    """A button below the card."""
    url = f"{person.base}/messenger/conversations/{person.conversation}/cards/2/{what}"
    async with person.session.post(url, data=form, headers=person.headers) as answer:
        return answer.status, await answer.text()


async def opt_out(person: Visitor, running: Running) -> None:
    token = await running.preference_token(person)
    form = {"change": "opt_out", "subscription": DEALS, "key": new_id()}
    async with person.session.post(f"{person.base}/p/{token}", data=form) as answer:
        assert answer.status == 200


async def card_of(person: Visitor) -> Card:
    return Card((await person.open(person.conversation))["html"])


async def sign_up_again(person: Visitor, card: Card, number: str | None = None) -> tuple[int, str]:
    return await person.submit(number, again=card.hidden("again"), version=card.hidden("version"))


async def test_somebody_who_is_out_sees_no_tick_and_signs_up_again_by_a_new_act(
    visitor: Visitor, running: Running
) -> None:
    await visitor.submit()
    await running.quiet(visitor)
    await opt_out(visitor, running)
    card = await card_of(visitor)
    assert (card.state, card.locked) == ("withdrawn", "(201) 555-0123")
    assert card.root.all(class_="card-mark--good") == []
    assert card.notice == "You're unsubscribed. You can sign up again here."
    answers = await asyncio.gather(*(sign_up_again(visitor, card) for _ in range(4)))
    assert {(status, Card(html).state) for status, html in answers} == {(200, "completed")}
    first, out, again = await running.events(visitor)
    assert (first.action, out.action, again.action) == (Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN)
    assert again.words == first.words
    assert (again.source, again.number, again.was) == (Source.FORM, "+12015550123", ConsentState.OPTED_OUT)
    assert (await card_of(visitor)).state == "completed"


async def test_a_late_retry_does_not_undo_a_newer_opt_out(visitor: Visitor, running: Running) -> None:
    await visitor.submit()
    await running.quiet(visitor)
    await opt_out(visitor, running)
    card = await card_of(visitor)
    await sign_up_again(visitor, card)
    await opt_out(visitor, running)
    status, html = await sign_up_again(visitor, card)
    assert (status, Card(html).state) == (200, "withdrawn")
    assert len(await running.events(visitor)) == 4


async def test_whoever_is_signed_up_is_not_signed_up_twice(visitor: Visitor, running: Running) -> None:
    await visitor.submit()
    await running.quiet(visitor)
    (event,) = await running.events(visitor)
    status, html = await visitor.submit(None, again=event.event)
    assert (status, Card(html).state) == (409, "completed")
    assert len(await running.events(visitor)) == 1


async def test_another_tab_sees_both_the_no_and_the_new_yes(visitor: Visitor, running: Running) -> None:
    await visitor.submit()
    await running.quiet(visitor)
    socket = await hello(visitor, 4)
    await heard(socket, is_ready)
    await opt_out(visitor, running)
    await heard(socket, lambda m: m.get("seq") == 2 and Card(m["html"]).state == "withdrawn")
    await sign_up_again(visitor, await card_of(visitor))
    await heard(socket, lambda m: m.get("seq") == 2 and Card(m["html"]).state == "completed")
    await socket.close()


async def test_a_stopped_number_is_told_how_to_come_back_and_offered_no_button(
    visitor: Visitor, running: Running
) -> None:
    await visitor.submit("(201) 555-0171")
    await running.quiet(visitor)
    await running.bot.receive("+12015550171", "STOP", new_id())
    card = await card_of(visitor)
    assert (card.state, card.root.all("form", class_="card-form")) == ("withdrawn", [])
    assert "reply START to any of our texts" in card.root.text
    first, *_, out = await running.events(visitor)
    assert first.words
    status, html = await visitor.submit(None, again=out.event, version=first.words.version)
    assert (status, "START" in Card(html).root.text) == (422, True)
    await running.bot.receive("+12015550171", "START", new_id())
    card = await card_of(visitor)
    status, html = await sign_up_again(visitor, card)
    assert (status, Card(html).state) == (200, "completed")


async def test_a_teammate_turns_it_off_and_the_card_says_so(visitor: Visitor, running: Running) -> None:
    await visitor.submit()
    await running.quiet(visitor)
    contact = await running.contact(visitor)
    await running.bot.attestations.opt_out(contact.id, DEALS, Attestation(key=new_id(), by=By("ben", "Ben")))
    assert (await card_of(visitor)).state == "withdrawn"


# --- while it is pending


async def _asked(running: Running, person: Visitor) -> ConsentEvent:
    """The event that asked, once its question left: a YES answers no other."""
    event = (await running.events(person))[-1]

    async def has_left() -> bool:
        question = await running.store.deliveries.get(f"ask:{event.event}")
        return bool(question and question.state in LEFT)

    await eventually(has_left)
    return event


async def _questions(running: Running, event: ConsentEvent) -> list[Delivery]:
    return await running.store.deliveries.find({"event": event.event, "kind": DeliveryKind.ASK}, limit=9)


async def _age(running: Running, event: ConsentEvent) -> None:
    """Everything about this question happened ten minutes ago."""
    then = now() - timedelta(minutes=11)
    deliveries, contacts = running.store.deliveries.collection, running.store.contacts.collection
    await deliveries.update_many({"event": event.event}, {"$set": {"created_at": then}})
    await contacts.update_one({"_id": event.contact}, {"$set": {"consents.0.at": then}})


@pytest.mark.usefixtures("_double")
async def test_the_question_is_texted_again_a_bounded_number_of_times(visitor: Visitor, running: Running) -> None:
    await visitor.submit("(201) 555-0172")
    event = await _asked(running, visitor)
    status, html = await press(visitor, "resend", event=event.event)
    assert (status, "It can take a minute" in html) == (422, True)
    for sent in (2, 3):
        await _age(running, event)
        answers = await asyncio.gather(*(press(visitor, "resend", event=event.event) for _ in range(3)))
        assert 200 in {status for status, _ in answers}, [
            Card(html).root.one(class_="card-said").text for _, html in answers
        ]
        assert any("We texted you again" in html for _, html in answers)
        assert len(await _questions(running, event)) == sent
    await _age(running, event)
    status, html = await press(visitor, "resend", event=event.event)
    assert (status, "We can&#39;t text this number again now" in html) == (422, True)
    assert len(await _questions(running, event)) == 3
    assert [e.action for e in await running.events(visitor)] == [Action.REQUEST_CONFIRMATION]
    await running.bot.receive("+12015550172", "YES", new_id())
    assert (await card_of(visitor)).state == "completed"


@pytest.mark.usefixtures("_double")
async def test_another_number_takes_the_first_request_back(visitor: Visitor, running: Running) -> None:
    await visitor.submit("(201) 555-0173")
    event = await _asked(running, visitor)
    answers = await asyncio.gather(*(press(visitor, "change-number", event=event.event) for _ in range(3)))
    assert {(status, Card(html).state) for status, html in answers} == {(200, "open")}
    asked, canceled = await running.events(visitor)
    assert (canceled.action, canceled.source, canceled.state) == (Action.CANCEL, Source.FORM, ConsentState.NONE)
    assert canceled.words
    assert canceled.words.act == 'pressed "Use a different number"'
    await running.bot.receive("+12015550173", "YES", new_id())
    assert [e.action for e in await running.events(visitor)] == [asked.action, Action.CANCEL]
    card = await card_of(visitor)
    status, html = await sign_up_again(visitor, card, "(201) 555-0174")
    assert (status, Card(html).state, Card(html).locked) == (200, "pending", "(201) 555-0174")
    await running.bot.receive("+12015550173", "YES", new_id())
    assert (await running.events(visitor))[-1].action is Action.REQUEST_CONFIRMATION
    await _asked(running, visitor)
    await eventually(lambda: running.bot.phone.texts("+12015550174"))
    await running.bot.receive("+12015550174", "YES", new_id())
    assert (await card_of(visitor)).state == "completed"


@pytest.mark.usefixtures("_double")
async def test_an_old_page_takes_nothing_back_that_was_confirmed_since(visitor: Visitor, running: Running) -> None:
    await visitor.submit("(201) 555-0175")
    event = await _asked(running, visitor)
    await eventually(lambda: running.bot.phone.texts("+12015550175"))
    await running.bot.receive("+12015550175", "YES", new_id())
    for what in ("resend", "change-number"):
        status, html = await press(visitor, what, event=event.event)
        assert (status, Card(html).state) == (200, "completed")
    assert (await running.events(visitor))[-1].action is Action.CONFIRM


@pytest.mark.parametrize("form", [{}, {"event": "x"}, {"event": "0" * 26, "more": "1"}])
async def test_a_button_with_a_made_up_form_changes_nothing(
    visitor: Visitor, running: Running, form: dict[str, str]
) -> None:
    await visitor.submit()
    for what in ("resend", "change-number"):
        assert (await press(visitor, what, **form))[0] == 422
    assert len(await running.events(visitor)) == 1


async def test_strangers_press_no_buttons(visitor: Visitor, stranger: Visitor, running: Running) -> None:
    await visitor.submit()
    thief = Visitor(stranger.session, stranger.base, stranger.token, visitor.conversation, visitor.opened)
    for what in ("resend", "change-number", "disown"):
        assert (await press(thief, what, event="0" * 26))[0] == 404
    await running.quiet(visitor)
    assert len(await running.parts(visitor)) == 4


# --- the saved number, and the preferences


async def test_not_your_number_asks_the_team_once(known_user: Visitor, running: Running) -> None:
    await running.quiet(known_user)
    for _again in range(2):
        status, html = await press(known_user, "disown")
        assert (status, "We&#39;ve asked the team." in html) == (200, True)
        assert "Ask our team in this chat." in html
    said = [part.content.text for part in await running.parts(known_user) if isinstance(part.content, Text)]
    assert [text for text in said if "isn't mine" in text] == [
        "\u2066(201) 555-0147\u2069 isn't mine. Please change it."
    ]
    conversation = await running.store.conversations.get(known_user.conversation)
    assert conversation
    assert conversation.is_unread


async def test_the_chat_opens_the_visitors_own_preferences(
    visitor: Visitor, newcomer: Callable[[], Visitor], running: Running
) -> None:
    await visitor.submit("(201) 555-0176")
    url = f"{visitor.base}/messenger/preferences"
    places = set()
    for _again in range(2):
        form = {"token": visitor.token, "channel": "sms"}
        async with visitor.session.post(url, data=form, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (303, "private, no-store")
            places.add(answer.headers["Location"])
    (place,) = places
    async with visitor.session.get(visitor.base + place) as answer:
        assert "Deals and new roasts" in await answer.text()
    nobody = newcomer()
    await nobody.open()
    for token, status in ((nobody.token, 404), ("made up", 401), ("", 401)):
        async with visitor.session.post(url, data={"token": token}, allow_redirects=False) as answer:
            assert answer.status == status
    assert visitor.token
    contact = running.bot.visitors.read(visitor.token)
    assert len(await running.store.preference_links.find({"contact": contact}, limit=5)) == 1
