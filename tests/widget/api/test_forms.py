"""Chat without our widget: a form is inserted, shown and submitted through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.demo import DEALS
from bot.model.base import new_id
from bot.model.event import Action
from bot.workspace.access import Scope
from bot.workspace.tokens import hashed
from tests.conftest import Visitor
from tests.people import change
from tests.widget.api.client import ApiClient, Json, new_contact
from tests.widget.api.conftest import NewClient
from tests.widget.api.test_conversations import written
from tests.widget.help import Running

NUMBER = "+12015550181"
ME = {"ip": "203.0.113.9", "user_agent": "Shop/1.0", "page": "https://shop.example/roasts"}


async def inserted(api: ApiClient, contact: str, **words: Any) -> tuple[str, Json]:
    """The address of a new form, and the form."""
    message = {"from": {"type": "contact", "id": contact}, "body": "Hello"}
    made = (await api.post("/conversations", message)).body
    path = f"/conversations/{made['conversation_id']}/forms"
    reply = await api.post(path, {"subscription": DEALS, "title": "Deals by text", **words})
    assert reply.status == 200, reply
    return f"{path}/{reply.body['seq']}", reply.body


async def test_a_submitted_form_is_written_consent_in_the_words_that_were_shown(
    running: Running, api: ApiClient
) -> None:
    contact = await new_contact(running)
    path, form = await inserted(api, contact.id)
    assert (form["state"], form["asks"], form["offers"], form["saved"]) == ("open", True, True, None)
    assert form == (await api.get(path)).body
    done = await api.post(f"{path}/submit", {"version": form["version"], "address": "(201) 555-0181", **ME})
    assert (done.status, done.body["state"], done.body["done"]) == (200, "completed", "(201) 555-0181")
    (event,) = [e for e in await running.store.events.after(contact.id, 0, limit=10) if e.subscription == DEALS]
    assert event.words
    assert (event.grade, event.source, event.number) == ("written_shown", "form", NUMBER)
    assert (event.words.title, event.context.ip, event.context.page) == ("Deals by text", ME["ip"], ME["page"])
    assert (event.actor.kind, event.context.via) == ("contact", hashed(api.token)[:24])
    told = (await api.get(f"/contacts/{contact.id}/consent_events")).body["data"][-1]
    assert told["via_token"] == event.context.via
    again = await api.post(f"{path}/submit", {"version": form["version"], "address": "(201) 555-0181", **ME})
    assert again.body["state"] == "completed"
    assert len([e for e in await running.store.events.after(contact.id, 0, limit=10) if e.subscription == DEALS]) == 1


async def test_a_saved_number_is_locked(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone="+12015550182")
    path, form = await inserted(api, contact.id)
    assert (form["state"], form["asks"], form["saved"]) == ("saved", False, "(201) 555-0182")
    other = await api.post(f"{path}/submit", {"version": form["version"], "address": "(201) 555-0183", **ME})
    assert other.codes == ["saved_number_locked"]
    assert (await api.get(path)).body["state"] == "saved"
    done = await api.post(f"{path}/submit", {"version": form["version"], **ME})
    assert done.body["state"] == "completed"


@pytest.mark.parametrize(
    ("wrong", "codes"),
    [
        ({"version": "old"}, ["words_changed"]),
        ({"address": "12"}, ["parameter_invalid"]),
        ({"ip": ""}, ["parameter_invalid"]),
    ],
)
async def test_a_wrong_submission_records_nothing(
    running: Running, api: ApiClient, wrong: dict[str, str], codes: list[str]
) -> None:
    contact = await new_contact(running)
    path, form = await inserted(api, contact.id)
    reply = await api.post(f"{path}/submit", {"version": form["version"], "address": "(201) 555-0184", **ME, **wrong})
    assert reply.codes == codes
    assert await running.store.events.after(contact.id, 0, limit=10) == []


@pytest.mark.parametrize("ip", ["none", "203.0.113", "203.0.113.9, 10.0.0.1"])
async def test_the_ip_address_has_to_be_one(running: Running, api: ApiClient, ip: str) -> None:
    path, form = await inserted(api, (await new_contact(running, phone="+12015550187")).id)
    reply = await api.post(f"{path}/submit", {"version": form["version"], **ME, "ip": ip})
    assert (reply.status, reply.codes, reply.body["errors"][0]["field"]) == (422, ["parameter_invalid"], "ip")


async def opted_out(running: Running, contact: str, phone: str) -> str:
    """The event of the person's own opt-out."""
    no = change(contact, f"no:{new_id()}", Action.OPT_OUT, number=phone)
    return (await running.bot.ledger.record(no)).event.event


async def test_a_form_that_was_shown_before_an_opt_out_can_t_take_it_back(running: Running, api: ApiClient) -> None:
    phone = "+12015550188"
    contact = await new_contact(running, phone=phone)
    path, form = await inserted(api, contact.id)
    answer = {"version": form["version"], **ME}
    for _ in range(2):  # an open form, then one that was completed
        no = await opted_out(running, contact.id, phone)
        for again in (None, no):
            reply = await api.post(f"{path}/submit", {**answer, "again": again})
            assert (reply.status, set(reply.codes) <= {"own_opt_out", "card_closed"}) == (409, True), reply
        assert reply.codes == ["own_opt_out"], "it names the opt-out, and nobody was shown the form since"
        shown = (await api.get(path)).body
        assert (shown["offers"], shown["again"]) == (True, no)
        assert (await api.post(f"{path}/submit", answer)).status == 409
        assert (await api.post(f"{path}/submit", {**answer, "again": no})).body["state"] == "completed"
        await running.bot.consumers.drain()


