"""Flows that talk by SMS: numbered choices, a form that asks for a YES, and STOP before everything."""

from __future__ import annotations

from typing import Any

import pytest

from bot.app import Bot
from bot.consent.permission import permission
from bot.demo import DEALS
from bot.errors import Invalid, NotFound
from bot.flows.effects import AcceptForm, Write
from bot.flows.engine import advance, begun
from bot.flows.publish import create
from bot.flows.script import Script
from bot.flows.steps.base import Answered, Started
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card, CardState, Conversation, Text
from bot.model.delivery import DeliveryKind, DeliveryState
from bot.model.event import Action, ConsentEvent, Grade, Source
from bot.model.flow import RunStatus, State, Wait
from bot.workspace.keyword_programs import ProgramForm
from tests.flows.test_effects import flow
from tests.people import AT, subscription, wording
from tests.webhooks.people import ADA

NUMBER = "+12015550177"
ROAST = {
    "kind": "ask", "id": "roast", "text": "Which roast?", "answer": "choice",
    "choices": [{"id": "dark", "label": "Dark"}, {"id": "light", "label": "Light"}],
}  # fmt: skip
SHOW = {
    "kind": "say", "id": "show", "text": "Look",
    "image": {"url": "https://cdn.shop.example/a.png", "alt": "Beans"},
    "links": [{"label": "Shop", "url": "https://shop.example"}],
}  # fmt: skip
FORM = {
    "kind": "opt_in_form", "id": "form", "subscription": DEALS, "title": "Want our deals?", "legal_text": "Terms",
    "completed": [{"kind": "say", "id": "yes", "text": "Welcome, fan of {{roast}}"}],
    "dismissed": [{"kind": "say", "id": "no", "text": "Maybe later"}],
}  # fmt: skip


def script(*steps: dict[str, Any]) -> Script:
    return Script(flow="flow", **flow(*steps).model_dump())


class TestSteps:
    """Pure."""

    def test_choices_are_numbered_and_an_image_and_links_are_addresses(self) -> None:
        effects, state = advance(script(SHOW, ROAST), begun(script(SHOW), "en", by_text=True), Started(AT))
        texts = [e.content for e in effects if isinstance(e, Write)]
        assert texts == [
            Text(text="Look\nhttps://cdn.shop.example/a.png\nShop: https://shop.example"),
            Text(text="Which roast?\n1 Dark\n2 Light"),
        ]
        _, state = advance(script(SHOW, ROAST), state, Answered(AT, "2"))
        assert (state.status, state.answers, state.by_text) == (RunStatus.ENDED, {"roast": "Light"}, True)

    @pytest.mark.parametrize(
        ("said", "effects", "waits"),
        [
            ("Yes!", (AcceptForm(),), (Wait.PART,)),
            ("what?", (), (Wait.PART, Wait.ANSWER)),
            ("no", (Write(Text(text="Maybe later")),), ()),
        ],
    )
    def test_a_form_is_answered_with_yes_or_no(
        self, said: str, effects: tuple[Any, ...], waits: tuple[Wait, ...]
    ) -> None:
        made, state = advance(script(FORM), State(by_text=True), Started(AT))
        assert (len(made), state.waits) == (1, (Wait.PART, Wait.ANSWER))
        assert advance(script(FORM), state, Answered(AT, said))[0] == effects
        assert advance(script(FORM), state, Answered(AT, said))[1].waits == waits

    def test_a_long_text_fits_into_what_a_provider_takes(self) -> None:
        long = {**ROAST, "text": "x" * 4000}
        (effect,), _ = advance(script(long), State(by_text=True), Started(AT))
        assert isinstance(effect, Write)
        assert isinstance(effect.content, Text)
        assert len(effect.content.text) == 1600
        assert effect.content.text.endswith("x\n1 Dark\n2 Light")


@pytest.fixture
async def program(bot: Bot) -> None:
    """The keyword CLUB starts a flow that asks by SMS."""
    await bot.store.subscriptions.insert(subscription("club", name="Club"))
    club = ProgramForm(subscription="club", place="Poster", title="Text CLUB", legal_text="Recurring. Reply STOP.")
    await bot.keywords.create("Club", club, ADA, wording())
    await create(bot.store, flow(ROAST, FORM, triggers=[{"kind": "sms_keyword", "keyword": "CLUB"}]), id="join")


async def sent(bot: Bot) -> list[str]:
    await bot.consumers.drain()
    while await bot.sender.send_some():
        pass
    await bot.consumers.drain()
    return [text.body for text in await bot.phone.texts(NUMBER) if text.incoming]


async def lead(bot: Bot) -> tuple[Contact, Conversation]:
    (contact,) = await bot.store.contacts.with_number(NUMBER, after="", limit=2)
    (talk,) = await bot.store.conversations.of_contact(contact.id, None, limit=2)
    return contact, talk


