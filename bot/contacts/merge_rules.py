"""What merging two contacts gives: pure.

For each subscription the strictest state wins: opted out, pending, opted in, none. Any state but opted out is kept only
with the number or email address that it was given for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.consent.numbers import address_of
from bot.model.base import iso
from bot.model.contact import Consent, ConsentState, Contact, Role
from bot.model.event import MergedConsent
from bot.model.subscription import MessageType


@dataclass(frozen=True, slots=True)
class Merger:
    """What the kept contact has afterwards."""

    phone: str | None
    email: str | None
    consents: Mapping[str, MergedConsent]
    """By subscription, what changes."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fields that change."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Custom attributes that it had no value for."""
    lost: Sequence[str] = ()
    """Which of `phone`, `email` and `external_id` of the other contact are not kept."""

    def after(self, subscription: str, kept: Contact) -> ConsentState:
        """The kept contact's state afterwards."""
        if change := self.consents.get(subscription):
            return change.state
        consent = kept.consent(subscription)
        return consent.state if consent else ConsentState.NONE


def merged(kept: Contact, other: Contact) -> Merger:
    """The kept contact's own values win; what it lacks comes from the other one."""
    phone, email = _address(kept, other, "phone"), _address(kept, other, "email")
    subscriptions = dict.fromkeys(c.subscription for c in (*kept.consents, *other.consents))
    after = ((id, _merged(kept.consent(id), other.consent(id), phone, email)) for id in subscriptions)
    attributes = {key: value for key, value in other.attributes.items() if key not in kept.attributes}
    now = {"phone": phone, "email": email, "external_id": kept.external_id or other.external_id}
    return Merger(
        phone,
        email,
        {id: consent for id, consent in after if consent},
        _values(kept, other),
        attributes,
        [name for name, value in now.items() if (had := getattr(other, name)) and had != value],
    )


def _address(kept: Contact, other: Contact, name: str) -> str | None:
    """A valid one, else any."""
    channel = MessageType.SMS if name == "phone" else MessageType.EMAIL
    found = (address_of(kept, channel), address_of(other, channel), getattr(kept, name), getattr(other, name))
    return next((address for address in found if address), None)


def _merged(kept: Consent | None, other: Consent | None, phone: str | None, email: str | None) -> MergedConsent | None:
    """What the kept consent becomes; None: it stays as it is."""
    ranks = _rank(kept), _rank(other)
    if other is None or ranks[1] < ranks[0] or (ranks[1] == ranks[0] and not _is_better(other, kept, phone, email)):
        return None
    address = _survives(other, phone, email)
    state = other.state
    if state is ConsentState.PENDING and not address:
        state = ConsentState.OPTED_OUT if other.is_no else ConsentState.NONE
    if state is ConsentState.OPTED_IN and not address:
        return None
    return MergedConsent(
        state=state,
        held=kept.state if kept else ConsentState.NONE,
        was=other.was,
        at=iso(other.at),
        source=other.source,
        event=other.event,
        grade=other.grade,
        part=other.part,
        address=address,
    )


def _rank(consent: Consent | None) -> int:
    """How strict it is. A request for confirmation leaves an earlier opt-out in force."""
    if consent is None or consent.state is ConsentState.NONE:
        return 0
    if consent.is_no:
        return 4 if consent.state is ConsentState.OPTED_OUT else 3
    return 2 if consent.state is ConsentState.PENDING else 1


def _is_better(other: Consent, kept: Consent | None, phone: str | None, email: str | None) -> bool:
    """Of two opt-outs, the later one; of two other equal answers, the one for the address that is kept."""
    if kept is not None and kept.state is other.state is ConsentState.OPTED_OUT:
        return other.at > kept.at
    is_answer = other.state in {ConsentState.PENDING, ConsentState.OPTED_IN}
    stays = kept is not None and _survives(kept, phone, email) is not None
    return is_answer and not stays and _survives(other, phone, email) is not None


def _survives(consent: Consent, phone: str | None, email: str | None) -> str | None:
    """Which of its addresses the kept contact has."""
    if consent.number and consent.number == phone:
        return "number"
    return "email" if consent.email and email and consent.email.casefold() == email.casefold() else None


def _values(kept: Contact, other: Contact) -> dict[str, Any]:
    taken = {
        name: value
        for name in ("name", "external_id", "time_zone", "page")
        if getattr(kept, name) is None and (value := getattr(other, name)) is not None
    }
    if "name" in taken and other.is_unverified("name"):
        taken["unverified"] = {**(kept.unverified or {}), "name": taken["name"]}
    tags = tuple(dict.fromkeys((*kept.tags, *other.tags)))
    seen = max(filter(None, (kept.last_seen_at, other.last_seen_at)), default=None)
    role = Role.USER if Role.USER in {kept.role, other.role} else Role.LEAD
    wanted = {"tags": tags, "last_seen_at": seen, "role": role, "created_at": min(kept.created_at, other.created_at)}
    return taken | {name: value for name, value in wanted.items() if value != getattr(kept, name)}
