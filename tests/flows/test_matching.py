"""A flow's conditions mean what the same conditions of a contact filter mean."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.contacts.filters import FilterFacts, compile
from bot.flows.matching import PersonFacts, holds
from bot.model.attribute import Attribute, AttributeType
from bot.model.contact import Consent, ConsentState, Contact, Role
from bot.model.event import Grade, Source
from bot.model.filter import (
    AttributeIs,
    ConsentIs,
    Filter,
    HasEmail,
    HasPhone,
    LocaleIs,
    Op,
    PhoneCountry,
    RoleIs,
    Rule,
    Stopped,
    TagIs,
    TimeZoneIs,
    When,
)
from bot.model.subscription import ConsentType
from bot.store import Store
from tests.people import AT, consent, person, subscription

IN, OUT, NONE = ConsentState.OPTED_IN, ConsentState.OPTED_OUT, ConsentState.NONE
OLD = AT - timedelta(days=40)
PEOPLE = [
    person("nobody"),
    person(
        "ada", phone="+12015550123", email="ada@example.com", name="Ada", role=Role.USER, locale="es", tags=("vip",)
    ),
    person("ben", phone="+447400123456", time_zone="Europe/London", attributes={"size": "L", "bags": 3.0, "vip": True}),
    person("cleo", stopped=True, attributes={"size": "M", "bags": 12.0, "since": OLD.replace(hour=0, minute=0)}),
    person("in", consents=(consent(IN),)),
    person("out", consents=(consent(OUT, at=OLD, source=Source.KEYWORD),)),
    person("told", consents=(consent(IN, grade=Grade.ORAL_ATTESTED, source=Source.PROFILE, at=OLD),)),
    person("orders_out", consents=(Consent(subscription="orders", state=OUT, at=AT, source=Source.FORM, event="e"),)),
]
CONDITIONS: list[Rule] = [
    *(ConsentIs(subscription=id, states=(state,)) for id in ("deals", "orders") for state in ConsentState),
    ConsentIs(subscription="deals", states=(IN, NONE)),
    ConsentIs(subscription="deals", states=(IN,), grades=(Grade.WRITTEN_SHOWN,)),
    ConsentIs(subscription="deals", states=(IN, OUT), sources=(Source.KEYWORD, Source.PROFILE)),
    ConsentIs(subscription="deals", states=(IN, OUT), since=When(within_days=30)),
    ConsentIs(subscription="deals", states=(IN, OUT), since=When(beyond_days=30)),
    ConsentIs(subscription="orders", states=(IN,), since=When(within_days=30)),
    AttributeIs(key="size", values=("L", "S")),
    AttributeIs(key="size", op=Op.BEGINS, values=("M",)),
    AttributeIs(key="size", op=Op.IS_SET),
    AttributeIs(key="bags", values=("3",)),
    AttributeIs(key="bags", op=Op.FROM, values=("3",)),
    AttributeIs(key="bags", op=Op.UP_TO, values=("11.5",)),
    AttributeIs(key="vip", values=("yes",)),
    AttributeIs(key="since", op=Op.UP_TO, values=("2026-11-01",)),
    TagIs(tags=("vip",)),
    LocaleIs(locales=("es", "fr")),
    PhoneCountry(countries=("GB",)),
    TimeZoneIs(zones=("Europe/London",)),
    RoleIs(roles=(Role.USER,)),
    HasPhone(),
    HasEmail(),
    Stopped(),
]
TYPES = {
    "size": AttributeType.TEXT,
    "bags": AttributeType.NUMBER,
    "vip": AttributeType.BOOLEAN,
    "since": AttributeType.DATE,
}


@pytest.mark.parametrize("is_not", [False, True])
async def test_they_match_the_people_that_a_filter_finds(store: Store, is_not: bool) -> None:
    await store.contacts.insert_many(PEOPLE)
    deals, orders = subscription("deals"), subscription("orders", consent_type=ConsentType.OPT_OUT)
    attributes = {key: Attribute(id=key, name=key, type=type, by="ada", created_at=AT) for key, type in TYPES.items()}
    known = FilterFacts({"deals": deals, "orders": orders}, attributes, AT)
    types = {"deals": deals.consent_type, "orders": orders.consent_type}

    def is_matched(contact: Contact, condition: Rule) -> bool:
        return holds(condition, PersonFacts(contact, AT, types))

    for condition in (one.model_copy(update={"is_not": is_not}) for one in CONDITIONS):
        match = compile(Filter.of(condition), known).match  # type: ignore[arg-type]
        found = {contact.id for contact in await store.contacts.find(match, limit=50)}
        assert {p.id for p in PEOPLE if is_matched(p, condition)} == found, condition
