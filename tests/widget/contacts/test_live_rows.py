"""Live rows: a page is told which of its rows changed, and of no others."""

from __future__ import annotations

from typing import Any

import aiohttp

from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import Action
from tests.conftest import eventually
from tests.people import NUMBER, change, person
from tests.widget.contacts.people import circle, ids, row
from tests.widget.desk import Desk
from tests.widget.help import Running, closed, read
from tests.widget.test_live import heard, is_ready
from widget.contacts.columns import version_of

Socket = aiohttp.ClientWebSocketResponse


async def dial(running: Running, desk: Desk, *rows: str, view: str | None = None, texts: bool = False) -> Socket:
    """Tells of later changes alone."""
    await running.caught_up()
    socket = await desk.session.ws_connect(f"{desk.base}/contacts/live", origin=desk.base)
    await socket.send_json({"type": "follow", "rows": rows, "texts": texts, **({} if view is None else {"view": view})})
    return socket


async def drawn(running: Running, *people: Contact) -> list[str]:
    """As the page tells its rows."""
    found = await running.bot.ledger.contacts([contact.id for contact in people])
    return [f"{contact.id}:{version_of(found[contact.id])}" for contact in people]


def names(*ids: str) -> Any:
    return lambda message: message["type"] == "rows" and set(ids) <= set(message["ids"])


async def test_a_row_changes_when_the_person_opts_out(ben: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Ada"}, {"name": "Cy"}, {"name": "Ben"})
    shown, other, stranger = people.contacts
    await running.bot.ledger.record(change(shown.id, new_id(), number=NUMBER))
    async with await dial(running, ben, *await drawn(running, shown, other)) as socket:
        await heard(socket, is_ready)
        await running.bot.ledger.record(change(stranger.id, new_id(), number=NUMBER))
        await running.bot.ledger.record(change(shown.id, new_id(), Action.OPT_OUT, number=NUMBER))
        told = await heard(socket, names(shown.id))
        assert {id for message in told if message["type"] == "rows" for id in message["ids"]} == {shown.id}
    path = f"{ben.base}/contacts/rows?ids={shown.id},{other.id}&columns=subscription:{DEALS}"
    async with ben.session.get(path, headers={"HX-Request": "true"}) as answer:
        rows = read(await answer.text())
    assert set(ids(rows)) == {shown.id, other.id}
    assert "Opted out" in row(rows, shown).text


async def test_what_changed_since_the_page_was_drawn_is_told_at_once(ben: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Ada"}, {"name": "Cy"})
    changed, same = people.contacts
    await running.bot.ledger.record(change(changed.id, new_id(), number=NUMBER))
    async with await dial(running, ben, f"{changed.id}:0:0", *await drawn(running, same)) as socket:
        told = await heard(socket, is_ready)
        assert [message["ids"] for message in told if message["type"] == "rows"] == [[changed.id]]


async def test_a_stop_of_its_number_and_further_rows_are_told(ben: Desk, running: Running) -> None:
    number = "+12015550157"
    people = await circle(running, {"name": "Ada"}, {"name": "Cy"})
    first, further = people.contacts
    await running.bot.ledger.record(change(further.id, new_id(), number=number))
    async with await dial(running, ben, *await drawn(running, first)) as socket:
        await heard(socket, is_ready)
        await socket.send_json({"type": "follow", "rows": [f"{further.id}:0:0"]})
        await heard(socket, names(further.id))  # it is followed
        await running.bot.receive(number, "STOP", new_id())
        await heard(socket, names(further.id))
    await running.bot.receive(number, "START", new_id())


async def test_a_row_changes_with_its_name_and_tags(ben: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Ada"}, {"name": "Cy"})
    named, tagged = people.contacts
    async with await dial(running, ben, *await drawn(running, named, tagged)) as socket:
        await heard(socket, is_ready)
        await running.bot.contacts.set_values(named, {"name": "Ada L."})
        await heard(socket, names(named.id))
        await running.bot.contacts.remove_tags([tagged.id], [people.tag.id])
        await heard(socket, names(tagged.id))


async def test_new_contacts_are_counted_if_they_match(ben: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Ada"})
    view = people.path().partition("/contacts")[2]
    async with await dial(running, ben, *await drawn(running, *people.contacts), view=view) as socket:
        await heard(socket, is_ready)
        strangers, matching = [person(new_id()) for _ in range(2)], [person(new_id()) for _ in range(2)]
        await running.store.contacts.insert_many([*strangers, *matching])
        await running.bot.contacts.add_tags([contact.id for contact in matching], [people.tag.id])
        third = person(new_id(), tags=(people.tag.id,))
        await running.store.contacts.insert(third)
        told = await heard(socket, lambda message: message.get("count") == 3)
        assert told[-1] == {"type": "new", "count": 3, "text": "3 new contacts"}
    async with await dial(running, ben, view="?filter=nonsense") as socket:
        await heard(socket, is_ready)


async def test_a_profile_is_told_what_became_of_a_text(ben: Desk, running: Running) -> None:
    shown = (await circle(running, {"name": "Ada"})).contacts[0]
    async with await dial(running, ben, *await drawn(running, shown), texts=True) as socket:
        await heard(socket, is_ready)
        values = {"event": "e", "number": "+12015559876", "locale": "en", "body": "Hi"}
        times = dict.fromkeys(("due_at", "created_at", "updated_at"), now())
        text = Delivery(id=f"test:{new_id()}", contact=shown.id, kind=DeliveryKind.TEST, **values, **times)
        await running.bot.deliveries.add(text)
        await heard(socket, lambda message: message["type"] == "texts")

    async def is_sent() -> bool:
        page = await ben.look(f"/contacts/{shown.id}?show=texts")
        return "Sent" in page.one("ol", id="timeline").text

    await eventually(is_sent)


async def test_a_forged_message_ends_the_line(ben: Desk) -> None:
    id = new_id()
    for rows in (["x"], [id], [f"{id}:1"], [f"{id}:-1:0"], [f"{id}:1:0"] * 101, "x"):
        socket = await ben.session.ws_connect(f"{ben.base}/contacts/live", origin=ben.base)
        await socket.send_json({"type": "follow", "rows": rows})
        assert await closed(socket) == aiohttp.WSCloseCode.POLICY_VIOLATION
