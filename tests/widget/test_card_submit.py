"""One yes: whatever is pressed twice, sent again, made up, or changed while it is on its way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest

from bot.demo import DEALS
from bot.model.contact import ConsentState
from bot.model.event import Action, Source
from bot.model.subscription import SubscriptionState
from bot.store import open_store
from bot.store.embedded import EmbeddedServer
from bot.store.parts import CardChange
from tests.conftest import Visitor, serving
from tests.widget.help import Card, Running


async def test_a_double_click_is_one_yes_and_both_answers_are_the_same_card(visitor: Visitor, running: Running) -> None:
    answers = await asyncio.gather(*(visitor.submit() for _ in range(6)))
    assert {status for status, _ in answers} == {200}
    assert len({html for _, html in answers}) == 1
    (event,) = await running.events(visitor)
    assert (event.action, event.source, event.number) == (Action.OPT_IN, Source.FORM, "+12015550123")
    await running.quiet(visitor)
    deliveries = await running.store.deliveries.find({"contact": event.contact}, limit=5)
    assert [d.event for d in deliveries] == [event.event]
    assert [p.content.kind for p in await running.parts(visitor)] == ["text", "card", "event", "text"]


async def test_a_double_click_that_reaches_two_processes_is_one_yes(
    visitor: Visitor, running: Running, other_process: str
) -> None:
    there = Visitor(visitor.session, other_process, visitor.token, visitor.conversation, visitor.opened)
    answers = await asyncio.gather(*(person.submit() for person in (visitor, there) * 4))
    assert {(status, Card(html).state) for status, html in answers} == {(200, "completed")}
    await running.quiet(visitor)
    (event,) = await running.events(visitor)
    assert len(await running.store.deliveries.find({"contact": event.contact}, limit=5)) == 1
    assert len(await running.parts(visitor)) == 4


async def test_the_same_request_again_answers_the_same_and_records_nothing(visitor: Visitor, running: Running) -> None:
    first = await visitor.submit()
    await running.quiet(visitor)
    assert await visitor.submit() == first
    assert await visitor.submit("(201) 555-0199") == first
    await running.quiet(visitor)
    assert len(await running.events(visitor)) == 1
    assert len(await running.parts(visitor)) == 4


async def test_the_event_holds_what_was_shown_and_where(visitor: Visitor, running: Running) -> None:
    card = Card(visitor.opened["html"])
    await visitor.submit(page="https://shop.example/roasts?x=1")
    (event,) = await running.events(visitor)
    assert event.words
    assert (event.words.title, event.words.button) == (card.title, "Sign Up Now")
    assert event.words.version == card.hidden("version")
    assert "Consent is not a condition of purchase" in event.words.legal_text
    context = event.context
    assert (context.conversation, context.part) == (visitor.conversation, f"{visitor.conversation}:0000000002")
    assert (context.page, context.ip) == ("https://shop.example/roasts?x=1", "127.0.0.1")
    assert context.user_agent
    assert context.user_agent.startswith("Python/")


async def test_an_address_that_a_client_claims_in_a_header_is_not_believed(visitor: Visitor, running: Running) -> None:
    url = f"{visitor.base}/messenger/conversations/{visitor.conversation}/cards/2"
    form = {**visitor.card(), "region": "US", "number": "(201) 555-0123"}
    headers = {**visitor.headers, "X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9"}
    async with visitor.session.post(url, data=form, headers=headers) as answer:
        assert answer.status == 200
    (event,) = await running.events(visitor)
    assert event.context.ip == "127.0.0.1"


async def test_behind_a_trusted_proxy_the_address_is_the_one_that_it_saw(
    running: Running, mongo: EmbeddedServer
) -> None:
    settings = running.settings.model_copy(update={"trusted_proxies": 1})
    async with open_store(mongo.url, "sayso_widget") as store, serving(store, settings) as server:
        person = Visitor(running.session, str(server.make_url("")).rstrip("/"))
        await person.open()
        url = f"{person.base}/messenger/conversations/{person.conversation}/cards/2"
        headers = {**person.headers, "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
        form = {**person.card(), "region": "US", "number": "(201) 555-0123"}
        async with person.session.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200
    assert [event.context.ip for event in await running.events(person)] == ["198.51.100.7"]


async def test_a_stranger_cannot_answer_somebody_elses_card(
    visitor: Visitor, stranger: Visitor, running: Running
) -> None:
    thief = Visitor(stranger.session, stranger.base, stranger.token, visitor.conversation, visitor.opened)
    status, body = await thief.submit()
    assert (status, "Form not found." in body) == (404, True)
    assert (await running.events(visitor), await running.events(stranger)) == ([], [])
    status, _ = await visitor.submit()
    assert status == 200
    after = await thief.submit()
    assert (after[0], _without_id(after[1])) == (404, _without_id(body))


def _without_id(body: str) -> str:
    """A refusal without its request's id."""
    return re.sub(r'"request_id": "[0-9a-f]+"', "", body)


