"""Detects whether a text says what it must say, in the languages we support: pure.

All languages are tried on every text: people mix them, and a text's language is unknown. A sign needs several words
near each other in one sentence, because one word proves little ("Text us", "HELP desk", "no purchase necessary"). In
doubt a sign is not found: an extra reminder costs a look, a missing sentence costs $500 a text (47 USC 227(b)(3)).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import permutations

Sign = tuple[re.Pattern[str], ...]
"""Any of the patterns proves it."""

_QUOTES = str.maketrans(dict.fromkeys("’‘ʼ`´'\"“”„«»‹›*_", " "))
_ARABIC = str.maketrans("ٱىة", "ايه")
"""Letters that Arabic writers use interchangeably; hamzas are removed with the accents."""
_ENDS = re.compile(r"[.!?؟;؛\u2026]+(?=\s|$)|\n\s*\n")
_REST = re.compile(r"[^\w$€£٪%.]+|(?<!\s)\.(?!\s)")
_WORD = r"[\w$€£%]+"


def plain(text: str) -> str:
    """Normalizes `text` for matching: single spaces between words, " . " at the end of a sentence.

    No accents, no quotes, one form of each letter and digit. Capitals are kept: STOP is a keyword, stop is a word.
    """
    text = "".join(c for c in text if unicodedata.category(c) != "Cf" and c != "ـ")
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Mn").translate(_QUOTES).translate(_ARABIC)
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text).replace("ß", "ss")
    ended = _ENDS.sub(" \x00 ", text)
    words = _REST.sub(" ", ended.replace(".", " ").replace("\x00", " . ")).split()
    return " ".join(word for at, word in enumerate(words) if word != "." or (at and words[at - 1] != "."))


def folded(text: str) -> str:
    """The same without capitals and sentence ends: to find one text within another."""
    return " ".join(word for word in plain(text).casefold().split() if word != ".")


def found(sign: Sign, text: str) -> bool:
    """`text` is normalized by `plain`."""
    return any(pattern.search(text) for pattern in sign)


def _sequence(*parts: str | int) -> re.Pattern[str]:
    """Words in this order, with at most so many others between them: `("not", 4, "condition")`."""
    pattern = ""
    for part in parts:
        if isinstance(part, int):
            pattern += rf"(?: {_WORD}){{0,{part}}} "
        else:
            pattern += rf"(?:{part})"
    return re.compile(rf"(?<!\S){pattern}(?!\S)", re.IGNORECASE)


def _near(gap: int, *groups: str) -> Iterable[re.Pattern[str]]:
    """One word of each group, in any order."""
    for order in permutations(groups):
        parts: list[str | int] = []
        for group in order:
            parts += [group] if not parts else [gap, group]
        yield _sequence(*parts)


def _sign(*patterns: re.Pattern[str] | Iterable[re.Pattern[str]]) -> Sign:
    return tuple(p for some in patterns for p in ([some] if isinstance(some, re.Pattern) else some))


TEXTS = (
    r"texts|txts|sms|mms|(?:text|txt) (?:messag\w+|msgs?|alerts?|offers?|updates?|notifications?)|(?:by|via) text"  # en
    r"|mensajes? de texto|sms textos?"  # es
    r"|textos|messages? textes?"  # fr
    r"|sms \w+|\w*textnachricht\w*|kurznachricht\w*"  # de
    r"|\w*رسال\w* \w*نصي\w*|\w*رسايل \w*نصي\w*"  # ar
)
MAILS = (
    r"e ?mails?|emails?|newsletters?|correos?(?: electronicos?)?|courriels?|mails?|e mail \w+|rundbrief\w*"
    r"|\w*بريد\w*(?: \w*الكتروني\w*)?"
)
RECURRING = (
    r"recurring|recurrent|ongoing|periodic|recurrent\w+|periodic\w+|recurrentes?|regulier\w*|periodique\w*"
    r"|wiederkehrend\w*|regelmassig\w*|fortlaufend\w*|\w*متكرر\w*|\w*دوري\w*|\w*منتظم\w*"
)
AUTOMATED = (
    r"auto ?dial\w*|(?<!not )(?<!nicht )(?<!no )(?<!non )automat\w+|(?<!غير )\w*(?:موتمت|تلقايي)\w*|اليا|\w*اليه"
)
NUMBER = (
    r"\d{1,3}|one|two|three|four|five|six|un[ao]?|dos|tres|cuatro|cinco|une|deux|trois|quatre|eine?[nr]?|zwei|drei|vier"
)
MESSAGES = (
    r"msgs?|messages?|texts?|txts?|sms|alerts?|emails?|mensajes?|textos?|correos?|courriels?|mails?"
    r"|\w*nachrichten?|رسال\w*|رسايل"
)
PERIOD = (
    r"(?:a|per|each|every|in a|in any|al|por|a la|cada|en un|par|chaque|im|pro|in der|je|am|في|كل)? ?"
    r"(?:day|week|month|mo|year|dia|semana|mes|ano|jour|semaine|mois|an|tag|woche|monat|jahr"
    r"|(?:ال)?(?:يوم|اسبوع|شهر|سنه|عام))"
    r"|monthly|weekly|daily|yearly|mensual\w*|semanal\w*|diari\w*|mensuel\w*|hebdomadaire\w*"
    r"|monatlich\w*|wochentlich\w*|taglich\w*|شهري\w*|اسبوعي\w*|يومي\w*"
)
VARIES = (
    r"var(?:y|ies|ying|ia|ian|iar|iara|iable|iables|ie|ient|ier|iert|iieren|iiert)|unterschiedlich\w*"
    r"|\w*(?:يختلف|تختلف|يتفاوت|تتفاوت|يتغير|تتغير|متفاوت\w*)"
)
OFTEN = r"frequency|frequencies|frecuencia|frequence|\w*haufigkeit|anzahl|numero|nombre|عدد|وتيره|معدل|تكرار"

FREQUENCY = _sign(
    _near(4, OFTEN, VARIES),
    _sequence(NUMBER, 2, MESSAGES, 2, PERIOD),
    _sequence("up to|hasta|jusqu a|bis zu|maximal|hochstens|maximum|حتي", 0, NUMBER, 3, PERIOD),
    _sequence(
        r"(?:ein|zwei|drei|vier|\d{1,2}) ?mal|(?:once|twice|\d{1,2} times)|(?:\d{1,2}|une|dos"
        r"|tres) ve(?:z|ces)|\d{1,2} fois|une fois|\w*مره|\w*مرات",
        0,
        PERIOD,
    ),
    _sequence(
        r"daily|weekly|monthly|mensual\w*|semanal\w*|mensuel\w*|hebdomadaire\w*|monatlich\w*"
        r"|wochentlich\w*",
        1,
        MESSAGES,
    ),
    _sequence(MESSAGES, 0, r"mensual\w*|semanal\w*|mensuel\w*|hebdomadaire\w*|شهري\w*|اسبوعي\w*"),
)

CARRIAGE = (
    r"msgs?|messag\w+|texts?|txts?|sms|data|carrier|mensaj\w+|datos|operador\w*|donnees|operateur\w*"
    r"|\w*nachricht\w*|daten\w*|\w*mobilfunk\w*|\w*رسايل\w*|\w*بيانات\w*|\w*مشغل\w*"
)
COSTS = (
    r"rates?|charges?|fees?|tarif\w*|cargos?|costos?|costes?|frais|couts?|\w*(?:gebuhr|kosten|entgelt|tarif)\w*"
    r"|\w*(?:رسوم|تعرفه|تعريفه|اسعار|تكاليف|تكلفه)\w*"
)
BOTH = r"daten\w*(?:gebuhr|kosten|tarif)\w*|nachrichten\w*(?:gebuhr|kosten|tarif)\w*"
"""German says it in one word."""
APPLY = (
    r"appl(?:y|ies)|incur\w*|aplic\w+|appli\w+|factur\w+|anfallen|fallen|gelten|entstehen|erhoben"
    r"|\w*(?:تطبق|تسري|تنطبق|تترتب|تفرض|يطبق|تحتسب)\w*"
)
RATES = _sign(_near(5, CARRIAGE, COSTS, APPLY), _near(6, BOTH, APPLY))

REPLY = (
    r"reply|replying|text|texting|txt|send|sending|respond|responding|answer|respond\w*|respuesta|envi\w+|contest\w+"
    r"|escrib\w+|repond\w+|envoy\w+|tap\w+|antwort\w*|send\w*|schick\w*|schreib\w*|simse\w*"
    r"|\w*(?:ارسل|ارسال|رد|بالرد|اجب|اكتب)"
)
LEAVE = (
    r"opt out|out|cancel\w*|unsubscribe|end|quit|stop|baja|salir|desabonn\w*|desinscri\w*|arret\w*|annul\w*|abmeld\w*"
    r"|abbestell\w*|beend\w*|abzumelden|kundig\w*|\w*(?:الغاء|ايقاف|توقف)\w*"
)
STOPS = r"و?(?-i:STOP|STOPP|BAJA|ALTO|PARAR|CANCELAR|ARRET|ABMELDEN)|توقف|ايقاف|الغاء"
HELPS = r"و?(?-i:HELP|INFO|AYUDA|AIDE|HILFE)|مساعده"
"""Keywords that `bot.consent.keywords` handles, recognized by their capitals. Arabic attaches "and" to them."""
STOP = _sign(_sequence(REPLY, 8, STOPS), _sequence(STOPS, 3, LEAVE), _sequence(REPLY, 2, "stop", 3, LEAVE))
HELP = _sign(
    _sequence(REPLY, 8, HELPS),
    _sequence(HELPS, 1, r"for|para|pour|fur|لل\w+", 1, r"help|info\w*|ayuda|aide|hilfe"),
    _sequence(REPLY, 1, "help", 1, r"for (?:more )?(?:help|info\w*)"),
)

ACCEPT = (
    r"agree|agreeing|(?:you|i) consent|consent to|consenting|authori[sz]e|authori[sz]ing|accept|accepting|opting in"
    r"|acept\w+|consient\w+|autori[sz]\w+|de acuerdo|accept\w+|consent(?:ez|ons|s)|d accord|stimm\w*"
    r"|willig\w*|einverstanden"
    r"|zustimm\w*|erklar\w*|\w*(?:توافق|اوافق|بموافقتك|نوافق|اقبل|تقبل)"
)
GET = (
    rf"receiv\w+|get|getting|contact\w*|recib\w+|recev\w+|recoi\w+|erhalt\w*|bekomm\w*|empfang\w*|zu senden"
    rf"|\w*(?:تلقي|استلام|استقبال)\w*|{TEXTS}|{MAILS}"
)
AGREEMENT = _sign(_sequence(ACCEPT, 12, GET), _sequence(r"erhalt\w*|zusendung|empfang", 12, "zu|einverstanden"))

NOT = r"not|never|isn t|no|ni|n est|pas|non|aucun\w*|kein\w*|nicht|weder|\w*ليس\w*|لا|غير|دون"
CONDITION = (
    r"condition\w*|required|requirement|necessary|needed|condicion\w*|requisito|necesari\w+|obligatori\w+|oblig\w+"
    r"|necessaire|requis\w*|bedingung\w*|voraussetzung\w*|erforderlich\w*|notwendig\w*"
    r"|\w*(?:شرط|مشروط|الزامي|مطلوب|يشترط|تشترط)\w*"
)
BUY = (
    r"purchas\w*|buy|buying|order|orders|ordering|compra\w*|adquirir|pedido\w*|achat\w*|achet\w*|command\w*|\w*kauf\w*|bestell\w*"
    r"|\w*(?:شراء|الشراء|طلب)"
)
PURCHASE = _sign(
    _sequence(NOT, 4, CONDITION, 6, BUY),
    _sequence(BUY, 3, "nicht|keine?", 3, CONDITION),  # "für den Kauf nicht erforderlich"
    _sequence(r"(?:don t|do not|needn t|need not)(?: have| need)?(?: to)?(?: agree| consent| sign up)", 4, BUY),
    _sequence("without", 2, r"agree\w*|consent\w*", 6, BUY),
)

UNSUBSCRIBE = _sign(
    _sequence(
        r"unsubscribe|opt out|withdraw|(?:darte|darse|dar) de baja|cancel\w* (?:la|tu|su) suscripcion"
        r"|anular\w*|desabonn\w*|desinscri\w*"
        r"|desinscription|abmeld\w*|abbestell\w*|abzumelden|widerruf\w*|widerrufen|\w*الغاء \w*اشتراك\w*"
        r"|سحب \w*موافق\w*"
    )
)
CHANNELS = {"sms": _sign(_sequence(TEXTS)), "email": _sign(_sequence(MAILS))}
REGULAR, MACHINE = _sign(_sequence(RECURRING)), _sign(_sequence(AUTOMATED))

TERMS = _sign(
    _sequence(
        r"terms|conditions?|t cs?|tos|tcs|terminos|condiciones|cgu|cgv|agb|\w*bedingungen|\w*(?:شروط|احكام)\w*|terms\w+"
    )
)
PRIVACY = _sign(
    _sequence(
        r"privacy\w*|privacidad|confidentialite|vie privee|donnees personnelles|datenschutz\w*|\w*(?:خصوصيه"
        r"|الخصوصيه)\w*"
    )
)
