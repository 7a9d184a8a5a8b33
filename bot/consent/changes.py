"""Changes for the ledger to record, and their builders, which every source of consent uses."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, Context, Evidence, Source, Words
from bot.model.subscription import MessageType, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChange:
    """What is to be recorded.

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
    clears: list[str] | None = None
    """Of a `change_address`: `phone` or `email`, where the contact has none from then on."""
    flow: str | None = None
    flow_version: int | None = None
    """The flow whose step asked, and its version."""
    redacted: dict[str, str] | None = None
    judged: Contact | None = None
    """The contact for whom the change was decided: refused with Conflict if another writer changed them since. With
    `context.opening` it is the contact that the opening makes (`opened_contact`), who need not be stored yet: the first
    event of the chain stores them."""

    @property
    def log_key(self) -> str:
        return f"{self.contact}:{self.key}"


def consent_change(
    contact: Contact,
    subscription: Subscription,
    action: Action,
    address: str | None,
    *,
    source: Source,
    words: Words,
    key: str,
    actor: Actor | None = None,
    context: Context = NOWHERE,
    evidence: Evidence | None = None,
    flow: tuple[str | None, int | None] = (None, None),
    is_judged: bool = True,
) -> ConsentChange:
    """A contact's consent to a subscription, for the number or email address that it is about.

    `actor`: the contact, unless somebody else is named. `flow`: the flow that asked, and its version. `is_judged`:
    refused with Conflict if the contact changed since it was read.
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
        flow=flow[0],
        flow_version=flow[1],
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
