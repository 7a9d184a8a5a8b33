"""Settings > API tokens, and the profile page."""

from __future__ import annotations

import re

from bot.model.teammate import TeammateRole
from tests.conftest import eventually
from tests.widget.admins import PASSWORD, SIGN_IN, new_teammate
from tests.widget.desk import at_desk
from tests.widget.help import Node, Running

PATH = "/settings/tokens"


async def status_of(running: Running, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with running.session.get(f"{running.base}/api/me", headers=headers) as answer:
        return answer.status


async def test_a_token_is_shown_once_used_and_revoked(running: Running) -> None:
    async with new_teammate(running) as eve:
        wanted = {"name": "Nightly import", "days": "30", "scopes.read_contacts": "on"}
        status, page = await eve.desk.post(PATH, wanted)
        token = page.one("input", id="token").attrs["value"]
        assert (status, token[:6]) == (200, "sayso_")
        assert await status_of(running, token) == 200
        page = await eve.desk.look(PATH)
        assert token not in page.text
        assert not page.all("input", id="token")
        (kept,) = [one for one in await running.bot.tokens.all() if one.teammate == eve.teammate.id]
        assert (kept.scopes, kept.ending, token in str(kept.stored())) == (("read_contacts",), token[-4:], False)

        async def is_used() -> bool:
            found = await running.store.api_tokens.get(kept.id)
            return bool(found and found.last_used_at)

        await eventually(is_used)
        assert (await eve.desk.post(f"{PATH}/{kept.id}/revoke", {}))[0] == 303
        assert await status_of(running, token) == 401


async def test_a_token_needs_a_name_an_offered_expiry_and_a_permission(running: Running) -> None:
    async with new_teammate(running) as eve:
        for wrong, field in (
            ({"name": "", "days": "30", "scopes.read_contacts": "on"}, "name-error"),
            ({"name": "CI", "days": "31", "scopes.read_contacts": "on"}, "days-error"),
            ({"name": "CI", "days": "30"}, "scopes-error"),
        ):
            status, page = await eve.desk.post(PATH, wrong)
            assert (status, len(page.all("p", id=field))) == (422, 1)
        assert (await eve.desk.post(PATH, {"name": "CI", "days": "30", "scopes.everything": "on"}))[0] == 422
        assert not [one for one in await running.bot.tokens.all() if one.teammate == eve.teammate.id]


def name_of_language(page: Node) -> str:
    return page.all("html")[0].attrs["lang"]


async def test_a_profile_sets_name_language_zone_and_notifications(running: Running) -> None:
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        profile = {"name": "Eve K.", "locale": "de", "time_zone": "Europe/Berlin", "notify_sound": "on"}
        assert (await eve.desk.post("/settings/profile", profile))[0] == 303
        page = await eve.desk.look("/settings/profile")
        assert (name_of_language(page), page.one("h1").text) == ("de", "Profil")
        found = await running.bot.teammates.get(eve.teammate.id)
        assert found
        assert (found.name, found.time_zone) == ("Eve K.", "Europe/Berlin")
        assert (found.notify_sound, found.notify_desktop) == (True, False)
        for wrong in ({"name": "Eve", "locale": "xx"}, {"name": "Eve", "time_zone": "Mars/Base"}, {"name": " "}):
            assert (await eve.desk.post("/settings/profile", wrong))[0] == 422


async def test_a_new_password_ends_all_other_sessions(running: Running) -> None:
    async with new_teammate(running) as eve, at_desk(running.base, eve.email, PASSWORD) as elsewhere:
        path, new = f"{SIGN_IN}/password", "harvest nickel 42 drum"
        for current, password, error in (
            ("wrong", new, "Incorrect password"),
            (PASSWORD, "short", "at least 10 characters"),
            (PASSWORD, "qwertyuiop123", "easy to guess"),
            (PASSWORD, eve.email.partition("@")[0], "easy to guess"),
        ):
            status, page = await eve.desk.post(path, {"current": current, "password": password})
            assert (status, error in page.text) == (422, True)
        await elsewhere.look("/inbox")
        assert (await eve.desk.post(path, {"current": PASSWORD, "password": new}))[0] == 303
        await eve.desk.look("/inbox")
        assert (await elsewhere.get("/inbox"))[0] == 303


async def test_the_documentation_is_served_to_teammates(running: Running) -> None:
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        index = await eve.desk.look("/help")
        pages = {a.attrs["href"] for a in index.one("main").all("a") if re.match(r"/help/\w", a.attrs["href"])}
        assert {"/help/settings", "/help/proof"} <= pages
        for path in pages:
            page = await eve.desk.look(path)
            links = {a.attrs.get("href", "") for a in page.one("article").all("a")}
            assert not [link for link in links if link.endswith(".md")]
            anchors = {node.attrs["id"] for node in page.one("article").walk() if "id" in node.attrs}
            assert {link[1:] for link in links if link.startswith("#")} <= anchors
        tour = await eve.desk.look("/help/tour")
        pictures = [image.attrs["src"] for image in tour.one("article").all("img")]
        assert len(pictures) == 10
        for picture in pictures:
            async with eve.desk.session.get(f"{eve.desk.base}/help/{picture}") as answer:
                assert (answer.status, answer.content_type) == (200, "image/png"), picture
        assert (await eve.desk.get("/help/images/nothing.png"))[0] == 404
        assert (await eve.desk.get("/help/decisions"))[0] == 404
        assert "Next conversation" in (await eve.desk.look("/help/shortcuts")).text
