"""The opt-in form as a Canvas Kit app: payloads as Intercom sends them, signed, through the whole trip."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import pytest

from bot.app import Bot
from bot.demo import DEALS
from bot.model.base import new_id
from bot.model.contact import Consent, ConsentState, Role
from bot.model.event import Action, Actor, Source
from bot.model.teammate import By
from tests.conftest import eventually
from tests.people import change
from tests.widget.desk import at_desk
from tests.widget.help import Running

SECRET = "a7a2f0b4-93e4-4f1c-8c36-2f3f8e0d9b11"
ADMIN = {"type": "admin", "id": "814860", "name": "Ada"}
CONTEXT = {
    "conversation_id": 123, "locale": "en", "location": "conversation", "messenger_action_color": "#333333",
    "messenger_background_color": "#333333",
}  # fmt: skip
BASE = {"workspace_id": "oprx8h3b", "workspace_region": "US"}


@dataclass
class Intercom:
    """Intercom's servers, as our app sees them."""

    running: Running
    url: str = ""
    stored: Any = None

    async def post(self, path: str, body: dict[str, Any], *, secret: str = SECRET) -> tuple[int, dict[str, Any]]:
        raw = json.dumps({**BASE, **body}, ensure_ascii=False, indent=1).encode()
        signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest() if secret else ""
        headers = {"Content-Type": "application/json; charset=utf-8", "X-Body-Signature": signature}
        async with self.running.session.post(self.running.base + path, data=raw, headers=headers) as answer:
            return answer.status, await answer.json()

    async def insert(self, **options: str) -> None:
        """A teammate inserts the card."""
        wanted = {"subscription": DEALS, "title": "Harbor deals", **options}
        status, body = await self.post(
            "/canvas/initialize", {"admin": ADMIN, "card_creation_options": wanted, "context": CONTEXT}
        )
        assert status == 200, body
        self.url, self.stored = body["canvas"]["content_url"], body["canvas"]["stored_data"]

    async def look(self, contact: dict[str, Any], *, secret: str = SECRET) -> dict[str, Any]:
        """The live canvas for whoever sees it."""
        body = {"canvas": {"stored_data": self.stored}, "context": CONTEXT, "contact": contact}
        status, answer = await self.post(self.url.removeprefix(self.running.base), body, secret=secret)
        assert status == 200, answer
        return answer

    async def submit(
        self, shown: dict[str, Any], contact: dict[str, Any], button: str = "submit", who: str = "user", **values: Any
    ) -> dict[str, Any]:
        """Presses the button whose id begins so."""
        body = {
            "component_id": next(one["id"] for one in parts(shown) if one.get("id", "").startswith(button)),
            "context": CONTEXT,
            "current_canvas": {"content": shown.get("content"), "stored_data": self.stored},
            "input_values": values,
            who: contact,
        }
        status, answer = await self.post("/canvas/submit", body)
        assert status == 200, answer
        return answer


def parts(answer: dict[str, Any]) -> list[dict[str, Any]]:
    content = answer["canvas"]["content"] if "canvas" in answer else answer["content"]
    found: list[dict[str, Any]] = content["components"]
    return found


def words(answer: dict[str, Any]) -> str:
    return " | ".join(str(one.get("text") or one.get("label") or "") for one in parts(answer))


def number_field(answer: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in parts(answer) if one.get("id") == "address")


def lead() -> dict[str, Any]:
    id = new_id()
    return {"type": "contact", "id": id, "role": "lead", "external_id": f"lead-{id}", "email": None, "name": "Maya"}


@pytest.fixture
async def intercom(own: Running) -> Intercom:
    await own.bot.canvas_secrets.add(SECRET, By("ada", "Ada"))
    await own.bot.canvas_secrets.set_messenger_security(True, By("ada", "Ada"))
    return Intercom(own)


