"""What is said of a text before it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from bot.model.base import now
from bot.model.outbound_message import OutboundMessage
from bot.outbound.message_checker import check_message, lacks_disclosure
from tests.people import workspace

GOOD = "Harbor Coffee: the Sidamo is back."


def message(text: str = GOOD, **values: Any) -> OutboundMessage:
    usual = {"subscription": "deals", "texts": {"en": text}, "by": "a", "by_name": "Ada"}
    return OutboundMessage(id="m", name="Roast", created_at=now(), updated_at=now(), **{**usual, **values})


def said(made: OutboundMessage, **values: Any) -> list[tuple[str, bool]]:
    own = workspace().model_copy(update={"name": "Harbor Coffee", **values})
    found = check_message(made, own, ["city"], "http://sayso.test")
    return [(f"{one.language} {one.text}".strip().split(":")[0], one.is_bad) for one in found]


def test_a_good_one_has_none() -> None:
    assert said(message()) == []
    assert said(message("{{brand}}: hi {{first_name|there}} in {{city|town}}")) == []


@pytest.mark.parametrize(
    ("made", "words", "is_bad"),
    [
        (message(subscription=""), "Choose a subscription.", True),
        (message(" "), "Write a message first.", True),
        (message("The Sidamo is back."), "Say who is texting", False),
        (message(f"{GOOD} {{{{nam}}}}"), "Unknown variables", False),
        (message(f"{GOOD} {{{{city}}}}"), "Add a fallback for people without a value", False),
        (message(f"{GOOD} https://bit.ly/x"), "Carriers block public link shorteners", False),
        (message("HARBOR COFFEE: THE SIDAMO IS BACK TODAY"), "Carriers filter texts in capital letters.", False),
        (message(texts={"en": GOOD, "es": "El Sidamo ha vuelto."}), "es Say who is texting", False),
    ],
)
def test_what_is_missing_is_said(made: OutboundMessage, words: str, is_bad: bool) -> None:
    assert said(made) == [(words, is_bad)]


def test_the_opt_out_text_says_to_reply_stop() -> None:
    assert said(message(), opt_out_text="Manage your preferences: {link}") == [
        ("The opt-out text doesn't say to reply STOP. Change it in Settings > Brand and compliance.", True)
    ]
    assert said(message(), opt_out_text="Stop? {link}") == []


def test_one_that_no_provider_takes_is_refused() -> None:
    long = message("Harbor Coffee " + "x" * 1180)
    assert said(long) == []
    assert said(long, opt_out_text="Reply STOP to opt out. " + "y" * 400) == [
        ("Too long with the opt-out text. Use up to %(most)s characters.", True)
    ]


def test_a_first_text_says_rates_and_help() -> None:
    own = workspace()
    assert lacks_disclosure(message(), own)
    assert not lacks_disclosure(message(f"{GOOD} Msg & data rates may apply. Reply HELP for help."), own)
