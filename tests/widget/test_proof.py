"""Sensitive changes in a session that began long ago ask for the password again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.base import new_id, now
from bot.model.teammate import TeammateRole
from tests.widget.admins import PASSWORD, SIGN_IN, Admin, add_passkey, named_base, new_teammate
from tests.widget.authenticator import Authenticator
from tests.widget.desk import HTML
from tests.widget.help import Running
from widget.web.proof import LASTS, PATH

FORMS = {
    "/settings/tokens": {"name": "CI", "days": "30", "scopes.read_contacts": "on"},
    "/settings/teammates/invite": {"email": "cy@shop.example", "role": "admin"},
    "/settings/teammates/{other}/role": {"role": "admin"},
    "/settings/teammates/{other}/password-link": {},
    "/settings/teammates/{other}/second-factor": {},
    "/settings/install/secrets": {"key": "a" * 24},
    "/settings/security": {},
    f"{SIGN_IN}/passkeys": {"name": "x", "challenge": "x", "credential": "x"},
    f"{SIGN_IN}/passkeys/key/remove": {},
    f"{SIGN_IN}/codes": {},
}


async def grow_old(running: Running, eve: Admin) -> None:
    past = now() - LASTS - timedelta(seconds=1)
    await running.store.sessions.collection.update_many(
        {"teammate": eve.teammate.id}, {"$set": {"created_at": past}, "$unset": {"proved_at": ""}}
    )


@pytest.mark.parametrize("path", FORMS)
async def test_an_old_session_changes_no_access(running: Running, path: str) -> None:
    async with new_teammate(running) as eve, new_teammate(running, TeammateRole.AGENT) as other:
        await eve.desk.csrf(SIGN_IN)
        await grow_old(running, eve)
        logged = await running.store.audit_log.count_about()
        status, _ = await eve.desk.post(path.format(other=other.teammate.id), FORMS[path], Referer=eve.desk.base + path)
        assert (status, eve.desk.location.partition("?")[0]) == (303, PATH)
        assert await eve.desk.said() == "Enter your password, then try again."
        assert await running.store.audit_log.count_about() == logged


async def test_the_password_gives_ten_more_minutes(running: Running) -> None:
    key = Authenticator(named_base(running))
    async with new_teammate(running) as eve:
        await grow_old(running, eve)
        page = await eve.desk.look(SIGN_IN)
        assert not [form for form in page.all("form") if "data-add-passkey" in form.attrs]
        (confirm,) = [a.attrs["href"] for a in page.all("a") if a.text.strip() == "Confirm it's you"]
        async with eve.desk.session.post(
            f"{eve.desk.base}{SIGN_IN}/passkeys/options", data={"csrf": await eve.desk.csrf(SIGN_IN)}
        ) as answer:
            assert answer.status == 403

        hidden = (await eve.desk.look(confirm)).one("input", name="next").attrs["value"]
        assert hidden == f"{SIGN_IN}#passkeys-title"
        status, page = await eve.desk.post(confirm, {"current": "wrong", "next": hidden})
        assert (status, page.one("p", id="current-error").text.strip()) == (422, "Incorrect password.")
        assert page.one("input", name="next").attrs["value"] == hidden
        status, _ = await eve.desk.post(confirm, {"current": PASSWORD, "next": hidden})
        assert (status, eve.desk.location) == (303, hidden)
        assert (await add_passkey(eve.desk, key))[0] == 200


async def test_wrong_passwords_are_bounded(running: Running) -> None:
    async with new_teammate(running) as eve:
        statuses = [(await eve.desk.post(PATH, {"current": "wrong"}))[0] for _ in range(7)]
        assert (statuses[0], statuses[-1]) == (422, 429)
        assert (await eve.desk.post(f"{SIGN_IN}/password", {"current": PASSWORD, "password": new_id()}))[0] == 429


@pytest.mark.parametrize("where", ["https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
async def test_it_leads_nowhere_else(running: Running, where: str) -> None:
    async with new_teammate(running) as eve:
        page = await eve.desk.look(f"{PATH}?next={where}")
        assert page.one("input", name="next").attrs["value"] == "/inbox"
        await eve.desk.post(PATH, {"current": PASSWORD, "next": where})
        assert eve.desk.location == "/inbox"
        await grow_old(running, eve)
        url, form = f"{eve.desk.base}{SIGN_IN}/codes", {"csrf": eve.desk.token}
        async with eve.desk.session.post(
            url, data=form, headers={**HTML, "Referer": where}, allow_redirects=False
        ) as a:
            assert a.headers["Location"] == f"{PATH}?next=/settings/profile/sign-in"
