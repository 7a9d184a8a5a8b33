"""Why a phone number is refused: naming the country whose rules it was read by, and how to choose another. Pure."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType
from phonenumbers import ValidationResult as Length

from bot.errors import NumberRefused
from bot.errors import marked as _
from bot.i18n import Translator

CHOOSE = _("For another country, start with + and its code, like +44.")
"""Added to the message if the number was read with an assumed country code."""


def spoken(error: NumberRefused, say: Translator) -> str:
    """The error message in the reader's language, with country names."""
    values = dict(error.values)
    if "country" in values:
        values["country"] = say.country_in_sentence(values["country"])
    if "example" in values and say.direction == "rtl":
        values["example"] = f"\u2066{values['example']}\u2069"
    if "countries" in values:
        values["countries"] = ", ".join(say.country(c) for c in values["countries"].split(","))
    said = say(error.text, **values)
    return f"{said} {say(CHOOSE)}" if error.is_country_assumed else said


def empty() -> NumberRefused:
    return NumberRefused("empty", _("Enter your mobile number."))


def extension() -> NumberRefused:
    return NumberRefused("extension", _("Remove the extension. We can't text extensions."))


def not_a_number(region: str, *, is_assumed: bool) -> NumberRefused:
    if is_assumed and (example := _example(region)):
        sentence = _("Enter a mobile number in %(country)s, like %(example)s.")
        return NumberRefused("not_a_number", sentence, is_country_assumed=True, country=region, example=example)
    example = _example(region, PhoneNumberFormat.INTERNATIONAL) or "+1 201-555-0123"
    return NumberRefused("not_a_number", _("Enter a number like %(example)s."), example=example)


def too_long(digits: str, region: str) -> NumberRefused:
    sentence = _("Too long: numbers in %(country)s look like %(example)s.")
    return _lengthy("too_long", sentence, _("This number is too long. Check for extra digits."), digits, region)


def too_short(digits: str, region: str) -> NumberRefused:
    sentence = _("Too short: numbers in %(country)s look like %(example)s.")
    return _lengthy("too_short", sentence, _("This number is too short. Check for missing digits."), digits, region)


def not_texted(region: str, countries: Collection[str]) -> NumberRefused:
    return NumberRefused(
        "not_texted",
        _("We don't text numbers in %(country)s yet. Use a number from: %(countries)s."),
        country=region,
        countries=",".join(countries),
    )


def not_valid(digits: str, region: str) -> NumberRefused:
    """`digits` are no number, typed with `region` selected."""
    try:
        parsed = phonenumbers.parse(digits, region)
    except NumberParseException as error:
        return _unreadable(error, digits, region)
    if not digits.startswith("+") and _is_abroad(digits):
        sentence = _("This isn't a number in %(country)s.")
        return NumberRefused("no_country", sentence, is_country_assumed=True, country=region)
    length = phonenumbers.is_possible_number_with_reason(parsed)
    if length in {Length.TOO_SHORT, Length.IS_POSSIBLE_LOCAL_ONLY}:
        return too_short(digits, region)
    if length in {Length.TOO_LONG, Length.INVALID_LENGTH}:
        return too_long(digits, region)
    there, is_assumed = _country(digits, region)
    sentence = _("That isn't a valid number in %(country)s. Check the digits.")
    return NumberRefused("not_in_use", sentence, is_country_assumed=is_assumed, country=there)


def no_texts(parsed: PhoneNumber, region: str, *, is_assumed: bool) -> NumberRefused:
    """It is valid in `region`, but of a kind that can't receive texts."""
    kinds = {
        PhoneNumberType.FIXED_LINE: (
            "landline",
            _("That looks like a landline in %(country)s. Use a mobile number that can receive texts."),
        ),
        PhoneNumberType.TOLL_FREE: (
            "toll_free",
            _("That's a toll-free number in %(country)s, which can't receive our texts. Use a mobile number."),
        ),
    }
    other = _("That type of number in %(country)s can't receive our texts. Use a mobile number.")
    problem, sentence = kinds.get(phonenumbers.number_type(parsed), ("premium", other))
    return NumberRefused(problem, sentence, is_country_assumed=is_assumed, country=region)


def _unreadable(error: NumberParseException, digits: str, region: str) -> NumberRefused:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        return NumberRefused("no_country", _("Unknown country code. Start with + and a country code, like +44."))
    return (too_long if error.error_type == NumberParseException.TOO_LONG else too_short)(digits, region)


def _lengthy(problem: str, sentence: str, unknown: str, digits: str, region: str) -> NumberRefused:
    """With an example as people in the country write it: counting digits, some include a leading 0 and some don't."""
    there, is_assumed = _country(digits, region)
    form = PhoneNumberFormat.NATIONAL if is_assumed else PhoneNumberFormat.INTERNATIONAL
    if example := _example(there, form):
        return NumberRefused(problem, sentence, is_country_assumed=is_assumed, country=there, example=example)
    return NumberRefused(problem, unknown)


def _country(digits: str, region: str) -> tuple[str, bool]:
    """The country whose rules apply, and whether it was only selected or assumed."""
    if not digits.startswith("+"):
        return region, True
    codes = (int(digits[1:end]) for end in (2, 3, 4) if digits[1:end])
    found = (phonenumbers.region_code_for_country_code(code) for code in codes)
    return next((code for code in found if code in phonenumbers.SUPPORTED_REGIONS), ""), False


def _is_abroad(digits: str) -> bool:
    """Whether the digits with a plus in front are a valid number of some country."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse("+" + digits, None))
    except NumberParseException:
        return False


@lru_cache(maxsize=512)
def _example(region: str, form: int = PhoneNumberFormat.NATIONAL) -> str:
    """A mobile number as people write it; empty for a region that isn't one."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, form) if number else ""
