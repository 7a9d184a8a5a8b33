"""Many contacts for the demo workspace: always the same ones for a number, with names, tags, attributes and consents
from two years. Their phone numbers are reserved for fiction and reach nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.counts import CountKeeper
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.stop_marks import mark_stops
from bot.demo import DEALS, LEGAL, NEWS, ORDERS, TITLE
from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.attribute import Attribute, AttributeType
from bot.model.base import now
from bot.model.contact import Contact, Role
from bot.model.event import Action, Actor, ChatOpening, Context, Evidence, How, Source, Words
from bot.model.stop import StopAction, StopEvent, stop_after
from bot.model.subscription import Subscription
from bot.model.tag import Tag
from bot.model.us_area_codes import STATE_OF
from bot.store import Store, indexes_built_last

BATCH, MOST_ACTS = 1000, 4
MOMENTS = 200
"""At least so many times of arrival, if there are enough people: a batch shares one."""
YEARS, UNTIL = timedelta(days=730), timedelta(days=3)
"""How long ago the first ones came, and the last: what is older than a day is no longer texted."""
NOT_EMPTY = _("This workspace is in use. Start with an empty SAYSO_DATA to create demo contacts.")
_FIRST = """
Maya Ada Ben Zoë Noah Olivia Liam Emma Lucas Mia José María Sofía Mateo Camille Louis Chloé Hugo Amir Leila Yusuf
Fatima Wei Mei Hiroshi Yuki Priya Arjun Anna Jan Lena Jonas Chidi Amara Kwame Grace Ivy Leo Ruth Omar Nina Paul
"""
_LAST = """
Miller Smith García López Martin Bernard Schmidt Weber Nguyen Chen Kim Patel Khan Haddad Okafor Mensah Rossi Silva
Novák Kowalski Jensen Larsen O'Neill Murphy Brown Davis Clark Young King Wright Torres Rivera Dubois Moreau Fischer
"""
FIRST, LAST = _FIRST.split(), _LAST.split()
CITIES = ("Portland", "Austin", "Brooklyn", "Kiel", "Lyon", "Toronto", "Leeds", "Oakland", "Boise", "Savannah")
PLANS = ("Free", "Plus", "Pro")
TAGS = ("VIP", "Wholesale", "Tasting 2026", "Press", "Local pickup")
CANADA = ("416", "604", "514", "403", "613", "902")
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/London", "Europe/Paris", None)
Chances = Sequence[tuple[float, Any]]


def attributes() -> list[Attribute]:
    text, number, date, flag, choice = AttributeType
    make = partial(Attribute, by="demo", created_at=now())
    return [
        make(id="city", name="City", type=text),
        make(id="orders", name="Orders", type=number),
        make(id="birthday", name="Birthday", type=date),
        make(id="wholesale", name="Wholesale", type=flag),
        make(id="plan", name="Plan", type=choice, options=PLANS),
    ]


def tags() -> list[Tag]:
    return [Tag(id=f"{i:024x}", name=name, by="demo", created_at=now()) for i, name in enumerate(TAGS, 0xDE30)]


async def make_crowd(store: Store, keys: CheckpointKeys, number: int, *, progress: Callable[[int], None]) -> None:
    """Creates the contacts unless they exist. `progress` gets the number created since the last call. Raises Invalid if
    the workspace is in use: its consumers would react to these events."""
    crowd = Crowd(number)
    if await store.contacts.get(crowd.last_id):
        progress(number)
        return
    if await store.event_cursors.get("consumers") or await store.contacts.count_about():
        raise Invalid(NOT_EMPTY)
    for attribute in attributes():
        await store.attributes.keep(attribute)
    for tag in tags():
        await store.tags.keep(tag)
    subscriptions = await store.subscriptions.get_many([DEALS, ORDERS, NEWS])
    stopped: list[str] = []
    async with indexes_built_last(store.contacts, store.events):
        for batch in crowd.batches():
            time = batch[0].created_at
            ledger = Ledger(store, keys, clock=lambda time=time: time)  # type: ignore[misc]
            known = await _record(ledger, crowd.random, batch, subscriptions)
            stopped += [contact.phone for contact in known if contact.phone and crowd.random.random() < 0.01]
            progress(len(batch))
    for some in (stopped[i : i + BATCH] for i in range(0, len(stopped), BATCH)):
        await _stop(store, some)
    await CountKeeper(store).recount()


class Crowd:
    """Who they are. The same number makes the same people."""

    def __init__(self, number: int) -> None:
        self.number, self.random = number, Random(number)  # noqa: S311 (people of a demonstration)

    @property
    def last_id(self) -> str:
        return _id(self.number, self.number - 1)

    def batches(self) -> Iterator[list[Contact]]:
        begin, size = now() - YEARS, min(BATCH, max(self.number // MOMENTS, 10))
        step = (YEARS - UNTIL) / max(self.number - size, 1)
        for first in range(0, self.number, size):
            yield [self._contact(i, begin + step * first) for i in range(first, min(first + size, self.number))]

    def _contact(self, i: int, at: datetime) -> Contact:
        random, first, last = self.random, self.random.choice(FIRST), self.random.choice(LAST)
        hours = min(timedelta(days=60), now() - at) // timedelta(hours=1)
        is_user = random.random() < 0.7
        at = at.replace(microsecond=0)
        return Contact(
            id=_id(self.number, i),
            role=Role.USER if is_user else Role.LEAD,
            external_id=f"crm-{i}" if is_user else None,
            name=f"{first} {last}" if random.random() < 0.9 else None,
            attributes=_attributes(random),
            tags=tuple(tag.id for tag in tags() if random.random() < 0.08),
            locale=_one_of(random, ((0.8, "en"), (0.1, "es"), (0.05, "fr"), (0.05, "de"))),
            time_zone=random.choice(ZONES),
            created_at=at,
            updated_at=at,
            is_stored=False,
            last_seen_at=at + timedelta(hours=random.randrange(hours)) if random.random() < 0.6 else None,
        )


def _id(number: int, i: int) -> str:
    """Random, so that any range of ids is a sample."""
    return f"{Random(number * 1_000_003 + i).getrandbits(96):024x}"  # noqa: S311


def _attributes(random: Random) -> dict[str, Any]:
    some: dict[str, Any] = {"city": random.choice(CITIES), "orders": float(random.randrange(40))}
    if random.random() < 0.3:
        some["plan"] = random.choice(PLANS)
    if random.random() < 0.2:
        some["birthday"] = datetime(random.randrange(1950, 2008), random.randrange(1, 13), 1, tzinfo=UTC)
    if random.random() < 0.1:
        some["wholesale"] = random.random() < 0.5
    return some


def _one_of(random: Random, chances: Chances) -> Any:
    draw = random.random()
    for chance, value in chances:
        if (draw := draw - chance) < 0:
            return value
    return chances[-1][1]


def _number(random: Random) -> str:
    """555 numbers; British ones like libphonenumber's example: Ofcom's own for fiction are invalid; those of ARCEP."""
    make: Callable[[], str] = _one_of(
        random,
        (
            (0.82, lambda: f"+1{random.choice([*STATE_OF])}555{random.randrange(10_000):04}"),
            (0.09, lambda: f"+1{random.choice(CANADA)}555{random.randrange(10_000):04}"),
            (0.05, lambda: f"+447400123{random.randrange(1000):03}"),
            (0.04, lambda: f"+3363998{random.randrange(10_000):04}"),
        ),
    )
    return make()


async def _record(
    ledger: Ledger, random: Random, people: Sequence[Contact], subscriptions: dict[str, Subscription]
) -> list[Contact]:
    """Their first acts, and what some of them did later, in one round of the ledger. Returns them afterwards."""
    acts = [_acts(random, contact, subscriptions) for contact in people]
    recorded = iter(await ledger.record_many([act for one in acts for act in one], {c.id: c for c in people}))
    now_known = []
    for contact, mine in zip(people, acts, strict=True):
        for done in (next(recorded) for _act in mine):
            if not isinstance(done, Recorded):
                raise done
            contact = done.after or contact
        now_known.append(contact)
    return now_known


def _acts(random: Random, contact: Contact, subscriptions: dict[str, Subscription]) -> list[ConsentChange]:
    """In their order."""
    acts = [_first_act(random, contact, subscriptions)]
    while len(acts) < MOST_ACTS and (later := _later_act(random, contact, acts, subscriptions)):
        acts.append(later)
    return acts


def _first_act(random: Random, contact: Contact, subscriptions: dict[str, Subscription]) -> ConsentChange:
    """They come by the chat: the event holds what stores them."""
    opening = ChatOpening(conversation=contact.id, locale=contact.locale, at=contact.created_at)
    context = Context(opening=opening, page="https://harborcoffee.example/roasts")
    number = _number(random)
    source = _one_of(random, ((0.55, Source.FORM), (0.2, Source.IMPORT), (0.15, Source.PROFILE), (0.1, Source.API)))
    is_own = source is Source.FORM
    actor = Actor(kind="contact", id=contact.id) if is_own else Actor(kind="teammate", id="demo")
    if random.random() < 0.25:
        return ConsentChange(
            contact=contact.id, action=Action.CHANGE_ADDRESS, source=Source.API, actor=Actor(kind="api", id="demo"),
            key="demo", number=number if random.random() < 0.7 else None, email=_email(contact), context=context,
        )  # fmt: skip
    how = _one_of(random, ((0.4, How.WRITTEN), (0.3, How.PAPER), (0.2, How.SPOKEN), (0.1, How.OTHER)))
    return consent_change(
        contact,
        subscriptions[DEALS],
        Action.OPT_IN,
        number,
        source=source,
        words=_words(contact) if is_own else None,
        key="demo",
        actor=actor,
        context=context,
        evidence=None if is_own else Evidence(how=how, given_at=contact.created_at),
        is_judged=False,
    )


def _later_act(
    random: Random, contact: Contact, acts: Sequence[ConsentChange], subscriptions: dict[str, Subscription]
) -> ConsentChange | None:
    """An opt-out, an opt-in by email, or nothing more."""
    if random.random() < 0.55:
        return None
    said, number = {act.subscription: act.action for act in acts}, acts[0].number
    record = partial(
        consent_change,
        contact,
        words=Words(locale=contact.locale, act="demo"),
        key=f"demo-{len(acts)}",
        is_judged=False,
    )
    center = Source.PREFERENCE_CENTER
    if said.get(DEALS) is Action.OPT_IN and random.random() < 0.3:
        return record(subscriptions[DEALS], Action.OPT_OUT, number, source=Source.KEYWORD)
    if NEWS not in said and random.random() < 0.6:
        return record(subscriptions[NEWS], Action.OPT_IN, _email(contact), source=center)
    if ORDERS not in said and number:
        return record(subscriptions[ORDERS], Action.OPT_OUT, number, source=center)
    return None


def _email(contact: Contact) -> str:
    name = (contact.name or "someone").split()[0].encode("ascii", "ignore").decode().lower() or "someone"
    return contact.email or f"{name}.{contact.id[:10]}@mail.example"


def _words(contact: Contact) -> Words:
    return Words(
        title=TITLE,
        button="Sign Up Now",
        legal_text=LEGAL.format(url="https://harborcoffee.example"),
        subscription_name="Deals and new roasts",
        locale=contact.locale,
        act='pressed "Sign Up Now"',
    )


async def _stop(store: Store, numbers: Sequence[str]) -> None:
    """They texted STOP."""
    entries = [
        StopEvent(
            id=store.stop_events.entry_id(number, 1),
            number=number,
            seq=1,
            action=StopAction.STOP,
            at=now() - UNTIL,
            text="STOP",
            key=f"{number}:demo",
        )
        for number in dict.fromkeys(numbers)
    ]
    await store.stops.insert_many([stop_after(None, entry) for entry in entries])
    await store.stop_events.insert_many(entries)
    await mark_stops(store, numbers)
