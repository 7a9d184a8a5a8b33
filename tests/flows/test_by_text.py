"""Flows that talk by SMS: numbered choices, a form that asks for a YES, and STOP before everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.changes import consent_change
from bot.consent.permission import permission
from bot.consent.projection import PENDING_FOR
from bot.demo import DEALS
from bot.errors import Invalid, NotFound
from bot.flows.effects import AcceptForm, Write
from bot.flows.engine import advance, begun
from bot.flows.outcomes import FlowOutcomes
from bot.flows.publish import create
from bot.flows.script import Script
from bot.flows.steps.base import Answered, Started
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Author, AuthorKind, Card, CardState, Conversation, Text
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, ConsentEvent, Grade, Source
from bot.model.flow import RunStatus, State, Wait
from bot.model.subscription import MessageType
from bot.model.webhook import Topic
from bot.outbound.flow_texts import FlowTexts
from bot.store.embedded import EmbeddedServer
from bot.workspace.keyword_programs import ProgramForm
from tests import processes
from tests.flows import crashing_run
from tests.flows.test_effects import flow
from tests.people import AT, person, subscription, version_of, wording
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
            ("Yes!", (AcceptForm("t:2"),), (Wait.PART, Wait.ANSWER)),
            ("what?", (), (Wait.PART, Wait.ANSWER)),
            ("no", (Write(Text(text="Maybe later")),), ()),
        ],
    )
    def test_a_form_is_answered_with_yes_or_no(
        self, said: str, effects: tuple[Any, ...], waits: tuple[Wait, ...]
    ) -> None:
        made, state = advance(script(FORM), State(by_text=True), Started(AT))
        assert (len(made), state.waits) == (1, (Wait.PART, Wait.ANSWER))
        assert advance(script(FORM), state, Answered(AT, said, "t:2"))[0] == effects
        assert advance(script(FORM), state, Answered(AT, said, "t:2"))[1].waits == waits

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
        assert (event.words.act, event.words.locale) == ('texted "yes"', "en")
        assert not event.words.subscription_description  # it was never texted

    async def test_a_crash_behind_the_sign_up_keeps_no_flow_from_starting(self, bot: Bot) -> None:
        """The provider doesn't send the text again: the recovery of the ledger starts it."""
        listener, bot.inbound.listener = bot.inbound.listener, None
        await bot.receive(NUMBER, "Club", "t1")
        assert not [text for text in await sent(bot) if text.startswith("Which roast?")]
        bot.inbound.listener = listener
        (contact,) = await bot.store.contacts.with_number(NUMBER, after="", limit=2)
        events = await bot.store.events.after(contact.id, 0, limit=9)
        for _time in range(2):
            await bot.consumers.handle(events, after_crash=True)
        assert (await sent(bot)).count("Which roast?\n1 Dark\n2 Light") == 1
        await bot.receive(NUMBER, "1", "t2")
        await bot.consumers.handle(events, after_crash=True)
        assert (await sent(bot)).count("Which roast?\n1 Dark\n2 Light") == 1
        _, talk = await lead(bot)
        parts = await bot.conversations.page(talk.id)
        assert [p.preview for p in parts if p.is_message_of is AuthorKind.CONTACT] == ["Club", "1"]

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
        await sent(bot)
        await bot.receive(NUMBER, "yes", "t4")
        assert "Welcome, fan of Light" in await sent(bot)


@pytest.fixture
async def form(bot: Bot, program: None) -> Delivery:
    """The form of DEALS, as it was texted."""
    await bot.receive(NUMBER, "Club", "t1")
    await sent(bot)
    await bot.receive(NUMBER, "1", "t2")
    await sent(bot)
    found = await bot.store.deliveries.asked_by_flow(NUMBER)
    assert found
    return found


async def state_of(bot: Bot, subscription: str = DEALS) -> ConsentState | None:
    contact, _ = await lead(bot)
    known = await bot.ledger.contact(contact.id)
    consent = known.consent(subscription) if known else None
    return consent.state if consent else None


