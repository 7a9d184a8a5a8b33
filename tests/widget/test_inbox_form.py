"""Insert the form, over HTTP: what a teammate writes, what they see of it, and what stands in the conversation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.consent.checker import NAMES
from bot.demo import DEALS, NEWS, ORDERS
from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.conversation import Card, CardState, Text
from bot.model.form_words import FormWords
from bot.model.workspace import IncompleteWording
from bot.workspace.audit import COMMAND_LINE
from tests.conftest import Visitor
from tests.people import greeted, person
from tests.widget.desk import Desk
from tests.widget.help import Card as Seen
from tests.widget.help import Node, Running

HTMX = {"HX-Request": "true"}
MARKUP = '"><img src=x onerror=alert(1)><script>alert(1)</script>{{ 7*7 }}'
LOCKED = "(201) 555-0147"


@pytest.fixture
async def visitor(visitor: Visitor, running: Running) -> Visitor:
    """Somebody who did something in their chat, so that teammates can open it."""
    return await running.act(visitor)


def fields(**values: str) -> dict[str, str]:
    return {
        "key": new_id(),
        "subscription": ORDERS,
        "title": "Hear of your order",
        "legal_text": "STOP stops.",
        "accepted": " ".join(NAMES),
        **values,
    }


async def cards(running: Running, who: Visitor) -> list[Card]:
    return [part.content for part in await running.parts(who) if isinstance(part.content, Card)][1:]


async def preview(desk: Desk, who: Visitor, **values: str) -> Node:
    status, page = await desk.post(f"/inbox/{who.conversation}/form/preview", fields(**values), **HTMX)
    assert status == 200, page.text
    return page


def shown(page: Node) -> Seen:
    found = Seen.__new__(Seen)
    found.root = page.one("section", class_="card")
    return found


async def test_the_form_begins_with_the_legal_text_of_the_workspace(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    page = await ben.look(f"/inbox/{visitor.conversation}/form")
    assert page.one("textarea", id="legal_text").text.strip() == (await running.bot.workspace()).legal_text.strip()
    offered = {option.attrs["value"] for option in page.one("select", id="subscription").all("option")}
    assert offered >= {"", DEALS, ORDERS, NEWS}


async def test_inserted_it_stands_in_the_conversation_behind_the_words_beside_it(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    form = fields(
        message="Sure, sign up here:\r\nit is quick", legal_text="[Terms](https://example.com)\r\nSTOP stops."
    )
    for _again in range(2):
        status, _ = await ben.post(f"/inbox/{visitor.conversation}/form", form)
        assert (status, ben.location) == (303, f"/inbox/{visitor.conversation}")
    *_, said, offered = await running.parts(visitor)
    assert said.content == Text(text="Sure, sign up here:\nit is quick")
    assert offered.content == Card(
        subscription=ORDERS, title="Hear of your order", legal_text="[Terms](https://example.com)\nSTOP stops."
    )
    assert said.author == offered.author
    assert len(await cards(running, visitor)) == 1


async def test_a_form_has_the_translations_of_its_subscription_until_its_words_are_changed(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    words = {"title": "Your orders", "legal_text": "STOP stops.", "box": "I agree."}
    arabic = {"title": "طلباتك", "legal_text": "أرسل STOP.", "box": "أوافق."}
    before = await running.store.subscriptions.get(ORDERS)
    assert before
    change = {**words, **{f"translations.ar.{name}": text for name, text in arabic.items()}}
    await running.store.subscriptions.update({"_id": ORDERS}, {"$set": change})
    try:
        page = await ben.look(f"/inbox/{visitor.conversation}/form")
        (option,) = [o for o in page.one("select", id="subscription").all("option") if o.attrs["value"] == ORDERS]
        assert (option.attrs["data-title"], option.attrs["data-box"]) == ("Your orders", "I agree.")
        await ben.post(
            f"/inbox/{visitor.conversation}/form", fields(**words, save_template="on", template_name="Orders")
        )
        await ben.post(f"/inbox/{visitor.conversation}/form", fields(**words, button="Yes please"))
    finally:
        await running.store.subscriptions.update({"_id": ORDERS}, {"$set": before.stored()})
    same, changed = await cards(running, visitor)
    assert same.translations == {"ar": FormWords(**arabic)}
    assert (changed.box, changed.translations) == ("I agree.", {})
    await ben.post(f"/inbox/{visitor.conversation}/form", fields(**words))
    *_, of_template = await cards(running, visitor)
    assert of_template.translations == same.translations
    (kept,) = [t for t in await running.bot.forms.all() if t.name == "Orders"]
    await running.bot.forms.remove(kept.id, COMMAND_LINE)


async def test_a_script_is_told_that_it_was_inserted(running: Running, visitor: Visitor, ben: Desk) -> None:
    form = {"csrf": await ben.csrf(), **fields()}
    url = f"{ben.base}/inbox/{visitor.conversation}/form"
    async with ben.session.post(url, data=form, headers=HTMX) as answer:
        assert (answer.status, answer.headers["HX-Trigger"]) == (204, "form-inserted")
    assert len(await cards(running, visitor)) == 1


async def test_a_cleared_legal_text_is_a_second_step_that_names_what_is_missing(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    form = fields(subscription=DEALS, legal_text="", accepted="", save_template="on", template_name="Bare")
    status, page = await ben.post(f"/inbox/{visitor.conversation}/form", form, **HTMX)
    assert (status, "The legal text is incomplete" in page.one(id="legal_text-error").text) == (422, True)
    named = {item.text for item in page.one("ul", class_="insert-missing").all("li")}
    assert {"Brand name", "STOP instructions", "Not a condition of purchase"} <= named
    assert await cards(running, visitor) == []
    assert [t for t in await running.bot.forms.all() if t.name == "Bare"] == []
    (anyway,) = (button for button in page.all("button") if button.text == "Insert anyway")
    status, _ = await ben.post(
        f"/inbox/{visitor.conversation}/form", form | {"accepted": anyway.attrs["value"]}, **HTMX
    )
    assert status == 204
    assert [card.legal_text for card in await cards(running, visitor)] == [""]
    (kept,) = [t for t in await running.bot.forms.all() if t.name == "Bare"]
    await running.bot.forms.remove(kept.id, COMMAND_LINE)


async def test_a_workspace_can_block_it_for_agents(running: Running, visitor: Visitor, ben: Desk, ada: Desk) -> None:
    address, form = f"/inbox/{visitor.conversation}/form", fields(subscription=DEALS, legal_text="")
    await running.store.workspaces.change({"incomplete_wording": IncompleteWording.BLOCK})
    running.bot.workspace.cache_clear()
    try:
        status, page = await ben.post(address, form, **HTMX)
        assert (status, "ask an admin" in page.one(id="legal_text-error").text) == (422, True)
        assert [button for button in page.all("button") if button.text == "Insert anyway"] == []
        assert await cards(running, visitor) == []
        assert (await ada.post(address, form, **HTMX))[0] == 204
    finally:
        await running.store.workspaces.change({"incomplete_wording": IncompleteWording.WARN})
        running.bot.workspace.cache_clear()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "\0\x1b"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"button": "x" * 61}, "button"),
        ({"legal_text": "x" * 2001}, "legal_text"),
        ({"message": "x" * 4001}, "message"),
        ({"subscription": ""}, "subscription"),
        ({"subscription": "0" * 24}, "subscription"),
        ({"save_template": "on"}, "template_name"),
    ],
)
async def test_wrong_input_comes_back_with_what_was_typed_and_the_fault_beside_its_field(
    running: Running, visitor: Visitor, ben: Desk, wrong: dict[str, str], field: str
) -> None:
    form = fields(message="Typed", **{k: v for k, v in wrong.items() if k != "message"}) | wrong
    for headers in ({}, HTMX):
        status, page = await ben.post(f"/inbox/{visitor.conversation}/form", form, **headers)
        assert status == 422
        assert page.one(id=f"{field}-error").text.strip()
        assert page.one("input", type="hidden", name="key").attrs["value"] == form["key"]
        assert page.one("textarea", id="message").text.strip() == form["message"]
    assert await cards(running, visitor) == []


@pytest.mark.parametrize(
    "more", [{"state": "completed"}, {"number": "+12015550123"}, {"author": "x"}, {"key": "short"}]
)
async def test_a_form_takes_nothing_that_it_does_not_have(
    running: Running, visitor: Visitor, ben: Desk, more: dict[str, str]
) -> None:
    status, _ = await ben.post(f"/inbox/{visitor.conversation}/form", fields(**more))
    assert status == 422
    assert await cards(running, visitor) == []


async def test_words_are_data_in_the_form_the_preview_and_the_thread(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    words = {
        "title": MARKUP,
        "legal_text": f"{MARKUP} [x](javascript:alert(1))",
        "button": "<b>Go</b>",
        "message": MARKUP,
    }
    drawn = shown(await preview(ben, visitor, **words))
    assert drawn.title == MARKUP
    assert [a.attrs["href"] for a in drawn.root.all("a")] == []
    status, _ = await ben.post(
        f"/inbox/{visitor.conversation}/form", fields(**words, save_template="on", template_name=MARKUP)
    )
    assert status == 303
    for page in (
        await preview(ben, visitor, **words),
        await ben.look(f"/inbox/{visitor.conversation}/form"),
        await ben.look(f"/inbox/{visitor.conversation}"),
    ):
        assert not page.all("img")
        assert not [script for script in page.all("script") if "alert" in script.text]
        assert "{{ 7*7 }}" in page.text
    (kept,) = [t for t in await running.bot.forms.all() if t.name == MARKUP]
    await running.bot.forms.remove(kept.id, COMMAND_LINE)


async def test_the_preview_shows_this_contacts_own_number_locked_and_nobody_elses(
    running: Running, known_user: Visitor, visitor: Visitor, ben: Desk
) -> None:
    theirs = shown(await preview(ben, known_user))
    assert (theirs.state, theirs.locked) == ("saved", LOCKED)
    assert theirs.root.one("button", class_="card-button").attrs.get("disabled") is not None
    assert not theirs.root.all("form")
    page = await preview(ben, visitor)
    assert shown(page).state == "open"
    assert LOCKED not in page.text


async def test_the_preview_says_how_the_contact_stands_to_it_already(
    running: Running, known_user: Visitor, ben: Desk
) -> None:
    page = await preview(ben, known_user, subscription=DEALS)
    assert (shown(page).state, "already signed up" in page.text) == ("already", True)
    await running.bot.receive("+12015550147", "STOP", new_id())
    try:
        assert "after they text START" in (await preview(ben, known_user)).text
    finally:
        await running.bot.receive("+12015550147", "START", new_id())


async def test_the_preview_is_in_the_language_of_the_contact(
    running: Running, ben: Desk, newcomer: Callable[[], Visitor]
) -> None:
    nadia = newcomer()
    await nadia.open(locale="ar")
    await running.act(nadia)
    english = (await preview(ben, nadia)).one("div", class_="form-preview-card")
    assert (english.attrs["lang"], english.attrs["dir"]) == ("en", "ltr"), "there are no Arabic words for it"
    page = await preview(ben, nadia, title="رسائل عن طلبك", legal_text="أرسل STOP.", locale="ar")
    around = page.one("div", class_="form-preview-card")
    assert (around.attrs["lang"], around.attrs["dir"], "inert" in around.attrs) == ("ar", "rtl", True)
    assert "Sign Up Now" not in around.text
    assert "Preview" in (await ben.look(f"/inbox/{nadia.conversation}/form")).text


async def test_a_preview_writes_nothing_and_without_a_script_is_the_page_with_what_was_typed(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    before = len(await running.parts(visitor))
    status, page = await ben.post(f"/inbox/{visitor.conversation}/form/preview", fields(title="Half a ti"))
    assert (status, shown(page).title) == (200, "Half a ti")
    assert page.one("input", id="title").attrs["value"] == "Half a ti"
    assert len(await running.parts(visitor)) == before


async def test_a_number_that_can_not_be_texted_is_asked_for_anew(running: Running, ben: Desk) -> None:
    contact = person(new_id(), phone="+1201555")
    who = await alone(running, contact)
    page = await preview(ben, who)
    assert (shown(page).state, "can't receive texts. The form will ask for a new one" in page.text) == ("open", True)
    assert "1201555" not in page.text


async def alone(running: Running, contact: Contact) -> Visitor:
    """A contact with a conversation, and no browser."""
    await running.store.contacts.insert(contact)
    id, _ = await greeted(running.bot.store, contact.id)
    return Visitor(running.session, running.base, conversation=id)


async def test_a_conversation_by_text_takes_no_form(running: Running, ben: Desk) -> None:
    contact = person(new_id(), phone="+12015550199")
    await running.store.contacts.insert(contact)
    id = await running.bot.conversations.begin_texting(contact.id, "+12015550199")
    for status, page in (await ben.get(f"/inbox/{id}/form"), await ben.post(f"/inbox/{id}/form", fields())):
        assert (status, "Forms can't be sent by text" in page.text) == (422, True)
        assert not page.all("select", id="subscription")
    assert await running.store.parts.after(id, 0, limit=9) == []


async def test_a_conversation_that_is_none_is_not_found(ben: Desk) -> None:
    for path in ("/form", "/form/preview", "/cards/2/withdraw"):
        status, _ = await ben.post(f"/inbox/{'0' * 24}{path}", fields() if "form" in path else {}, **HTMX)
        assert status == 404, path


@pytest.mark.parametrize("csrf", ["", "x.y"])
async def test_a_forged_form_is_refused(running: Running, visitor: Visitor, ben: Desk, csrf: str) -> None:
    for path, form in (("/form", fields()), ("/form/preview", fields()), ("/cards/2/withdraw", {})):
        status, _ = await ben.post(f"/inbox/{visitor.conversation}{path}", {"csrf": csrf, **form})
        assert status == 403
    assert await cards(running, visitor) == []


async def test_a_template_fills_the_fields_for_every_teammate_until_it_is_removed(
    running: Running, visitor: Visitor, ada: Desk, ben: Desk
) -> None:
    name, form = f"Roasts {new_id()}", fields(button="Yes please", save_template="on")
    status, _ = await ada.post(f"/inbox/{visitor.conversation}/form", {**form, "template_name": name})
    assert status == 303
    (kept,) = [t for t in await running.bot.forms.all() if t.name == name]
    address = f"/inbox/{visitor.conversation}/form"
    page = await ben.look(f"{address}?template={kept.id}")
    assert page.one("input", id="button").attrs["value"] == "Yes please"
    assert [o.attrs["value"] for o in page.one("select", id="subscription").all("option") if "selected" in o.attrs] == [
        ORDERS
    ]
    assert shown(page).title == form["title"]

    status, page = await ben.post(address, {**fields(save_template="on"), "template_name": name.upper()})
    assert (status, "A template with this name already exists" in page.text) == (422, True)
    assert len(await cards(running, visitor)) == 1

    status, _ = await ben.post(f"/inbox/forms/{kept.id}/remove", {"conversation": visitor.conversation})
    assert (status, ben.location) == (303, address)
    assert name not in (await ben.look(address)).text


async def test_an_open_form_is_withdrawn_and_an_answered_one_stands(
    running: Running, visitor: Visitor, known_user: Visitor, ben: Desk
) -> None:
    address = f"/inbox/{visitor.conversation}"
    thread = await ben.look(address)
    assert thread.one("form", action=f"{address}/cards/2/withdraw")
    status, _ = await ben.post(f"{address}/cards/2/withdraw", {"key": new_id()})
    assert (status, ben.location) == (303, address)
    content = (await running.parts(visitor))[1].content
    assert isinstance(content, Card)
    assert content.state is CardState.CLOSED
    thread = await ben.look(address)
    assert not thread.all("form", action=f"{address}/cards/2/withdraw")
    assert thread.one("div", class_="card-progress").text.strip() == "Withdrawn"

    theirs = f"/inbox/{known_user.conversation}/cards/2/withdraw"
    status, _ = await ben.post(theirs, {})
    assert (status, await ben.said()) == (303, "This form was already submitted and can't be withdrawn.")
    status, _ = await ben.post(theirs, {}, **HTMX)
    assert status == 409


async def test_the_thread_says_how_far_the_contact_came_and_never_what_was_typed(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    await visitor.submit("(201) 555")
    await visitor.submit("201 55")
    words = (await ben.look(f"/inbox/{visitor.conversation}")).one("p", class_="card-progress-words").text
    assert " ".join(words.split()) == "Seen · opened · 2 numbers tried, too short"
