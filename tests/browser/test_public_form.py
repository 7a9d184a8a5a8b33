"""A public form on a phone: filled in with and without JavaScript, signed up by a text, and printed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from bot.app import Bot
from bot.consent.form_windows import FormText
from bot.demo import DEALS, FORM, LEGAL, TITLE
from bot.model.conversation import Card
from bot.model.form_template import FormTemplate
from bot.model.form_words import FormWords
from bot.model.teammate import By
from bot.store import Store
from tests.browser import axe
from tests.browser.conftest import Look
from tests.browser.shop import base
from tests.browser.test_axe import check
from tests.people import AT, wording
from widget.web.http import BOT

ADA = By("ada", "Ada")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
SHOWN = "(201) 555-0123"


@pytest.fixture
async def template(demo_store: Store, server: TestServer) -> FormTemplate:
    bot, url = server.app[BOT], base(server)
    translations = {code: FormWords(title=t, legal_text=x.format(url=url)) for code, (t, x) in FORM.items()}
    card = Card(subscription=DEALS, title=TITLE, legal_text=LEGAL.format(url=url), translations=translations)
    made = await bot.forms.save("Counter", card, ADA, "public-form", wording())
    await demo_store.workspaces.change({"texts_from": "(201) 555-0100"})
    bot.workspace.cache_clear()
    return await bot.forms.set_public(made.id, True, ADA)


@pytest.mark.parametrize("has_script", [False, True])
async def test_the_form_is_filled_in_on_a_phone(
    look: Look, server: TestServer, template: FormTemplate, has_script: bool
) -> None:
    page = await look(server, f"/f/{template.id}", allow=(r"\b422\b",), java_script_enabled=has_script, **PHONE)
    number = page.get_by_label("Phone number", exact=True)
    await number.fill("201 555")
    await page.get_by_role("button", name="Sign Up Now").click()
    await expect(page.locator(".card-error").first).to_contain_text("number")
    await expect(number).to_have_value("(201) 555" if has_script else "201 555")
    if has_script:
        await expect(number).to_be_focused()
    await number.fill(SHOWN)
    await number.press("Enter")
    await expect(page.get_by_role("heading", name="You're signed up")).to_be_visible()
    await expect(page.locator(".field--locked")).to_contain_text(SHOWN)
    await page.goto(f"{base(server)}/f/{template.id}")
    await expect(page.locator(".field--locked")).to_contain_text("0123")
    await expect(page.locator("body")).not_to_contain_text("201")
    await page.get_by_role("button", name="Sign up someone else").click()
    await expect(number).to_have_value("")


async def test_a_text_from_the_phone_signs_up(look: Look, server: TestServer, bot: Bot, template: FormTemplate) -> None:
    page = await look(server, f"/f/{template.id}", **PHONE)
    await expect(page.locator(".tap-code")).to_be_hidden()
    link = urlsplit(await page.get_by_role("link", name="Sign up by text").get_attribute("href") or "")
    assert (link.scheme, link.path) == ("sms", "2015550100")
    (text,) = parse_qs(link.query)["body"]
    phone = await look(server, "/demo/phone?number=other")
    await phone.get_by_label("Phone number").fill(SHOWN)
    await phone.get_by_label("Reply", exact=True).fill(text)
    await phone.get_by_role("button", name="Send text").click()
    await expect(phone.locator(".text").last).to_contain_text("You are now subscribed to Deals and new roasts")
    (contact,) = await bot.store.contacts.with_number("+12015550123", after="", limit=2)
    *_earlier, event = await bot.store.events.after(contact.id, 0, limit=9)
    assert event.words
    assert event.words.title == TITLE


async def test_near_a_limit_the_browser_proves_its_work_by_itself(
    look: Look, server: TestServer, demo_store: Store, template: FormTemplate
) -> None:
    bot = server.app[BOT]
    await demo_store.workspaces.change({"abuse.asks_proof": True})
    bot.workspace.cache_clear()
    bot.form_limits.network, bot.form_limits.clock = 1, lambda: AT
    for number in ("+12015550101", "+12025550102"):  # half of the four texts for local addresses
        await bot.form_limits.take(FormText(number, "127.0.0.1"))
    page = await look(server, f"/f/{template.id}", allow=(r"\b409\b",))
    await page.get_by_label("Phone number", exact=True).fill("(203) 555-0123")
    await page.get_by_role("button", name="Sign Up Now").click()
    await expect(page.get_by_role("heading", name="You're signed up")).to_be_visible()
    (event,) = await demo_store.events.find({"action": "opt_in"}, limit=5)
    assert event.withheld is None


async def test_pages_of_a_form_are_accessible(look: Look, server: TestServer, template: FormTemplate) -> None:
    page = await look(server, f"/f/{template.id}")
    await expect(page.locator(".tap-code svg")).to_be_visible()
    await axe.fits(page)
    for path in ("/terms", "/poster"):
        await page.goto(f"{base(server)}/f/{template.id}{path}")
        await axe.fits(page)
    arabic = await look(server, f"/f/{template.id}", locale="ar")

    async def here() -> object:
        return arabic

    await check(arabic, here, direction="rtl")  # type: ignore[arg-type]


@pytest.mark.parametrize("paper", ["A4", "Letter"])
async def test_the_poster_fits_one_sheet_of_paper(
    look: Look, server: TestServer, template: FormTemplate, tmp_path: Path, paper: str
) -> None:
    page = await look(server, f"/f/{template.id}/poster")
    pdf = await page.pdf(format=paper, path=tmp_path / "poster.pdf", prefer_css_page_size=False)
    assert pdf.count(b"/Type /Page\n") == 1
    await page.emulate_media(media="print")
    await expect(page.locator(".poster-hint")).to_be_hidden()
    for disclosure in (
        "Consent is not a condition of purchase",
        "Msg & data rates may apply",
        "STOP to opt out",
        "HELP for help",
        "up to 4 a month",
        f"{base(server)}/demo/terms",
        "By sending this text, you agree",
    ):
        await expect(page.locator(".poster")).to_contain_text(disclosure)
