"""Editing a filter: places in it, its words, and the editor of each kind of condition. No database."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
from multidict import MultiDict

from bot.errors import FormWrong, Invalid
from bot.i18n import translator
from bot.model.addresses import PhoneKind
from bot.model.attribute import Attribute, AttributeType
from bot.model.contact import ConsentState, Role
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
from bot.model.subscription import ConsentType
from bot.model.tag import Tag
from tests.people import AT, subscription
from widget.contacts.chips import words_of
from widget.contacts.controls import Kept, Period, Ticks
from widget.contacts.definitions import Definitions
from widget.contacts.editors import editor, kind_of, kinds
from widget.contacts.filter_view import sentence_of
from widget.contacts.groups import Place, put, turned, without
from widget.contacts.query import ContactsQuery

DEALS, ORDERS = (
    subscription(id="deals", name="Deals"),
    subscription(id="orders", name="Orders", consent_type=ConsentType.OPT_OUT),
)
VIP = Tag(id="vip", name="VIP", by="ada", created_at=AT)
PLAN = Attribute(id="plan", name="Plan", type=AttributeType.LIST, options=("Free", "Pro"), by="ada", created_at=AT)
SPENT = Attribute(id="spent", name="Spent", type=AttributeType.NUMBER, by="ada", created_at=AT)
NEWS = Attribute(id="news", name="Newsletter", type=AttributeType.BOOLEAN, by="ada", created_at=AT)
DEFINITIONS = Definitions(
    {"deals": DEALS, "orders": ORDERS},
    {"vip": VIP},
    {"plan": PLAN, "spent": SPENT, "news": NEWS},
    ("US", "CA"),
    translator("en"),
)
LEAD, USER, STOPPED = RoleIs(roles=(Role.LEAD,)), RoleIs(roles=(Role.USER,)), Stopped()
IN = ConsentState.OPTED_IN
WORDS: list[tuple[Condition, str]] = [
    (ConsentIs(subscription="deals", states=(IN,)), "Deals opted in"),
    (ConsentIs(subscription="orders", states=(IN,)), "Orders opted in · including by default"),
    (
        ConsentIs(
            subscription="deals",
            states=(IN, ConsentState.PENDING),
            since=When(after=date(2026, 11, 3)),
            sources=(Source.FORM, Source.IMPORT),
            grades=(Grade.PAPER,),
        ),
        "Deals opted in or pending · since Nov 3, 2026 · Form or Import · On paper",
    ),
    (ConsentIs(subscription="gone", states=(IN,), is_not=True), "a deleted subscription not opted in"),
    (Textable(subscription="deals"), "Deals can be texted now"),
    (Textable(subscription="deals", is_not=True), "Deals can't be texted now"),
    (STOPPED, "Opted out of all texts"),
    (HasPhone(), "Has a valid phone number"),
    (HasEmail(is_not=True), "No email address"),
    (PhoneCountry(countries=("US", "CA")), "Phone country is United States or Canada"),
    (UsState(states=("CA",), is_not=True), "US state is not CA"),
    (PhoneType(kinds=(PhoneKind.LANDLINE,)), "Phone type is Landline"),
    (LEAD, "Role is Lead"),
    (LocaleIs(locales=("es",)), "Language is Spanish"),
    (TimeZoneIs(zones=("America/New_York",)), "Time zone is America/New_York"),
    (LastSeen(when=When(within_days=30)), "Last seen in the last 30 days"),
    (LastSeen(is_never=True), "Last seen never"),
    (
        Created(when=When(beyond_days=7, before=date(2026, 11, 1))),
        "Created more than 7 days ago · before Nov 1, 2026",
    ),
    (TagIs(tags=("vip",)), "Tag is VIP"),
    (ContactIs(ids=("a", "b")), "Selected contacts 2 contacts"),
    (ContactIs(ids=("a",), is_not=True), "Selected contacts not 1 contact"),
    (AttributeIs(key="plan", values=("Pro",)), "Plan is Pro"),
    (AttributeIs(key="spent", op=Op.FROM, values=("20",), is_not=True), "Spent is less than 20"),
    (AttributeIs(key="spent", op=Op.IS_SET), "Spent has any value"),
    (AttributeIs(key="news", values=("true",)), "Newsletter is Yes"),
]


def submitted(condition: Condition) -> MultiDict[str]:
    """What the browser sends for the editor of this condition."""
    given: MultiDict[str] = MultiDict()
    made = editor(kind_of(condition), DEFINITIONS, condition)
    for control in (*made.controls, *made.more):
        match control:
            case Ticks() | Kept():
                given.extend((control.name, str(value)) for value in control.values)
            case Period():
                given.extend({f"{control.name}.{limit}": value for limit, value in control.limits.items()})
            case _:
                given.add(control.name, control.value)
    return given


@pytest.mark.parametrize(("condition", "words"), WORDS, ids=[words for _, words in WORDS])
def test_a_condition_is_told_in_words_and_its_editor_gives_it_back(condition: Condition, words: str) -> None:
    assert str(words_of(condition, DEFINITIONS)) == words
    kind = kind_of(condition)
    assert editor(kind, DEFINITIONS, condition).read(kind, submitted(condition)) == condition


def test_every_kind_of_condition_is_told_and_can_be_chosen() -> None:
    (union, _field) = get_args(Condition)
    fields = {kind.model_fields["field"].default for kind in get_args(union)}
    assert {condition.field for condition, _ in WORDS} == fields
    offered = {kind.partition(":")[0] for _title, options in kinds(DEFINITIONS) for kind, _name in options}
    assert offered == fields - {"contact"}, "contacts are selected in the list"


@pytest.mark.parametrize(
    ("kind", "given", "faults"),
    [
        ("consent", {"subscription": "deals"}, {"states"}),
        ("consent", {"states": "opted_in"}, {"subscription"}),
        ("consent", {"subscription": "deals", "states": "opted_in", "since.after": "soon"}, {"since"}),
        ("role", {"roles": "boss"}, {"roles"}),
        ("tag", {}, {"tags"}),
        ("created", {"when.within_days": "-1"}, {"when"}),
        ("attribute:spent", {"op": "is", "values": "many"}, {"values"}),
        ("attribute:spent", {"op": "is"}, {"values"}),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_its_control(kind: str, given: dict[str, str], faults: set[str]) -> None:
    with pytest.raises(FormWrong) as wrong:
        editor(kind, DEFINITIONS).read(kind, MultiDict(given))
    assert set(wrong.value.faults) == faults


def test_conditions_are_added_changed_and_removed() -> None:
    filter = put(Filter(query="ada"), Place(), LEAD)
    filter = put(filter, Place(0), STOPPED)
    filter = put(filter, Place(), USER)
    assert filter == Filter(
        query="ada", groups=(ConditionGroup(conditions=(LEAD, STOPPED)), ConditionGroup(conditions=(USER,)))
    )
    assert put(filter, Place(0, 1), USER).groups[0].conditions == (LEAD, USER)
    assert without(filter, Place(0, 0)).groups[0].conditions == (STOPPED,)
    assert without(filter, Place(1, 0)).groups == (filter.groups[0],)


def test_and_becomes_or_and_back() -> None:
    filter = Filter.of(LEAD, STOPPED)
    assert turned(filter, 0).groups[0].match is Match.ANY
    assert turned(filter).match is Match.ANY
    assert turned(turned(filter, 0), 0) == filter
    other = Filter(
        match=Match.ANY,
        groups=(ConditionGroup(match=Match.ANY, conditions=(LEAD, USER)), ConditionGroup(conditions=(STOPPED,))),
    )
    assert sentence_of(other, DEFINITIONS) == "(Role is Lead or Role is User) or (Opted out of all texts)"
    assert sentence_of(Filter(query="ada"), DEFINITIONS) == "“ada”"
    assert sentence_of(Filter(), DEFINITIONS) == "All contacts"


@pytest.mark.parametrize("text", ["x", "1.x", "1.2.3", ".", "-1.0", ".1"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Place.parse(text)


@pytest.mark.parametrize("place", [Place(), Place(0), Place(2), Place(0, 1)])
def test_a_place_is_read_as_it_was_written(place: Place) -> None:
    assert Place.parse(str(place)) == place


def test_a_filter_does_not_grow_beyond_its_limits() -> None:
    full = Filter.of(*[LEAD] * 20)
    with pytest.raises(Invalid):
        put(full, Place(0), LEAD)
    with pytest.raises(Invalid):
        put(full, Place(5), LEAD)


def test_an_address_selects_the_view_that_it_was_made_of() -> None:
    asked = ContactsQuery(Filter.of(LEAD, query="ada & co"), columns=("phone", "tags"))
    assert asked.fields["q"] == "ada & co"
    assert ContactsQuery.of(MultiDict(asked.fields), {}) == asked
    assert ContactsQuery.of(MultiDict(), {}) == ContactsQuery()
    assert ContactsQuery().address() == "/contacts"
