"""Base class of all answers. Fields are answered in the order of their declaration, absent ones as null, times in Unix
seconds. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

UnixTime = Annotated[int, Field(ge=0, le=253_402_300_799, examples=[1_795_392_000])]
"""Seconds since 1970."""
Id = Annotated[str, Field(examples=["6762f0cd1bb69f9f2193bb7c"])]
Locale = Annotated[str, Field(examples=["en"])]


class ApiAnswer(BaseModel):
    """What a route answers, or a notification says."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


def unix(time: datetime) -> int:
    return int(time.timestamp())


def unix_or_none(time: datetime | None) -> int | None:
    return None if time is None else unix(time)
