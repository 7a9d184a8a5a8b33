"""Changes for the ledger to record, and their builders, which every source of consent uses. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.consent.numbers import address_of
from bot.consent.overrides import Grant, refusal
from bot.consent.projection import GRANTS, grade_of
from bot.errors import NotFound, SavedNumberLocked, SaysoError
from bot.errors import marked as _
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import NOWHERE, Action, Actor, Context, Evidence, FollowUp, MergedConsent, Source, Words
from bot.model.form_limits import Limit
from bot.model.pace import Pace
from bot.model.stop import Stop
from bot.model.subscription import MessageType, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChange:
    """A change to record.

    `key` is the request's idempotency key: the same one again records nothing new (law 4).
    """

    contact: str
    action: Action
    source: Source
    actor: Actor
    key: str
    subscription: str | None = None
    number: str | None = None
    email: str | None = None
    words: Words | None = None
    context: Context = NOWHERE
    evidence: Evidence | None = None
    warned_of: str | None = None
    """The event of the opt-out that the teammate was warned of, or that the form was shown after; it is overridden."""
    shown_at: datetime | None = None
    """When the form that a program submits was last shown."""
    clears: list[str] | None = None
    """Of a `change_address`: `phone` or `email`, where the contact has none from then on."""
    flow: str | None = None
    flow_version: int | None = None
    """The flow whose step asked, and its version."""
    flow_step: str | None = None
    """The step, and the variant of its words."""
    message: str | None = None
    """The outbound chat message whose form asked."""
    pace: Pace | None = None
    """Of a `set_pace`, or of a merge: the person's wish from then on."""
    restores: Consent | None = None
    """Of a `restore`: the consent that is in force again; None: there was none."""
    redacted: dict[str, str] | None = None
    merged_into: str | None = None
    merged_from: str | None = None
    merged: dict[str, MergedConsent] | None = None
    follow_ups: list[FollowUp] | None = None
    """Follow-ups of a bulk change (source in `FOR_MANY`). By default, nothing is sent and no flow reacts."""
    withheld: Limit | None = None
    """The limit that keeps a text from following it."""
    judged: Contact | None = None
    """The contact for whom the change was decided: refused with Conflict if another writer changed them since. With
    `context.opening`, it is the contact made from the opening (`opened_contact`), which may not be stored yet: the
    first event of its chain stores it."""

    @property
    def log_key(self) -> str:
        return f"{self.contact}:{self.key}"

    @property
    def is_grant(self) -> bool:
        """Whether more can be sent after it than before."""
        is_no = self.restores is not None and self.restores.state is not ConsentState.OPTED_IN
        return self.action in GRANTS or (self.action is Action.RESTORE and not is_no)

    def grant(self, before: Consent | None) -> Grant | None:
        """What the table of overrides judges; None: it grants nothing."""
        if not self.is_grant:
            return None
        return Grant(
            source=self.source,
            actor=self._by,
            grade=grade_of(self.action, self.source, self.evidence, self.words, before),
            given_at=self.evidence.given_at if self.evidence else self.shown_at,
            warned_of=self.warned_of,
        )

    @property
    def _by(self) -> str:
        """The kind of actor, as the table of overrides names it."""
        if self.actor.kind != "contact":
            return self.actor.kind
        if self.actor.id != self.contact:
            return "stranger"
        return "program" if self.context.via else "contact"

    def refusal(self, contact: Contact, stop: Stop | None, at: datetime) -> SaysoError | None:
        """Why it can't be recorded for the contact at this time. `stop`: of its number."""
        if contact.erased_at or (contact.merged_into and self.action is not Action.ERASE):
            return NotFound(_("Contact not found."))
        before = contact.consent(self.subscription) if self.subscription else None
        grant = self.grant(before)
        if grant is None:
            return None
        saved = address_of(contact, MessageType.SMS if self.number else MessageType.EMAIL)
        if saved and (given := self.number or self.email) and given.casefold() != saved.casefold():
            return SavedNumberLocked()  # law 5, also for a YES to an old question
        is_stopped, revoked_until = stop is not None and stop.holds, stop.revoked_until if stop else None
        return refusal(grant, before, stopped=is_stopped, revoked_until=revoked_until, at=at)


def consent_change(
    contact: Contact,
    subscription: Subscription,
    action: Action,
    address: str | None,
    *,
    source: Source,
    words: Words | None,
    key: str,
    actor: Actor | None = None,
    context: Context = NOWHERE,
    evidence: Evidence | None = None,
    warned_of: str | None = None,
    shown_at: datetime | None = None,
    flow: tuple[str | None, int | None] = (None, None),
    flow_step: str | None = None,
    message: str | None = None,
    follow_ups: list[FollowUp] | None = None,
    is_judged: bool = True,
) -> ConsentChange:
    """A contact's consent to a subscription, for the number or email address that it is about.

    `actor`: the contact, unless somebody else is named. `flow`: the flow that asked, and its version; `message`: the
    outbound chat message that did. `is_judged`: refused with Conflict if the contact changed since it was read.
    """
    is_text = subscription.message_type is MessageType.SMS
    return ConsentChange(
        contact=contact.id,
        subscription=subscription.id,
        action=action,
        source=source,
        actor=actor or Actor(kind="contact", id=contact.id),
        number=address if is_text else None,
        email=None if is_text else address,
        words=words,
        context=context,
        evidence=evidence,
        warned_of=warned_of,
        shown_at=shown_at,
        flow=flow[0],
        flow_version=flow[1],
        flow_step=flow_step,
        message=message,
        follow_ups=follow_ups,
        key=key,
        judged=contact if is_judged else None,
    )


def address_change(
    contact: str,
    action: Action = Action.CHANGE_ADDRESS,
    *,
    source: Source,
    actor: Actor,
    key: str,
    phone: str | None = None,
    email: str | None = None,
    clears: list[str] | None = None,
    context: Context = NOWHERE,
) -> ConsentChange:
    """What a contact's `phone` or `email` becomes, without a consent (law 14). `clears`: those that are removed."""
    return ConsentChange(
        contact=contact,
        action=action,
        source=source,
        actor=actor,
        number=phone,
        email=email,
        clears=clears,
        context=context,
        key=key,
    )