@pytest.mark.usefixtures("program")
class TestTalk:
    async def test_a_keyword_starts_a_talk_that_ends_with_a_proven_consent(self, bot: Bot) -> None:
        for _time in range(2):  # the provider repeats it
            await bot.receive(NUMBER, "Club", "t1")
        assert "Which roast?\n1 Dark\n2 Light" in await sent(bot)
        await bot.receive(NUMBER, "1", "t2")
        asked = (await sent(bot))[-1]
        assert asked.startswith("Want our deals?\nHarbor Coffee: Reply YES to get ")
        assert "Msg & data rates may apply. HELP for help, STOP to cancel." in asked
        for _time in range(2):
            await bot.receive(NUMBER, "yes", "t3")
        said = await sent(bot)
        assert said.count("Welcome, fan of Dark") == 1
        contact, talk = await lead(bot)
        consent = contact.consent(DEALS)
        assert consent
        assert (consent.state, consent.evidence, consent.number) == (ConsentState.OPTED_IN, Grade.KEYWORD, NUMBER)
        (event,) = [e for e in await bot.store.events.after(contact.id, 0, limit=20) if e.subscription == DEALS]
        assert (event.source, event.flow, event.flow_version) == (Source.KEYWORD, "join", 1)
        self._keeps_the_words(event, asked)
        assert permission(
            await bot.subscriptions.get(DEALS), consent, NUMBER, stopped=False, revoked_until=None
        ).allowed
        (card,) = [p.content for p in await bot.conversations.page(talk.id) if isinstance(p.content, Card)]
        assert card.state is CardState.COMPLETED

    def _keeps_the_words(self, event: ConsentEvent, asked: str) -> None:
        assert event.words
        assert f"{event.words.title}\n{event.words.legal_text}" == asked
        assert event.words.act == 'texted "YES"'

    async def test_each_text_is_an_entry_and_shows_its_delivery(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "Club", "t1")
        await sent(bot)
        _, talk = await lead(bot)
        parts = await bot.conversations.page(talk.id)
        texts = [p for p in parts if isinstance(p.content, Text) and p.content.text.startswith("Which roast?")]
        assert len(texts) == 1
        delivery = (await bot.threads.deliveries_of(parts))[texts[0].id]
        assert (delivery.kind, delivery.state) == (DeliveryKind.FLOW_REPLY, DeliveryState.SENT)

    async def test_stop_and_help_are_not_answers_and_a_stopped_number_hears_nothing(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "Club", "t1")
        await bot.receive(NUMBER, "help", "t2")
        await bot.receive(NUMBER, "STOP", "t3")
        before = await sent(bot)
        await bot.receive(NUMBER, "1", "t4")
        await bot.receive(NUMBER, "Club", "t5")
        assert await sent(bot) == before
        _, talk = await lead(bot)
        blocked = await bot.store.deliveries.find({"number": NUMBER, "kind": "flow_reply"}, limit=10)
        assert {(text.state, text.reason) for text in blocked[1:]} <= {(DeliveryState.BLOCKED, "stopped")}
        assert talk.run
        assert talk.run.flow == "join"

    async def test_a_yes_counts_only_for_words_that_left(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "Club", "t1")
        await bot.receive(NUMBER, "2", "t2")  # the form is queued, and nothing was sent yet
        await bot.receive(NUMBER, "yes", "t3")
        contact, _ = await lead(bot)
        assert contact.consent(DEALS) is None


async def test_words_in_a_text_start_a_flow_only_where_it_says_so(bot: Bot) -> None:
    words = {"kind": "words_in_message", "words": ["roast"]}
    say = {"kind": "say", "id": "hi", "text": "All roasts are dark"}
    await create(bot.store, flow(say, triggers=[words]), id="chat")
    await bot.receive(NUMBER, "Which roast?", "t1")
    assert await sent(bot) == []
    await create(bot.store, flow(say, triggers=[{**words, "by_text": True}]), id="sms")
    bot.runs.scripts.live.cache_clear()
    await bot.receive(NUMBER, "Which roast?", "t2")
    assert await sent(bot) == ["All roasts are dark"]


async def test_a_teammate_starts_a_flow_once(bot: Bot) -> None:
    say = {"kind": "say", "id": "hi", "text": "Hello"}
    await create(bot.store, flow(say, triggers=[{"kind": "started_by_teammate"}]), id="hello")
    await create(bot.store, flow(say), id="other")
    await bot.receive(NUMBER, "Anyone there?", "t1")
    _, talk = await lead(bot)
    assert [one.flow for one in await bot.flow_starts.offered()] == ["hello"]
    for _time in range(2):
        await bot.flow_starts.start("hello", talk.id, "ada", "key-1")
    assert await sent(bot) == ["Hello"]
    with pytest.raises(Invalid):
        await bot.flow_starts.start("other", talk.id, "ada", "key-2")
    with pytest.raises(NotFound):
        await bot.flow_starts.start("hello", "nowhere", "ada", "key-2")
    assert Action.OPT_IN not in [e.action for e in await bot.store.events.after(talk.contact, 0, limit=9)]
