"""Who texts to a country come from."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import Field, field_validator

from bot.model.base import Value

NUMBER = r"\+[1-9][0-9]{6,14}|[0-9]{5,6}"
"""A number in E.164, or a short code."""
NAME = r"(?=.*[A-Za-z])[A-Za-z0-9 ]{3,11}"
"""An alphanumeric sender."""
SLOWEST, FASTEST = 0.1, 1000
"""Limits of the texts a second that a sender may be set to."""


class Registration(StrEnum):
    NOT_NEEDED = "not_needed"
    REGISTERED = "registered"
    PENDING = "pending"
    UNREGISTERED = "unregistered"


class CountrySender(Value):
    country: str = Field(pattern=r"^[A-Z]{2}$")
    sender: str
    registration: Registration = Registration.NOT_NEEDED
    reference: str = Field(default="", max_length=80)
    """Of the registration, at the provider or the registry."""
    per_second: float | None = Field(default=None, ge=SLOWEST, le=FASTEST)
    """Marketing texts; None: what is usual for its kind (`bot.outbound.senders.rate_of`)."""

    @field_validator("sender")
    @classmethod
    def _number_or_name(cls, text: str) -> str:
        if not re.fullmatch(f"{NUMBER}|{NAME}", text):
            raise ValueError("no number, no short code and no name")
        return text

    @property
    def can_receive(self) -> bool:
        """A name can't hear STOP."""
        return re.fullmatch(NUMBER, self.sender) is not None
