"""Settings > Workspace > Install: the snippet, allowed sites, identity secrets."""

from __future__ import annotations

import json
from collections.abc import Callable

import jwt
import pytest

from bot.config import Settings
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from bot.workspace.audit import AuditFilter
from bot.workspace.sites import matches, read_sites
from tests.conftest import Visitor, eventually, serving
from tests.widget.desk import Desk
from tests.widget.help import Node, Running

PATH = "/settings/install"
SHOP = "https://shop.example.com"


@pytest.fixture
async def running(own: Running) -> Running:
    return own


async def frame_policy(running: Running) -> str:
    async with running.session.get(f"{running.base}/messenger") as answer:
        return answer.headers["Content-Security-Policy"].partition("frame-ancestors ")[2]


def status_of(page: Node) -> dict[str, str]:
    rows = page.one("div", id="install-check").all("tr")[1:]
    return {row.one("th").text: row.all("span", class_="badge")[0].text for row in rows}


async def create(desk: Desk, key: str) -> str:
    status, page = await desk.post(f"{PATH}/secrets", {"key": key})
    assert status == 200
    return page.one("code", id="new-secret").text


class TestSites:
    async def test_only_the_sites_of_the_list_may_frame_the_chat(self, running: Running, ada: Desk) -> None:
        assert await frame_policy(running) == "*"
        typed = "shop.example.com\r\n https://Shop.Example.com/ \nhttps://*.example.org:8443"
        status, _ = await ada.post(f"{PATH}/sites", {"sites": typed})
        assert (status, await ada.said()) == (303, "Saved.")
        assert await frame_policy(running) == f"{SHOP} https://*.example.org:8443"
        page = await ada.look(PATH)
        assert page.one("textarea", id="sites").text.split() == [SHOP, "https://*.example.org:8443"]
        await ada.post(f"{PATH}/sites", {"sites": ""})
        assert await frame_policy(running) == "*"

    @pytest.mark.parametrize(
        "typed",
        [
            "https://shop.example.com/cart",
            "javascript:alert(1)",
            "https://user@shop.example.com",
            "https://shop.example.com?x=1",
            "https://shop.example.com;script-src",
            "https://*",
            "https://a*.example.com",
            "https://shop..com",
            "ftp://shop.example.com",
            "https://shop.example.com:99999",
            "'self'",
            "https://" + "a" * 64 + ".com",
        ],
    )
    async def test_what_is_no_site_is_named_beside_the_field(self, running: Running, ada: Desk, typed: str) -> None:
        status, page = await ada.post(f"{PATH}/sites", {"sites": f"{SHOP}\n{typed}"})
        assert status == 422
        assert typed in page.one("p", id="sites-error").text
        assert page.one("textarea", id="sites").text.split()[0] == SHOP, "what was typed stays"
        assert await frame_policy(running) == "*"

    async def test_images_are_loaded_from_the_hosts_of_the_list(self, running: Running, ada: Desk) -> None:
        async def policy() -> str:
            async with running.session.get(f"{running.base}/messenger") as answer:
                return answer.headers["Content-Security-Policy"].partition("img-src ")[2].partition(";")[0]

        async def faults() -> list[str]:
            image = {"url": "https://cdn.example.com/cup.png", "alt": "A cup"}
            steps = [{"kind": "say", "id": "hi", "text": "Hi", "image": image}]
            checked = await running.bot.flows.check(json.dumps({"steps": steps}))
            return [fault.path for fault in checked.faults if not fault.is_warning]

        assert (await policy(), await faults()) == ("'self' data:", ["steps[0].image.url"])
        typed = "cdn.example.com\nhttps://CDN.example.com/cup.png"
        assert (await ada.post(f"{PATH}/image-hosts", {"image_hosts": typed}))[0] == 303
        assert (await policy(), await faults()) == ("'self' data: https://cdn.example.com", [])
        for bad in (
            "*.example.com",
            "localhost",
            "http://cdn.example.com",
            "127.0.0.1",
            "a.com;script-src",
            "a.com:8443",
        ):
            status, page = await ada.post(f"{PATH}/image-hosts", {"image_hosts": bad})
            assert (status, page.one("p", id="image_hosts-error").text) == (
                422, "Enter one host per line, like cdn.example.com."
            )  # fmt: skip
        await ada.post(f"{PATH}/image-hosts", {"image_hosts": ""})
        assert await policy() == "'self' data:"

    async def test_the_setting_of_the_server_decides(
        self, mongo: EmbeddedServer, demo_store: Store, settings: Settings, ada: Desk
    ) -> None:
        fixed = settings.model_copy(update={"sites": "https://fixed.example"})
        async with open_store(mongo.url, "sayso_test") as store, serving(store, fixed) as server:
            base = str(server.make_url("")).rstrip("/")
            running = Running(server, store, fixed, ada.session)
            assert await frame_policy(running) == "https://fixed.example"
            page = await Desk(ada.session, base).look(PATH)
            assert not page.all("textarea", id="sites")
            assert status_of(page) == {"https://fixed.example": "Not seen yet"}


