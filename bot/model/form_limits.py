"""Limits on the texts that forms cause: anyone can enter anyone's number, and fraudsters earn from each text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.model.base import Document, Value


class Limit(StrEnum):
    """What kept a form from causing a text."""

    BLOCKED_PREFIX = "blocked_prefix"
    """Hardly any number with this prefix confirms."""
    NETWORK = "network"
    """The client's: an IPv4 /24, an IPv6 /64."""
    SESSION = "session"
    """The visitor."""
    PREFIX = "prefix"
    """Numbers that differ in their last four digits alone: pumping fraud walks through them."""
    COUNTRY = "country"
    """A country other than the workspace's own."""
    BUDGET = "budget"
    """All forms together."""
    PROOF = "proof"
    """A limit was near, and the browser couldn't do the proof of work."""


class AbuseLimits(Value):
    """What admins can change; the network's limit is `SAYSO_FORM_LIMIT`."""

    prefix: int = Field(20, ge=1, le=1_000_000)
    """Texts an hour."""
    session: int = Field(5, ge=1, le=1_000_000)
    """Texts a day, like the following ones."""
    country: int = Field(200, ge=1, le=1_000_000)
    budget: int = Field(2000, ge=1, le=1_000_000)
    alarm: int = Field(80, ge=1, le=100)
    """Percent of the budget at which admins are warned."""
    asks_proof: bool = False
    """The messenger's forms ask for a proof of work once half of a limit is used."""


class FormCounter(Document):
    """Texts in one window of time. What is counted is in the id, addresses and visitors only as a hash."""

    n: int
    expires_at: datetime


class BlockedPrefix(Document):
    """The id is the prefix: a number without its last four digits."""

    asked: int
    """Numbers that were asked to reply YES."""
    confirmed: int
    """Those that did."""
    blocked_at: datetime
    until: datetime
    expires_at: datetime
    """Until then, it isn't blocked again."""
