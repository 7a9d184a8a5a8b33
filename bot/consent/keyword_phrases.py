"""Texts in the form in which they are compared, and the phrases of the keyword table in the same form: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from bot.compliance import keyword_table as table
from bot.compliance.keyword_table import Keyword, Row
from bot.consent.wording_patterns import folded

LONGEST = 1600
"""Characters that are read: more than a provider delivers in one text."""
_INVISIBLE = dict.fromkeys(map(ord, "\u115f\u1160\u3164\uffa0\u17b4\u17b5"), "")
"""Letters that are drawn as nothing. `folded` removes the other invisible characters."""
_SYMBOLS = {ord(symbol): f" {word} " for symbol, word in table.SYMBOLS.items()}
_MONEY = dict.fromkeys(map(ord, "$€£٪%"), " ")
_CLEAN = {**_INVISIBLE, **_SYMBOLS, **_MONEY}
_SPELLED = re.compile(r"\b\w(?: \w){2,}\b")
"""S T O P."""
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
_STOP_WORD = "|".join(table.STOP_WORDS)
_REPEATED = re.compile(rf"\b({_STOP_WORD})(?:{_STOP_WORD})+\b")


def normalized(text: str) -> str:
    """Lowercase words without accents, punctuation and invisible characters: "Arrêt !" is "arret", "OPT-OUT" is
    "opt out", "STOOOPPP" and "stopstop" are "stop"."""
    words = folded(text[:LONGEST].translate(_CLEAN))
    words = _SPELLED.sub(lambda letters: letters[0].replace(" ", ""), words)
    if _DRAWN_OUT.search(words):
        words = " ".join(map(_shortened, words.split()))
    return _REPEATED.sub(r"\1", words)


def _shortened(word: str) -> str:
    """With one of each letter that is drawn out, or two if only that is a word of the table."""
    one, two = _DRAWN_OUT.sub(r"\1", word), _DRAWN_OUT.sub(r"\1\1", word)
    return two if two in _vocabulary() and one not in _vocabulary() else one


@cache
def certain_phrases() -> dict[Keyword, frozenset[str]]:
    return {keyword: _phrases(table.ROWS, keyword) for keyword in Keyword}


@cache
def joinable_phrases() -> dict[Keyword, frozenset[str]]:
    """Those that harm nobody if the words were meant otherwise."""
    return {keyword: certain_phrases()[keyword] for keyword in (Keyword.STOP, Keyword.HELP)}


@cache
def likely_phrases() -> dict[Keyword, frozenset[str]]:
    return {Keyword.STOP: _phrases(table.LIKELY, Keyword.STOP)}


@cache
def refusals() -> dict[Keyword, frozenset[str]]:
    """Phrases that are likely a revocation in any combination: "no thanks, not interested"."""
    its = (likely_phrases()[Keyword.STOP], certain_phrases()[Keyword.STOP], map(folded_phrase, table.REFUSALS))
    return {Keyword.STOP: frozenset().union(*its)}


@cache
def run_together(*, likely: bool) -> dict[str, str]:
    """Phrases by how they look without spaces: "stoptextingme"."""
    phrases = (likely_phrases() if likely else certain_phrases())[Keyword.STOP]
    return {phrase.replace(" ", ""): phrase for phrase in phrases if " " in phrase} | _polite(likely=likely)


def _polite(*, likely: bool) -> dict[str, str]:
    """Single words with a courtesy: "pleasestop"."""
    words = table.GLUED_WORDS if likely else table.STOP_WORDS
    shortest = table.SHORTEST_GLUED_COURTESY if likely else 1
    polite = [courtesy.replace(" ", "") for courtesy in courtesies() if len(courtesy) >= shortest]
    return {one: word if likely else "stop" for word in words for c in polite for one in (word + c, c + word)}


def _phrases(rows: Iterable[Row], keyword: Keyword) -> frozenset[str]:
    patterns = (pattern for row in rows if row.keyword is keyword for pattern in row.phrases)
    return frozenset(folded_phrase(phrase) for pattern in patterns for phrase in table.expanded(pattern))


@cache
def courtesies() -> frozenset[str]:
    return frozenset(map(folded_phrase, table.COURTESIES))


@cache
def leads() -> tuple[str, ...]:
    """What can come before a request, the longest first."""
    asked = (f"{lead} {you}" for lead in table.LEADS for you in ("you to", "you", "u to", "u"))
    return tuple(sorted((*asked, *map(folded_phrase, table.EXCLAMATIONS)), key=len, reverse=True))


@cache
def signatures() -> tuple[str, ...]:
    return tuple(map(folded_phrase, table.SIGNATURES))


@cache
def phone_signatures() -> tuple[str, ...]:
    return tuple(map(folded_phrase, table.PHONE_SIGNATURES))


@cache
def _vocabulary() -> frozenset[str]:
    """All words of the table, none of which has a letter three times in a row."""
    phrases = (*courtesies(), *signs(), *table.TYPOS_OF)
    its = (*certain_phrases().values(), *likely_phrases().values())
    return frozenset(word for phrase in phrases for word in phrase.split()) | frozenset(
        word for some in its for phrase in some for word in phrase.split()
    )


@cache
def signs() -> tuple[str, ...]:
    return tuple(map(folded_phrase, table.SIGNS))


def folded_phrase(phrase: str) -> str:
    return " ".join(map(_folded_word, phrase.split()))


@cache
def _folded_word(word: str) -> str:
    """Thousands of phrases consist of a few hundred words."""
    return normalized(word)
