"""Signing in: who they are, how often they may try, and what their session is good for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from bot.config import Settings
from bot.errors import SignInRefused, TooManyTries
from bot.model.base import new_id, now
from bot.model.teammate import TeammateRole
from bot.store import open_store
from bot.store.embedded import EmbeddedServer
from bot.workspace import teammates
from bot.workspace.tokens import hashed
from tests.conftest import serving
from tests.widget.desk import ADA, HTML, Desk, at_desk
from tests.widget.help import Running, faults
from widget.web.http import BOT

PASSWORD = "correct horse battery"


@pytest.fixture
async def desk(running: Running) -> AsyncIterator[Desk]:
    """Nobody yet: a browser before the door."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Desk(session, running.base)


@pytest.fixture
async def email(running: Running) -> str:
    """Of an agent of their own, so that tries count against nobody else."""
    email = f"{new_id()}@shop.example"
    await running.bot.teammates.add(email, TeammateRole.AGENT, PASSWORD, name="Eve")
    return email


@pytest.fixture(autouse=True)
async def _tries_are_forgotten(running: Running) -> AsyncIterator[None]:
    yield
    await running.store.attempts.collection.delete_many({})


async def enter(desk: Desk, email: str, password: str = PASSWORD, **fields: str) -> tuple[int, str]:
    fields = fields if "csrf" in fields else {**fields, "csrf": await desk.csrf("/login")}
    form = {"email": email, "password": password, **fields}
    status, page = await desk.post("/login", form)
    return status, "".join(node.text for node in page.all("div", role="alert"))


def cookie(desk: Desk, name: str = "sayso") -> str:
    return next((c.value for c in desk.session.cookie_jar if c.key == name), "")


class TestPassword:
    async def test_the_right_one_opens_the_inbox(self, desk: Desk, email: str) -> None:
        assert (await enter(desk, email.upper()))[0] == 303
        assert desk.location == "/inbox"
        assert "Eve" in (await desk.look("/inbox")).text

    async def test_a_wrong_one_and_an_unknown_email_look_alike(self, desk: Desk, email: str) -> None:
        wrong = await enter(desk, email, "another password")
        assert wrong == await enter(desk, f"{new_id()}@shop.example", "another password")
        assert (wrong[0], "Incorrect email or password" in wrong[1]) == (422, True)
        assert cookie(desk) == ""

    async def test_nothing_typed_is_told_beside_the_fields(self, desk: Desk) -> None:
        status, page = await desk.post("/login", {"csrf": await desk.csrf("/login"), "email": "", "password": ""})
        assert (status, len(page.all("p", class_="field-error"))) == (422, 2)

    async def test_too_many_tries_are_refused_with_the_right_one_too(
        self, desk: Desk, email: str, running: Running
    ) -> None:
        while (answer := await enter(desk, email, "wrong"))[0] == 422:
            pass
        assert (answer[0], "Too many attempts" in answer[1]) == (429, True)
        assert (await enter(desk, email))[0] == 429
        # At another address they still get in: nobody can lock a teammate out from afar.
        found = await running.bot.teammates.sign_in(email, PASSWORD, address="198.51.100.7", is_local=False)
        assert found.email == email

    async def test_the_answer_says_when_to_come_back(self, desk: Desk, email: str, running: Running) -> None:
        while (await enter(desk, email, "wrong"))[0] == 422:
            pass
        form = {"email": email, "password": PASSWORD, "csrf": await desk.csrf("/login")}
        async with desk.session.post(f"{desk.base}/login", data=form) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (429, True)

    @pytest.mark.parametrize("one_email", [True, False], ids=["of one email", "of one address"])
    async def test_tries_from_many_places_are_counted_too(
        self, email: str, running: Running, monkeypatch: pytest.MonkeyPatch, one_email: bool
    ) -> None:
        """Six are enough here, for each of them takes its time; in truth 40 of one email and 50 of one address."""
        monkeypatch.setattr(teammates, "MOST_WRONG_OF_EMAIL" if one_email else "MOST_WRONG_OF_ADDRESS", 6)
        sign_in = running.bot.teammates.sign_in
        for i in range(6):
            who, where = (email, f"198.51.100.{i}") if one_email else (f"{i}@shop.example", "198.51.100.0")
            with pytest.raises(SignInRefused):
                await sign_in(who, "wrong", address=where, is_local=False)
        with pytest.raises(TooManyTries):
            await sign_in(email, PASSWORD, address="198.51.100.9" if one_email else "198.51.100.0", is_local=False)

    async def test_no_password_is_kept(self, running: Running, email: str) -> None:
        stored = await running.store.teammates.by_email(email)
        assert stored
        assert stored.password_hash.startswith("$argon2id$")
        assert PASSWORD not in str(stored)


