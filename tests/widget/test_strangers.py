"""Law 11: no stranger reads a person's data, whatever token, id or address they come with."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
from itsdangerous import TimestampSigner

from bot.chat.visitors import Visitors
from bot.model.base import new_id, now
from bot.model.contact import Role
from tests.conftest import Visitor, eventually
from tests.widget.help import Card, Running, faults, raw_request, read, user_hash

SAVED = "555-0147"


def signed(running: Running, contact: str, *, secret: str = "", age: timedelta = timedelta(0)) -> str:
    """A token as Sayso makes it, or would make it with another key, some time ago."""
    bot, then = running.bot, int(time.time() - age.total_seconds())
    maker = (
        Visitors(bot.store, bot.ledger, bot.contacts, bot.merge, secret=secret, days=180) if secret else bot.visitors
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda self: then)
        return maker.token(contact)


async def get(person: Visitor, path: str, token: str | None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    async with person.session.get(person.base + path, headers=headers) as answer:
        return answer.status, await (answer.json() if answer.content_type == "application/json" else answer.text())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token, contact, running: "", id="empty"),
        pytest.param(lambda token, contact, running: token[:-1], id="truncated"),
        pytest.param(lambda token, contact, running: token[: len(token) // 2], id="half"),
        pytest.param(lambda token, contact, running: token.split(".")[0], id="unsigned"),
        pytest.param(lambda token, contact, running: token + "A", id="lengthened"),
        pytest.param(lambda token, contact, running: contact, id="the bare id"),
        pytest.param(lambda token, contact, running: signed(running, contact, secret="x" * 40), id="of another key"),
        pytest.param(lambda token, contact, running: signed(running, contact, age=timedelta(days=181)), id="expired"),
        pytest.param(
            lambda token, contact, running: signed(running, contact, age=timedelta(days=-2)), id="of tomorrow"
        ),
        pytest.param(lambda token, contact, running: signed(running, new_id()), id="of a contact that is not there"),
        pytest.param(lambda token, contact, running: "a" * 7000, id="without end"),
    ],
)
async def test_a_token_that_is_not_good_opens_nothing(
    known_user: Visitor, running: Running, spoil: Callable[[str, str, Running], str]
) -> None:
    token = spoil(known_user.token or "", (await running.contact(known_user)).id, running)
    room = f"/messenger/conversations/{known_user.conversation}"
    for path in ("/messenger/conversations", f"{room}/parts?before=9"):
        status, body = await get(known_user, path, token)
        assert (status, faults(body)) == (401, [("unauthorized", "Reopen the chat to continue.")])
    thief = Visitor(known_user.session, known_user.base, token, known_user.conversation, known_user.opened)
    opened = await thief.open()
    assert SAVED not in opened["html"]
    assert opened["conversation"] != known_user.conversation


async def test_a_token_is_good_as_long_as_the_setting_says(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    contact = (await running.contact(visitor)).id
    fresh = signed(running, contact, age=timedelta(days=179))
    assert (await get(visitor, "/messenger/conversations", fresh))[0] == 200


async def test_a_token_of_bytes_that_are_no_text_is_refused(running: Running) -> None:
    answer = await raw_request(
        running.base, "GET /messenger/conversations HTTP/1.1\r\nAuthorization: Bearer \xff\xfe.\xff"
    )
    assert answer.startswith(b"HTTP/1.1 401"), answer


async def test_the_token_of_a_person_who_was_deleted_is_refused(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    contact = await running.contact(visitor)
    await running.store.contacts.collection.delete_one({"_id": contact.id})
    room = f"/messenger/conversations/{visitor.conversation}/parts?before=9"
    status, body = await get(visitor, room, visitor.token)
    assert (status, faults(body)[0][0]) == (401, "unauthorized")
    assert (await visitor.submit())[0] == 401


async def test_who_only_claims_a_user_id_is_a_stranger(
    known_user: Visitor, newcomer: Callable[[], Visitor], running: Running
) -> None:
    id = (await running.contact(known_user)).external_id
    claimant = newcomer()
    opened = await claimant.open(user_id=id, name="Ada", email="ada@shop.example")
    assert Card(opened["html"]).state == "open"
    assert SAVED not in opened["html"]
    contact = await running.contact(claimant)
    assert (contact.role, contact.external_id, contact.name, contact.email) == (Role.LEAD, None, None, None)


@pytest.mark.parametrize("hash", ["", "0" * 64, "é" * 64, "wrong", "f" * 300])
async def test_a_wrong_signature_opens_nothing(
    known_user: Visitor, newcomer: Callable[[], Visitor], running: Running, hash: str
) -> None:
    id = (await running.contact(known_user)).external_id
    contacts = await running.store.contacts.count_about()
    claimant = newcomer()
    body = {"conversation": None, "settings": {"user_id": id, "user_hash": hash}}
    async with claimant.session.post(f"{claimant.base}/messenger/open", json=body) as answer:
        text = await answer.text()
        assert SAVED not in text
        if hash:
            assert (answer.status, faults(await answer.json())) == (
                422,
                [("parameter_invalid", "Invalid user signature (user_hash).")],
            )
            assert await running.store.contacts.count_about() == contacts


async def test_a_signature_is_good_for_its_own_user_only(known_user: Visitor, running: Running) -> None:
    id = (await running.contact(known_user)).external_id or ""
    other = user_hash(await running.secret(), id + "x")
    body = {"conversation": None, "settings": {"user_id": id, "user_hash": other}}
    async with known_user.session.post(f"{known_user.base}/messenger/open", json=body) as answer:
        assert answer.status == 422


async def test_with_the_right_signature_a_user_sees_their_own_on_any_device(
    known_user: Visitor, newcomer: Callable[[], Visitor], running: Running
) -> None:
    id = (await running.contact(known_user)).external_id or ""
    phone = newcomer()
    opened = await phone.open(user_id=id, user_hash=user_hash(await running.secret(), id).upper())
    assert opened["conversation"] == known_user.conversation
    assert SAVED in opened["html"]


async def test_a_lead_who_signs_in_keeps_their_conversation(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    before, id = visitor.conversation, running.new_user_id()
    lead = await running.contact(visitor)
    opened = await visitor.open(
        user_id=id, user_hash=user_hash(await running.secret(), id), name="Ada", email="ada@shop.example"
    )
    assert opened["conversation"] == before
    user = await running.contact(visitor)
    assert (user.id, user.role, user.external_id, user.name) == (lead.id, Role.USER, id, "Ada")


async def test_two_tabs_of_the_same_new_user_become_one_person(
    newcomer: Callable[[], Visitor], running: Running
) -> None:
    id = running.new_user_id()
    settings = {"user_id": id, "user_hash": user_hash(await running.secret(), id)}
    body = {"conversation": None, "settings": settings}

    async def open_tab() -> int:
        async with running.session.post(f"{running.base}/messenger/open", json=body) as answer:
            return answer.status

    import asyncio

    assert set(await asyncio.gather(*(open_tab() for _ in range(4)))) <= {200, 503}
    tabs = [newcomer(), newcomer()]
    for tab in tabs:
        await tab.open(**settings)
    await asyncio.gather(*(running.act(tab) for tab in tabs))
    assert (await running.contact(tabs[0])).id == (await running.contact(tabs[1])).id
    assert len(await running.store.contacts.find({"external_id": id}, limit=5)) == 1
    for tab in tabs:
        await tab.open(**settings)
    assert tabs[0].conversation == tabs[1].conversation


async def test_another_user_who_signs_in_on_the_same_browser_sees_nothing_of_the_first(
    known_user: Visitor, running: Running
) -> None:
    first, id = known_user.conversation, running.new_user_id()
    opened = await known_user.open(user_id=id, user_hash=user_hash(await running.secret(), id))
    assert opened["conversation"] != first
    assert SAVED not in opened["html"]
    status, _ = await get(known_user, f"/messenger/conversations/{first}/parts?before=9", known_user.token)
    assert status == 404


async def test_somebody_elses_conversation_is_not_found_at_any_address(
    known_user: Visitor, stranger: Visitor, running: Running
) -> None:
    room, headers = f"{stranger.base}/messenger/conversations/{known_user.conversation}", stranger.headers
    nowhere = f"{stranger.base}/messenger/conversations/{new_id()}"
    answers = []
    for place in (room, nowhere):
        session = stranger.session
        async with session.get(f"{place}/parts?before=9", headers=headers) as answer:
            answers.append((answer.status, faults(await answer.json())))
        message = {"key": "k" * 12, "text": "Let me in"}
        async with session.post(f"{place}/messages", json=message, headers=headers) as answer:
            answers.append((answer.status, faults(await answer.json())))
        async with session.post(f"{place}/cards/2", data=stranger.card(), headers=headers) as answer:
            answers.append((answer.status, faults(await answer.json())))
        opening = {"conversation": place.rpartition("/")[2], "settings": {}}
        async with session.post(f"{stranger.base}/messenger/open", json=opening, headers=headers) as answer:
            answers.append((answer.status, faults(await answer.json())))
    assert {status for status, _ in answers} == {404}
    assert answers[:4] == answers[4:]
    _, listed = await get(stranger, f"/messenger/conversations?current={known_user.conversation}", stranger.token)
    assert known_user.conversation not in listed
    assert [c.attrs["data-conversation"] for c in read(listed).all("button")] == [stranger.conversation]
    assert all("Let me in" not in str(part.content) for part in await running.parts(known_user))


async def test_a_link_that_is_unknown_revoked_or_expired_says_the_same(known_user: Visitor, running: Running) -> None:
    contact = (await running.contact(known_user)).id
    revoked, expired, orphan = [await running.preference_token(known_user) for _ in range(3)]
    id = {token: sha256(token.encode()).hexdigest() for token in (revoked, expired, orphan)}
    links = running.store.preference_links
    await links.update({"_id": id[revoked]}, {"$set": {"revoked_at": now()}})
    await links.update({"_id": id[expired]}, {"$set": {"expires_at": now() - timedelta(seconds=1)}})
    await links.update({"_id": id[orphan]}, {"$set": {"contact": new_id()}})
    pages = {}
    tokens = (revoked, expired, orphan, "unknown", contact, "a" * 5000, "%FF", "%00", "<script>")
    for token in tokens:
        url = f"{known_user.base}/p/{token}"
        async with known_user.session.get(url) as answer:
            pages[answer.status, (await answer.text()).replace(token, "")] = answer.headers["Cache-Control"]
        async with known_user.session.post(url, data={"change": "stop_all"}) as answer:
            pages[answer.status, (await answer.text()).replace(token, "")] = answer.headers["Cache-Control"]
    ((status, page),) = [p for p in pages if "expired" in p[1]]
    assert status == 404
    assert "Reply STOP to any of our texts." in page
    assert SAVED not in "".join(text for _, text in pages)
    assert len(await running.events(known_user)) == 1


async def test_the_count_of_unread_tells_a_stranger_nothing(known_user: Visitor, running: Running) -> None:
    await running.quiet(known_user)

    async def unread(token: bytes, **headers: str) -> Any:
        url = f"{known_user.base}/messenger/unread"
        async with known_user.session.post(url, data=token, headers=headers) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
            assert "Access-Control-Allow-Credentials" not in answer.headers
            return await answer.json()

    async def one() -> bool:
        return bool((await unread((known_user.token or "").encode()))["unread"] == 1)

    await eventually(one)
    for forged in (b"", b"x", (known_user.token or "").encode()[:-1], b"\xff\xfe", b"a" * 5000):
        assert await unread(forged) == {"unread": 0}
    assert await unread(b"x", **{"Content-Type": "text/plain; charset=klingon"}) == {"unread": 0}


async def test_before_is_a_number(visitor: Visitor) -> None:
    room = f"/messenger/conversations/{visitor.conversation}/parts"
    for before in ("?before=-1", "?before=x", "?before=1e9", f"?before={'9' * 18}", "?before=²", "?before=1,2"):
        status, body = await get(visitor, room + before, visitor.token)
        assert (status, faults(body)[0][0]) == (422, "parameter_invalid"), before
    status, body = await get(visitor, room + "?before=2", visitor.token)
    assert (status, [n.attrs["data-seq"] for n in read(body).all("li")]) == (200, ["1"])


async def test_the_page_in_the_frame_holds_nobodys_data(known_user: Visitor) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{known_user.base}/messenger") as answer:
            anonymous = await answer.text()
        async with session.get(f"{known_user.base}/messenger", headers=known_user.headers) as answer:
            assert await answer.text() == anonymous


PLAIN_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
"""What browsers send to another site without asking it first."""


@pytest.mark.parametrize("type", PLAIN_TYPES)
async def test_a_page_of_another_site_opens_no_chat(running: Running, type: str) -> None:
    body, headers = b'{"conversation": null, "settings": {}}', {"Content-Type": type, "Origin": "https://evil.example"}
    async with running.session.post(f"{running.base}/messenger/open", data=body, headers=headers) as answer:
        assert answer.status == 422
        assert "token" not in await answer.json()
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with running.session.options(f"{running.base}/messenger/open", headers=asked) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_collection_holds_the_token_of_a_preference_link(known_user: Visitor, running: Running) -> None:
    """Of links in texts and of those made apart, after they were used."""
    contact = await running.contact(known_user)
    token = await running.preference_token(known_user)

    async def links() -> list[str]:
        texts = await running.bot.phone.texts(contact.phone or "")
        return [link for text in texts for link in re.findall(r"/p/([A-Za-z0-9_-]{16,})", text.body)]

    async def is_texted() -> bool:
        return bool(await links())

    await eventually(is_texted)
    tokens = {token, *await links()}
    for one in tokens:
        page = f"{running.base}/p/{one}"
        async with running.session.get(page, headers={"Accept": "text/html", "Referer": page}) as answer:
            assert answer.status == 200
    await known_user.open(page_url=f"{running.base}/p/{token}")

    async def is_seen() -> bool:
        return (await running.contact(known_user)).page == f"{running.base}/p/…"

    await eventually(is_seen)
    for name in await running.store.database.list_collection_names():
        async for document in running.store.database[name].find({}):
            assert not [one for one in tokens if one in str(document)], name
