"""Settings > Forms: switching a form public, its gaps, and the carrier pack."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

import pytest

from bot.consent.carrier_review import ReviewedForm, carrier_review, gaps, is_company, is_public_address
from bot.demo import DEALS, LEGAL, TITLE
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.form_template import FormTemplate
from bot.model.subscription import MessageType
from bot.model.workspace import Workspace
from tests.people import subscription
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Running
from tests.widget.test_public_form import ADA, SHOP, public_form
from widget.workspace.form_picture import form_picture

EN = translator("en")
BRAND = Workspace(
    name="Harbor Coffee",
    legal_name="Harbor Coffee Roasters LLC",
    support="hello@harbor.example",
    terms_url="https://harbor.example/t",
    privacy_url="https://harbor.example/p",
)
ADDRESS = "https://harbor.com/f/1"


def reviewed(**changes: Any) -> set[str]:
    """Twilio's errors, or names, of the gaps."""
    words = {"title": TITLE, "legal_text": LEGAL.format(url="https://harbor.example")}
    template = FormTemplate(
        id=new_id(), name="x", subscription=DEALS, by="x", created_at=now(), **{**words, **changes.pop("words", {})}
    )
    usual = {"subscription": subscription(), "workspace": BRAND, "address": ADDRESS, "is_live": True, **changes}
    found = gaps(carrier_review(ReviewedForm(template=template, **usual), EN, EN))
    assert all(check.hint for check in found)
    return {check.code or check.name for check in found}


def test_a_complete_form_has_no_gaps() -> None:
    assert reviewed() == set()


@pytest.mark.parametrize(
    ("left_out", "code"),
    [
        ("Msg & data rates may apply. ", "30569"),
        (", HELP for help", "30570"),
        (", up to 4 a month", "30545"),
        ("Reply STOP to opt out, ", "STOP instructions"),
    ],
)
def test_each_statement_that_is_missing_is_named_by_twilios_error(left_out: str, code: str) -> None:
    legal = LEGAL.format(url="https://harbor.example")
    assert left_out in legal
    rest = legal.replace(left_out, "Reply " if left_out.startswith("Reply") else "")
    assert code in reviewed(words={"legal_text": rest})


def test_a_form_without_words_has_every_gap_of_the_form() -> None:
    found = reviewed(words={"legal_text": ""})
    assert {"30513", "30831", "30551", "30545", "30569", "30570"} <= found


def test_gaps_outside_of_the_form() -> None:
    assert reviewed(subscription=subscription(description="")) == {"30544"}
    assert reviewed(subscription=subscription(confirmation="Welcome!")) == {"30540"}
    assert reviewed(is_live=False) == {"30543"}
    assert reviewed(address="http://127.0.0.1:8080/f/1") == {"30543"}
    assert "30560" in reviewed(workspace=BRAND.model_copy(update={"support": ""}))
    assert "30915" in reviewed(workspace=BRAND.model_copy(update={"legal_name": ""}))


def test_language_that_does_not_ask_for_texts_is_unclear() -> None:
    legal = LEGAL.format(url="https://harbor.example")
    by_email = legal.replace("text messages", "messages").replace("texts", "messages").replace("SMS", "")
    found = reviewed(words={"legal_text": by_email})
    assert ("30551" in found) == ("30513" in found) == (by_email != legal)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Harbor Coffee LLC", True),
        ("Harbor Coffee, Inc.", True),
        ("Harbor Coffee Corp", True),
        ("Harbor Coffee GmbH", True),
        ("Incense & Co. of Maya Lopez", False),
        ("Maya Lopez", False),
        ("", False),
    ],
)
def test_a_company_is_told_by_its_legal_name(name: str, is_one: bool) -> None:
    assert is_company(name) is is_one


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("https://harbor.com/f/1", True),
        ("http://harbor.com/f/1", False),
        ("https://localhost/f/1", False),
        ("https://192.168.1.2/f/1", False),
        ("https://[::1]/f/1", False),
        ("https://shop.test/f/1", False),
        ("https://8.8.8.8/f/1", True),
    ],
)
def test_reviewers_can_open_public_https_addresses(address: str, is_public: bool) -> None:
    assert is_public_address(address) is is_public