async def test_from_configure_to_completed(intercom: Intercom) -> None:
    status, form = await intercom.post("/canvas/configure", {"admin": ADMIN, "context": CONTEXT})
    assert (status, "Insert an opt-in form" in words(form)) == (200, True)
    chosen = {"subscription": DEALS, "title": "Harbor deals", "button": "Count me in", "legal_text": ""}
    pressed = {"component_id": "save", "current_canvas": form["canvas"], "input_values": chosen, "context": CONTEXT}
    _status, saved = await intercom.post("/canvas/configure", {"admin": ADMIN, **pressed})
    assert saved["results"] == chosen
    await intercom.insert(**saved["results"])
    maya = lead()
    shown = await intercom.look(maya)
    assert "Harbor deals" in words(shown)
    assert "Count me in" in words(shown)
    assert "[" in words(shown), "the legal text has links"
    wrong = await intercom.submit(shown, maya, address="12")
    assert number_field(wrong)["save_state"] == "failed"
    assert number_field(wrong)["value"] == "12"
    assert [one for one in parts(wrong) if one.get("style") == "error"]
    assert "event" not in wrong
    assert await intercom.running.store.events.page("", limit=1) == []
    right = await intercom.submit(wrong, maya, address="(201) 555-0123")
    assert right["event"] == {"type": "completed"}
    assert "You're signed up" in words(right)
    (event,) = [e for e in await intercom.running.store.events.page("", limit=9) if e.action is Action.OPT_IN]
    assert event.words
    assert (event.words.title, event.words.button, event.number) == ("Harbor deals", "Count me in", "+12015550123")
    again = await intercom.look(maya)
    assert "You're signed up" in words(again)


async def test_a_saved_number_is_locked_and_masked(intercom: Intercom) -> None:
    await intercom.insert()
    id, bot = new_id(), intercom.running.bot
    user = {
        "type": "contact",
        "id": new_id(),
        "role": "user",
        "external_id": id,
        "name": "Maya",
        "email": "m@x.example",
    }
    shown = await intercom.look(user)
    await intercom.submit(shown, user, address="(201) 555-0147")
    contact = await bot.store.contacts.by_external_id(id)
    assert contact
    await bot.ledger.record(change(contact.id, "out", Action.OPT_OUT, number="+12015550147"))
    other = Intercom(intercom.running)
    await other.insert()
    shown = await other.look(user)
    unsigned = await other.look(user, secret="")
    for answer in (shown, unsigned):
        assert "555-0147" not in json.dumps(answer, ensure_ascii=False)
        assert ("•" in number_field(answer)["value"], number_field(answer)["disabled"]) == (True, True)
    refused = await other.submit(shown, user, address="(201) 555-0199")
    assert "event" not in refused
    assert (await consent_of(bot, contact.id)).state is ConsentState.OPTED_OUT
    done = await other.submit(unsigned, user, address=number_field(unsigned)["value"])
    assert done["event"] == {"type": "completed"}
    assert (await consent_of(bot, contact.id)).number == "+12015550147"
    assert "555-0147" not in json.dumps(done, ensure_ascii=False)


async def test_a_user_id_that_is_only_claimed_reaches_nobody(intercom: Intercom) -> None:
    """Intercom signs what a visitor claims, unless it enforces Messenger security."""
    await intercom.insert()
    bot, claim = intercom.running.bot, {"type": "contact", "id": new_id(), "role": "user", "external_id": new_id()}
    await intercom.submit(await intercom.look(claim), claim, address="(201) 555-0147")
    user = await bot.store.contacts.by_external_id(claim["external_id"])
    assert user
    await bot.ledger.record(change(user.id, "out", Action.OPT_OUT, number="+12015550147"))
    await bot.canvas_secrets.set_messenger_security(False, By("ada", "Ada"))
    await intercom.insert()
    for id in (claim["id"], new_id()):
        stranger = {**claim, "id": id}
        shown = await intercom.look(stranger)
        assert "0147" not in json.dumps([one for one in parts(shown) if one.get("id") == "address"])
        assert "value" not in number_field(shown) or not number_field(shown)["value"]
        done = await intercom.submit(shown, stranger, address="(201) 555-0123")
        assert done["event"] == {"type": "completed"}
        assert "You're signed up" in words(await intercom.look(stranger))
    assert (await consent_of(bot, user.id)).state is ConsentState.OPTED_OUT
    signed_up = {e.contact for e in await bot.store.events.page("", limit=9) if e.number == "+12015550123"}
    roles = [(found.role, found.external_id) for found in (await bot.store.contacts.get_many([*signed_up])).values()]
    assert roles == [(Role.LEAD, None)] * 2


