"""Which sender a text comes from, and whether it may: pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.addresses import facts_of
from bot.model.country_sender import CountrySender, Registration

MUST_REGISTER = {"AU", "IE", "SG"}
"""Countries that mark or block names that are not registered (ACMA, since 2026-07-01; ComReg; SGNIC)."""

TOLL_FREE = {"800", "833", "844", "855", "866", "877", "888"}
LOCAL_RATE, TOLL_FREE_RATE, OTHER_RATE = 1.0, 3.0, 10.0
"""Texts a second of a local number in the US or Canada, of a toll-free one, and of anything else: a short code, a name,
a number elsewhere. Carriers allow registered senders more."""


def rate_of(sender: CountrySender) -> float:
    """Marketing texts a second."""
    if sender.per_second:
        return sender.per_second
    if not sender.sender.startswith("+1"):
        return OTHER_RATE
    return TOLL_FREE_RATE if sender.sender[2:5] in TOLL_FREE else LOCAL_RATE


def rated_sender(number: str, senders: Sequence[CountrySender], default: tuple[str, float]) -> tuple[str, float]:
    """The name of the number's sender, and its marketing texts a second: the lowest that are set where it is that of
    several countries. `default`: the same of the default sender, whose name may be unknown; 0: no limit."""
    sender = sender_for(number, senders)
    name = sender.sender if sender else default[0]
    rates = [rate_of(one) for one in senders if one.sender == name] + [default[1]] * (name == default[0])
    return name, min(filter(None, rates), default=0.0)


def sender_for(number: str, senders: Sequence[CountrySender]) -> CountrySender | None:
    """The sender of the number's country; None: the default one."""
    return sender_in(facts_of(number).country or "", senders) if senders else None


def sender_in(country: str, senders: Sequence[CountrySender]) -> CountrySender | None:
    """The country's own sender; None: it has the default one."""
    return next((sender for sender in senders if sender.country == country), None)


def sender_refusal(sender: CountrySender | None, *, has_link: bool) -> str | None:
    """Why no text may come from this sender; None: texts may. `has_link`: the text links to the preference center,
    which is required if nobody can reply STOP to it."""
    if sender is None or sender.can_receive:
        return None
    if sender.country in MUST_REGISTER and sender.registration is not Registration.REGISTERED:
        return "sender_not_registered"
    return None if has_link else "sender_cannot_receive"
