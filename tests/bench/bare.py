"""The peer: the least that an aiohttp bot can do in the same two calls and still keep the answer.

It parses, makes one insert with motor as durable as ours, and answers. No visitor's token, no ledger, no hash, no
number check, no conversation, no text message, no template. Where the visitor holds a live line, it pushes one frame
to it after the insert. It runs in a process of its own, with a minimal preference center, a minimal API and a WebSocket
echo beside.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
import time
from typing import Any

import uvloop
from aiohttp import web
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import WriteConcern

CARD = (
    '<p>Hi, welcome to Harbor Coffee!</p><form action="/messenger/conversations/{id}/cards/2">'
    '<input name="version" value="1"><input name="key" value="{key}"></form>'
)
ENTRY = '<p class="card--completed">You\'re signed up. Thanks!</p>'
DURABLE = WriteConcern("majority", j=True)
CHOICES = web.AppKey("choices", AsyncIOMotorCollection[dict[str, Any]])
ANSWERS = web.AppKey("answers", AsyncIOMotorCollection[dict[str, Any]])
CONTACTS = web.AppKey("contacts", AsyncIOMotorCollection[dict[str, Any]])
LIVE = web.AppKey("live", dict[str, web.WebSocketResponse])


async def open_chat(request: web.Request) -> web.Response:
    asked = await request.json()
    id, key = secrets.token_hex(12), secrets.token_hex(12)
    conversation = asked["conversation"] or id
    html = CARD.format(id=conversation, key=key)
    return web.json_response({"token": id, "conversation": conversation, "last": 2, "html": html})


async def submit(request: web.Request) -> web.Response:
    form, conversation = dict(await request.post()), request.match_info["conversation"]
    await request.app[ANSWERS].insert_one({"conversation": conversation, **form})
    if line := request.app[LIVE].get(conversation):
        await line.send_json({"type": "part", "seq": 4, "html": ENTRY})
    return web.Response(text='<p class="card--completed">You\'re signed up</p>', content_type="text/html")


async def read_choice(request: web.Request) -> web.Response:
    """The least that a preference center could be: whose it is, and whether it is on."""
    found = await request.app[CHOICES].find_one({"_id": request.match_info["id"]})
    on = found["on"] if found else "true"
    return web.Response(text=f"<p>You get deals: <b>{on}</b></p>", content_type="text/html")


async def write_choice(request: web.Request) -> web.Response:
    on = str((await request.post())["on"])
    await request.app[CHOICES].update_one({"_id": request.match_info["id"]}, {"$set": {"on": on}}, upsert=True)
    return web.Response(text=f"<p>You get deals: <b>{on}</b></p>", content_type="text/html")


async def list_subscriptions(request: web.Request) -> web.Response:
    """The least that an API could be: a contact's own document, in the shape of the answer. No token, no limit."""
    found = await request.app[CONTACTS].find_one({"_id": request.match_info["id"]})
    if found is None:
        raise web.HTTPNotFound
    return web.json_response({"type": "list", "data": found["consents"]})


async def opt_in(request: web.Request) -> web.Response:
    """An event alone, as durable as ours."""
    event = _event(request.match_info["id"], await request.json())
    await request.app[ANSWERS].insert_one(event)
    return web.json_response(event["consent"])


async def opt_in_by_transaction(request: web.Request) -> web.Response:
    """An event and its contact: what it takes to read one's state again."""
    event, answers = _event(request.match_info["id"], await request.json()), request.app[ANSWERS]
    update = {"$push": {"consents": event["consent"]}}
    session = await answers.database.client.start_session()
    async with session, session.start_transaction(write_concern=DURABLE):
        await answers.insert_one(event, session=session)
        await request.app[CONTACTS].update_one({"_id": event["contact"]}, update, session=session)
    return web.json_response(event["consent"])


def _event(contact: str, asked: dict[str, Any]) -> dict[str, Any]:
    consent = {"subscription": asked["id"], "state": "opted_in", "at": time.time()}
    return {"_id": secrets.token_hex(12), "contact": contact, "consent": consent}


async def echo(request: web.Request) -> web.WebSocketResponse:
    """The least that a live line could be."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


async def live(request: web.Request) -> web.WebSocketResponse:
    """The least that a visitor's live line could be: it knows which conversation it belongs to."""
    line = web.WebSocketResponse()
    await line.prepare(request)
    conversation = (await line.receive_json())["conversation"]
    request.app[LIVE][conversation] = line
    await line.send_json({"type": "ready"})
    async for _seen in line:
        pass
    del request.app[LIVE][conversation]
    return line


async def serve(url: str) -> None:
    app = web.Application()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(url)
    for key, name in ((ANSWERS, "answers"), (CHOICES, "choices"), (CONTACTS, "contacts")):
        app[key] = client.get_database("bare").get_collection(name, write_concern=DURABLE)
    app[LIVE] = {}
    app.router.add_get("/echo", echo)
    app.router.add_get("/messenger/live", live)
    app.router.add_get("/preferences/{id}", read_choice)
    app.router.add_post("/preferences/{id}", write_choice)
    app.router.add_get("/api/contacts/{id}/subscriptions", list_subscriptions)
    app.router.add_post("/api/contacts/{id}/subscriptions", opt_in)
    app.router.add_post("/api/contacts/{id}/transactions", opt_in_by_transaction)
    app.router.add_post("/messenger/open", open_chat)
    app.router.add_post("/messenger/conversations/{conversation}/cards/{seq}", submit)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listening, backlog=1024).start()
    print(f"Bare  http://127.0.0.1:{listening.getsockname()[1]}\nReady.", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