class TestCheck:
    async def test_the_first_visit_of_a_site_is_reported(self, running: Running, ada: Desk) -> None:
        await ada.post(f"{PATH}/sites", {"sites": f"{SHOP}\nhttps://*.example.org\nhttps://new.example"})
        for page in (f"{SHOP}/cart?secret=1", "https://a.example.org/", "https://evil.example/", "about:blank"):
            await running.session.get(f"{running.base}/widget.js", headers={"Referer": page})

        async def is_reported() -> bool:
            return status_of(await ada.look(f"{PATH}/check")) == {
                SHOP: "Installed",
                "https://a.example.org": "Installed",
                "https://new.example": "Not seen yet",
            }

        await eventually(is_reported)
        kept = await running.store.site_visits.newest(limit=10)
        assert {visit.id for visit in kept} == {SHOP, "https://a.example.org"}, "an origin, no path, no other site"

    async def test_an_opened_chat_counts_where_the_script_named_no_page(
        self, running: Running, ada: Desk, newcomer: Callable[[], Visitor]
    ) -> None:
        await newcomer().open(page_url=f"{SHOP}/cart")

        async def is_reported() -> bool:
            return status_of(await ada.look(PATH)) == {SHOP: "Installed"}

        await eventually(is_reported)


class TestSecrets:
    async def test_a_secret_is_changed_while_visitors_are_signed_in(
        self, running: Running, ada: Desk, newcomer: Callable[[], Visitor]
    ) -> None:
        old = await running.secret()
        new = await create(ada, "a" * 24)
        tokens = {secret: jwt.encode({"user_id": "u1"}, secret, algorithm="HS256") for secret in (old, new)}
        for token in tokens.values():
            assert "conversation" in await newcomer().open(user_jwt=token)
        first = (await running.bot.workspace()).identity_secrets[0]
        status, _ = await ada.post(f"{PATH}/secrets/{first.id}/revoke", {})
        assert (status, await ada.said()) == (303, "Secret revoked.")
        assert "conversation" in await newcomer().open(user_jwt=tokens[new])
        refused = newcomer()
        body = {"conversation": None, "settings": {"user_jwt": tokens[old]}}
        async with refused.session.post(f"{refused.base}/messenger/open", json=body) as answer:
            assert answer.status == 422

    async def test_it_is_shown_once(self, running: Running, ada: Desk) -> None:
        secret = await create(ada, "a" * 24)
        assert secret not in (await ada.look(PATH)).text
        status, page = await ada.post(f"{PATH}/secrets", {"key": "a" * 24})  # the page is loaded again
        assert (status, secret in page.text) == (200, False)
        assert len((await running.bot.workspace()).identity_secrets) == 2

    async def test_there_are_two_at_most(self, running: Running, ada: Desk) -> None:
        await create(ada, "a" * 24)
        status, page = await ada.post(f"{PATH}/secrets", {"key": "b" * 24})
        assert status == 422
        assert "Two secrets are in use. Revoke one before you create another." in page.text

    async def test_it_says_when_one_was_used(
        self, running: Running, ada: Desk, newcomer: Callable[[], Visitor]
    ) -> None:
        assert "Never" in (await ada.look(PATH)).text
        await newcomer().open(user_jwt=jwt.encode({"user_id": "u1"}, await running.secret(), algorithm="HS256"))

        async def is_told() -> bool:
            return "Never" not in (await ada.look(PATH)).text

        await eventually(is_told)


async def test_an_agent_opens_none_of_it(running: Running, ben: Desk) -> None:
    assert (await ben.get(PATH))[0] == 403
    assert (await ben.post(f"{PATH}/secrets", {"key": "a" * 24}))[0] == 403
    assert (await ben.post(f"{PATH}/sites", {"sites": SHOP}))[0] == 403


def test_a_site_is_an_origin() -> None:
    assert read_sites("bücher.example *\nhttp://localhost:3000 https://[::1]:8443 https://shop.example.com:443") == (
        "https://xn--bcher-kva.example",
        "http://localhost:3000",
        "https://[::1]:8443",
        SHOP,
    )
    assert matches("https://*.example.com", SHOP)
    assert not matches("https://*.example.com", "https://example.com")
    assert not matches("https://*.example.com", "http://shop.example.com")
    assert not matches(SHOP, "https://shop.example.com.evil.example")


async def test_each_change_is_in_the_audit_log(running: Running, ada: Desk) -> None:
    secret = await create(ada, "a" * 24)
    await ada.post(f"{PATH}/secrets/{'a' * 24}/revoke", {})
    await ada.post(f"{PATH}/sites", {"sites": SHOP})
    entries = (await running.bot.audit.page(AuditFilter())).items
    assert [(entry.action, entry.actor_name, entry.detail) for entry in entries if "teammate" not in entry.action] == [
        ("install.sites_saved", "Ada", SHOP),
        ("identity_secret.revoked", "Ada", ""),
        ("identity_secret.created", "Ada", ""),
    ]
    assert all(secret not in entry.model_dump_json() for entry in entries)
