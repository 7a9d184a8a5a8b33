"""People who are there already when a test begins."""

from __future__ import annotations

from bot.app import Bot
from bot.consent.changes import ConsentChange
from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Source
from bot.model.subscription import MessageType


async def signed_up(bot: Bot, *, locale: str = "en", email: str | None = None) -> tuple[Contact, str]:
    """Somebody who said yes to the deals at (201) 555-0123, and the path of their preference center."""
    time = now()
    contact = Contact(id=new_id(), locale=locale, email=email, created_at=time, updated_at=time)
    await bot.store.contacts.insert(contact)
    await bot.ledger.record(
        ConsentChange(
            contact=contact.id,
            subscription=DEALS,
            action=Action.OPT_IN,
            source=Source.FORM,
            actor=Actor(kind="contact", id=contact.id),
            number="+12015550123",
            key=new_id(),
        )
    )
    return contact, f"/p/{await bot.preferences.make_link(contact.id, MessageType.SMS)}"
