"""Limits the texts that forms cause, since each may reach someone who never asked, and each costs money.

The person's answer is still recorded: only the text is withheld, and the number can confirm by texting YES.
"""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from async_lru import alru_cache

from bot.aio.batching import Batcher
from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.numbers import saved_number
from bot.consent.proof_of_work import Proof
from bot.errors import ProofNeeded, StoreUnavailable, TooManySignUps
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.event import Action, Source
from bot.model.form_limits import Limit
from bot.model.workspace import Workspace
from bot.store import Store
from bot.store.form_counters import CounterUse

log = logging.getLogger("sayso.consent")

TEN_MINUTES, HOUR, DAY = 600, 3600, 86_400
WINDOWS: Mapping[Limit, tuple[tuple[int, int], ...]] = {
    Limit.NETWORK: ((TEN_MINUTES, 1), (DAY, 5)),
    Limit.SESSION: ((DAY, 1),),
    Limit.PREFIX: ((HOUR, 1), (DAY, 5)),
    Limit.COUNTRY: ((DAY, 1),),
    Limit.BUDGET: ((DAY, 1),),
}
"""The seconds in which a limit counts, and how many times the limit fits in them. The first full one is reported."""
PREFIX_CUT = 4
"""Digits at the end of a number that its prefix doesn't have."""
SHARED_FACTOR = 4
"""How many times the limit of a network applies to an IPv6 /48, which one server can have, and to all clients whose
address identifies nobody."""
NEAR = 2
"""Without a proof of work, a text counts up to half of each limit."""
UNKNOWN = "unknown"
TRIES = 3
"""How often a round is counted together, before each text of it is counted by itself."""
BLOCKED_SECONDS = 5
"""How old the list of blocked prefixes may be."""
BLOCKED_MOST = 10_000
_OUR_IPV4 = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
_OUR_IPV6 = ("::1/128", "fc00::/7", "fe80::/10")
OURS = [ipaddress.ip_network(network) for network in (*_OUR_IPV4, *_OUR_IPV6)]
"""Addresses that identify no client: this machine, or a proxy that `SAYSO_TRUSTED_PROXIES` does not count."""


@dataclass(frozen=True, slots=True)
class FormText:
    """A text that a form would cause. `session`: the visitor; empty at their first act, before which they had none."""

    number: str
    ip: str | None = None
    session: str = ""
    proof: Proof = Proof.EXEMPT


@dataclass(frozen=True, slots=True)
class TakenText:
    """The limit that the text would exceed, in which case it is not counted; None: it may be sent. `counters`: those
    that count it, of the windows at that moment."""

    refused: Limit | None = None
    counters: frozenset[str] = frozenset()
    needs_proof: bool = False
    """It is not counted: a limit is near, and the browser has to prove its work first."""


def prefix_of(number: str) -> str:
    return number[:-PREFIX_CUT]


