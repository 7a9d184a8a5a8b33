"""Filters find whom they say they find, by an index, in every order."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from bot.app import Bot
from bot.contacts import finder
from bot.contacts.finder import NEWEST, ContactCount, ContactFinder, Sort, SortBy
from bot.errors import Invalid
from bot.model.addresses import PhoneKind
from bot.model.contact import Contact, Role
from bot.model.filter import Filter, HasPhone, PhoneCountry, PhoneType, RoleIs, TagIs, UsState
from bot.model.teammate import By
from tests.people import AT, NUMBER, person

ADA = By("ada", "Ada")


@pytest.fixture
async def people(bot: Bot) -> list[Contact]:
    """Who has what is in their ids."""
    some = [
        person("jersey", name="Zoë Miller", phone=NUMBER, role=Role.USER, external_id="crm-77"),
        person("london", name="Adam", phone="+447400123456", email="adam@shop.example"),
        person("nobody", last_seen_at=AT),
        person("landline", name="adam b", phone="+33142685300"),
    ]
    some = [p.model_copy(update={"created_at": AT + timedelta(minutes=i)}) for i, p in enumerate(some)]
    await bot.store.contacts.insert_many(some)
    return some


async def _found(finder: ContactFinder, filter: Filter, sort: Sort = NEWEST) -> list[str]:
    return [contact.id for contact in (await finder.page(filter, sort)).items]


async def test_everybody_is_listed_in_each_order(bot: Bot, people: list[Contact]) -> None:
    find = bot.finder
    assert await _found(find, Filter()) == ["landline", "nobody", "london", "jersey"]
    assert await _found(find, Filter(), Sort(SortBy.NAME, is_down=False)) == ["london", "landline", "jersey", "nobody"]
    assert (await _found(find, Filter(), Sort(SortBy.LAST_SEEN)))[0] == "nobody"


@pytest.mark.parametrize("sort", [Sort(by, is_down) for by in SortBy for is_down in (True, False)])
async def test_pages_never_skip(bot: Bot, people: list[Contact], sort: Sort) -> None:
    seen, cursor = list[str](), None
    for _ in people:
        page = await bot.finder.page(Filter(), sort, cursor, 1)
        seen += [contact.id for contact in page.items]
        cursor = sort.cursor(str(page.next)) if page.next else None
    assert cursor is None
    assert seen == await _found(bot.finder, Filter(), sort)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        (HasPhone(), {"jersey", "london", "landline"}),
        (HasPhone(is_not=True), {"nobody"}),
        (PhoneCountry(countries=("GB", "FR")), {"london", "landline"}),
        (UsState(states=("NJ",)), {"jersey"}),
        (PhoneType(kinds=(PhoneKind.LANDLINE,)), {"landline"}),
        (RoleIs(roles=(Role.USER,)), {"jersey"}),
        (TagIs(tags=("x",)), set()),
    ],
)
async def test_a_condition_finds(bot: Bot, people: list[Contact], condition: HasPhone, ids: set[str]) -> None:
    assert {*await _found(bot.finder, Filter.of(condition))} == ids
    assert (await bot.finder.count(Filter.of(condition))).number == len(ids)
    assert {*await bot.finder.ids(Filter.of(condition))} == ids
    assert await bot.finder.among(Filter.of(condition), ["jersey"]) == ids & {"jersey"}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("zoe mill", {"jersey"}),
        ("(201) 555-0123", {"jersey"}),
        ("+1 201 555 0123", {"jersey"}),
        ("0123", {"jersey", "london"}),
        ("07400 123456", {"london"}),
        ("0044 7400 123456", {"london"}),
        ("01 42 68 53 00", {"landline"}),
        ("adam@shop", {"london"}),
        ("crm-77", {"jersey"}),
        ("adam", {"london", "landline"}),
        ("  ", {"jersey", "london", "landline", "nobody"}),
    ],
)
async def test_a_search_finds_names_emails_ids_and_numbers(
    bot: Bot, people: list[Contact], query: str, ids: set[str]
) -> None:
    assert {*await _found(bot.finder, Filter(query=query))} == ids


@pytest.mark.parametrize(("narrow", "frequent"), [(0, 0), (0, 1), (1, 1), (1, 40), (40, 40)])
async def test_words_find_the_same_people_however_frequent_they_are(
    bot: Bot, people: list[Contact], monkeypatch: pytest.MonkeyPatch, narrow: int, frequent: int
) -> None:
    monkeypatch.setattr(finder, "NARROW", narrow)
    monkeypatch.setattr(finder, "FREQUENT", frequent)
    assert await _found(bot.finder, Filter(query="adam b")) == ["landline"]
    assert await _found(bot.finder, Filter(query="miller crm")) == ["jersey"]
    assert await _found(bot.finder, Filter(query="adam miller")) == []


async def test_the_shortest_of_several_frequent_words_leads_if_the_others_are_too_frequent(
    bot: Bot, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "NARROW", 0)
    monkeypatch.setattr(finder, "FREQUENT", 1)
    assert await bot.finder._find_ids(("adam", "ada", "b")) == {"landline"}
    assert await bot.finder._find_ids(("adam", "ada")) is None


async def test_a_job_misses_nobody_who_was_added_since_a_page_was_shown(
    bot: Bot, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "IDS_SECONDS", 600)
    find, search = ContactFinder(bot.store), Filter(query="adam b")
    assert await _found(find, search) == ["landline"]
    await bot.store.contacts.insert(person("new", name="Adam Bell"))
    assert await find.ids(search) == ["landline", "new"]


async def test_an_estimate_counts_what_a_job_has_done_as_much_as_it_is(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has tagged a quarter of them, in the order of their ids."""
    monkeypatch.setattr(finder, "NARROW", 10)
    monkeypatch.setattr(finder, "SAMPLE", 160)
    random = Random(7)  # noqa: S311
    ids = sorted(f"{random.getrandbits(96):024x}" for _ in range(400))
    await bot.store.contacts.insert_many([person(id, tags=("vip",) if i < 100 else ()) for i, id in enumerate(ids)])
    count = await bot.finder.count(Filter.of(TagIs(tags=("vip",))))
    assert not count.is_exact
    assert 85 <= count.number <= 120
    monkeypatch.setattr(finder, "SAMPLE", 400)
    assert await bot.finder.count(Filter.of(TagIs(tags=("vip",)))) == ContactCount(100, is_exact=True)


