"""Styles and scripts: cached for ever at addresses of their version; nothing else in the folder is served."""

from __future__ import annotations

import gzip
import json
import posixpath
import re

import aiohttp
import pytest

from bot.demo import BRAND
from bot.flows.document import FlowDocument
from bot.flows.publish import create
from bot.flows.steps import Say
from bot.flows.triggers import TimeOnPage
from tests.widget.help import Running, raw_request
from widget.web.assets import STATIC, Assets
from widget.web.http import BOT

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="session")
def assets() -> Assets:
    return Assets()


async def test_what_a_page_names_is_kept_for_ever(running: Running) -> None:
    async with running.session.get(f"{running.base}/messenger") as answer:
        named = re.findall(r'(?:src|href)="(/static/[^"]+)"', await answer.text())
    assert len(named) >= 20
    for address in named:
        async with running.session.get(running.base + address) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, FOR_EVER), address
            assert answer.content_type in {"text/css", "text/javascript", "application/javascript"}


@pytest.mark.parametrize("path", ["card.css", "000000000000/card.css"])
async def test_another_version_is_revalidated(running: Running, path: str) -> None:
    async with running.session.get(f"{running.base}/static/{path}") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/static/card.css", "/widget.js"])
async def test_who_has_it_is_not_sent_it_again(running: Running, path: str) -> None:
    async with running.session.get(running.base + path) as answer:
        tag, body = answer.headers["ETag"], await answer.read()
    async with running.session.get(running.base + path, headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
        assert answer.headers["Cache-Control"]
    async with running.session.get(running.base + path, headers={"If-None-Match": '"other"'}) as answer:
        assert (answer.status, await answer.read()) == (200, body)


@pytest.mark.parametrize("path", ["/static/card.css", "/widget.js"])
async def test_it_is_sent_compressed_to_those_who_can_read_that(running: Running, path: str) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(running.base + path, headers={"Accept-Encoding": "identity"}) as answer:
            plain = await answer.read()
            assert "Content-Encoding" not in answer.headers
        async with session.get(running.base + path, headers={"Accept-Encoding": "br, gzip"}) as answer:
            zipped = await answer.read()
            assert answer.headers["Content-Encoding"] == "gzip"
            assert "Accept-Encoding" in answer.headers["Vary"]
    assert gzip.decompress(zipped) == plain
    assert len(zipped) < len(plain) / 2


async def test_the_launcher_is_small_and_open_to_every_site(running: Running) -> None:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(f"{running.base}/widget.js") as answer,
    ):
        assert len(await answer.read()) <= 5 * 1024
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Access-Control-Allow-Origin"] == "*", "a module is loaded by CORS"
        assert answer.headers["Cache-Control"] == "public, max-age=300"


async def test_flows_with_a_time_on_a_page_cost_other_shops_nothing(own: Running) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(f"{own.base}/widget.js") as answer:
            plain = gzip.decompress(await answer.read())
        assert b'"timers"' not in plain
        trigger = TimeOnPage(seconds=30, pages=("/cart",))
        await create(own.store, FlowDocument(triggers=(trigger,), steps=(Say(id="hi", text="Hi"),)))
        own.server.app[BOT].runs.scripts.live.cache_clear()
        async with session.get(f"{own.base}/widget.js") as answer:
            zipped = await answer.read()
        assert b'"timers":1' in gzip.decompress(zipped)
        assert len(zipped) <= 5 * 1024
        async with session.get(f"{own.base}/widget-timers.js") as answer:
            assert b'[[30,["/cart"]]]' in gzip.decompress(await answer.read())
            assert answer.headers["Access-Control-Allow-Origin"] == "*", "a module is loaded by CORS"

        # The page asks once, without a preflight, and gets a token or nothing.
        body = {"token": None, "seconds": 30, "settings": {"page_url": "https://shop.example/cart", "vip": True}}
        for seconds, is_greeted in [(30, True), (60, False)]:
            text = json.dumps({**body, "seconds": seconds})
            async with session.post(f"{own.base}/messenger/stayed", data=text) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                token = json.loads(await answer.read())["token"]
                assert bool(token) is is_greeted
            if token:
                async with session.post(f"{own.base}/messenger/unread", data=token) as answer:
                    assert json.loads(await answer.read()) == {"unread": 1}
        for wrong in ("", "{", '{"seconds": 0}', '{"seconds": 30, "token": 5}', '{"seconds": 30, "more": 1}'):
            async with session.post(f"{own.base}/messenger/stayed", data=wrong) as answer:
                assert answer.status == 422, wrong


@pytest.mark.parametrize(
    "path",
    [
        "../pyproject.toml",
        "..%2fpyproject.toml",
        "%2e%2e/%2e%2e/etc/passwd",
        "..\\pyproject.toml",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "./card.css",
        "card.css/",
        "card.css%00",
        "demo",
        "demo/",
        "%ff",
        "vendor/htmx/LICENSE",
        "000000000000",
        "000000000000/",
        "000000000000/../card.css",
        "000000000000/000000000000/card.css",
    ],
)
async def test_nothing_else_is_handed_out(running: Running, path: str) -> None:
    for prefix in ("/static/", "/static/demo/../"):
        answer = await raw_request(running.base, f"GET {prefix}{path} HTTP/1.1")
        assert answer.split(b"\r\n", 1)[0] in {b"HTTP/1.1 404 Not Found", b"HTTP/1.1 400 Bad Request"}, answer
        for secret in (b"root:", b"[project]", b"Permission"):
            assert secret not in answer


def test_every_file_has_an_address_in_one_version(assets: Assets) -> None:
    for file in STATIC.rglob("*.js"):
        name = file.relative_to(STATIC).as_posix()
        assert assets.address(name) == f"/static/{assets.version}/{name}"
    with pytest.raises(KeyError):
        assets.address("none.css")


def test_a_module_is_loaded_together_with_its_imports(assets: Assets) -> None:
    loaded = assets.modules("messenger/main.js")
    assert loaded[0] == "messenger/main.js"
    assert {"lib/thread.js", "lib/storage.js", "messenger/visitor-api.js"} <= set(loaded)
    assert len(loaded) == len(set(loaded))
    html = assets.module("messenger/main.js")
    assert html.count('<link rel="modulepreload"') == len(loaded) - 1
    assert html.endswith(f'<script type="module" src="{assets.address("messenger/main.js")}"></script>')


def test_every_import_is_found(assets: Assets) -> None:
    """An import that the links miss would load only after the module that needs it. Dynamic ones do so on purpose."""
    for file in STATIC.rglob("*.js"):
        name = file.relative_to(STATIC).as_posix()
        if not name.startswith("vendor/"):
            mentioned = set(re.findall(r'(?<!import\()"(\.\.?/[^"]+\.js)"', assets[name].body.decode()))
            direct = {posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in mentioned}
            assert direct <= set(assets.modules(name)), name


async def test_the_brand_is_a_style_of_its_own(running: Running) -> None:
    async with running.session.get(f"{running.base}/brand.css") as answer:
        assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/css", "max-age=60")
        assert f"--brand:{BRAND}" in await answer.text()
