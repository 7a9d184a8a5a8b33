"""What flows show when a chat is opened, drawn before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.flows.asked import Asked, Asking
from bot.flows.effects import Effect, only_writes
from bot.flows.engine import Transition, begun, transition
from bot.flows.matching import StepFacts
from bot.flows.script import Script
from bot.flows.scripts import KEPT, Scripts
from bot.flows.steps.base import CardCompleted, CardPending, FactsNeeded, Started
from bot.model.contact import Contact
from bot.model.event import ChatOpening
from bot.model.flow import State, Wait


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a flow version does when a chat is opened."""

    made: Transition
    is_drawn: bool = True
    """It only shows entries, and it is known which. Otherwise its first transition is made when the chat is stored."""
    asks: bool = False
    """It asks about the person, and nothing is known about them here."""
    asked: dict[str, str] | None = None
    """What it asked about the person; None: it is the same for everybody."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.made.effects

    @property
    def state(self) -> State:
        return self.made.state

    @property
    def is_drawable(self) -> bool:
        """Nothing has to be stored yet. A wait for something that happens elsewhere must be stored."""
        return self.is_drawn and not {Wait.TIME, Wait.CONSENT} & {*self.state.waits}


NOTHING = Greeting(Transition((), State()))


class Greetings:
    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._kept: dict[tuple[str, int, str | None], Greeting] = {}

    async def of(self, opening: ChatOpening) -> Greeting:
        """The same each time, whatever changed about the person meanwhile."""
        script = await self._scripts.get(opening.flow, opening.flow_version or 0) if opening.flow else None
        if script and opening.asked is not None:
            return drawn(script, begun(script, opening.locale), Started(opening.at), Asked(opening.asked))
        return self._for_everybody(script, opening.locale, opening.at)

    async def new(self, script: Script | None, contact: Contact, at: datetime) -> Greeting:
        """As this person sees it. Nothing is written."""
        greeting = self._for_everybody(script, contact.locale, at)
        if script is None or not greeting.asks:
            return greeting
        known = Asking(await self._scripts.facts(script, contact, at))
        mine = drawn(script, begun(script, contact.locale), Started(at), known)
        return replace(mine, asked=known.asked) if mine.is_drawable and known.fits else greeting

    def _for_everybody(self, script: Script | None, locale: str, at: datetime) -> Greeting:
        if script is None:
            return NOTHING
        key = script.flow, script.version, script.language(locale)
        if known := self._kept.get(key):
            return known
        greeting = drawn(script, begun(script, locale), Started(at))
        if greeting.is_drawable or not greeting.is_drawn:  # whenever they open the chat
            self._kept = {**self._kept, key: greeting} if len(self._kept) < KEPT else {key: greeting}
        return greeting


def drawn(
    script: Script, state: State, event: Started | CardCompleted | CardPending, known: StepFacts | None = None
) -> Greeting:
    """A transition that only shows entries."""
    try:
        made = transition(script, state, event, known)
    except FactsNeeded:
        return Greeting(Transition((), state), is_drawn=False, asks=True)
    return Greeting(made) if only_writes(made.effects) else Greeting(Transition((), state), is_drawn=False)
