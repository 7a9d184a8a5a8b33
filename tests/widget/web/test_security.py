"""What every answer carries, and what a request may claim: seen from the outside."""

from __future__ import annotations

import asyncio
from functools import partial
from io import BytesIO
from itertools import islice

import aiohttp
import pytest
from yarl import URL

from bot.errors import SignInRefused, TooManyTries
from bot.model.base import new_id
from bot.model.teammate import TeammateRole
from bot.workspace.passwords import MOST_WAITING, Passwords
from bot.workspace.teammates import Device
from tests.conftest import Visitor
from tests.widget.desk import ADA, HTML, Desk
from tests.widget.help import Running

PASSWORD = "correct horse battery"
FAR = {"X-Forwarded-For": "203.0.113.9"}


@pytest.mark.parametrize("path", ["/login", "/healthz", "/widget.js", "/nowhere", "/demo"])
async def test_no_answer_names_versions(running: Running, path: str) -> None:
    async with running.session.get(running.base + path, headers=HTML) as answer:
        assert answer.headers["Server"] == "Sayso"


async def test_pages_keep_to_themselves(running: Running) -> None:
    async with running.session.get(running.base + "/login", headers=HTML) as answer:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "geolocation=()" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers, "over plain http it would mean nothing"


async def test_over_https_browsers_are_told_to_stay_there(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.bot, "public_url", "https://chat.example.com")
    async with running.session.get(running.base + "/healthz") as answer:
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


HUGE = {
    "a header line of 9,000 bytes": b"--x\r\nContent-Disposition: form-data; name=%b\r\n\r\nv\r\n--x--" % (b"n" * 9000),
    "60,000 bytes without a line end": b"--x\r\n" + b"n" * 60_000,
    "5 MB without a line end": b"--x\r\n" + b"n" * 5_000_000,
}
FORMS = ["/login", "/settings/brand/logo", "/settings/check", "/demo/phone", "/inbox/forms/" + "0" * 24 + "/remove"]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE)
async def test_a_form_that_cannot_be_read_is_the_senders_fault(ada: Desk, path: str, body: bytes) -> None:
    headers = {**HTML, "Content-Type": "multipart/form-data; boundary=x"}
    async with ada.session.post(ada.base + path, data=BytesIO(body), headers=headers, allow_redirects=False) as answer:
        assert 400 <= answer.status < 500