async def consent_of(bot: Bot, contact: str) -> Consent:
    found = await bot.ledger.contact(contact)
    assert found
    consent = found.consent(DEALS)
    assert consent
    return consent


async def test_each_viewer_has_a_card_of_their_own(intercom: Intercom) -> None:
    await intercom.insert()
    maya, ben = lead(), lead()
    shown = await intercom.look(maya)
    await intercom.submit(shown, maya, address="(201) 555-0123")
    for_ben = await intercom.look(ben)
    assert "You're signed up" not in words(for_ben)
    assert "555" not in json.dumps([one for one in parts(for_ben) if one.get("id") == "address"]).replace("555-0", "")
    done = await intercom.submit(for_ben, ben, address="(201) 555-0124")
    assert done["event"] == {"type": "completed"}
    events = [e for e in await intercom.running.store.events.page("", limit=9) if e.action is Action.OPT_IN]
    assert {event.number for event in events} == {"+12015550123", "+12015550124"}
    assert len({event.contact for event in events}) == 2


async def test_a_double_opt_in_is_completed_once_the_phone_replied(intercom: Intercom) -> None:
    bot = intercom.running.bot
    deals = await bot.subscriptions.get(DEALS)
    await bot.store.subscriptions.update_many([({"_id": deals.id}, {"$set": {"double_opt_in": True}})])
    await intercom.insert()
    maya = lead()
    pending = await intercom.submit(await intercom.look(maya), maya, address="(201) 555-0123")
    assert "Reply YES to finish" in words(pending)
    assert "event" not in pending
    early = await intercom.submit(pending, maya, "resend")
    assert "just texted you" in words(early)

    async def is_asked() -> bool:
        return bool(await bot.store.deliveries.asked("+12015550123"))

    await eventually(is_asked)
    await bot.receive("+12015550123", "YES", new_id())
    done = await intercom.submit(pending, maya, "look")
    assert "You're signed up" in words(done)
    assert done["event"] == {"type": "completed"}


async def test_another_number_can_be_given_while_one_is_pending(intercom: Intercom) -> None:
    bot = intercom.running.bot
    await bot.store.subscriptions.update_many([({"_id": DEALS}, {"$set": {"double_opt_in": True}})])
    await intercom.insert()
    maya = lead()
    pending = await intercom.submit(await intercom.look(maya), maya, address="(201) 555-0123")
    asks = await intercom.submit(pending, maya, "change")
    assert "disabled" not in number_field(asks)
    again = await intercom.submit(asks, maya, address="(201) 555-0124")
    assert "Reply YES to finish" in words(again)


@pytest.mark.parametrize("who", ["user", "contact", "customer"])
async def test_the_person_is_found_in_every_shape_of_a_request(intercom: Intercom, who: str) -> None:
    await intercom.insert()
    id = new_id()
    person = {"type": "user", "id": new_id(), "user_id": id, "name": "Maya", "custom_attributes": {"x": [1]}}
    done = await intercom.submit(await intercom.look(person), person, who=who, address="(201) 555-0123")
    assert done["event"] == {"type": "completed"}
    assert await intercom.running.store.contacts.by_external_id(id)


async def test_a_lead_who_becomes_a_user_keeps_their_consent(intercom: Intercom) -> None:
    await intercom.insert()
    maya = lead()
    await intercom.submit(await intercom.look(maya), maya, address="(201) 555-0123")
    user = {**maya, "role": "user", "external_id": new_id()}
    assert "You're signed up" in words(await intercom.look(user))


async def test_a_view_stores_nobody(intercom: Intercom) -> None:
    await intercom.insert()
    before = await intercom.running.store.contacts.count_about()
    await intercom.look(lead())
    assert await intercom.running.store.contacts.count_about() == before
    assert await intercom.running.store.conversations.page("", limit=1) == []


