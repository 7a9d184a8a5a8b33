"""Checks what the text of a form or a confirmation is missing: pure.

Sources: 47 CFR 64.1200(f)(9) (prior express written consent), CTIA Messaging Principles and Best Practices of May 2023
(5.1.1 call to action, 5.1.2.1 confirmation), Twilio's review of campaigns (errors 30551, 30841), and for email GDPR
art. 7(3), art. 13 and recital 42. A text that passes may still be wrong. The checker only reports:
`form_wording` decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bot.consent import wording_patterns
from bot.consent.offers import WordingFacts, for_confirmation, for_email_form, for_sms_form, safe
from bot.consent.placeholders import fill, has_place
from bot.consent.wording_patterns import folded, found, plain
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.subscription import MessageType, Purpose

LINK = re.compile(r"\[([^\[\]]*)\]\((https?://[^\s()]+)\)", re.IGNORECASE)
ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
BARE = re.compile(rf"(?:{ADDRESS.pattern})\S+", re.IGNORECASE)
__all__ = ["Finding", "WordingFacts", "check_confirmation", "check_form", "lacking"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence`: what to add to the text, in its language; empty if the workspace lacks the facts for it, and `hint`
    then says what to configure first. `name` and `hint` are gettext ids."""

    code: str
    name: str
    there: bool
    sentence: str = ""
    hint: str = ""


NAMES = {
    "brand": _("Brand name"),
    "seller": _("Seller's legal name"),
    "agreement": _("Agreement to receive messages"),
    "automated": _("Recurring, automated messages"),
    "channel": _("Sent as text messages (SMS)"),
    "email": _("Sent by email"),
    "program": _("Subscription name"),
    "frequency": _("Message frequency"),
    "rates": _("Message and data rates"),
    "stop": _("STOP instructions"),
    "help": _("HELP instructions"),
    "purchase": _("Not a condition of purchase"),
    "unsubscribe": _("How to unsubscribe"),
    "terms": _("Terms link"),
    "privacy": _("Privacy policy link"),
}
HINTS = {
    "seller": _("Add the seller's legal name in Brand and compliance first."),
    "terms": _("Add your terms link in Brand and compliance first."),
    "privacy": _("Add your privacy policy link in Brand and compliance first."),
}


def check_form(text: str, facts: WordingFacts, say: Translator) -> tuple[Finding, ...]:
    """Checks the legal text of a card, in checklist order. `say` is in its language."""
    read = _Read(text, facts)
    tests = _form_tests(facts)
    there = {code: test(read) for code, test in tests.items()}
    make = for_sms_form if facts.channel is MessageType.SMS else for_email_form
    return _findings(there, make(facts, say, there), read)


def check_confirmation(text: str, facts: WordingFacts, say: Translator) -> tuple[Finding, ...]:
    """Checks the text after a sign-up, with its placeholders (`{brand}`, `{program}`, …)."""
    filled = fill(text, {"brand": facts.brand, "program": facts.program, "frequency": "", "link": ""})
    read = _Read(filled, facts, written=text)
    tests = _SMS_CONFIRMATION if facts.channel is MessageType.SMS else _EMAIL_CONFIRMATION
    there = {code: test(read) for code, test in tests.items()}
    return _findings(there, for_confirmation(say, there), read)


def _form_tests(facts: WordingFacts) -> Tests:
    if facts.channel is not MessageType.SMS:
        return _EMAIL_FORM
    return _SMS_FORM if facts.purpose is Purpose.MARKETING else _INFORMATIONAL_SMS_FORM


def lacking(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if not finding.there)


class _Read:
    """A parsed text: its words without names and URLs, and its links."""

    def __init__(self, text: str, facts: WordingFacts, written: str | None = None) -> None:
        self.facts = facts
        self.written = text if written is None else written
        """Including placeholders."""
        self.links = tuple(LINK.findall(text)) + tuple(_bare_links(text))
        words = _unlinked(text)
        self.names = f" {folded(words)} "
        names = {folded(name) for name in (facts.legal_name, facts.brand, facts.program)}
        self.plain = _without(plain(words), sorted((n for n in names if " " in n), key=len, reverse=True))

    def has(self, sign: wording_patterns.Sign) -> bool:
        return found(sign, self.plain)

    def says(self, sentence: str) -> bool:
        """Whether it contains exactly this sentence: a suggested one counts, whatever the brand is called."""
        wanted = folded(_unlinked(sentence))
        return bool(wanted) and f" {wanted} " in self.names

    def fills(self, name: str) -> bool:
        return has_place(self.written, name)

    def tells(self, name: str) -> bool:
        if not folded(name) or ADDRESS.search(name):  # "!!!", "www.shop.example"
            return bool(name.strip()) and name.strip().casefold() in self.written.casefold()
        return f" {folded(name)} " in self.names

    def links_to(self, sign: wording_patterns.Sign, address: str) -> bool:
        return any(found(sign, plain(words)) or (address and url == safe(address)) for words, url in self.links)


Tests = Mapping[str, Callable[[_Read], bool]]

