"""What a bulk subscribe or unsubscribe does to one contact: nobody's no becomes a yes by accident."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.consent.changes import ConsentChange
from bot.contacts.bulk_rules import BulkOutcome, ConsentOrder, judged, proposed
from bot.model.contact import Contact
from bot.model.event import Action, Actor, ConsentState, Evidence, FollowUp, Grade, How, Source
from bot.model.stop import Stop
from bot.model.subscription import ConsentType, MessageType, Purpose
from tests.people import ANOTHER, AT, NUMBER, consent, person, subscription

DAY = timedelta(days=1)
SIGNED = Evidence(how=How.PAPER, given_at=AT)
SPOKEN = Evidence(how=How.SPOKEN, given_at=AT)
IN, OUT, PENDING = ConsentState.OPTED_IN, ConsentState.OPTED_OUT, ConsentState.PENDING


def order(evidence: Evidence | None = SIGNED, *, asks: bool = False, **values: Any) -> ConsentOrder:
    actor = Actor(kind="teammate", id="ada")
    return ConsentOrder(subscription=subscription(**values), actor=actor, key="bulk:1", evidence=evidence, asks=asks)


def outcome(who: Contact, what: ConsentOrder, *, stopped: tuple[str, ...] = ()) -> BulkOutcome:
    stops = {number: Stop(id=number, at=AT, text="STOP") for number in stopped}
    return judged(who, what, stops, AT + 2 * DAY)


def having(state: ConsentState, **values: Any) -> Contact:
    return person(phone=NUMBER, consents=(consent(state, **values),))


def test_a_contact_who_never_answered_is_subscribed_with_the_evidence() -> None:
    change = proposed(person(phone=NUMBER), order())
    assert isinstance(change, ConsentChange)
    assert (change.action, change.source, change.number) == (Action.OPT_IN, Source.BULK, NUMBER)
    assert (change.evidence, change.words, change.follow_ups) == (SIGNED, None, None)
    assert outcome(person(phone=NUMBER), order()) is BulkOutcome.CHANGED


@pytest.mark.parametrize(
    ("who", "result"),
    [
        (person(), BulkOutcome.UNREACHABLE),
        (person(phone="+15550100"), BulkOutcome.UNREACHABLE),
        (having(IN, grade=Grade.PAPER), BulkOutcome.ALREADY),
        (having(IN, number=ANOTHER, grade=Grade.PAPER), BulkOutcome.CHANGED),
        (having(IN, grade=Grade.ORAL_ATTESTED), BulkOutcome.CHANGED),
        (having(PENDING), BulkOutcome.CHANGED),
    ],
)
def test_what_is_recorded_depends_on_the_number_and_the_consent(who: Contact, result: BulkOutcome) -> None:
    assert outcome(who, order()) is result


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("how", How)
def test_no_evidence_from_before_an_opt_out_overrides_it(source: Source, how: How) -> None:
    who = having(OUT, source=source, at=AT + DAY)
    assert outcome(who, order(Evidence(how=how, given_at=AT))) is BulkOutcome.OPTED_OUT


@pytest.mark.parametrize("how", [How.SPOKEN, How.OTHER])
def test_only_written_consent_that_is_newer_overrides_an_opt_out(how: How) -> None:
    who = having(OUT, at=AT)
    assert outcome(who, order(Evidence(how=how, given_at=AT + DAY))) is BulkOutcome.OPTED_OUT
    assert outcome(who, order(Evidence(how=How.PAPER, given_at=AT + DAY))) is BulkOutcome.CHANGED
    assert outcome(who, order(Evidence(how=How.PAPER, given_at=AT + 9 * DAY))) is BulkOutcome.OPTED_OUT, "the future"


def test_an_opt_out_holds_while_a_confirmation_is_pending() -> None:
    assert outcome(having(PENDING, was=OUT, at=AT + DAY), order()) is BulkOutcome.OPTED_OUT


def test_a_stopped_number_is_never_subscribed() -> None:
    newer = Evidence(how=How.PAPER, given_at=AT + DAY)
    for who in (person(phone=NUMBER), having(OUT)):
        assert outcome(who, order(newer), stopped=(NUMBER,)) is BulkOutcome.STOPPED


@pytest.mark.parametrize(
    ("evidence", "values", "result"),
    [
        (SPOKEN, {"purpose": Purpose.MARKETING}, BulkOutcome.WEAK),
        (SPOKEN, {"purpose": Purpose.INFORMATIONAL}, BulkOutcome.CHANGED),
        (SPOKEN, {"purpose": Purpose.INFORMATIONAL, "written_only": True}, BulkOutcome.WEAK),
        (Evidence(how=How.OTHER, given_at=AT, note="x"), {"written_only": True}, BulkOutcome.WEAK),
    ],
)
def test_evidence_on_which_nothing_is_sent_subscribes_nobody(
    evidence: Evidence, values: dict[str, Any], result: BulkOutcome
) -> None:
    assert outcome(person(phone=NUMBER), order(evidence, **values)) is result


def test_a_confirmation_by_text_is_asked_for_only_if_ticked_and_where_there_is_double_opt_in() -> None:
    who = person(phone=NUMBER)
    assert outcome(who, order(SPOKEN, asks=True, double_opt_in=True)) is BulkOutcome.ASKED
    assert outcome(who, order(asks=False, double_opt_in=True)) is BulkOutcome.CHANGED
    assert outcome(who, order(asks=True, double_opt_in=False)) is BulkOutcome.CHANGED
    assert outcome(having(PENDING), order(asks=True, double_opt_in=True)) is BulkOutcome.ALREADY
    assert outcome(having(OUT, at=AT + DAY), order(SPOKEN, asks=True, double_opt_in=True)) is BulkOutcome.OPTED_OUT


def test_an_opt_out_subscription_is_on_by_default() -> None:
    values: dict[str, Any] = {"consent_type": ConsentType.OPT_OUT, "purpose": Purpose.INFORMATIONAL}
    assert outcome(person(phone=NUMBER), order(**values)) is BulkOutcome.ALREADY
    assert outcome(person(phone=NUMBER), order(None, **values)) is BulkOutcome.CHANGED


def test_an_email_subscription_goes_by_the_address() -> None:
    values: dict[str, Any] = {"message_type": MessageType.EMAIL}
    change = proposed(person(email="ada@example.com", phone=NUMBER), order(**values))
    assert isinstance(change, ConsentChange)
    assert (change.email, change.number) == ("ada@example.com", None)
    assert outcome(person(phone=NUMBER), order(**values)) is BulkOutcome.UNREACHABLE


@pytest.mark.parametrize(
    ("who", "result"),
    [
        (having(IN), BulkOutcome.CHANGED),
        (having(PENDING), BulkOutcome.CHANGED),
        (having(OUT), BulkOutcome.ALREADY),
        (person(phone=NUMBER), BulkOutcome.ALREADY),
        (having(IN).model_copy(update={"phone": None}), BulkOutcome.CHANGED),
    ],
)
def test_whoever_gets_it_is_unsubscribed(who: Contact, result: BulkOutcome) -> None:
    assert outcome(who, order(None)) is result
    change = proposed(who, order(None))
    assert not isinstance(change, ConsentChange) or change.action is Action.OPT_OUT


def test_what_was_asked_to_follow_is_part_of_the_change() -> None:
    what = ConsentOrder(
        subscription=subscription(), actor=Actor(kind="teammate", id="ada"), key="k", evidence=SIGNED,
        follow_ups=(FollowUp.FLOWS,),
    )  # fmt: skip
    change = proposed(person(phone=NUMBER), what)
    assert isinstance(change, ConsentChange)
    assert change.follow_ups == [FollowUp.FLOWS]
