"""Recognizes what a text means by the keyword table: pure.

A keyword is the entire text, in one phrase or several ("STOP unsubscribe please"). "Please stop it raining" is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from bot.compliance import keyword_table as table
from bot.compliance.keyword_table import Keyword
from bot.consent.keyword_phrases import (
    LONGEST,
    certain_phrases,
    courtesies,
    joinable_phrases,
    leads,
    normalized,
    phone_signatures,
    refusals,
    run_together,
    signatures,
    signs,
)
from bot.consent.negations import is_negated, is_negated_sign

MOST_WORDS = 16
"""Of a text that can consist of phrases alone; longer ones are only searched for signs."""
SHORTEST_TYPO = 4
"""Letters: shorter words have too many neighbors."""
SHORTEST_GLUED = 6
"""Letters: "yano" is a name."""
_UNSUBSCRIBE_LIKE = re.compile(r"\bun[a-z]{7,10}\b")
_NUMBER = re.compile(r"\b\d{1,3}\b")
_BREAK = re.compile(r"(?:[.!?]+\s|[\n\r\v\f\x85\u2013\u2014\u2028\u2029]|\s-|--)[\s\u2013\u2014-]*")
_COMMA = re.compile(r"[,;\u060c\u061b]\s")
_SENTENCE_END = re.compile(r"[.!?\u3002\u061f\u06d4\n\r\v\f\x85\u2028\u2029]+")
_PART_END = re.compile(r"[,;:\u060c\u061b]|" + _SENTENCE_END.pattern)
_IN_CAPITALS = re.compile(r"[\W_]*(?:S+T+O+P+)+(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text means. `likely`: a teammate has to decide whether it does."""

    keyword: Keyword | None = None
    likely: bool = False
    rule: str = ""
    """What recognized it, for the record: `phrase`, `typo`, `sign`, `begins`, `ends` or `sentence`, and the words of
    the table."""

    @property
    def certain(self) -> Keyword | None:
        return None if self.likely else self.keyword

    @property
    def is_flagged(self) -> bool:
        """Whether a teammate has to look at it if it answers no question."""
        return self.likely or (self.keyword is Keyword.NO and self.rule.endswith(table.UNASKED))


NOTHING = Reading()


def keyword(text: str) -> Keyword | None:
    """What the text certainly means, or None."""
    return read(text).certain


def read(text: str) -> Reading:
    """What the text means. A STOP is found before all other meanings."""
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    words = normalized(text)
    return (
        _entire(text)
        or _sign(text)
        or _at_an_end(words.split())
        or _in_capitals(text, words.split())
        or _sentence(text)
        or NOTHING
    )


def bare_words(text: str) -> list[str]:
    """The words of a text, apart from courtesies and a signature."""
    words = _without_signature(unicodedata.normalize("NFKC", text[:LONGEST])).split()
    return [word for word in words if word not in courtesies()]


def single_word(text: str) -> str:
    """The one word that a text consists of, apart from courtesies and a signature; empty if there are more."""
    bare = bare_words(text)
    return bare[0] if len(bare) == 1 else ""


def _entire(text: str) -> Reading | None:
    """What the text means by all of its words, apart from a signature."""
    if normalized(text).count(" ") >= MOST_WORDS:
        return None
    words = _without_signature(text)
    numbered = _NUMBER.sub("0", words)
    return (
        _phrase(words, certain_phrases(), likely=False)
        or _phrase(_joined(words), joinable_phrases(), likely=False)
        or _phrase(numbered, certain_phrases(), likely=False)
        or _typo(words)
        or _stop(_plain(words))
        or _request(words, likely=False)
        or _request(_plain(words), likely=False)
        or _glued(words, likely=False)
        or _phrase(numbered, refusals(), likely=True)
        or _phrase(_plain(numbered), refusals(), likely=True)
        or _request(words, likely=True)
        or _request(_plain(words), likely=True)
        or _glued(words, likely=True)
    )


def _without_signature(text: str) -> str:
    """The words before a signature. Most signatures begin after a sentence, a line break or a dash; those of phones
    anywhere."""
    pieces = _BREAK.split(text)
    words = normalized("\n".join(pieces[: _signed_at(pieces)]))
    for start in phone_signatures():
        before, found, after = words.partition(f" {start}")
        if found and after.count(" ") <= table.SIGNATURE_WORDS and after[:1] in {"", " "}:
            return before
    return words


def _signed_at(pieces: Sequence[str]) -> int:
    """Which of the pieces of a text begins its signature; their number if none does. The first one never does."""
    found, rest = len(pieces), ""
    for at in range(len(pieces) - 1, 0, -1):
        rest = f"{normalized(pieces[at])} {rest}".lstrip()
        if rest.count(" ") > 2 * table.SIGNATURE_WORDS:
            break
        for start in (*signatures(), *phone_signatures()):
            if rest.startswith(f"{start} ") and len(rest[len(start) :].split()) <= table.SIGNATURE_WORDS:
                found = at
    return found


def _joined(words: str) -> str:
    """In one word, as "st op" and "un-subscribe" are meant. Not "un stop", which has a stop word."""
    pieces = words.split()
    one = "".join(pieces)
    is_split = len(pieces) <= 4 and len(one) >= SHORTEST_TYPO and certain_phrases()[Keyword.STOP].isdisjoint(pieces)
    return one if is_split else words


def _phrase(words: str, phrases: Mapping[Keyword, frozenset[str]], *, likely: bool) -> Reading | None:
    """The keyword whose phrases, with courtesies around them, are the entire text."""
    bare = _without_expletives(words).split()
    for keyword, its in phrases.items():
        if used := _cover(bare, its):
            return Reading(keyword, likely, f"phrase: {used}")
    return None


