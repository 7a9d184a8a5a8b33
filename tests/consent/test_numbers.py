"""Numbers as people type, paste and mistype them. Each way to be wrong has a sentence that says how to mend it."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.consent import numbers
from bot.consent.number_refusals import CHOOSE, spoken
from bot.consent.numbers import (
    address_of,
    calling_code,
    masked,
    national,
    read_number,
    saved_number,
)
from bot.errors import NumberRefused
from bot.i18n import translator
from bot.model.subscription import MessageType
from tests.people import ANOTHER, NUMBER, TEXTED, person

ENGLISH = translator("en")


@pytest.mark.parametrize(
    "typed",
    [
        "(201) 555-0123",
        "201-555-0123",
        "201.555.0123",
        "201/555/0123",
        "2015550123",
        " 201 555 0123 ",
        "1 201 555 0123",
        "+1 201 555 0123",
        "+1 (201) 555-0123",
        "(+1) 201 555 0123",
        "201\u00a0555\u00a00123",
        "201\u202f555\u202f0123",
        "201–555–0123",
        "201‑555‑0123",
        "201−555−0123",
        "tel:+12015550123",
        "tel:2015550123",
        "TEL:+1-201-555-0123",
        "\u200f(201) 555-0123\u200e",
        "\u202a+12015550123\u202c",
        "\u2068+1 201 555 0123\u2069",
        "\ufeff2015550123",
        "201\u200b555\u200b0123",
        "٢٠١٥٥٥٠١٢٣",
        "۲۰۱۵۵۵۰۱۲۳",
        "२०१५५५०१२३",
        "２０１５５５０１２３",
        "＋１（２０１）５５５－０１２３",
        "\t201\n555\r0123",
        "001 201 555 0123",
        "+001 201 555 0123",
        "011 1 201 555 0123",
        "tel://2015550123",
        "sms:+12015550123",
        "sms:2015550123?body=Hi%20there",
        "smsto:+12015550123",
        "callto:+12015550123",
        "whatsapp:+12015550123",
        "whatsapp://send?phone=12015550123&text=Hi",
        "https://wa.me/12015550123",
        "http://wa.me/+12015550123?text=Hi",
        "wa.me/12015550123",
        "https://api.whatsapp.com/send?phone=12015550123",
        "https://api.whatsapp.com/send/?phone=%2B1%20201%20555-0123&text=Hi&type=phone_number&app_absent=0",
        "https://web.whatsapp.com/send?text=Call+me&phone=12015550123",
        "api.whatsapp.com/send?phone=12015550123",
        "www.wa.me/12015550123",
        "https://wa.me/12015550123?text=Hi%20there",
        "wa.me/%2B12015550123/",
        "whatsapp:12015550123?text=Hi",
        "sms:+12015550123;?&body=Hi%20there",
        "sms:+12015550123?body=Hi: call (201) 555-0199!",
        "sms:+12015550123&body=Hi",
        "sms:2015550123;body=Hi",
        "sms:2015550123?body=" + "Hi%20" * 300,
        "SMSTO:+12015550123:Hi there",
        "mms:+12015550123",
        "tel:%2B12015550123",
        "tel:2015550123;phone-context=+1",
        "tel:201-555-0123;phone-context=+1;isub=5",
        "tel:+12015550123;phone-context=example.com",
        "tel:2015550123;phone-context=example.com",
    ],
)
def test_a_number_is_read_however_it_is_written(typed: str) -> None:
    assert read_number(typed, "US", TEXTED).e164 == NUMBER


@pytest.mark.parametrize(
    ("typed", "region", "e164", "there"),
    [
        ("+44 7400 123456", "US", "+447400123456", "GB"),
        ("07400 123456", "GB", "+447400123456", "GB"),
        ("+1 204 234 5678", "US", "+12042345678", "CA"),
        ("204 234 5678", "CA", "+12042345678", "CA"),
        ("+1 201 555 0123", "GB", NUMBER, "US"),
        ("0044 7400 123456", "US", "+447400123456", "GB"),
        ("00447400123456", "GB", "+447400123456", "GB"),
        ("011 44 7400 123456", "US", "+447400123456", "GB"),
        ("01144 7400 123456", "GB", "+447400123456", "GB"),
        ("001 201 555 0123", "GB", NUMBER, "US"),
        ("+44 (0)7400 123456", "US", "+447400123456", "GB"),
        ("wa.me/447400123456", "US", "+447400123456", "GB"),
        ("tel:7400123456;phone-context=+44", "US", "+447400123456", "GB"),
        ("tel:07400-123456;phone-context=+44", "US", "+447400123456", "GB"),
        ("sms:07400123456?body=Hi", "GB", "+447400123456", "GB"),
    ],
)
def test_a_plus_beats_the_country_that_was_chosen(typed: str, region: str, e164: str, there: str) -> None:
    number = read_number(typed, region, TEXTED)
    assert (number.e164, number.region) == (e164, there)


@pytest.mark.parametrize(
    "typed",
    [
        "+52 55 1234 5678",
        "+52 1 55 1234 5678",
        "+521 55 1234 5678",
        "52 1 55 1234 5678",
        "044 55 1234 5678",
        "045 55 1234 5678",
        "01 55 1234 5678",
        "1 55 1234 5678",
        "0052 1 55 1234 5678",
        "011 52 1 55 1234 5678",
        "55 1234 5678",
    ],
)
def test_mexican_numbers_are_read_with_the_prefixes_of_before_2019(typed: str) -> None:
    assert read_number(typed, "MX", ("MX",)).e164 == "+525512345678"


def test_a_mexican_prefix_means_nothing_elsewhere() -> None:
    with pytest.raises(NumberRefused):
        read_number("044 55 1234 5678", "US", ("US", "MX"))


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("\u200f", "empty"),
        ("\t\n", "empty"),
        ("hello", "not_a_number"),
        ("abc123", "not_a_number"),
        ("1-800-FLOWERS", "not_a_number"),
        ("😀", "not_a_number"),
        ("☎️ 2015550123", "not_a_number"),
        ("+", "not_a_number"),
        ("-", "not_a_number"),
        ("()", "not_a_number"),
        ("½", "not_a_number"),
        ("ada@example.com", "not_a_number"),
        ("<script>alert(1)</script>", "not_a_number"),
        ("'; DROP TABLE contacts; --", "not_a_number"),
        ("{'$ne': null}", "not_a_number"),
        ("\x00", "not_a_number"),
        ("\ud800", "not_a_number"),
        ("a" * 10_000, "not_a_number"),
        ("201-555-0123 x5", "extension"),
        ("201-555-0123 ext. 5", "extension"),
        ("201-555-0123;ext=5", "extension"),
        ("2015550123#5", "extension"),
        ("tel:+12015550123;ext=5", "extension"),
        ("tel:2015550123;ext=5;phone-context=+1", "extension"),
        ("sms:", "not_a_number"),
        ("wa.me/", "empty"),
        ("https://api.whatsapp.com/send?text=Hi", "empty"),
        ("https://wa.me/message/ABCDEF", "not_a_number"),
        ("sms:+12015550123,+12015550124", "not_a_number"),
        ("2015550123,5", "extension"),
        ("+12015550123, +12015550124", "not_a_number"),
        ("1", "too_short"),
        ("911", "too_short"),
        ("5550123", "too_short"),
        ("201555012", "too_short"),
        ("+1", "too_short"),
        ("+0", "too_short"),
        ("٢٠١", "too_short"),
        ("20155501230000", "too_long"),
        ("2015550123\n2015550124", "too_long"),
        ("1" * 41, "too_long"),
        ("1" * 10_000, "too_long"),
        ("9" * 1_000_000, "too_long"),
        (" " * 5_000 + "2015550123", "too_long"),
        ("0000000000", "not_in_use"),
        ("1111111111", "not_in_use"),
        ("999 999 9999", "not_in_use"),
        ("000 555 0123", "not_in_use"),
        ("+999 123456", "no_country"),
        ("447400123456", "no_country"),
        ("+44 20 7946 0958", "landline"),
        ("800 555 0199", "toll_free"),
        ("900 234 5678", "premium"),
        ("+44 906 000 1234", "premium"),
        ("+44 7640 123456", "premium"),
        ("+1 500 555 0006", "premium"),
        ("+49 1512 3456789", "not_texted"),
        ("+61 412 345 678", "not_texted"),
        ("+1 345 916 1234", "not_texted"),
        ("+1 787 555 0123", "not_texted"),
        ("+44 7781 123456", "not_texted"),
    ],
)
def test_each_way_to_be_wrong_has_its_name_and_its_sentence(typed: str, problem: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number(typed, "US", TEXTED)
    assert refused.value.problem == problem
    _is_whole_sentence(spoken(refused.value, ENGLISH))


WRONG_IN_ANY_COUNTRY = st.one_of(
    st.sampled_from(["hello", "12", "5550123", "1" * 25, "1" * 60, "0000000000"]),
    st.text(st.sampled_from("0123456789- ()ax"), min_size=1, max_size=60).filter(lambda text: text.strip(" ,;:")),
)


@settings(deadline=None)
@given(WRONG_IN_ANY_COUNTRY, st.sampled_from(["US", "GB", "DE", "MX", "IT", "AU"]))
def test_whatever_was_read_by_a_countrys_rules_names_it_and_how_to_change_it(typed: str, region: str) -> None:
    with suppress(NumberRefused):
        read_number(typed, region, (region,))
        return
    with pytest.raises(NumberRefused) as refused:
        read_number(typed, region, (region,))
    if refused.value.problem not in {"extension", "not_texted", "no_country"}:
        said = spoken(refused.value, ENGLISH)
        is_abroad = typed.strip(" ()-").replace("-", "").replace(" ", "").startswith(("00", "011"))
        assert (ENGLISH.country_in_sentence(region) in said and CHOOSE in said) or is_abroad


@settings(deadline=None)
@given(
    st.sampled_from(["+12015550123", "+447400123456", "+61412345678", "+525512345678"]),
    st.sampled_from(
        [
            "{plus}",
            "tel:{plus}",
            "sms:{plus};?&body={body}",
            "sms:{plus}?body={body}",
            "smsto:{plus}:{body}",
            "www.wa.me/{plain}",
            "https://wa.me/{plain}?text={body}",
            "HTTPS://API.WHATSAPP.COM/send?phone={plain}&text={body}",
            "api.whatsapp.com/send/?text={body}&phone={encoded}",
            "whatsapp://send?phone={plain}&text={body}",
        ]
    ),
    st.text(max_size=50).map(quote),
    st.sampled_from(["US", "GB", "MX"]),
)
def test_a_link_means_its_number_whatever_message_it_carries(e164: str, link: str, body: str, region: str) -> None:
    plain = e164.removeprefix("+")
    typed = link.format(plus=e164, plain=plain, encoded=f"%2B{plain}", body=body)
    assert read_number(typed, region, ("US", "GB", "AU", "MX")).e164 == e164


@pytest.mark.parametrize(
    ("typed", "region", "country"),
    [
        ("5550123", "US", "the United States"),
        ("20155501230000", "US", "the United States"),
        ("1" * 60, "US", "the United States"),
        ("999 999 9999", "US", "the United States"),
        ("447400123456", "US", "the United States"),
        ("hello", "US", "the United States"),
        ("800 555 0199", "US", "the United States"),
        ("900 234 5678", "US", "the United States"),
        ("020 7946 0958", "GB", "the United Kingdom"),
        ("0800 123 4567", "GB", "the United Kingdom"),
    ],
)
def test_a_refusal_names_the_country_it_assumed_and_how_to_change_it(typed: str, region: str, country: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number(typed, region, TEXTED)
    said = spoken(refused.value, ENGLISH)
    assert f"in {country}" in said
    assert said.endswith(CHOOSE)


@pytest.mark.parametrize("typed", ["+44 7400", "+44 7400 123456 789", "+44 1111 111111"])
def test_a_refusal_of_a_number_with_a_country_code_names_its_country(typed: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number(typed, "US", TEXTED)
    said = spoken(refused.value, ENGLISH)
    assert "the United Kingdom" in said
    assert "another country" not in said


def test_a_number_of_a_country_that_is_not_texted_names_those_that_are() -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number("+49 1512 3456789", "US", TEXTED)
    said = spoken(refused.value, ENGLISH)
    assert "Germany" in said
    assert "United States, Canada, United Kingdom" in said


def test_a_number_that_is_too_short_says_what_one_looks_like() -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number("07400", "GB", TEXTED)
    assert spoken(refused.value, ENGLISH) == (
        f"Too short: numbers in the United Kingdom look like 07400 123456. {CHOOSE}"
    )


def test_an_example_is_one_of_the_country_that_was_chosen() -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number("hello", "GB", TEXTED)
    assert "07400 123456" in spoken(refused.value, ENGLISH)


@pytest.mark.parametrize("region", ["ZZ", "", "us", "USA", "💥", "+1", "__class__"])
@pytest.mark.parametrize("typed", ["2015550123", "hello", "", "12", "+999123456"])
def test_a_region_that_is_none_is_a_refusal_too(region: str, typed: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        read_number(typed, region, TEXTED)
    _is_whole_sentence(spoken(refused.value, ENGLISH))


PHONE_LIKE = st.text(st.sampled_from("0123456789٠١٢٣４５+()-. \u200f\u202atel:#x,;😀½²\n"), max_size=60)


@settings(deadline=None)
@given(st.one_of(st.text(), PHONE_LIKE), st.sampled_from(["US", "GB", "CA", "ZZ", "", "BR"]))
def test_whatever_is_typed_is_a_number_or_a_refusal_with_a_sentence(typed: str, region: str) -> None:
    try:
        number = read_number(typed, region, TEXTED)
    except NumberRefused as refused:
        _is_whole_sentence(spoken(refused, ENGLISH))
    else:
        assert number.region in TEXTED
        assert saved_number(number.e164) == number
        assert read_number(number.e164, region, TEXTED) == number


@settings(deadline=None)
@given(st.one_of(st.none(), st.text(), PHONE_LIKE))
def test_a_saved_number_is_valid_or_not_there(phone: str | None) -> None:
    number = saved_number(phone)
    assert number is None or number.e164.startswith("+")


@pytest.mark.parametrize(
    "phone", [None, "", "hello", "2015550123", "+1201555", "+44 20 7946 0958", "+1 800 555 0199", "+999123456"]
)
def test_a_number_that_cannot_be_texted_is_not_saved(phone: str | None) -> None:
    assert saved_number(phone) is None


def test_the_address_of_a_contact_is_the_one_of_the_channel() -> None:
    ada = person(phone="+1 201 555 0123", email="ada@example.com")
    assert address_of(ada, MessageType.SMS) == NUMBER
    assert address_of(ada, MessageType.EMAIL) == "ada@example.com"
    assert address_of(person(), MessageType.SMS) is None
    assert address_of(person(), MessageType.EMAIL) is None


def test_numbers_are_shown_as_their_country_writes_them() -> None:
    assert national(NUMBER) == "(201) 555-0123"
    assert national("+447400123456") == "+44 7400 123456"


@pytest.mark.parametrize("e164", [NUMBER, ANOTHER, "+447400123456"])
def test_a_masked_number_tells_its_last_four_digits_alone(e164: str) -> None:
    assert [c for c in masked(e164) if c.isdigit()] == list(e164[-4:])
    assert len(masked(e164)) == len(national(e164))


def test_calling_codes() -> None:
    assert (calling_code("US"), calling_code("GB")) == ("+1", "+44")


def _is_whole_sentence(said: str) -> None:
    assert said
    assert "%" not in said
    assert "None" not in said
    assert said.endswith(".")


def test_a_number_that_was_read_is_the_one_that_is_looked_up_later() -> None:
    for text, region in (("(201) 555-0123", "US"), ("+44 7400 123456", "US"), ("0412 345 678", "AU")):
        numbers._numbers.clear()
        read = read_number(text, region, ("US", "GB", "AU"))
        assert numbers._numbers == {read.e164: read}
        numbers._numbers.clear()
        assert saved_number(read.e164) == read


def test_numbers_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "REMEMBERED", 3)
    numbers._numbers.clear()
    for last in range(5):
        assert national(f"+1201555010{last}") == f"(201) 555-010{last}"
    assert [*numbers._numbers] == [f"+1201555010{last}" for last in (2, 3, 4)]
