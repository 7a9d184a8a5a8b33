"""Recognizes what a text means by the keyword table: pure.

A keyword is the entire text, in one phrase or several ("STOP unsubscribe please"). "Please stop it raining" is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rapidfuzz.distance import OSA

from bot.compliance import keyword_table as table
from bot.compliance.keyword_table import Keyword, Row
from bot.consent.wording_patterns import folded

LONGEST = 1600
"""Characters that are read: more than a provider delivers in one text."""
MOST_WORDS = 16
"""Of a text that can consist of phrases alone; longer ones are only searched for signs."""
SHORTEST_TYPO = 4
"""Letters: shorter words have too many neighbors."""
_INVISIBLE = dict.fromkeys(map(ord, "\u115f\u1160\u3164\uffa0\u17b4\u17b5"), "")
"""Letters that are drawn as nothing. `folded` removes the other invisible characters."""
_SYMBOLS = {ord(symbol): f" {word} " for symbol, word in table.SYMBOLS.items()}
_MONEY = dict.fromkeys(map(ord, "$€£٪%"), " ")
_CLEAN = {**_INVISIBLE, **_SYMBOLS, **_MONEY}
_SPELLED = re.compile(r"\b\w(?: \w){2,}\b")
"""S T O P."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text means. `likely`: a teammate has to decide whether it does."""

    keyword: Keyword | None = None
    likely: bool = False
    rule: str = ""
    """What recognized it, for the record: `phrase`, `typo`, `sign`, `begins` or `ends`, and the words of the table."""

    @property
    def certain(self) -> Keyword | None:
        return None if self.likely else self.keyword


NOTHING = Reading()


def keyword(text: str) -> Keyword | None:
    """What the text certainly means, or None."""
    return read(text).certain


def read(text: str) -> Reading:
    """What the text means. A STOP is found before all other meanings."""
    words = normalized(text)
    if words.count(" ") < MOST_WORDS:
        plain = _without_signature(words)
        found = (
            _phrase(plain, _certain(), likely=False)
            or _phrase(_joined(plain), _certain(), likely=False)
            or _typo(plain)
            or _phrase(plain, _likely(), likely=True)
        )
        if found:
            return found
    return _sign(words) or _at_an_end(words.split()) or NOTHING


def normalized(text: str) -> str:
    """Lowercase words without accents, punctuation and invisible characters: "Arrêt !" is "arret", "OPT-OUT" is
    "opt out"."""
    words = folded(text[:LONGEST].translate(_CLEAN))
    return _SPELLED.sub(lambda letters: letters[0].replace(" ", ""), words)


def _without_signature(words: str) -> str:
    for start in _signatures():
        before, found, after = words.partition(f" {start}")
        if found and after.count(" ") <= table.SIGNATURE_WORDS and after[:1] in {"", " "}:
            return before
    return words


def _joined(words: str) -> str:
    """In one word, as "st op" and "un-subscribe" are meant."""
    one = words.replace(" ", "")
    return one if words.count(" ") < 4 and len(one) >= SHORTEST_TYPO else words


def _phrase(words: str, phrases: Mapping[Keyword, frozenset[str]], *, likely: bool) -> Reading | None:
    """The keyword whose phrases, with courtesies around them, are the entire text."""
    bare = _without_expletives(words).split()
    for keyword, its in phrases.items():
        if used := _cover(bare, its):
            return Reading(keyword, likely, f"phrase: {used}")
    return None


def _cover(words: Sequence[str], phrases: frozenset[str]) -> str:
    """The first of the phrases if they and courtesies are all there is; else empty."""
    courtesies = _courtesies()
    reached: dict[int, str] = {0: ""}
    """By position, the first phrase on the way there."""
    for at in range(len(words)):
        if at not in reached:
            continue
        for end in range(at + 1, len(words) + 1):
            piece = " ".join(words[at:end])
            if piece in phrases:
                reached[end] = reached[at] or reached.get(end, "") or piece
            elif piece in courtesies:
                reached[end] = reached.get(end, "") or reached[at]
    return reached.get(len(words), "")


def _without_expletives(words: str) -> str:
    text = f" {words} "
    for expletive in table.EXPLETIVES:
        text = text.replace(f" {expletive} ", " ")
    return text


def _typo(words: str) -> Reading | None:
    """A stop word with one letter wrong, as the entire text."""
    bare = [word for word in words.split() if word not in _courtesies()]
    if len(bare) != 1 or len(bare[0]) < SHORTEST_TYPO or bare[0] in table.NOT_TYPOS:
        return None
    near = next((word for word in table.TYPOS_OF if OSA.distance(bare[0], word, score_cutoff=1) <= 1), None)
    return Reading(Keyword.STOP, rule=f"typo: {near}") if near else None


def _sign(words: str) -> Reading | None:
    """A sign of a revocation in a longer text."""
    for sign in _signs():
        before, found, _ = f" {words} ".partition(f" {sign} ")
        if found and not _is_negated(before.split()[-table.NEGATION_REACH :]):
            return Reading(Keyword.STOP, likely=True, rule=f"sign: {sign}")
    return None


def _at_an_end(words: Sequence[str]) -> Reading | None:
    """A stop word that begins or ends a short text: "STOP I have a new phone"."""
    if not 1 < len(words) <= table.SHORT:
        return None
    if words[0] in table.STOP_WORDS and words[1] not in table.GOES_ON:
        return Reading(Keyword.STOP, likely=True, rule=f"begins: {words[0]}")
    is_other = not table.COMES_BEFORE.isdisjoint(words[:-1]) or _is_negated(words[:-1])
    if words[-1] in table.STOP_WORDS and not is_other:
        return Reading(Keyword.STOP, likely=True, rule=f"ends: {words[-1]}")
    return None


def _is_negated(before: Sequence[str]) -> bool:
    text = f" {' '.join(before)} "
    return any(f" {negation} " in text for negation in table.NEGATIONS)


@cache
def _certain() -> dict[Keyword, frozenset[str]]:
    return {keyword: _phrases(table.ROWS, keyword) for keyword in Keyword}


@cache
def _likely() -> dict[Keyword, frozenset[str]]:
    return {Keyword.STOP: _phrases(table.LIKELY, Keyword.STOP)}


def _phrases(rows: Iterable[Row], keyword: Keyword) -> frozenset[str]:
    patterns = (pattern for row in rows if row.keyword is keyword for pattern in row.phrases)
    return frozenset(_folded(phrase) for pattern in patterns for phrase in table.expanded(pattern))


@cache
def _courtesies() -> frozenset[str]:
    return frozenset(map(_folded, table.COURTESIES))


@cache
def _signatures() -> tuple[str, ...]:
    return tuple(map(_folded, table.SIGNATURES))


@cache
def _signs() -> tuple[str, ...]:
    return tuple(map(_folded, table.SIGNS))


def _folded(phrase: str) -> str:
    return " ".join(map(_folded_word, phrase.split()))


@cache
def _folded_word(word: str) -> str:
    """Thousands of phrases consist of a few hundred words."""
    return normalized(word)
