"""The import pages: upload, columns, check, import, rows to fix, undo."""

from __future__ import annotations

import re

import aiohttp
import pytest

from bot.contacts.imports.files import MOST_BYTES
from bot.demo import DEALS
from bot.jobs.kinds.undo_import import undo_id
from bot.jobs.rules import ENDED
from bot.model.base import new_id
from bot.model.contact import ConsentState, Contact
from bot.model.job import JobState
from tests.conftest import eventually
from tests.people import PIXEL
from tests.widget.desk import HTML, Desk
from tests.widget.help import Running, read

PATH = "/contacts/imports"


async def upload(desk: Desk, data: bytes, name: str = "list.csv") -> tuple[int, str, str]:
    """The status, where it leads, and the page."""
    desk.token = desk.token or await desk.csrf()
    form = aiohttp.FormData()
    form.add_field("csrf", desk.token)
    form.add_field("encoding", "")
    form.add_field("file", data, filename=name, content_type="text/csv")
    url = f"{desk.base}{PATH}/upload"
    async with desk.session.post(url, data=form, headers=HTML, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), read(await answer.text()).text


async def mapped(desk: Desk, path: str, **changed: str) -> dict[str, str]:
    """The form of the columns as it is drawn, with these changes."""
    page = await desk.look(path)
    found = {}
    for choice in page.all("select"):
        chosen = [option for option in choice.all("option") if "selected" in option.attrs]
        found[choice.attrs["name"]] = chosen[0].attrs["value"] if chosen else ""
    return {**found, "creates": "1", "how": "written", "given_at": "2025-03-31T09:41", "note": "", **changed}


async def ended(running: Running, path: str) -> None:
    """The newest job of the file."""

    async def there() -> bool:
        file = await running.bot.imports.files.get(path.rpartition("/")[2].partition("#")[0])
        job = await running.bot.jobs.get(file.undo or file.job or file.check or "")
        return job.state in ENDED

    await eventually(there)


def person(number: int) -> tuple[str, bytes]:
    """A name that no other test has, and the row of this person in a file with a bad row."""
    name = f"Ada {new_id()}"
    rows = f"Name,Phone,Nonsense\n{name},(201) 555-0{number},1\nBen,12,2\n"
    return name, rows.encode()


async def status_of(desk: Desk, path: str) -> str:
    """In the list of imports."""
    row = next(row for row in (await desk.look(PATH)).all("tr") if any(a.attrs["href"] == path for a in row.all("a")))
    return row.one("span", class_="badge").text


async def named(running: Running, name: str) -> Contact | None:
    found = await running.store.contacts.known_as([name.split()[1]], limit=2)
    return found[0] if found else None


async def test_a_file_is_uploaded_mapped_checked_imported_and_undone(running: Running, ada: Desk) -> None:
    name, data = person(161)
    status, path, _ = await upload(ada, data)
    assert (status, path.startswith(PATH)) == (303, True)
    form = await mapped(ada, path, everyone_in=DEALS)
    assert (form["column-0"], form["column-1"], form["column-2"]) == ("name", "phone", "")
    status, _ = await ada.post(f"{path}/check", form)
    assert status == 303
    await ended(running, path)
    page = (await ada.look(path)).text
    assert ("New contacts: 1" in page, "Rows not imported: 1" in page, "Too short" in page) == (True, True, True)
    assert await named(running, name) is None, "a check changes nothing"

    assert (await ada.post(f"{path}/start", {}))[0] == 303
    await ended(running, path)
    contact = await named(running, name)
    assert contact
    assert [(c.subscription, c.state) for c in contact.consents] == [(DEALS, ConsentState.OPTED_IN)]
    async with ada.session.get(f"{ada.base}{path}/failed.csv") as answer:
        lines = (await answer.text()).splitlines()
    assert lines[0] == "Name,Phone,Nonsense,Line,Problem"
    assert lines[1].startswith("Ben,12,2,3,")

    assert (await ada.post(f"{path}/undo", {}))[0] == 303
    await ended(running, path)
    assert "Rows undone: 1" in (await ada.look(path)).text
    emptied = await running.store.contacts.get(contact.id)
    assert emptied
    assert (emptied.name, emptied.phone, emptied.consents) == (None, None, ())
    assert await status_of(ada, path) == "Undone"
    for state, said in (JobState.PAUSED, "Paused"), (JobState.CANCELED, "Canceled"):
        await running.store.jobs.update({"_id": undo_id(path.rpartition("/")[2])}, {"$set": {"state": state}})
        assert await status_of(ada, path) == said


