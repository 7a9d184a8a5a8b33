"""Kinds of text: which events ask for them, what bounds them, why one may not leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from bot.model.contact import ConsentState, Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import FOR_MANY, Action, Actor, ConsentEvent, FollowUp, Source
from bot.model.subscription import MessageType, SubscriptionState
from bot.outbound.flood import BOUNDS, Flood
from bot.outbound.kinds import ALL, KINDS, Facts, TextLimit, flow_reply, keyword_answer, kind_for
from tests.people import ANOTHER, AT, NUMBER, consent, person, subscription, workspace

ASKED_FOR = {
    (Action.OPT_IN, Source.FORM): DeliveryKind.CONFIRMATION,
    (Action.OPT_IN, Source.PREFERENCE_CENTER): DeliveryKind.CONFIRMATION,
    (Action.OPT_IN, Source.PROFILE): DeliveryKind.CONFIRMATION,
    (Action.OPT_IN, Source.KEYWORD): DeliveryKind.CONFIRMED,
    (Action.CONFIRM, Source.KEYWORD): DeliveryKind.CONFIRMED,
    (Action.REQUEST_CONFIRMATION, Source.FORM): DeliveryKind.ASK,
    (Action.REQUEST_CONFIRMATION, Source.PREFERENCE_CENTER): DeliveryKind.ASK,
    (Action.REQUEST_CONFIRMATION, Source.PROFILE): DeliveryKind.ASK,
    (Action.REQUEST_CONFIRMATION, Source.KEYWORD): DeliveryKind.ASK_BACK,
}


def _event(action: Action, source: Source, **values: object) -> ConsentEvent:
    usual = {"subscription": "deals", "number": NUMBER}
    return ConsentEvent(
        id="ada:0000000001", event="e", contact="ada", seq=1, action=action, source=source,
        actor=Actor(kind="contact", id="ada"), at=AT, key="k", previous="", **{**usual, **values},
    )  # fmt: skip


def _delivery(kind: DeliveryKind, **values: object) -> Delivery:
    usual: dict[str, object] = {
        "contact": "ada", "subscription": "deals", "event": "e", "number": NUMBER, "locale": "en", "created_at": AT,
    }  # fmt: skip
    return Delivery(id="d", kind=kind, updated_at=AT, **{**usual, **values})


def _facts(
    state: ConsentState = ConsentState.OPTED_IN, *, is_stopped: bool = False, phone: str | None = NUMBER
) -> Facts:
    contact: Contact = person(phone=phone, consents=(consent(state),))
    return Facts(workspace(), contact, subscription(), is_stopped)


@pytest.mark.parametrize(("action", "source"), [*product(Action, Source)])
def test_an_event_asks_for_one_kind_of_text_or_none(action: Action, source: Source) -> None:
    kind = kind_for(_event(action, source))
    assert (kind.name if kind else None) == ASKED_FOR.get((action, source))
    assert sum(k.follows(_event(action, source)) for k in ALL) <= 1


@pytest.mark.parametrize("source", sorted(FOR_MANY))
def test_a_change_for_many_people_sends_only_what_was_asked_for(source: Source) -> None:
    for action, asked, kind in (
        (Action.OPT_IN, FollowUp.CONFIRMATION, DeliveryKind.CONFIRMATION),
        (Action.REQUEST_CONFIRMATION, FollowUp.QUESTION, DeliveryKind.ASK),
    ):
        others = [follow_up for follow_up in FollowUp if follow_up is not asked]
        assert kind_for(_event(action, source, follow_ups=others)) is None
        found = kind_for(_event(action, source, follow_ups=[asked]))
        assert (found.name if found else None) == kind


@pytest.mark.parametrize("missing", ["number", "subscription"])
def test_an_event_without_a_number_or_a_subscription_asks_for_none(missing: str) -> None:
    assert kind_for(_event(Action.OPT_IN, Source.FORM, **{missing: None})) is None


def test_every_kind_is_registered_once() -> None:
    assert {*KINDS} == {*DeliveryKind}
    assert len(ALL) == len(KINDS)


def test_exempt_from_a_stop_are_answers_to_keywords_and_nothing_else() -> None:
    """Law 7: STOP beats everything else."""
    facts = _facts(is_stopped=True)
    leaves = {kind.name for kind in ALL if kind.refusal(_delivery(kind.name, answer="help"), facts) is None}
    assert leaves == {DeliveryKind.REPLY}


@pytest.mark.parametrize("answer", ["already", "closed", "lost"])
def test_an_answer_to_the_keyword_of_a_program_is_held_back_by_a_stop(answer: str) -> None:
    delivery = _delivery(DeliveryKind.REPLY, answer=answer)
    assert KINDS[DeliveryKind.REPLY].refusal(delivery, _facts(is_stopped=True)) == "stopped"
    assert KINDS[DeliveryKind.REPLY].refusal(delivery, _facts()) is None


class TestConfirmationOfAStop:
    """47 CFR 64.1200(a)(12): within five minutes."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keyword_answer, "now", lambda: AT)

    @pytest.mark.parametrize(
        ("seconds", "reason", "left"),
        [(0, None, 300), (100, None, 200), (299, None, 1), (300, "too_late", 1), (86_400, "too_late", 1)],
    )
    def test_it_has_what_is_left_of_its_time(self, seconds: int, reason: str | None, left: int) -> None:
        """The time that is left is never zero: that would be no limit."""
        kind, created_at = KINDS[DeliveryKind.REPLY], AT - timedelta(seconds=seconds)
        delivery = _delivery(DeliveryKind.REPLY, answer="stopped", created_at=created_at)
        assert kind.refusal(delivery, _facts(is_stopped=True)) == reason
        assert kind.valid_for(delivery) == timedelta(seconds=left)

    def test_it_says_nothing_that_a_start_made_wrong(self) -> None:
        delivery = _delivery(DeliveryKind.REPLY, answer="stopped")
        assert KINDS[DeliveryKind.REPLY].refusal(delivery, _facts()) == "not_stopped"

    @pytest.mark.parametrize("answer", ["started", "help"])
    def test_other_answers_have_no_deadline(self, answer: str) -> None:
        kind, created_at = KINDS[DeliveryKind.REPLY], AT - timedelta(days=1)
        delivery = _delivery(DeliveryKind.REPLY, answer=answer, created_at=created_at)
        assert kind.refusal(delivery, _facts()) is None
        assert kind.refusal(delivery, _facts(is_stopped=True)) is None
        assert kind.valid_for(delivery) is None


