"""Taking back what was just said, and what no press can do: answer for a text, speak for a stopped number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.consent.choices import can_take_back, choices, preference_words
from bot.consent.preferences import PreferenceResult
from bot.consent.verify import verify
from bot.demo import DEALS, NEWS, ORDERS
from bot.errors import Conflict, Invalid, NumberStopped, WordsChanged
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, Evidence, How, Source
from bot.model.subscription import ConsentType, SubscriptionState
from bot.store import Store
from tests.people import ANOTHER, AT, HERE, NUMBER, change, consent, events_of, person, subscription, version_of

MakeContact = Callable[..., Awaitable[Contact]]
SAY = translator("en")


@pytest.fixture
async def ada(make_contact: MakeContact, bot: Bot) -> Contact:
    """She said yes to the deals; the order updates go to all but those who refuse."""
    made = await make_contact(phone=NUMBER, email="ada@example.com")
    await bot.ledger.record(change(made.id, "form"))
    return await again(bot, made)


async def stop_all(bot: Bot, contact: Contact) -> PreferenceResult:
    return await bot.preferences.stop_all(await again(bot, contact), shown={}, key=new_id(), say=SAY, context=HERE)


@pytest.fixture
async def asks(store: Store, bot: Bot) -> None:
    """From now on a yes to the deals has to be confirmed by text."""
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})


async def again(bot: Bot, ada: Contact) -> Contact:
    found = await bot.ledger.contact(ada.id)
    assert found
    return found


async def turn(bot: Bot, ada: Contact, wanted: str, subscription: str = DEALS, key: str = "k") -> PreferenceResult:
    found = await bot.store.subscriptions.get(subscription)
    assert found
    version = preference_words(found, SAY).version
    return await bot.preferences.change(
        await again(bot, ada), subscription, wanted, version=version, key=key, say=SAY, context=HERE
    )


async def undo(bot: Bot, ada: Contact, done: PreferenceResult) -> None:
    await bot.preferences.undo(await again(bot, ada), dict(done.undo), say=SAY, context=HERE)


async def status(bot: Bot, ada: Contact) -> dict[str, str]:
    contact, live = await again(bot, ada), await bot.preferences.live()
    stopped = await bot.stops.among([NUMBER])
    return {c.subscription.id: c.state for c in choices(contact, live, stopped=stopped)}


class TestTakingBackANo:
    async def test_it_brings_back_what_was_there(self, bot: Bot, ada: Contact, store: Store) -> None:
        await undo(bot, ada, await turn(bot, ada, "opt_out"))
        assert (await status(bot, ada))[DEALS] == "on"
        last = (await events_of(store, ada.id))[-1]
        assert (last.action, last.source, last.number) == (Action.RESTORE, Source.PREFERENCE_CENTER, NUMBER)
        assert (last.words.act, last.context) == ('pressed "Undo"', HERE)

    async def test_it_brings_back_texts_that_needed_no_yes(self, bot: Bot, ada: Contact) -> None:
        await undo(bot, ada, await turn(bot, ada, "opt_out", ORDERS))
        assert (await status(bot, ada))[ORDERS] == "on"

    @pytest.mark.usefixtures("asks")
    async def test_a_number_that_had_confirmed_need_not_confirm_again(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        await undo(bot, ada, await turn(bot, ada, "opt_out"))
        assert [e.action for e in await events_of(store, ada.id)] == [Action.OPT_IN, Action.OPT_OUT, Action.RESTORE]

    async def test_it_brings_back_all_that_one_press_stopped_and_nothing_else(self, bot: Bot, ada: Contact) -> None:
        await turn(bot, ada, "opt_out", ORDERS, "before")
        done = await bot.preferences.stop_all(await again(bot, ada), shown={}, key="all", say=SAY, context=HERE)
        await undo(bot, ada, done)
        assert await status(bot, ada) == {DEALS: "on", ORDERS: "off", NEWS: "off"}

    async def test_twice_at_once_or_later_it_is_one_change(self, bot: Bot, ada: Contact, store: Store) -> None:
        done = await turn(bot, ada, "opt_out")
        await asyncio.gather(*(undo(bot, ada, done) for _ in range(6)))
        await undo(bot, ada, done)
        assert len(await events_of(store, ada.id)) == 3

    async def test_a_second_try_of_the_press_offers_the_same_way_back(self, bot: Bot, ada: Contact) -> None:
        done = await turn(bot, ada, "opt_out", key="same")
        assert done.undo
        assert (await turn(bot, ada, "opt_out", key="same")).undo == done.undo
        assert (await turn(bot, ada, "opt_out", key="another")).undo == ()

    async def test_an_old_page_cannot_take_back_a_later_no(self, bot: Bot, ada: Contact, store: Store) -> None:
        done = await turn(bot, ada, "opt_out", key="k1")
        await undo(bot, ada, done)
        await turn(bot, ada, "opt_out", key="k2")
        with pytest.raises(Conflict):
            await undo(bot, ada, done)
        assert (await status(bot, ada))[DEALS] == "off"

    @pytest.mark.parametrize("source", [s for s in Source if s is not Source.PREFERENCE_CENTER])
    async def test_a_no_that_was_said_elsewhere_stays(
        self, bot: Bot, ada: Contact, store: Store, source: Source
    ) -> None:
        recorded = await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT, source=source))
        await refused(bot, ada, recorded.event.event, Invalid)
        assert (await status(bot, ada))[DEALS] == "off"

    async def test_somebody_elses_no_can_not_be_named(
        self, bot: Bot, ada: Contact, make_contact: MakeContact, store: Store
    ) -> None:
        bob = await make_contact(phone=ANOTHER)
        await bot.ledger.record(change(bob.id, "form", number=ANOTHER))
        done = await turn(bot, bob, "opt_out")
        with pytest.raises(Conflict):
            await bot.preferences.undo(ada, dict(done.undo), say=SAY, context=HERE)
        assert (await status(bot, bob))[DEALS] == "off"
        assert len(await events_of(store, ada.id)) == 1

    async def test_a_yes_for_an_old_number_is_not_brought_back_for_the_new_one(self, bot: Bot, ada: Contact) -> None:
        await bot.ledger.record(change(ada.id, "new", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        recorded = await bot.ledger.record(
            change(ada.id, "no", Action.OPT_OUT, number=ANOTHER, source=Source.PREFERENCE_CENTER)
        )
        await refused(bot, ada, recorded.event.event, Invalid)
        assert (await status(bot, ada))[DEALS] == "off"

    async def test_a_no_that_comes_in_between_stays(self, bot: Bot, ada: Contact) -> None:
        """The undo was read before it, and is recorded after it."""
        done = await turn(bot, ada, "opt_out")
        before = await again(bot, ada)
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT, source=Source.PROFILE))
        with pytest.raises(Conflict):
            await bot.preferences.undo(before, dict(done.undo), say=SAY, context=HERE)
        assert (await status(bot, ada))[DEALS] == "off"

    async def test_after_a_stop_nothing_comes_back(self, bot: Bot, ada: Contact, store: Store) -> None:
        done = await turn(bot, ada, "opt_out")
        await bot.receive(NUMBER, "STOP", "text-1")
        count = len(await events_of(store, ada.id))
        with pytest.raises(NumberStopped):
            await undo(bot, ada, done)
        assert len(await events_of(store, ada.id)) == count

    async def test_what_is_not_offered_any_more_stays_off(self, bot: Bot, ada: Contact, store: Store) -> None:
        done = await turn(bot, ada, "opt_out")
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "archived"}})
        with pytest.raises(Invalid):
            await undo(bot, ada, done)
        assert len(await events_of(store, ada.id)) == 2

    async def test_it_needs_the_words_that_were_shown(self, bot: Bot, ada: Contact, store: Store) -> None:
        done = await turn(bot, ada, "opt_out")
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"description": "Daily."}})
        with pytest.raises(WordsChanged):
            await undo(bot, ada, done)
        assert len(await events_of(store, ada.id)) == 2

    async def test_nothing_named_is_nothing_to_undo(self, bot: Bot, ada: Contact) -> None:
        with pytest.raises(Invalid):
            await bot.preferences.undo(ada, {}, say=SAY, context=HERE)

    @pytest.mark.parametrize(
        ("values", "can"),
        [
            ({}, True),
            ({"at": AT - timedelta(minutes=61)}, False),
            ({"was": ConsentState.NONE}, True),
            ({"was": ConsentState.PENDING}, False),
            ({"was": ConsentState.OPTED_OUT}, False),
            ({"number": ANOTHER}, False),
            ({"number": None}, False),
            ({"source": Source.KEYWORD}, False),
            ({"state": ConsentState.OPTED_IN}, True),
            ({"state": ConsentState.NONE}, False),
        ],
    )
    def test_only_a_fresh_no_to_what_they_had(self, values: dict[str, object], can: bool) -> None:
        usual = {"was": ConsentState.OPTED_IN, "source": Source.PREFERENCE_CENTER}
        no = consent(ConsentState.OPTED_OUT, **usual).model_copy(update=values)
        ada = person(phone=NUMBER, consents=(no,))
        assert can_take_back(no, ada, subscription(), AT) is can

    def test_a_default_that_was_turned_off_comes_back_too(self) -> None:
        no = consent(ConsentState.OPTED_OUT, was=ConsentState.NONE, source=Source.PREFERENCE_CENTER)
        ada = person(phone=NUMBER, consents=(no,))
        assert can_take_back(no, ada, subscription(consent_type=ConsentType.OPT_OUT), AT)


class TestTakingBackAYes:
    @pytest.mark.parametrize("before", [None, Action.OPT_OUT])
    async def test_it_leaves_what_was_there(self, bot: Bot, ada: Contact, store: Store, before: Action | None) -> None:
        if before:
            await bot.ledger.record(change(ada.id, "x", before, subscription=NEWS, number=None, email=ada.email))
        was = (await again(bot, ada)).consents
        await undo(bot, ada, await turn(bot, ada, "opt_in", NEWS))
        assert {*(await again(bot, ada)).consents} == {*was}
        last = (await events_of(store, ada.id))[-1]
        assert (last.action, last.words.act, last.email) == (Action.RESTORE, 'pressed "Undo"', "ada@example.com")

    @pytest.mark.usefixtures("asks")
    async def test_a_question_that_was_just_asked_is_taken_back(self, bot: Bot, make_contact: MakeContact) -> None:
        bob = await make_contact(phone=NUMBER)
        await undo(bot, bob, await turn(bot, bob, "opt_in"))
        assert (await again(bot, bob)).consents == ()


class TestExactly:
    """Undo restores the state, its evidence and its date, and says if it can't."""

    @pytest.mark.parametrize("how", [None, *How])
    async def test_a_yes_keeps_its_evidence(self, bot: Bot, store: Store, ada: Contact, how: How | None) -> None:
        await bot.ledger.record(change(ada.id, "out", Action.OPT_OUT))
        no = (await again(bot, ada)).consent(DEALS)
        assert no
        evidence = Evidence(how=how, given_at=now() + timedelta(seconds=1), note="n") if how else None
        actor = Actor(kind="teammate" if how else "contact", id="t" if how else ada.id)
        source = Source.PROFILE if how else Source.FORM
        yes = change(ada.id, "y", source=source, actor=actor, evidence=evidence, warned_of=no.event)
        await bot.ledger.record(yes)
        before = (await again(bot, ada)).consents
        for act in ("one", "all"):
            press = turn(bot, ada, "opt_out") if act == "one" else stop_all(bot, ada)
            await undo(bot, ada, await press)
            assert {*(await again(bot, ada)).consents} == {*before}
        assert (await verify(store, repair=False)).is_whole
        restored = [e for e in await events_of(store, ada.id) if (e.action, e.subscription) == (Action.RESTORE, DEALS)]
        assert {e.grade for e in restored} == {before[0].grade}

    async def test_a_spoken_yes_can_be_turned_on_in_writing_and_back(self, bot: Bot, make_contact: MakeContact) -> None:
        bob = await make_contact(phone=NUMBER)
        spoken = Evidence(how=How.SPOKEN, given_at=AT)
        by = Actor(kind="teammate", id="t")
        await bot.ledger.record(change(bob.id, "y", source=Source.PROFILE, actor=by, evidence=spoken))
        before = (await again(bot, bob)).consents
        assert (await status(bot, bob))[DEALS] == "weak"
        done = await turn(bot, bob, "opt_in")
        assert done.state == "on"
        await undo(bot, bob, done)
        assert (await again(bot, bob)).consents == before

    async def test_what_was_never_answered_is_so_again_after_all_texts(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        """Also what is not offered yet: it was opted out with the rest."""
        draft = subscription("d" * 24, name="Draft", state=SubscriptionState.DRAFT)
        await store.subscriptions.insert(draft)
        bob = await make_contact(phone=NUMBER)
        done = await stop_all(bot, bob)
        assert {c.subscription for c in (await again(bot, bob)).consents} == {DEALS, ORDERS, draft.id}
        await undo(bot, bob, done)
        assert (await again(bot, bob)).consents == ()
        assert await status(bot, bob) == {DEALS: "off", ORDERS: "on"}

    @pytest.mark.usefixtures("asks")
    async def test_a_pending_question_stays_canceled_and_that_is_told(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        bob = await make_contact(phone=NUMBER)
        await turn(bot, bob, "opt_in")
        done = await stop_all(bot, bob)
        after = await bot.preferences.undo(await again(bot, bob), dict(done.undo), say=SAY, context=HERE)
        assert after.is_partial
        assert await status(bot, bob) == {DEALS: "off", ORDERS: "on"}


@pytest.mark.usefixtures("asks")
class TestAYesThatATextConfirms:
    async def test_a_press_asks_and_presses_again_do_not_answer(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        bob = await make_contact(phone=NUMBER)
        done = await turn(bot, bob, "opt_in")
        assert (done.state, done.is_change) == ("pending", True)
        for key in ("k", "k2", "k3"):
            assert (await turn(bot, bob, "opt_in", key=key)).state == "pending"
        (event,) = await events_of(store, bob.id)
        assert event.action is Action.REQUEST_CONFIRMATION
        await bot.consumers.drain()
        (text,) = await store.deliveries.find({"number": NUMBER}, limit=9)
        assert (text.event, text.kind) == (event.event, "ask")

    async def test_the_yes_by_text_counts(self, bot: Bot, make_contact: MakeContact) -> None:
        bob = await make_contact(phone=NUMBER)
        await turn(bot, bob, "opt_in")
        await bot.consumers.drain()
        await bot.sender.send_some()
        await bot.receive(NUMBER, "YES", "text-1")
        assert (await status(bot, bob))[DEALS] == "on"

    async def test_a_press_on_an_old_page_asks_nobody_anew_who_has_confirmed(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        """It was judged before the YES came, and is recorded after it."""
        before = await make_contact(phone=NUMBER)
        await turn(bot, before, "opt_in")
        await bot.ledger.record(change(before.id, "yes", Action.CONFIRM))
        found = await store.subscriptions.get(DEALS)
        assert found
        version = preference_words(found, SAY).version
        await bot.preferences.change(before, DEALS, "opt_in", version=version, key="k2", say=SAY, context=HERE)
        assert (await status(bot, before))[DEALS] == "on"
        assert len(await events_of(store, before.id)) == 2

    async def test_it_can_be_cancelled_and_that_brings_nothing_back(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        bob = await make_contact(phone=NUMBER)
        await turn(bot, bob, "opt_in")
        done = await turn(bot, bob, "cancel")
        assert (done.state, done.undo) == ("off", ())
        last = (await events_of(store, bob.id))[-1]
        assert (last.action, last.words.act) == (Action.OPT_OUT, 'pressed "Cancel"')

    async def test_what_waits_is_shown_to_somebody_whose_number_is_not_saved_yet(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        bob = await make_contact()
        await bot.ledger.record(change(bob.id, "form", Action.REQUEST_CONFIRMATION))
        assert await status(bot, bob) == {DEALS: "pending"}
        assert (await turn(bot, bob, "cancel")).is_change


class TestAStoppedNumber:
    @pytest.fixture
    async def stopped(self, bot: Bot, ada: Contact) -> Contact:
        await bot.receive(NUMBER, "STOP", "text-1")
        return await again(bot, ada)

    async def test_no_press_speaks_for_it(self, bot: Bot, stopped: Contact, store: Store) -> None:
        assert await status(bot, stopped) == {DEALS: "stopped", ORDERS: "stopped", NEWS: "off"}
        count = len(await events_of(store, stopped.id))
        for id in (DEALS, ORDERS):
            with pytest.raises(NumberStopped):
                await turn(bot, stopped, "opt_in", id)
        assert len(await events_of(store, stopped.id)) == count

    async def test_emails_are_its_owners_to_choose(self, bot: Bot, stopped: Contact) -> None:
        assert (await turn(bot, stopped, "opt_in", NEWS)).state == "on"

    async def test_a_no_is_taken_as_always(self, bot: Bot, stopped: Contact, store: Store) -> None:
        await store.subscriptions.insert(subscription("d" * 24, name="New", consent_type=ConsentType.OPT_OUT))
        await turn(bot, stopped, "opt_out", "d" * 24)
        assert (await events_of(store, stopped.id))[-1].action is Action.OPT_OUT

    async def test_its_own_start_gives_the_choice_back(self, bot: Bot, stopped: Contact) -> None:
        await bot.receive(NUMBER, "START", "text-2")
        assert await status(bot, stopped) == {DEALS: "off", ORDERS: "off", NEWS: "off"}
        assert (await turn(bot, stopped, "opt_in")).state == "on"


class TestAYesForAnotherNumber:
    async def test_it_shows_as_off_and_can_be_said_anew(self, bot: Bot, ada: Contact, store: Store) -> None:
        await bot.ledger.record(change(ada.id, "new", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        assert (await status(bot, ada))[DEALS] == "off"
        await turn(bot, ada, "opt_in")
        assert (await events_of(store, ada.id))[-1].number == ANOTHER

    async def test_a_no_ends_it_all_the_same(self, bot: Bot, ada: Contact) -> None:
        await bot.ledger.record(change(ada.id, "new", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        await bot.preferences.stop_all(await again(bot, ada), shown={}, key="all", say=SAY, context=HERE)
        ended = (await again(bot, ada)).consent(DEALS)
        assert ended
        assert ended.state is ConsentState.OPTED_OUT


async def test_a_no_is_kept_with_the_words_that_were_on_the_page(bot: Bot, ada: Contact, store: Store) -> None:
    old = await store.subscriptions.get(DEALS)
    assert old
    await store.subscription_versions.insert(version_of(old))
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"description": "Daily.", "version": 2}})
    version = preference_words(old, SAY).version
    await bot.preferences.change(ada, DEALS, "opt_out", version=version, key="k", say=SAY, context=HERE)
    words = (await events_of(store, ada.id))[-1].words
    assert (words.subscription_description, words.subscription_version) == (old.description, 1)


async def test_all_texts_are_refused_in_the_words_that_were_on_the_page(bot: Bot, ada: Contact, store: Store) -> None:
    old = await store.subscriptions.get(DEALS)
    assert old
    await store.subscription_versions.insert(version_of(old))
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"name": "Renamed", "version": 2}})
    shown = {DEALS: preference_words(old, SAY).version}
    await bot.preferences.stop_all(ada, shown=shown, key="all", say=SAY, context=HERE)
    words = {e.subscription: e.words for e in await events_of(store, ada.id)}[DEALS]
    assert (words.subscription_name, words.subscription_version) == (old.name, 1)


async def test_all_texts_are_off_also_those_that_are_not_offered_now(bot: Bot, ada: Contact, store: Store) -> None:
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "archived"}})
    await bot.preferences.stop_all(ada, shown={}, key="all", say=SAY, context=HERE)
    off = {c.subscription: c.state for c in (await again(bot, ada)).consents}
    assert off == {DEALS: ConsentState.OPTED_OUT, ORDERS: ConsentState.OPTED_OUT}


async def refused(bot: Bot, ada: Contact, event: str, error: type[Exception]) -> None:
    """Named with the right words, so that only the rule refuses it."""
    found = await bot.store.subscriptions.get(DEALS)
    assert found
    with pytest.raises(error):
        await bot.preferences.undo(
            await again(bot, ada), {event: preference_words(found, SAY).version}, say=SAY, context=HERE
        )