def _cover(words: Sequence[str], phrases: frozenset[str]) -> str:
    """The first of the phrases if they and courtesies are all there is; else empty."""
    polite = courtesies()
    reached: dict[int, str] = {0: ""}
    """By position, the first phrase on the way there."""
    for at in range(len(words)):
        if at not in reached:
            continue
        for end in range(at + 1, len(words) + 1):
            piece = " ".join(words[at:end])
            if piece in phrases:
                reached[end] = reached.get(end, "") or reached[at] or piece
            elif piece in polite:
                reached[end] = reached.get(end, "") or reached[at]
    return reached.get(len(words), "")


def _stop(words: str) -> Reading | None:
    """A STOP and nothing else."""
    return _phrase(words, {Keyword.STOP: certain_phrases()[Keyword.STOP]}, likely=False)


def _request(words: str, *, likely: bool) -> Reading | None:
    """A revocation of several words after "can you" or "I told you to". STOP itself is likely one there."""
    for lead in leads():
        if words.startswith(f"{lead} "):
            rest = words[len(lead) :]
            reading = _phrase(rest, refusals(), likely=True) if likely else _stop(rest)
            its = reading.rule.partition(": ")[2] if reading else ""
            if " " in its or (likely and its in table.STOP_WORDS):
                return reading
    return None


def _glued(words: str, *, likely: bool) -> Reading | None:
    """A revocation whose words have no spaces between them."""
    phrase = run_together(likely=likely).get(words) if len(words) >= SHORTEST_GLUED else None
    return Reading(Keyword.STOP, likely, f"phrase: {phrase}") if phrase else None


def _plain(words: str) -> str:
    """Without courtesies and expletives, and with "unsubscribe" spelled correctly."""
    polite = courtesies()
    return " ".join(word for word in _corrected(_without_expletives(words)).split() if word not in polite)


def _corrected(words: str) -> str:
    """With "unsubscribe" spelled correctly, which many people don't."""
    return _UNSUBSCRIBE_LIKE.sub(lambda found: _unsubscribe(found[0]), words)


def _unsubscribe(word: str) -> str:
    is_near = not word.endswith(("ed", "s")) and OSA.distance(word, "unsubscribe", score_cutoff=2) <= 2
    return "unsubscribe" if is_near else word


def _without_expletives(words: str) -> str:
    text = f" {words} "
    for expletive in table.EXPLETIVES:
        text = text.replace(f" {expletive} ", " ")
    return text


def _typo(words: str) -> Reading | None:
    """A stop word with one letter wrong, as the entire text."""
    bare = [word for word in words.split() if word not in courtesies()]
    one = "".join(bare)
    if len(one) < SHORTEST_TYPO or one in table.NOT_TYPOS or len(bare) > 2:
        return None
    words_meant = table.TYPOS_OF if len(bare) == 1 else table.TYPOS_IN_TWO
    near = next((word for word in words_meant if OSA.distance(one, word, score_cutoff=1) <= 1), None)
    return Reading(Keyword.STOP, rule=f"typo: {near}") if near else None


def _sign(text: str) -> Reading | None:
    """A sign of a revocation in a longer text. "I did not ask for this, remove me" negates only its first part."""
    parts = [part for part in _PART_END.split(text) if _has_words(part)]
    found = (_sign_in(_corrected(normalized(part))) for part in (text, *parts))
    return next(filter(None, found), None)


def _sign_in(words: str) -> Reading | None:
    for sign in signs():
        before, found, after = f" {words} ".partition(f" {sign} ")
        if found and not is_negated_sign(sign, before.split(), after.split()):
            return Reading(Keyword.STOP, likely=True, rule=f"sign: {sign}")
    return None


def _at_an_end(words: Sequence[str]) -> Reading | None:
    """A stop word that begins or ends a short text: "STOP I have a new phone"."""
    if not 1 < len(words) <= table.SHORT:
        return None
    if words[0] in table.STOP_WORDS and words[1] not in table.GOES_ON:
        return Reading(Keyword.STOP, likely=True, rule=f"begins: {words[0]}")
    is_other = not table.COMES_BEFORE.isdisjoint(words[:-1]) or is_negated(words[:-1])
    if words[-1] in table.STOP_WORDS and not is_other:
        return Reading(Keyword.STOP, likely=True, rule=f"ends: {words[-1]}")
    return None


def _in_capitals(text: str, words: Sequence[str]) -> Reading | None:
    """A text of any length that begins with STOP in capitals: "STOP or my lawyer will call you tomorrow morning"."""
    if len(words) < 2 or words[0] not in table.STOP_WORDS or not _IN_CAPITALS.match(text):
        return None
    if words[1] in table.GOES_ON - table.STOPS_IN_CAPITALS:
        return None
    return Reading(Keyword.STOP, likely=True, rule=f"begins: {words[0]}")


def _sentence(text: str) -> Reading | None:
    """A STOP that is the entire first or last sentence or line, or that follows the last comma."""
    pieces = [piece for piece in _SENTENCE_END.split(text) if normalized(piece)]
    if not any(_has_words(piece) for piece in pieces):
        return None  # "don't. stop."
    last = pieces[: _signed_at(pieces)][-1]
    parts = _COMMA.split(last)
    for piece in (pieces[0], last, parts[-1] if any(map(_has_words, parts)) else ""):
        reading = _entire(piece)
        if reading and reading.certain is Keyword.STOP:
            return Reading(Keyword.STOP, likely=True, rule=f"sentence: {reading.rule.partition(': ')[2]}")
    return None


def _has_words(piece: str) -> bool:
    """Whether it has two words with a space between them."""
    return sum(any(map(str.isalnum, word)) for word in piece.split()) > 1
