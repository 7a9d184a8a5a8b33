"""Undo in the preference center: the consent before a change is in force again, exactly as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.consent.changes import ConsentChange
from bot.consent.choices import can_take_back, given_for, preference_words, state_on
from bot.consent.ledger import Ledger
from bot.consent.recorder import LOOK_BACK, TOO_LATE, ChangeRecorder, PreferenceToggle, restoration, stands_on
from bot.errors import Conflict, Invalid, NumberStopped, SaysoError, WordsChanged
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import ConsentEvent, Context
from bot.model.subscription import Subscription

NOT_OFFERED = _("This subscription is no longer available. No changes were made.")


class PreferenceUndo:
    def __init__(self, ledger: Ledger, recorder: ChangeRecorder) -> None:
        self._ledger = ledger
        self._recorder = recorder

    async def undo(
        self,
        contact: Contact,
        events: Mapping[str, str],
        known: Mapping[str, Subscription],
        *,
        say: Translator,
        context: Context,
    ) -> tuple[Contact, bool]:
        """Undoes each change in `events`, see `undoable`. Returns the contact, and whether some could not be undone.

        Raises Conflict, Invalid, WordsChanged or NumberStopped if none of them can be undone.
        """
        faults: list[SaysoError] = []
        asked = [*events.items()][:LOOK_BACK]
        for event, version in asked:
            toggle = PreferenceToggle(f"undo:{event}", f'pressed "{say("Undo")}"', say, context)
            try:
                contact = await self._take_back(contact, event, version, known, toggle)
            except (Conflict, Invalid, WordsChanged) as error:
                faults.append(error)
        if len(faults) == len(asked):
            raise faults[0] if faults else Invalid(_("There's nothing to undo."))
        return contact, bool(faults)

    async def _take_back(
        self, contact: Contact, event: str, version: str, known: Mapping[str, Subscription], toggle: PreferenceToggle
    ) -> Contact:
        """Undoes one change. It is the current state, or an earlier try undid it."""

        async def decide(judged: Contact) -> ConsentChange | None:
            current = next((c for c in judged.consents if c.event == event), None)
            if current is None:
                return None
            subscription = known.get(current.subscription)
            if subscription is None or not can_take_back(current, judged, subscription, now()):
                raise Invalid(TOO_LATE)
            before = await self._recorder.before(judged, current)
            if current.state is ConsentState.OPTED_OUT:
                await self._judge_return(judged, subscription, current, before, version, toggle)
            subscription = await self._recorder.as_shown(subscription, version, toggle.say)
            return restoration(judged, subscription, current, before, toggle)

        contact, recorded = await self._ledger.decide(contact, decide)
        done = recorded.event if recorded else await self._recorder.by_key(contact, toggle.key)
        if done is None or not stands_on(contact, done):
            raise Conflict
        return contact

    async def _judge_return(
        self,
        contact: Contact,
        subscription: Subscription,
        no: Consent,
        before: Consent | None,
        version: str,
        toggle: PreferenceToggle,
    ) -> None:
        """Whether what the person had before this opt-out may come back. `version` is empty for what the page did not
        show."""
        if version and not subscription.is_live:
            raise Invalid(NOT_OFFERED)
        if version and preference_words(subscription, toggle.say).version != version:
            raise WordsChanged
        if state_on(contact, subscription, stopped=await self._recorder.stopped(contact)) == "stopped":
            raise NumberStopped
        was_in = before is not None and before.state is ConsentState.OPTED_IN
        if before and was_in and given_for(before, subscription) != given_for(no, subscription):
            raise Invalid(TOO_LATE)  # it was for another number


def undoable(
    contact: Contact, made: Sequence[ConsentEvent], of: Sequence[Subscription], toggle: PreferenceToggle
) -> tuple[tuple[str, str], ...]:
    """What `PreferenceUndo.undo` takes: each event, and the version of the wording shown with it (empty: it was not
    shown); nothing if none of these changes can be undone."""
    by_id, time = {subscription.id: subscription for subscription in of}, now()
    current = [consent for event in made if (consent := contact.consent(event.subscription or ""))]
    if not any(can_take_back(c, contact, by_id[c.subscription], time) for c in current):
        return ()
    shown = {id: preference_words(s, toggle.say).version for id, s in by_id.items() if s.is_live}
    return tuple((consent.event, shown.get(consent.subscription, "")) for consent in current)