@lru_cache(maxsize=4096)
def networks_of(address: str) -> Mapping[str, int]:
    """The networks of an address, each with how many times the limit it has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return {UNKNOWN: SHARED_FACTOR}
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if any(ip in network for network in OURS):
        return {UNKNOWN: SHARED_FACTOR}
    lengths = {24: 1} if ip.version == 4 else {64: 1, 48: SHARED_FACTOR}
    return {str(ipaddress.ip_network((ip, length), strict=False)): factor for length, factor in lengths.items()}


def counter_id(limit: Limit, what: str, seconds: int, at: datetime) -> str:
    """Of the window that `at` is in. Networks, visitors and prefixes are hashed: nobody needs to read them here."""
    is_plain = limit in {Limit.COUNTRY, Limit.BUDGET}
    name = what if is_plain else sha256(what.encode()).hexdigest()[:24]
    return f"{limit}:{name}:{seconds}:{int(at.timestamp()) // seconds}"


def uses_of(text: FormText, workspace: Workspace, network: int, at: datetime) -> dict[str, CounterUse]:
    """What the text counts toward, by counter. `network`: the limit of one."""
    limits, number = workspace.abuse, saved_number(text.number)
    part = NEAR if text.proof is Proof.MISSING else 1
    most: list[tuple[Limit, str, int]] = [
        *((Limit.NETWORK, name, network * factor) for name, factor in networks_of(text.ip or "").items()),
        *([(Limit.SESSION, text.session, limits.session)] if text.session else []),
        (Limit.PREFIX, prefix_of(text.number), limits.prefix),
    ]
    if number and number.region != workspace.default_region:
        most.append((Limit.COUNTRY, number.region, limits.country))
    most.append((Limit.BUDGET, "", limits.budget))
    return {
        use.id: use
        for limit, what, n in most
        for seconds, factor in WINDOWS[limit]
        for use in [_use(counter_id(limit, what, seconds, at), -(-n * factor // part), seconds, at)]
    }


def _use(id: str, most: int, seconds: int, at: datetime) -> CounterUse:
    return CounterUse(id, 1, most, _end(seconds, at))


def _end(seconds: int, at: datetime) -> datetime:
    """Of the window that `at` is in."""
    return datetime.fromtimestamp((int(at.timestamp()) // seconds + 1) * seconds, UTC)


def _withheld_id(limit: Limit, at: datetime) -> str:
    return f"withheld:{limit}:{int(at.timestamp()) // DAY}"


class FormLimits:
    """`network`: texts in ten minutes from one network; 0: there are no limits at all. `clock`: for tests."""

    def __init__(
        self,
        store: Store,
        workspace: Callable[[], Awaitable[Workspace]],
        network: int,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._workspace = workspace
        self.network = network
        self.clock = clock
        self._take: Batcher[FormText, TakenText] = Batcher(self._take_round)
        self._owed = Counter[str]()
        """Uses by counter that could not be given back yet, because the database was away."""
        self.blocked = alru_cache(maxsize=1, ttl=BLOCKED_SECONDS)(self._blocked)
        """The blocked prefixes, a few seconds old."""
        self.withheld: Callable[[Limit], None] = _unnoticed
        """Called for each text that isn't sent."""

    async def take(self, text: FormText) -> TakenText:
        """Counts the text, unless it would exceed a limit."""
        if not self.network:
            return TakenText()
        taken = await self._take(text)
        if taken.refused:
            log.info("text of a form withheld: %s", taken.refused)
            self.withheld(taken.refused)
        return taken

    async def admit(self, text: FormText) -> None:
        """Raises TooManySignUps."""
        if (await self.take(text)).refused:
            raise TooManySignUps

    async def give_back(self, taken: TakenText) -> None:
        """Uncounts a text that was not sent after all; later if the database is away."""
        self._owed.update(taken.counters)
        with suppress(StoreUnavailable):
            await self._settle()

    async def used(self, limit: Limit, what: str = "") -> int:
        """Texts of the current day."""
        id = counter_id(limit, what, DAY, self.clock())
        return (await self._store.form_counters.counts([id]))[id]

    async def withheld_today(self) -> dict[Limit, int]:
        ids = {_withheld_id(limit, self.clock()): limit for limit in Limit}
        return {ids[id]: n for id, n in (await self._store.form_counters.counts(ids)).items()}

    async def _settle(self) -> None:
        """Gives back what is owed. Raises StoreUnavailable."""
        owed, self._owed = self._owed, Counter()
        try:
            await self._store.form_counters.give_back(owed)
        except StoreUnavailable:
            self._owed.update(owed)
            raise

    async def _take_round(self, texts: list[FormText]) -> list[TakenText]:
        """One round trip if all fit. If not, the counters are read, so that each text counts toward all or none."""
        await self._settle()
        blocked = await self.blocked()
        answers = [TakenText(_refusal(text, blocked)) for text in texts]
        places = [i for i, answer in enumerate(answers) if not answer.refused]
        each = [await self._uses(texts[i]) for i in places]
        for i, uses, full in zip(places, each, await self._take_each(each), strict=True):
            answers[i] = _too_many(texts[i], full) if full else TakenText(counters=frozenset(uses))
        await self._note(answers)
        return answers

    async def _note(self, answers: Sequence[TakenText]) -> None:
        """Counts the texts that are withheld, for the page that shows them."""
        withheld, at = Counter(taken.refused for taken in answers if taken.refused), self.clock()
        if withheld:
            by = {_withheld_id(limit, at): n for limit, n in withheld.items()}
            await self._store.form_counters.add(by, _end(DAY, at))

    async def _take_each(self, each: Sequence[Mapping[str, CounterUse]]) -> list[set[str]]:
        """The counters that are full, for each of these. Other processes may count meanwhile: then it tries again."""
        used: Mapping[str, int] = {}
        for _ in range(TRIES):
            full = _full_for(each, used)
            if not await self._full([uses for uses, of in zip(each, full, strict=True) if not of]):
                return full
            used = await self._store.form_counters.counts({id for uses in each for id in uses})
        return [await self._full([uses]) for uses in each]

    async def _uses(self, text: FormText) -> dict[str, CounterUse]:
        return uses_of(text, await self._workspace(), self.network, self.clock())

    async def _full(self, each: Sequence[Mapping[str, CounterUse]]) -> set[str]:
        """Counts all of these uses, or none: the counters that are full."""
        by = Counter(id for uses in each for id in uses)
        uses = {use.id: use for use in sorted((use for uses in each for use in uses.values()), key=_loosest_first)}
        full = await self._store.form_counters.take([replace(uses[id], by=n) for id, n in by.items()])
        if full:
            await self._store.form_counters.give_back({id: n for id, n in by.items() if id not in full})
        return full

    async def _blocked(self) -> frozenset[str]:
        found = await self._store.blocked_prefixes.blocked(now(), limit=BLOCKED_MOST)
        return frozenset(prefix.id for prefix in found)


