"""Contacts are created and changed in one place, and their addresses through the ledger (law 14)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.consent.verify import verify
from bot.contacts.identity import Identity
from bot.model.base import new_id, now
from bot.model.contact import Contact, Role
from bot.model.event import Action, Actor, Source
from bot.store import Duplicate
from tests.outbound.test_keyword_sign_ups import ADA, POSTER
from tests.people import NUMBER, change, events_of, wording


def person(**values: object) -> Contact:
    time = now()
    return Contact.model_validate({"_id": new_id(), "created_at": time, "updated_at": time, **values})


async def test_an_email_address_that_is_brought_along_becomes_an_event(bot: Bot) -> None:
    created = await bot.contacts.create(person(name="Ada", email="ada@example.com"))
    assert (created.email, created.ledger.seq) == ("ada@example.com", 1)
    (event,) = await events_of(bot.store, created.id)
    assert (event.action, event.email) == ("change_address", "ada@example.com")
    assert hashlib.sha256(b"ada@example.com").hexdigest()[:16] not in event.key, "whoever guesses it would know"
    assert (await verify(bot.store, repair=False)).is_whole


def proven(user_id: str, *, name: str | None = None, email: str | None = None) -> Identity:
    """Of whom the site signed everything."""
    return Identity(user_id=user_id, secret="s", name=name, email=email, signed=frozenset({"name", "email"}))


async def test_creating_twice_makes_one_contact_and_one_event(bot: Bot) -> None:
    wanted = person(email="ada@example.com")
    made = await asyncio.gather(*(bot.contacts.create(wanted) for _ in range(5)))
    assert {contact.id for contact in made} == {wanted.id}
    assert len(await events_of(bot.store, wanted.id)) == 1


async def test_a_user_is_one_contact(bot: Bot) -> None:
    await bot.contacts.create(person(external_id="4711"))
    with pytest.raises(Duplicate):
        await bot.contacts.create(person(external_id="4711"))


async def test_a_lead_becomes_the_user_and_is_found_by_the_name(bot: Bot) -> None:
    lead = await bot.contacts.create(person())
    user = await bot.contacts.identify(lead, proven("4711", name="Grace Hopper", email="grace@example.com"))
    assert user
    assert (user.id, user.role, user.external_id) == (lead.id, Role.USER, "4711")
    assert [found.id for found in await bot.store.contacts.known_as(["hopper"], limit=5)] == [lead.id]
    after = await bot.ledger.contact(lead.id)
    assert after
    assert after.email == "grace@example.com"
    assert [found.id for found in await bot.store.contacts.known_as(["grace", "example"], limit=5)] == [lead.id]


async def test_two_leads_never_become_one_user_twice(bot: Bot) -> None:
    one, two = await bot.contacts.create(person()), await bot.contacts.create(person())
    users = await asyncio.gather(
        bot.contacts.identify(one, proven("4711")),
        bot.contacts.identify(two, proven("4711")),
    )
    assert len({user.id for user in users if user}) == 1


async def test_a_lead_of_a_number_has_it_by_an_event(bot: Bot) -> None:
    id = new_id()
    leads = await asyncio.gather(*(bot.contacts.create_lead(id, NUMBER, "c") for _ in range(3)))
    assert {lead.phone for lead in leads if lead} == {NUMBER}
    (event,) = await events_of(bot.store, id)
    assert event.action == "capture_phone"


async def test_the_same_language_is_not_written_again(bot: Bot) -> None:
    contact = await bot.contacts.create(person(locale="es"))
    assert await bot.contacts.set_locale(contact, "es") is contact
    assert (await bot.contacts.set_locale(contact, "fr")).locale == "fr"
    stored = await bot.store.contacts.get(contact.id)
    assert stored
    assert stored.locale == "fr"


async def test_what_the_site_signs_replaces_what_its_page_said(bot: Bot) -> None:
    claimed = Identity(user_id="4711", secret="s", name="Eve", email="eve@example.com")
    lead = await bot.contacts.create(person())
    user = await bot.contacts.identify(lead, claimed)
    assert user
    user = await bot.ledger.contact(user.id)
    assert user
    assert (user.is_unverified("name"), user.is_unverified("email")) == (True, True)
    signed = proven("4711", name="Ada", email="ada@example.com")
    await bot.contacts.update_signed(user, signed)
    user = await bot.ledger.contact(user.id)
    assert user
    assert (user.name, user.email) == ("Ada", "ada@example.com")
    assert (user.is_unverified("name"), user.is_unverified("email")) == (False, False)
    assert [event.actor.kind for event in await events_of(bot.store, user.id)] == ["contact", "api"]
    assert await bot.contacts.update_signed(user, signed) is user, "nothing is new"


async def test_what_a_page_says_never_replaces_anything(bot: Bot) -> None:
    user = await bot.contacts.create(person(external_id="4711", name="Ada", email="ada@example.com"))
    claimed = Identity(user_id="4711", secret="s", name="Eve", email="eve@example.com")
    assert await bot.contacts.update_signed(user, claimed) is user


MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
async def archived(bot: Bot, make_contact: MakeContact) -> Contact:
    contact = await make_contact()
    await bot.ledger.record(change(contact.id, "phone", Action.CAPTURE_PHONE, subscription=None))
    saved = await bot.ledger.contact(contact.id)
    assert saved
    return await bot.contacts.set_values(saved, {"archived_at": now() - timedelta(seconds=5)})


async def is_archived(bot: Bot, contact: Contact) -> bool:
    stored = await bot.store.contacts.get(contact.id)
    assert stored
    return stored.archived_at is not None


@pytest.mark.parametrize("text", ["Hello", "BEANS", "STOP", "PAUSE"])
async def test_whoever_texts_us_is_no_longer_archived(bot: Bot, archived: Contact, text: str) -> None:
    await bot.keywords.create("Beans", POSTER, ADA, wording())
    await bot.receive(NUMBER, text, "t1")
    assert not await is_archived(bot, archived)


async def test_a_person_s_own_act_ends_the_archiving_and_nobody_else_s_does(bot: Bot, archived: Contact) -> None:
    ours = Actor(kind="teammate", id="ben")
    await bot.ledger.record(change(archived.id, "no", Action.OPT_OUT, source=Source.PROFILE, actor=ours))
    assert await is_archived(bot, archived)
    await bot.ledger.record(change(archived.id, "yes"))
    assert not await is_archived(bot, archived)
    again = await bot.ledger.contact(archived.id)
    assert again
    await bot.contacts.set_values(again, {"archived_at": now() + timedelta(seconds=5)})
    await bot.ledger.record(change(archived.id, "earlier", Action.OPT_OUT))
    assert await is_archived(bot, archived), "they were archived after that act"