@pytest.mark.parametrize("kind", [DeliveryKind.CONFIRMATION, DeliveryKind.CONFIRMED, DeliveryKind.FLOW])
def test_a_confirmation_and_a_text_of_a_flow_need_permission(kind: DeliveryKind) -> None:
    refusal = KINDS[kind].refusal
    assert refusal(_delivery(kind), _facts()) is None
    assert refusal(_delivery(kind), _facts(ConsentState.OPTED_OUT)) == "opted_out"
    assert refusal(_delivery(kind), _facts(ConsentState.PENDING)) == "pending"
    assert refusal(_delivery(kind), _facts(phone=None)) == "no_valid_number"
    archived = replace(_facts(), subscription=subscription(state=SubscriptionState.ARCHIVED))
    assert refusal(_delivery(kind), archived) == "subscription_not_live"
    assert refusal(_delivery(kind, number=ANOTHER), _facts()) == "number_changed"
    assert refusal(_delivery(kind), Facts(workspace(), None, None, is_stopped=False)) == "contact_gone"


@pytest.mark.parametrize(("kind", "reason"), [(DeliveryKind.FLOW, "archived"), (DeliveryKind.CONFIRMATION, None)])
def test_an_archived_contact_gets_no_text_that_we_begin(kind: DeliveryKind, reason: str | None) -> None:
    facts = _facts()
    archived = replace(facts, contact=person(phone=NUMBER, consents=(consent(ConsentState.OPTED_IN),), archived_at=AT))
    assert KINDS[kind].refusal(_delivery(kind), archived) == reason


