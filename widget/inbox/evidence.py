"""The fields of a form that say how a contact consented: in the panel, bulk changes and imports."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator

from bot.errors import marked as _
from bot.model.event import Evidence, How
from widget.web.forms import FormInput
from widget.web.times import clock

WAYS = {
    How.SPOKEN: (_("Verbal"), _("By phone or in person.")),
    How.PAPER: (_("On paper"), _("They signed a form. Keep it as proof.")),
    How.WRITTEN: (_("In writing elsewhere"), _("By email or on another site. Keep a copy as proof.")),
    How.OTHER: (_("Another way"), _("Describe it below.")),
}
"""How a contact may have consented."""


class EvidenceForm(FormInput):
    how: How | None = None
    given_at: Annotated[str, Field(max_length=40)] = ""
    """The value of a date and time field, in the reader's time zone."""
    note: Annotated[str, Field(max_length=1000)] = ""

    @field_validator("how", mode="before")
    @classmethod
    def _none(cls, value: str | None) -> str | None:
        return value or None

    @property
    def evidence(self) -> Evidence | None:
        return Evidence(how=self.how, given_at=self.time, note=self.note) if self.how else None

    @property
    def time(self) -> datetime | None:
        with suppress(ValueError, OverflowError):
            return clock.get().parse(self.given_at)
        return None
