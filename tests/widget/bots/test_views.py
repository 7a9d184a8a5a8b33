"""What shows a flow: its versions, its map, and the page to try it."""

from __future__ import annotations

from xml.etree import ElementTree

from bot.demo import FLOW
from bot.model.audit import AuditAction as A
from bot.model.base import new_id
from tests.widget.admins import new_teammate
from tests.widget.bots.drafts import ADA, BYE, FORM, HI, JUDGE, file, flow, recorded
from tests.widget.desk import HTML, Desk, at_desk
from tests.widget.help import Node, Running, read

EVIL = "'\"` ]]> {{ 7 * 7 }} & <3 more"


async def test_the_history_names_who_published_what_and_when(running: Running) -> None:
    async with flow(running, file(JUDGE), file(JUDGE, HI | {"id": "more"})) as made, at_desk(running.base) as desk:
        page = await desk.look(f"/bots/{made.id}/versions")
        newest, first = page.one("tbody").all("tr")
        assert [
            words for words in ("Version 2", "Published", "Ada Lovelace", "Says goodbye") if words in newest.text
        ] == ["Version 2", "Published", "Ada Lovelace", "Says goodbye"]
        assert "Roll back" not in newest.text
        assert first.one("form").attrs["action"] == f"/bots/{made.id}/versions/1/roll-back"
        assert (await desk.get(f"/bots/{made.id}/versions/9"))[0] == 404
        assert (await desk.get(f"/bots/{new_id()}/versions"))[0] == 404


async def test_a_version_says_what_changed_in_words(running: Running) -> None:
    longer = {**BYE, "text": "Goodbye!", "translations": {"es": "¡Hasta luego!"}}
    after = file({**JUDGE, "then": [], "otherwise": [longer, FORM]}, name="Beans", audience={"once": True})
    async with flow(running, file(JUDGE), after) as made, at_desk(running.base) as desk:
        page = await desk.look(f"/bots/{made.id}/versions/2")
        settings = [node.text for node in page.all("dl")[0].all("div")]
        assert "Roasts" in settings[0]
        assert "At most once per person" in settings[1]
        told = {li.one("code").text: li.text for li in page.one("ul", class_="flow-changes").all("li")}
        assert "Moved" in told["form"]
        assert "after bye in the branch “Otherwise” of new" in told["form"]
        assert [w for w in ("Text (Spanish)", "¡Adiós!", "¡Hasta luego!", "Goodbye!") if w not in told["bye"]] == []
        assert "Nothing changed" in (await desk.look(f"/bots/{made.id}/versions/1?since=1")).text


async def test_a_rollback_is_a_new_version_and_is_recorded(running: Running) -> None:
    async with flow(running, file(HI), file(BYE)) as made, new_teammate(running) as eve:
        status, _page = await eve.desk.post(f"/bots/{made.id}/versions/1/roll-back", {})
        assert (status, eve.desk.location) == (303, f"/bots/{made.id}/versions")
        assert "Version 3 is published." in await eve.desk.said()
        assert "Restored version 1" in (await eve.desk.look(eve.desk.location)).text
        assert await recorded(running, eve) == [A.FLOW_ROLLED_BACK]


async def test_a_rollback_to_something_that_is_gone_says_what_is_missing(running: Running) -> None:
    tag = await running.bot.tags.create(f"Tag {new_id()}", ADA)
    tagged = file({"kind": "tag", "id": "tag", "tag": tag.id})
    async with flow(running, tagged, file(HI)) as made, at_desk(running.base) as desk:
        await running.bot.tags.delete(tag.id, ADA)
        status, page = await desk.post(f"/bots/{made.id}/versions/1/roll-back", {})
        assert (status, "steps[0].tag" in page.text, "This tag doesn't exist." in page.text) == (422, True, True)
        assert (await running.bot.flows.get(made.id)).version == 2


async def test_the_map_is_a_picture_in_which_every_word_is_text(running: Running) -> None:
    evil = {**HI, "id": "evil", "text": EVIL}
    async with flow(running, file(JUDGE, evil, name=EVIL)) as made, at_desk(running.base) as desk:
        url = f"{running.base}/bots/{made.id}/map.svg"
        async with desk.session.get(url) as answer:
            assert (answer.status, answer.content_type) == (200, "image/svg+xml")
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
            svg = await answer.text()
        root = ElementTree.fromstring(svg)  # noqa: S314 (our own)
        titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}title")]
        assert titles[0] == f"Map of {EVIL}"
        assert f"Message: {EVIL}" in titles
        assert {"If they match", "Otherwise"} <= {*titles}
        assert {node.tag.rpartition("}")[2] for node in root.iter()} <= {
            "svg", "title", "desc", "style", "defs", "marker", "path", "g", "rect", "text",
        }  # fmt: skip
        page = await desk.look(f"/bots/{made.id}/map")
        assert page.one("svg", class_="map").attrs["role"] == "img"
        steps = [li.attrs["data-step"] for li in page.all("li", class_="outline-step")]
        assert steps == ["new", "form", "hi", "bye", "evil"]
        assert EVIL in page.all("ol", class_="outline")[0].text


async def test_a_map_of_200_steps_is_drawn(running: Running) -> None:
    steps = [{**HI, "id": f"s{i}"} for i in range(196)]
    async with flow(running, file(JUDGE, *steps)) as made, at_desk(running.base) as desk:
        page = await desk.look(f"/bots/{made.id}/map")
    assert len(page.one("svg", class_="map").all("rect")) == 200


async def test_pages_speak_the_language_of_their_reader(running: Running) -> None:
    async def names(desk: Desk, path: str, language: str) -> Node:
        headers = {**HTML, "Accept-Language": language}
        async with desk.session.get(f"{running.base}/bots/{FLOW}{path}", headers=headers) as answer:
            return read(await answer.text())

    async with at_desk(running.base) as desk:
        for language, word in (("en", "Message"), ("de", "Nachricht"), ("en", "Message")):
            assert word in (await names(desk, "/map", language)).one("ol", class_="outline").text
            assert (await names(desk, "", language)).one("template", id="step-say").attrs["data-name"] == word