async def test_a_form_that_is_inserted_after_an_opt_out_names_it(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone="+12015550190")
    no = await opted_out(running, contact.id, "+12015550190")
    path, form = await inserted(api, contact.id)
    assert form["again"] == no
    assert (await api.post(f"{path}/submit", {"version": form["version"], **ME})).codes == ["own_opt_out"]
    done = await api.post(f"{path}/submit", {"version": form["version"], "again": no, **ME})
    assert done.body["state"] == "completed"


async def test_a_form_of_the_messenger_is_submitted_there_alone(
    running: Running, api: ApiClient, visitor: Visitor
) -> None:
    await visitor.open()
    await running.act(visitor)
    parts = await running.store.parts.after(visitor.conversation, 0, limit=20)
    conversation = await running.bot.conversations.get(visitor.conversation)
    assert conversation
    opening = [*conversation.opening_parts, *parts]
    seq = next(part.seq for part in opening if part.content.kind == "card")
    path = f"/conversations/{visitor.conversation}/forms/{seq}"
    form = (await api.get(path)).body
    reply = await api.post(f"{path}/submit", {"version": form["version"], "address": "(201) 555-0191", **ME})
    assert (reply.status, reply.codes) == (422, ["form_not_inserted"])


async def test_numbers_are_masked_for_a_token_that_reads_no_contacts(
    running: Running, api: ApiClient, new_client: NewClient
) -> None:
    contact = await new_contact(running, phone="+12015550192")
    path, form = await inserted(api, contact.id)
    chats = await new_client(frozenset({Scope.READ_CONVERSATIONS, Scope.WRITE_CONVERSATIONS}))
    hidden = "(•••) •••-0192"
    assert (form["saved"], (await chats.get(path)).body["saved"]) == ("(201) 555-0192", hidden)
    made = await chats.post(path.rpartition("/")[0], {"subscription": DEALS, "title": "Deals by text"})
    assert made.body["saved"] == hidden
    await api.post(f"{path}/submit", {"version": form["version"], **ME})
    assert (await chats.get(path)).body["done"] == hidden
    assert (await api.get(path)).body["done"] == "(201) 555-0192"


async def test_a_box_has_to_be_ticked(running: Running, api: ApiClient) -> None:
    contact = await new_contact(running, phone="+12015550185")
    path, form = await inserted(api, contact.id, box="I agree")
    assert form["box"] == [{"text": "I agree", "href": None}]
    assert (await api.post(f"{path}/submit", {"version": form["version"], **ME})).codes == ["box_unticked"]
    done = await api.post(f"{path}/submit", {"version": form["version"], "ticked": True, **ME})
    assert done.body["state"] == "completed"


async def test_a_form_from_a_bot_begins_no_conversation(
    running: Running, api: ApiClient, newcomer: Callable[[], Visitor]
) -> None:
    await (person := newcomer()).open()
    await running.act(person)
    path = f"/conversations/{person.conversation}"
    form = (await api.post(f"{path}/forms", {"subscription": DEALS, "title": "Deals by text"})).body
    assert (await running.chat(person)).begun is None
    assert (await api.get(f"{path}/forms/{form['seq']}")).body["subscription_name"] == form["subscription_name"]
    assert (await api.get(f"{path}/forms/99")).status == (await api.get(f"{path}/forms/x")).status == 404
    nameless = await api.post(f"{path}/forms", {"subscription": DEALS})
    assert (nameless.status, nameless.body["errors"][0]["field"]) == (422, "title")


async def test_a_conversation_is_created_once_with_the_contact_s_message(running: Running, api: ApiClient) -> None:
    contact, key = await new_contact(running), new_id()
    body = {"from": {"type": "user", "id": contact.id}, "body": "Is the Guji in stock?"}
    first, second = [await api.post("/conversations", body, Idempotency_Key=key) for _ in range(2)]
    assert first.body == second.body
    found = (await api.get(f"/conversations/{first.body['conversation_id']}")).body
    assert found["source"]["body"] == "<p>Is the Guji in stock?</p>"
    assert found["source"]["author"]["id"] == contact.id
    assert (await api.post("/conversations", {**body, "from": {"type": "user", "id": "none"}})).status == 404


async def test_a_text_conversation_takes_no_form(running: Running, api: ApiClient, visitor: Visitor) -> None:
    id = await written(running, visitor)
    assert (await api.post(f"/conversations/{id}/forms", {"subscription": "none"})).status == 404
    contact = await new_contact(running)
    texting = await running.bot.conversations.begin_texting(contact.id, "+12015550186")
    reply = await api.post(f"/conversations/{texting}/forms", {"subscription": DEALS})
    assert (reply.status, reply.codes) == (422, ["parameter_invalid"])