async def test_messages_are_sent_only_as_ticked(running: Running, ada: Desk) -> None:
    _, path, _ = await upload(ada, person(164)[1])
    page = await ada.look(path)
    assert [
        b.attrs["name"] for b in page.all("input") if b.attrs.get("type") == "checkbox" and "checked" in b.attrs
    ] == ["creates"]
    for ticked, said in ({}, "No messages are sent."), ({"confirmation": "1"}, "Messages are sent as selected below."):
        status, answer = await ada.post(f"{path}/check", await mapped(ada, path, everyone_in=DEALS, **ticked))
        assert status == 303, answer.text
        await ended(running, path)
        assert said in (await ada.look(path)).text
    file = await running.bot.imports.files.get(path.rpartition("/")[2])
    assert file.plan
    assert (file.plan.asks, file.plan.confirmation, file.plan.flows) == (False, True, False)


async def test_the_rows_to_fix_can_be_imported_again(running: Running, ada: Desk) -> None:
    _, path, _ = await upload(ada, person(162)[1])
    await ada.post(f"{path}/check", await mapped(ada, path))
    await ended(running, path)
    async with ada.session.get(f"{ada.base}{path}/failed.csv") as answer:
        fixed = (await answer.text()).replace("12", "2015550163")
    _, path, _ = await upload(ada, fixed.encode())
    form = await mapped(ada, path)
    assert [form[f"column-{i}"] for i in range(5)] == ["name", "phone", "", "", ""]
    assert (await ada.post(f"{path}/check", form))[0] == 303
    await ended(running, path)


async def test_wrong_columns_are_marked(ada: Desk) -> None:
    _, path, _ = await upload(ada, person(164)[1])
    status, page = await ada.post(f"{path}/check", await mapped(ada, path, **{"column-1": "name"}))
    assert (status, "Another column is already mapped to this." in page.text) == (422, True)
    status, page = await ada.post(f"{path}/check", await mapped(ada, path, everyone_in=DEALS, how=""))
    assert (status, "Choose how they consented." in page.text) == (422, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty."),
        (PIXEL, "This is a picture."),
        (b"Name,Phone\n", "no data"),
        (b'a,b\n"' + b"x" * 200_000, "Line 2"),
    ],
)
async def test_a_file_that_is_no_table_gets_a_reason(ada: Desk, data: bytes, reason: str) -> None:
    status, _, page = await upload(ada, data)
    assert (status, reason in page) == (422, True)


async def test_a_form_without_a_file_says_so(ada: Desk) -> None:
    status, page = await ada.post(f"{PATH}/upload", {"encoding": ""})
    assert (status, "Choose a file." in page.text) == (422, True)


async def test_a_declared_length_beyond_the_limit_is_refused_before_it_is_read(ada: Desk) -> None:
    token = await ada.csrf()
    begin = f'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{token}\r\n'.encode()
    headers = {**HTML, "Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(3 * 1024**3)}
    assert MOST_BYTES < 3 * 1024**3
    url = f"{ada.base}{PATH}/upload"
    async with ada.session.post(url, data=_slowly(begin), headers=headers, allow_redirects=False) as answer:
        assert answer.status == 413
    assert (await ada.get(PATH))[0] == 200


async def _slowly(begin: bytes):  # type: ignore[no-untyped-def]
    yield begin


async def test_agents_and_strangers_import_nothing(running: Running, ada: Desk, ben: Desk) -> None:
    status, _, _ = await upload(ben, person(165)[1])
    assert status == 403
    _, path, _ = await upload(ada, person(166)[1])
    for place in (PATH, path, f"{path}/failed.csv", f"{path}/wait"):
        assert (await ben.get(place))[0] == 403
    for act in ("check", "start", "undo"):
        assert (await ben.post(f"{path}/{act}", {}))[0] == 403
    async with aiohttp.ClientSession() as stranger, stranger.get(running.base + path, allow_redirects=False) as answer:
        assert answer.status in {303, 401}


async def test_uploads_imports_and_undos_are_in_the_audit_log(running: Running, ada: Desk) -> None:
    _, path, _ = await upload(ada, person(167)[1], f"{new_id()}.csv")
    await ada.post(f"{path}/check", await mapped(ada, path))
    await ended(running, path)
    await ada.post(f"{path}/start", {})
    await ended(running, path)
    await ada.post(f"{path}/undo", {})
    await ended(running, path)
    page = (await ada.look("/settings/audit")).text
    for words in ("Uploaded a file of contacts", "Imported contacts", "Undid an import"):
        assert re.search(words, page)
