"""Subscriptions as the business manages them: what may change, what never does, and that every change is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from bot.app import Bot
from bot.chat.feed import SUBSCRIPTIONS, Feed, News
from bot.demo import DEALS
from bot.errors import Conflict, Invalid, NameTaken, NotFound
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState, SubscriptionVersion
from bot.store import Duplicate, Store
from bot.store.embedded import EmbeddedServer
from bot.workspace.subscriptions import By, SubscriptionService
from bot.workspace.wording import LocalizedWords, New, Wording, differences
from tests.conftest import PATIENCE
from tests.people import second_process, subscription

ADA, BEN = By("ada", "Ada"), By("ben", "Ben")
DRAFT, LIVE, ARCHIVED = SubscriptionState


@pytest.fixture
def manage(store: Store) -> SubscriptionService:
    return SubscriptionService(store)


def new(name: str = "Events", **values: Any) -> New:
    usual = {"message_type": "sms", "consent_type": "opt_in", "description": "Tastings and classes."}
    return New.model_validate({"name": name, **usual, **values})


def wording(of: Subscription, **values: Any) -> Wording:
    """What a teammate sends who changed these fields alone."""
    kept = of.model_dump(include=set(Wording.model_fields))
    return Wording.model_validate({**kept, **values})


async def made(manage: SubscriptionService, name: str = "Events", *, live: bool = False, **values: Any) -> Subscription:
    draft = await manage.create(new(name, **values), ADA, key=name)
    return await manage.put_live(draft.id, 1, ADA) if live else draft


async def acts(manage: SubscriptionService, id: str) -> list[tuple[int, str, str]]:
    """The history, the oldest first: version, act, who."""
    return [(c.entry.seq, c.entry.act, c.entry.by_name) for c in (await manage.history(id)).items[::-1]]


class TestCreate:
    async def test_a_new_one_is_a_draft_with_a_history(self, manage: SubscriptionService, store: Store) -> None:
        draft = await made(manage)
        assert (draft.state, draft.version, draft.consent_type) == (DRAFT, 1, ConsentType.OPT_IN)
        assert await store.subscriptions.get(draft.id) == draft
        assert await acts(manage, draft.id) == [(1, "created", "Ada")]
        assert not await store.subscriptions.live()

    async def test_the_same_form_sent_again_makes_nothing_new(self, manage: SubscriptionService, store: Store) -> None:
        made = await asyncio.gather(*(manage.create(new(), ADA, key="form") for _ in range(4)))
        assert len({s.id for s in made}) == 1
        assert len(await store.subscriptions.find({}, limit=9)) == 1

    async def test_two_that_are_made_at_once_have_one_name(self, manage: SubscriptionService, store: Store) -> None:
        results = await asyncio.gather(
            *(manage.create(new("Events"), ADA, key=str(i)) for i in range(5)), return_exceptions=True
        )
        assert sorted(type(r).__name__ for r in results) == ["NameTaken"] * 4 + ["Subscription"]
        assert len(await store.subscription_versions.find({}, limit=9)) == 1

    @pytest.mark.parametrize("name", ["events", " EVENTS ", "Events"])
    async def test_names_are_unique_whatever_the_case_and_the_spaces(
        self, manage: SubscriptionService, name: str
    ) -> None:
        await made(manage, "Events")
        with pytest.raises(NameTaken):
            await manage.create(new(name), BEN, key="k")

    async def test_the_name_of_an_archived_one_is_free(self, manage: SubscriptionService) -> None:
        first = await made(manage)
        await manage.archive(first.id, 1, ADA)
        second = await manage.create(new(), BEN, key="k")
        assert second.id != first.id

    @pytest.mark.parametrize(("message_type", "consent_type"), [("email", "opt_in"), ("sms", "opt_out")])
    async def test_double_opt_in_is_for_texts_that_people_say_yes_to(
        self, manage: SubscriptionService, store: Store, message_type: str, consent_type: str
    ) -> None:
        with pytest.raises(Invalid, match="Double opt-in"):
            await made(manage, message_type=message_type, consent_type=consent_type, double_opt_in=True)
        assert await store.subscriptions.find({}, limit=9) == []
        assert (await made(manage, double_opt_in=True)).double_opt_in

    async def test_no_more_than_people_can_read(self, manage: SubscriptionService, store: Store) -> None:
        await store.subscriptions.insert_many([subscription(f"s{i}", name=f"Name {i}") for i in range(200)])
        with pytest.raises(Invalid, match="limit of 200 subscriptions"):
            await made(manage)


class TestWords:
    @pytest.mark.parametrize("name", ["", "   ", "\u200b", "\x00", "\n\t"])
    def test_a_name_that_nobody_can_see_is_none(self, name: str) -> None:
        with pytest.raises(ValidationError):
            new(name)

    def test_spaces_breaks_and_control_characters_are_cleaned(self) -> None:
        words = LocalizedWords(
            name="  Deals\r\n and\tmore\x07 ", description=" a\r\nb\x00 ", confirmation="one \n\n two\n"
        )
        assert (words.name, words.description, words.confirmation) == ("Deals and more", "a\nb", "one\n\n two")

    def test_letters_that_look_alike_by_their_parts_are_one(self) -> None:
        assert LocalizedWords(name="Cafe\u0301").name == "Café"

    @pytest.mark.parametrize("values", [{"name": "n" * 121}, {"description": "d" * 1001}, {"confirmation": "c" * 641}])
    def test_what_is_too_long_is_refused(self, values: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            new(**values)

    @pytest.mark.parametrize(("given", "kept"), [("pt-BR", "pt_BR"), ("pt_br", "pt_BR"), ("ja", "ja"), ("ar", "ar")])
    def test_any_locale_may_be_translated_to(self, given: str, kept: str) -> None:
        assert [*new(translations={given: {"name": "x"}}).translations] == [kept]

    @pytest.mark.parametrize("locale", ["", "xx", "english", "../de", "$set", "a.b", "de_", "en_US_POSIX\x00"])
    def test_a_locale_that_there_is_not_is_refused(self, locale: str) -> None:
        with pytest.raises(ValidationError):
            new(translations={locale: {"name": "x"}})

    @pytest.mark.parametrize(
        "field", ["state", "message_type", "consent_type", "purpose", "version", "id", "_id", "created_at"]
    )
    def test_an_edit_has_no_place_for_what_never_changes(self, field: str) -> None:
        with pytest.raises(ValidationError):
            Wording.model_validate({"name": "Deals", field: "live"})


class TestEdit:
    async def test_words_and_switches_change_and_what_it_is_does_not(
        self, manage: SubscriptionService, store: Store
    ) -> None:
        draft = await made(manage)
        wanted = Wording(
            name="Classes",
            description="On Sundays.",
            double_opt_in=True,
            confirmation="Welcome!",
            translations={
                "fr": LocalizedWords(name="Cours", description="Le dimanche."),
                "ja": LocalizedWords(name="教室"),
            },
        )
        edited = await manage.edit(draft.id, 1, wanted, BEN)
        stored = await store.subscriptions.get(draft.id)
        assert stored == edited
        assert (edited.version, edited.state, edited.message_type) == (2, DRAFT, MessageType.SMS)
        assert edited.words("fr").description == "Le dimanche."
        assert await acts(manage, draft.id) == [(1, "created", "Ada"), (2, "edited", "Ben")]

    async def test_nothing_changed_is_no_version(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        assert await manage.edit(draft.id, 1, wording(draft), BEN) == draft
        assert len((await manage.history(draft.id)).items) == 1

    async def test_a_translation_is_taken_away(self, manage: SubscriptionService, store: Store) -> None:
        draft = await made(manage, translations={"fr": {"name": "Cours"}})
        await manage.edit(draft.id, 1, wording(draft, translations={}), ADA)
        stored = await store.subscriptions.get(draft.id)
        assert stored
        assert stored.translations == {}

    async def test_a_name_that_is_taken_changes_nothing(self, manage: SubscriptionService, store: Store) -> None:
        await made(manage, "Deals")
        draft = await made(manage, "Events")
        with pytest.raises(NameTaken):
            await manage.edit(draft.id, 1, wording(draft, name="deals", description="!"), ADA)
        assert await store.subscriptions.get(draft.id) == draft
        assert len((await manage.history(draft.id)).items) == 1

    async def test_a_name_that_was_given_up_is_free(self, manage: SubscriptionService) -> None:
        draft = await made(manage, "Events")
        await manage.edit(draft.id, 1, wording(draft, name="Classes"), ADA)
        await made(manage, "events")
        with pytest.raises(NameTaken):
            await made(manage, "classes")

    async def test_a_live_one_may_be_edited_and_an_archived_one_not(self, manage: SubscriptionService) -> None:
        live = await made(manage, live=True)
        edited = await manage.edit(live.id, 2, wording(live, name="Classes"), ADA)
        assert edited.is_live
        await manage.archive(live.id, 3, ADA)
        with pytest.raises(Invalid, match="Restore it first"):
            await manage.edit(live.id, 4, wording(live, name="More"), ADA)

    async def test_double_opt_in_can_not_be_slipped_in(self, manage: SubscriptionService) -> None:
        draft = await made(manage, message_type="email")
        with pytest.raises(Invalid, match="Double opt-in"):
            await manage.edit(draft.id, 1, wording(draft, double_opt_in=True), ADA)

    async def test_one_that_there_is_not(self, manage: SubscriptionService) -> None:
        for change in (manage.put_live, manage.archive, manage.restore):
            with pytest.raises(NotFound):
                await change("nothing", 1, ADA)


class TestStates:
    async def test_from_draft_to_live_to_archived_and_back_to_live(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        assert (await manage.put_live(draft.id, 1, ADA)).state is LIVE
        assert (await manage.archive(draft.id, 2, BEN)).state is ARCHIVED
        assert (await manage.restore(draft.id, 3, ADA)).state is LIVE
        assert [act for _, act, _ in await acts(manage, draft.id)] == ["created", "put_live", "archived", "restored"]

    async def test_a_draft_that_was_archived_is_a_draft_again(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        await manage.archive(draft.id, 1, ADA)
        assert (await manage.restore(draft.id, 2, ADA)).state is DRAFT

    async def test_an_archived_one_is_not_put_live(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        await manage.archive(draft.id, 1, ADA)
        with pytest.raises(Invalid, match="Only a draft"):
            await manage.put_live(draft.id, 2, ADA)
        assert (await manage.get(draft.id)).state is ARCHIVED

    async def test_what_is_live_is_not_put_live_again(self, manage: SubscriptionService) -> None:
        live = await made(manage, live=True)
        with pytest.raises(Invalid, match="Only a draft"):
            await manage.put_live(live.id, 2, BEN)

    async def test_what_is_not_archived_is_neither_archived_twice_nor_restored(
        self, manage: SubscriptionService
    ) -> None:
        draft = await made(manage)
        with pytest.raises(Invalid, match="Only an archived"):
            await manage.restore(draft.id, 1, ADA)
        await manage.archive(draft.id, 1, ADA)
        with pytest.raises(Invalid, match="already archived"):
            await manage.archive(draft.id, 2, ADA)

    async def test_restored_under_another_name_when_its_own_is_taken(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        await manage.archive(draft.id, 1, ADA)
        await manage.create(new(), BEN, key="k")
        with pytest.raises(NameTaken):
            await manage.restore(draft.id, 2, ADA)
        assert (await manage.get(draft.id)).state is ARCHIVED
        assert (await manage.restore(draft.id, 2, ADA, name="Old events")).name == "Old events"

    async def test_a_restore_sent_again_when_there_is_no_more_room_is_that_restore(
        self, manage: SubscriptionService, store: Store
    ) -> None:
        draft = await made(manage)
        await manage.archive(draft.id, 1, ADA)
        await store.subscriptions.insert_many([subscription(f"s{i}", name=f"Name {i}") for i in range(199)])
        first = await manage.restore(draft.id, 2, ADA)
        assert await manage.restore(draft.id, 2, ADA) == first
        with pytest.raises(Invalid, match="limit of 200 subscriptions"):
            await made(manage, "One more")

    async def test_one_that_was_there_before_its_history_is_restored_as_it_was(self, bot: Bot) -> None:
        await bot.subscriptions.archive(DEALS, 1, ADA)
        assert (await bot.subscriptions.restore(DEALS, 2, ADA)).is_live
        assert await acts(bot.subscriptions, DEALS) == [
            (1, "created", ""),
            (2, "archived", "Ada"),
            (3, "restored", "Ada"),
        ]

    async def test_they_are_listed_by_state_in_order_of_their_names(self, manage: SubscriptionService) -> None:
        for name in ("beans", "Deals", "Classes"):
            await made(manage, name, live=True)
        draft = await made(manage, "Art")
        found = await manage.all()
        assert [s.name for s in found[LIVE]] == ["beans", "Classes", "Deals"]
        assert (found[DRAFT], found[ARCHIVED]) == ([draft], [])


class TestTwoTeammates:
    async def test_who_saw_an_older_version_is_told_who_was_first(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        await manage.edit(draft.id, 1, wording(draft, name="Classes"), BEN)
        for change in (
            manage.edit(draft.id, 1, wording(draft, name="Tastings"), ADA),
            manage.put_live(draft.id, 1, ADA),
            manage.archive(draft.id, 1, ADA),
        ):
            with pytest.raises(Conflict, match="Ben just changed this subscription"):
                await change
        assert (await manage.get(draft.id)).name == "Classes"

    async def test_of_two_at_once_one_is_first(self, manage: SubscriptionService, mongo: EmbeddedServer) -> None:
        draft = await made(manage)
        async with second_process(mongo) as there:
            results = await asyncio.gather(
                manage.edit(draft.id, 1, wording(draft, name="Classes"), ADA),
                SubscriptionService(there).edit(draft.id, 1, wording(draft, name="Tastings"), BEN),
                return_exceptions=True,
            )
        assert sorted(type(r).__name__ for r in results) == ["Conflict", "Subscription"]
        assert (await manage.get(draft.id)).version == len((await manage.history(draft.id)).items) == 2

    async def test_a_double_click_is_one_change(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        done = await asyncio.gather(*(manage.put_live(draft.id, 1, ADA) for _ in range(4)))
        edits = await asyncio.gather(*(manage.edit(draft.id, 2, wording(draft, name="Classes"), ADA) for _ in range(3)))
        assert {s.version for s in done} == {2}
        assert {(s.version, s.name) for s in edits} == {(3, "Classes")}
        assert len((await manage.history(draft.id)).items) == 3

    async def test_a_version_to_come_is_none_that_was_seen(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        with pytest.raises(Conflict):
            await manage.put_live(draft.id, 7, ADA)


class TestHistory:
    async def test_each_entry_says_what_it_changed_word_for_word(self, manage: SubscriptionService) -> None:
        draft = await made(manage, translations={"fr": {"name": "Cours"}, "de": {"name": "Kurse"}})
        translated = {"fr": {"name": "Les cours"}}
        wanted = wording(draft, description="On <b>Sundays</b>.", double_opt_in=True, cap="3", translations=translated)
        await manage.edit(draft.id, 1, wanted, BEN)
        newest, first = (await manage.history(draft.id)).items
        assert [(d.field, d.locale, d.before, d.after) for d in newest.differences] == [
            ("description", "", "Tastings and classes.", "On <b>Sundays</b>."),
            ("double_opt_in", "", "off", "on"),
            ("cap", "", "", "3"),
            ("cap_period", "", "", "week"),
            ("name", "de", "Kurse", ""),
            ("name", "fr", "Cours", "Les cours"),
        ]
        assert not {"cap", "cap_period"} & {d.field for d in first.differences}, "there was no limit"
        assert ("name", "", "", "Events") in [(d.field, d.locale, d.before, d.after) for d in first.differences]
        assert newest.entry.at >= first.entry.at == draft.created_at

    async def test_a_long_one_is_read_in_pages(self, manage: SubscriptionService) -> None:
        draft = await made(manage)
        for version in range(1, 8):
            await manage.edit(draft.id, version, wording(draft, name=f"Events {version}"), ADA)
        newest = await manage.history(draft.id, limit=3)
        older = await manage.history(draft.id, before=newest.next, limit=3)
        assert [c.entry.seq for c in (*newest.items, *older.items)] == [8, 7, 6, 5, 4, 3]
        assert all(len(c.differences) == 1 for c in (*newest.items, *older.items))

    async def test_the_words_that_a_yes_was_given_to_stay(self, manage: SubscriptionService, store: Store) -> None:
        draft = await made(manage)
        await manage.edit(draft.id, 1, wording(draft, name="Classes"), ADA)
        entry = await store.subscription_versions.get(store.subscription_versions.entry_id(draft.id, 1))
        assert entry
        assert entry.after == draft

    async def test_what_is_broken_off_between_the_two_is_neither(
        self, manage: SubscriptionService, store: Store
    ) -> None:
        """The change is written first in the transaction; the entry fails, as it would when the process dies there."""
        draft = await made(manage)
        after = draft.model_copy(update={"name": "Classes", "version": 2})

        class Died(BaseException):
            pass

        class Torn(SubscriptionVersion):
            def stored(self) -> dict[str, Any]:
                raise Died

        place = store.subscription_versions.entry_id(draft.id, 2)
        torn = Torn(
            id=place, subscription=draft.id, seq=2, act="edited", by="ada", by_name="Ada", at=draft.created_at,
            after=after, key=place,
        )  # fmt: skip
        with pytest.raises(Died):
            await store.subscriptions.change(draft, [torn])
        assert await manage.get(draft.id) == draft
        assert len((await manage.history(draft.id)).items) == 1
        assert (await manage.edit(draft.id, 1, wording(draft, name="Classes"), ADA)).version == 2

    async def test_a_new_one_whose_entry_is_taken_is_not_made(self, manage: SubscriptionService, store: Store) -> None:
        draft = await made(manage)
        [entry] = await store.subscription_versions.find({}, limit=2)
        twin = entry.model_copy(update={"after": draft.model_copy(update={"id": "twin", "name": "Twin"})})
        with pytest.raises(Duplicate):
            await store.subscriptions.begin(twin)
        assert await store.subscriptions.get("twin") is None

    async def test_a_change_is_news(self, manage: SubscriptionService, mongo: EmbeddedServer) -> None:
        draft = await made(manage)
        async with second_process(mongo) as there:
            feed = Feed(there)
            await feed.start()
            with feed.follow(SUBSCRIPTIONS) as follower:
                assert await there.subscriptions.recent(draft.id) == draft
                live = await manage.put_live(draft.id, 1, ADA)
                async with asyncio.timeout(PATIENCE):
                    assert await follower.next() == News(SUBSCRIPTIONS)
                assert await there.subscriptions.recent(draft.id) == live, "whoever hears of it is shown the new one"


def test_without_a_change_there_is_no_difference() -> None:
    assert differences(subscription(), subscription(updated_at=subscription().created_at)) == []