_SMS_FORM: Tests = {
    # 64.1200(f)(9): it authorizes the seller; CTIA 5.1.1 (3): identity of the organization.
    "brand": lambda r: r.tells(r.facts.brand) or r.tells(r.facts.legal_name),
    "seller": lambda r: r.tells(r.facts.legal_name),
    # 64.1200(f)(9)(i)(A): by signing, the person authorizes such messages; CTIA 5.1.1 (4): clear opt-in language.
    "agreement": lambda r: r.has(wording_patterns.AGREEMENT),
    # 64.1200(f)(9): by an automatic system; CTIA 5.1.2.1 (4): that they recur.
    "automated": lambda r: r.has(wording_patterns.REGULAR) and r.has(wording_patterns.MACHINE),
    # Twilio 30551: the channel is missing.
    "channel": lambda r: r.has(wording_patterns.CHANNELS["sms"]),
    # CTIA 5.1.2.1 (4).
    "frequency": lambda r: r.has(wording_patterns.FREQUENCY),
    # CTIA 5.1.1 (4): any fees.
    "rates": lambda r: r.has(wording_patterns.RATES),
    # CTIA 5.1.1 (5): how to opt out, and customer care.
    "stop": lambda r: r.has(wording_patterns.STOP),
    "help": lambda r: r.has(wording_patterns.HELP),
    # 64.1200(f)(9)(i)(B).
    "purchase": lambda r: r.has(wording_patterns.PURCHASE),
    # CTIA 5.1.1 (5); both must be public pages.
    "terms": lambda r: r.links_to(wording_patterns.TERMS, r.facts.terms_url),
    "privacy": lambda r: r.links_to(wording_patterns.PRIVACY, r.facts.privacy_url),
}
_INFORMATIONAL_SMS_FORM: Tests = {
    # 64.1200(f)(9) asks for the rest where messages are telemarketing; CTIA 5.1.1 asks for these of every program.
    code: test
    for code, test in _SMS_FORM.items()
    if code not in {"automated", "purchase"}
}
_EMAIL_FORM: Tests = {
    # GDPR recital 42: who asks, and for what; art. 7(3): that it can be withdrawn, before it is; art. 13: the rest.
    "brand": _SMS_FORM["brand"],
    "seller": _SMS_FORM["seller"],
    "email": lambda r: r.has(wording_patterns.CHANNELS["email"]),
    "unsubscribe": lambda r: r.has(wording_patterns.UNSUBSCRIBE),
    "privacy": _SMS_FORM["privacy"],
}
_SMS_CONFIRMATION: Tests = {
    # CTIA 5.1.2.1 (1): program name; the template that passes review begins with the brand.
    "brand": lambda r: r.fills("brand") or _SMS_FORM["brand"](r),
    "program": lambda r: r.fills("program") or r.tells(r.facts.program),
    "frequency": lambda r: r.fills("frequency") or r.has(wording_patterns.FREQUENCY),  # (4)
    "rates": _SMS_FORM["rates"],  # (5)
    "help": _SMS_FORM["help"],  # (2)
    "stop": _SMS_FORM["stop"],  # (3)
}
_EMAIL_CONFIRMATION: Tests = {
    "brand": _SMS_CONFIRMATION["brand"],
    "program": _SMS_CONFIRMATION["program"],
    # GDPR art. 7(3): as easy to take back as to give.
    "unsubscribe": lambda r: r.fills("link") or r.has(wording_patterns.UNSUBSCRIBE),
}


def _findings(there: Mapping[str, bool], sentences: Mapping[str, str], read: _Read) -> tuple[Finding, ...]:
    found_ = (Finding(code, NAMES[code], is_there, sentences[code]) for code, is_there in there.items())
    return tuple(_settled(finding, read) for finding in found_)


def _settled(finding: Finding, read: _Read) -> Finding:
    if not finding.sentence and not finding.there:
        return replace(finding, hint=HINTS.get(finding.code, ""))
    said = finding.code not in {"terms", "privacy", "brand", "seller"} and read.says(finding.sentence)
    return replace(finding, there=finding.there or said)


def _unlinked(text: str) -> str:
    """Replaces links by their text: nobody reads the URL."""
    return BARE.sub(" ", LINK.sub(r" \1 ", text))


def _bare_links(text: str) -> Iterator[tuple[str, str]]:
    """URLs written in full, with the words in front ("Terms: https://…")."""
    text = LINK.sub(" . ", text)
    for match in BARE.finditer(text):
        before = BARE.sub(" . ", text[max(0, match.start() - 40) : match.start()])
        last = plain(before).rpartition(" . ")[2].split()[-3:]
        yield " ".join(last), match[0].rstrip(".,;:!?)")


def _without(text: str, names: list[str]) -> str:
    """The text without names: a shop called Stop & Shop does not explain how to opt out.

    Names of one word stay: no sign is a single word, and a program called STOP must not hide the keyword.
    """
    for name in names:
        pattern = r"(?<!\S)" + r"(?: \.)? ".join(re.escape(word) for word in name.split()) + r"(?!\S)"
        text = re.sub(pattern, "name", text, flags=re.IGNORECASE)
    return text