@pytest.mark.parametrize("seq", [1, 3, 999, 999_999_999])
async def test_an_entry_that_is_no_card_takes_no_answer(visitor: Visitor, running: Running, seq: int) -> None:
    status, body = await visitor.submit(seq=seq)
    assert (status, "Form not found." in body) == (404, True)
    assert await running.events(visitor) == []


@pytest.mark.parametrize("seq", ["0", "-1", "10000000000", "9" * 4000, "2.0", "2a", "٢", "%32%00", "2/"])
async def test_a_sequence_that_is_none_is_no_page(visitor: Visitor, running: Running, seq: str) -> None:
    url = f"{visitor.base}/messenger/conversations/{visitor.conversation}/cards/{seq}"
    async with visitor.session.post(url, data=visitor.card(), headers=visitor.headers) as answer:
        assert answer.status == 404
        assert (await answer.json())["errors"][0]["code"] == "not_found"
    assert await running.events(visitor) == []


async def test_a_completed_card_takes_no_other_answer(visitor: Visitor, running: Running) -> None:
    _, html = await visitor.submit()
    assert Card(html).state == "completed"
    status, html = await visitor.submit("(201) 555-0199")
    assert (status, Card(html).state) == (200, "completed")
    assert "555-0199" not in html
    assert [event.number for event in await running.events(visitor)] == ["+12015550123"]


async def test_two_tabs_with_two_numbers_at_once_make_one_yes(visitor: Visitor, running: Running) -> None:
    numbers = ("(201) 555-0123", "(201) 555-0199") * 2
    answers = await asyncio.gather(*(visitor.submit(number) for number in numbers))
    assert {Card(html).locked for status, html in answers if status == 200} <= set(numbers)
    await running.quiet(visitor)
    (event,) = await running.events(visitor)
    assert (await running.contact(visitor)).phone == event.number
    again = await visitor.open()
    assert Card(again["html"]).state == "completed"
    assert len(await running.store.deliveries.find({"contact": event.contact}, limit=5)) == 1


