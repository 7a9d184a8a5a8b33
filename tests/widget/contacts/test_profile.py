"""A contact's profile: reading, editing, merging, erasing, and handing out data."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from bot.contacts.permission_answer import permission_answer
from bot.demo import DEALS
from bot.i18n import translator
from bot.model.attribute import AttributeType
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact, Role
from bot.model.contact_import import ContactImport, ImportChange
from bot.model.conversation import Author, AuthorKind, Text
from bot.model.event import Action, Actor, Grade, Source
from bot.model.job import Job, JobItem, JobState
from bot.model.stop import Stop
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.model.teammate import By
from bot.workspace.audit import AuditFilter
from tests.people import ANOTHER, AT, NUMBER, change, consent, events_of, person, subscription
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Running, read
from widget.contacts.verdicts import rule_of

BY = By("somebody", "Somebody")


async def contact(running: Running, **values: Any) -> Contact:
    time = now()
    made = Contact(id=new_id(), created_at=time, updated_at=time, **values)
    await running.store.contacts.insert(made)
    return made


async def opted_in(running: Running, **values: Any) -> Contact:
    made = await contact(running, **values)
    await running.bot.ledger.record(change(made.id, "yes", number=NUMBER))
    found = await running.bot.ledger.contact(made.id)
    assert found
    return found


async def now_as(running: Running, someone: Contact) -> Contact:
    found = await running.bot.ledger.contact(someone.id)
    assert found
    return found


def path(someone: Contact, rest: str = "") -> str:
    return f"/contacts/{someone.id}{rest}"


async def edit(desk: Desk, someone: Contact, **form: str) -> tuple[int, Any]:
    usual = {"key": new_id(), "locale": "en", "phone": "(201) 555-0123" if someone.phone else ""}
    return await desk.post(path(someone, "/edit"), {**usual, **form})


class TestWhy:
    """The rule that decides, and the event behind it."""

    @pytest.mark.parametrize(
        ("reason", "offered", "who", "stop"),
        [
            ("opted_in", subscription(), person(phone=NUMBER, consents=(consent(ConsentState.OPTED_IN),)), None),
            ("opted_out", subscription(), person(phone=NUMBER, consents=(consent(ConsentState.OPTED_OUT),)), None),
            ("pending", subscription(), person(phone=NUMBER, consents=(consent(ConsentState.PENDING),)), None),
            ("number_changed", subscription(), person(phone=ANOTHER, consents=(consent(ConsentState.OPTED_IN),)), None),
            ("not_opted_in", subscription(), person(phone=NUMBER), None),
            ("no_valid_number", subscription(), person(), None),
            ("not_opted_out", subscription(consent_type=ConsentType.OPT_OUT), person(phone=NUMBER), None),
            ("subscription_not_live", subscription(state=SubscriptionState.DRAFT), person(phone=NUMBER), None),
            ("stopped", subscription(), person(phone=NUMBER), Stop(id=NUMBER, at=AT, text="STOP")),
            (
                "no_valid_email",
                subscription(message_type=MessageType.EMAIL),
                person(phone=NUMBER),
                Stop(id=NUMBER, at=AT, text="STOP"),
            ),
            (
                "weak_evidence",
                subscription(written_only=True),
                person(phone=NUMBER, consents=(consent(ConsentState.OPTED_IN, grade=Grade.ORAL_ATTESTED),)),
                None,
            ),
        ],
    )
    def test_each_reason(self, reason: str, offered: Subscription, who: Contact, stop: Stop | None) -> None:
        answer = permission_answer(who, offered, stop)
        assert answer.permission.reason == reason
        assert rule_of(answer, translator("en")), "and it has a name"
        has_event = reason in {"opted_in", "opted_out", "pending", "number_changed", "weak_evidence"}
        assert (answer.consent is not None, answer.stopped_at == AT) == (has_event, reason == "stopped")


class TestReading:
    async def test_it_shows_the_rule_and_the_event_behind_it(self, running: Running, ben: Desk) -> None:
        someone = await opted_in(running, name="Maya")
        page = await ben.look(path(someone))
        (deals,) = [li for li in page.all("li") if li.attrs.get("data-subscription") == DEALS]
        yes = someone.consent(DEALS)
        assert yes
        assert deals.attrs["data-allowed"] == "yes"
        assert yes.event in deals.text
        await running.bot.ledger.record(change(someone.id, "no", Action.OPT_OUT))
        (deals,) = [
            li for li in (await ben.look(path(someone))).all("li") if li.attrs.get("data-subscription") == DEALS
        ]
        assert deals.attrs["data-allowed"] == "no"
        assert "Opted out" in deals.text

    async def test_it_lists_conversations_and_texts_and_history(self, running: Running, ben: Desk) -> None:
        someone = await opted_in(running, name="Maya")
        author = Author(kind=AuthorKind.CONTACT, id=someone.id)
        id = new_id()
        await running.bot.conversations.begin(id, someone.id, author, [])
        await running.bot.conversations.append(id, author, Text(text="Are you open?"), "hello")
        await running.bot.attributes.create("Shoe size", AttributeType.NUMBER, BY)
        await edit(ben, someone, name="Maya", **{"attributes.shoe_size": "41"})
        page = await ben.look(path(someone))
        entries = [li.text for li in page.one("ol", id="timeline").all("li")]
        assert "Edited by Ben" in entries[0]
        assert "Attributes" in entries[0]
        assert any("Are you open?" in entry for entry in entries)
        assert any("Opted in on the form" in entry for entry in entries)
        assert f"/inbox/{id}" in {a.attrs.get("href") for a in page.all("a")}
        assert "Shoe size" in page.one("table").text, "and not its key"
        texts = await ben.look(path(someone, "?show=texts"))
        assert "Edited by" not in texts.one("ol", id="timeline").text
        assert (await ben.get(path(someone, "?show=nonsense")))[0] == 404

    async def test_imports_and_tags_in_bulk_are_told(self, running: Running, ada: Desk, ben: Desk) -> None:
        someone, time = await contact(running, name="Maya"), now()
        tag = await running.bot.tags.create(f"VIP {new_id()}", BY)
        job = Job(
            id=new_id(), kind="add_tag", input={"tag": tag.id}, state=JobState.DONE, by="a", by_name="Grace",
            due=time, created_at=time, updated_at=time,
        )  # fmt: skip
        file = ContactImport(
            id=new_id(), file="list.csv", size=1, rows=1, pieces=0, encoding="utf-8", delimiter=",", has_header=True,
            columns=("Name",), undo="x", by="a", by_name="Grace", created_at=time, expires_at=time + timedelta(days=1),
        )  # fmt: skip
        row = ImportChange(
            id=f"{file.id}:7", job=file.id, line=7, contact=someone.id, created=True, after={"name": "Maya"}, at=time
        )
        item = JobItem(id=f"{job.id}:{someone.id}", job=job.id, item=someone.id, outcome="changed", at=time)
        await running.store.jobs.insert(job)
        await running.store.contact_imports.insert(file)
        await running.store.import_changes.insert(row)
        await running.store.job_items.insert(item)
        for desk, is_linked in ((ada, True), (ben, False)):
            timeline = (await desk.look(path(someone, "?show=changes"))).one("ol", id="timeline")
            text = " ".join(timeline.text.split())
            assert "Created by an import Import undone" in text
            assert "list.csv, line 7 · Name" in text
            assert f"Tag added in bulk just now {tag.name} · Grace" in text
            links = {a.attrs["href"] for a in timeline.all("a")}
            assert links == ({f"/contacts/imports/{file.id}"} if is_linked else set())

    async def test_earlier_entries_are_a_page_and_a_fragment(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        for i in range(12):
            for action in (Action.OPT_IN, Action.OPT_OUT):
                await running.bot.ledger.record(change(someone.id, f"{action}{i}", action, number=NUMBER))
        page = await ben.look(path(someone, "?show=consent"))
        (more,) = [a.attrs["href"] for a in page.all("a") if "older=" in a.attrs.get("href", "")]
        assert len((await ben.look(more)).one("ol", id="timeline").all("li", class_="cp-entry")) == 4
        async with ben.session.get(ben.base + more, headers={"HX-Request": "true"}) as answer:
            fragment = read(await answer.text())
        assert (len(fragment.all("li", class_="cp-entry")), fragment.all("html")) == (4, [])
        assert (await ben.get(path(someone, "/timeline?older=x")))[0] == 422

    async def test_nobody_is_found_under_another_id(self, ben: Desk) -> None:
        for rest in ("", "/edit", "/merge"):
            assert (await ben.get(f"/contacts/{'0' * 24}{rest}"))[0] == 404

    async def test_the_panel_leads_to_it(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        page = await ben.look(f"/inbox/contacts/{someone.id}/panel")
        assert path(someone) in {a.attrs.get("href") for a in page.all("a")}


class TestArchiving:
    async def test_an_archived_contact_is_on_no_list_and_says_so(self, running: Running, ben: Desk) -> None:
        name = f"Maya {new_id()}"
        someone, path = await contact(running, name=name), f"/contacts?q={name.split()[1]}"
        await running.bot.contacts.set_values(someone, {"name": name})
        assert name in (await ben.get(path))[1].text
        for _ in range(2):  # the second time changes nothing
            assert (await ben.post(f"/contacts/{someone.id}/archive", {}))[0] == 303
        assert name not in (await ben.get(path))[1].text
        page = (await ben.get(f"/contacts/{someone.id}"))[1].text
        assert "This contact is archived" in page
        assert page.count("Archived by Ben") == 1
        assert (await ben.post(f"/contacts/{someone.id}/unarchive", {}))[0] == 303
        page = (await ben.get(f"/contacts/{someone.id}"))[1].text
        assert "This contact is archived" not in page
        assert "Unarchived by Ben" in page
        assert name in (await ben.get(path))[1].text

    async def test_nobody_is_archived_who_is_not_there(self, ben: Desk) -> None:
        assert (await ben.post(f"/contacts/{new_id()}/archive", {}))[0] == 404


class TestEditing:
    async def test_what_is_typed_is_saved(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        tag = await running.bot.tags.create(f"VIP {new_id()}", BY)
        size = await running.bot.attributes.create(f"s{new_id()}", AttributeType.NUMBER, BY)
        id = new_id()
        form = {"name": "Maya", "phone": "(201) 555-0124", "email": "maya@example.com", "external_id": id}
        more = {"time_zone": "America/New_York", f"tags.{tag.id}": "on", f"attributes.{size.key}": "41"}
        assert (await edit(ben, someone, **form, **more))[0] == 303
        after = await now_as(running, someone)
        assert (after.name, after.phone, after.email, after.external_id) == ("Maya", ANOTHER, "maya@example.com", id)
        assert (after.time_zone, after.tags, after.attributes) == ("America/New_York", (tag.id,), {size.key: 41})
        assert [event.source for event in await events_of(running.store, someone.id)] == [Source.PROFILE] * 2
        page = await running.bot.audit.page(AuditFilter(action=AuditAction.CONTACT_EDITED))
        (entry,) = [entry for entry in page.items if entry.subject == someone.id]
        assert "phone" in entry.detail
        assert "Maya" not in entry.detail
        await edit(ben, after, phone="(201) 555-0124", **{f"attributes.{size.key}": ""})
        after = await now_as(running, someone)
        assert (after.name, after.email, after.tags, after.attributes) == (None, None, (), {})

    @pytest.mark.parametrize(
        ("form", "name"),
        [
            ({"phone": "12"}, "phone"),
            ({"email": "nobody"}, "email"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ],
    )
    async def test_a_wrong_value_is_explained_and_saves_nothing(
        self, running: Running, ben: Desk, form: dict[str, str], name: str
    ) -> None:
        someone = await contact(running)
        status, page = await edit(ben, someone, **{"name": "Maya", **form})
        assert status == 422
        assert page.all("p", id=f"{name}-error")
        assert page.one("input", id="name").attrs["value"] == "Maya"
        assert (await now_as(running, someone)).name is None

    async def test_a_user_id_belongs_to_one_contact(self, running: Running, ben: Desk) -> None:
        id = new_id()
        await contact(running, external_id=id, role=Role.USER)
        status, page = await edit(ben, await contact(running), external_id=id)
        assert (status, len(page.all("p", id="external_id-error"))) == (422, 1)

    async def test_a_changed_number_loses_permission_and_the_page_says_so_first(
        self, running: Running, ben: Desk
    ) -> None:
        someone = await opted_in(running)
        status, page = await edit(ben, someone, phone="(201) 555-0124")
        assert (status, len(page.all("p", id="confirmed-error"))) == (422, 1)
        assert (await now_as(running, someone)).phone == NUMBER
        assert (await edit(ben, someone, phone="(201) 555-0124", confirmed="on"))[0] == 303
        after = await now_as(running, someone)
        offered = await running.store.subscriptions.get(DEALS)
        assert offered
        answer = permission_answer(after, offered, None)
        assert (after.phone, answer.permission.allowed, answer.permission.reason) == (ANOTHER, False, "number_changed")

    async def test_the_same_form_twice_changes_an_address_once(self, running: Running, ben: Desk) -> None:
        someone, key = await contact(running), new_id()
        for _ in range(2):
            assert (await edit(ben, someone, phone="(201) 555-0124", key=key))[0] == 303
        assert len(await events_of(running.store, someone.id)) == 1


class TestMerging:
    async def test_it_is_previewed_confirmed_and_recorded(self, running: Running, ben: Desk) -> None:
        word = f"Q{new_id()}"
        user, lead = await contact(running, name="Ada"), await opted_in(running, name=word)
        found = await ben.look(path(user, f"/merge?q={word}"))
        (link,) = [a.attrs["href"] for a in found.all("a") if "with=" in a.attrs["href"]]
        assert "Opted in" in (await ben.look(link)).one("table").text
        status, page = await ben.post(path(user, "/merge"), {"other": lead.id, "word": "yes"})
        assert (status, len(page.all("p", id="word-error"))) == (422, 1)
        status, _ = await ben.post(path(user, "/merge"), {"other": lead.id, "word": "merge"})
        assert (status, ben.location) == (303, path(user))
        assert (await now_as(running, user)).phone == NUMBER
        assert path(user) in {a.attrs["href"] for a in (await ben.look(path(lead))).all("a")}
        page_ = await running.bot.audit.page(AuditFilter(action=AuditAction.CONTACT_MERGED))
        assert [e.detail for e in page_.items if e.subject == user.id] == [lead.id]

    async def test_with_itself_or_nobody_is_refused(self, running: Running, ben: Desk) -> None:
        user = await contact(running)
        for status, page in (
            await ben.get(path(user, f"/merge?with={user.id}")),
            await ben.post(path(user, "/merge"), {"other": user.id, "word": "merge"}),
        ):
            assert (status, page.one("p", id="q-error").text) == (422, "Choose another contact.")
            assert page.all("input", name="q"), "where to choose another one"
        assert (await ben.get(path(user, f"/merge?with={'0' * 24}")))[0] == 404


class TestErasing:
    async def test_an_admin_erases_and_the_rest_stays(self, running: Running) -> None:
        someone = await opted_in(running, name="Maya")
        async with at_desk(running.base) as ada:
            status, page = await ada.post(path(someone, "/erase"), {"word": ""})
            assert (status, len(page.all("p", id="word-error"))) == (422, 1)
            status, _ = await ada.post(path(someone, "/erase"), {"word": "ERASE"})
            assert (status, ada.location) == (303, "/contacts")
            page = await ada.look(path(someone))
            assert "Personal data erased" in page.text
            assert "Maya" not in page.text
            for rest in ("/edit", "/merge", "/erase"):
                assert (await ada.get(path(someone, rest)))[0] == 404
        page_ = await running.bot.audit.page(AuditFilter(action=AuditAction.CONTACT_ERASED))
        assert someone.id in {entry.subject for entry in page_.items}

    async def test_an_agent_may_not(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        for rest in ("/erase", "/data.zip"):
            assert (await ben.get(path(someone, rest)))[0] == 403
        assert (await ben.post(path(someone, "/erase"), {"word": "ERASE"}))[0] == 403
        assert not (await now_as(running, someone)).is_gone


class TestDataAccess:
    async def test_everything_about_a_person_is_one_file(self, running: Running) -> None:
        lead, someone = await contact(running, name="Lead"), await opted_in(running, name="Maya <b>")
        await running.bot.merge.merge(someone.id, lead.id, Actor(kind="teammate", id="t"), Source.PROFILE)
        author, id = Author(kind=AuthorKind.CONTACT, id=someone.id), new_id()
        await running.bot.conversations.begin(id, someone.id, author, [])
        await running.bot.conversations.append(id, author, Text(text="Grüße"), "hello")
        async with at_desk(running.base) as ada, ada.session.get(ada.base + path(someone, "/data.zip")) as answer:
            assert (answer.status, answer.content_type) == (200, "application/zip")
            file = zipfile.ZipFile(io.BytesIO(await answer.read()))
        assert file.testzip() is None
        data, page = json.loads(file.read("data.json")), file.read("index.html").decode()
        assert {contact["_id"] for contact in data["contacts"]} == {someone.id, lead.id}
        assert [event["action"] for event in data["consent_events"]] == ["opt_in", "merge", "merge"]
        assert [part["content"]["text"] for part in data["entries"]] == ["Grüße"]
        assert "Maya &lt;b&gt;" in page
        assert "Grüße" in page
        assert "<b>" not in page
        entries = await running.bot.audit.page(AuditFilter(action=AuditAction.CONTACT_DATA_DOWNLOADED))
        assert someone.id in {entry.subject for entry in entries.items}
