"""Saving, sharing and archiving segments."""

from __future__ import annotations

import asyncio
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.contacts.segments import Segments
from bot.errors import NotFound
from bot.model.filter import Filter
from bot.model.segment import Segment
from widget.contacts.definitions import Definitions
from widget.contacts.filter_view import sentence_of
from widget.contacts.fragments import fragment
from widget.contacts.query import ContactsQuery
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)

PATH = "/contacts/segments"
ONE = f"{PATH}/{{id:[0-9a-f]{{24}}}}"


class SegmentName(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=80)]


class NewSegment(SegmentName):
    filter: Annotated[str, Field(max_length=8000)] = ""


class SegmentFilter(FormInput):
    filter: Annotated[str, Field(max_length=8000)] = ""


async def index(request: web.Request) -> web.StreamResponse:
    segments, d = _segments(request), await Definitions.load(request)
    used, archived = await asyncio.gather(segments.all(), segments.archived())
    conditions = {segment.id: sentence_of(segment.filter, d) for segment in (*used, *archived)}
    return await teammate_page(
        request,
        "contacts/segments.html",
        section="contacts",
        title=d.say("Segments"),
        segments=used,
        archived=archived,
        conditions=conditions,
    )


async def new(request: web.Request) -> web.StreamResponse:
    """The name of a new segment. `?filter=` is who belongs to it."""
    say = translator_for(request)
    filter = request.get(FORM, Form()).value("filter", request.query.get("filter", ""))
    return await fragment(request, "contacts/_segment.html", say("Save as segment"), filter=filter)


@redrawn_by(new)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, NewSegment)
    saved = await _segments(request).save(wanted.name, Filter.from_text(wanted.filter), by(request))
    raise done(address_of(saved), translated(request, "Segment saved."))


async def show(request: web.Request) -> web.StreamResponse:
    """Its name, its link, where it is used."""
    segments, segment = _segments(request), await _segment(request)
    d, uses = await asyncio.gather(Definitions.load(request), segments.used_by(segment.id))
    return await teammate_page(
        request,
        "contacts/segment.html",
        section="contacts",
        title=segment.name,
        segment=segment,
        conditions=sentence_of(segment.filter, d),
        uses=uses,
        link=f"{request.app[BOT].public_url}{address_of(segment)}",
        path=f"{PATH}/{segment.id}",
        list_path=address_of(segment),
    )


@redrawn_by(show)
async def rename(request: web.Request) -> web.StreamResponse:
    wanted, segment = await read_input(request, SegmentName), await _segment(request)
    await _segments(request).rename(segment.id, wanted.name, by(request))
    raise done(f"{PATH}/{segment.id}", translated(request, "Segment renamed."))


@redrawn_by(show)
async def set_filter(request: web.Request) -> web.StreamResponse:
    wanted, segment = await read_input(request, SegmentFilter), await _segment(request)
    await _segments(request).set_filter(segment.id, Filter.from_text(wanted.filter), by(request))
    raise done(address_of(segment), translated(request, "Segment saved."))


@redrawn_by(show)
async def duplicate(request: web.Request) -> web.StreamResponse:
    copy = await _segments(request).duplicate((await _segment(request)).id, by(request))
    raise done(f"{PATH}/{copy.id}", translated(request, "Segment duplicated."))


async def archive(request: web.Request) -> web.StreamResponse:
    archived = await _segments(request).archive((await _segment(request)).id, by(request))
    raise done(PATH, translated(request, "“%(name)s” is archived.", name=archived.name))


@redrawn_by(index)
async def restore(request: web.Request) -> web.StreamResponse:
    restored = await _segments(request).restore(request.match_info["id"], by(request))
    raise done(address_of(restored), translated(request, "“%(name)s” is restored.", name=restored.name))


def address_of(segment: Segment) -> str:
    return ContactsQuery(segment.filter, segment).address()


def _segments(request: web.Request) -> Segments:
    return request.app[BOT].segments


async def _segment(request: web.Request) -> Segment:
    """Raises NotFound, also for an archived one."""
    segment = await _segments(request).get(request.match_info["id"])
    if segment.archived_at:
        raise NotFound
    return segment


def add_routes(app: web.Application) -> None:
    reads, writes = requires(Scope.READ_CONTACTS), requires(Scope.WRITE_CONTACTS)
    app.router.add_get(PATH, reads(index))
    app.router.add_post(PATH, writes(create))
    app.router.add_get(f"{PATH}/new", writes(new))
    app.router.add_get(ONE, reads(show))
    for name, handler in (
        ("rename", rename),
        ("filter", set_filter),
        ("duplicate", duplicate),
        ("archive", archive),
        ("restore", restore),
    ):
        app.router.add_post(f"{ONE}/{name}", writes(handler))