async def test_a_card_that_was_withdrawn_takes_no_answer(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    await running.bot.inbox.withdraw(visitor.conversation, "ada", 2)
    status, html = await visitor.submit()
    assert (status, Card(html).state) == (409, "closed")
    assert await running.events(visitor) == []


async def test_a_user_with_a_saved_number_sees_it_locked_and_signs_up_with_it(
    known_user: Visitor, running: Running
) -> None:
    await _opt_out(known_user, running)
    await known_user.open("new")
    card = Card(known_user.opened["html"])
    assert (card.state, card.locked) == ("saved", "(201) 555-0147")
    assert card.root.all("input", name="number") == []
    status, html = await known_user.submit(None)
    assert (status, Card(html).state, Card(html).locked) == (200, "completed", "(201) 555-0147")
    assert [e.number for e in await running.events(known_user)][::2] == ["+12015550147"] * 2


@pytest.mark.parametrize("number", ["(201) 555-0199", "+44 7400 123456", "+12015550148"])
async def test_another_number_than_the_saved_one_is_refused_and_recorded_nowhere(
    known_user: Visitor, running: Running, number: str
) -> None:
    await _opt_out(known_user, running)
    await known_user.open("new")
    status, html = await known_user.submit(number)
    card = Card(html)
    assert (status, card.state, card.locked) == (422, "saved", "(201) 555-0147")
    assert card.error == "You already have a saved number. You can't sign up with a different one here."
    assert number not in html
    assert [e.action for e in await running.events(known_user)] == [Action.OPT_IN, Action.OPT_OUT]
    assert (await running.contact(known_user)).phone == "+12015550147"
    status, _ = await known_user.submit("201-555-0147")
    assert status == 200


async def _opt_out(person: Visitor, running: Running) -> None:
    token = await running.preference_token(person)
    form = {"change": "opt_out", "subscription": DEALS, "key": "turn-it-off"}
    async with person.session.post(f"{person.base}/p/{token}", data=form) as answer:
        assert answer.status == 200


@pytest.fixture
async def changing_subscription(running: Running) -> AsyncIterator[Callable[..., object]]:
    """Edits the subscription of the card; the shared one is put back."""
    before = await running.store.subscriptions.get(DEALS)
    assert before

    async def change(**values: object) -> None:
        await running.store.subscriptions.update({"_id": DEALS}, {"$set": values})

    yield change
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": before.stored()})


@pytest.mark.parametrize("state", [SubscriptionState.ARCHIVED, SubscriptionState.DRAFT])
async def test_a_subscription_that_is_withdrawn_meanwhile_closes_the_card(
    visitor: Visitor, running: Running, changing_subscription: Callable[..., object], state: SubscriptionState
) -> None:
    await changing_subscription(state=state)  # type: ignore[misc]
    status, html = await visitor.submit()
    assert (status, Card(html).state) == (409, "closed")
    assert "This form is no longer available." in html
    assert Card(html).root.all("form") == []
    assert await running.events(visitor) == []
    later = Visitor(visitor.session, visitor.base)
    assert Card((await later.open())["html"]).state == "closed"


@pytest.mark.parametrize(
    "change",
    [{"name": "Deals, roasts and more"}, {"description": "Up to 40 texts a month."}],
    ids=["name", "description"],
)
async def test_a_subscription_that_is_reworded_meanwhile_must_be_read_again(
    visitor: Visitor, running: Running, changing_subscription: Callable[..., object], change: dict[str, str]
) -> None:
    await changing_subscription(**change)  # type: ignore[misc]
    status, html = await visitor.submit()
    card = Card(html)
    assert (status, card.state) == (409, "open")
    assert card.notice == "The wording has changed. Review it and try again."
    assert await running.events(visitor) == []
    status, html = await visitor.submit(version=card.hidden("version"))
    assert (status, Card(html).state) == (200, "completed")
    (event,) = await running.events(visitor)
    assert event.words
    assert (
        change.items()
        <= {"name": event.words.subscription_name, "description": event.words.subscription_description}.items()
    )


async def test_a_card_that_is_reworded_meanwhile_shows_the_new_words_and_keeps_what_was_typed(
    visitor: Visitor, running: Running
) -> None:
    await running.act(visitor)
    new = {"title": "Sign up to get 5% off", "legal_text": "New terms.", "button": "Yes, 5%"}
    await running.store.parts.change_cards([CardChange(f"{visitor.conversation}:0000000002", new)])
    status, html = await visitor.submit("(201) 555-0123")
    card = Card(html)
    assert (status, card.title, card.error) == (409, "Sign up to get 5% off", "")
    assert "New terms." in html
    assert card.field.attrs["value"] == "(201) 555-0123"
    assert "aria-invalid" not in card.field.attrs
    assert await running.events(visitor) == []
    status, _ = await visitor.submit(version=card.hidden("version"))
    assert status == 200
    (event,) = await running.events(visitor)
    assert event.words
    assert (event.words.title, event.words.legal_text, event.words.button) == (*list(new.values())[:2], "Yes, 5%")


async def test_a_version_that_never_was_records_nothing(visitor: Visitor, running: Running) -> None:
    for version in ("0" * 16, "", "x" * 300, "<script>"):
        status, html = await visitor.submit(version=version)
        assert (status, Card(html).state) == (409, "open")
    assert await running.events(visitor) == []


async def test_signed_up_in_another_tab_the_card_says_so(visitor: Visitor, running: Running) -> None:
    first = Visitor(visitor.session, visitor.base, visitor.token, visitor.conversation, visitor.opened)
    await visitor.open("new")
    await first.submit()
    again = await visitor.open(visitor.conversation)
    card = Card(again["html"])
    assert (card.state, card.locked, "You're already signed up" in again["html"]) == ("already", "(201) 555-0123", True)
    consent = (await running.contact(visitor)).consent(DEALS)
    assert consent
    assert consent.state is ConsentState.OPTED_IN


async def test_a_tab_that_was_opened_before_the_number_was_saved_in_another_knows_it(
    visitor: Visitor, running: Running
) -> None:
    first = Visitor(visitor.session, visitor.base, visitor.token, visitor.conversation, visitor.opened)
    await visitor.open("new")
    assert (await visitor.submit("(201) 555-0123"))[0] == 200
    status, html = await first.submit("(212) 555-0187")
    assert (status, Card(html).locked) == (422, "(201) 555-0123")
    status, html = await first.submit(None)
    assert (status, Card(html).state) == (200, "completed")
    assert [event.number for event in await running.events(visitor)] == ["+12015550123", "+12015550123"]