async def test_in_the_inbox_a_teammate_chooses_and_the_card_goes_into_the_reply(intercom: Intercom) -> None:
    inbox = {"admin": ADMIN, "conversation": {"id": "9"}, "contact": lead()}
    _status, form = await intercom.post("/canvas/initialize", inbox)
    values = {"subscription": DEALS, "title": "", "button": "", "legal_text": ""}
    body = {**inbox, "component_id": "save", "current_canvas": form["canvas"], "input_values": values}
    _status, answer = await intercom.post("/canvas/submit", body)
    assert answer["card_creation_options"] == values


async def test_a_legal_text_that_lacks_something_has_to_be_confirmed(intercom: Intercom) -> None:
    values = {"subscription": DEALS, "title": "Deals", "button": "", "legal_text": "We text you."}
    body = {"admin": ADMIN, "component_id": "save", "input_values": values, "context": CONTEXT}
    _status, warned = await intercom.post("/canvas/configure", body)
    assert "incomplete" in words(warned)
    (anyway,) = [one["id"] for one in parts(warned) if one.get("id", "").startswith("save:")]
    _status, saved = await intercom.post("/canvas/configure", {**body, "component_id": anyway})
    assert saved["results"] == values


@pytest.mark.parametrize("secret", ["", "another-secret-of-somebody"])
@pytest.mark.parametrize("path", ["/canvas/configure", "/canvas/initialize", "/canvas/submit"])
async def test_a_request_that_intercom_did_not_sign_is_refused(intercom: Intercom, path: str, secret: str) -> None:
    status, body = await intercom.post(path, {"admin": ADMIN}, secret=secret)
    assert (status, body["type"]) == (401, "error.list")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"user": "x"}', b'{"input_values": 7}'])
async def test_a_body_that_is_none_is_refused(intercom: Intercom, raw: bytes) -> None:
    headers = {"X-Body-Signature": hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()}
    url = f"{intercom.running.base}/canvas/submit"
    async with intercom.running.session.post(url, data=raw, headers=headers) as answer:
        assert answer.status == 422


async def test_an_archived_subscription_and_an_erased_person_get_no_form(intercom: Intercom) -> None:
    bot = intercom.running.bot
    await intercom.insert()
    maya = lead()
    await intercom.submit(await intercom.look(maya), maya, address="(201) 555-0123")
    (event,) = [e for e in await bot.store.events.page("", limit=9) if e.action is Action.OPT_IN]
    await bot.eraser.erase(event.contact, Actor(kind="teammate", id="ada"), Source.PROFILE)
    status, _body = await intercom.post(intercom.url.removeprefix(intercom.running.base), {"contact": maya})
    assert status == 409
    deals = await bot.subscriptions.get(DEALS)
    await bot.subscriptions.archive(DEALS, deals.version, By("ada", "Ada"))
    shown = await intercom.look(lead())
    assert "no longer available" in words(shown)
    _status, body = await intercom.post(
        "/canvas/initialize", {"card_creation_options": {"subscription": DEALS}, "context": CONTEXT}
    )
    assert "no longer available" in words(body)


async def test_client_secrets_are_added_and_revoked(own: Running) -> None:
    async with at_desk(own.base) as ada:
        assert (await ada.post("/settings/intercom/secrets", {"secret": "short"}))[0] == 422
        for secret in (SECRET, SECRET[::-1]):
            assert (await ada.post("/settings/intercom/secrets", {"secret": secret}))[0] == 303
        assert (await ada.post("/settings/intercom/secrets", {"secret": "x" * 36}))[0] == 422
        assert not (await own.bot.workspace()).messenger_security, "off at first"
        for ticked in ({"messenger_security": "on"}, {}):
            assert (await ada.post("/settings/intercom/messenger-security", ticked))[0] == 303
            assert (await own.bot.workspace()).messenger_security is bool(ticked)
        page = await ada.look("/settings/intercom")
        assert SECRET not in page.text
        assert f"{own.bot.public_url}/canvas/submit" in [node.attrs.get("value") for node in page.all("input")]
        intercom = Intercom(own)
        assert (await intercom.post("/canvas/configure", {"admin": ADMIN}))[0] == 200
        first = (await own.bot.workspace()).canvas_secrets[0].id
        await ada.post(f"/settings/intercom/secrets/{first}/revoke", {})
        assert (await intercom.post("/canvas/configure", {"admin": ADMIN}))[0] == 401
