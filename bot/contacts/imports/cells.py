"""What a cell says: a consent, a date, a phone number as a spreadsheet left it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from bot.consent.numbers import read_number
from bot.errors import Invalid, NumberRefused
from bot.errors import marked as _
from bot.model.addresses import PhoneFacts, facts_of
from bot.model.contact_import import DateOrder

YES = {"yes", "y", "true", "t", "1", "x", "on", "active", "subscribe", "subscribed", "optin", "optedin", "confirmed"}
NO = {
    "no",
    "n",
    "false",
    "f",
    "0",
    "off",
    "inactive",
    "unsubscribe",
    "unsubscribed",
    "optout",
    "optedout",
    "stop",
    "stopped",
}
UNSAID = {"", "none", "null", "na", "unknown", "neversubscribed", "notsubscribed", "pending", "unconfirmed"}
"""Same as an empty cell: neither yes nor no."""
CUT = _("A spreadsheet shortened this number. Format the column as text and export it again.")
FIRST_EXCEL_DAY = datetime(1899, 12, 30, tzinfo=UTC)


class CellRefused(Invalid):
    """A cell whose content can't be imported. The message says what to change, and not what is in the cell: it is kept
    with the job, and a wrong column may hold a name."""


def read_consent(cell: str) -> bool | None:
    """True: a yes; False: a no; None: neither. Raises CellRefused."""
    word = _bare(cell)
    if word in UNSAID:
        return None
    if word in YES:
        return True
    if word in NO:
        return False
    raise CellRefused(_("Unrecognized consent. Use “subscribed” or “unsubscribed”."))


def read_opt_out(cell: str) -> bool:
    """Whether a cell of an opt-out column means an opt-out: a yes, or a date."""
    word = _bare(cell)
    return word not in UNSAID | {"no", "n", "false", "f", "0", "off", "subscribed", "optin"}


@lru_cache(maxsize=4096)
def read_date(cell: str, order: DateOrder = DateOrder.MONTH_FIRST) -> datetime | None:
    """ISO 8601, seconds or milliseconds since 1970, a spreadsheet's day number, or numbers with slashes, dots or
    dashes. Without a time zone: UTC. Raises CellRefused."""
    text = cell.strip()
    if not text:
        return None
    try:
        found = _by_number(text) if re.fullmatch(r"\d+(\.\d+)?", text) else _by_name(text) or _by_order(text, order)
        return found.astimezone(UTC).replace(microsecond=found.microsecond // 1000 * 1000)
    except (ValueError, OverflowError):
        raise CellRefused(_("Unrecognized date. Use a date like 2025-03-31.")) from None


def _by_name(text: str) -> datetime | None:
    """ISO 8601, also with a blank for the T and "UTC" at the end."""
    plain = re.sub(r"\s*(UTC|GMT)$", "+00:00", text.replace("/", "-") if re.match(r"\d{4}/", text) else text)
    try:
        found = datetime.fromisoformat(re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", plain))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _by_number(text: str) -> datetime:
    number = float(text)
    if number < 100_000:
        if number < 20_000:  # before 1954
            raise ValueError
        return FIRST_EXCEL_DAY + timedelta(days=number)
    if re.fullmatch(r"(19|20)\d{6}", text):
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    return datetime.fromtimestamp(number / (1000 if number > 1e11 else 1), UTC)


def _by_order(text: str, order: DateOrder) -> datetime:
    parts = re.fullmatch(
        r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AaPp][Mm])?)?", text
    )
    if parts is None:
        raise ValueError
    first, second, year = int(parts[1]), int(parts[2]), int(parts[3])
    is_day_first = order is DateOrder.DAY_FIRST or "." in text or first > 12
    day, month = (first, second) if is_day_first and second <= 12 else (second, first)
    hour = int(parts[4] or 0)
    if parts[7]:
        hour = hour % 12 + (12 if parts[7].lower() == "pm" else 0)
    return datetime(
        year + (2000 if year < 100 else 0), month, day, hour, int(parts[5] or 0), int(parts[6] or 0), tzinfo=UTC
    )


def plain_number(cell: str) -> str:
    """A phone number as spreadsheets and scripts spoil it: in scientific notation, with `.0`, or with the apostrophe
    that keeps a plus from being a formula. Raises CellRefused where digits are lost."""
    text = cell.strip().removeprefix("'")
    text = re.sub(r"^(\+?\d{7,15})\.0+$", r"\1", text)
    if short := re.fullmatch(r"(\d)[.,]?(\d*)[Ee]\+?(\d{1,2})", text):
        digits, exponent = short[1] + short[2], int(short[3])
        if len(digits) != exponent + 1:
            raise CellRefused(CUT)
        return digits
    return text


def plain_text(cell: str) -> str:
    """Without the apostrophe by which exports keep a spreadsheet from running a formula."""
    text = cell.strip()
    return text[1:] if re.match(r"'[=+\-@\uff1d\uff0b\uff0d\uff20]", text) else text


@lru_cache(maxsize=1024)
def _bare(cell: str) -> str:
    return re.sub(r"[\W_]+", "", cell).casefold()


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """A number in E.164, or why it can't be texted: a gettext id and its values."""

    e164: str = ""
    facts: PhoneFacts | None = None
    text: str = ""
    values: dict[str, str] = field(default_factory=dict)
    is_country_assumed: bool = False


def read_numbers(cells: Sequence[str], region: str, countries: Sequence[str]) -> list[ReadNumber]:
    return [_read_number(cell, region, countries) for cell in cells]


def _read_number(cell: str, region: str, countries: Sequence[str]) -> ReadNumber:
    try:
        e164 = read_number(plain_number(cell), region, countries).e164
        return ReadNumber(e164, facts_of(e164))
    except NumberRefused as wrong:
        return ReadNumber(text=wrong.text, values=wrong.values, is_country_assumed=wrong.is_country_assumed)
    except CellRefused as wrong:
        return ReadNumber(text=wrong.text)
