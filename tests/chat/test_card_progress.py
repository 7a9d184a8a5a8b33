"""How far a contact has come with a card: each step, in the order in which they come."""

from __future__ import annotations

from typing import Any

import pytest

from bot.chat.card_progress import WHY, Progress, Since, Step, card_progress
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import CardState, Conversation
from bot.model.event import Source
from tests.people import ANOTHER, AT, NUMBER, card, consent, person

SEQ = 4
PART = "talk:0000000004"


def talk(**values: Any) -> Conversation:
    return Conversation(id="talk", contact="ada", last=9, created_at=AT, updated_at=AT, **values)


def progress(
    contact: Contact | None = None, conversation: Conversation | None = None, is_live: bool = True, **values: Any
) -> Progress:
    form = card(subscription="deals", **values)
    return card_progress(form, SEQ, conversation or talk(), contact or person(), is_live)


def stands(state: ConsentState, **values: Any) -> Contact:
    return person(phone=NUMBER, consents=(consent(state, **values),))


def test_it_goes_from_sent_to_seen() -> None:
    assert progress().step is Step.SENT
    assert progress(conversation=talk(delivered=3, seen=3)).step is Step.SENT
    assert progress(conversation=talk(delivered=4, seen=3)).step is Step.DELIVERED
    assert progress(conversation=talk(delivered=4, seen=4)).step is Step.SEEN


def test_one_that_was_opened_was_seen_whatever_the_conversation_says_of_it_yet() -> None:
    found = progress(opened_at=AT)
    assert (found.step, found.seen, found.opened, found.tries) == (Step.OPENED, True, True, 0)


def test_a_wrong_answer_is_counted_and_named_and_never_repeated() -> None:
    found = progress(opened_at=AT, tries=2, problem="too_short")
    assert (found.step, found.tries, found.why) == (Step.TRIED, 2, WHY["too_short"])
    assert NUMBER not in repr(progress(tries=1, problem="too_short", number=NUMBER))


def test_a_problem_that_has_no_words_is_counted_alone() -> None:
    assert (progress(tries=1, problem="parameter_invalid").why, progress(tries=1).why) == ("", "")


@pytest.mark.parametrize("step", [{}, {"opened_at": AT}, {"tries": 1}])
def test_until_it_is_answered_it_can_be_withdrawn(step: dict[str, Any]) -> None:
    assert progress(**step).is_open
    assert not progress(state=CardState.CLOSED, **step).is_open
    assert not progress(state=CardState.COMPLETED, **step).is_open


@pytest.mark.parametrize("step", [{}, {"opened_at": AT}, {"tries": 1}])
def test_while_its_subscription_is_archived_it_is_paused_and_can_be_withdrawn(step: dict[str, Any]) -> None:
    found = progress(is_live=False, **step)
    assert (found.step, found.is_open) == (Step.PAUSED, True)
    assert progress(is_live=False, state=CardState.CLOSED).step is Step.WITHDRAWN
    assert progress(is_live=False, state=CardState.COMPLETED).step is Step.COMPLETED


def test_a_withdrawn_one_is_withdrawn_whatever_was_tried_before() -> None:
    found = progress(state=CardState.CLOSED, opened_at=AT, tries=1)
    assert (found.step, found.opened, found.tries) == (Step.WITHDRAWN, True, 1)


def test_an_answer_stands_also_before_the_contact_is_read_anew() -> None:
    yes = stands(ConsentState.OPTED_IN, part=PART)
    for contact in (person(), yes):
        found = progress(contact, state=CardState.COMPLETED)
        assert (found.step, found.since) == (Step.COMPLETED, Since.UNCHANGED)


def test_an_answer_that_the_card_does_not_know_of_yet_counts() -> None:
    assert progress(stands(ConsentState.OPTED_IN, part=PART)).step is Step.COMPLETED
    assert progress(stands(ConsentState.OPTED_IN, part="talk:0000000003")).step is Step.SENT
    assert progress(stands(ConsentState.OPTED_OUT, part=PART)).step is Step.SENT


@pytest.mark.parametrize(
    ("contact", "since"),
    [
        (person(), Since.WAITS),
        (stands(ConsentState.PENDING, part=PART), Since.WAITS),
        (stands(ConsentState.OPTED_IN, part=PART), Since.UNCHANGED),
        (stands(ConsentState.NONE, source=Source.SYSTEM), Since.LAPSED),
        (stands(ConsentState.NONE), Since.CANCELED),
        (stands(ConsentState.OPTED_OUT, was=ConsentState.PENDING, source=Source.SYSTEM), Since.LAPSED),
        (stands(ConsentState.OPTED_OUT, was=ConsentState.PENDING), Since.CANCELED),
        (stands(ConsentState.OPTED_OUT, was=ConsentState.OPTED_IN), Since.TURNED_OFF),
    ],
)
def test_a_number_that_was_asked_for_its_yes_waits_until_it_says_something(contact: Contact, since: Since) -> None:
    found = progress(contact, state=CardState.COMPLETED, asked=True)
    assert (found.step, found.since) == (Step.COMPLETED, since)


def test_a_yes_for_a_number_that_is_not_theirs_any_more_is_told() -> None:
    yes = consent(ConsentState.OPTED_IN)
    for phone in (ANOTHER, None):
        assert progress(person(phone=phone, consents=(yes,)), state=CardState.COMPLETED).since is Since.NUMBER_CHANGED


def test_a_number_on_the_stop_list_is_told() -> None:
    tried = stands(ConsentState.NONE, stopped=True)
    assert progress(tried, state=CardState.COMPLETED).since is Since.STOPPED


def test_what_was_turned_off_since_is_told() -> None:
    assert progress(stands(ConsentState.OPTED_OUT), state=CardState.COMPLETED).since is Since.TURNED_OFF


def test_another_subscription_says_nothing_of_this_one() -> None:
    other = person(consents=(consent(ConsentState.OPTED_OUT, subscription="news"),))
    assert progress(other, state=CardState.COMPLETED).since is Since.UNCHANGED
