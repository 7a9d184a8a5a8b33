"""A person's own wish for a pause or fewer texts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.compliance.keyword_table import Keyword
from bot.consent.pace_wishes import pace_asked, pause_days
from bot.consent.verify import verify
from bot.demo import DEALS
from bot.i18n import translator
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Source
from bot.model.pace import NO_PACE, Often, Pace
from tests.people import AT, HERE, NUMBER, change

MakeContact = Callable[..., Awaitable[Contact]]
SAY = translator("en")
IN_A_MONTH = AT + timedelta(days=30)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("PAUSE", 30),
        ("pause 7", 7),
        ("Pause 2 weeks", 14),
        ("pause for a month please", 30),
        ("pause for three months", 90),
        ("pausa una semana", 7),
        ("Pause für zwei Wochen", 14),
        ("pause 1 mois", 30),
        ("إيقاف مؤقت لمدة أسبوع", 7),
        ("pause 999", 365),
        ("pause 0", 30),
    ],
)
def test_a_pause_lasts_as_long_as_its_text_says(text: str, days: int) -> None:
    assert pause_days(text) == days


@pytest.mark.parametrize(
    ("keyword", "text", "before", "after"),
    [
        (Keyword.PAUSE, "PAUSE", NO_PACE, Pace(paused_until=IN_A_MONTH)),
        (Keyword.PAUSE, "PAUSE", Pace(at_most=Often.WEEK), Pace(paused_until=IN_A_MONTH, at_most=Often.WEEK)),
        (Keyword.FEWER, "FEWER", NO_PACE, Pace(at_most=Often.WEEK)),
        (Keyword.FEWER, "fewer texts", Pace(at_most=Often.WEEK), Pace(at_most=Often.MONTH)),
        (Keyword.FEWER, "fewer texts", Pace(at_most=Often.MONTH), Pace(at_most=Often.MONTH)),
        (Keyword.FEWER, "once a week", Pace(at_most=Often.MONTH), Pace(at_most=Often.MONTH)),
        (Keyword.FEWER, "once a week", Pace(at_most=Often.WEEK), Pace(at_most=Often.WEEK)),
        (Keyword.FEWER, "FEWER", Pace(paused_until=IN_A_MONTH), Pace(paused_until=IN_A_MONTH, at_most=Often.WEEK)),
        (Keyword.FEWER, "monthly", NO_PACE, Pace(at_most=Often.MONTH)),
        (Keyword.RESUME, "RESUME", Pace(paused_until=AT, at_most=Often.MONTH), NO_PACE),
    ],
)
def test_what_a_text_makes_of_the_wish(keyword: Keyword, text: str, before: Pace, after: Pace) -> None:
    assert pace_asked(keyword, text, before, AT) == after


def test_of_two_wishes_the_stricter_parts_hold() -> None:
    one, other = Pace(paused_until=AT, at_most=Often.MONTH), Pace(paused_until=IN_A_MONTH, at_most=Often.WEEK)
    assert one.stricter(other) == other.stricter(one) == Pace(paused_until=IN_A_MONTH, at_most=Often.MONTH)
    assert one.stricter(NO_PACE) == one


@pytest.fixture
async def ada(bot: Bot, make_contact: MakeContact) -> Contact:
    contact = await make_contact()
    await bot.ledger.record(change(contact.id, "k"))
    return contact


async def _said(bot: Bot) -> list[str]:
    await bot.consumers.drain()
    while await bot.sender.send_some():
        pass
    return [text.body for text in await bot.phone.texts(NUMBER) if text.incoming]


async def _pace(bot: Bot, contact: Contact) -> Pace:
    found = await bot.ledger.contact(contact.id)
    assert found
    return found.pace


class TestByText:
    async def test_a_pause_is_recorded_answered_and_undone(self, bot: Bot, ada: Contact) -> None:
        for _time in range(2):  # the provider repeats it
            await bot.receive(NUMBER, "Pause 2 weeks", "t1")
        assert "Texts are paused until" in (await _said(bot))[-1]
        pace = await _pace(bot, ada)
        assert pace.paused_until
        assert pace.paused_until - now() > timedelta(days=13)
        *_, event = await bot.store.events.after(ada.id, 0, limit=9)
        assert (event.action, event.source, event.subscription) == (Action.SET_PACE, Source.KEYWORD, None)
        assert event.pace == pace
        assert event.words
        assert event.words.act == 'texted "Pause 2 weeks"'
        assert (await bot.ledger.contact(ada.id) or ada).consent(DEALS), "it is no opt-out"
        await bot.receive(NUMBER, "RESUME", "t2")
        assert "no longer paused or limited" in (await _said(bot))[-1]
        assert await _pace(bot, ada) == NO_PACE
        stored = await bot.store.contacts.collection.find_one({"_id": ada.id})
        assert stored
        assert not {"paused_until", "at_most"} & stored.keys()
        assert (await verify(bot.store, repair=False)).is_whole

    async def test_it_holds_for_everyone_with_the_number(
        self, bot: Bot, ada: Contact, make_contact: MakeContact
    ) -> None:
        ben = await make_contact()
        await bot.ledger.record(change(ben.id, "k"))
        await bot.receive(NUMBER, "FEWER", "t1")
        assert "at most one marketing text a week" in (await _said(bot))[-1]
        assert await _pace(bot, ada) == await _pace(bot, ben) == Pace(at_most=Often.WEEK)

    async def test_from_a_number_that_nobody_has_it_is_a_message(self, bot: Bot) -> None:
        await bot.receive(NUMBER, "PAUSE", "t1")
        assert await bot.store.conversations.find({"number": NUMBER}, limit=1)

    async def test_a_stopped_number_gets_no_answer(self, bot: Bot, ada: Contact) -> None:
        await bot.receive(NUMBER, "STOP", "t1")
        said = await _said(bot)
        await bot.receive(NUMBER, "PAUSE", "t2")
        assert await _said(bot) == said


class TestInThePreferenceCenter:
    async def test_both_are_chosen_together_and_taken_back(self, bot: Bot, ada: Contact) -> None:
        for _time in range(2):  # a double click
            ada = await bot.paces.chosen(ada, "week", "month", key="k1", say=SAY, context=HERE)
        assert ada.pace.is_paused(now() + timedelta(days=6))
        assert not ada.pace.is_paused(now() + timedelta(days=8))
        assert ada.at_most is Often.MONTH
        until = ada.paused_until
        ada = await bot.paces.chosen(ada, "keep", "", key="k2", say=SAY, context=HERE)
        assert ada.pace == Pace(paused_until=until)
        ada = await bot.paces.chosen(ada, "", "nonsense", key="k3", say=SAY, context=HERE)
        assert ada.pace == NO_PACE
        events = await bot.store.events.after(ada.id, 1, limit=9)
        assert [event.action for event in events] == [Action.SET_PACE] * 3


async def test_merging_keeps_the_stricter_wish(bot: Bot, ada: Contact, make_contact: MakeContact) -> None:
    other = await make_contact()
    await bot.paces.chosen(other, "month", "", key="k1", say=SAY, context=HERE)
    await bot.paces.chosen(ada, "", "week", key="k1", say=SAY, context=HERE)
    kept = await bot.merge.merge(ada.id, other.id, Actor(kind="teammate", id="t"), Source.PROFILE)
    assert kept.pace.is_paused(now())
    assert kept.at_most is Often.WEEK
    assert (await verify(bot.store, repair=False)).is_whole
