"""Likely revocations: listed with their due date, decided by a teammate, closed by any opt-out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.demo import DEALS
from bot.errors import NotFound
from bot.i18n import translator
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import AuthorKind
from bot.model.conversation_event import ConversationEvent
from bot.model.conversation_event import ConversationEventName as Name
from bot.model.event import NOWHERE, Action, Actor, Source
from bot.model.opt_out_request import OptOutRequest, RequestState
from bot.model.teammate import By
from tests.people import ANOTHER, HERE, NUMBER, change

MakeContact = Callable[..., Awaitable[Contact]]
ADA = By("ada", "Ada")
ASKS = "How do I unsubscribe?"


@pytest.fixture
async def maya(bot: Bot, make_contact: MakeContact) -> Contact:
    contact = await make_contact()
    await bot.ledger.record(change(contact.id, "k"))
    return contact


async def _flagged(bot: Bot, number: str = NUMBER) -> OptOutRequest:
    await bot.receive(number, ASKS, f"t-{number}")
    return (await bot.opt_out_requests.page()).items[-1].request


async def _now(bot: Bot, request: OptOutRequest) -> OptOutRequest:
    await bot.consumers.drain()
    found = await bot.store.opt_out_requests.get(request.id)
    assert found
    return found


async def test_it_is_listed_once_with_its_words_and_due_date(bot: Bot, maya: Contact) -> None:
    for _time in range(2):  # the provider repeats it
        request = await _flagged(bot)
    (row,) = (await bot.opt_out_requests.page()).items
    assert row.contact
    assert (row.contact.id, row.text) == (maya.id, ASKS)
    assert timedelta(days=11) < request.due_at - request.received_at < timedelta(days=21)
    assert await bot.opt_out_requests.count() == 1
    assert await bot.opt_out_requests.count(is_overdue=True) == 0


async def test_what_is_due_first_comes_first_page_by_page(bot: Bot) -> None:
    first, second = await _flagged(bot), await _flagged(bot, ANOTHER)
    late = {"$set": {"due_at": now() - timedelta(days=1)}}
    await bot.store.opt_out_requests.update({"_id": second.id}, late)
    page = await bot.opt_out_requests.page(limit=1)
    assert [row.request.id for row in page.items] == [second.id]
    rest = await bot.opt_out_requests.page(page.next, limit=1)
    assert [row.request.id for row in rest.items] == [first.id]
    assert rest.next is None
    assert await bot.opt_out_requests.count(is_overdue=True) == 1


async def test_a_teammate_opts_out_of_all_texts_once(bot: Bot, maya: Contact) -> None:
    request = await _flagged(bot)
    for _time in range(2):  # a double click
        await bot.opt_out_requests.honor(request.id, ADA, NOWHERE)
    contact = await bot.ledger.contact(maya.id)
    consent = contact.consent(DEALS) if contact else None
    assert consent
    assert consent.state is ConsentState.OPTED_OUT
    after = await _now(bot, request)
    assert (after.state, after.by) == (RequestState.HONORED, ADA.id)
    assert await bot.opt_out_requests.count() == 0
    times = await bot.opt_out_requests.request_times()
    assert times.number == 1
    assert times.longest
    entries = await bot.store.audit_log.find({"action": AuditAction.OPT_OUT_HONORED}, limit=9)
    assert [entry.subject for entry in entries] == [maya.id]


async def test_everyone_with_the_number_is_opted_out(bot: Bot, maya: Contact, make_contact: MakeContact) -> None:
    """Also once the contact who texted has another number."""
    ben = await make_contact()
    await bot.ledger.record(change(ben.id, "k"))
    request = await _flagged(bot)
    assert (request.number, request.contact in {maya.id, ben.id}) == (NUMBER, True)
    moved = change(request.contact, "moved", Action.CHANGE_ADDRESS, number=ANOTHER, subscription=None)
    await bot.ledger.record(moved)
    for _time in range(2):
        after = await bot.opt_out_requests.honor(request.id, ADA, NOWHERE)
    assert (after.id, after.phone) == (request.contact, ANOTHER)
    for id in (maya.id, ben.id):
        contact = await bot.ledger.contact(id)
        consent = contact.consent(DEALS) if contact else None
        assert consent
        assert consent.state is ConsentState.OPTED_OUT
        *_rest, event = await bot.store.events.after(id, 0, limit=9)
        assert event.context.conversation == (request.conversation if id == request.contact else None)
    assert not await bot.stops.is_stopped(NUMBER), "only its own STOP does that"
    assert (await _now(bot, request)).by == ADA.id


async def test_a_teammate_dismisses_it_and_that_is_final(bot: Bot, maya: Contact) -> None:
    request = await _flagged(bot)
    await bot.opt_out_requests.dismiss(request.id, ADA)
    await bot.receive(NUMBER, "STOP", "t2")
    after = await _now(bot, request)
    assert (after.state, after.by) == (RequestState.DISMISSED, ADA.id)
    assert len(await bot.store.audit_log.find({"action": AuditAction.OPT_OUT_DISMISSED}, limit=9)) == 1
    with pytest.raises(NotFound):
        await bot.opt_out_requests.dismiss(f"{'0' * 24}:{1:010d}", ADA)


async def test_a_teammate_overrules_a_dismissal(bot: Bot, maya: Contact) -> None:
    request, ben = await _flagged(bot), By("ben", "Ben")
    await bot.opt_out_requests.dismiss(request.id, ADA)
    dismissed = await _now(bot, request)
    for _time in range(2):
        await bot.opt_out_requests.honor(request.id, ben, NOWHERE)
    after = await _now(bot, request)
    assert (after.state, after.by) == (RequestState.HONORED, ben.id)
    assert after.settled_at
    assert dismissed.settled_at
    assert after.settled_at > dismissed.settled_at
    entries = await bot.store.audit_log.find({"action": AuditAction.OPT_OUT_HONORED}, limit=9)
    assert [(entry.actor, entry.subject) for entry in entries] == [(ben.id, maya.id)]
    parts = await bot.conversations.after(request.conversation, 0)
    said = [part.content for part in parts if part.author.kind is AuthorKind.TEAMMATE]
    assert said == [ConversationEvent(name=name) for name in (Name.OPT_OUT_DISMISSED, Name.OPT_OUT_HONORED)]
    await bot.opt_out_requests.dismiss(request.id, ADA)
    assert (await _now(bot, request)).state is RequestState.HONORED


@pytest.mark.parametrize("way", ["stop", "preference center", "erasure"])
async def test_it_is_closed_when_the_person_opts_out_otherwise(bot: Bot, maya: Contact, way: str) -> None:
    request = await _flagged(bot)
    match way:
        case "stop":
            await bot.receive(NUMBER, "STOP", "t2")
        case "erasure":
            await bot.eraser.erase(maya.id, Actor(kind="teammate", id="t"), Source.PROFILE)
        case _:
            contact = await bot.ledger.contact(maya.id) or maya
            await bot.preferences.stop_all(contact, shown={}, key="p", say=translator("en"), context=HERE)
    after = await _now(bot, request)
    assert (after.state, after.by) == (RequestState.HONORED, None)


async def test_it_stays_open_while_somebody_with_the_number_gets_texts(
    bot: Bot, maya: Contact, make_contact: MakeContact
) -> None:
    """The preference center opts out one of them; nobody knows which of them asked."""
    ben = await make_contact()
    await bot.ledger.record(change(ben.id, "k"))
    request = await _flagged(bot)
    say = translator("en")
    for id, state in ((maya.id, RequestState.OPEN), (ben.id, RequestState.HONORED)):
        contact = await bot.ledger.contact(id)
        assert contact
        await bot.preferences.stop_all(contact, shown={}, key=f"p-{id}", say=say, context=HERE)
        assert (await _now(bot, request)).state is state


@pytest.mark.parametrize(("decision", "name"), [("honor", Name.OPT_OUT_HONORED), ("dismiss", Name.OPT_OUT_DISMISSED)])
async def test_the_conversation_says_what_was_decided(bot: Bot, maya: Contact, decision: str, name: Name) -> None:
    request = await _flagged(bot)
    for _time in range(2):
        if decision == "honor":
            await bot.opt_out_requests.honor(request.id, ADA, NOWHERE)
        else:
            await bot.opt_out_requests.dismiss(request.id, ADA)
    parts = await bot.conversations.after(request.conversation, 0)
    decided = [(part.author.id, part.content) for part in parts if part.author.kind is AuthorKind.TEAMMATE]
    assert decided == [(ADA.id, ConversationEvent(name=name))]


async def test_an_opt_out_of_one_subscription_leaves_it_open(bot: Bot, maya: Contact) -> None:
    request = await _flagged(bot)
    contact = await bot.ledger.contact(maya.id) or maya
    say = translator("en")
    await bot.preferences.change(contact, DEALS, "opt_out", version="", key="p", say=say, context=HERE)
    assert (await _now(bot, request)).state is RequestState.OPEN


async def test_it_follows_a_merge(bot: Bot, maya: Contact, make_contact: MakeContact) -> None:
    request = await _flagged(bot)
    kept = await make_contact()
    await bot.merge.merge(kept.id, maya.id, Actor(kind="teammate", id="t"), Source.PROFILE)
    after = await _now(bot, request)
    assert (after.contact, after.number) == (kept.id, NUMBER)
    await bot.eraser.erase(kept.id, Actor(kind="teammate", id="t"), Source.PROFILE)
    assert (await _now(bot, request)).number is None


async def test_the_confirmation_of_a_stop_is_measured(bot: Bot, maya: Contact) -> None:
    assert (await bot.opt_out_requests.confirmation_times()).median is None
    await bot.receive(NUMBER, "STOP", "t1")
    await bot.consumers.drain()
    while await bot.sender.send_some():
        pass
    times = await bot.opt_out_requests.confirmation_times()
    assert times.number == 1
    assert times.median is not None
