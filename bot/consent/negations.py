"""Whether words turn around what follows them, as in "don't stop texting me": pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from bot.compliance import keyword_table as table
from bot.consent.keyword_phrases import folded_phrase


def is_negated_sign(sign: str, before: Sequence[str], after: Sequence[str]) -> bool:
    if sign in table.WISHED and _has_any(before, table.INABILITY):
        return False
    return is_negated(before) or ("ne" in before[-2:] and "pas" in after[:1])


def is_negated(before: Sequence[str]) -> bool:
    """Whether a negation among these words turns around what follows: not "I'm not interested, remove me", where it
    belongs to another word, and not "you won't stop"."""
    found = _reaching().fullmatch(" ".join(before))
    if not found:
        return False
    return not _has_any(found["between"].split(), table.DENIED_THEMSELVES) and not _complaint().search(found["before"])


@cache
def _reaching() -> re.Pattern[str]:
    """The words before a sign, if their last negation reaches it."""
    negation, carrying, pronoun = map(_any_of, (table.NEGATIONS, table.CARRY_NEGATIONS, table.PRONOUNS))
    between = rf"(?: {carrying}(?!\S)| (?:\w+ (?:{pronoun} )?)?to(?!\S))*+"
    return re.compile(rf"(?P<before>.*)(?<!\S){negation}(?!\S)(?P<between>{between})")


@cache
def _complaint() -> re.Pattern[str]:
    """How the words before a negation end if it blames those who sent the texts."""
    excused = "".join(rf"(?<!\b{word} )" for word in table.NOT_ACCUSED)
    blamed = rf"{excused}{_any_of(table.ACCUSED)}(?: {_any_of(table.ACCUSING)})*"
    return re.compile(rf"(?<!\S)(?:why(?: \w+){{0,2}}|{blamed}) ?$")


def _any_of(phrases: Iterable[str]) -> str:
    longest_first = sorted(map(folded_phrase, phrases), key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, longest_first))})"


def _has_any(words: Sequence[str], phrases: Sequence[str]) -> bool:
    text = f" {' '.join(words)} "
    return any(f" {phrase} " in text for phrase in phrases)
