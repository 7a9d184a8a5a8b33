"""Law 7's question, asked of every combination: state, consent type, message type, stop list, address."""

from __future__ import annotations

from itertools import product

import pytest

from bot.consent.permission import permission, yes_action
from bot.model.contact import Consent, ConsentState
from bot.model.event import Action, Grade, Source
from bot.model.subscription import ConsentType, MessageType, Purpose, SubscriptionState
from tests.people import ANOTHER, NUMBER, consent, subscription

STATES = [None, *ConsentState]


def _consent(state: ConsentState | None) -> Consent | None:
    return consent(state, email="ada@example.com") if state else None


@pytest.mark.parametrize(
    ("consent_type", "state", "reason"),
    [
        (ConsentType.OPT_IN, None, "not_opted_in"),
        (ConsentType.OPT_IN, ConsentState.NONE, "not_opted_in"),
        (ConsentType.OPT_IN, ConsentState.PENDING, "pending"),
        (ConsentType.OPT_IN, ConsentState.OPTED_IN, "opted_in"),
        (ConsentType.OPT_IN, ConsentState.OPTED_OUT, "opted_out"),
        (ConsentType.OPT_OUT, None, "not_opted_out"),
        (ConsentType.OPT_OUT, ConsentState.NONE, "not_opted_out"),
        (ConsentType.OPT_OUT, ConsentState.PENDING, "not_opted_out"),
        (ConsentType.OPT_OUT, ConsentState.OPTED_IN, "not_opted_out"),
        (ConsentType.OPT_OUT, ConsentState.OPTED_OUT, "opted_out"),
    ],
)
@pytest.mark.parametrize("message_type", MessageType)
def test_each_state_of_each_type_has_its_answer(
    consent_type: ConsentType, state: ConsentState | None, reason: str, message_type: MessageType
) -> None:
    asked = subscription(consent_type=consent_type, message_type=message_type)
    address = NUMBER if message_type is MessageType.SMS else "ada@example.com"
    answer = permission(asked, _consent(state), address, stopped=False)
    assert (answer.reason, answer.allowed) == (reason, reason in {"opted_in", "not_opted_out"})


@pytest.mark.parametrize(("consent_type", "state"), list(product(ConsentType, STATES)))
def test_stop_beats_everything(consent_type: ConsentType, state: ConsentState | None) -> None:
    answer = permission(subscription(consent_type=consent_type), _consent(state), NUMBER, stopped=True)
    assert (answer.allowed, answer.reason) == (False, "stopped")


@pytest.mark.parametrize(
    ("shown", "consent_type", "state"),
    list(product([SubscriptionState.DRAFT, SubscriptionState.ARCHIVED], ConsentType, STATES)),
)
def test_nothing_is_sent_for_what_is_not_live(
    shown: SubscriptionState, consent_type: ConsentType, state: ConsentState | None
) -> None:
    answer = permission(subscription(state=shown, consent_type=consent_type), _consent(state), NUMBER, stopped=False)
    assert (answer.allowed, answer.reason) == (False, "subscription_not_live")


@pytest.mark.parametrize("address", [None, ""])
@pytest.mark.parametrize(("message_type", "reason"), [("sms", "no_valid_number"), ("email", "no_valid_email")])
def test_nothing_is_sent_to_nowhere(address: str | None, message_type: str, reason: str) -> None:
    for consent_type, state in product(ConsentType, STATES):
        asked = subscription(message_type=MessageType(message_type), consent_type=consent_type)
        answer = permission(asked, _consent(state), address, stopped=False)
        assert (answer.allowed, answer.reason) == (False, reason)


def test_a_yes_belongs_to_the_number_it_was_given_for() -> None:
    answer = permission(subscription(), consent(ConsentState.OPTED_IN, number=ANOTHER), NUMBER, stopped=False)
    assert (answer.allowed, answer.reason) == (False, "number_changed")


