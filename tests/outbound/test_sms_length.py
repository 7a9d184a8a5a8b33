"""Encoding and segments of a text, by the tables of 3GPP TS 23.038."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.sms_length import BASIC, EXTENDED, REPLACEMENTS, SmsEncoding, plain, sms_length


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm_7", 0, 0),
        ("a" * 160, "gsm_7", 160, 1),
        ("a" * 161, "gsm_7", 161, 2),
        ("a" * 306, "gsm_7", 306, 2),
        ("a" * 307, "gsm_7", 307, 3),
        ("€" * 80, "gsm_7", 160, 1),
        ("€" * 81, "gsm_7", 162, 2),
        ("a" * 152 + "€" + "a" * 152, "gsm_7", 306, 3),  # the sign would be cut in two
        ("ä" * 160, "gsm_7", 160, 1),
        ("á" * 70, "ucs_2", 70, 1),
        ("á" * 71, "ucs_2", 71, 2),
        ("á" * 134, "ucs_2", 134, 2),
        ("á" * 135, "ucs_2", 135, 3),
        ("☕" * 70, "ucs_2", 70, 1),
        ("🎉" * 35, "ucs_2", 70, 1),
        ("🎉" * 36, "ucs_2", 72, 2),
        ("a" * 66 + "🎉" + "a" * 66, "ucs_2", 134, 3),
        ("مرحبا", "ucs_2", 5, 1),
    ],
)
def test_a_text_is_measured(text: str, encoding: str, units: int, segments: int) -> None:
    found = sms_length(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


def test_it_names_what_forces_ucs_2_and_the_room_that_is_left() -> None:
    found = sms_length("It’s “on” — it’s 🎉")
    assert (found.forcing, found.room) == (("’", "“", "”", "—", "🎉"), 70 - 19)
    assert sms_length("a" * 161).room == 306 - 161


def test_plain_characters_replace_what_documents_put_in() -> None:
    assert plain("It’s “on” – 10\u00a0% off…") == 'It\'s "on" - 10 % off...'
    assert sms_length(plain("It’s “on” – 10\u00a0% off…")).encoding is SmsEncoding.GSM_7
    assert plain("☕ à 3 €") == "☕ à 3 €", "what nothing replaces stays"


def test_every_replacement_is_in_the_alphabet() -> None:
    for before, after in REPLACEMENTS.items():
        assert before not in BASIC | EXTENDED
        assert set(after) <= BASIC


@given(st.text(max_size=400))
def test_segments_hold_what_is_in_them(text: str) -> None:
    found = sms_length(text)
    assert found.room >= 0
    assert (found.segments == 0) == (text == "")
