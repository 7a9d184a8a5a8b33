"""Where a contact stands, worked out from the line of events: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta, timezone
from hashlib import sha256
from itertools import cycle
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.consent.chains import fault
from bot.consent.changes import ConsentChange
from bot.consent.next_event import next_event
from bot.consent.projection import GIVES_ADDRESS, PENDING_FOR, RESULT, apply, project
from bot.model.base import Document
from bot.model.contact import ConsentState, Contact
from bot.model.event import (
    Action,
    ChatOpening,
    ConsentEvent,
    Context,
    Evidence,
    FollowUp,
    Grade,
    How,
    MergedConsent,
    Restored,
    Source,
    Words,
)
from bot.model.event_hash import FIRST, PERSONAL, UNHASHED, commitment, erased, event_hash
from bot.model.form_limits import Limit
from bot.model.pace import Often, Pace
from tests.people import ANOTHER, AT, HERE, NUMBER, change, person

MERGED = MergedConsent(
    state=ConsentState.OPTED_OUT,
    held=ConsentState.OPTED_IN,
    was=ConsentState.NONE,
    at="2026-11-23T09:41:00.000Z",
    source=Source.FORM,
    event="01KAQ0000000000000000000AA",
    grade=Grade.PAPER,
    part="c:1",
    address="number",
)

FORMAT_1 = (
    '{"_id":"ada:0000000001","action":"opt_in","actor":{"id":"ada","kind":"contact"},"at":"2026-11-23T09:41:00.000Z",'
    '"contact":"ada","context":{"ip":"192.0.2.7","page":"https://shop.example/roasts","user_agent":"Firefox/150"},'
    '"event":"01KAQ0000000000000000000AA","key":"ada:k","number":"+12015550123","previous":"' + FIRST + '","seq":1,'
    '"source":"form","subscription":"deals","words":{"act":"pressed \\"Yes\\"","button":"","legal_text":"",'
    '"locale":"en","subscription_description":"","subscription_name":"Deals","title":"Title"}}'
)
FORMAT_2 = (
    '{"_id":"ada:0000000001","action":"opt_in","actor":{"id":"ada","kind":"contact"},"at":"2026-11-23T09:41:00.000Z",'
    '"commitments":{"/context/ip":"b2","/context/page":"a7"},'
    '"contact":"ada","context":{},"event":"01KAQ0000000000000000000AA","format":2,"grade":"written_shown",'
    '"key":"ada:k","previous":"' + FIRST + '","seq":1,'
    '"source":"form","state":"opted_in","subscription":"deals","was":"none"}'
)
RESTORED = Restored(event="e", was=ConsentState.NONE, at=AT, source=Source.FORM, part="p")
PACE = Pace(paused_until=AT, at_most=Often.WEEK)
WORDS = Words(title="Title", subscription_name="Deals", locale="en", act='pressed "Yes"')


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (Action.OPT_IN, ConsentState.OPTED_IN),
        (Action.CONFIRM, ConsentState.OPTED_IN),
        (Action.OPT_OUT, ConsentState.OPTED_OUT),
        (Action.REFUSE, ConsentState.OPTED_OUT),
        (Action.REQUEST_CONFIRMATION, ConsentState.PENDING),
    ],
)
def test_each_action_makes_its_state(action: Action, state: ConsentState) -> None:
    (event,), ada = _line([change("ada", "k", action, subscription="deals")])
    consent = ada.consent("deals")
    assert consent
    assert (consent.state, consent.number, consent.event, consent.at) == (state, NUMBER, event.event, AT)


def test_a_captured_phone_is_no_consent() -> None:
    _, ada = _line([change("ada", "k", Action.CAPTURE_PHONE, subscription="deals")])
    assert (ada.consents, ada.phone) == ((), NUMBER)


def test_a_number_that_is_still_to_be_confirmed_is_not_saved() -> None:
    """It would be locked (law 5), typing error and all."""
    _, asked = _line([change("ada", "1", Action.REQUEST_CONFIRMATION)])
    assert asked.phone is None
    _, confirmed = _line([change("ada", "1", Action.REQUEST_CONFIRMATION), change("ada", "2", Action.CONFIRM)])
    assert confirmed.phone == NUMBER


def test_a_pending_one_names_the_time_when_it_lapses() -> None:
    _, asked = _line([change("ada", "1", Action.REQUEST_CONFIRMATION)])
    assert asked.pending_until == AT + PENDING_FOR
    _, confirmed = _line([change("ada", "1", Action.REQUEST_CONFIRMATION), change("ada", "2", Action.CONFIRM)])
    assert confirmed.pending_until is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ConsentState.NONE),
        ([Action.OPT_OUT], ConsentState.OPTED_OUT),
        ([Action.OPT_IN], ConsentState.NONE),
    ],
)
def test_a_confirmation_that_lapses_leaves_a_no_as_it_was_and_never_a_yes(
    before: list[Action], after: ConsentState
) -> None:
    actions = [*before, Action.REQUEST_CONFIRMATION, Action.EXPIRE]
    _, ada = _line([change("ada", str(i), action, subscription="deals") for i, action in enumerate(actions)])
    consent = ada.consent("deals")
    assert consent
    assert (consent.state, consent.was, ada.pending_until) == (after, ConsentState.PENDING, None)


def test_what_was_confirmed_meanwhile_does_not_lapse() -> None:
    actions = [Action.REQUEST_CONFIRMATION, Action.CONFIRM, Action.EXPIRE]
    _, ada = _line([change("ada", str(i), action, subscription="deals") for i, action in enumerate(actions)])
    consent = ada.consent("deals")
    assert consent
    assert consent.state is ConsentState.OPTED_IN


@pytest.mark.parametrize("action", [Action.OPT_OUT, Action.REFUSE])
def test_a_no_takes_no_number_over(action: Action) -> None:
    _, ada = _line([change("ada", "k", action)])
    assert ada.phone is None


def test_the_last_word_on_a_subscription_holds_and_others_stay() -> None:
    yes, no = Action.OPT_IN, Action.OPT_OUT
    said = [("deals", yes), ("orders", yes), ("deals", no), ("letter", no), ("letter", yes)]
    _, ada = _line([change("ada", str(i), action, subscription=name) for i, (name, action) in enumerate(said)])
    assert {c.subscription: c.state.value for c in ada.consents} == {
        "deals": "opted_out",
        "orders": "opted_in",
        "letter": "opted_in",
    }


class TestHash:
    def test_it_does_not_depend_on_the_order_of_fields(self) -> None:
        (event,), _ = _line([change("ada", "k", words=WORDS, context=HERE)])
        raw = event.stored()
        turned = {k: dict(reversed(v.items())) if isinstance(v, dict) else v for k, v in reversed(raw.items())}
        assert list(turned) != list(raw)
        assert ConsentEvent.load(turned).computed_hash() == event.hash

    def test_it_does_not_depend_on_the_time_zone_that_a_reader_is_in(self) -> None:
        (event,), _ = _line([change("ada", "k")])
        there = event.model_copy(update={"at": event.at.astimezone(timezone(timedelta(hours=5, minutes=30)))})
        assert there.computed_hash() == event.hash

    def test_a_field_that_a_later_version_adds_changes_no_old_hash(self) -> None:
        class Later(ConsentEvent):
            region: str | None = None

        (event,), _ = _line([change("ada", "k", words=WORDS)])
        assert Later.load(event.stored()).computed_hash() == event.hash

    @settings(deadline=None)
    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=6), st.integers(1, 9_999_999_999))
    def test_it_is_made_over_rfc_8785_whatever_texts_and_numbers_an_event_holds(
        self, texts: list[str], number: int
    ) -> None:
        odd = _full(texts, number)
        assert odd.computed_hash() == sha256(rfc8785.dumps(odd.canonical())).hexdigest()

    def test_every_character_is_hashed_as_rfc_8785_has_it(self) -> None:
        odd = _full(["".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))], 1)
        assert odd.computed_hash() == sha256(rfc8785.dumps(odd.canonical())).hexdigest()

    def test_a_text_that_is_none_is_hashed_by_neither(self) -> None:
        odd = _full(["\ud800"], 1)
        for hashed in (odd.computed_hash, lambda: rfc8785.dumps(odd.canonical())):
            with pytest.raises((TypeError, ValueError), match=r"surrogate|UTF-8"):
                hashed()

    def test_an_event_holds_texts_and_whole_numbers_alone_under_names_in_ascii(self) -> None:
        """For these the encoder writes what RFC 8785 asks for; a fraction it would write otherwise."""
        full = _full(["x"], 1)
        assert full.words
        assert full.evidence
        signed = full.model_copy(update={"signature": "s"})
        assert full.restored
        parts = (signed, full.actor, full.words, full.context, full.evidence, full.restored, PACE, MERGED)
        assert all(getattr(part, name) is not None for part in parts for name in type(part).model_fields)
        held = _held(full.canonical())
        del held["clears"], held["follow_ups"], held["stopped"], held["context.creates"]  # lists of them, and true
        assert all(name.isascii() and (isinstance(value, str) or type(value) is int) for name, value in held.items())

    def test_it_is_this_one(self) -> None:
        """Pinned: a change of the canonical form would make every kept ledger look edited."""
        (event,), _ = _line([change("ada", "k", subscription="deals", words=WORDS, context=HERE)])
        new = ("format", "salts", "was", "state", "grade")
        old = event.model_copy(update={"event": "01KAQ0000000000000000000AA", **dict.fromkeys(new)})
        assert old.computed_hash() == sha256(FORMAT_1.encode()).hexdigest()
        bare = {"number": None, "words": None, "context": Context(), "salts": None}
        kept = {"/context/ip": "b2", "/context/page": "a7"}
        new_one = event.model_copy(update={"event": "01KAQ0000000000000000000AA", "commitments": kept, **bare})
        assert new_one.computed_hash() == sha256(FORMAT_2.encode()).hexdigest()

    def test_a_commitment_is_this_one(self) -> None:
        salt = "000102030405060708090a0b0c0d0e0f"
        made_of = bytes.fromhex(salt) + b'["/number","+12015550123"]'
        assert commitment("/number", NUMBER, salt) == sha256(made_of).hexdigest()

    @pytest.mark.parametrize("field", sorted(set(ConsentEvent.model_fields) - UNHASHED))
    def test_an_edit_of_any_field_changes_it(self, field: str) -> None:
        (event,), _ = _line([change("ada", "k", email="ada@example.com", words=WORDS, context=HERE)])
        other: dict[str, object] = {
            "format": 3,
            "seq": 7,
            "at": AT + timedelta(milliseconds=1),
            "action": Action.OPT_OUT,
            "source": Source.API,
            "actor": event.actor.model_copy(update={"id": "eve"}),
            "words": WORDS.model_copy(update={"legal_text": "!"}),
            "context": event.context.model_copy(update={"ip": "192.0.2.8"}),
            "evidence": Evidence(how=How.PAPER),
            "was": ConsentState.PENDING,
            "state": ConsentState.PENDING,
            "left": {"deals": ConsentState.PENDING},
            "clears": ["phone"],
            "redacted": {"1": "r"},
            "grade": Grade.PAPER,
            "stopped": True,
            "follow_ups": [FollowUp.FLOWS],
            "restored": RESTORED,
            "pace": PACE,
            "withheld": Limit.NETWORK,
            "flow_version": 7,
            "merged": {"deals": MERGED},
        }
        assert event.model_copy(update={field: other.get(field, "x")}).computed_hash() != event.hash

    def test_every_personal_value_is_covered_by_a_commitment_that_erasing_leaves(self) -> None:
        full = _full(["x"], 1).model_copy(update={"salts": None, "commitments": None, "hash": ""})
        values = {name: getattr(full, name) for name in type(full).model_fields}
        event, raw = ConsentEvent.new(**{k: v for k, v in values.items() if k not in {"format", "salts", "hash"}})
        assert set(event.salts or {}) == set(PERSONAL)
        bare = erased(raw)
        assert (event_hash(raw), event_hash(bare)) == (event.hash, event.hash)
        assert set(bare["commitments"]) == set(PERSONAL)
        assert not set(_held(bare)) & {path[1:].replace("/", ".") for path in PERSONAL}
        assert erased(bare) == bare


class TestFault:
    def test_a_whole_line_has_none(self) -> None:
        events, _ = _line([change("ada", str(i)) for i in range(5)])
        previous = FIRST
        for seq, event in enumerate(events, start=1):
            assert fault(event.stored(), event.contact, seq, previous) is None
            previous = event.hash

    def test_an_edited_event_is_named(self) -> None:
        (event,), _ = _line([change("ada", "k")])
        assert (
            fault(event.model_copy(update={"number": ANOTHER}).stored(), event.contact, 1, FIRST)
            == "event 1 was edited"
        )

    def test_an_edited_event_with_a_new_hash_breaks_the_one_after_it(self) -> None:
        (first, second), _ = _line([change("ada", "a"), change("ada", "b")])
        edited = first.model_copy(update={"number": ANOTHER})
        edited = edited.model_copy(update={"hash": edited.computed_hash()})
        assert fault(edited.stored(), edited.contact, 1, FIRST) is None
        assert fault(second.stored(), second.contact, 2, edited.hash) == "event 2 does not follow the one before it"

    def test_a_missing_event_is_named(self) -> None:
        (first, _, third), _ = _line([change("ada", str(i)) for i in range(3)])
        assert fault(third.stored(), third.contact, 2, first.hash) == "event 2 is missing"


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(Action), st.sampled_from(["deals", "orders", None]), st.sampled_from([NUMBER, ANOTHER, None])
    ),
    max_size=30,
)


@settings(deadline=None)
@given(ACTIONS)
@example([(Action.REQUEST_CONFIRMATION, "deals", NUMBER), (Action.CANCEL, "deals", NUMBER)])
@example([(Action.REQUEST_CONFIRMATION, "deals", NUMBER), (Action.EXPIRE, "deals", NUMBER)])
def test_any_line_of_actions_gives_one_standing_a_subscription_and_can_be_done_again(
    actions: list[tuple[Action, str | None, str | None]],
) -> None:
    changes = [change("ada", str(i), a, subscription=s, number=n) for i, (a, s, n) in enumerate(actions)]
    events, ada = _line(changes)
    erase = max((i for i, (a, _, _) in enumerate(actions) if a is Action.ERASE), default=-1)
    subscriptions = [c.subscription for c in ada.consents]
    assert len(subscriptions) == len(set(subscriptions))
    for consent in ada.consents:
        last = [e for e in events if e.subscription == consent.subscription and e.action in RESULT][-1]
        over = {Action.EXPIRE, Action.CANCEL}  # the question is taken back
        lapsed = [e for e in events if e.subscription == consent.subscription and e.action in over]
        if consent.event in {e.event for e in lapsed}:
            assert (last.action, consent.was) == (Action.REQUEST_CONFIRMATION, ConsentState.PENDING)
            continue
        assert (consent.event, consent.number) == (last.event, last.number)
    given_ = [n for a, _, n in actions[erase + 1 :] if n and a in GIVES_ADDRESS]
    assert ada.phone == (given_[-1] if given_ else None)
    assert ada.ledger.seq == len(events)
    assert project(ada, events) == ada
    assert project(person(), events) == ada
    moved: Counter[tuple[str, ConsentState]] = Counter()
    for event in events:
        moved.update(event.moves())
    stands = {(c.subscription, c.state): 1 for c in ada.consents if c.state is not ConsentState.NONE}
    assert {place: n for place, n in moved.items() if n} == stands


@settings(deadline=None)
@given(ACTIONS)
def test_an_event_survives_the_way_to_the_database_and_back(
    actions: list[tuple[Action, str | None, str | None]],
) -> None:
    changes = [change("ada", str(i), a, subscription=s, number=n) for i, (a, s, n) in enumerate(actions)]
    for document in _line(changes)[0]:
        again = type(document).load(document.stored())
        assert again == document
        assert isinstance(again, Document)
        assert again.computed_hash() == document.hash


def _full(texts: Sequence[str], number: int) -> ConsentEvent:
    """An event with something in every field; `texts` in turn where a text of people's or businesses' may be."""
    (event,), _ = _line([change("ada", "k", subscription="deals", words=WORDS, context=HERE)])
    text = cycle(texts)
    words = WORDS.model_copy(
        update={name: next(text) for name in Words.model_fields}
        | {"subscription_version": number, "keyword_version": number}
    )
    opening = ChatOpening(
        **{name: next(text) for name in ("conversation", "flow", "message", "locale", "time_zone")},
        flow_version=number,
        at=AT,
    )
    texts_of_context = {name: next(text) for name in Context.model_fields.keys() - {"opening", "creates"}}
    context = Context(**texts_of_context, opening=opening, creates=True)
    evidence = Evidence(how=How.PAPER, given_at=AT).model_copy(update={"note": next(text)})
    named = (
        "id", "subscription", "number", "email", "replaced", "key", "flow", "flow_step", "message", "policy",
        "merged_into", "merged_from",
    )  # fmt: skip
    own = {name: next(text) for name in named}
    more = {
        "clears": ["phone"],
        "left": {"orders": ConsentState.NONE},
        "redacted": {"1": "r"},
        "commitments": {"/number": "c"},
        "stopped": True,
        "follow_ups": [FollowUp.FLOWS],
        "restored": RESTORED,
        "merged": {"orders": MERGED},
        "pace": PACE,
        "withheld": Limit.NETWORK,
    }
    said = {"words": words, "context": context, "evidence": evidence, "salts": {"/email": "00"}, **more}
    return event.model_copy(update={**own, **said, "seq": number, "flow_version": number, "hash": "h"})


def _held(raw: dict[str, Any]) -> dict[str, Any]:
    """All values in `raw`, by the path of their names."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        inner = {f"{name}.{n}": v for n, v in _held(value).items()} if isinstance(value, dict) else {name: value}
        found |= inner
    return found


def _line(changes: Sequence[ConsentChange]) -> tuple[list[ConsentEvent], Contact]:
    """The events of one contact, and the contact after them."""
    contact, events = person(), []
    for one in changes:
        event, _ = next_event(contact, one, AT)
        contact = apply(contact, event)
        events.append(event)
    return events, contact