class TestLaterYes:
    """It counts only where it can mean nothing but the form."""

    async def test_three_days_later(self, bot: Bot, form: Delivery) -> None:
        earlier = {"handed_at": now() - PENDING_FOR, "created_at": now() - PENDING_FOR}
        await bot.store.deliveries.update({"_id": form.id}, {"$set": earlier})
        await bot.receive(NUMBER, "yes", "t3")
        await sent(bot)
        assert await state_of(bot) is None
        _, talk = await lead(bot)
        assert talk.run
        assert Wait.ANSWER in talk.run.state.waits

    async def test_after_a_stop_that_was_lifted(self, bot: Bot, form: Delivery) -> None:
        for n, text in enumerate(("STOP", "START", "yes"), start=3):
            await bot.receive(NUMBER, text, f"t{n}")
            await sent(bot)
        assert await state_of(bot) is not ConsentState.OPTED_IN

    async def test_after_a_message_of_a_teammate(self, bot: Bot, form: Delivery) -> None:
        _, talk = await lead(bot)
        author = Author(kind=AuthorKind.TEAMMATE, id="ada")
        part = await bot.conversations.append(talk.id, author, Text(text="Shall we call you?"), "k1")
        await bot.deliveries.message(part, talk.contact, NUMBER, "Shall we call you?")
        assert (await sent(bot))[-1] == "Shall we call you?"
        await bot.receive(NUMBER, "yes", "t3")
        await sent(bot)
        assert await state_of(bot) is None

    async def test_to_another_number_of_the_contact(self, bot: Bot, form: Delivery) -> None:
        _, talk = await lead(bot)
        await bot.store.conversations.update({"_id": talk.id}, {"$set": {"number": "+12015550178"}})
        *_, asked = [p for p in await bot.conversations.page(talk.id) if isinstance(p.content, Card)]
        part = await bot.conversations.append(
            talk.id, Author(kind=AuthorKind.CONTACT, id=talk.contact), Text(text="yes"), "k1"
        )
        other = talk.model_copy(update={"number": "+12015550178"})
        await FlowTexts(bot.store, bot.ledger, bot.deliveries).accept(other, asked.seq, part.id)
        assert await state_of(bot) is None

    async def test_while_the_provider_has_not_acknowledged_it(self, bot: Bot, form: Delivery) -> None:
        in_hand = {"state": DeliveryState.SENDING, "ask_at": now()}
        await bot.store.deliveries.update({"_id": form.id}, {"$set": in_hand})
        await bot.receive(NUMBER, "yes", "t3")
        assert await state_of(bot) is ConsentState.OPTED_IN

    async def test_it_confirms_nothing_that_was_asked_before(self, bot: Bot, form: Delivery) -> None:
        """The newest text that asked is the one that is answered."""
        await bot.store.subscriptions.insert(subscription("news", name="News", double_opt_in=True))
        contact, _ = await lead(bot)
        news = await bot.subscriptions.get("news")
        request = consent_change(
            contact, news, Action.REQUEST_CONFIRMATION, NUMBER, source=Source.FORM, words=None, key="news"
        )
        asked = (await bot.ledger.record(request)).event
        await bot.consumers.drain()
        await sent(bot)
        before = {"created_at": form.created_at - timedelta(hours=1), "handed_at": form.created_at - timedelta(hours=1)}
        await bot.store.deliveries.update({"event": asked.event}, {"$set": before})
        await bot.receive(NUMBER, "yes", "t3")
        await sent(bot)
        assert await state_of(bot) is ConsentState.OPTED_IN
        assert await state_of(bot, "news") is ConsentState.PENDING

    async def test_it_confirms_what_was_asked_since(self, bot: Bot, form: Delivery) -> None:
        await bot.store.subscriptions.insert(subscription("news", name="News", double_opt_in=True))
        contact, _ = await lead(bot)
        news = await bot.subscriptions.get("news")
        await bot.ledger.record(
            consent_change(
                contact, news, Action.REQUEST_CONFIRMATION, NUMBER, source=Source.FORM, words=None, key="news"
            )
        )
        await sent(bot)
        await bot.receive(NUMBER, "yes", "t3")
        await sent(bot)
        assert await state_of(bot) is None
        assert await state_of(bot, "news") is ConsentState.OPTED_IN

    async def test_it_has_the_version_of_the_subscription_that_was_texted(self, bot: Bot, form: Delivery) -> None:
        deals = await bot.subscriptions.get(DEALS)
        await bot.store.subscription_versions.insert(version_of(deals))
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"name": "Other", "version": 9}})
        await bot.receive(NUMBER, "YES please", "t3")
        contact, _ = await lead(bot)
        (event,) = [e for e in await bot.store.events.after(contact.id, 0, limit=20) if e.subscription == DEALS]
        assert event.words
        said = (event.words.subscription_name, event.words.subscription_version, event.words.act)
        assert said == (deals.name, deals.version, 'texted "YES please"')

    async def test_it_is_counted_as_completed_and_confirmed(self, bot: Bot, form: Delivery) -> None:
        await bot.receive(NUMBER, "yes", "t3")
        (counts,) = (await FlowOutcomes(bot.store).newest()).values()
        assert counts == {"completed:form": 1, "confirmed:form": 1}


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
    by_email = subscription("mail", name="Mail", message_type=MessageType.EMAIL)
    await bot.store.subscriptions.insert(by_email)
    await create(
        bot.store, flow({**FORM, "subscription": "mail"}, triggers=[{"kind": "started_by_teammate"}]), id="mail"
    )
    bot.runs.scripts.live.cache_clear()
    with pytest.raises(Invalid, match="by SMS"):
        await bot.flow_starts.start("mail", talk.id, "ada", "key-3")
    assert Action.OPT_IN not in [e.action for e in await bot.store.events.after(talk.contact, 0, limit=9)]


