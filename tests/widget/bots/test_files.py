"""Flows as files, and the templates to begin with: what can't be a flow is refused, with the place of each fault."""

from __future__ import annotations

import json

import aiohttp
import pytest

from bot.consent.offers import standard_form, standard_legal_text, standard_translations
from bot.demo import DEALS
from bot.flows.gallery import GALLERY, from_gallery
from bot.i18n import translator
from bot.model.audit import AuditAction as A
from bot.model.base import new_id
from bot.model.subscription import MessageType, SubscriptionState, Translation
from tests.people import subscription
from tests.widget.admins import new_teammate
from tests.widget.bots.drafts import ADA, FORM, HI, JUDGE, file, flow, flows_of, recorded
from tests.widget.desk import HTML, at_desk
from tests.widget.help import Running, read


async def test_what_is_exported_can_be_imported(running: Running) -> None:
    async with flow(running, file(JUDGE)) as made, new_teammate(running) as eve:
        async with eve.desk.session.get(f"{eve.desk.base}/bots/{made.id}/export.json") as answer:
            assert answer.headers["Content-Disposition"] == 'attachment; filename="roasts.json"'
            text = await answer.text()
        status, _page = await eve.desk.post("/bots/-/import", {"text": text, "key": new_id()})
        assert status == 303
        copy = eve.desk.location.removeprefix("/bots/")
        found = await running.bot.flows.get(copy)
        assert (found.state, found.name) == ("draft", "Roasts")
        assert (await running.bot.flows.document(copy)).as_file() == text
        assert await recorded(running, eve) == [A.FLOW_IMPORTED]


async def test_a_file_is_imported_once_however_often_it_is_sent(running: Running) -> None:
    async with at_desk(running.base) as desk:
        desk.token = await desk.csrf()
        before, key = await flows_of(running), new_id()
        for _twice in range(2):
            data = aiohttp.FormData({"csrf": desk.token, "key": key})
            data.add_field("file", file(HI).encode(), filename="flow.json", content_type="application/json")
            url = f"{running.base}/bots/-/import"
            async with desk.session.post(url, data=data, headers=HTML, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, f"/bots/{key}")
        assert await flows_of(running) - before == {key}


