"""A filter finds exactly those for whom the same conditions hold in Python; "can be texted now" is what
`bot.consent.permission` says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import singledispatch
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import Bot
from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.model.addresses import PhoneKind
from bot.model.base import new_id, now
from bot.model.contact import Consent, ConsentState, Contact, Role
from bot.model.event import Grade, Source
from bot.model.filter import (
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
    PhoneCountry,
    PhoneType,
    RoleIs,
    Rule,
    Stopped,
    TagIs,
    Textable,
    TimeZoneIs,
    UsState,
    When,
)
from bot.model.subscription import ConsentType, MessageType, Purpose, Subscription, SubscriptionState
from tests.people import ANOTHER, NUMBER, person, subscription

NOW = now()
DAYS = (1, 40, 500)
NUMBERS = (NUMBER, ANOTHER, "+447400123456", "+33142685300", "+18005550199", "+1201555")
EMAILS = ("ada@shop.example", "bob@shop.example", "no address")
STATES = (SubscriptionState.LIVE, SubscriptionState.LIVE, SubscriptionState.ARCHIVED)
SUBSCRIPTIONS: list[Subscription] = [
    subscription(
        f"{message_type}-{consent_type}-{purpose}-{written}-{state}",
        name=f"{message_type} {consent_type} {purpose} {written} {state} {i}",
        message_type=message_type,
        consent_type=consent_type,
        purpose=purpose,
        written_only=written,
        state=state,
    )
    for i, (message_type, consent_type, purpose, written, state) in enumerate(
        (m, c, p, w, s)
        for m in MessageType
        for c in ConsentType
        for p in Purpose
        for w in (False, True)
        for s in (SubscriptionState.LIVE, SubscriptionState.ARCHIVED)
        if not (w and c is ConsentType.OPT_OUT) and not (s is SubscriptionState.ARCHIVED and w)
    )
]
BY_ID = {s.id: s for s in SUBSCRIPTIONS}
times = st.sampled_from([NOW - timedelta(days=days, hours=1) for days in (0, *DAYS)])


@st.composite
def consents(draw: st.DrawFn, of: Subscription) -> Consent:
    is_text = of.message_type is MessageType.SMS
    return Consent(
        subscription=of.id,
        state=draw(st.sampled_from(ConsentState)),
        number=draw(st.sampled_from([None, *NUMBERS])) if is_text else None,
        email=None if is_text else draw(st.sampled_from([None, *EMAILS])),
        at=draw(times),
        source=draw(st.sampled_from(Source)),
        event="event",
        grade=draw(st.sampled_from([None, *Grade])),
    )


@st.composite
def contacts(draw: st.DrawFn) -> Contact:
    some = draw(st.lists(st.sampled_from(SUBSCRIPTIONS), max_size=6, unique_by=lambda s: s.id))
    return person(
        new_id(),
        phone=draw(st.sampled_from([None, *NUMBERS])),
        email=draw(st.sampled_from([None, *EMAILS])),
        role=draw(st.sampled_from(Role)),
        locale=draw(st.sampled_from(["en", "de"])),
        time_zone=draw(st.sampled_from([None, "Europe/Berlin"])),
        last_seen_at=draw(st.none() | times),
        tags=tuple(draw(st.sets(st.sampled_from(["a", "b"])))),
        stopped=draw(st.booleans()),
        stop_lifted_at=draw(st.none() | times),
        consents=tuple(draw(consents(of)) for of in some),
    ).model_copy(update={"created_at": draw(times)})


def several(values: Any) -> Any:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


spans = st.builds(
    When,
    within_days=st.none() | st.sampled_from(DAYS),
    beyond_days=st.none() | st.sampled_from(DAYS),
    after=st.none() | st.just((NOW - timedelta(days=100)).date()),
)
ids = st.sampled_from([s.id for s in SUBSCRIPTIONS])
conditions: st.SearchStrategy[Rule] = st.one_of(
    st.builds(
        ConsentIs,
        subscription=ids,
        states=several(list(ConsentState)),
        sources=st.just(()) | several(list(Source)),
        grades=st.just(()) | several(list(Grade)),
        since=st.just(When()) | spans,
    ),
    st.builds(Textable, subscription=ids),
    st.builds(PhoneCountry, countries=several(["US", "GB", "FR"])),
    st.builds(UsState, states=several(["NJ", "NY"])),
    st.builds(PhoneType, kinds=several(list(PhoneKind))),
    st.sampled_from([HasPhone(), HasEmail(), Stopped()]),
    st.builds(RoleIs, roles=several(list(Role))),
    st.builds(LocaleIs, locales=several(["en", "de"])),
    st.builds(TimeZoneIs, zones=several(["Europe/Berlin"])),
    st.builds(LastSeen, when=spans, is_never=st.booleans()),
    st.builds(Created, when=spans),
    st.builds(TagIs, tags=several(["a", "b", "c"])),
).flatmap(lambda condition: st.sampled_from([condition, condition.model_copy(update={"is_not": True})]))
groups = st.builds(
    ConditionGroup, match=st.sampled_from(Match), conditions=st.lists(conditions, min_size=1, max_size=3)
)
filters = st.builds(Filter, match=st.sampled_from(Match), groups=st.lists(groups, max_size=3))


@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    people=st.lists(contacts(), min_size=1, max_size=12),
    wanted=st.lists(filters, min_size=1, max_size=8),
    data=st.data(),
)
async def test_a_filter_finds_those_for_whom_it_holds(
    bot: Bot, people: list[Contact], wanted: list[Filter], data: st.DataObject
) -> None:
    wanted = [*wanted, *(Filter.of(Textable(subscription=s.id)) for s in SUBSCRIPTIONS)]
    for missing in {*BY_ID} - {s.id for s in await bot.store.subscriptions.all()}:
        await bot.store.subscriptions.keep(BY_ID[missing])
    people = [contact.model_copy(update={"id": new_id()}) for contact in people]
    await bot.store.contacts.insert_many(people)
    wanted += [Filter.of(ContactIs(ids=(people[0].id, "gone"), is_not=is_not)) for is_not in (False, True)]
    for filter in wanted:
        found = await bot.finder.among(filter, [contact.id for contact in people])
        assert found == {contact.id for contact in people if holds(filter, contact)}, filter.as_text()
        assert Filter.from_text(filter.as_text()) == filter


# --- the same in Python


def holds(filter: Filter, contact: Contact) -> bool:
    each = [
        (all if group.match is Match.ALL else any)(is_met(c, contact) is not c.is_not for c in group.conditions)
        for group in filter.groups
    ]
    return not each or (all if filter.match is Match.ALL else any)(each)


@singledispatch
def is_met(condition: Rule, contact: Contact) -> bool:
    raise NotImplementedError(condition)


@is_met.register
def _(condition: ConsentIs, contact: Contact) -> bool:
    consent = contact.consent(condition.subscription)
    state = consent.state if consent else ConsentState.NONE
    is_default = state is ConsentState.NONE and BY_ID[condition.subscription].consent_type is ConsentType.OPT_OUT
    is_narrowed = condition.sources or condition.grades or condition.since != When()
    if not is_narrowed:
        return state in condition.states or (is_default and ConsentState.OPTED_IN in condition.states)
    if consent is None or state not in condition.states:
        return False
    is_grant = consent.grade is not None or state in {ConsentState.OPTED_IN, ConsentState.PENDING}
    return (
        (not condition.sources or consent.source in condition.sources)
        and (not condition.grades or (is_grant and consent.evidence in condition.grades))
        and within(condition.since, consent.at)
    )


@is_met.register
def _(condition: Textable, contact: Contact) -> bool:
    of = BY_ID[condition.subscription]
    is_text, address = of.message_type is MessageType.SMS, address_of(contact, of.message_type)
    revoked = contact.stop_lifted_at if is_text else None
    is_stopped = contact.stopped and is_text
    return permission(of, contact.consent(of.id), address, stopped=is_stopped, revoked_until=revoked).allowed


@is_met.register(PhoneCountry)
@is_met.register(UsState)
@is_met.register(PhoneType)
def _(condition: Rule, contact: Contact) -> bool:
    facts = contact.phone_facts
    if facts is None:
        return False
    return {
        "phone_country": lambda: facts.country in condition.countries,  # type: ignore[attr-defined]
        "us_state": lambda: facts.state in condition.states,  # type: ignore[attr-defined]
        "phone_type": lambda: facts.kind in condition.kinds,  # type: ignore[attr-defined]
    }[condition.field]()


@is_met.register
def _(condition: HasPhone, contact: Contact) -> bool:
    return contact.phone is not None


@is_met.register
def _(condition: HasEmail, contact: Contact) -> bool:
    return contact.email is not None


@is_met.register
def _(condition: Stopped, contact: Contact) -> bool:
    return contact.stopped


@is_met.register
def _(condition: RoleIs, contact: Contact) -> bool:
    return contact.role in condition.roles


@is_met.register
def _(condition: LocaleIs, contact: Contact) -> bool:
    return contact.locale in condition.locales


@is_met.register
def _(condition: TimeZoneIs, contact: Contact) -> bool:
    return contact.time_zone in condition.zones


@is_met.register
def _(condition: ContactIs, contact: Contact) -> bool:
    return contact.id in condition.ids


@is_met.register
def _(condition: LastSeen, contact: Contact) -> bool:
    seen = contact.last_seen_at
    return seen is None if condition.is_never else seen is not None and within(condition.when, seen)


@is_met.register
def _(condition: Created, contact: Contact) -> bool:
    return within(condition.when, contact.created_at)


@is_met.register
def _(condition: TagIs, contact: Contact) -> bool:
    return bool({*condition.tags} & {*contact.tags})


def within(when: When, at: datetime) -> bool:
    """All times of the test are an hour off a full number of days ago."""
    return (
        (when.within_days is None or at >= NOW - timedelta(days=when.within_days))
        and (when.beyond_days is None or at < NOW - timedelta(days=when.beyond_days))
        and (when.after is None or at >= datetime.combine(when.after, time(), tzinfo=UTC))
        and (when.before is None or at < datetime.combine(when.before, time(), tzinfo=UTC))
    )