class TestSession:
    async def test_its_id_is_new_at_each_sign_in_whatever_cookie_came(self, desk: Desk, email: str) -> None:
        desk.session.cookie_jar.update_cookies({"sayso": "chosen-by-a-thief"}, response_url=_url(desk))
        one, two = await desk.csrf("/login"), await desk.csrf("/login")
        await enter(desk, email, csrf=one)
        first = cookie(desk)
        assert first != "chosen-by-a-thief"
        await enter(desk, email, csrf=two)
        assert cookie(desk) not in {"", first}
        assert (await _with_cookie(desk, first)) == 303, "the one before has ended"

    async def test_the_database_does_not_hold_the_cookie(self, desk: Desk, email: str, running: Running) -> None:
        await enter(desk, email)
        sessions = await running.store.sessions.collection.find({}).to_list(None)
        assert cookie(desk) not in str(sessions)

    async def test_signed_out_it_opens_nothing(self, desk: Desk, email: str) -> None:
        await enter(desk, email)
        kept = cookie(desk)
        assert (await desk.post("/logout", {}))[0] == 303
        assert await _with_cookie(desk, kept) == 303

    async def test_it_ends_by_itself(self, desk: Desk, email: str, running: Running) -> None:
        await enter(desk, email)
        assert (await desk.get("/inbox"))[0] == 200
        past = {"$set": {"expires_at": now() - timedelta(seconds=1)}}
        await running.store.sessions.collection.update_many({}, past)
        assert (await desk.get("/inbox"))[0] == 303

    @pytest.mark.parametrize("change", ["removed", "new password"])
    async def test_who_is_removed_or_has_a_new_password_is_out_at_once(
        self, desk: Desk, email: str, running: Running, change: str
    ) -> None:
        await enter(desk, email)
        if change == "removed":
            await running.bot.teammates.remove(email)
        else:
            await running.bot.teammates.set_password(email, "a new long password")
        assert (await desk.get("/inbox"))[0] == 303

    async def test_another_role_counts_at_once(self, desk: Desk, email: str, running: Running) -> None:
        await enter(desk, email)
        assert (await desk.get("/settings/brand"))[0] == 403
        await running.store.teammates.update({"email": email}, {"$set": {"role": "admin"}})
        assert (await desk.get("/settings/brand"))[0] == 200

    async def test_its_cookie_is_for_the_server_alone(self, desk: Desk, email: str) -> None:
        form = {"email": email, "password": PASSWORD, "csrf": await desk.csrf("/login")}
        async with desk.session.post(f"{desk.base}/login", data=form, allow_redirects=False) as answer:
            (line,) = [c for c in answer.headers.getall("Set-Cookie") if c.startswith("sayso=")]
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(line.split("; "))

    async def test_over_https_it_is_bound_to_the_host(self, mongo: EmbeddedServer, tmp_path: Path) -> None:
        settings = Settings(_env_file=None, data=tmp_path, secret_key="s" * 40)
        async with open_store(mongo.url, "sayso_widget") as store, serving(store, settings) as server:
            server.app[BOT].public_url = "https://chat.example.com"
            async with aiohttp.ClientSession() as session, session.get(server.make_url("/login")) as answer:
                line = answer.headers["Set-Cookie"]
        assert line.startswith("__Host-sayso")
        assert "Secure" in line


