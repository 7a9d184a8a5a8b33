"""Finds what a text lacks, and what carriers may block it for, before it is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from bot.consent.placeholders import variables_in
from bot.errors import marked as _
from bot.model.outbound_message import OutboundMessage
from bot.model.workspace import Workspace
from bot.outbound.gateways.base import LONGEST
from bot.outbound.kinds.outbound import KNOWN, message_body, opt_out_text

SHORTENERS = re.compile(
    r"\b(bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly|t\.ly|rb\.gy|shorturl\.at)/",
    re.IGNORECASE,
)
"""Public ones, which carriers block (CTIA 5.3.1; Twilio 30007)."""
RATES = re.compile(r"\brates?\b|tarif|gebühr|رسوم", re.I)
SHOUTED, FEW_LETTERS = 0.7, 20
"""Share of capitals that is shouting, in texts with at least this many letters: fewer may be a name."""
SAMPLE_LINK = "/p/k3J9xQ2mVt8Lw4Zb7RnYcA"
"""As long as a real one: the link counts, too."""


@dataclass(frozen=True, slots=True)
class MessageFinding:
    text: str
    """A gettext id."""
    values: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    """The locale of the text, unless it is the message's own."""
    is_bad: bool = False
    """It can't be sent so."""


def check_message(
    message: OutboundMessage, workspace: Workspace, attributes: Collection[str], public_url: str
) -> list[MessageFinding]:
    """`attributes`: the keys of the custom ones."""
    found = [] if message.subscription else [MessageFinding(_("Choose a subscription."), is_bad=True)]
    if not message.text(message.language).strip():
        return [*found, MessageFinding(_("Write a message first."), is_bad=True)]
    found += _variables(message, KNOWN.union(attributes))
    for locale, text in message.texts.items():
        language = "" if locale == message.language else locale
        body = message_body(message, workspace, None, locale, f"{public_url}{SAMPLE_LINK}")
        found += [MessageFinding(f.text, f.values, language, f.is_bad) for f in _text(text, body, locale, workspace)]
    return found


def lacks_disclosure(message: OutboundMessage, workspace: Workspace) -> bool:
    """Whether it doesn't say what the first text to a person has to: HELP, and that rates may apply (CTIA 5.1.2.1)."""
    bodies = [message_body(message, workspace, None, locale, "") for locale in message.texts]
    return any("HELP" not in body.upper() or not RATES.search(body) for body in bodies)


def _variables(message: OutboundMessage, known: frozenset[str]) -> Iterator[MessageFinding]:
    names: dict[str, bool] = {}
    for text in message.texts.values():
        for name, fallback in variables_in(text).items():
            names[name] = names.get(name, True) and bool(fallback)
    if unknown := [name for name in names if name not in known]:
        yield MessageFinding(_("Unknown variables: %(names)s"), {"names": ", ".join(unknown)})
    needing = known - {"brand"}
    if lacking := [name for name, has_fallback in names.items() if name in needing and not has_fallback]:
        yield MessageFinding(_("Add a fallback for people without a value: %(example)s"), {"lacking": lacking[0]})


def _text(text: str, body: str, locale: str, workspace: Workspace) -> Iterator[MessageFinding]:
    if workspace.name.casefold() not in text.casefold() and "brand" not in variables_in(text):
        yield MessageFinding(_("Say who is texting: the message doesn't name %(brand)s."), {"brand": workspace.name})
    if not re.search(r"\bSTOP\b", opt_out_text(workspace, locale, ""), re.I):
        where = _("The opt-out text doesn't say to reply STOP. Change it in Settings > Brand and compliance.")
        yield MessageFinding(where, is_bad=True)
    if shortened := [found[1] for found in SHORTENERS.finditer(text)]:
        names = ", ".join(dict.fromkeys(shortened))
        yield MessageFinding(_("Carriers block public link shorteners: %(names)s"), {"names": names})
    if _is_shouted(text):
        yield MessageFinding(_("Carriers filter texts in capital letters."))
    if len(body) > LONGEST:
        too_long = _("Too long with the opt-out text. Use up to %(most)s characters.")
        yield MessageFinding(too_long, {"most": str(LONGEST)}, is_bad=True)


def _is_shouted(text: str) -> bool:
    letters = [c for c in text if c.isalpha() and c.lower() != c.upper()]
    return len(letters) > FEW_LETTERS and sum(c.isupper() for c in letters) > SHOUTED * len(letters)