SAME = {**HI, "id": "form"}
LOOP = {"kind": "go_to", "id": "again", "step": "hi"}
HOSTILE = {
    "large": (file({**HI, "text": "x" * 1_000_000}), "This file is too large (1,000 kB)."),
    "no JSON": ('{"steps": [', "check line 1"),
    "a list": ("[]", "A flow is a JSON object with steps."),
    "deep": ("[" * 5000 + "]" * 5000, "nested too deeply"),
    "cycle": (file(HI, LOOP), "steps[1]"),
    "dangling": (file({**LOOP, "step": "nowhere"}), 'steps[0].step (again): There is no step "nowhere"'),
    "unknown field": (file({**HI, "colour": "red"}), 'steps[0].colour (hi): Unknown field "colour".'),
    "same id": (file(FORM, SAME), 'steps[1].id (form): Another step has the ID "form".'),
    "markup": (file({**HI, "text": "Hi <img src=x>"}), "steps[0].text (hi): HTML isn't supported"),
    "no subscription": (file({**FORM, "subscription": "nothing"}), "steps[0].subscription (form): This subscription"),
    "lone surrogate": (file({**HI, "text": "Hi \ud800"}), "steps[0].text (hi)"),
    "NUL in a name": (file({**HI, "translations": {"e\x00s": "Hola"}}), "steps[0].translations"),
    "large number": (file({"kind": "wait", "id": "w", "seconds": 10**30}), "steps[0].seconds (w)"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_bad_file_is_refused_with_the_place_of_each_fault(running: Running, name: str) -> None:
    text, told = HOSTILE[name]
    async with at_desk(running.base) as desk:
        before = await flows_of(running)
        data = aiohttp.FormData({"csrf": await desk.csrf(), "key": new_id()})
        data.add_field("file", text.encode(), filename="flow.json")
        async with desk.session.post(f"{running.base}/bots/-/import", data=data, headers=HTML) as answer:
            page = read(await answer.text())
            assert answer.status == 422, page.text[:2000]
        assert told in " ".join(page.one("ul", id="faults").text.split())
        assert await flows_of(running) == before


async def test_an_empty_import_asks_for_a_file(running: Running) -> None:
    async with at_desk(running.base) as desk:
        status, page = await desk.post("/bots/-/import", {"text": " ", "key": new_id()})
        assert (status, "Choose a file or paste a flow." in page.text) == (422, True)


@pytest.mark.parametrize("template", GALLERY)
async def test_each_template_becomes_a_draft_without_errors(running: Running, template: str) -> None:
    async with new_teammate(running) as eve:
        form = {"template": template, "subscription": DEALS, "name": f"Flow {template}", "key": new_id()}
        for _twice in range(2):
            status, page = await eve.desk.post("/bots/-/new", form)
            assert status == 303, page.text
        id = eve.desk.location.removeprefix("/bots/")
        made, document = await running.bot.flows.get(id), await running.bot.flows.document(id)
        assert (made.state, made.name) == ("draft", f"Flow {template}")
        checked = await running.bot.flows.check(document.as_file())
        assert [str(fault) for fault in checked.faults] == []
        forms = [step for step in document.all_steps() if step.kind == "opt_in_form"]
        assert forms
        assert all(step.legal_text for step in forms)
        assert await recorded(running, eve) == [A.FLOW_CREATED]


async def test_a_template_has_the_translations_of_its_subscription(running: Running) -> None:
    workspace, offres = await running.bot.workspace(), Translation(name="Offres")
    spanish = Translation(name="Ofertas", legal_text="Al suscribirte aceptas recibir SMS.")
    own = subscription(legal_text="You agree.", translations={"es": spanish, "fr": offres})
    words, others = standard_form(own, workspace), standard_translations(own, workspace)
    (form,) = [s for s in from_gallery("discount", "Deals", own, words, others).all_steps() if s.kind == "opt_in_form"]
    assert {locale: text.title for locale, text in form.translations.items()} == {
        "es": "Suscríbete y consigue un 10 % de descuento"  # French lacks the legal text
    }
    standard = subscription(translations={"fr": offres})
    french = standard_translations(standard, workspace)["fr"].legal_text
    assert french == standard_legal_text(standard, workspace, translator("fr"))


async def test_texts_of_a_template_are_not_for_a_subscription_by_email(running: Running) -> None:
    mail = subscription(new_id(), name=f"Mail {new_id()}", message_type=MessageType.EMAIL)
    await running.store.subscriptions.keep(mail)
    try:
        async with at_desk(running.base) as desk:
            options = (await desk.look("/bots/-/new")).one("select", id="subscription").all("option")
            assert mail.id not in [option.attrs["value"] for option in options]
            form = {"template": "discount", "subscription": mail.id, "name": "", "key": new_id()}
            status, page = await desk.post("/bots/-/new", form)
            assert (status, "Choose a subscription for texts." in page.text) == (422, True)
    finally:
        archived = {"$set": {"state": SubscriptionState.ARCHIVED}}
        await running.store.subscriptions.update({"_id": mail.id}, archived)


async def test_a_template_needs_a_live_subscription(running: Running) -> None:
    async with at_desk(running.base) as desk:
        before = await flows_of(running)
        form = {"template": "discount", "subscription": "gone", "name": "", "key": new_id()}
        status, page = await desk.post("/bots/-/new", form)
        assert (status, "no longer live" in page.text) == (422, True)
        assert (await desk.post("/bots/-/new", {**form, "template": "other"}))[0] == 422
        assert await flows_of(running) == before


async def test_a_flow_is_duplicated_as_a_draft(running: Running) -> None:
    async with flow(running, file(JUDGE)) as made, new_teammate(running) as eve:
        for _twice in range(2):
            status, _page = await eve.desk.post(f"/bots/{made.id}/duplicate", {"key": "d" * 24})
            assert status == 303
        copy = await running.bot.flows.get("d" * 24)
        assert (copy.name, copy.state) == ("Copy of Roasts", "draft")
        assert await recorded(running, eve) == [A.FLOW_CREATED]


async def test_a_flow_without_a_version_is_duplicated_and_exported_as_its_draft(running: Running) -> None:
    async with new_teammate(running) as eve:
        empty = await running.bot.flows.create_empty("Half done", ADA)
        draft = {"name": "Half done", "steps": [{"kind": "say", "id": "hi"}]}
        await running.bot.flow_drafts.save(empty.id, json.dumps(draft), 0, ADA)
        async with eve.desk.session.get(f"{eve.desk.base}/bots/{empty.id}/export.json") as answer:
            assert (answer.status, await answer.json()) == (200, draft)
            assert answer.headers["Content-Disposition"] == 'attachment; filename="half-done.json"'
        key = new_id()
        for _twice in range(2):
            assert (await eve.desk.post(f"/bots/{empty.id}/duplicate", {"key": key}))[0] == 303
        copy = await running.bot.flow_drafts.get(key)
        assert json.loads(copy.text) == {**draft, "name": "Copy of Half done"}
        assert (copy.revision, copy.is_published, (await running.bot.flows.get(key)).version) == (1, False, 0)