class OneFormText:
    """The text of one submission: counted once, however often the submission is decided."""

    def __init__(self, limits: FormLimits, ip: str | None, proof: Proof = Proof.EXEMPT) -> None:
        self._limits, self._ip, self._proof = limits, ip, proof
        self._text: FormText | None = None
        self._taken = TakenText()

    async def decide(
        self, ledger: Ledger, contact: Contact, decide: Callable[[Contact], Awaitable[ConsentChange | None]]
    ) -> tuple[Contact, Recorded | None]:
        """`Ledger.decide`. The text is uncounted if none leaves: nothing new was recorded, or the number is stopped."""
        try:
            after, recorded = await ledger.decide(contact, decide)
        except BaseException:
            await self._give_back()
            raise
        if recorded is None or not recorded.is_new or recorded.event.stopped:
            await self._give_back()
        return after, recorded

    async def limited(self, change: ConsentChange, contact: Contact) -> ConsentChange:
        """The change, without its text if a limit is reached. Raises ProofNeeded."""
        if change.number is None:
            return change
        if self._text is None or self._text.number != change.number:
            await self._give_back()
            session = contact.id if contact.is_stored else ""
            self._text = FormText(change.number, self._ip, session, self._proof)
            self._taken = await self._limits.take(self._text)
        if self._taken.needs_proof:
            raise ProofNeeded
        refused = self._taken.refused
        return without_text(change, contact, refused) if refused else change

    async def _give_back(self) -> None:
        taken, self._text, self._taken = self._taken, None, TakenText()
        if taken.counters:
            await self._limits.give_back(taken)


def without_text(change: ConsentChange, contact: Contact, limit: Limit) -> ConsentChange:
    """The change if no text may follow it. A yes on a form, for a number that isn't told about it, waits for the
    number's YES. In the preference center the number is known."""
    consent = contact.consent(change.subscription or "")
    is_in = consent is not None and consent.state is ConsentState.OPTED_IN and consent.number == change.number
    waits = change.action is Action.OPT_IN and change.source is Source.FORM and not is_in
    return replace(change, withheld=limit, action=Action.REQUEST_CONFIRMATION if waits else change.action)


def _full_for(each: Sequence[Mapping[str, CounterUse]], used: Mapping[str, int]) -> list[set[str]]:
    """The counters that are full for each of these, one after the other."""
    counts, answers = Counter(used), list[set[str]]()
    for uses in each:
        answers.append({id for id, use in uses.items() if counts[id] >= use.most})
        if not answers[-1]:
            counts.update(uses.keys())
    return answers


def _refusal(text: FormText, blocked: frozenset[str]) -> Limit | None:
    """Whatever the counters say."""
    if prefix_of(text.number) in blocked:
        return Limit.BLOCKED_PREFIX
    return Limit.PROOF if text.proof is Proof.IMPOSSIBLE else None


def _too_many(text: FormText, full: set[str]) -> TakenText:
    return TakenText(needs_proof=True) if text.proof is Proof.MISSING else TakenText(_first(full))


def _loosest_first(use: CounterUse) -> int:
    return -use.most


def _first(full: set[str]) -> Limit | None:
    return next((limit for limit in WINDOWS if any(id.startswith(f"{limit}:") for id in full)), None)


def _unnoticed(limit: Limit) -> None:
    pass
