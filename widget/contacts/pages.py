"""The contacts list that the address selects, with rows loaded page by page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from multidict import MultiDict

from bot.app import Bot
from bot.consent.choices import numbers_of
from bot.contacts.finder import ContactCount, Sort, SortBy
from bot.errors import FilterTooBroad, Invalid, NotFound
from bot.model.contact import Contact
from bot.model.filter import Filter
from bot.model.paging import Page
from widget.contacts.columns import MOST, Column, all_columns, row_of, usual_columns
from widget.contacts.definitions import Definitions
from widget.contacts.filter_view import filter_view
from widget.contacts.query import LIST, ContactsQuery, asked_in, asked_of
from widget.contacts.views import views_of
from widget.web.http import BOT, html_page, read_values, render, sentence, status_of
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import Scope, principal, requires, teammate, teammate_page

ROWS = 50
AT_ONCE = 100
"""Rows that a live page loads again in one request."""
ROWS_PATH, COLUMNS_PATH = f"{LIST}/rows", f"{LIST}/columns"
FIRST_DOWN = {SortBy.CREATED, SortBy.LAST_SEEN}
"""Columns that sort from the newest first."""


@dataclass(frozen=True, slots=True)
class ColumnHead:
    label: str
    path: str = ""
    """The address that sorts by it."""
    direction: str = ""
    """As in `aria-sort`."""


async def show(request: web.Request) -> web.StreamResponse:
    """For an invalid or too broad view, the reason is shown instead of rows."""
    bot, asked, fault = request.app[BOT], ContactsQuery(), None
    d, segments = await asyncio.gather(Definitions.load(request), bot.segments.all())
    values: dict[str, Any] = {"rows": (), "count": None, "count_text": ""}
    try:
        asked = ContactsQuery.of(request.query, {segment.id: segment for segment in segments})
        _lead_to_own_columns(request, asked, d)
        cursor = asked.sort.cursor(request.query.get("before", ""))
        page, count = await asyncio.gather(
            bot.finder.page(asked.filter, asked.sort, cursor, ROWS), _count(bot, asked.filter)
        )
        values = await _rows(bot, page, _shown(request, asked, d), d) | {
            "count": count,
            "count_text": d.say.number(count.number) if count else "",
        }
    except (Invalid, NotFound) as wrong:
        fault = wrong
    shown = _shown(request, asked, d)
    return await teammate_page(
        request,
        "contacts/page.html",
        section="contacts",
        title=d.say("Contacts"),
        status=status_of(fault) if fault else 200,
        asked=asked,
        fault=sentence(fault, d.say) if fault else "",
        filters=filter_view(asked, d),
        views=views_of(asked, segments, d.say),
        is_further="before" in request.query,
        may_write=principal(request).may(Scope.WRITE_CONTACTS),
        heads=_heads(asked, shown, d),
        shown=shown.columns,
        choices=_choices(shown, d),
        **values,
    )


async def rows(request: web.Request) -> web.StreamResponse:
    """Rows alone: the next ones, or those named by `?ids=` as they are now."""
    bot = request.app[BOT]
    d, asked = await asyncio.gather(Definitions.load(request), asked_of(request))
    shown = _shown(request, asked, d)
    if "ids" in request.query:
        ids = request.query["ids"].split(",")[:AT_ONCE]
        page = Page([*(await bot.ledger.contacts(ids)).values()])
    else:
        cursor = asked.sort.cursor(request.query.get("before", ""))
        page = await bot.finder.page(asked.filter, asked.sort, cursor, ROWS)
    html = await render(request, "contacts/_rows.html", d.say.locale, **await _rows(bot, page, shown, d))
    return with_page_headers(html_page(request, html))


async def _count(bot: Bot, filter: Filter) -> ContactCount | None:
    """None: it takes too long."""
    try:
        return await bot.finder.count(filter)
    except FilterTooBroad:
        return None


async def _rows(bot: Bot, page: Page[Contact], shown: ContactsQuery, d: Definitions) -> dict[str, Any]:
    """What the template of the rows needs. Further rows have the same columns."""
    stops = await bot.stops.of({number for contact in page.items for number in numbers_of(contact)})
    columns, more = _columns(shown, d), str(page.next) if page.next else ""
    return {
        "rows": [row_of(contact, columns, stops, d) for contact in page.items],
        "labels": [column.label for column in columns],
        "more": shown.address(before=more) if more else "",
        "more_rows": shown.address(ROWS_PATH, before=more) if more else "",
    }


async def choose_columns(request: web.Request) -> web.StreamResponse:
    """Keeps the columns for the teammate, and shows them: their address can be shared."""
    given = MultiDict(await read_values(request))
    d, asked = await asyncio.gather(Definitions.load(request), asked_in(request.app[BOT], given))
    known = all_columns(d)
    columns = tuple(key for key in asked.columns if key in known)[:MOST]
    await request.app[BOT].teammates.choose_columns(teammate(request).id, columns)
    raise web.HTTPSeeOther(replace(asked, columns=columns).address())


def _lead_to_own_columns(request: web.Request, asked: ContactsQuery, d: Definitions) -> None:
    """A teammate who chose columns gets an address with them, so that others see the same when it is shared."""
    own = _shown(request, asked, d).columns
    if not asked.columns and teammate(request).contact_columns and own:
        before = request.query.get("before", "")
        raise web.HTTPFound(replace(asked, columns=own).address(**({"before": before} if before else {})))


def _shown(request: web.Request, asked: ContactsQuery, d: Definitions) -> ContactsQuery:
    """With its columns: those of the address, of the teammate, or the usual ones. Unknown ones, like that of a
    subscription that was archived, are left out."""
    known = all_columns(d)
    wanted = asked.columns or teammate(request).contact_columns or usual_columns(d)
    return replace(asked, columns=tuple(key for key in wanted if key in known)[:MOST])


def _columns(shown: ContactsQuery, d: Definitions) -> list[Column]:
    known = all_columns(d)
    return [known[key] for key in shown.columns]


def _choices(shown: ContactsQuery, d: Definitions) -> list[tuple[str, str]]:
    """Keys and names, those that are shown first and in their order."""
    known = all_columns(d)
    return [(key, known[key].label) for key in dict.fromkeys((*shown.columns, *known))]


def _heads(asked: ContactsQuery, shown: ContactsQuery, d: Definitions) -> list[ColumnHead]:
    columns = [(d.say("Name"), SortBy.NAME), *((column.label, column.sort) for column in _columns(shown, d))]
    return [_head(label, sort, asked) for label, sort in columns]


def _head(label: str, by: SortBy | None, asked: ContactsQuery) -> ColumnHead:
    if by is None:
        return ColumnHead(label)
    if by is not asked.sort.by:
        return ColumnHead(label, asked.sorted_by(Sort(by, by in FIRST_DOWN)).address())
    turned = Sort(by, not asked.sort.is_down)
    return ColumnHead(label, asked.sorted_by(turned).address(), "descending" if asked.sort.is_down else "ascending")


def add_routes(app: web.Application) -> None:
    reads = requires(Scope.READ_CONTACTS)
    app.router.add_get(LIST, reads(show))
    app.router.add_get(ROWS_PATH, reads(rows))
    app.router.add_post(COLUMNS_PATH, reads(choose_columns))
