"""Try it: the flow that is being edited, in a messenger that stores and sends nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.demo import DEALS
from bot.model.base import new_id
from bot.model.subscription import Subscription, SubscriptionState
from tests.people import subscription
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Node, Running, read

FORM = {"kind": "opt_in_form", "id": "form", "subscription": DEALS, "title": "Deals by text", "dismiss": "No, thanks"}
ASK = {"kind": "ask", "id": "roast", "text": "Which roast, {{first_name|friend}}?", "answer": "choice",
       "choices": [{"id": "dark", "label": "Dark"}, {"id": "light", "label": "Light"}]}  # fmt: skip
BYE = {"kind": "say", "id": "bye", "text": "Enjoy your {{roast|coffee}}!"}
HI = {"kind": "say", "id": "hi", "text": "Hi there!"}
NAP = {"kind": "wait", "id": "nap", "seconds": 86_400}


def text(*steps: dict[str, Any], **values: Any) -> str:
    return json.dumps({"triggers": [{"kind": "messenger_opened"}], "steps": steps, **values})


class TrialDesk:
    """A trial in a teammate's browser."""

    def __init__(self, desk: Desk, flow: str, **values: str) -> None:
        self.desk, self.flow, self.values = desk, flow, values
        self.trial = ""
        self.answer: dict[str, Any] = {}

    async def act(self, act: str, **values: Any) -> dict[str, Any]:
        status, self.answer = await post(
            self.desk, {"text": self.flow, "trial": self.trial, "act": act, **self.values, **values}
        )
        assert status == 200, self.answer
        self.trial = self.answer["trial"]
        return self.answer

    @property
    def shown(self) -> list[str]:
        """What the newest answer adds: texts, titles of cards, and entries about events."""
        page = read(self.answer.get("thread") or "\n".join(self.answer["parts"]))
        return [_words(li) for li in page.all("li") if "part" in li.attrs.get("class", "").split()]


def _words(part: Node) -> str:
    found = [*part.all("div", class_="bubble"), *part.all("h2", class_="card-title"), *part.all("p", class_="event")]
    return found[0].text.strip()


async def post(desk: Desk, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    desk.token = desk.token or await desk.csrf()
    headers = {"X-CSRF-Token": desk.token}
    async with desk.session.post(f"{desk.base}/bots/-/try", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_flow_is_tried_from_its_first_step_to_its_end(running: Running) -> None:
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text(ASK, FORM, BYE))
        await trial.act("begin")
        assert trial.shown == ["Which roast, friend?"]
        assert (trial.answer["step"], trial.answer["can_wait"]) == ("roast", False)
        await trial.act("say", words="tea")
        assert trial.shown == ["tea", "Choose one of these options."]
        await trial.act("say", words="Dark")
        assert trial.shown == ["Dark", "Deals by text"]
        await trial.act("submit", card=5, fields={"number": "nonsense", "region": "US"})
        card = read(trial.answer["card"])
        assert (trial.answer["step"], trial.answer["parts"]) == ("form", [])
        assert card.one("p", class_="card-error").text
        assert card.one("input", class_="field-input").attrs["value"] == "nonsense"
        await trial.act("submit", card=5, fields={"number": "(201) 555-0123", "region": "US"})
        assert trial.shown == ["You're signed up", "You signed up.", "Enjoy your Dark!"]
        assert (trial.answer["step"], trial.answer["status"]) == ("", "The flow has ended.")


async def test_each_visitor_meets_the_flow_as_a_real_one_would(running: Running) -> None:
    async with at_desk(running.base) as desk:
        new, saved = TrialDesk(desk, text(ASK, FORM)), TrialDesk(desk, text(ASK, FORM), persona="saved")
        await new.act("begin")
        assert (await saved.act("begin"), saved.shown)[1] == ["Which roast, Alex?"]
        await saved.act("say", words="1")
        await saved.act("submit", card=3, fields={})
        assert saved.shown[0] == "You're signed up"

        is_out = {"field": "consent", "subscription": DEALS, "states": ["opted_out"]}
        asked = {"kind": "condition", "id": "if", "when": {"conditions": [is_out]}, "then": [BYE], "otherwise": [ASK]}
        out = TrialDesk(desk, text(asked), persona="opted_out")
        await out.act("begin")
        assert out.shown == ["Enjoy your coffee!"]


@pytest.mark.parametrize(("variant", "titles"), [(0, ["Deals", "More"]), (1, ["Free", "More"]), (2, ["Now", "More"])])
async def test_each_variant_of_a_form_is_tried(running: Running, variant: int, titles: list[str]) -> None:
    others = [{"id": "b", "title": "Free"}, {"id": "c", "title": "Now"}]
    tried = {**FORM, "title": "Deals", "variants": others, "dismiss": "No, thanks"}
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text(tried, {**FORM, "id": "more", "title": "More"}))
        await trial.act("begin", variant=variant)
        shown = trial.shown
        await trial.act("say", words="No, thanks")
        assert [shown[0], trial.shown[-1]] == titles


