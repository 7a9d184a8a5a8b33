"""Incomplete wording: who may use a form whose legal text lacks something, and after which step."""

from __future__ import annotations

import pytest

from bot.consent.checker import NAMES
from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_legal_text
from bot.errors import WordingIncomplete
from bot.i18n import translator
from bot.model.subscription import MessageType, Purpose, Subscription
from bot.model.workspace import IncompleteWording, Workspace
from tests.people import subscription, wording, workspace

OFF, WARN, BLOCK = IncompleteWording
STOP_ONLY = "Reply STOP to opt out."


def missing(check: WordingCheck, text: str = "", of: Subscription | None = None) -> tuple[set[str], bool] | None:
    """What is missing, and whether the teammate is blocked; None: the form may be used."""
    try:
        check.check(text, of or subscription())
    except WordingIncomplete as incomplete:
        return set(incomplete.missing), incomplete.is_blocked
    return None


def test_a_workspace_warns_unless_it_says_otherwise() -> None:
    assert workspace().incomplete_wording is WARN
    assert Workspace.load({"_id": "workspace", "name": "x", "identity_secret": "s"}).incomplete_wording is WARN


@pytest.mark.parametrize("is_admin", [True, False])
def test_off_asks_nobody(is_admin: bool) -> None:
    assert missing(wording(OFF, is_admin=is_admin)) is None


@pytest.mark.parametrize(("rule", "is_admin"), [(WARN, True), (WARN, False), (BLOCK, True)])
def test_a_warning_names_what_is_missing_and_is_confirmed_for_that_alone(
    rule: IncompleteWording, is_admin: bool
) -> None:
    found = missing(wording(rule, is_admin=is_admin), STOP_ONLY)
    assert found
    lacks, is_blocked = found
    assert (not is_blocked, "stop" in lacks, {"brand", "help", "purchase"} <= lacks) == (True, False, True)
    assert missing(wording(rule, is_admin=is_admin, accepted=lacks), STOP_ONLY) is None
    assert missing(wording(rule, is_admin=is_admin, accepted=lacks - {"help"}), STOP_ONLY)
    assert missing(wording(rule, is_admin=is_admin, accepted=lacks), ""), "the text was cleared since"


def test_blocked_an_agent_can_accept_nothing() -> None:
    found = missing(wording(BLOCK, accepted=NAMES))
    assert found
    assert found[1]


@pytest.mark.parametrize(
    "of",
    [
        subscription(),
        subscription(purpose=Purpose.INFORMATIONAL),
        subscription(message_type=MessageType.EMAIL),
    ],
    ids=["marketing", "informational", "email"],
)
def test_each_kind_of_form_has_its_own_list(of: Subscription) -> None:
    lacks, _ = missing(wording(WARN), "", of) or (set(), False)
    is_marketing = of.message_type is MessageType.SMS and of.purpose is Purpose.MARKETING
    assert ("purchase" in lacks, "privacy" in lacks) == (is_marketing, True)


def test_the_standard_text_of_an_informational_form_passes_as_soon_as_the_links_are_set() -> None:
    orders, say = subscription(purpose=Purpose.INFORMATIONAL), translator("en")
    shop = workspace(legal_name="Harbor LLC", terms_url="https://shop.example/t", privacy_url="https://shop.example/p")
    check = WordingCheck(workspace=shop, is_admin=False, say=say)
    assert missing(check, standard_legal_text(orders, shop, say), orders) is None