async def pack(ada: Desk, id: str) -> dict[str, str]:
    async with ada.session.get(f"{ada.base}/settings/forms/{id}/pack.zip") as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as file:
            assert file.testzip() is None
            return {name: file.read(name).decode() for name in file.namelist()}


async def test_an_admin_makes_a_form_public_and_downloads_the_pack(own: Running) -> None:
    await own.store.workspaces.update({"_id": "workspace"}, {"$set": {"texts_from": SHOP}})
    own.bot.workspace.cache_clear()
    async with at_desk(own.base) as ada:
        key = new_id()
        form = {"template_name": "Poster", "subscription": DEALS, "key": key}
        for _time in range(2):
            status, _ = await ada.post("/settings/forms", form)
            assert status == 303
        path, id = ada.location, ada.location.rpartition("/")[2]
        assert "Make it public" in (await ada.look(path)).text
        status, _ = await ada.get(f"/f/{id}")
        assert status == 404
        assert (await ada.post(f"{path}/publish", {}))[0] == 303
        page = await ada.look(path)
        assert page.one("input", id="address").attrs["value"] == f"{own.bot.public_url}/f/{id}"
        assert "30543" in page.text, "it runs on this machine alone"
        assert (await ada.look(f"/f/{id}")).one("section", class_="card")
        files = await pack(ada, id)
        assert (await ada.post(f"{path}/unpublish", {}))[0] == 303
        assert (await ada.get(f"/f/{id}"))[0] == 404
        assert len([t for t in await own.bot.forms.all() if t.name == "Poster"]) == 1
    campaign, toll_free = json.loads(files["campaign-10dlc.json"]), json.loads(files["campaign-toll-free.json"])
    assert 40 <= len(campaign["MessageFlow"]) <= 2048
    assert f"{own.bot.public_url}/f/{id}" in campaign["MessageFlow"]
    assert "text JOIN and a code to (201) 555-0100" in campaign["MessageFlow"]
    assert campaign["OptInKeywords"] == ["JOIN"]
    assert {"STOP", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"} <= set(campaign["OptOutKeywords"])
    assert (
        campaign["TermsAndConditionsUrl"] == toll_free["TermsAndConditionsUrl"] == f"{own.bot.public_url}/f/{id}/terms"
    )
    assert "hello@harborcoffee.example" in campaign["HelpMessage"]
    for name in ("OptInMessage", "OptOutMessage", "HelpMessage"):
        assert 20 <= len(campaign[name]) <= 320
    assert campaign["AgeGated"] is None
    assert "campaign-10dlc.json: AgeGated is empty." in files["README.txt"]
    assert "No text of this subscription was sent yet" in files["README.txt"]
    assert "- 30543:" in files["README.txt"]
    assert ET.fromstring(files["form.svg"]).tag.endswith("svg")  # noqa: S314 (our own)
    assert "Harbor Coffee" in files["form.svg"]


async def test_an_email_form_has_no_pack(own: Running) -> None:
    template = await public_form(own)
    await own.store.subscriptions.update({"_id": DEALS}, {"$set": {"message_type": MessageType.EMAIL}})
    async with at_desk(own.base) as ada:
        page = await ada.look(f"/settings/forms/{template.id}")
        assert "Carrier" not in page.one("main").text
        async with ada.session.get(f"{own.base}/settings/forms/{template.id}/pack.zip") as answer:
            assert answer.status == 404


async def test_the_picture_says_what_the_form_says(own: Running) -> None:
    template = await public_form(own, title="<b>Deals & more</b>", box="I agree.", translations={})
    bot = own.bot
    form = await bot.public_forms.get(template.id)
    view = await bot.public_forms.view(form, await bot.public_forms.contact("", "en"), "")
    drawn = ET.fromstring(form_picture(view, await bot.workspace(), "Offers"))  # noqa: S314 (our own)
    words = " ".join(element.text or "" for element in drawn.iter() if element.tag.endswith("text"))
    for said in ("<b>Deals & more</b>", "I agree.", "Sign Up Now", "Consent is not a condition", "/demo/terms"):
        assert said in words, said
    assert await bot.forms.set_public(template.id, True, ADA)
