"""What the history says of each consent event: pure."""

from __future__ import annotations

from typing import Any

import pytest

from bot.i18n import translator
from bot.model.event import Action, Actor, ConsentEvent, Source
from tests.people import ANOTHER, AT, NUMBER
from widget.inbox.history import NAMED, OFF, ON, said_of


def _said(action: Action, source: Source = Source.API, **values: Any) -> str:
    event = ConsentEvent(
        id="ada:0000000001", event="e", contact="ada", seq=1, action=action, source=source,
        actor=Actor(kind="api", id="site"), at=AT, key="k", previous="", **values,
    )  # fmt: skip
    return said_of(event, "Eve", "", translator("en"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"number": NUMBER}, "Phone number added"),
        ({"number": NUMBER, "replaced": ANOTHER}, "Phone number changed"),
        ({"clears": ["phone"], "replaced": NUMBER}, "Phone number removed"),
        ({"email": "ada@example.com"}, "Email address added"),
        ({"email": "ada@example.com", "replaced": "a@example.com"}, "Email address changed"),
        ({"clears": ["email"], "replaced": "a@example.com"}, "Email address removed"),
        (
            {"number": NUMBER, "email": "ada@example.com", "replaced": "a@example.com"},
            "Phone number added · Email address changed",
        ),
        ({}, "Contact details changed"),  # its values were erased
    ],
)
def test_a_change_of_address_is_named(values: dict[str, Any], said: str) -> None:
    assert _said(Action.CHANGE_ADDRESS, **values) == said


def test_an_erasure_is_named() -> None:
    assert _said(Action.ERASE) == "Personal data erased"


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("source", Source)
def test_only_an_opt_out_is_called_one(action: Action, source: Source) -> None:
    assert _said(action, source).startswith("Opted out") is (action in OFF)


def test_each_action_has_one_kind_of_sentence() -> None:
    assert sorted([*NAMED, *ON, *OFF, Action.CHANGE_ADDRESS]) == sorted(Action)
