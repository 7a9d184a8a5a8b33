"""Reads phone numbers as people type them: valid, in which country, able to receive texts.

Each kind of error has its own message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType
from phonenumbers import ValidationResult as Length

from bot.errors import EmailRefused, NumberRefused
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.addresses import is_email as is_email
from bot.model.contact import Contact
from bot.model.subscription import MessageType

TAKES_TEXTS = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
LONGEST = 40
"""The limit of characters of a number, however it is written."""
LINK = re.compile(r"(?:tel|sms|smsto|callto):(?://)?", re.IGNORECASE)
"""URL schemes of a number copied from a link (RFC 3966, RFC 5724)."""
WHATSAPP = re.compile(
    r"(?:https?://)?(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?phone=)|whatsapp:(?://send/?\?phone=)?", re.IGNORECASE
)
"""WhatsApp links: their numbers are international, with or without a plus."""
EXTENSION = re.compile(r"(?:;\s*ext\s*=|,+|#|\bext(?:ension|n)?\b[.:]?|(?<=\d)\s*x[.:]?)\s*\d{1,6}$", re.IGNORECASE)
DIALED_ABROAD = ("00", "011")
"""Prefixes dialed instead of a plus, in any country (ITU-T E.164; NANP)."""
MEXICO = re.compile(r"(?:\+?52)?(?:1|01|044|045)(\d{10})")
"""Mobile prefixes that Mexico abolished in 2019 and people still type."""


REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can receive texts."""

    e164: str
    region: str
    national: str
    """As people write it, see `national`."""


_numbers: dict[str, Number | None] = {}
"""By E.164, the first ones first."""


def read_number(text: str, region: str, countries: Collection[str]) -> Number:
    """Reads `text`, typed with `region` selected (ISO 3166-1 alpha-2), if we text its country.

    Raises NumberRefused with `problem` one of: empty, not_a_number, extension, no_country, too_short, too_long,
    not_in_use, landline, premium, not_texted.
    """
    digits = _clean(text, region)
    readings = (_valid(reading, region) for reading in _readings(digits, region))
    parsed, there = next(filter(None, readings), (None, ""))
    if parsed is None:
        raise _why_invalid(digits, _parse(digits, region), region)
    if there not in countries:
        raise NumberRefused(
            "not_texted",
            _("We don't text numbers in %(country)s yet. Use a number from: %(countries)s."),
            country=there,
            countries=",".join(countries),
        )
    kind = phonenumbers.number_type(parsed)
    if kind not in TAKES_TEXTS:
        raise _why_no_texts(kind)
    return _remember(Number(_e164(parsed), there, _national(parsed)))


def saved_number(phone: str | None) -> Number | None:
    """The contact's number if it is valid and can receive texts (it is then locked, law 5), else None."""
    return _known(phone) if phone else None


def read_email(text: str) -> str:
    """The address as typed. Raises EmailRefused."""
    text = text.strip()
    if not is_email(text):
        raise EmailRefused
    return text


def address_of(contact: Contact, channel: MessageType) -> str | None:
    """Where messages of this channel reach the contact: a valid number (E.164) or email address.

    A card shows it locked.
    """
    if channel is MessageType.EMAIL:
        return contact.email if contact.email and is_email(contact.email) else None
    number = saved_number(contact.phone)
    return number.e164 if number else None


def national(e164: str) -> str:
    """`+12015550123` is "(201) 555-0123"; numbers outside North America keep their country code: "+44 7400 123456"."""
    number = _known(e164)
    return number.national if number else _national(phonenumbers.parse(e164, None))


@lru_cache(maxsize=4096)
def masked(e164: str) -> str:
    """Shows only the last four digits: "(•••) •••-0123"."""
    shown = national(e164)
    keep = [i for i, c in enumerate(shown) if c.isdigit()][-4:]
    return "".join("•" if c.isdigit() and i not in keep else c for i, c in enumerate(shown))


def example_number(region: str) -> str:
    """A valid mobile number of this country in E.164, for previews."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return _e164(number) if number else "+12015550123"


def international(text: str, region: str) -> str | None:
    """A number that can be called, in international format: "+1 800 555 0199"."""
    try:
        parsed = phonenumbers.parse(text[:50], region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed) or parsed.extension:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def all_regions() -> frozenset[str]:
    """The supported countries (ISO 3166-1 alpha-2)."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def calling_code(region: str) -> str:
    """`US` is "+1"."""
    return f"+{phonenumbers.country_code_for_region(region)}"


def _known(e164: str) -> Number | None:
    """Cached: parsing takes 0.15 ms, and the same number is needed several times."""
    if e164 not in _numbers:
        _keep(e164, _read(e164))
    return _numbers[e164]


def _remember(number: Number) -> Number:
    _keep(number.e164, number)
    return number


def _keep(e164: str, number: Number | None) -> None:
    if len(_numbers) >= REMEMBERED:
        del _numbers[next(iter(_numbers))]
    _numbers[e164] = number


def _read(e164: str) -> Number | None:
    try:
        parsed = phonenumbers.parse(e164, None)
    except NumberParseException:
        return None
    there = phonenumbers.region_code_for_number(parsed)
    if there is None or not phonenumbers.is_valid_number_for_region(parsed, there):
        return None
    takes_texts = phonenumbers.number_type(parsed) in TAKES_TEXTS
    return Number(_e164(parsed), there, _national(parsed)) if takes_texts else None


def _e164(parsed: PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def _national(parsed: PhoneNumber) -> str:
    form = PhoneNumberFormat.NATIONAL if parsed.country_code == 1 else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)


