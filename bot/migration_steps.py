"""Brings a database of an earlier version to this one: at each start, and by `sayso migrate`.

Every step can be repeated, and be cut off anywhere. Indexes and documents of flows are moved by `Store.prepare`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from bot.consent.changes import ConsentChange, address_change
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.counts import CountKeeper
from bot.consent.ledger import Ledger
from bot.consent.projection import GIVES_ADDRESS
from bot.consent.stop_marks import mark_stops
from bot.contacts.imports.uploads import row_keys
from bot.errors import SaysoError
from bot.jobs.lease import Lease
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Conversation
from bot.model.event import Action, Actor, ConsentEvent, Source
from bot.model.migration import Migration
from bot.model.stop import Stop, StopAction, StopEvent
from bot.store import Store

BATCH = 500
SYSTEM = Actor(kind="system", id="migration")


async def migrate(store: Store, keys: CheckpointKeys | None = None) -> list[str]:
    """Runs the pending steps and returns their names. Of several processes one does them, and the others
    wait. Raises StoreUnavailable."""
    done: list[str] = []
    if not await _left(store):
        return done
    async with Lease(store, "migration", new_id()) as lease:
        while left := await _left(store):
            if lease.is_held:
                await STEPS[left[0]](store, keys)
                await store.migrations.keep(Migration(id=left[0], done_at=now()))
                done.append(left[0])
            else:
                await asyncio.sleep(0.2)
    return done


async def _left(store: Store) -> list[str]:
    done = await store.migrations.get_many(STEPS)
    return [name for name in STEPS if name not in done]


async def record_addresses(store: Store, keys: CheckpointKeys | None) -> None:
    """Records an event for each number and email address without one: before format 2, an email claimed by the site had
    none."""
    ledger = Ledger(store, keys)
    async for page in store.contacts.scan(batch=BATCH):
        await ledger.contacts(contact.id for contact in page)  # takes over what a crash left
        events = await _giving(store, page)
        changes = [change for contact in page if (change := _missing(contact, events.get(contact.id, ())))]
        for result in await ledger.record_many(changes):
            if isinstance(result, SaysoError):
                raise result


async def _giving(store: Store, page: list[Contact]) -> dict[str, list[ConsentEvent]]:
    """Events of these contacts that set an address, in order of contact."""
    found: dict[str, list[ConsentEvent]] = {}
    after, last = page[0].id, store.events.entry_id(page[-1].id, 9_999_999_999)
    while after < last and (events := await store.events.page(after, limit=BATCH)):
        for event in events:
            if event.action in GIVES_ADDRESS | {Action.ERASE}:
                found.setdefault(event.contact, []).append(event)
        after = events[-1].id
    return found


def _missing(contact: Contact, giving: Iterable[ConsentEvent]) -> ConsentChange | None:
    """The event for addresses of the contact that the chain lacks."""
    phone = email = None
    for event in giving:
        phone, email = event.number or phone, event.email or email
    lacks_phone = contact.phone if contact.phone != phone else None
    lacks_email = contact.email if contact.email != email else None
    if not lacks_phone and not lacks_email:
        return None
    key = "migrate:address"
    return address_change(contact.id, source=Source.SYSTEM, actor=SYSTEM, key=key, phone=lacks_phone, email=lacks_email)


async def begin_counts(store: Store, _keys: CheckpointKeys | None) -> None:
    await CountKeeper(store).catch_up()


async def upgrade_queue(store: Store, _keys: CheckpointKeys | None) -> None:
    await store.deliveries.upgrade_queue()


async def begin_stop_log(store: Store, _keys: CheckpointKeys | None) -> None:
    """Before, only the last STOP of a number was stored, and when it was lifted."""
    async for page in store.stops.scan(batch=BATCH):
        for stop in page:
            if not stop.seq:
                entries = [_entry(store, stop, 1, StopAction.STOP, stop.at, stop.text, stop.text_id or "migrated")]
                if stop.lifted_at:
                    entries.append(_entry(store, stop, 2, StopAction.START, stop.lifted_at, "", "migrated-start"))
                await store.stop_events.insert_many(entries)
                await store.stops.move(stop, stop.model_copy(update={"seq": len(entries)}))


def _entry(store: Store, stop: Stop, seq: int, action: StopAction, at: datetime, text: str, text_id: str) -> StopEvent:
    id, key = store.stop_events.entry_id(stop.id, seq), f"{stop.id}:{text_id}"
    return StopEvent(id=id, number=stop.id, seq=seq, action=action, at=at, text=text, key=key)


async def find_sign_ups(store: Store, _keys: CheckpointKeys | None) -> None:
    """Until now a completed card alone brought a conversation into the inbox."""
    async for page in store.conversations.scan(batch=BATCH):
        for chat in page:
            if chat.begun and not chat.called and not chat.replied_seq:
                await _take_out_sign_up(store, chat)


async def _take_out_sign_up(store: Store, chat: Conversation) -> None:
    parts = await store.parts.after(chat.id, 0, limit=BATCH)
    sign_ups = [part for part in parts if part.is_sign_up]
    if sign_ups and not any(part.is_begin for part in parts) and len(parts) == chat.last:
        # One that goes on meanwhile stays in the inbox.
        await store.conversations.update({"_id": chat.id, "last": chat.last}, {"$unset": {"begun": ""}})
        await store.conversations.touch(sign_ups)


async def key_contacts(store: Store, _keys: CheckpointKeys | None) -> None:
    """Filters find contacts by what is stored with them."""
    async for page in store.contacts.scan(batch=BATCH):
        while await store.contacts.refresh(page):
            page = [*(await store.contacts.get_many(contact.id for contact in page)).values()]
    async for stops in store.stops.scan(batch=BATCH):
        await mark_stops(store, (stop.id for stop in stops))
    await store.contacts.drop_old_indexes()


async def index_files(store: Store, _keys: CheckpointKeys | None) -> None:
    """Erasing finds people in files by an index. An export of before has none, and is gone: it can be made again."""
    await store.personal_data.drop_old_exports()
    await store.jobs.keep_track_of_words()
    async for pieces in store.import_pieces.scan(batch=10):
        for piece in pieces:
            await store.import_pieces.update({"_id": piece.id}, {"$set": {"names": row_keys(store, piece.rows)}})


STEPS: dict[str, Callable[[Store, CheckpointKeys | None], Awaitable[None]]] = {
    "addresses": record_addresses,
    "counts": begin_counts,
    "texts": upgrade_queue,
    "stops": begin_stop_log,
    "sign_ups": find_sign_ups,
    "contacts": key_contacts,
    "files": index_files,
}
