"""What is wrong with a flow, where, and what to do about it: all faults at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flows.check import MOST_BYTES, FlowCheck, check, check_document
from bot.flows.document import FlowDocument
from bot.flows.rules import LATE_BY_TEXT, Surroundings
from bot.flows.schema import schema
from bot.model.subscription import MessageType, SubscriptionState
from tests.people import subscription, workspace

SAY = {"kind": "say", "id": "hi", "text": "Hi"}
ASK = {"kind": "ask", "id": "ask", "text": "Which roast?"}
FORM = {"kind": "opt_in_form", "id": "form", "subscription": "deals", "title": "Sign up"}
END = {"kind": "end", "id": "end"}


def flow(*steps: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"format": 1, "triggers": [{"kind": "messenger_opened"}], "steps": [*steps], **values}


def go_to(step: str, id: str = "again") -> dict[str, Any]:
    return {"kind": "go_to", "id": id, "step": step}


def choices(*steps: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    each = [{"id": f"c{i}", "label": f"AskChoice {i}", "steps": found} for i, found in enumerate(steps)]
    return {"kind": "ask", "id": "choose", "text": "Which?", "answer": "choice", "choices": each, **values}


def labelled(translations: dict[str, str], label: str = "Dark") -> dict[str, Any]:
    return {**ASK, "answer": "choice", "choices": [{"id": "dark", "label": label, "translations": translations}]}


def found(checked: FlowCheck) -> list[tuple[str, str, str]]:
    return [(fault.path, fault.step, str(fault)) for fault in checked.faults]


@pytest.mark.parametrize(
    ("document", "path", "step", "words"),
    [
        (flow(SAY, SAY), "steps[1].id", "hi", 'Another step has the ID "hi". Use a unique ID.'),
        (
            flow(choices([SAY], [SAY])),
            "steps[0].choices[1].steps[0].id",
            "hi",
            'Another step has the ID "hi". Use a unique ID.',
        ),
        (flow(go_to("gone")), "steps[0].step", "again", 'There is no step "gone" in this flow. Choose another step.'),
        (
            flow(SAY, go_to("hi")),
            "steps[1]",
            "again",
            'This repeats the steps from "hi" on without waiting. Add a question, a form or a wait between them.',
        ),
        (
            flow(SAY, {"kind": "condition", "id": "if", "when": {}, "then": [go_to("hi")]}, END),
            "steps[1].then[0]",
            "again",
            'This repeats the steps from "hi" on without waiting. Add a question, a form or a wait between them.',
        ),
        (flow({**SAY, "next": "b"}), "steps[0].next", "hi", 'Unknown field "next". Remove it, or check its spelling.'),
        (flow(SAY, colour="red"), "colour", "", 'Unknown field "colour". Remove it, or check its spelling.'),
        (
            flow({**SAY, "text": "x" * 1_000}, {**ASK, "text": "x" * 4001}),
            "steps[1].text",
            "ask",
            "Shorten this text to 4000 characters.",
        ),
        (flow({**SAY, "text": ""}), "steps[0].text", "hi", "Enter text."),
        (flow({"kind": "say", "id": "hi"}), "steps[0].text", "hi", 'Add "text".'),
        (
            flow({**SAY, "id": "A b"}),
            "steps[0].id",
            "A b",
            "Use lowercase letters, digits and _ only, up to 40 characters.",
        ),
        (flow({"id": "hi"}), "steps[0]", "hi", 'Add "kind".'),
        (
            flow({**SAY, "text": "Hi <b>there</b>"}),
            "steps[0].text",
            "hi",
            "HTML isn't supported: remove <b> from this text.",
        ),
        (
            flow({**SAY, "translations": {"es": "<script>x"}}),
            "steps[0].translations.es",
            "hi",
            "HTML isn't supported: remove <script> from this text.",
        ),
        (
            flow({**SAY, "translations": {"e\0s": "Hola"}}),
            "steps[0].translations",
            "hi",
            '"e\\x00s" isn\'t a language code. Use one like en or es_MX.',
        ),
        (
            flow({**FORM, "translations": {"$set": {"title": "Oferta"}}}),
            "steps[0].translations",
            "form",
            '"$set" isn\'t a language code. Use one like en or es_MX.',
        ),
        (flow(FORM, format=2), "format", "", "Use one of: 1."),
        (flow(), "steps", "", "Add at least 1."),
        (
            flow({**ASK, "answer": "choice"}),
            "steps[0]",
            "ask",
            'Use "choices" together with "answer": "choice".',
        ),
        (
            flow({"kind": "wait", "id": "w", "until": "office_hours"}),
            "steps[0].until",
            "w",
            'Add "office_hours" to the flow.',
        ),
        (flow(SAY, audience={"in_hours": True}), "audience.in_hours", "", 'Add "office_hours" to the flow.'),
        (flow({"kind": "wait", "id": "w", "seconds": 0}), "steps[0].seconds", "w", "Enter 1 or more."),
        (
            flow({**SAY, "text": "Hi {{nobody|you}}"}),
            "steps[0].text",
            "hi",
            'Unknown variable "nobody". Use the ID of a step that asks, first_name, name, email, or attribute_ and the '
            "key of an attribute.",
        ),
        (
            flow(SAY, triggers=[{"kind": "page_address", "pages": ["cart"]}]),
            "triggers[0].pages[0]",
            "",
            "Enter a path like /cart or /beans/*, or an address that begins with https://.",
        ),
        (
            flow({**FORM, "dismiss": "No", "dismiss_translations": {"es": "x" * 61}}),
            "steps[0].dismiss_translations.es",
            "form",
            "Shorten this text to 60 characters.",
        ),
        (
            flow({**FORM, "dismiss": "No, {{first_name|you}}"}),
            "steps[0].dismiss",
            "form",
            "Buttons can't have variables. Remove {{first_name}} from this label.",
        ),
        (flow({**FORM, "dismiss": "  "}), "steps[0].dismiss", "form", "Enter text."),
        (flow(labelled({"es": " "})), "steps[0].choices[0].translations.es", "ask", "Enter text."),
        (flow(labelled({"es": ""})), "steps[0].choices[0].translations.es", "ask", "Enter text."),
        (
            flow(labelled({"es": "x" * 61})),
            "steps[0].choices[0].translations.es",
            "ask",
            "Shorten this text to 60 characters.",
        ),
        (
            flow(labelled({}, label="{{name}}")),
            "steps[0].choices[0].label",
            "ask",
            "Buttons can't have variables. Remove {{name}} from this label.",
        ),
    ],
)  # fmt: skip
def test_a_fault_says_where_it_is_and_what_to_do(document: dict[str, Any], path: str, step: str, words: str) -> None:
    checked = check_document(document)
    assert checked.document is None
    assert (path, step, words) in found(checked)


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        (flow(SAY, triggers=[]), "triggers", "Nothing starts this flow."),
        (flow(END, SAY), "steps[1]", "No one reaches this step."),
        (
            flow(choices([END], [{**END, "id": "e"}], otherwise=[{**END, "id": "o"}]), SAY),
            "steps[1]",
            "No one reaches this step.",
        ),
        (flow({"kind": "condition", "id": "if", "when": {}}), "steps[0]", "Add steps for at least one outcome"),
        (flow({**FORM, "dismissed": [SAY]}), "steps[0].dismissed", 'No one reaches these steps. Add "dismiss"'),
        (flow({**ASK, "no_answer": [SAY]}), "steps[0].no_answer", 'No one reaches these steps. Add "seconds"'),
        (flow({**SAY, "text": "Hi {{first_name}}"}), "steps[0].text", "Not everyone has a value for first_name here."),
        (flow({**SAY, "text": "{{ask}}"}, ASK), "steps[0].text", "Not everyone has a value for ask here."),
    ],
)
def test_a_warning_does_not_prevent_publishing(document: dict[str, Any], path: str, words: str) -> None:
    checked = check_document(document)
    assert checked.document is not None
    assert [(f.path, str(f).startswith(words)) for f in checked.faults] == [(path, True)]


def test_what_is_answered_before_needs_no_fallback() -> None:
    thanks = {**SAY, "text": "Thanks for {{ask}}!"}
    assert check_document(flow(ASK, thanks)).faults == ()
    assert check_document(flow(ASK, choices([thanks], []))).faults == ()


def test_a_loop_that_waits_is_fine() -> None:
    assert check_document(flow(ASK, go_to("ask"))).faults == ()


def test_all_faults_are_told_at_once() -> None:
    checked = check_document(
        flow({**SAY, "text": "<i>"}, SAY, {**ASK, "texts": "x"}, go_to("gone"), {"kind": "run_code", "id": "x"})
    )
    assert {path for path, _, _ in found(checked)} >= {
        "steps[0].text", "steps[1].id", "steps[2].texts", "steps[3].step", "steps[4]",
    }  # fmt: skip


def test_an_unknown_kind_names_those_that_exist() -> None:
    (fault,) = check_document(flow({"kind": "run_code", "id": "x"})).faults
    assert str(fault).startswith('Unknown kind "run_code". Use one of: say, ask, ')


def test_too_many_steps_are_refused() -> None:
    steps = [{**SAY, "id": f"s{i}"} for i in range(120)]
    branch = [{**SAY, "id": f"b{i}"} for i in range(120)]
    checked = check_document(flow(*steps, choices(branch)))
    words = "A flow can have up to 200 steps, and this one has 241. Move some to another flow."
    assert ("steps", "", words) in found(checked)


def test_of_far_too_many_steps_only_the_number_is_judged() -> None:
    checked = check_document(flow(*[go_to(f"g{i + 1}", f"g{i}") for i in range(4_000)]))
    words = "A flow can have up to 200 steps, and this one has 4000. Move some to another flow."
    assert found(checked) == [("steps", "", words)]


@pytest.mark.parametrize(
    ("document", "path", "step"),
    [
        (flow({**SAY, "text": "\ud800"}), "steps[0].text", "hi"),
        (flow({**SAY, "id": "\ud800"}), "steps[0].id", ""),
        (flow(SAY, **{"\udfff": 1}), "", ""),
    ],
)
def test_half_a_character_is_refused(document: dict[str, Any], path: str, step: str) -> None:
    words = "A text in this file has a broken character. Write it again."
    assert found(check(json.dumps(document))) == [(path, step, words)]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"{", "This isn't valid JSON: check line 1, column 2."),
        (b'{"format": ' + b"1" * 5_000 + b"}", "A number in this file has too many digits."),
        (b"\xff{}", "This file isn't text in UTF-8"),
        (b"[]", "This isn't a flow."),
        (b"[" * 100_000, "Branches are nested too deeply."),
        (json.dumps({"a": [[[[[[[[]]]]]]]]}).encode().replace(b"[]", b"[" * 60 + b"]" * 60), "Branches are nested"),
        (json.dumps(flow({**SAY, "text": "x" * 1_000_000})).encode(), "This file is too large (1,000 kB)."),
    ],
)
def test_a_file_that_is_no_flow_is_refused(file: bytes, words: str) -> None:
    (fault,) = check(file).faults
    assert str(fault).startswith(words)
    assert len(file) > 0 < MOST_BYTES


def test_what_the_workspace_lacks_is_told() -> None:
    deals = subscription()
    around = Surroundings({"deals": deals, "draft": deals.model_copy(update={"state": SubscriptionState.DRAFT})})
    tag = {"kind": "tag", "id": "t", "tag": "vip"}
    attribute = {"kind": "set_attribute", "id": "a", "attribute": "size", "value": "L"}
    other = {"kind": "start_flow", "id": "o", "flow": "other"}
    draft = {**FORM, "id": "d", "subscription": "draft"}
    gone = {**FORM, "id": "g", "subscription": "gone"}
    entries = [{"kind": "segment_entered", "segment": id} for id in ("gone", "")]
    checked = check_document(flow(FORM, draft, gone, tag, attribute, other, triggers=entries), around)
    assert sorted(path for path, _, _ in found(checked)) == [
        "steps[1].subscription", "steps[2].subscription", "steps[3].tag", "steps[4].attribute", "steps[5].flow",
        "triggers[0].segment", "triggers[1].segment",
    ]  # fmt: skip


def test_what_a_message_needs_from_the_workspace_is_told() -> None:
    mail = subscription("mail", message_type=MessageType.EMAIL)
    around = Surroundings({"deals": subscription(), "mail": mail}, image_hosts=frozenset({"cdn.shop.example"}))
    image = {"url": "https://cdn.shop.example/a.png", "alt": "A cup"}
    text = {"kind": "send_sms", "id": "s", "subscription": "deals", "text": "Hi"}
    fine = flow({**SAY, "image": image, "links": [{"label": "Shop", "url": "https://shop.example"}]}, text)
    assert check_document(fine, around).faults == ()
    bad = flow(
        {**SAY, "image": {"url": "https://evil.example/a.png"}, "links": [{"label": "{{a}}", "url": "javascript:x"}]},
        {**text, "subscription": "mail"},
        {"kind": "webhook", "id": "w", "event": "Sample", "values": {"size": "{{size|L}}"}},
    )
    assert {(path, str(words).split(".")[0], is_warning) for path, words, is_warning in _judged(bad, around)} == {
        ("steps[0].image", "Describe the image in a few words, for people who can't see it", True),
        ("steps[0].image.url", "Images from evil", False),
        ("steps[0].links[0].label", 'Unknown variable "a"', False),
        ("steps[0].links[0].label", "Buttons can't have variables", False),
        ("steps[0].links[0].url", "Enter an address that begins with https://", False),
        ("steps[1].subscription", "Texts are sent for SMS subscriptions only", False),
        ("steps[2]", 'No webhook endpoint is subscribed to the topic "flow', True),
        ("steps[2].event", "Use lowercase letters, digits, _ and ", False),
        ("steps[2].values.size", 'Unknown variable "size"', False),
    }


def _judged(raw: dict[str, Any], around: Surroundings) -> list[tuple[str, str, bool]]:
    return [(fault.path, str(fault), fault.is_warning) for fault in check_document(raw, around).faults]


@pytest.mark.parametrize("first", [[], [SAY], [SAY, {"kind": "tag", "id": "t", "tag": "vip"}]])
def test_a_chat_is_not_handed_over_before_the_visitor_says_anything(first: list[dict[str, Any]]) -> None:
    over = {"kind": "hand_over", "id": "over"}
    assert [path for path, _, _ in found(check_document(flow(*first, over)))] == [f"steps[{len(first)}]"]
    assert check_document(flow(*first, ASK, over)).faults == ()
    words = [{"kind": "words_in_message", "words": ["human"]}]
    assert check_document(flow(*first, over, triggers=words)).faults == ()


DAYS = {"kind": "wait", "id": "days", "seconds": 90_000}
BY_TEXT = {"kind": "sms_keyword", "keyword": "join"}


@pytest.mark.parametrize(
    ("steps", "late"),
    [
        ([SAY], []),
        ([DAYS, SAY], ["steps[1]"]),
        ([{**DAYS, "seconds": 80_000}, SAY], []),
        ([{**DAYS, "seconds": 80_000}, SAY, {**DAYS, "id": "more"}, go_to("hi")], ["steps[1]"]),
        ([DAYS, {"kind": "send_sms", "id": "t", "subscription": "deals", "text": "x"}], []),
        ([DAYS, ASK, {**SAY, "id": "after"}], ["steps[1]"]),  # they answered it
        ([ASK, {**DAYS, "seconds": 80_000}, SAY], []),
        ([{**ASK, "seconds": 90_000}, SAY], ["steps[1]"]),  # without an answer it goes on, too
        ([{**ASK, "seconds": 90_000, "no_answer": [{**SAY, "id": "late"}, {"kind": "end", "id": "e"}]}, SAY],
         ["steps[0].no_answer[0]"]),
        ([{"kind": "wait_for_consent", "id": "c", "subscription": "deals", "states": ["opted_in"]}, SAY], ["steps[1]"]),
        ([{"kind": "wait_for_consent", "id": "c", "subscription": "deals", "states": ["opted_in"], "seconds": 60}, SAY],
         []),
        ([{"kind": "wait", "id": "w", "seconds": 1}, SAY, go_to("w")], ["steps[1]"]),  # at the latest the next day
        ([{"kind": "condition", "id": "c", "when": {}, "then": [DAYS], "otherwise": [{**SAY, "id": "o"}]}, SAY],
         ["steps[1]"]),
    ],
)  # fmt: skip
def test_what_may_come_too_late_to_be_a_reply_by_sms_is_told(steps: list[dict[str, Any]], late: list[str]) -> None:
    for trigger in (BY_TEXT, {"kind": "started_by_teammate"}):
        told = [f.path for f in check_document(flow(*steps, triggers=[trigger])).faults if f.text == LATE_BY_TEXT]
        assert told == late
    assert LATE_BY_TEXT not in {f.text for f in check_document(flow(*steps)).faults}


def test_what_a_flow_of_teammates_cannot_do_by_sms_is_a_warning() -> None:
    mail = subscription("mail", message_type=MessageType.EMAIL)
    around, started = Surroundings({"mail": mail}), {"kind": "started_by_teammate"}
    judged = _judged(flow({**FORM, "subscription": "mail"}, {**SAY, "text": "x" * 1601}, triggers=[started]), around)
    assert {path for path, _, is_warning in judged if is_warning} >= {"steps[0].subscription", "steps[1].text"}
    assert all(is_warning for _, _, is_warning in judged)


def test_what_a_flow_by_sms_needs_is_told() -> None:
    mail = subscription("mail", message_type=MessageType.EMAIL)
    around = Surroundings({"deals": subscription(), "mail": mail}, keywords=frozenset({"join"}))
    by_text = {"kind": "sms_keyword", "keyword": "Join"}
    assert check_document(flow(FORM, triggers=[by_text]), around).faults == ()
    bad = flow(
        {**FORM, "subscription": "mail"}, {**SAY, "text": "x" * 1601}, triggers=[by_text, {**by_text, "keyword": "no"}]
    )
    assert [path for path, _, is_warning in _judged(bad, around) if not is_warning] == [
        "steps[1].text", "triggers[1].keyword", "steps[0].subscription",
    ]  # fmt: skip
    assert [path for path, _, is_warning in _judged({**bad, "triggers": []}, around) if not is_warning] == []


def test_what_a_legal_text_lacks_is_told() -> None:
    def told(text: str, **values: Any) -> list[str]:
        around = Surroundings({"deals": subscription()}, workspace=workspace(**values))
        return [str(fault) for fault in check_document(flow({**FORM, "legal_text": text}), around).faults]

    assert told("") == ["This form has no legal text. Say what people agree to."]
    assert "Missing from the legal text: STOP instructions." in told("You agree to texts.")
    assert "Missing from the legal text: STOP instructions." not in told("You agree. Reply STOP to cancel.")
    assert told("You agree to texts.", incomplete_wording="off") == []


def test_a_double_opt_in_asks_for_the_pending_branch() -> None:
    around = Surroundings({"deals": subscription(double_opt_in=True)})
    (fault,) = check_document(flow(FORM), around).faults
    assert (fault.is_warning, str(fault)) == (
        True,
        "This subscription is confirmed by text. Add steps for people who are pending.",
    )


def test_the_schema_describes_every_kind() -> None:
    text = json.dumps(schema())
    assert all(f'"const": "{kind}"' in text for kind in ("say", "ask", "opt_in_form", "condition", "messenger_opened"))
    assert schema()["additionalProperties"] is False


def test_a_flow_survives_the_way_through_a_file() -> None:
    document = check_document(
        flow(ASK, choices([{**SAY, "translations": {"es": "Hola"}}], [END]), FORM, audience={"once": True})
    ).document
    assert document
    again = check(json.dumps(document.written())).document
    assert again == document == FlowDocument.model_validate(document.written())


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["say", "ask", "hi", "x<b>", "{{a}}"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["kind", "id", "text", "steps", "choices", "then", "step", "when", "audience", "triggers"]),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=30,
)


WORKSPACE = Surroundings({"deals": subscription()}, tags=frozenset({"vip"}), workspace=workspace())
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.just("\ud800"), st.just("vip")),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
WHOLE = flow(
    {**SAY, "image": {"url": "https://cdn.shop.example/a.png", "alt": "A cup"}, "links": [{"label": "a", "url": "b"}]},
    {**choices([END]), "attribute": "size", "seconds": 9},
    {**FORM, "legal_text": "STOP", "translations": {"es": {"title": "t"}}, "variants": [{"id": "a", "title": "b"}]},
    {"kind": "condition", "id": "if", "when": {"conditions": [{"field": "consent", "subscription": "deals"}]}},
    {"kind": "tag", "id": "t", "tag": "vip"},
    {"kind": "set_attribute", "id": "a", "attribute": "size", "value": "L"},
    {"kind": "send_sms", "id": "s", "subscription": "deals", "text": "Hi"},
    {"kind": "webhook", "id": "w", "event": "e", "values": {"size": "L"}},
    {"kind": "wait", "id": "x", "until": "office_hours"},
    {"kind": "start_flow", "id": "o", "flow": "other"},
    go_to("hi"),
    audience={"conditions": [], "match": "all", "in_hours": True},
    office_hours={"time_zone": "UTC"},
    triggers=[{"kind": "sms_keyword", "keyword": "join"}, {"kind": "page_address", "pages": ["/cart"]}],
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each list or object in it, with each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@given(st.integers(0, len(places(WHOLE)) - 1), ODD)
def test_whatever_stands_in_a_place_is_judged(place: int, odd: Any) -> None:
    document = json.loads(json.dumps(WHOLE))
    inside, key = places(document)[place]
    inside[key] = odd
    checked = check(json.dumps(document), WORKSPACE)
    assert json.dumps([found(checked)], ensure_ascii=False).encode()


def test_a_value_of_a_wrong_type_is_judged() -> None:
    for place in range(len(places(WHOLE))):
        for odd in (["x"], {"x": 1}):
            document = json.loads(json.dumps(WHOLE))
            inside, key = places(document)[place]
            inside[key] = odd
            assert check(json.dumps(document), WORKSPACE).document is None


@given(JSON)
def test_whatever_is_in_a_file_is_judged(raw: Any) -> None:
    checked = check(json.dumps(raw))
    assert (checked.document is None) == any(not fault.is_warning for fault in checked.faults)
