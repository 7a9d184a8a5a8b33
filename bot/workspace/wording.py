"""What a teammate may set on a subscription: validated, normalized, compared. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.errors import marked as _
from bot.i18n import DEFAULT
from bot.model.form_words import FORM_WORDS
from bot.model.subscription import CapPeriod, ConsentType, MessageType, Purpose, Subscription, Translation

LOCALE = re.compile(r"[A-Za-z0-9_-]{2,35}")
MOST_CAP = 100
EMPTY_NAME = _("Name is required.")


def one_line(text: object) -> object:
    """Removes line breaks, control characters and superfluous spaces."""
    return " ".join(_plain(text.split())) if isinstance(text, str) else text


def lines(text: object) -> object:
    """Keeps line breaks, as one character each."""
    return "\n".join(_plain(text.strip().splitlines())).strip() if isinstance(text, str) else text


def _plain(parts: list[str]) -> list[str]:
    """Composes letters into single code points, so that equal names compare equal, and removes unassigned
    characters."""
    normal = (unicodedata.normalize("NFC", part).rstrip() for part in parts)
    return ["".join(c for c in part if unicodedata.category(c) not in {"Cc", "Cs", "Cn"}) for part in normal]


def _visible(text: str) -> str:
    if all(unicodedata.category(c)[0] in "ZC" for c in text):
        raise ValueError(EMPTY_NAME)
    return text


def known_locale(name: str) -> str:
    """`pt_BR`, as CLDR writes it. Raises ValueError for an unknown language."""
    try:
        if not LOCALE.fullmatch(name):
            raise ValueError(name)
        return str(Locale.parse(name, sep="-" if "-" in name else "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise ValueError(_("Unsupported language.")) from None


def _cap(typed: object) -> object:
    """A field that is left blank is no limit. Raises ValueError."""
    if not isinstance(typed, str):
        return typed or None
    text = typed.strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST_CAP):
        raise ValueError(_("Enter a whole number from 1 to 100."))
    return text or None


Name = Annotated[str, BeforeValidator(one_line), Field(max_length=120), AfterValidator(_visible)]
Description = Annotated[str, BeforeValidator(lines), Field(max_length=1000)]
Confirmation = Annotated[str, BeforeValidator(lines), Field(max_length=640)]
Title = Annotated[str, BeforeValidator(one_line), Field(max_length=200)]
Button = Annotated[str, BeforeValidator(one_line), Field(max_length=60)]
LegalText = Annotated[str, BeforeValidator(lines), Field(max_length=2000)]
Box = Annotated[str, BeforeValidator(lines), Field(max_length=500)]
Cap = Annotated[Annotated[int, Field(ge=1, le=MOST_CAP)] | None, BeforeValidator(_cap)]
Language = Annotated[str, AfterValidator(known_locale)]


class LocalizedWords(BaseModel):
    """What subscribers read, in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: Description = ""
    confirmation: Confirmation = ""
    title: Title = ""
    """This and the following: what a new opt-in form begins with."""
    button: Button = ""
    legal_text: LegalText = ""
    box: Box = ""


class Wording(LocalizedWords):
    """What a teammate may change on a saved subscription: not message type, consent type or state (law 9)."""

    double_opt_in: bool = False
    written_only: bool = False
    cap: Cap = None
    cap_period: CapPeriod = CapPeriod.WEEK
    language: Language = DEFAULT
    translations: dict[Language, LocalizedWords] = Field(default_factory=dict)

    def on(self, subscription: Subscription) -> Subscription:
        """The subscription with this wording."""
        given = self.model_dump(include=set(Wording.model_fields))
        given["translations"] = {
            locale: Translation(**words) for locale, words in sorted(given["translations"].items())
        }
        return subscription.model_copy(update=given)


class New(Wording):
    """A new subscription, including what can't change later."""

    message_type: MessageType
    consent_type: ConsentType
    purpose: Purpose = Purpose.MARKETING


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed field, word for word. `locale`: of the translation; empty for the default wording."""

    field: str
    locale: str
    before: str
    after: str


FIELDS = (
    "name",
    "description",
    "message_type",
    "consent_type",
    "purpose",
    "state",
    "double_opt_in",
    "written_only",
    "cap",
    "cap_period",
    "language",
    "confirmation",
    *FORM_WORDS,
)
WORDS = ("name", "description", "confirmation", *FORM_WORDS)


def differences(before: Subscription | None, after: Subscription) -> list[Difference]:
    """The differences in page order; without `before`, all fields."""
    found = [Difference(field, "", _text(before, field), _text(after, field)) for field in FIELDS]
    locales = sorted({*(before.translations if before else ()), *after.translations})
    for locale in locales:
        old, new = (s.translations.get(locale) if s else None for s in (before, after))
        found += [Difference(field, locale, _text(old, field), _text(new, field)) for field in WORDS]
    return [difference for difference in found if difference.before != difference.after]


def _text(of: Subscription | Translation | None, field: str) -> str:
    value = getattr(of, field) if of else None
    if field == "cap_period" and isinstance(of, Subscription) and of.cap is None:
        return ""  # it means nothing without a limit
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str("" if value is None else value)
