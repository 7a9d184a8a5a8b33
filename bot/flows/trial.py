"""Tries a flow without a database: pure. Effects change a made-up contact, and time passes only when asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.consent.projection import consent_fields
from bot.flows.effects import AcceptForm, ChangeTag, Effect, KeepAnswer, SetAttribute
from bot.flows.engine import advance, begun
from bot.flows.matching import PersonFacts
from bot.flows.script import Script
from bot.flows.steps.base import Answered, CardCompleted, CardPending, ConsentChanged, Event, Started, TimeCame
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import Source
from bot.model.flow import State, Wait


class Trial:
    """Each method returns what the flow did then."""

    def __init__(
        self,
        script: Script,
        at: datetime,
        *,
        locale: str = "en",
        by_text: bool = False,
        facts: PersonFacts | None = None,
        state: State | None = None,
    ) -> None:
        """`by_text`: it talks by SMS. `facts`: about the made-up contact; `state`: of a trial that goes on."""
        self.script = script
        self.state: State = state or begun(script, locale, by_text=by_text)
        self.facts = facts or PersonFacts(
            Contact(id="trial", locale=locale, created_at=at, updated_at=at), at, hours=script.office_hours
        )

    @property
    def form(self) -> str:
        """The subscription of the form that is open; empty: none is."""
        step = self.script.places.get(self.state.step) if Wait.PART in self.state.waits else None
        return str(getattr(step.step, "subscription", "")) if step else ""

    @property
    def has_pending(self) -> bool:
        """Something has to be confirmed by text."""
        return any(consent.state is ConsentState.PENDING for consent in self.facts.contact.consents)

    def begin(self) -> tuple[Effect, ...]:
        return self._take(Started(self.facts.at))

    def say(self, text: str) -> tuple[Effect, ...]:
        made = self._take(Answered(self.facts.at, text))
        return made + self.sign_up() if any(isinstance(effect, AcceptForm) for effect in made) else made

    def sign_up(self, *, is_pending: bool = False, **consent: Any) -> tuple[Effect, ...]:
        """Completes the form that is open, if one is. `consent`: further fields of it, like `number`."""
        subscription = self.form
        if not subscription:
            return ()
        at, state = self.facts.at, ConsentState.PENDING if is_pending else ConsentState.OPTED_IN
        self._consent(subscription, state, **consent)
        return self._take(CardPending(at) if is_pending else CardCompleted(at))

    def confirm(self) -> tuple[Effect, ...]:
        """The number confirms what is pending."""
        made: tuple[Effect, ...] = ()
        for consent in self.facts.contact.consents:
            if consent.state is ConsentState.PENDING:
                self._consent(consent.subscription, ConsentState.OPTED_IN)
                made += self._take(CardCompleted(self.facts.at))
                made += self._take(ConsentChanged(self.facts.at, consent.subscription, ConsentState.OPTED_IN))
        return made

    def keep(self, **values: object) -> None:
        """The contact gets these values, like a number with their sign-up."""
        self._change(**values)

    def wait(self) -> tuple[Effect, ...]:
        """The time comes that the flow waits for."""
        if self.state.until is None:
            return ()
        self.facts = replace(self.facts, at=max(self.state.until, self.facts.at + timedelta(seconds=1)))
        return self._take(TimeCame(self.facts.at))

    def _take(self, event: Event) -> tuple[Effect, ...]:
        effects, self.state = advance(self.script, self.state, event, self.facts)
        for effect in effects:
            self._apply(effect)
        return effects

    def _apply(self, effect: Effect) -> None:
        contact = self.facts.contact
        match effect:
            case SetAttribute(key=key, value=value):
                self._change(attributes={**contact.attributes, key: value})
            case KeepAnswer(field=field, value=value) if not getattr(contact, field):
                self._change(**{field: value})
            case ChangeTag(tag=tag, is_removed=is_removed):
                others = tuple(one for one in contact.tags if one != tag)
                self._change(tags=others if is_removed else (*others, tag))

    def _consent(self, subscription: str, state: ConsentState, **more: Any) -> None:
        known = self.facts.contact.consent(subscription) or Consent(
            subscription=subscription, state=state, at=self.facts.at, source=Source.FORM, event="trial"
        )
        new = known.model_copy(update={"state": state, "at": self.facts.at, "source": Source.FORM, **more})
        self._change(**consent_fields(self.facts.contact, subscription, new))

    def _change(self, **values: object) -> None:
        self.facts = replace(self.facts, contact=self.facts.contact.model_copy(update=values))