def test_a_yes_to_emails_belongs_to_the_address_it_was_given_for() -> None:
    asked = subscription(message_type=MessageType.EMAIL)
    given = consent(ConsentState.OPTED_IN, number=None, email="old@example.com")
    assert permission(asked, given, "new@example.com", stopped=False).reason == "number_changed"
    assert permission(asked, given, "old@example.com", stopped=False).allowed


def test_a_no_holds_whatever_the_number_is_now() -> None:
    for consent_type in ConsentType:
        given = consent(ConsentState.OPTED_OUT, number=ANOTHER)
        assert permission(subscription(consent_type=consent_type), given, NUMBER, stopped=False).reason == "opted_out"


@pytest.mark.parametrize(
    ("message_type", "consent_type", "double_opt_in", "action"),
    [
        (MessageType.SMS, ConsentType.OPT_IN, True, Action.REQUEST_CONFIRMATION),
        (MessageType.SMS, ConsentType.OPT_IN, False, Action.OPT_IN),
        (MessageType.SMS, ConsentType.OPT_OUT, True, Action.OPT_IN),
        (MessageType.EMAIL, ConsentType.OPT_IN, True, Action.OPT_IN),
    ],
)
def test_a_yes_waits_for_the_text_only_where_texts_need_a_yes(
    message_type: MessageType, consent_type: ConsentType, double_opt_in: bool, action: Action
) -> None:
    asked = subscription(message_type=message_type, consent_type=consent_type, double_opt_in=double_opt_in)
    assert yes_action(asked) is action


@pytest.mark.parametrize(
    ("state", "address", "action"),
    [
        (ConsentState.OPTED_IN, NUMBER, Action.OPT_IN),
        (ConsentState.OPTED_IN, ANOTHER, Action.REQUEST_CONFIRMATION),
        (ConsentState.OPTED_OUT, NUMBER, Action.REQUEST_CONFIRMATION),
        (ConsentState.NONE, NUMBER, Action.REQUEST_CONFIRMATION),
    ],
)
def test_a_number_that_is_opted_in_is_not_asked_again(state: ConsentState, address: str, action: Action) -> None:
    assert yes_action(subscription(double_opt_in=True), consent(state), address) is action


GRADES = list(Grade)
ORAL = Grade.ORAL_ATTESTED


@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize(
    ("purpose", "written_only", "refused"),
    [
        (Purpose.MARKETING, False, {ORAL}),
        (Purpose.MARKETING, True, {ORAL, Grade.ASSERTED}),
        (Purpose.INFORMATIONAL, False, set()),
        (Purpose.INFORMATIONAL, True, {ORAL, Grade.ASSERTED}),
    ],
)
def test_each_subscription_is_sent_on_the_evidence_it_names(
    grade: Grade, purpose: Purpose, written_only: bool, refused: set[Grade]
) -> None:
    """47 CFR 64.1200(f)(9): marketing wants it in writing."""
    asked = subscription(purpose=purpose, written_only=written_only)
    given = consent(ConsentState.OPTED_IN, grade=grade)
    answer = permission(asked, given, NUMBER, stopped=False)
    assert (answer.allowed, answer.reason) == ((False, "weak_evidence") if grade in refused else (True, "opted_in"))


@pytest.mark.parametrize("grade", GRADES)
def test_what_goes_to_all_needs_no_grant(grade: Grade) -> None:
    asked = subscription(consent_type=ConsentType.OPT_OUT, purpose=Purpose.MARKETING)
    assert permission(asked, consent(ConsentState.OPTED_IN, grade=grade), NUMBER, stopped=False).allowed


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (Source.FORM, "opted_in"),
        (Source.PREFERENCE_CENTER, "opted_in"),
        (Source.KEYWORD, "opted_in"),
        (Source.PROFILE, "weak_evidence"),
    ],
)
def test_a_grant_from_before_grades_proves_what_its_source_proves_at_least(source: Source, reason: str) -> None:
    given = consent(ConsentState.OPTED_IN, source=source)
    assert permission(subscription(), given, NUMBER, stopped=False).reason == reason