def spoken(error: NumberRefused, say: Translator) -> str:
    """The error message in the reader's language, with country names."""
    values = dict(error.values)
    if "country" in values:
        values["country"] = say.country_in_sentence(values["country"])
    if "example" in values:
        values["example"] = _example(values["example"])
    if "countries" in values:
        values["countries"] = ", ".join(say.country(c) for c in values["countries"].split(","))
    return say(error.text, **values)


def _clean(text: str, region: str) -> str:
    """Digits of any script and a leading plus; separators and pasted formatting characters are removed."""
    text = unicodedata.normalize("NFKC", text[: LONGEST * 4]).strip() if len(text) <= LONGEST * 4 else text
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").rstrip(" ,;:")
    text = _without_link(text)
    if not text:
        raise NumberRefused("empty", _("Enter your mobile number."))
    if EXTENSION.search(text[-LONGEST:]):
        raise NumberRefused("extension", _("Remove the extension. We can't text extensions."))
    if not all(c.isdecimal() or c.isspace() or c in "+()-./‐‑‒–—−" for c in text):
        raise NumberRefused("not_a_number", _("Enter a number like %(example)s."), example=region)
    plain = "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
    if not plain:
        raise NumberRefused("not_a_number", _("Enter a number like %(example)s."), example=region)
    if len(text) > LONGEST:
        raise NumberRefused("too_long", _("This number is too long. Check for extra digits."))
    return ("+" if text.lstrip("( ").startswith("+") else "") + plain


def _without_link(text: str) -> str:
    if whatsapp := WHATSAPP.match(text):
        return "+" + re.split(r"[?&]", text[whatsapp.end() :], maxsplit=1)[0].strip().lstrip("+ ")
    link = LINK.match(text)
    return text[link.end() :].partition("?")[0].strip() if link else text


def _readings(digits: str, region: str) -> Iterator[str]:
    """Possible meanings of the digits, most likely first."""
    abroad = [f"+{digits[3:]}"] if digits.startswith("+00") else []
    abroad += [f"+{digits.removeprefix(prefix)}" for prefix in DIALED_ABROAD if digits.startswith(prefix)]
    for reading in (digits, *abroad):
        yield reading
        is_mexican = region == "MX" or reading.startswith("+52")
        if is_mexican and (mobile := MEXICO.fullmatch(reading)):
            yield f"+52{mobile[1]}"


def _valid(digits: str, region: str) -> tuple[PhoneNumber, str] | None:
    """The number, and its country."""
    try:
        parsed = phonenumbers.parse(digits, region)
    except NumberParseException:
        return None
    there = phonenumbers.region_code_for_number(parsed)
    return (parsed, there) if there and phonenumbers.is_valid_number_for_region(parsed, there) else None


def _parse(digits: str, region: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(digits, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise NumberRefused(
                "no_country", _("Unknown country code. Start with + and a country code, like +44.")
            ) from error
        if error.error_type == NumberParseException.TOO_LONG:
            raise NumberRefused("too_long", _("This number is too long. Check for extra digits.")) from error
        raise _too_short(digits, region) from error


def _why_invalid(digits: str, parsed: PhoneNumber, region: str) -> NumberRefused:
    there = phonenumbers.region_code_for_country_code(parsed.country_code or 0) if digits.startswith("+") else region
    if not digits.startswith("+") and _is_abroad(digits):
        return NumberRefused(
            "no_country",
            _(
                "This looks like a number in %(country)s. "
                "For another country, start with + and its country code, like +44."
            ),
            country=region,
        )
    length = phonenumbers.is_possible_number_with_reason(parsed)
    if length in {Length.TOO_SHORT, Length.IS_POSSIBLE_LOCAL_ONLY}:
        return _too_short(digits, there)
    if length in {Length.TOO_LONG, Length.INVALID_LENGTH}:
        sentence = (
            _("Too long: numbers in %(country)s have %(digits)s digits.")
            if digits.startswith("+")
            else _("Too long: numbers in %(country)s have %(digits)s digits. For another country, start with +.")
        )
        return NumberRefused("too_long", sentence, country=there, digits=_lengths(there))
    sentence = (
        _("That isn't a valid number in %(country)s. Check the digits.")
        if digits.startswith("+")
        else _("That isn't a valid number in %(country)s. Check the digits. For another country, start with +.")
    )
    return NumberRefused("not_in_use", sentence, country=there)


def _too_short(digits: str, region: str) -> NumberRefused:
    sentence = (
        _("Too short: numbers in %(country)s have %(digits)s digits.")
        if digits.startswith("+")
        else _("Too short: numbers in %(country)s have %(digits)s digits. For another country, start with +.")
    )
    return NumberRefused("too_short", sentence, country=region, digits=_lengths(region))


def _why_no_texts(kind: int) -> NumberRefused:
    if kind == PhoneNumberType.FIXED_LINE:
        return NumberRefused("landline", _("That looks like a landline. Use a mobile number that can receive texts."))
    return NumberRefused("premium", _("That type of number can't receive our texts. Use a mobile number."))


def _is_abroad(digits: str) -> bool:
    """Whether the digits with a plus in front are a valid number of some country."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse("+" + digits, None))
    except NumberParseException:
        return False


@lru_cache(maxsize=256)
def _lengths(region: str) -> str:
    """How many digits a mobile number of this country has: "10", "10 or 11"."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    lengths = sorted(n for n in (metadata.mobile.possible_length if metadata and metadata.mobile else ()) if n > 0)
    return f"{lengths[0]}–{lengths[-1]}" if len(lengths) > 1 else str(lengths[0]) if lengths else "10"


@lru_cache(maxsize=256)
def _example(region: str) -> str:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else "(201) 555-0123"
