"""Contacts: how long a page, a count and a search take, at the size of the bench and (`make soak`) at a million.

The milliseconds are those of the caller: `ContactFinder` with the driver and its documents, beside the mongod that
answers it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.consent.checkpoints import CheckpointKeys
from bot.contacts.finder import NEWEST, ContactFinder, Sort, SortBy
from bot.contacts.selected import SelectedContacts
from bot.demo import DEALS, NEWS, ORDERS, make_demo
from bot.demo_crowd import make_crowd, tags
from bot.errors import FilterTooBroad
from bot.model.addresses import PhoneKind
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Role
from bot.model.event import Grade, Source
from bot.model.filter import (
    AttributeIs,
    Condition,
    ConditionGroup,
    ConsentIs,
    Created,
    Filter,
    HasEmail,
    HasPhone,
    LastSeen,
    LocaleIs,
    Match,
    Op,
    PhoneCountry,
    PhoneType,
    RoleIs,
    Stopped,
    TagIs,
    Textable,
    TimeZoneIs,
    UsState,
    When,
)
from bot.model.outbound_message import OutboundMessage
from bot.outbound.audience import Audience
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.size import Size
from tests.bench.table import table

SORTS = [Sort(by, is_down) for by in SortBy for is_down in (True, False)]
IN, OUT, NONE = ConsentState.OPTED_IN, ConsentState.OPTED_OUT, ConsentState.NONE
MOST_MS, MOST_OF_COMBINATION_MS, MOST_OF_PREVIEW_MS = 300, 2000, 500
VIP, PRESS = (tag.id for tag in tags()[:2])
SINGLE: Mapping[str, Condition] = {
    "opted in to deals": ConsentIs(subscription=DEALS, states=(IN,)),
    "opted out of deals": ConsentIs(subscription=DEALS, states=(OUT,)),
    "opted in to orders, by default": ConsentIs(subscription=ORDERS, states=(IN,)),
    "never answered the letter": ConsentIs(subscription=NEWS, states=(NONE,)),
    "opted in these 30 days": ConsentIs(subscription=DEALS, states=(IN,), since=When(within_days=30)),
    "opted in by import": ConsentIs(subscription=DEALS, states=(IN,), sources=(Source.IMPORT,)),
    "opted in on paper": ConsentIs(subscription=DEALS, states=(IN,), grades=(Grade.PAPER,)),
    "can be texted deals": Textable(subscription=DEALS),
    "can be texted orders": Textable(subscription=ORDERS),
    "can't be texted deals": Textable(subscription=DEALS, is_not=True),
    "numbers of France": PhoneCountry(countries=("FR",)),
    "numbers of the US": PhoneCountry(countries=("US",)),
    "New Jersey or Wyoming": UsState(states=("NJ", "WY")),
    "landlines": PhoneType(kinds=(PhoneKind.LANDLINE,)),
    "has a number": HasPhone(),
    "has no number": HasPhone(is_not=True),
    "has an email": HasEmail(),
    "stopped": Stopped(),
    "users": RoleIs(roles=(Role.USER,)),
    "leads": RoleIs(roles=(Role.LEAD,)),
    "reads German": LocaleIs(locales=("de",)),
    "in New York's zone": TimeZoneIs(zones=("America/New_York",)),
    "seen these 7 days": LastSeen(when=When(within_days=7)),
    "seen over a year ago": LastSeen(when=When(beyond_days=365)),
    "never seen": LastSeen(is_never=True),
    "created these 30 days": Created(when=When(within_days=30)),
    "created over a year ago": Created(when=When(beyond_days=365)),
    "tagged": TagIs(tags=(VIP, PRESS)),
    "not tagged": TagIs(tags=(VIP,), is_not=True),
    "city": AttributeIs(key="city", values=("Kiel",)),
    "over 38 orders": AttributeIs(key="orders", op=Op.FROM, values=("39",)),
    "city begins with S": AttributeIs(key="city", op=Op.BEGINS, values=("S",)),
    "has a birthday": AttributeIs(key="birthday", op=Op.IS_SET),
}
SEARCHES = ("maya", "maya o'neill", "zoe garcia", "(201) 555-0123", "+44 7700 900", "crm-777", "yusuf.", "nobodyhere")
RARE = AttributeIs(key="wholesale", values=("true",))
COMBINATIONS: Mapping[str, Filter] = {
    "textable, in New York state, tagged": Filter.of(
        Textable(subscription=DEALS), UsState(states=("NY",)), TagIs(tags=(VIP,))
    ),
    "three that most have": Filter.of(SINGLE["users"], SINGLE["numbers of the US"], SINGLE["has a number"]),
    "seen long ago, created lately": Filter.of(SINGLE["seen over a year ago"], SINGLE["created these 30 days"]),
    "wholesale, opted out, French": Filter.of(RARE, SINGLE["opted out of deals"], SINGLE["numbers of France"]),
    "either of four": Filter(
        groups=(
            ConditionGroup(
                match=Match.ANY,
                conditions=(SINGLE["stopped"], SINGLE["reads German"], SINGLE["tagged"], SINGLE["landlines"]),
            ),
        )
    ),
    "nobody: landlines that can be texted": Filter.of(SINGLE["can be texted deals"], SINGLE["landlines"]),
    "nobody, of many": Filter.of(SINGLE["reads German"], LocaleIs(locales=("fr",))),
    "a name among those who can be texted": Filter.of(SINGLE["can be texted deals"], query="maya"),
}


@dataclass(frozen=True, slots=True)
class Timed:
    name: str
    most_ms: int
    ms: list[float]
    is_refused: bool = False
    """It takes too long, and the page says how to narrow it."""

    @property
    def p95(self) -> float:
        return sorted(self.ms)[int(len(self.ms) * 0.95)]

    @property
    def is_met(self) -> bool:
        return self.p95 <= self.most_ms or (self.is_refused and self.most_ms == MOST_OF_COMBINATION_MS)


async def measure_contacts(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    async with open_store(mongo.url, "bench_contacts") as store:
        took = await crowded(store, size.listed)
        timed = await query_times(ContactFinder(store), rounds=size.rounds)
        timed += await preview_times(store, rounds=size.rounds)
    show_times(timed, size.listed, took)
    single, combined, previews = (
        [t.p95 for t in timed if t.most_ms == most] for most in (MOST_MS, MOST_OF_COMBINATION_MS, MOST_OF_PREVIEW_MS)
    )
    return [
        Figure(
            f"slowest list, count or search of {size.listed:,}, p95 ms", max(single), MOST_MS, is_limit=True, form=".0f"
        ),
        Figure(
            "slowest combination in any order, p95 ms", max(combined), MOST_OF_COMBINATION_MS, is_limit=True, form=".0f"
        ),
        Figure(
            "first answer of an audience preview, p95 ms", max(previews), MOST_OF_PREVIEW_MS, is_limit=True, form=".0f"
        ),
    ]


async def crowded(store: Store, number: int) -> float:
    """Creates the contacts of the demo workspace. Returns the seconds it took."""
    started = time.monotonic()
    await store.prepare()
    await make_demo(store, "http://bench.test")
    await make_crowd(store, CheckpointKeys(store), number, progress=lambda _: None)
    return time.monotonic() - started


async def query_times(find: ContactFinder, *, rounds: int) -> list[Timed]:
    timed = [await _pages(find, "everybody", Filter(), [NEWEST, *SORTS], rounds)]
    timed.append(await _counts(find, "everybody", Filter(), rounds))
    for name, condition in SINGLE.items():
        timed.append(await _pages(find, name, Filter.of(condition), [NEWEST], rounds))
        timed.append(await _counts(find, name, Filter.of(condition), rounds))
    timed += [await _pages(find, f"search {words}", Filter(query=words), [NEWEST], rounds) for words in SEARCHES]
    for name, filter in COMBINATIONS.items():
        timed.append(await _pages(find, name, filter, SORTS, rounds, most_ms=MOST_OF_COMBINATION_MS))
        timed.append(await _counts(find, name, filter, rounds, most_ms=MOST_OF_COMBINATION_MS))
    for name in ("users", "never seen", "created over a year ago", "stopped"):
        filter = Filter.of(SINGLE[name])
        timed.append(await _pages(find, f"{name}, any order", filter, SORTS, 1, most_ms=MOST_OF_COMBINATION_MS))
    return timed


async def preview_times(store: Store, *, rounds: int) -> list[Timed]:
    """The first answer of the audience preview, a sample of those who match."""
    find = ContactFinder(store)
    audience = Audience(store, find, SelectedContacts(store, find), quiet_hours=True)
    return [
        await _previews(audience, name, filter, rounds)
        for name, filter in {"everybody": Filter(), "tagged": Filter.of(SINGLE["tagged"])}.items()
    ]


async def _previews(audience: Audience, name: str, filter: Filter, rounds: int) -> Timed:
    message = OutboundMessage(
        id=new_id(), name=name, subscription=DEALS, texts={"en": "Hi"}, filter=filter, by="ada", by_name="Ada",
        created_at=now(), updated_at=now(),
    )  # fmt: skip
    ms, told = list[float](), ""
    for _ in range(10 * rounds):
        started = time.monotonic()
        preview = await audience.preview(message)
        ms.append((time.monotonic() - started) * 1000)
        told = f"{preview.included:,} of {preview.seen:,}"
    return Timed(f"audience preview, {name}: {told}", MOST_OF_PREVIEW_MS, ms)


async def _pages(
    find: ContactFinder, name: str, filter: Filter, sorts: Iterable[Sort], rounds: int, *, most_ms: int = MOST_MS
) -> Timed:
    """The first page, and the one after it."""
    ms, is_refused = list[float](), False
    for sort in [*sorts] * rounds:
        cursor = None
        for _ in range(2):
            started = time.monotonic()
            try:
                page = await find.page(filter, sort, cursor)
            except FilterTooBroad:
                is_refused = True
                break
            finally:
                ms.append((time.monotonic() - started) * 1000)
            if (cursor := page.next) is None:
                break
    return Timed(name, most_ms, ms, is_refused)


async def _counts(find: ContactFinder, name: str, filter: Filter, rounds: int, *, most_ms: int = MOST_MS) -> Timed:
    ms, told = list[float](), ""
    for _ in range(rounds):
        started = time.monotonic()
        count = await find.count(filter)
        ms.append((time.monotonic() - started) * 1000)
        told = f"{'' if count.is_exact else 'about '}{count.number:,}"
    return Timed(f"{name}: {told}", most_ms, ms)


def show_times(timed: Iterable[Timed], number: int, took: float) -> None:
    rows = [
        [
            t.name,
            f"{min(t.ms):.0f}",
            f"{t.p95:.0f}",
            f"{t.most_ms}",
            "refused" if t.is_refused else "" if t.is_met else "NOT met",
        ]
        for t in timed
    ]
    table(f"{number:,} contacts, created in {took:.0f} s: milliseconds", ["", "best", "p95", "aim", ""], rows)