TELLS = {
    **ROAST,
    "choices": [
        {
            "id": "dark", "label": "Dark",
            "steps": [
                {"kind": "say", "id": "nice", "text": "Nice"},
                {"kind": "send_sms", "id": "text", "subscription": DEALS, "text": "It is on its way"},
                {"kind": "webhook", "id": "hook", "event": "roast.chosen", "values": {"roast": "{{roast}}"}},
                {"kind": "say", "id": "noted", "text": "Noted"},
            ],
        },
    ],
}  # fmt: skip


@pytest.mark.slow
async def test_killed_at_every_point_a_talk_texts_and_tells_everything_once(bot: Bot, mongo: EmbeddedServer) -> None:
    store, document, points = bot.store, flow(TELLS, FORM), 0
    await bot.webhooks.add("https://hooks.shop.example/a", "", [Topic.FLOW_EVENT], ADA)
    await create(store, document, id="tells")
    while True:
        contact, number = f"{points:024x}", f"+1201555{100 + points:04d}"
        await store.contacts.insert(person(contact, phone=number))
        talk = await bot.conversations.begin_texting(contact, number)
        conversation = await bot.conversations.get(talk)
        assert conversation
        script = await bot.runs.scripts.get("tells", 1)
        assert script
        await bot.runs.start(conversation, script, id=f"run-{points}")
        part = await bot.conversations.say(conversation, "1", "k1", is_due=True)
        victim = await processes.start(crashing_run.answer, mongo.url, store.database.name, part.id, points)
        is_over = await victim.wait() == 0
        if points % 2:
            await bot.messages.handle_overdue(now() + timedelta(minutes=1))
        await store.conversations.update({"_id": talk, "run.due_at": {"$exists": True}}, {"$set": {"run.due_at": AT}})
        await bot.runs.finish_left(now())
        await bot.messages.handle_overdue(now() + timedelta(minutes=1))
        await _is_told_once(bot, contact)
        if is_over:
            break
        points += 1
    assert points > 12


async def _is_told_once(bot: Bot, contact: str) -> None:
    texts = await bot.store.deliveries.find({"contact": contact}, limit=20)
    assert sorted(text.text or "" for text in texts if text.kind is DeliveryKind.FLOW_REPLY) == [
        "Nice", "Noted", "Want our deals?", "Which roast?\n1 Dark",
    ]  # fmt: skip
    assert [text.text for text in texts if text.kind is DeliveryKind.FLOW] == ["It is on its way"]
    told = await bot.store.webhook_notifications.find({"contact": contact}, limit=9)
    assert [one.item["values"] for one in told] == [{"roast": "Dark"}]
