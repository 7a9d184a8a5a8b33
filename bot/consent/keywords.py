"""What a person at a phone asks for by one word: pure.

A keyword is the whole of a text, whatever its case, punctuation and spaces; "please stop it raining" is none.
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
    """The keyword that `text` is, if it is one."""
    return _BY_WORD.get(_plain(text))


def _plain(text: str) -> str:
    """Small letters without accents, one space between words: "Arrêt !" is "arret", "OPT-OUT" is "opt out"."""
    bare = (c for c in unicodedata.normalize("NFKD", text[:200].casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())
