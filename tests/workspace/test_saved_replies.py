"""Variables of saved replies."""

from __future__ import annotations

import pytest

from bot.workspace.saved_replies import filled

KNOWN = {"first_name": "Grace", "name": "Grace Hopper", "teammate": "Ben", "business": "{name}"}


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("Hi {first_name|there}!", "Hi Grace!", "Hi there!"),
        ("Hi { First_Name }", "Hi Grace", "Hi "),
        ("{name} {{x}} {other}", "Grace Hopper {{x}} {other}", " {{x}} {other}"),
        ("{business}", "{name}", ""),
        ("no variables", "no variables", "no variables"),
    ],
)
def test_variables_are_filled_once_or_have_a_fallback(text: str, known: str, unknown: str) -> None:
    assert filled(text, KNOWN) == known
    assert filled(text, {}) == unknown
