"""What teammates set about themselves."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.errors import marked as _
from bot.i18n import locales


class TeammateProfile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=120)]
    locale: str = ""
    """Empty, like the next field: the browser's."""
    time_zone: str = ""
    notify_sound: bool = False
    notify_desktop: bool = False

    @field_validator("locale")
    @classmethod
    def _supported(cls, code: str) -> str:
        if code and code not in locales():
            raise ValueError(_("Choose an option."))
        return code

    @field_validator("time_zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone and zone not in time_zones():
            raise ValueError(_("Choose an option."))
        return zone


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """IANA names of places, and UTC. Abbreviations and signs like `Etc/GMT+5` are left out."""
    places = {
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "US/"))
    }
    return ("UTC", *sorted(places))