async def test_it_speaks_the_language_that_is_chosen(running: Running) -> None:
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text({**HI, "translations": {"es": "¡Hola!"}}, FORM), locale="es")
        await trial.act("begin")
        assert trial.shown == ["¡Hola!", "Deals by text"]
        page = await desk.look("/bots/-/try?locale=es")
        assert page.one("html").attrs["lang"] == "es"


async def test_time_passes_when_asked(running: Running) -> None:
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text(NAP, HI))
        await trial.act("begin")
        assert (trial.shown, trial.answer["can_wait"]) == ([], True)
        await trial.act("wait")
        assert trial.shown == ["Hi there!"]


async def test_a_flow_about_a_change_of_consent_is_met_after_that_change(running: Running) -> None:
    is_pending = {"field": "consent", "subscription": DEALS, "states": ["pending"]}
    still = {"kind": "condition", "id": "still", "when": {"conditions": [is_pending]}, "then": [HI]}
    changed = [{"kind": "consent_changed", "subscription": DEALS, "states": ["pending"]}]
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text(NAP, still, triggers=changed))
        await trial.act("begin")
        await trial.act("wait")
        assert trial.shown == ["Hi there!"]


async def test_what_it_would_do_is_said(running: Running) -> None:
    steps = [
        {"kind": "set_attribute", "id": "set", "attribute": "roast", "value": "dark"},
        {"kind": "tag", "id": "tag", "tag": "fan"},
        {"kind": "hand_over", "id": "team"},
    ]
    async with at_desk(running.base) as desk:
        words = [{"kind": "words_in_message", "words": ["help"]}]
        answer = await TrialDesk(desk, text(*steps, triggers=words)).act("begin")
    assert answer["did"] == [
        "Sets the attribute roast to “dark”.",
        "Adds the tag fan.",
        "Sends the conversation to the inbox.",
    ]


async def test_a_sign_up_that_is_confirmed_by_text_waits_for_the_yes(running: Running) -> None:
    made = Subscription(**{**subscription(new_id()).stored(), "double_opt_in": True})
    await running.store.subscriptions.keep(made)
    try:
        async with at_desk(running.base) as desk:
            trial = TrialDesk(desk, text({**FORM, "subscription": made.id}, HI))
            await trial.act("begin")
            await trial.act("submit", card=1, fields={"number": "(201) 555-0123", "region": "US"})
            assert trial.shown[:2] == ["Reply YES to finish", "Pending. Reply YES to our text to confirm."]
            assert (trial.answer["step"], trial.answer["can_confirm"]) == ("form", True)
            await trial.act("confirm")
            assert trial.shown == ["You're signed up", "You signed up.", "Hi there!"]
    finally:
        archived = {"$set": {"state": SubscriptionState.ARCHIVED}}
        await running.store.subscriptions.update({"_id": made.id}, archived)


async def test_faults_are_told_and_nothing_is_kept(running: Running) -> None:
    before = [await table.count_about() for table in running.store.tables]
    async with at_desk(running.base) as desk:
        status, answer = await post(desk, {"text": text({**BYE, "text": "<b>Hi</b>"}), "act": "begin"})
        assert (status, [(f["path"], f["step"]) for f in answer["faults"]]) == (422, [("steps[0].text", "bye")])
        trial = TrialDesk(desk, text(FORM))
        await trial.act("begin")
        for forged in ("", "x", trial.trial[:-2] + "xx"):
            status, _answer = await post(desk, {"text": text(FORM), "trial": forged, "act": "say", "words": "Hi"})
            assert status == 409
        for body in ({"act": "begin"}, {"text": "{}", "act": "steal"}, {"text": "{}", "act": "begin", "more": 1}):
            assert (await post(desk, body))[0] == 422
    counted = zip(running.store.tables, before, strict=True)
    changed = {table.name for table, count in counted if await table.count_about() != count}
    assert changed <= {"sessions", "sign_in_tries", "audit_log"} | {"flow_days", "outcome_cursors"}  # of earlier acts


async def test_the_words_of_a_flow_are_text(running: Running) -> None:
    evil = "'\"`&lt;svg onload=alert(1)&gt; {{ 7 * 7 }} javascript:alert(1)"
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text({**HI, "text": evil}, {**FORM, "title": evil}))
        await trial.act("begin")
        assert trial.shown[0].startswith("'\"`&lt;svg onload=alert(1)&gt;")
        assert not [node for node in read(trial.answer["thread"]).walk() if node.attrs.get("href", "").startswith("j")]


@pytest.mark.parametrize("act", ["submit", "confirm", "wait", "say"])
async def test_acts_that_nothing_waits_for_change_nothing(running: Running, act: str) -> None:
    async with at_desk(running.base) as desk:
        trial = TrialDesk(desk, text(HI))
        await trial.act("begin")
        await trial.act(act, card=7)
        assert (trial.shown, trial.answer["status"]) == ([], "The flow has ended.")
