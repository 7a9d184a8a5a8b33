"""Limits the texts that forms cause, since each may reach someone who never asked, and each costs money.

The person's answer is still recorded: only the text is withheld, and the number can confirm by texting YES.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from async_lru import alru_cache

from bot.aio.batching import Batcher
from bot.consent.changes import ConsentChange
from bot.consent.form_windows import DAY, WINDOWS, FormText, counter_id, end_of_window, prefix_of, uses_of, withheld_id
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
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

TRIES = 3
"""How often a round is counted together, before each text of it is counted by itself."""
BLOCKED_SECONDS = 5
"""How old the list of blocked prefixes may be."""
BLOCKED_MOST = 10_000


@dataclass(frozen=True, slots=True)
class TakenText:
    """The limit that the text would exceed, in which case it is not counted; None: it may be sent. `counters`: those
    that count it, of the windows at that moment."""

    refused: Limit | None = None
    counters: frozenset[str] = frozenset()
    needs_proof: bool = False
    """It is not counted: a limit is near, and the browser has to prove its work first."""


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
        ids = {withheld_id(limit, self.clock()): limit for limit in Limit}
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
            by = {withheld_id(limit, at): n for limit, n in withheld.items()}
            await self._store.form_counters.add(by, end_of_window(DAY, at))

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
    """The refusal that needs no counter."""
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
