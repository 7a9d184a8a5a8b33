"""Merging two contacts takes the stricter answer, and a yes survives only together with its number."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import fault_points
from bot.app import Bot
from bot.chat.visitors import Claim
from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.consent.verify import verify
from bot.contacts.merge_rules import merged
from bot.demo import DEALS
from bot.errors import Invalid, NotFound, Unauthorized
from bot.model.base import new_id, now
from bot.model.contact import Consent, ConsentState, Contact, Role
from bot.model.conversation import Author, AuthorKind, Text
from bot.model.event import Action, Actor, Source
from bot.model.subscription import MessageType
from tests.people import (
    ANOTHER,
    AT,
    NUMBER,
    act,
    answered,
    change,
    consent,
    events_of,
    look_again,
    person,
    subscription,
)

ADMIN = Actor(kind="teammate", id="admin")
S = ConsentState


def who(id: str, state: ConsentState | None, *, phone: str | None = NUMBER, given: str | None = "own") -> Contact:
    number = phone if given == "own" else given
    return person(id, phone=phone, consents=(consent(state, number=number),) if state else ())


@pytest.mark.parametrize(
    ("kept", "other", "after"),
    [
        (None, S.OPTED_OUT, S.OPTED_OUT),
        (S.OPTED_IN, S.OPTED_OUT, S.OPTED_OUT),
        (S.PENDING, S.OPTED_OUT, S.OPTED_OUT),
        (S.OPTED_OUT, S.OPTED_IN, S.OPTED_OUT),
        (S.OPTED_OUT, S.PENDING, S.OPTED_OUT),
        (S.OPTED_IN, S.PENDING, S.PENDING),
        (S.PENDING, S.OPTED_IN, S.PENDING),
        (None, S.OPTED_IN, S.OPTED_IN),
        (S.OPTED_IN, None, S.OPTED_IN),
        (None, None, S.NONE),
    ],
)
def test_the_stricter_answer_stays(kept: ConsentState | None, other: ConsentState | None, after: ConsentState) -> None:
    one, two = who("kept", kept), who("other", other)
    assert merged(one, two).after("deals", one) is after


def test_a_yes_survives_only_with_its_number() -> None:
    one, two = who("kept", None, phone=ANOTHER), who("other", S.OPTED_IN)
    assert (merged(one, two).phone, merged(one, two).after("deals", one)) == (ANOTHER, S.NONE)
    assert merged(one, two).lost == ["phone"]
    bare = who("kept", None, phone=None)
    assert (merged(bare, two).phone, merged(bare, two).after("deals", bare)) == (NUMBER, S.OPTED_IN)


def test_a_question_to_a_number_that_is_not_kept_is_over() -> None:
    one, two = who("kept", S.OPTED_IN), who("other", S.PENDING, phone=ANOTHER)
    assert merged(one, two).after("deals", one) is S.NONE
    again = two.model_copy(update={"consents": (consent(S.PENDING, number=ANOTHER, was=S.OPTED_OUT),)})
    assert merged(one, again).after("deals", one) is S.OPTED_OUT


def test_what_the_kept_contact_lacks_comes_from_the_other_one() -> None:
    one = person("kept", name="Ada", tags=("a",), attributes={"size": 4})
    two = person("other", name="Eve", external_id="u1", role=Role.USER, tags=("b", "a"), attributes={"size": 5, "x": 1})
    found = merged(one, two)
    assert found.values == {"external_id": "u1", "role": Role.USER, "tags": ("a", "b")}
    assert (found.attributes, found.lost) == ({"x": 1}, [])


CONSENTS = st.builds(
    lambda state, was, number, days: consent(state, was=was, number=number, at=AT + timedelta(days=days)),
    st.sampled_from(S),
    st.sampled_from(S),
    st.sampled_from([NUMBER, ANOTHER]),
    st.integers(0, 2),
)
PEOPLE = st.builds(
    lambda id, phone, consents: person(id, phone=phone, consents=tuple(consents)),
    st.sampled_from(["one", "two"]),
    st.sampled_from([None, NUMBER, ANOTHER, "+1"]),
    st.lists(CONSENTS, max_size=1),
)


@given(PEOPLE, PEOPLE)
def test_merging_allows_nothing_that_neither_of_them_allowed(kept: Contact, other: Contact) -> None:
    found, offered = merged(kept, other), subscription()
    after = kept.model_copy(update={"phone": found.phone, "consents": tuple(_consents(kept, other))})

    def may(contact: Contact, number: str | None) -> bool:
        had = contact.model_copy(update={"phone": number})
        address = address_of(had, MessageType.SMS)
        return permission(offered, contact.consent("deals"), address, stopped=False).allowed

    if may(after, found.phone):
        assert may(kept, found.phone) or may(other, found.phone)
        assert not any(c.is_no or c.state is S.PENDING for c in (*kept.consents, *other.consents))
    if any(c.is_no for c in (*kept.consents, *other.consents)):
        assert [c.is_no for c in after.consents] == [True]
    if opt_outs := [c.at for c in (*kept.consents, *other.consents) if c.state is S.OPTED_OUT]:
        assert [c.at for c in after.consents] == [max(opt_outs)], "no older consent may count against the later no"


@given(PEOPLE)
def test_merging_with_nobody_changes_no_consent(kept: Contact) -> None:
    assert merged(kept, person("nobody")).consents == {}


def _consents(kept: Contact, other: Contact) -> list[Consent]:
    """As the projection makes them."""
    found = merged(kept, other)
    taken = {
        id: consent(
            c.state, was=c.was, number=found.phone if c.address == "number" else None, at=datetime.fromisoformat(c.at)
        )
        for id, c in found.consents.items()
    }
    return [c for c in kept.consents if c.subscription not in taken] + [*taken.values()]


class TestActOfMerging:
    async def _two(self, bot: Bot) -> tuple[Contact, Contact]:
        """A user without a number, and a lead who signed up."""
        time = now()
        user = await bot.contacts.create(
            Contact(id=new_id(), role=Role.USER, external_id="u1", created_at=time, updated_at=time)
        )
        lead = await bot.contacts.create(
            Contact(id=new_id(), name="Maya", email="maya@example.com", created_at=time, updated_at=time)
        )
        await answered(bot, lead)
        await bot.consumers.drain()
        found = await bot.ledger.contact(lead.id)
        assert found
        return user, found

    async def test_both_chains_stay_and_name_each_other(self, bot: Bot) -> None:
        user, lead = await self._two(bot)
        kept = await bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE)
        assert (kept.phone, kept.email, kept.name, kept.external_id) == (NUMBER, "maya@example.com", "Maya", "u1")
        yes, was = kept.consent(DEALS), lead.consent(DEALS)
        assert yes
        assert was
        assert (yes.state, yes.number, yes.event, yes.at) == (S.OPTED_IN, NUMBER, was.event, was.at)
        (into,) = [e for e in await events_of(bot.store, lead.id) if e.action is Action.MERGE]
        (event,) = await events_of(bot.store, kept.id)
        assert (into.merged_into, event.merged_from) == (kept.id, lead.id)
        other = await bot.ledger.contact(lead.id)
        assert other
        assert (other.merged_into, other.phone, other.name, other.consents) == (kept.id, None, None, ())
        assert (await verify(bot.store, repair=False)).is_whole
        assert await bot.store.conversations.of(lead.id) == []
        assert len(await bot.store.conversations.of(kept.id)) == 1
        assert {d.contact for d in await bot.store.deliveries.find({}, limit=99)} == {kept.id}

    async def test_twice_and_at_once_is_once(self, bot: Bot) -> None:
        user, lead = await self._two(bot)
        await asyncio.gather(*(bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE) for _ in range(4)))
        await bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE)
        assert [e.action for e in await events_of(bot.store, user.id)] == [Action.MERGE]
        assert [e.action for e in await events_of(bot.store, lead.id)].count(Action.MERGE) == 1

    @pytest.mark.parametrize("point", ["recorded", "before merging", "before moving"])
    async def test_whoever_comes_next_finishes_what_a_crash_left(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        class Died(Exception):
            pass

        def die(at: str) -> None:
            if at == point:
                raise Died

        user, lead = await self._two(bot)
        with monkeypatch.context() as patch:
            patch.setattr(fault_points, "reached", die)
            with pytest.raises(Died):
                await bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE)
        await look_again(bot)
        kept = await bot.ledger.contact(user.id)
        assert kept
        yes = kept.consent(DEALS)
        assert yes
        assert (yes.state, kept.phone, kept.name) == (S.OPTED_IN, NUMBER, "Maya")
        assert len(await bot.store.conversations.of(kept.id)) == 1
        assert (await verify(bot.store, repair=False)).is_whole

    async def test_an_opt_out_at_the_same_moment_is_not_lost(self, bot: Bot) -> None:
        user, lead = await self._two(bot)
        merging = bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE)
        out = change(lead.id, "out", Action.OPT_OUT, source=Source.PREFERENCE_CENTER)
        _, recorded = await asyncio.gather(merging, bot.ledger.record(out), return_exceptions=True)
        kept = await bot.ledger.contact(user.id)
        assert kept
        yes = kept.consent(DEALS)
        assert yes
        assert (yes.state is S.OPTED_OUT) or isinstance(recorded, NotFound)  # whoever asked is told

    async def test_nothing_is_recorded_for_the_other_one(self, bot: Bot) -> None:
        user, lead = await self._two(bot)
        await bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE)
        with pytest.raises(NotFound):
            await bot.ledger.record(change(lead.id, "again"))
        third = await bot.contacts.create(Contact(id=new_id(), created_at=now(), updated_at=now()))
        for kept, other in ((lead.id, third.id), (third.id, lead.id)):
            with pytest.raises(NotFound):
                await bot.merge.merge(kept, other, ADMIN, Source.PROFILE)
        with pytest.raises(Invalid):
            await bot.merge.merge(third.id, third.id, ADMIN, Source.PROFILE)

    async def test_a_stop_by_the_number_reaches_the_kept_contact(self, bot: Bot) -> None:
        user, lead = await self._two(bot)
        await bot.merge.merge(user.id, lead.id, ADMIN, Source.PROFILE)
        await bot.receive(NUMBER, "STOP", "t1")
        kept = await bot.ledger.contact(user.id)
        assert kept
        yes = kept.consent(DEALS)
        assert yes
        assert yes.state is S.OPTED_OUT

    async def test_a_token_of_the_other_one_shows_nobody_the_kept_one(self, bot: Bot) -> None:
        user, _ = await self._two(bot)
        opened = await act(bot, await bot.open_messenger(None, Claim(), None))
        author = Author(kind=AuthorKind.CONTACT, id=opened.contact.id)
        await bot.conversations.append(opened.conversation, author, Text(text="Hello"), "hello")
        await bot.merge.merge(user.id, opened.contact.id, ADMIN, Source.PROFILE)
        with pytest.raises(Unauthorized):
            await bot.visitors.known(opened.token)
        again = await bot.open_messenger(opened.token, Claim(), None)
        assert again.contact.id not in {user.id, opened.contact.id}