async def test_a_tag_is_added_once_and_removed(bot: Bot, people: list[Contact]) -> None:
    tag = await bot.tags.named("VIP", ADA)
    assert (await bot.tags.named(" vip", ADA)).id == tag.id
    assert await bot.contacts.add_tags(["jersey", "london"], [tag.id]) == 2
    assert await bot.contacts.add_tags(["jersey", "nobody"], [tag.id]) == 1
    assert {*await _found(bot.finder, Filter.of(TagIs(tags=(tag.id,))))} == {"jersey", "london", "nobody"}
    assert await bot.contacts.remove_tags(["jersey", "landline"], [tag.id]) == 1
    assert {*await _found(bot.finder, Filter.of(TagIs(tags=(tag.id,))))} == {"london", "nobody"}


def test_a_filter_is_the_same_after_an_address() -> None:
    wanted = Filter.of(RoleIs(roles=(Role.LEAD,)), HasPhone(is_not=True), query="ada")
    assert Filter.from_text(wanted.as_text()) == wanted
    assert Filter.from_text("") == Filter()
    assert Filter().as_text() == ""
    for text in ("{", "[]", '{"groups": [{"conditions": [{"field": "shoe"}]}]}', "x" * 9000):
        with pytest.raises(Invalid):
            Filter.from_text(text)