class TestForms:
    async def test_the_form_to_sign_in_needs_its_own_token(self, desk: Desk, email: str, running: Running) -> None:
        for token in ("", "x.y"):
            status, _ = await desk.post("/login", {"email": email, "password": PASSWORD, "csrf": token})
            assert status == 403
        async with at_desk(running.base) as other:
            status, _ = await desk.post(
                "/login", {"email": email, "password": PASSWORD, "csrf": await other.csrf("/inbox")}
            )
            assert status == 403
        assert cookie(desk) == ""

    async def test_the_token_of_another_session_is_none_here(self, desk: Desk, email: str, running: Running) -> None:
        await enter(desk, email)
        async with at_desk(running.base) as other:
            assert (await desk.post("/logout", {"csrf": await other.csrf()}))[0] == 403
        assert (await desk.get("/inbox"))[0] == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "null"},
            {"Origin": "http://["},
        ],
    )
    async def test_another_site_sends_no_form_even_with_the_token(
        self, desk: Desk, email: str, headers: dict[str, str]
    ) -> None:
        await enter(desk, email)
        assert (await desk.post("/logout", {}, **headers))[0] == 403
        assert (await desk.get("/inbox"))[0] == 200

    @pytest.mark.parametrize(
        "next",
        [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "//[",
            "javascript:alert(1)",
            "/\t/evil.example",
            "",
            "x",
        ],
    )
    async def test_after_it_one_stays_here(self, desk: Desk, email: str, next: str) -> None:
        async with desk.session.get(f"{desk.base}/login", params={"next": next}, headers=HTML) as answer:
            assert 'name="next" value="/inbox"' in await answer.text()
        await enter(desk, email, next=next)
        assert desk.location == "/inbox"

    async def test_after_it_one_is_where_one_wanted_to_be(self, desk: Desk, email: str) -> None:
        await enter(desk, email, next="/search?q=deals")
        assert desk.location == "/search?q=deals"


class TestDemo:
    """Its password and token are known to everybody, so they open this machine's own requests and no others."""

    FAR = (
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "chat.example.com"},
        {"X-Real-IP": "203.0.113.9"},
    )

    @pytest.mark.parametrize("headers", FAR)
    async def test_its_people_sign_in_on_this_machine_only(self, desk: Desk, headers: dict[str, str]) -> None:
        form = {"email": ADA, "password": "demo", "csrf": await desk.csrf("/login")}
        assert (await desk.post("/login", form, **headers))[0] in {403, 422}
        assert cookie(desk) == ""

    @pytest.mark.parametrize("headers", FAR)
    async def test_nor_does_their_session_serve_anybody_else(self, running: Running, headers: dict[str, str]) -> None:
        async with at_desk(running.base) as ada:
            url = f"{ada.base}/inbox"
            async with ada.session.get(url, headers={**HTML, **headers}, allow_redirects=False) as answer:
                assert answer.status == 303

    async def test_its_token_says_who_it_is(self, running: Running) -> None:
        async with running.session.get(f"{running.base}/api/me", headers={"Authorization": "Bearer demo"}) as answer:
            body = await answer.json()
        assert (answer.status, body["type"], body["email"]) == (200, "admin", ADA)

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic demo"}, *FAR])
    async def test_no_other_token_says_anything(self, running: Running, headers: dict[str, str]) -> None:
        far = {"Authorization": "Bearer demo"} if headers in self.FAR else {}
        async with running.session.get(f"{running.base}/api/me", headers={**far, **headers}) as answer:
            assert answer.status == 401
            assert faults(await answer.json())[0][0] in {"unauthorized", "token_unauthorized"}

    @pytest.mark.parametrize("spoil", ["nothing", "revoked", "expired", "of somebody removed", "the kept hash"])
    async def test_a_token_is_good_until_it_is_revoked_expires_or_its_maker_leaves(
        self, running: Running, email: str, spoil: str
    ) -> None:
        token = await running.bot.tokens.make(await running.bot.teammates.named(email), "Import")
        over = {"revoked": {"revoked_at": now()}, "expired": {"expires_at": now() - timedelta(seconds=1)}}.get(spoil)
        if over:
            await running.store.api_tokens.update({"_id": hashed(token)}, {"$set": over})
        if spoil == "of somebody removed":
            await running.bot.teammates.remove(email)
        sent = hashed(token) if spoil == "the kept hash" else token
        url, far = f"{running.base}/api/me", {"X-Forwarded-For": "203.0.113.9"}
        async with running.session.get(url, headers={"Authorization": f"Bearer {sent}", **far}) as answer:
            assert answer.status == (200 if spoil == "nothing" else 401)
            assert (email in await answer.text()) == (spoil == "nothing")


async def test_what_htmx_names_as_its_page_may_be_no_address(desk: Desk) -> None:
    headers = {**HTML, "HX-Request": "true", "HX-Current-URL": "http://["}
    async with desk.session.get(f"{desk.base}/inbox", headers=headers) as answer:
        assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/login")


def _url(desk: Desk) -> URL:
    return URL(desk.base)


async def _with_cookie(desk: Desk, value: str) -> int:
    async with (
        aiohttp.ClientSession(cookies={"sayso": value}, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        session.get(f"{desk.base}/inbox", headers=HTML, allow_redirects=False) as answer,
    ):
        return answer.status
