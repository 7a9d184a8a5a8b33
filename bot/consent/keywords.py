"""Recognizes keywords in texts: pure.

A keyword is the entire text, ignoring case, punctuation and spaces; "please stop it raining" is not one.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    YES = "yes"


WORDS = {
    # 47 CFR 64.1200(a)(10) names seven; STOPALL and OPTOUT are Twilio's (Advanced Opt-Out, default keywords).
    Keyword.STOP: (
        "stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe", "stopall", "stop all", "optout",
        "alto", "parar", "baja", "cancelar", "arret", "arreter", "desabonner", "stopp", "abmelden",
        "توقف", "ايقاف", "الغاء",
    ),
    Keyword.START: ("start", "unstop"),
    Keyword.HELP: ("help", "info", "ayuda", "aide", "hilfe", "مساعدة"),
    Keyword.YES: ("yes", "y", "si", "oui", "ja", "نعم"),
}  # fmt: skip
_BY_WORD = {word: keyword for keyword, words in WORDS.items() for word in words}


def keyword(text: str) -> Keyword | None:
    """The keyword, or None."""
    return _BY_WORD.get(_plain(text))


def _plain(text: str) -> str:
    """Lowercase without accents, single spaces: "Arrêt !" is "arret", "OPT-OUT" is "opt out"."""
    bare = (c for c in unicodedata.normalize("NFKD", text[:200].casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())
