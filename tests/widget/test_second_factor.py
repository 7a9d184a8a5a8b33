"""Passkeys and recovery codes at sign-in, the rule that admins need one, and revoked sessions."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.widget.admins import (
    PASSWORD,
    SIGN_IN,
    add_passkey,
    codes_of,
    enter_password,
    named_base,
    new_teammate,
    sign_in_options,
)
from tests.widget.authenticator import Authenticator
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Running

VERIFY = "/login/verify"


def stranger(running: Running) -> tuple[aiohttp.ClientSession, Desk]:
    session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
    return session, Desk(session, named_base(running))


async def test_sign_in_asks_for_the_passkey_after_the_password(running: Running) -> None:
    key = Authenticator(named_base(running))
    async with new_teammate(running) as eve:
        status, page = await add_passkey(eve.desk, key)
        assert (status, len(codes_of(page))) == (200, 10)
        session, desk = stranger(running)
        async with session:
            await enter_password(desk, eve.email)
            assert (await desk.get("/inbox"))[0] == 303  # not signed in yet
            options, csrf = await sign_in_options(desk)
            sent = {"credential": key.get(options), "csrf": csrf, "next": "/settings/audit"}
            cookies = list(session.cookie_jar)
            assert (await desk.post(VERIFY, sent))[0] == 303
            assert desk.location == "/settings/audit"
            await desk.look("/inbox")

            # The same answer again, with the same cookie, is worth nothing.
            session.cookie_jar.clear()
            for cookie in cookies:
                session.cookie_jar.update_cookies({cookie.key: cookie.value})
            assert (await desk.post(VERIFY, sent))[0] in {303, 422}
            assert (await desk.get("/inbox"))[0] == 303


async def test_a_passkey_of_another_site_or_another_key_is_refused(running: Running) -> None:
    key, fake = Authenticator(named_base(running)), Authenticator("https://evil.example")
    async with new_teammate(running) as eve:
        status, page = await add_passkey(eve.desk, fake)
        assert (status, "That passkey didn't work" in page.text) == (422, True)
        await add_passkey(eve.desk, key)
        session, desk = stranger(running)
        async with session:
            await enter_password(desk, eve.email)
            for wrong in (Authenticator(key.origin), fake):
                wrong.id = key.id
                options, csrf = await sign_in_options(desk)
                assert (await desk.post(VERIFY, {"credential": wrong.get(options), "csrf": csrf}))[0] == 422
            assert (await desk.post(VERIFY, {"credential": "{}", "csrf": csrf}))[0] == 422


async def test_a_recovery_code_works_once_and_wrong_ones_are_limited(running: Running) -> None:
    async with new_teammate(running) as eve:
        _status, page = await add_passkey(eve.desk, Authenticator(named_base(running)))
        code = codes_of(page)[0]
        session, desk = stranger(running)
        async with session:
            for expected in (303, 422):
                await enter_password(desk, eve.email)
                csrf = await desk.csrf(VERIFY)
                assert (await desk.post(VERIFY, {"code": f" {code.upper()} ", "csrf": csrf}))[0] == expected
                session.cookie_jar.clear()
            await enter_password(desk, eve.email)
            csrf = await desk.csrf(VERIFY)
            statuses = [(await desk.post(VERIFY, {"code": "nope", "csrf": csrf}))[0] for _ in range(11)]
            assert (statuses[0], statuses[-1]) == (422, 429)


async def test_of_two_sign_ins_with_one_code_at_once_one_succeeds(running: Running) -> None:
    async with new_teammate(running) as eve:
        _status, page = await add_passkey(eve.desk, Authenticator(named_base(running)))
        service, code = running.bot.passkeys, codes_of(page)[0]
        challenges = [await service.start_sign_in(eve.teammate) for _ in range(5)]
        tries = (service.sign_in_with_code(challenge, code, "") for challenge in challenges)
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == [*["PasskeyRefused"] * 4, "Teammate"]


async def test_admins_add_a_passkey_before_anything_else_where_one_is_required(running: Running) -> None:
    key = Authenticator(named_base(running))
    async with new_teammate(running) as eve, new_teammate(running) as other:
        status, page = await eve.desk.post("/settings/security", {"require_second_factor": "on"})
        assert (status, "Add a passkey to your own account first." in page.text) == (422, True)
        await add_passkey(eve.desk, key)
        try:
            assert (await eve.desk.post("/settings/security", {"require_second_factor": "on"}))[0] == 303
            assert (await other.desk.get("/inbox"))[0] == 303
            assert (await other.desk.post("/settings/tokens", {"csrf": await other.desk.csrf(SIGN_IN)}))[0] == 403
            id = (await running.bot.passkeys.of(eve.teammate.id))[0].id
            status, page = await eve.desk.post(f"{SIGN_IN}/passkeys/{id}/remove", {})
            assert (status, "Add another passkey" in page.text) == (422, True)
            await add_passkey(other.desk, Authenticator(key.origin))
            assert (await other.desk.get("/inbox"))[0] == 200
        finally:
            assert (await eve.desk.post("/settings/security", {}))[0] == 303
        assert (await eve.desk.post(f"{SIGN_IN}/passkeys/{id}/remove", {}))[0] == 303


async def test_a_revoked_session_and_those_before_a_passkey_end(running: Running) -> None:
    async with new_teammate(running) as eve, new_teammate(running) as other:
        async with at_desk(eve.desk.base, eve.email, PASSWORD) as elsewhere:
            sessions = await running.store.sessions.collection.find({"teammate": eve.teammate.id}).to_list(None)
            second = max(sessions, key=lambda session: session["created_at"])["_id"]
            assert (await other.desk.post(f"{SIGN_IN}/sessions/{second}/revoke", {}))[0] == 404  # not their own
            assert (await eve.desk.post(f"{SIGN_IN}/sessions/{second}/revoke", {}))[0] == 303
            assert (await elsewhere.get("/inbox"))[0] == 303
        async with at_desk(eve.desk.base, eve.email, PASSWORD) as elsewhere:
            await add_passkey(eve.desk, Authenticator(named_base(running)))
            assert (await elsewhere.get("/inbox"))[0] == 303
            await eve.desk.look("/inbox")


async def test_a_change_of_the_password_ends_a_sign_in_that_is_half_done(running: Running) -> None:
    key = Authenticator(named_base(running))
    async with new_teammate(running) as eve:
        _status, page = await add_passkey(eve.desk, key)
        session, desk = stranger(running)
        async with session:
            await enter_password(desk, eve.email)
            options, csrf = await sign_in_options(desk)
            await running.bot.teammates.set_password(eve.email, "harvest nickel 42 drum")
            for form in ({"credential": key.get(options)}, {"code": codes_of(page)[0]}):
                assert (await desk.post(VERIFY, {**form, "csrf": csrf}))[0] == 422
            assert (await desk.get("/inbox"))[0] == 303


async def test_passkeys_are_not_offered_at_an_ip_address(running: Running, ada: Desk) -> None:
    page = await ada.look(SIGN_IN)
    assert "Passkeys require a domain name" in page.text
    assert not [form for form in page.all("form") if "data-add-passkey" in form.attrs]
