"""What names a person in a text: email addresses, phone numbers however they are written, and the text itself, which
may be a user ID. Files are indexed by keyed hashes of it, so that an erased person is found without reading them all.
Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import phonenumbers

from bot.consent.typed_number import readings
from bot.contacts.imports.cells import CellRefused, plain_number, plain_text
from bot.contacts.imports.rows import LONGEST
from bot.model.addresses import facts_of

TAIL = 7
"""The last digits of a number: all ways to write it have them."""
MOST_DIGITS = 15
"""Of one number (E.164)."""
LEAST_ID = 4
"""Characters of a user ID that is looked for in any column: a shorter one could be a quantity."""
EMAIL = re.compile(r"[^\s<>()\[\],;:\"'|]+@[^\s<>()\[\],;:\"'|]+")
NUMBER = re.compile(r"\+?\(?\d[\d\s()./\-‐‑‒–—−]{5,60}\d")
SOME_DIGITS = re.compile(r"\d(?:\D*\d){6}|\de")
"""As many as a number has, or a number in scientific notation."""
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T0-9:.+\-Zz]*")


def traces(cell: str) -> set[str]:
    """Everything in a cell that may name somebody."""
    text = plain_text(cell).casefold()
    if not text or (text[0].isdecimal() and TIME.fullmatch(text)):
        return set()
    found = _emails(text) if "@" in text else set()
    if SOME_DIGITS.search(text):
        found |= {_tail(end) for number in _numbers(text) for end in _ends(number)}
    return found | {text} if _may_be_id(text) else found


@dataclass(frozen=True, slots=True)
class Traces:
    """What a person is known by."""

    numbers: frozenset[str] = frozenset()
    """E.164."""
    emails: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    """User IDs."""

    @property
    def all(self) -> set[str]:
        tails = {_tail(_digits(number)) for number in self.numbers}
        return tails | {text.casefold() for text in (*self.emails, *self.ids)}

    def may_be_in(self, cells: Iterable[str]) -> bool:
        """A quick look, for rows of which hardly any are about them."""
        folded = "\n".join(cells).casefold()
        digits = _digits(folded)
        return any(email.casefold() in folded for email in self.emails) or any(
            number[-TAIL:] in digits for number in self.numbers
        )

    def are_in(self, text: str, regions: Collection[str]) -> bool:
        """Whether a text tells one of the numbers or addresses. `regions`: of numbers without a country code."""
        folded = text.casefold()
        is_there = "@" in folded and not {email.casefold() for email in self.emails}.isdisjoint(_emails(folded))
        return is_there or any(
            _is(number, own, regions) for number in _numbers(folded) for own in self.numbers if _may_be(number, own)
        )


def cells_of_id(cells: Sequence[str], place: int | None) -> Iterable[str]:
    """The cells that may be a user ID, folded: those of a column, or of any (`None`)."""
    wanted = cells if place is None else cells[place : place + 1]
    texts = (plain_text(cell).casefold() for cell in wanted)
    return [text for text in texts if text and (place is not None or len(text) >= LEAST_ID)]


def _may_be_id(folded: str) -> bool:
    """Not the name of a person, a sentence, or a number in international form."""
    is_word = len(folded.split(maxsplit=1)) == 1 or any(map(str.isdecimal, folded))
    return is_word and len(folded) <= LONGEST and not folded.startswith("+")


def _emails(folded: str) -> set[str]:
    return {found.rstrip(".!?") for found in EMAIL.findall(folded)}


def _numbers(text: str) -> Iterator[str]:
    try:
        yield from NUMBER.findall(plain_number(text) if len(text) < 40 else text)
    except CellRefused:
        return


def _digits(text: str) -> str:
    if text.isascii():
        return "".join(filter(str.isdecimal, text))
    return "".join(str(int(c)) for c in text if c.isdecimal())


def _tail(digits: str) -> str:
    return f"#{digits[-TAIL:]}"


def _ends(number: str) -> list[str]:
    """The digits up to each place where a number may end, since a cell may hold two numbers in a row."""
    digits = _digits(number)
    if len(digits) <= MOST_DIGITS:
        return [digits] if len(digits) >= TAIL else []
    groups = re.findall(r"\d+", number)
    ends = ("".join(groups[: i + 1]) for i in range(len(groups)))
    return [_digits(end) for end in ends if len(end) >= TAIL]


def _may_be(number: str, own: str) -> bool:
    return any(_tail(end) == _tail(_digits(own)) for end in _ends(number))


def _is(number: str, own: str, regions: Collection[str]) -> bool:
    """Whether it is read as this number in one of these countries, or in its own."""
    digits = ("+" if number.startswith("+") else "") + _digits(number)
    if len(digits) > MOST_DIGITS + 1 or digits.lstrip("+") == own.lstrip("+"):
        return True
    country = facts_of(own).country or ""
    return any(own in _readings(digits, region) for region in {*regions, country} - {""})


def _readings(digits: str, region: str) -> Iterator[str]:
    for reading in readings(digits, region):
        try:
            parsed = phonenumbers.parse(reading, region)
        except phonenumbers.NumberParseException:
            continue
        yield phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
