"""Settings > Attributes, and Settings > Tags."""

from __future__ import annotations

from bot.model.base import new_id
from bot.model.teammate import By
from tests.widget.admins import new_teammate
from tests.widget.help import Running

ATTRIBUTES, TAGS = "/settings/attributes", "/settings/tags"
NEW = f"{ATTRIBUTES}/-/new"


async def test_an_attribute_is_created_changed_archived_and_restored(running: Running) -> None:
    async with new_teammate(running) as eve:
        name = f"Roast {new_id()}"
        status, page = await eve.desk.post(NEW, {"name": name, "type": "list", "options": "Light\n\nDark\nLight"})
        assert status == 303, page.text
        (made,) = [one for one in await running.bot.attributes.all() if one.name == name]
        assert made.options == ("Light", "Dark")
        path = f"{ATTRIBUTES}/{made.key}"
        page = await eve.desk.look(path)
        assert page.one("input", id="name").attrs["value"] == name
        assert not page.all("select", id="type"), "the type never changes"
        assert (await eve.desk.post(path, {"name": f"{name} 2", "options": "Dark"}))[0] == 303
        assert (await running.bot.attributes.get(made.key)).options == ("Dark",)
        for act, is_archived in (("archive", True), ("restore", False)):
            assert (await eve.desk.post(f"{path}/{act}", {}))[0] == 303
            assert bool((await running.bot.attributes.get(made.key)).archived_at) is is_archived


async def test_an_attribute_needs_a_name_that_makes_a_key_and_a_list_its_options(running: Running) -> None:
    async with new_teammate(running) as eve:
        made = await running.bot.attributes.create(f"Taken {new_id()}", "text", By("x", "X"))  # type: ignore[arg-type]
        for form, field in (
            ({"name": "", "type": "text", "options": ""}, "name-error"),
            ({"name": "7 days", "type": "text", "options": ""}, "name-error"),
            ({"name": made.name.upper(), "type": "text", "options": ""}, "name-error"),
            ({"name": "Size", "type": "shoe", "options": ""}, "type-error"),
            ({"name": "Size", "type": "list", "options": " \n"}, "options-error"),
        ):
            status, page = await eve.desk.post(NEW, form)
            assert status == 422, form
            assert page.one(id=field)


async def test_a_tag_is_created_renamed_and_deleted(running: Running) -> None:
    async with new_teammate(running) as eve:
        name = f"Press {new_id()}"
        assert (await eve.desk.post(TAGS, {"name": name}))[0] == 303
        (tag,) = [one for one in await running.bot.tags.all() if one.name == name]
        status, page = await eve.desk.post(TAGS, {"name": f" {name.upper()} "})
        assert status == 422
        assert page.one(id="name-error")
        assert (await eve.desk.post(f"{TAGS}/{tag.id}", {"name": f"{name} 2"}))[0] == 303
        assert f"{name} 2" in (await eve.desk.look(TAGS)).text
        assert (await eve.desk.post(f"{TAGS}/{tag.id}/delete", {}))[0] == 303
        assert f"{name} 2" not in [one.name for one in await running.bot.tags.all()]
        assert (await eve.desk.get(f"{TAGS}/{tag.id}"))[0] == 404
