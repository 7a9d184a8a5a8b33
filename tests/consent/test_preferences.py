"""The preference center: live choices only, each change once, and a link that nobody can guess or find."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.consent.choices import choices, preference_words
from bot.consent.preferences import PreferenceView
from bot.demo import DEALS, NEWS, ORDERS
from bot.errors import Conflict, Invalid, NotFound, OwnOptOut, WordsChanged
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Actor, Source
from bot.model.stop import Stop
from bot.model.subscription import ConsentType, MessageType, SubscriptionState, Translation
from bot.store import Store
from tests.people import ANOTHER, HERE, NUMBER, change, consent, events_of, person, subscription

MakeContact = Callable[..., Awaitable[Contact]]
SAY = translator("en")


class TestChoices:
    """Pure."""

    @pytest.mark.parametrize(
        ("consent_type", "state", "shown"),
        [
            (ConsentType.OPT_IN, None, "off"),
            (ConsentType.OPT_IN, ConsentState.NONE, "off"),
            (ConsentType.OPT_IN, ConsentState.PENDING, "pending"),
            (ConsentType.OPT_IN, ConsentState.OPTED_IN, "on"),
            (ConsentType.OPT_IN, ConsentState.OPTED_OUT, "off"),
            (ConsentType.OPT_OUT, None, "on"),
            (ConsentType.OPT_OUT, ConsentState.NONE, "on"),
            (ConsentType.OPT_OUT, ConsentState.OPTED_IN, "on"),
            (ConsentType.OPT_OUT, ConsentState.OPTED_OUT, "off"),
        ],
    )
    def test_each_standing_is_shown(self, consent_type: ConsentType, state: ConsentState | None, shown: str) -> None:
        ada = person(phone=NUMBER, consents=(consent(state),) if state else ())
        (choice,) = choices(ada, [subscription(consent_type=consent_type)])
        assert (choice.state, choice.on) == (shown, shown == "on")

    def test_only_what_reaches_the_person_is_a_choice(self) -> None:
        both = [subscription("sms"), subscription("email", message_type=MessageType.EMAIL)]
        assert choices(person(), both) == []
        assert [c.subscription.id for c in choices(person(phone=NUMBER), both)] == ["sms"]
        assert [c.subscription.id for c in choices(person(email="ada@example.com"), both)] == ["email"]
        assert choices(person(phone="+1201555"), both) == [], "a number that is none reaches nobody"


@pytest.fixture
async def ada(make_contact: MakeContact) -> Contact:
    return await make_contact(phone=NUMBER, email="ada@example.com")


async def _turn(bot: Bot, ada: Contact, subscription: str, change: str, key: str = "k") -> None:
    ada = await _again(bot, ada)
    found = await bot.store.subscriptions.get(subscription)
    version = preference_words(found, SAY).version if found else ""
    await bot.preferences.change(ada, subscription, change, version=version, key=key, say=SAY, context=HERE)


async def _again(bot: Bot, ada: Contact) -> Contact:
    found = await bot.ledger.contact(ada.id)
    assert found
    return found


async def _status(bot: Bot, ada: Contact) -> dict[str, str]:
    return {c.subscription.id: c.state for c in choices(await _again(bot, ada), await bot.preferences.live())}


class TestChange:
    async def test_texts_that_need_no_yes_are_on_until_they_are_turned_off(self, bot: Bot, ada: Contact) -> None:
        assert await _status(bot, ada) == {DEALS: "off", ORDERS: "on", NEWS: "off"}
        await _turn(bot, ada, ORDERS, "opt_out")
        assert await _status(bot, ada) == {DEALS: "off", ORDERS: "off", NEWS: "off"}

    async def test_a_change_is_kept_with_words_place_and_number(self, bot: Bot, ada: Contact, store: Store) -> None:
        await _turn(bot, ada, DEALS, "opt_in")
        (event,) = await events_of(store, ada.id)
        assert (event.action, event.source, event.number, event.email) == (
            Action.OPT_IN,
            Source.PREFERENCE_CENTER,
            NUMBER,
            None,
        )
        assert event.context == HERE
        assert event.words.model_dump() == {
            "title": "Your text preferences",
            "button": "",
            "legal_text": "",
            "subscription_name": "Deals and new roasts",
            "subscription_description": "Offers and small-batch news, up to 4 texts a month.",
            "locale": "en",
            "act": 'turned "Deals and new roasts" on',
            "box": None,
            "subscription_version": 1,
            "keyword": None,
            "keyword_version": None,
        }

    @pytest.mark.parametrize(("page", "kept"), [("es", "es"), ("fr", "en")])
    async def test_the_language_is_that_of_the_words_shown(
        self, bot: Bot, ada: Contact, store: Store, page: str, kept: str
    ) -> None:
        """A page in French shows a name that exists in English and Spanish alone."""
        spanish = Translation(name="Ofertas", description="Novedades")
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"translations": {"es": spanish.model_dump()}}})
        say, found = translator(page), await store.subscriptions.get(DEALS)
        assert found
        words = preference_words(found, say)
        await bot.preferences.change(ada, DEALS, "opt_in", version=words.version, key="k", say=say, context=HERE)
        (event,) = await events_of(store, ada.id)
        assert (event.words.locale, event.words.subscription_name) == (kept, found.words(page).name)
        await bot.consumers.drain()
        (delivery,) = await store.deliveries.find({}, limit=2)
        assert delivery.locale == kept

    async def test_an_email_choice_is_kept_with_its_address(self, bot: Bot, ada: Contact, store: Store) -> None:
        await _turn(bot, ada, NEWS, "opt_in")
        (event,) = await events_of(store, ada.id)
        assert (event.email, event.number) == ("ada@example.com", None)

    async def test_the_same_key_again_makes_no_second_event(self, bot: Bot, ada: Contact, store: Store) -> None:
        for _ in range(3):
            await _turn(bot, ada, DEALS, "opt_in")
        assert len(await events_of(store, ada.id)) == 1

    async def test_a_late_retry_does_not_undo_what_came_after_it(self, bot: Bot, ada: Contact, store: Store) -> None:
        await _turn(bot, ada, DEALS, "opt_in", "k1")
        await _turn(bot, ada, DEALS, "opt_out", "k2")
        with pytest.raises(Conflict):
            await _turn(bot, ada, DEALS, "opt_in", "k1")
        assert (await _status(bot, ada))[DEALS] == "off"
        assert len(await events_of(store, ada.id)) == 2

    async def test_a_no_of_an_old_page_is_taken_though_the_page_said_it_before(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        await _turn(bot, ada, DEALS, "opt_in", "k0")
        await _turn(bot, ada, DEALS, "opt_out", "k1")
        await _turn(bot, ada, DEALS, "opt_in", "k2")
        for _ in range(2):
            await _turn(bot, ada, DEALS, "opt_out", "k1")
        assert (await _status(bot, ada))[DEALS] == "off"
        assert len(await events_of(store, ada.id)) == 4

    async def test_a_yes_to_words_that_were_changed_meanwhile_is_not_taken_and_a_no_is(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        found = await bot.store.subscriptions.get(DEALS)
        assert found
        old = preference_words(found, SAY).version
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"description": "Daily."}})
        for version in (old, ""):
            with pytest.raises(WordsChanged):
                await bot.preferences.change(ada, DEALS, "opt_in", version=version, key="k", say=SAY, context=HERE)
        assert await events_of(store, ada.id) == []
        await bot.preferences.change(ada, ORDERS, "opt_out", version="", key="k", say=SAY, context=HERE)
        assert (await _status(bot, ada))[ORDERS] == "off"

    async def test_a_double_click_makes_one_event(self, bot: Bot, ada: Contact, store: Store) -> None:
        await asyncio.gather(*(_turn(bot, ada, DEALS, "opt_in") for _ in range(10)))
        assert len(await events_of(store, ada.id)) == 1

    @pytest.mark.parametrize(("subscription", "change"), [(DEALS, "opt_out"), (ORDERS, "opt_in")])
    async def test_a_change_to_what_is_so_already_records_nothing(
        self, bot: Bot, ada: Contact, store: Store, subscription: str, change: str
    ) -> None:
        await _turn(bot, ada, subscription, change)
        assert await events_of(store, ada.id) == []

    async def test_one_choice_does_not_touch_the_others(self, bot: Bot, ada: Contact) -> None:
        await _turn(bot, ada, DEALS, "opt_in")
        assert await _status(bot, ada) == {DEALS: "on", ORDERS: "on", NEWS: "off"}

    @pytest.mark.parametrize("change", ["", "toggle", "confirm", "refuse"])
    async def test_a_change_that_is_none_is_refused(self, bot: Bot, ada: Contact, store: Store, change: str) -> None:
        with pytest.raises(Invalid):
            await _turn(bot, ada, DEALS, change)
        assert await events_of(store, ada.id) == []

    @pytest.mark.parametrize("state", [SubscriptionState.DRAFT, SubscriptionState.ARCHIVED])
    async def test_what_is_not_live_is_neither_shown_nor_changed(
        self, bot: Bot, ada: Contact, store: Store, state: SubscriptionState
    ) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"state": state}})
        assert DEALS not in await _status(bot, ada)
        with pytest.raises(Invalid):
            await _turn(bot, ada, DEALS, "opt_in")
        with pytest.raises(Invalid):
            await _turn(bot, ada, "no such one", "opt_in")
        assert await events_of(store, ada.id) == []

    async def test_nobody_opts_in_without_a_number(self, bot: Bot, make_contact: MakeContact, store: Store) -> None:
        bob = await make_contact()
        with pytest.raises(Invalid):
            await _turn(bot, bob, DEALS, "opt_in")
        assert await events_of(store, bob.id) == []


class TestStopAll:
    async def _stop(self, bot: Bot, ada: Contact, key: str = "stop") -> None:
        await bot.preferences.stop_all(await _again(bot, ada), shown={}, key=key, say=SAY, context=HERE)

    async def test_every_text_is_off_and_emails_stay(self, bot: Bot, ada: Contact, store: Store) -> None:
        await _turn(bot, ada, DEALS, "opt_in", "k1")
        await _turn(bot, ada, NEWS, "opt_in", "k2")
        await self._stop(bot, ada)
        assert await _status(bot, ada) == {DEALS: "off", ORDERS: "off", NEWS: "on"}
        events = (await events_of(store, ada.id))[2:]
        assert {e.subscription for e in events} == {DEALS, ORDERS}
        assert {(e.action, e.source) for e in events} == {(Action.OPT_OUT, Source.PREFERENCE_CENTER)}

    async def test_a_grant_that_is_asserted_later_meets_it_also_where_she_never_answered(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        await self._stop(bot, ada)
        api = Actor(kind="api", id="site")
        with pytest.raises(OwnOptOut):
            await bot.ledger.record(change(ada.id, "asserted", source=Source.API, actor=api))
        await self._stop(bot, ada, "again")
        assert {e.subscription for e in await events_of(store, ada.id)} == {DEALS, ORDERS}
        assert len(await events_of(store, ada.id)) == 2

    async def test_it_covers_what_the_page_does_not_show_and_no_words_about_that(
        self, bot: Bot, ada: Contact, store: Store
    ) -> None:
        """A draft that goes out by default would reach her once it is live. The number is not stopped."""
        draft = subscription(new_id(), state=SubscriptionState.DRAFT, consent_type=ConsentType.OPT_OUT)
        await store.subscriptions.insert(draft)
        await self._stop(bot, ada)
        events = {e.subscription: e for e in await events_of(store, ada.id)}
        assert set(events) == {DEALS, ORDERS, draft.id}
        assert events[ORDERS].words.subscription_name == "Order updates"
        assert (events[draft.id].words.subscription_name, events[draft.id].words.title) == ("", "Your text preferences")
        assert not await bot.stops.is_stopped(NUMBER)

    async def test_doing_it_again_records_nothing_more(self, bot: Bot, ada: Contact, store: Store) -> None:
        await self._stop(bot, ada, "s1")
        once = len(await events_of(store, ada.id))
        await self._stop(bot, ada, "s1")
        await self._stop(bot, ada, "s2")
        assert len(await events_of(store, ada.id)) == once

    async def test_a_yes_that_waits_for_its_confirmation_is_off_too(self, bot: Bot, ada: Contact) -> None:
        await bot.ledger.record(change(ada.id, "k", Action.REQUEST_CONFIRMATION))
        await self._stop(bot, ada)
        assert (await _status(bot, ada))[DEALS] == "off"


class TestLink:
    async def test_a_link_stands_for_its_contact(self, bot: Bot, ada: Contact) -> None:
        token = await bot.preferences.make_link(ada.id, MessageType.SMS)
        sheet = await bot.preferences.look(token)
        link = sheet.link
        assert (sheet.contact.id, link.channel) == (ada.id, MessageType.SMS)
        assert link.expires_at - link.created_at == timedelta(days=400)

    async def test_the_token_can_be_found_nowhere_in_the_database(self, bot: Bot, ada: Contact, store: Store) -> None:
        token = await bot.preferences.make_link(ada.id, MessageType.SMS)
        assert len(token) >= 22, "128 bits"
        for name in await store.database.list_collection_names():
            async for document in store.database[name].find({}):
                assert token not in repr(document), name

    async def test_an_old_link_sees_the_number_of_today(self, bot: Bot, ada: Contact) -> None:
        token = await bot.preferences.make_link(ada.id, MessageType.SMS)
        await bot.ledger.record(change(ada.id, "k", Action.CAPTURE_PHONE, number=ANOTHER))
        assert (await bot.preferences.look(token)).contact.phone == ANOTHER

    async def test_unknown_revoked_expired_and_orphaned_links_look_alike(
        self, bot: Bot, ada: Contact, make_contact: MakeContact, store: Store
    ) -> None:
        bob, eve = await make_contact(), await make_contact()
        revoked, expired, orphaned = [
            await bot.preferences.make_link(who.id, MessageType.SMS) for who in (ada, bob, eve)
        ]
        await bot.preferences.revoke(ada.id)
        await store.preference_links.update(
            {"contact": bob.id}, {"$set": {"expires_at": now() - timedelta(milliseconds=1)}}
        )
        await store.contacts.collection.delete_one({"_id": eve.id})
        told = set()
        for token in (revoked, expired, orphaned, "unknown", "", "x" * 10_000, revoked[:-1]):
            with pytest.raises(NotFound) as gone:
                await bot.preferences.look(token)
            told.add((type(gone.value), str(gone.value), gone.value.code))
        assert len(told) == 1

    async def test_the_chat_opens_a_new_link_at_once_after_one_was_revoked(self, bot: Bot, ada: Contact) -> None:
        links = []
        for _ in range(3):
            links.append(await bot.preferences.chat_link(ada.id, MessageType.SMS))
            assert await bot.preferences.chat_link(ada.id, MessageType.SMS) == links[-1], "one a day"
            assert (await bot.preferences.look(links[-1])).contact.id == ada.id
            await bot.preferences.revoke(ada.id)
        assert len(set(links)) == 3
        for link in links:
            with pytest.raises(NotFound):
                await bot.preferences.look(link)

    async def test_those_who_look_at_the_same_moment_each_see_their_own(
        self, bot: Bot, ada: Contact, make_contact: MakeContact, store: Store
    ) -> None:
        bob = await make_contact(phone=ANOTHER)
        await store.stops.insert(Stop(id=ANOTHER, at=now(), text="STOP"))
        mine, theirs = [await bot.preferences.make_link(who.id, MessageType.SMS) for who in (ada, bob)]
        asked = (mine, "unknown", theirs, mine, "")
        found = await asyncio.gather(*map(bot.preferences.look, asked), return_exceptions=True)
        assert [s.contact.id if isinstance(s, PreferenceView) else type(s) for s in found] == [
            ada.id, NotFound, bob.id, ada.id, NotFound,
        ]  # fmt: skip
        assert [s.stopped for s in found if isinstance(s, PreferenceView)] == [frozenset(), {ANOTHER}, frozenset()]

    async def test_a_look_sees_what_was_recorded_before_it(self, bot: Bot, ada: Contact) -> None:
        token = await bot.preferences.make_link(ada.id, MessageType.SMS)

        async def others() -> None:
            while not is_over:
                await bot.preferences.look(token)

        is_over = False
        looking = [asyncio.create_task(others()) for _ in range(4)]
        for i in range(20):
            recorded = await bot.ledger.record(change(ada.id, f"{i}", Action.OPT_OUT if i % 2 else Action.OPT_IN))
            sheet = await bot.preferences.look(token)
            assert sheet.contact.ledger.seq == recorded.event.seq
        is_over = True
        await asyncio.gather(*looking)

    async def test_the_hash_of_a_token_opens_nothing(self, bot: Bot, ada: Contact, store: Store) -> None:
        await bot.preferences.make_link(ada.id, MessageType.SMS)
        (link,) = await store.preference_links.find({}, limit=2)
        with pytest.raises(NotFound):
            await bot.preferences.look(link.id)

    async def test_revoking_one_person_s_links_leaves_others(
        self, bot: Bot, ada: Contact, make_contact: MakeContact
    ) -> None:
        bob = await make_contact()
        mine = [await bot.preferences.make_link(ada.id, MessageType.SMS) for _ in range(2)]
        theirs = await bot.preferences.make_link(bob.id, MessageType.SMS)
        await bot.preferences.revoke(ada.id)
        for token in mine:
            with pytest.raises(NotFound):
                await bot.preferences.look(token)
        assert (await bot.preferences.look(theirs)).contact.id == bob.id
