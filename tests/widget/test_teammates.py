"""Settings > Teammates: invitations, roles, password links, removal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.errors import LastAdmin, LinkExpired, PasswordGuessable, PasswordTooShort, TooManyTries
from bot.model.base import new_id, now
from bot.model.teammate import By, LinkPurpose, Teammate, TeammateRole
from bot.store import Store
from bot.workspace.account_links import MOST_TRIES
from bot.workspace.audit import COMMAND_LINE
from bot.workspace.teammates import TeammateService
from tests.conftest import eventually
from tests.widget.admins import PASSWORD, add_passkey, link_in, named_base, new_teammate
from tests.widget.authenticator import Authenticator
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Running

LIST = "/settings/teammates"
NEW = "velvet compass 19 marsh"


async def outside(desk: Desk, path: str, form: dict[str, str]) -> int:
    """Somebody without a session opens a link and sends its form."""
    status, page = await desk.get(path)
    if status != 200:
        return status
    return (await desk.post(path, {"csrf": page.one("input", name="csrf").attrs["value"], **form}))[0]


@pytest.fixture
async def somebody(running: Running) -> AsyncIterator[Desk]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Desk(session, running.base)


async def test_an_invitation_is_used_once_to_join(running: Running, ada: Desk, somebody: Desk) -> None:
    email = f"{new_id()}@shop.example"
    assert (await ada.post(f"{LIST}/invite", {"email": email.upper(), "role": "agent"}))[0] == 303
    (link,) = [link for link in await running.bot.account_links.invitations() if link.email == email]
    payload = running.bot.account_links.token(link).split(".")[0]  # the rest has the time at which it was shown
    shown = [field.attrs.get("value") or "" for field in (await ada.look(LIST)).all("input")]
    (path,) = [urlsplit(address).path for address in shown if f"/join/{payload}." in address]
    assert await outside(somebody, path, {"name": "Cy", "password": "password123"}) == 422  # easy to guess
    assert await outside(somebody, path, {"name": "", "password": NEW}) == 422
    assert await outside(somebody, path, {"name": "Cy", "password": NEW}) == 303
    assert "Cy" in (await somebody.look("/inbox")).one("details", class_="me").text
    assert (await somebody.get(LIST))[0] == 403
    assert await outside(somebody, path, {"name": "Dee", "password": NEW}) == 404
    assert email not in {link.email for link in await running.bot.account_links.invitations()}
    status, page = await ada.post(f"{LIST}/invite", {"email": email, "role": "agent"})
    assert (status, "already exists" in page.text) == (422, True)


async def test_a_newer_invitation_or_revoking_ends_a_link(running: Running, ada: Desk, somebody: Desk) -> None:
    email, paths = f"{new_id()}@shop.example", []
    for _invitation in range(2):
        await ada.post(f"{LIST}/invite", {"email": email, "role": "admin"})
        (link,) = [link for link in await running.bot.account_links.invitations() if link.email == email]
        paths.append(f"/join/{running.bot.account_links.token(link)}")
    assert (await somebody.get(paths[0]))[0] == 404
    assert (await somebody.get(paths[1]))[0] == 200
    assert (await ada.post(f"{LIST}/invitations/{link.id}/revoke", {}))[0] == 303
    assert (await somebody.get(paths[1]))[0] == 404
    assert (await somebody.get(paths[1][:-2] + "xx"))[0] == 404  # a signature that is not ours


async def test_a_password_link_sets_the_password_and_ends_all_sessions(
    running: Running, ada: Desk, somebody: Desk
) -> None:
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        here = f"{LIST}/{eve.teammate.id}"
        assert (await ada.post(f"{here}/password-link", {}))[0] == 303
        path = link_in(await ada.look(ada.location.partition("#")[0]), "/password")
        await eve.desk.look("/inbox")  # the old password works until then
        assert await outside(somebody, path, {"password": NEW}) == 303
        assert (await eve.desk.get("/inbox"))[0] == 303
        assert await outside(somebody, path, {"password": NEW}) == 404
        async with at_desk(running.base, eve.email, NEW):
            pass


async def test_weak_passwords_hold_no_link_and_are_bounded(running: Running) -> None:
    links = running.bot.account_links
    link = await links.invite(f"{new_id()}@shop.example", TeammateRole.AGENT, COMMAND_LINE)
    token = links.token(link)
    weak = [links.join(token, "Eve", "password123", "203.0.113.5") for _ in range(MOST_TRIES - 1)]
    *refused, joined = await asyncio.gather(*weak, links.join(token, "Cy", NEW, ""), return_exceptions=True)
    assert {type(one) for one in refused} == {PasswordGuessable}
    assert isinstance(joined, Teammate)

    other = await links.invite(f"{new_id()}@shop.example", TeammateRole.AGENT, COMMAND_LINE)
    for _ in range(MOST_TRIES):
        with pytest.raises(PasswordTooShort):
            await links.join(links.token(other), "Eve", "short", "203.0.113.5")
    with pytest.raises(TooManyTries):
        await links.join(links.token(other), "Eve", NEW, "203.0.113.5")


async def test_the_page_of_a_link_says_that_there_were_too_many_tries(
    running: Running, somebody: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.workspace.account_links.MOST_TRIES", 1)
    links = running.bot.account_links
    path = f"/join/{links.token(await links.invite(f'{new_id()}@shop.example', TeammateRole.AGENT, COMMAND_LINE))}"
    assert await outside(somebody, path, {"name": "Cy", "password": "short"}) == 422
    assert await outside(somebody, path, {"name": "Cy", "password": NEW}) == 429


async def test_a_link_that_is_revoked_while_it_is_used_stays_revoked(running: Running) -> None:
    links, table = running.bot.account_links, running.store.account_links
    link = await links.invite(f"{new_id()}@shop.example", TeammateRole.AGENT, COMMAND_LINE)
    assert await table.use(link.id, now())
    await links.revoke_invitation(link.id, COMMAND_LINE)
    await table.give_back(link.id)
    with pytest.raises(LinkExpired):
        await links.read(links.token(link), LinkPurpose.JOIN)


@pytest.mark.parametrize("act", ["role", "remove"])
async def test_links_end_with_the_rights_of_their_maker(running: Running, ada: Desk, somebody: Desk, act: str) -> None:
    links = running.bot.account_links
    async with new_teammate(running) as eve, new_teammate(running, TeammateRole.AGENT) as other:
        by = By(eve.teammate.id, "Eve")
        invitation = await links.invite(f"{new_id()}@shop.example", TeammateRole.ADMIN, by)
        password = await links.reset_password(other.teammate, by)
        paths = (f"/join/{links.token(invitation)}", f"/password/{links.token(password)}")
        assert [(await somebody.get(path))[0] for path in paths] == [200, 200]
        assert (await ada.post(f"{LIST}/{eve.teammate.id}/{act}", {"role": "agent"}))[0] == 303
        assert [(await somebody.get(path))[0] for path in paths] == [404, 404]
        assert invitation.id not in {link.id for link in await links.invitations()}
        assert await links.password_link(other.teammate) is None


async def test_a_link_of_the_command_line_has_no_maker(running: Running, somebody: Desk) -> None:
    links = running.bot.account_links
    link = await links.invite(f"{new_id()}@shop.example", TeammateRole.ADMIN, COMMAND_LINE)
    assert (await somebody.get(f"/join/{links.token(link)}"))[0] == 200


async def test_nobody_resets_their_own_sign_in(running: Running) -> None:
    """A stolen session would need no password to get a new one, nor a passkey to remove them."""
    async with new_teammate(running) as eve:
        await add_passkey(eve.desk, Authenticator(named_base(running)))
        here = f"{LIST}/{eve.teammate.id}"
        for path in ("password-link", "second-factor"):
            status, page = await eve.desk.post(f"{here}/{path}", {})
            assert (status, "Change your own password" in page.text) == (422, True)
        assert await running.bot.passkeys.of(eve.teammate.id)
        assert await running.bot.account_links.password_link(eve.teammate) is None
        actions = [form.attrs["action"] for form in (await eve.desk.look(here)).all("form") if "action" in form.attrs]
        assert [action for action in actions if action.startswith(here)] == [f"{here}/role", f"{here}/remove"]


async def test_a_role_applies_at_once(running: Running, ada: Desk) -> None:
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        assert (await eve.desk.get(LIST))[0] == 403
        assert (await ada.post(f"{LIST}/{eve.teammate.id}/role", {"role": "admin"}))[0] == 303
        await eve.desk.look(LIST)
        assert (await ada.post(f"{LIST}/{eve.teammate.id}/role", {"role": "owner"}))[0] == 422


async def test_removal_ends_everything(running: Running, ada: Desk) -> None:
    async with new_teammate(running) as eve:
        token = await running.bot.tokens.make(eve.teammate, "CI")
        assert (await ada.post(f"{LIST}/{eve.teammate.id}/remove", {}))[0] == 303
        assert (await eve.desk.get("/inbox"))[0] == 303
        url, headers = f"{running.base}/api/me", {"Authorization": f"Bearer {token}"}
        async with running.session.get(url, headers=headers) as answer:
            assert answer.status == 401
        assert (await ada.get(f"{LIST}/{eve.teammate.id}"))[0] == 404


async def test_last_seen_is_kept(running: Running, ada: Desk) -> None:
    async with new_teammate(running) as eve:
        await eve.desk.look("/inbox")

        async def is_seen() -> bool:
            found = await running.bot.teammates.get(eve.teammate.id)
            return bool(found and found.last_seen_at)

        await eventually(is_seen)


async def test_of_two_admins_who_remove_each_other_one_stays(store: Store) -> None:
    team, by = TeammateService(store), By("x", "X")
    admins = [await team.add(f"{name}@shop.example", TeammateRole.ADMIN, PASSWORD) for name in ("ada", "eve")]
    changes = (team.set_role(admins[0].id, TeammateRole.AGENT, by), team.remove(admins[1].email))
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(result, LastAdmin) for result in results) == 1
    assert len([one for one in await team.all() if one.is_admin]) == 1
