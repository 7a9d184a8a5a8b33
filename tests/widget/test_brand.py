"""Settings > Brand and compliance over HTTP: what it saves, and what no crafted request can do."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import aiohttp
import pytest

from bot.demo import BRAND
from bot.model.workspace import FREQUENCY, OPT_OUT, IncompleteWording, Workspace
from tests.conftest import Visitor
from tests.people import JPEG, PIXEL
from tests.widget.desk import HTML, Desk
from tests.widget.help import Node, Running, read

PATH = "/settings/brand"
MARKUP = '"><img src=x onerror=alert(1)><script>alert(1)</script>{{ 7*7 }}'
FORM = {
    "name": "Harbor & Sons",
    "legal_name": "Harbor Coffee Roasters LLC",
    "brand": "#B3261E",
    "support": "hello@harborcoffee.example",
    "terms_url": "https://shop.example/terms?a=1&b=2",
    "privacy_url": "http://shop.example/privacy",
    "reply_time": "hour",
    "default_region": "DE",
    "countries.AT": "on",
    "countries.CH": "on",
    "frequency": "Up to 2 msgs/week",
    "opt_out_text": "STOP ends it. {link}",
    "legal_text": "By signing up …\n[Terms](https://shop.example/terms)",
    "incomplete_wording": "block",
}


WRONG = [
    ("name", ""),
    ("name", "x" * 81),
    ("legal_name", "x" * 121),
    ("brand", "red"),
    ("brand", "#fff"),
    ("brand", "#2f5be;"),
    ("brand", "#2f5bea}body{display:none}"),
    ("brand", ""),
    ("support", "call us"),
    ("support", "javascript:alert(1)"),
    ("support", "ftp://shop.example"),
    ("support", "123"),
    ("terms_url", "javascript:alert(1)"),
    ("terms_url", "data:text/html,x"),
    ("terms_url", "//shop.example"),
    ("terms_url", "https://"),
    ("terms_url", "https://[x"),
    ("terms_url", "https://shop.example/a b"),
    ("privacy_url", "java\tscript:alert(1)"),
    ("privacy_url", "shop.example/privacy"),
    ("default_region", "XX"),
    ("default_region", "us"),
    ("frequency", "x" * 81),
    ("opt_out_text", "Bye {brnad}"),
    ("legal_text", "x" * 2001),
]
CRAFTED = [
    ("identity_secrets", "known"),
    ("logo", "0" * 64),
    ("_id", "other"),
    ("id", "other"),
    ("countries", "US"),
    ("countries.XX", "on"),
    ("countries.$where", "1"),
    ("updated_at", "x"),
]


@pytest.fixture
async def running(own: Running) -> Running:
    return own


async def stored(running: Running) -> dict[str, Any]:
    """As it is in the database, whatever the process remembers."""
    found: dict[str, Any] | None = await running.store.database["workspaces"].find_one({})
    assert found
    return found


def fault(page: Node, name: str) -> str:
    return page.one("p", id=f"{name}-error").text.strip()


async def upload(
    desk: Desk, data: bytes, name: str = "logo.png", type: str = "image/png", **fields: str
) -> tuple[int, Node]:
    form = aiohttp.FormData()
    for key, value in ({"csrf": await desk.csrf()} | fields).items():
        form.add_field(key, value)
    form.add_field("logo", io.BytesIO(data), filename=name, content_type=type)
    async with desk.session.post(f"{desk.base}{PATH}/logo", data=form, headers=HTML, allow_redirects=False) as answer:
        desk.location = answer.headers.get("Location", "")
        return answer.status, read(await answer.text())


class TestSaving:
    async def test_what_was_typed_is_kept_and_shown(self, running: Running, ada: Desk) -> None:
        status, _ = await ada.post(PATH, {**FORM, "legal_language": "pt-br"})
        assert (status, ada.location, await ada.said()) == (303, PATH, "Saved.")
        kept = Workspace.load(await stored(running))
        assert kept.brand == "#b3261e"
        assert kept.texted == ("DE", "AT", "CH")
        assert kept.legal_text == FORM["legal_text"].replace("\n", "\n")
        assert kept.legal_language == "pt_BR"
        assert kept.incomplete_wording is IncompleteWording.BLOCK
        page = await ada.look(PATH)
        assert page.one("input", name="incomplete_wording", checked="").attrs["value"] == "block"
        assert page.one("input", id="name").attrs["value"] == "Harbor & Sons"
        ticked = {n.attrs["name"] for n in page.all("input", type="checkbox") if "checked" in n.attrs}
        assert ticked == {"countries.DE", "countries.AT", "countries.CH"}
        assert page.one("select", id="default_region").one("option", selected="").attrs["value"] == "DE"
        assert page.one("select", id="reply_time").one("option", selected="").attrs["value"] == "hour"

    async def test_only_the_fields_of_the_form_are_written(self, running: Running, ada: Desk) -> None:
        await upload(ada, PIXEL)
        before = await stored(running)
        await ada.post(PATH, FORM)
        after = await stored(running)
        changed = {name for name in after if after[name] != before.get(name)}
        assert changed <= {name.partition(".")[0] for name in FORM}
        assert after["identity_secrets"] == before["identity_secrets"]
        assert after["logo"] == before["logo"] != ""

    async def test_no_words_of_its_own_are_the_standard_ones(self, running: Running, ada: Desk) -> None:
        await ada.post(PATH, {**FORM, "frequency": "", "opt_out_text": " "})
        kept = await stored(running)
        assert (kept["frequency"], kept["opt_out_text"]) == (FREQUENCY, OPT_OUT)
        page = await ada.look(PATH)
        assert page.one("input", id="frequency").attrs["value"] == ""
        assert page.one("textarea", id="opt_out_text").text.strip() == ""

    async def test_the_default_country_is_always_texted(self, running: Running, ada: Desk) -> None:
        form = {name: value for name, value in FORM.items() if not name.startswith("countries.")}
        await ada.post(PATH, form)
        assert (await stored(running))["countries"] == ["DE"]

    async def test_each_kind_of_support_contact_leads_to_where_it_is(self, running: Running, ada: Desk) -> None:
        for typed, kept, href in [
            ("a+b@shop.example", "a+b@shop.example", "mailto:a+b@shop.example"),
            ("030 901820", "+49 30 901820", "tel:+4930901820"),
            ("+1 (800) 555-0199", "+1 800-555-0199", "tel:+18005550199"),
            ("https://shop.example/help?x=1", "https://shop.example/help?x=1", "https://shop.example/help?x=1"),
            ("", "", None),
        ]:
            await ada.post(PATH, {**FORM, "support": typed})
            assert (await stored(running))["support"] == kept
            _, gone = await ada.get("/p/unknown")
            assert [a.attrs["href"] for a in gone.all("a")] == ([href] if href else [])

    async def test_people_see_it_at_once(self, running: Running, ada: Desk) -> None:
        await ada.look("/settings/brand")
        await ada.post(PATH, FORM)
        messenger = await ada.look("/messenger")
        assert messenger.one("h1", id="name").text == "Harbor & Sons"
        (style,) = [n.attrs["href"] for n in messenger.all("link") if "brand.css" in n.attrs["href"]]
        async with running.session.get(running.base + style) as answer:
            assert "--brand:#b3261e" in await answer.text()
            assert "immutable" in answer.headers["Cache-Control"]


class TestWhatIsRefused:
    async def test_the_fault_stands_at_the_field_and_what_was_typed_stays(self, running: Running, ada: Desk) -> None:
        before = await stored(running)
        token = await ada.csrf()
        for name, value in WRONG:
            status, page = await ada.post(PATH, {"csrf": token, **FORM, name: value})
            assert status == 422, (name, value)
            assert fault(page, name)
            assert page.one(id=name).attrs["aria-invalid"] == "true"
            typed = {**FORM, name: value}
            assert page.one("input", id="name").attrs["value"] == typed["name"]
            assert page.one("textarea", id="legal_text").text.strip("\n") == typed["legal_text"]
        assert await stored(running) == before

    async def test_a_field_that_the_form_does_not_have(self, running: Running, ada: Desk) -> None:
        before = await stored(running)
        for name, value in CRAFTED:
            status, _ = await ada.post(PATH, {**FORM, name: value})
            assert status == 422, name
        assert await stored(running) == before

    async def test_a_form_without_a_token_of_this_session(self, running: Running, ada: Desk) -> None:
        before = await stored(running)
        for path in (PATH, f"{PATH}/preview", f"{PATH}/logo/remove"):
            assert (await ada.post(path, {**FORM, "csrf": "x.y"}))[0] == 403
        assert (await upload(ada, PIXEL, csrf="x.y"))[0] == 403
        assert await stored(running) == before

    async def test_an_agent_and_a_stranger(self, running: Running, ben: Desk) -> None:
        before = await stored(running)
        for path in (PATH, f"{PATH}/preview"):
            assert (await ben.get(path))[0] == 403
        for path in (PATH, f"{PATH}/preview", f"{PATH}/logo/remove"):
            assert (await ben.post(path, FORM))[0] == 403
        assert (await upload(ben, PIXEL))[0] == 403
        async with aiohttp.ClientSession() as session:
            stranger = Desk(session, running.base)
            assert (await stranger.get(PATH))[0] == 303
            for path in (PATH, f"{PATH}/logo"):
                assert (await stranger.post(path, {**FORM, "csrf": "x.y"}))[0] == 401
        assert await stored(running) == before


class TestPreview:
    async def test_it_shows_what_is_typed_and_keeps_nothing(self, running: Running, ada: Desk) -> None:
        before = await stored(running)
        status, page = await ada.post(f"{PATH}/preview", FORM)
        assert status == 200
        assert page.all("h2")[0].text == "Harbor & Sons"
        assert "inert" in page.one("main").all("div")[0].attrs
        assert [n for n in page.all("link") if n.attrs["href"] == "/brand.css?color=b3261e"]
        assert "STOP ends it. http" in page.text
        assert await stored(running) == before

    async def test_what_could_not_be_saved_is_not_shown_and_the_rest_is(self, ada: Desk) -> None:
        _, page = await ada.post(f"{PATH}/preview", {**FORM, "brand": "red;}", "terms_url": "javascript:alert(1)"})
        assert page.all("h2")[0].text == "Harbor & Sons"
        assert [n for n in page.all("link") if n.attrs["href"] == f"/brand.css?color={BRAND[1:]}"]
        assert not any(a.attrs["href"].startswith("javascript") for a in page.all("a"))

    async def test_only_our_own_pages_may_frame_it(self, running: Running, ada: Desk) -> None:
        async with ada.session.get(f"{running.base}{PATH}/preview") as answer:
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


class TestLogo:
    async def test_it_is_kept_by_its_hash_and_shown_everywhere(
        self, running: Running, ada: Desk, visitor: Visitor
    ) -> None:
        status, _ = await upload(ada, PIXEL)
        assert (status, await ada.said()) == (303, "Logo saved.")
        address = f"/brand/logo?v={hashlib.sha256(PIXEL).hexdigest()}"
        token = await running.preference_token(visitor)
        for path in ("/messenger", "/login?next=/x", f"/p/{token}", "/p/unknown", PATH, "/inbox"):
            desk = Desk(running.session, running.base) if path.startswith("/login") else ada
            page = await desk.look(path) if path != "/p/unknown" else (await desk.get(path))[1]
            pictures = page.all("img")
            assert pictures, path
            assert {(i.attrs["src"], i.attrs["alt"]) for i in pictures} == {(address, "")}
        async with running.session.get(running.base + address) as answer:
            assert await answer.read() == PIXEL
            assert answer.headers["Content-Type"] == "image/png"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "immutable" in answer.headers["Cache-Control"]
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            tag = {"If-None-Match": answer.headers["ETag"]}
        async with running.session.get(running.base + address, headers=tag) as answer:
            assert answer.status == 304

    async def test_another_takes_its_place_and_open_pages_still_have_theirs(self, running: Running, ada: Desk) -> None:
        await upload(ada, PIXEL)
        await upload(ada, JPEG)
        old, new = (hashlib.sha256(data).hexdigest() for data in (PIXEL, JPEG))
        assert (await stored(running))["logo"] == new
        leaving, staying = await running.store.logos.get(old), await running.store.logos.get(new)
        assert leaving
        assert leaving.expires_at
        assert staying
        assert staying.expires_at is None
        async with running.session.get(f"{running.base}/brand/logo?v={old}") as answer:
            assert await answer.read() == PIXEL
        await upload(ada, PIXEL)
        back = await running.store.logos.get(old)
        assert back
        assert back.expires_at is None

    async def test_it_can_be_removed(self, running: Running, ada: Desk) -> None:
        await upload(ada, PIXEL)
        status, _ = await ada.post(f"{PATH}/logo/remove", {})
        assert (status, await ada.said()) == (303, "Logo removed.")
        assert (await ada.look(PATH)).all("img") == []
        assert (await ada.get("/brand/logo"))[0] == 404

    async def test_who_asks_for_no_current_one_gets_the_current_one_unkept(self, running: Running, ada: Desk) -> None:
        await upload(ada, PIXEL)
        for asked in ("", "?v=", f"?v={'0' * 64}", "?v=../../etc/passwd"):
            async with running.session.get(f"{running.base}/brand/logo{asked}") as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "no-cache"

    async def test_what_is_no_picture_is_refused_at_the_field(self, running: Running, ada: Desk) -> None:
        for data, name, type in [
            (b"", "logo.png", "image/png"),
            (b"<svg onload='alert(1)'/>", "logo.svg", "image/svg+xml"),
            (b"<svg onload='alert(1)'/>", "logo.png", "image/png"),
            (b"GIF89a" + b"\x00" * 40, "logo.png", "image/png"),
            (b"<script>alert(1)</script>" + PIXEL, "logo.png", "image/png"),
            (PIXEL + b"\x00" * 256 * 1024, "logo.png", "image/png"),
        ]:
            status, page = await upload(ada, data, name, type)
            assert status == 422
            assert fault(page, "logo")
            assert page.one("input", id="name").attrs["value"] == "Harbor Coffee"
        assert (await stored(running)).get("logo", "") == ""

    async def test_a_picture_that_holds_a_page_is_served_as_a_picture_alone(self, running: Running, ada: Desk) -> None:
        await upload(ada, PIXEL + b"<script>alert(1)</script>", "x.html", "text/html")
        async with running.session.get(f"{running.base}/brand/logo") as answer:
            assert answer.headers["Content-Type"] == "image/png"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_more_than_a_megabyte_is_not_even_read(self, running: Running, ada: Desk) -> None:
        status, page = await upload(ada, b"\x00" * (1100 * 1024))
        assert status == 413
        assert "too large" in page.text.lower()

    async def test_other_forms_do_not_take_as_much(self, ada: Desk) -> None:
        status, _ = await ada.post(PATH, {**FORM, "legal_text": "x" * 70_000})
        assert status == 413

    async def test_a_form_without_a_file(self, ada: Desk) -> None:
        for form in ({}, {"logo": "text"}):
            status, page = await ada.post(f"{PATH}/logo", form)
            assert (status, fault(page, "logo")) == (422, "Choose an image first.")


async def test_looking_changes_nothing(running: Running, ada: Desk) -> None:
    await upload(ada, PIXEL)
    before = await stored(running)
    for path in (PATH, f"{PATH}/preview", "/brand/logo", "/brand.css", "/settings/check"):
        for ask in (ada.session.get, ada.session.head):
            await (await ask(f"{running.base}{path}?name=x&brand=%23ffffff")).read()
    for path in (f"{PATH}/logo", f"{PATH}/logo/remove"):
        assert (await ada.get(path))[0] == 405
    assert await stored(running) == before
    assert await running.store.logos.count_about() == 1


async def test_markup_in_every_field_stays_text(running: Running, ada: Desk) -> None:
    texts = ("name", "legal_name", "frequency", "legal_text")
    form = {**FORM, **dict.fromkeys(texts, MARKUP[:80]), "terms_url": 'https://x.example/"><img/src=x>'}
    status, _ = await ada.post(PATH, {**form, "opt_out_text": MARKUP.replace("{{ 7*7 }}", "{{7*7}}")})
    assert status == 303
    refused = await ada.post(PATH, {**form, "support": MARKUP, "brand": MARKUP, "default_region": MARKUP})
    pages = [refused[1], await ada.look(PATH), await ada.look(f"{PATH}/preview"), await ada.look("/messenger")]
    for page in pages:
        assert page.all("img") == []
        scripts = [s for s in page.all("script") if s.attrs.get("type") != "application/json"]
        assert [script.text for script in scripts if "alert" in script.text] == []
        assert not any(name.startswith("on") for node in page.walk() for name in node.attrs)
        assert "49" not in page.one("title").text
    assert pages[1].one("input", id="name").attrs["value"] == MARKUP[:80]
