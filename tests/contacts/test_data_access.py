"""Everything about a person as one file: complete, and of nobody else."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.contacts import data_access
from bot.contacts.data_access import TITLES
from bot.demo import DEALS, NEWS
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.contact_import import ImportChange
from bot.model.conversation import Author, AuthorKind, Text
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import Action, Actor, Source
from bot.model.subscription import MessageType
from bot.model.teammate import By
from bot.model.webhook import Topic
from tests.people import ANOTHER, NUMBER, change
from widget.contacts.data_words import DATA_WORDS

DOCS = Path(__file__).parents[2] / "docs/contacts.md"


@pytest.fixture
async def maya(bot: Bot) -> Contact:
    time = now()
    made = await bot.contacts.create(Contact(id=new_id(), name="Maya <b>", created_at=time, updated_at=time))
    await bot.ledger.record(change(made.id, "old", Action.CAPTURE_PHONE, number=ANOTHER, subscription=None))
    await bot.stops.stop(ANOTHER, "STOP, Maya", "s1")
    await bot.ledger.record(change(made.id, "new", Action.CHANGE_ADDRESS, number=NUMBER, subscription=None))
    found = await bot.ledger.contact(made.id)
    assert found
    return found


async def archive(bot: Bot, contact: Contact) -> tuple[dict[str, Any], str]:
    pieces = [piece async for piece in bot.data_access.archive(contact.id, translator("en"))]
    file = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert file.testzip() is None
    return json.loads(file.read("data.json")), file.read("index.html").decode()


async def _messages(bot: Bot, contact: Contact, count: int) -> None:
    made = [
        Delivery(
            id=f"{contact.id}:{n}",
            contact=contact.id,
            kind=DeliveryKind.MESSAGE,
            event="e",
            number=NUMBER,
            locale="en",
            body=f"Message {n}",
            created_at=now() + timedelta(milliseconds=n),
            updated_at=now(),
        )
        for n in range(count)
    ]
    await bot.store.deliveries.insert_many(made)


async def test_it_has_all_of_everything_and_is_read_in_pages(
    bot: Bot, maya: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_access, "PAGE", 3)
    await _messages(bot, maya, 450)
    author = Author(kind=AuthorKind.CONTACT, id=maya.id)
    for chat in range(205):
        await bot.conversations.begin(id := new_id(), maya.id, author, [])
        for n in range(4 if chat == 0 else 1):
            await bot.conversations.append(id, author, Text(text=f"Grüße {n}"), f"{n}")
    await bot.preferences.make_link(maya.id, MessageType.SMS)
    before = {"name": "Mayo"}
    kept = ImportChange(id="job:000000002", job="job", line=2, contact=maya.id, before=before, at=now())
    await bot.store.import_changes.insert(kept)
    rows = b"Name,Phone\nMaya,(201) 555-0123\nBen,2015550199\n"
    await bot.imports.upload(io.BytesIO(rows), "list.csv", len(rows), By("ada", "Ada"))
    await bot.webhooks.add("https://hooks.example/", "", (Topic.CONSENT_RECORDED,), By("ada", "Ada"))
    await bot.ledger.record(change(maya.id, "told", Action.OPT_OUT, subscription=NEWS, number=None))
    await bot.consumers.drain()
    data, page = await archive(bot, maya)
    assert data.keys() == TITLES.keys()
    found = {name: len(entries) for name, entries in data.items()}
    assert found == {
        "contacts": 1, "consent_events": 5, "stops": 1, "conversations": 205, "entries": 208, "messages": 450,
        "links": 1, "webhooks": 1, "imports": 1, "uploads": 1,
    }  # fmt: skip
    assert [message["body"] for message in data["messages"]] == [f"Message {n}" for n in range(450)]
    assert data["uploads"] == [
        {"file": "list.csv", "line": 2, "row": {"Name": "Maya", "Phone": "(201) 555-0123"}},
    ]
    assert page.count("<dl>") == sum(found.values()), "the page has all that the data has"
    assert "Maya &lt;b&gt;" in page
    assert "STOP, Maya" in page
    assert not re.search(r"\dT\d\d:", page), "times to be read"


async def test_what_texts_a_number_sent_belongs_to_whoever_had_it(bot: Bot, maya: Contact) -> None:
    await bot.stops.lift(ANOTHER, "START, says Ben", "s2")
    await bot.stops.stop(NUMBER, "STOP", "s3")
    data, page = await archive(bot, maya)
    assert [(entry["number"], entry["action"], entry["text"]) for entry in data["stops"]] == [
        (ANOTHER, "stop", "STOP, Maya"),
        (NUMBER, "stop", "STOP"),
    ]
    assert "Ben" not in page


async def test_stops_are_listed_by_the_number_after_another_person_with_it_was_erased(bot: Bot, maya: Contact) -> None:
    other = await bot.contacts.create(Contact(id=new_id(), created_at=now(), updated_at=now()))
    await bot.ledger.record(change(other.id, "1", Action.CAPTURE_PHONE, number=NUMBER, subscription=None))
    await bot.stops.stop(NUMBER, "STOP", "s3")
    await bot.eraser.erase(other.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
    data, _ = await archive(bot, maya)
    assert [(entry["number"], entry["action"], entry["text"]) for entry in data["stops"]][1:] == [(NUMBER, "stop", "")]


async def test_an_uploaded_row_with_a_number_that_they_only_typed_is_not_theirs(bot: Bot, maya: Contact) -> None:
    cleared = change(maya.id, "clear", Action.CHANGE_ADDRESS, number=None, clears=["phone"], subscription=None)
    await bot.ledger.record(cleared)
    await bot.ledger.record(change(maya.id, "typed", Action.REQUEST_CONFIRMATION, number="+12015550155"))
    rows = b"Phone\n2015550155\n2015550124\n2015550123\n"
    await bot.imports.upload(io.BytesIO(rows), "list.csv", len(rows), By("ada", "Ada"))
    data, _ = await archive(bot, maya)
    assert data["uploads"] == [], "nor with one that she had before"


async def test_the_page_says_in_words_what_the_data_has_as_values(bot: Bot, maya: Contact) -> None:
    await bot.ledger.record(change(maya.id, "yes", Action.OPT_OUT))
    pieces = [piece async for piece in bot.data_access.archive(maya.id, translator("de"), DATA_WORDS)]
    file = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    page, data = file.read("index.html").decode(), file.read("data.json").decode()
    assert {'"opt_out"', '"hash"'} <= {*re.findall(r'"\w+"', data)}
    assert "<dt><bdi>action</bdi></dt><dd><bdi>Abgemeldet</bdi></dd>" in page
    assert not re.search(r"<bdi>(opt_out|opted_out|written_shown|preference_center|True|hash|key)</bdi>", page)


async def test_attributes_and_cells_are_shown_whatever_they_are_called_and_as_they_are(bot: Bot, maya: Contact) -> None:
    own = {"policy": "gold", "source": "form", "action": "opt_out", "seq": DEALS}
    await bot.store.contacts.update({"_id": maya.id}, {"$set": {"attributes": own}})
    rows = b"Phone,format,hash,state\n2015550123,large,brown,opted_out\n"
    await bot.imports.upload(io.BytesIO(rows), "list.csv", len(rows), By("ada", "Ada"))
    pieces = [piece async for piece in bot.data_access.archive(maya.id, translator("en"), DATA_WORDS)]
    page = zipfile.ZipFile(io.BytesIO(b"".join(pieces))).read("index.html").decode()
    cells = {"format": "large", "hash": "brown", "state": "opted_out"}
    shown = {**{f"attributes · {k}": v for k, v in own.items()}, **{f"row · {k}": v for k, v in cells.items()}}
    for name, value in shown.items():
        assert f"<dt><bdi>{name}</bdi></dt><dd><bdi>{value}</bdi></dd>" in page


async def test_the_page_names_subscriptions_and_runs_in_the_direction_of_its_language(bot: Bot, maya: Contact) -> None:
    await bot.ledger.record(change(maya.id, "yes", Action.OPT_OUT))
    pieces = [piece async for piece in bot.data_access.archive(maya.id, translator("ar"))]
    page = zipfile.ZipFile(io.BytesIO(b"".join(pieces))).read("index.html").decode()
    deals = await bot.store.subscriptions.get(DEALS)
    assert deals
    assert f"<bdi>{deals.name} ({DEALS})</bdi>" in page
    assert 'lang="ar" dir="rtl"' in page


def test_the_docs_name_every_section() -> None:
    docs = " ".join(DOCS.read_text().split())
    assert [name for name in TITLES if f"`{name}`" not in docs] == []
