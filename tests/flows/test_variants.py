"""Variants of a form: locked wording, the same words for a person each time, and an honest winner."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import Bot
from bot.demo import DEALS, FLOW
from bot.errors import Conflict, NotFound
from bot.flows.check import check_document
from bot.flows.document import FlowDocument
from bot.flows.variants import LEAST_SHOWN, VariantScore, variant_of, wilson, winner
from bot.model.conversation import Card
from bot.model.form_words import FormVariant
from bot.model.teammate import By
from tests.flows.test_opening import answers, opened_chat, settled
from tests.people import events_of

ADA = By("ada", "Ada")
LEGAL = "By pressing the button you agree to texts from Harbor Coffee."


def form(*variants: dict[str, Any], **values: Any) -> dict[str, Any]:
    usual = {"subscription": DEALS, "title": "10% off", "legal_text": LEGAL, "variants": [*variants]}
    return {"kind": "opt_in_form", "id": "form", **usual, **values}


def flow(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"triggers": [{"kind": "messenger_opened"}], "steps": [*steps]}


B = {"id": "b", "title": "Free shipping"}
SPANISH = {"es": {"title": "10% menos", "legal_text": "Acepta."}}


@pytest.mark.parametrize(
    ("step", "path", "words"),
    [
        (
            form({**B, "legal_text": "You agree."}),
            "variants[0].legal_text",
            "Required wording is locked: variants can change the title and the button only.",
        ),
        (
            form({**B, "box": "I agree"}),
            "variants[0].box",
            "Required wording is locked: variants can change the title and the button only.",
        ),
        (form(B, {**B, "title": "Gift"}), "variants[1].id", "Give each variant a unique ID."),
        (form({**B, "id": "original"}), "variants[0].id", "Give each variant a unique ID."),
        (form({**B, "title": "10% off"}), "variants[0]", "Another variant has the same title and button."),
        (form({**B, "title": ""}), "variants[0].title", "Enter text."),
        (form({**B, "title": "<b>Free</b>"}), "variants[0].title", "HTML isn't supported: remove <b> from this text."),
        (
            form({**B, "button": "Join"}, button="Yes", legal_text='By pressing "Yes" you agree.'),
            "variants[0].button",
            'The legal text or consent box mentions the button "Yes". Use the same button text in this variant.',
        ),
        (form(B, translations=SPANISH), "variants[0].translations", "The form is translated into es. Add this"),
        (
            form({**B, "translations": {"es": {"title": "Gratis"}}}),
            "variants[0].translations.es",
            "The form has no translation es.",
        ),
    ],
)
def test_a_variant_that_changes_what_the_law_demands_is_refused(step: dict[str, Any], path: str, words: str) -> None:
    found = [(fault.path, str(fault)) for fault in check_document(flow(step)).faults if not fault.is_warning]
    assert [place for place, _ in found] == [f"steps[0].{path}"]
    assert found[0][1].startswith(words)


def test_a_variant_with_another_title_and_button_is_fine() -> None:
    spanish = {"translations": {"es": {"title": "Gratis", "button": "Sí"}}}
    checked = check_document(flow(form({**B, **spanish, "button": "Join"}, translations=SPANISH)))
    assert checked.document
    assert not checked.faults


def test_people_are_spread_evenly_and_each_always_sees_the_same() -> None:
    variants = [FormVariant(id=name, title=name) for name in "bc"]
    seen = [variant_of("flow", "form", f"person-{n}", variants) for n in range(3000)]
    assert seen == [variant_of("flow", "form", f"person-{n}", variants) for n in range(3000)]
    counts = Counter(variant.id if variant else "a" for variant in seen)
    assert all(900 < n < 1100 for n in counts.values())


class TestWinner:
    def test_too_few_views_have_none(self) -> None:
        few = VariantScore("b", LEAST_SHOWN - 1, 150, 0)
        assert winner([VariantScore("original", 1000, 10, 0), few]) is None

    def test_shares_that_may_be_equal_have_none(self) -> None:
        assert winner([VariantScore("original", 1000, 100, 0), VariantScore("b", 1000, 120, 0)]) is None

    def test_the_one_whose_interval_lies_above_all_others_wins(self) -> None:
        scores = [VariantScore(name, 1000, kept, 0) for name, kept in (("original", 100), ("b", 200), ("c", 90))]
        assert winner(scores) == scores[1]

    def test_opt_outs_within_seven_days_count_against_a_variant(self) -> None:
        regretted = VariantScore("b", 1000, 200, 110)
        assert winner([VariantScore("original", 1000, 100, 0), regretted]) is None

    @given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_the_interval_holds_the_share(self, pair: tuple[int, int]) -> None:
        low, high = wilson(*pair)
        assert 0 <= low <= pair[0] / pair[1] <= high <= 1


def steps_of(document: FlowDocument) -> list[dict[str, Any]]:
    written: dict[str, Any] = document.written()
    return list(written["steps"])


async def put_to_the_test(bot: Bot) -> FlowDocument:
    """The demo's greeting with another title for half of the people."""
    document = await bot.flows.document(FLOW)
    raw: dict[str, Any] = document.written()
    hello, greeting, *rest = raw["steps"]
    titles = {locale: {"title": f"b in {locale}"} for locale in greeting["translations"]}
    greeting["variants"] = [{**B, "translations": titles}]
    changed = FlowDocument.model_validate({**raw, "steps": [hello, greeting, *rest]})
    await bot.flows.publish(FLOW, changed.as_file(), ADA)
    bot.runs.scripts.live.cache_clear()
    return document


async def test_the_ledger_keeps_the_words_of_the_variant_that_was_shown(bot: Bot) -> None:
    original = await put_to_the_test(bot)
    title = {"form/b": "Free shipping", "form/original": steps_of(original)[1]["title"]}
    seen: Counter[str] = Counter()
    while len(seen) < 2:
        opened = await opened_chat(bot)
        card = opened.parts[1].content
        assert isinstance(card, Card)
        assert card.title == title[card.flow_step or ""]
        again = await opened_chat(bot, opened.token, "new")
        assert again.parts[1].content == card, "the same person sees the same words in each chat"
        seen[card.flow_step or ""] += 2
        await answers(bot, opened, f"(201) 555-01{len(seen):02d}")
        await settled(bot)
        (event, *_) = await events_of(bot.store, opened.contact.id)
        assert (event.flow_step, event.words.title) == (card.flow_step, card.title)
    counts = (await bot.flow_figures.of(FLOW, days=1)).counts
    assert {name: counts[f"form:{name}"] for name in seen} == seen
    assert counts["form:form"] == seen.total()
    assert all(counts[f"confirmed:{name}"] for name in seen)


async def test_the_chosen_variant_becomes_the_form(bot: Bot) -> None:
    original = await put_to_the_test(bot)
    with pytest.raises(Conflict):
        await bot.flows.use_variant(FLOW, 1, "form", "b", ADA)
    with pytest.raises(NotFound):
        await bot.flows.use_variant(FLOW, 2, "form", "c", ADA)
    version = await bot.flows.use_variant(FLOW, 2, "form", "b", ADA)
    step = version.document["steps"][1]
    assert (version.version, step["title"], step["translations"]["es"]["title"]) == (3, "Free shipping", "b in es")
    assert "variants" not in step
    assert step["legal_text"] == steps_of(original)[1]["legal_text"]
