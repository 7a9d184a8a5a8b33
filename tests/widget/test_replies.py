"""Saved replies: managed by all teammates, inserted in conversations."""

from __future__ import annotations

import pytest

from bot.flows.document import FlowDocument
from bot.flows.publish import create
from bot.flows.steps import Say
from bot.flows.triggers import StartedByTeammate
from bot.model.base import new_id
from tests.conftest import Visitor, eventually
from tests.widget.desk import Desk
from tests.widget.help import Running
from tests.widget.test_inbox import talking

PATH = "/inbox/replies"


async def test_a_saved_reply_is_created_edited_and_deleted_by_any_teammate(ada: Desk, ben: Desk) -> None:
    name = f"Greeting {new_id()}"
    await ben.post(f"{PATH}/new", {"name": name, "text": "Hi {first_name|there}!"})
    assert await ben.said() == f"{name} is saved."
    (link,) = [a.attrs["href"] for a in (await ada.look(PATH)).all("a") if a.text == name]
    await ada.post(link, {"name": f"{name}!", "text": "Hello {first_name|there}, {teammate} here."})
    assert (await ben.look(link)).one("input", id="name").attrs["value"] == f"{name}!"
    await ben.post(f"{link}/remove", {})
    assert (await ada.get(link))[0] == 404


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"name": "", "text": "x"}, "Name is required."),
        ({"name": "x", "text": ""}, "This field is required."),
        ({"name": "GREETING ", "text": "x"}, "A saved reply with this name already exists. Choose another name."),
        ({"name": "x", "text": "Hi {frist_name}"}, "Unknown variable: {frist_name}."),
    ],
)
async def test_a_saved_reply_that_would_not_work_is_refused(ben: Desk, form: dict[str, str], fault: str) -> None:
    await ben.post(f"{PATH}/new", {"name": "Greeting", "text": "Hi"})
    status, page = await ben.post(f"{PATH}/new", form)
    assert status in {409, 422}
    assert any(node.text.strip().startswith(fault) for node in page.all("p", class_="field-error"))


async def test_the_menu_of_a_conversation_has_them_filled_in(ben: Desk, visitor: Visitor) -> None:
    name = new_id()
    await ben.post(f"{PATH}/new", {"name": name, "text": "Hi {first_name|there}, {teammate} of {business}"})
    path = await talking(visitor)
    option = (await ben.look(f"{path}/replies")).one("li", data_name=name)
    assert option.attrs["data-text"] == "Hi there, Ben of Harbor Coffee"


async def test_the_menu_starts_a_bot_flow(ben: Desk, visitor: Visitor, running: Running) -> None:
    greeting = Say(id="hi", text="Hello from the bot")
    document = FlowDocument(name="Say hello", triggers=(StartedByTeammate(),), steps=(greeting,))
    flow, path = await create(running.store, document), await talking(visitor)

    async def is_offered() -> bool:
        return bool((await ben.look(f"{path}/replies")).all("li", data_flow=flow.id))

    try:
        await eventually(is_offered)
        for _time in range(2):
            status, _ = await ben.post(f"{path}/flows", {"flow": flow.id, "key": "start-the-flow"})
            assert status == 303
        page = await ben.look(path)
        assert [p.text.strip().endswith(" started a bot flow") for p in page.all("p", class_="event")].count(True) == 1
        assert [b.text for b in page.all("div", class_="bubble")].count("Hello from the bot") == 1
    finally:
        await running.store.flows.update({"_id": flow.id}, {"$set": {"state": "paused"}})


async def test_a_stranger_sees_no_saved_replies(ben: Desk, visitor: Visitor) -> None:
    async with visitor.session.get(f"{ben.base}{PATH}", allow_redirects=False) as answer:
        assert answer.status in {303, 401}