class TestOrigins:
    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("http://{host}", 101),
            ("https://{host}", 101),
            ("https://chat.example.com", 101),
            ("http://chat.example.com", 403),
            ("ftp://{host}", 403),
            ("null", 403),
            ("https://evil.example", 403),
            ("http://{host}.evil.example", 403),
            ("http://[", 403),
        ],
    )
    async def test_a_live_connection_is_for_pages_of_ours(
        self, visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch, origin: str, status: int
    ) -> None:
        """Scheme and all: on http anybody on the way could have written the page."""
        monkeypatch.setattr(running.bot, "public_url", "https://chat.example.com")
        host = running.base.partition("://")[2]
        headers = {"Origin": origin.format(host=host)}
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        headers |= {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        async with visitor.session.get(f"{visitor.base}/messenger/live", headers=headers) as answer:
            assert answer.status == status


class TestForwardedAddresses:
    @pytest.mark.parametrize(
        ("forwarded", "seen"),
        [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("unknown", "127.0.0.1"),
            ("203.0.113.999", "127.0.0.1"),
            ("<script>", "127.0.0.1"),
            ("", "127.0.0.1"),
        ],
    )
    async def test_only_an_address_is_taken_for_one(
        self, visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch, forwarded: str, seen: str
    ) -> None:
        settings = running.bot.settings.model_copy(update={"trusted_proxies": 1})
        monkeypatch.setattr(running.bot, "settings", settings)
        url = f"{visitor.base}/messenger/conversations/{visitor.conversation}/cards/2"
        headers = {**visitor.headers, "X-Forwarded-For": forwarded}
        form = {**visitor.card(), "region": "US", "number": "(201) 555-0123"}
        async with visitor.session.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200
        assert [event.context.ip for event in await running.events(visitor)] == [seen]


async def test_the_demo_phone_is_for_this_machine_only(running: Running) -> None:
    """It shows what was texted to every number."""
    async with running.session.get(running.base + "/demo/phone", headers=HTML) as answer:
        assert answer.status == 200
    async with running.session.get(running.base + "/demo/phone", headers={**HTML, **FAR}) as answer:
        assert answer.status == 404
    async with running.session.post(running.base + "/demo/phone", data={"body": "STOP"}, headers=FAR) as answer:
        assert answer.status == 404


class TestSignInUnderAttack:
    @pytest.fixture
    async def email(self, running: Running) -> str:
        email = f"{new_id()}@shop.example"
        await running.bot.teammates.add(email, TeammateRole.AGENT, PASSWORD, name="Eve")
        return email

    async def test_one_address_fills_its_own_queue_and_no_other(
        self, running: Running, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_in, is_right, may_end = running.bot.teammates.sign_in, Passwords.is_right, asyncio.Event()

        async def held(passwords: Passwords, hash: str | None, password: str, **known: bool) -> bool:
            if password == "wrong":
                await may_end.wait()
            return await is_right(passwords, hash, password, **known)

        monkeypatch.setattr(Passwords, "is_right", held)
        flood = [
            asyncio.create_task(sign_in(f"{i}@shop.example", "wrong", address="203.0.113.5", is_local=False))
            for i in range(50)
        ]
        for refused_at_once in islice(asyncio.as_completed(flood), 50 - MOST_WAITING - 1):
            with pytest.raises(TooManyTries):
                await refused_at_once
        found = await sign_in(email, PASSWORD, address="198.51.100.7", is_local=False)
        assert found.email == email
        may_end.set()
        answers = await asyncio.gather(*flood, return_exceptions=True)
        hashed = [answer for answer in answers if isinstance(answer, SignInRefused)]
        refused = [answer for answer in answers if isinstance(answer, TooManyTries)]
        assert (len(hashed), len(refused)) == (MOST_WAITING + 1, 50 - MOST_WAITING - 1)

    async def test_a_known_device_is_kept_out_by_nobody_elsewhere(
        self, running: Running, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.workspace.teammates.MOST_WRONG_OF_EMAIL", 2)
        sign_in = running.bot.teammates.sign_in
        for i in range(2):
            with pytest.raises(SignInRefused):
                await sign_in(email, "wrong", address=f"203.0.113.{i}", is_local=False)
        with pytest.raises(TooManyTries):
            await sign_in(email, PASSWORD, address="198.51.100.7", is_local=False)
        found = await sign_in(email, PASSWORD, address="198.51.100.7", is_local=False, device=Device("d", 1))
        assert found.email == email

    async def test_nor_by_somebody_in_the_same_office(
        self, running: Running, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.workspace.teammates.MOST_WRONG_FROM_HERE", 2)
        here = partial(running.bot.teammates.sign_in, address="198.51.100.7", is_local=False)
        mine, theirs = Device("mine", 1), Device("theirs", 1)
        for device in (None, theirs):
            for _ in range(2):
                with pytest.raises(SignInRefused):
                    await here(email, "wrong", device=device)
            with pytest.raises(TooManyTries):
                await here(email, PASSWORD, device=device)
        assert (await here(email, PASSWORD, device=mine)).email == email

    async def test_a_device_is_no_longer_known_after_a_change_of_the_password(
        self, running: Running, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.workspace.teammates.MOST_WRONG_OF_EMAIL", 1)
        sign_in = partial(running.bot.teammates.sign_in, is_local=False)
        with pytest.raises(SignInRefused):
            await sign_in(email, "wrong", address="203.0.113.1")
        await running.bot.teammates.set_password(email, PASSWORD)
        with pytest.raises(TooManyTries):
            await sign_in(email, PASSWORD, address="198.51.100.7", device=Device("d", 1))
        assert await sign_in(email, PASSWORD, address="198.51.100.7", device=Device("d", 2))

    async def test_an_ipv6_line_with_many_networks_locks_nobody_out(
        self, running: Running, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.workspace.teammates.MOST_WRONG_FROM_HERE", 1)
        monkeypatch.setattr("bot.workspace.teammates.MOST_WRONG_OF_EMAIL", 6)
        sign_in = partial(running.bot.teammates.sign_in, email, is_local=False)
        told = []
        for i in range(8):
            with pytest.raises((SignInRefused, TooManyTries)) as refused:
                await sign_in("wrong", address=f"2001:db8:1:{i:x}00::1")
            told.append(refused.type)
        assert told == [SignInRefused] * 4 + [TooManyTries] * 4
        assert await sign_in(PASSWORD, address="2001:db8:2::1")

    async def test_a_device_is_known_once_its_teammate_signed_in(self, ada: Desk, running: Running) -> None:
        device = next(cookie for cookie in ada.session.cookie_jar if cookie.key == "sayso_device")
        assert device["httponly"]
        assert ADA not in device.value, "the address is not for the next reader of the disk to see at a glance"
        opened = running.bot.signatures.serializer("device").loads(device.value)
        assert opened[1:] == [[ADA, 1]]
        assert len(opened[0]) >= 20

    @pytest.mark.parametrize("held", [[ADA], [], "x", [["a", "b"]], ["d", [ADA]], {"a": 1}, None])
    async def test_what_an_earlier_version_remembered_is_ignored(self, running: Running, held: object) -> None:
        cookie = str(running.bot.signatures.serializer("device").dumps(held))
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            session.cookie_jar.update_cookies({"sayso_device": cookie}, response_url=URL(running.base))
            desk = Desk(session, running.base)
            form = {"email": ADA, "password": "demo", "csrf": await desk.csrf("/login")}
            assert (await desk.post("/login", form))[0] == 303
