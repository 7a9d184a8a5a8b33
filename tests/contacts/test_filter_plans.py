"""Growth: a condition that few people match is answered by looking at those few, in every order; one that most people
match walks the order until the page is full. As the server itself explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args

import pytest

from bot.app import Bot
from bot.contacts import finder as module
from bot.contacts.finder import ContactFinder, Sort, SortBy
from bot.demo import DEALS, ORDERS
from bot.model.addresses import PhoneKind
from bot.model.attribute import AttributeType
from bot.model.base import now
from bot.model.contact import Consent, ConsentState, Contact, Role
from bot.model.event import Grade, Source
from bot.model.filter import (
    AttributeIs,
    Condition,
    ConditionGroup,
    ConsentIs,
    ContactIs,
    Created,
    Filter,
    HasEmail,
    HasPhone,
    LastSeen,
    LocaleIs,
    Match,
    Op,
    PhoneCountry,
    PhoneType,
    RoleIs,
    Stopped,
    TagIs,
    Textable,
    TimeZoneIs,
    UsState,
    When,
)
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import person
from tests.store.wire import explainable, listened_to, stages_of

pytestmark = pytest.mark.slow

PEOPLE, FEW, PAGE, NARROW = 600, 5, 20, 60
SORTS = [Sort(by, is_down) for by in SortBy for is_down in (True, False)]
IN, OUT = ConsentState.OPTED_IN, ConsentState.OPTED_OUT
RARE: list[Condition] = [
    ConsentIs(subscription=DEALS, states=(IN,)),
    ConsentIs(subscription=DEALS, states=(IN, OUT), since=When(within_days=30), sources=(Source.FORM,)),
    Textable(subscription=DEALS),
    PhoneCountry(countries=("US",)),
    UsState(states=("NJ", "NY")),
    PhoneType(kinds=(PhoneKind.MOBILE_OR_LANDLINE,)),
    HasPhone(),
    HasEmail(),
    Stopped(),
    RoleIs(roles=(Role.USER,)),
    LocaleIs(locales=("de", "fr")),
    TimeZoneIs(zones=("Europe/Berlin",)),
    LastSeen(when=When(within_days=1)),
    Created(when=When(beyond_days=300)),
    TagIs(tags=("vip", "press")),
    ContactIs(ids=tuple(f"{i:024x}" for i in range(50, PEOPLE, PEOPLE // FEW))),
    AttributeIs(key="city", values=("Kiel",)),
    AttributeIs(key="city", op=Op.BEGINS, values=("Ki",)),
    AttributeIs(key="orders", op=Op.FROM, values=("10",)),
    AttributeIs(key="orders", op=Op.IS_SET),
]
"""Each matches FEW of PEOPLE, but for `Stopped` and those who it excludes."""
WIDE: list[Condition] = [
    ConsentIs(subscription=DEALS, states=(ConsentState.NONE,)),
    ConsentIs(subscription=ORDERS, states=(IN,)),
    RoleIs(roles=(Role.LEAD,)),
    LastSeen(is_never=True),
    *(type(condition).model_validate({**condition.model_dump(), "is_not": True}) for condition in RARE),
]


def test_every_condition_is_explained() -> None:
    conditions = {*get_args(get_args(Condition)[0])}
    assert {type(condition) for condition in RARE} == conditions
    assert {type(condition) for condition in WIDE if condition.is_not} == conditions


@pytest.fixture
async def crowd(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(module, "NARROW", NARROW)
    monkeypatch.setattr(module, "SAMPLE", 100)
    by = By("ada", "Ada")
    await bot.attributes.create("City", AttributeType.TEXT, by)
    await bot.attributes.create("Orders", AttributeType.NUMBER, by)
    await bot.store.contacts.insert_many([_contact(i) for i in range(PEOPLE)])
    return bot.store


def _contact(i: int) -> Contact:
    time = now()
    # Spread, so that no order has the few at its beginning.
    if i % (PEOPLE // FEW) != 50:
        return person(f"{i:024x}", name=f"Person {i * 7 % PEOPLE}").model_copy(
            update={"created_at": time - timedelta(minutes=i)}
        )
    number = f"+120155501{i % 100:02}"
    consent = Consent(
        subscription=DEALS, state=IN, number=number, at=time, source=Source.FORM, event="x", grade=Grade.WRITTEN_SHOWN
    )
    return person(
        f"{i:024x}",
        name=f"Zoë {i}",
        phone=number,
        email=f"zoe{i}@shop.example",
        role=Role.USER,
        locale="de",
        time_zone="Europe/Berlin",
        last_seen_at=time,
        tags=("vip",),
        attributes={"city": "Kiel", "orders": 12.0},
        consents=(consent,),
        stopped=i == 50,
    ).model_copy(update={"created_at": time - timedelta(days=400)})


@pytest.mark.parametrize("condition", RARE, ids=lambda c: f"{c.field}-{RARE.index(c)}")
async def test_few_people_are_found_by_an_index(crowd: Store, mongo: EmbeddedServer, condition: Condition) -> None:
    wide = RoleIs(roles=(Role.USER, Role.LEAD))
    for filter in (Filter.of(condition), Filter.of(wide, condition)):
        for plan, command in [p async for p in _plans(mongo, crowd, filter)]:
            most = NARROW + 2 if "role" in str(command.get("hint")) else 4 * FEW
            assert _worst(plan, "totalDocsExamined") <= most, command
            assert _worst(plan, "totalKeysExamined") <= 2 * most, command
            assert "COLLSCAN" not in stages_of(plan)


async def test_a_search_looks_at_whom_it_finds(crowd: Store, mongo: EmbeddedServer) -> None:
    async for plan, command in _plans(mongo, crowd, Filter(query="zoe shop.example")):
        assert _worst(plan, "totalDocsExamined") <= 4 * FEW, command


async def test_words_that_many_have_lead_to_whom_they_share(crowd: Store, mongo: EmbeddedServer) -> None:
    async for plan, command in _plans(mongo, crowd, Filter(query="person 123")):
        assert _worst(plan, "totalDocsExamined") <= FEW, command


async def test_jobs_read_scarce_people_by_their_index(crowd: Store, mongo: EmbeddedServer) -> None:
    """More than NARROW, at the end of everybody."""
    scarce = [f"{i:024x}" for i in range(PEOPLE - NARROW - 20, PEOPLE)]
    await crowd.contacts.collection.update_many({"_id": {"$in": scarce}}, {"$set": {"locale": "es"}})
    if mongo.engine != "mongod":
        pytest.skip("plans are a real server's")
    async with listened_to(mongo) as (store, wire):
        assert await ContactFinder(store).ids(Filter.of(LocaleIs(locales=("es",))), limit=PAGE) == scarce[:PAGE]
    for name, command in wire.kinds.values():
        if command[name] == "contacts" and name == "find":
            for one in explainable(name, command):
                plan = await crowd.database.command({"explain": one, "verbosity": "executionStats"})
                assert _worst(plan, "totalDocsExamined") <= len(scarce), one


async def test_the_order_by_creation_begins_where_people_seen_long_ago_can_be(bot: Bot) -> None:
    query = await ContactFinder(bot.store).compiled(Filter.of(LastSeen(when=When(beyond_days=300))))
    assert "created_at" in query.clauses[1].match
    assert [clause.index for clause in query.clauses] == ["seen_key", None]


async def test_alternatives_have_an_index_each(crowd: Store, mongo: EmbeddedServer) -> None:
    either = ConditionGroup(match=Match.ANY, conditions=(HasEmail(), TagIs(tags=("vip",)), LocaleIs(locales=("de",))))
    async for plan, command in _plans(mongo, crowd, Filter(groups=(either,))):
        assert _worst(plan, "totalDocsExamined") <= 8 * FEW, command


@pytest.mark.parametrize("condition", WIDE, ids=lambda c: f"{c.field}-{WIDE.index(c)}")
async def test_many_people_are_listed_in_the_order_of_an_index(
    crowd: Store, mongo: EmbeddedServer, condition: Condition
) -> None:
    async for plan, command in _plans(mongo, crowd, Filter.of(condition)):
        most = 4 * PAGE if "find" in command else 2 * (PEOPLE if condition.is_not else 2 * NARROW)
        assert _worst(plan, "totalDocsExamined") <= most, command
        assert not {"COLLSCAN", "SORT"} & {*stages_of(plan)}


async def _plans(mongo: EmbeddedServer, crowd: Store, filter: Filter) -> Any:
    """What each query of the list in every order, the ids and the count costs the server, and the query."""
    if mongo.engine != "mongod":
        pytest.skip("plans are a real server's")
    async with listened_to(mongo) as (store, wire):
        find = ContactFinder(store)
        for sort in SORTS:
            assert (await find.page(filter, sort, limit=PAGE)).items
        await find.ids(filter, limit=PAGE)
        await find.count(filter)
    for name, command in wire.kinds.values():
        if command[name] == "contacts" and name != "count":
            for one in explainable(name, command):
                yield await crowd.database.command({"explain": one, "verbosity": "executionStats"}), one


def _worst(plan: Any, name: str) -> int:
    return max(_figures(plan, name), default=0)


def _figures(plan: Any, name: str) -> Iterator[int]:
    if isinstance(plan, Mapping):
        if isinstance(plan.get(name), int):
            yield plan[name]
        for value in plan.values():
            yield from _figures(value, name)
    elif isinstance(plan, list):
        for value in plan:
            yield from _figures(value, name)