@pytest.mark.parametrize(("hours", "reason"), [(0, None), (23, None), (24, "too_late"), (None, "too_late")])
def test_a_flow_replies_within_a_day(monkeypatch: pytest.MonkeyPatch, hours: int | None, reason: str | None) -> None:
    monkeypatch.setattr(flow_reply, "now", lambda: AT)
    heard_at = None if hours is None else AT - timedelta(hours=hours)
    delivery = _delivery(DeliveryKind.FLOW_REPLY, heard_at=heard_at)
    assert KINDS[DeliveryKind.FLOW_REPLY].refusal(delivery, _facts(ConsentState.NONE)) == reason


def test_a_form_by_text_is_for_a_subscription_by_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_reply, "now", lambda: AT)
    kind, form = KINDS[DeliveryKind.FLOW_REPLY], _delivery(DeliveryKind.FLOW_REPLY, heard_at=AT)
    by_email = replace(_facts(), subscription=subscription(message_type=MessageType.EMAIL))
    assert kind.refusal(form, by_email) == "not_by_text"
    assert kind.refusal(form, replace(_facts(), subscription=None)) == "subscription_not_live"


def test_what_a_phone_asked_for_is_not_bounded_by_what_strangers_cause() -> None:
    limits = {kind.name: kind.limit for kind in ALL}
    assert limits == {
        DeliveryKind.CONFIRMATION: TextLimit.FLOOD,
        DeliveryKind.ASK: TextLimit.FLOOD,
        DeliveryKind.ASK_BACK: TextLimit.LOOP,
        DeliveryKind.OUTBOUND: TextLimit.NONE,
        DeliveryKind.FLOW: TextLimit.FLOW,
        DeliveryKind.FLOW_REPLY: TextLimit.TALK,
        DeliveryKind.TEST: TextLimit.FLOOD,
        DeliveryKind.CONFIRMED: TextLimit.LOOP,
        DeliveryKind.REPLY: TextLimit.LOOP,
        DeliveryKind.MESSAGE: TextLimit.NONE,
    }


class TestFlood:
    def test_texts_of_one_round_count(self) -> None:
        flood = Flood({})
        said = [flood.refusal(_delivery(DeliveryKind.CONFIRMATION)) for _ in range(5)]
        assert said == [None, None, None, "too_many", "too_many"]
        assert flood.refusal(_delivery(DeliveryKind.CONFIRMATION, number=ANOTHER)) is None

    def test_what_was_sent_before_counts(self) -> None:
        flood = Flood({NUMBER: {"flood_short": 1, "flood_long": 4, "loop": 9}})
        kinds = (DeliveryKind.ASK, DeliveryKind.ASK, DeliveryKind.REPLY, DeliveryKind.REPLY, DeliveryKind.MESSAGE)
        assert [flood.refusal(_delivery(kind)) for kind in kinds] == [None, "too_many", None, "loop_guard", None]

    def test_what_a_flow_sends_blocks_no_answer_to_a_keyword(self) -> None:
        flood, both = Flood({}), [DeliveryKind.FLOW, DeliveryKind.FLOW_REPLY]
        said = [flood.refusal(_delivery(DeliveryKind.FLOW)) for _ in range(10)]
        assert said == [None] * 3 + ["too_many"] * 7
        assert flood.refusal(_delivery(DeliveryKind.REPLY)) is None
        assert not any(kind in BOUNDS["loop"].kinds for kind in both)

    def test_every_bound_counts_some_kind(self) -> None:
        assert all(bound.kinds for bound in BOUNDS.values())
