"""The copies of a message: a list by state, the same as CSV, and the story of one text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from bot.errors import NotFound
from bot.i18n import Translator, translator
from bot.model.audit import AuditAction
from bot.model.base import iso
from bot.model.delivery import Delivery, DeliveryState
from bot.model.paging import Cursor, Page
from bot.model.segment_price import MICROS
from widget.contacts.definitions import Definitions
from widget.outbound.pages import ONE, PATH
from widget.outbound.results import RESULTS, money, reason_words
from widget.outbound.story import story_of
from widget.web.downloads import Download, send_csv
from widget.web.http import BOT
from widget.web.input import cursor_of
from widget.web.teammate_pages import Scope, principal, requires, teammate_page, translator_for

ROWS, CHUNK = 100, 1000
COLUMNS = (
    "contact", "number", "result", "reason", "code", "queued_at", "checked_at", "local_time", "handed_at",
    "delivered_at", "clicked_at", "replied_at", "opted_out_at", "segments", "cost", "consent_event", "provider_id",
)  # fmt: skip
KEYS = (datetime, str)


async def listing(request: web.Request) -> web.StreamResponse:
    """`?state=` shows those of one state, `?before=` the next page."""
    message, say = await request.app[BOT].outbound.get(request.match_info["id"]), translator_for(request)
    figures = await request.app[BOT].figures.of(message.id)
    values = await listing_of(request, message.id, say, limit=ROWS)
    here = f"{PATH}/{message.id}/deliveries"
    tabs = [
        {"path": f"{here}?state={state}", "label": say(label), "count": say.number(count),
         "current": values["shown"] == state}
        for state, label in RESULTS.items()
        if (count := figures.count(state)) or values["shown"] == state
    ]  # fmt: skip
    return await teammate_page(
        request,
        "outbound/deliveries.html",
        section="outbound",
        title=say("Texts of %(name)s", name=message.name),
        message=message,
        tabs=[{"path": here, "label": say("All"), "current": not values["shown"]}, *tabs],
        **values,
    )


async def listing_of(request: web.Request, message: str, say: Translator, *, limit: int) -> dict[str, Any]:
    """Values of `outbound/_copies.html`."""
    wanted = request.query.get("state", "")
    state = DeliveryState(wanted) if wanted in {*DeliveryState} else None
    page = await _page(request, message, cursor_of(request, *KEYS), state, limit)
    people = await request.app[BOT].store.contacts.get_many(delivery.contact for delivery in page.items)
    return {
        "deliveries": page.items,
        "next": page.next,
        "people": people,
        "labels": {delivery.id: _result(delivery, say) for delivery in page.items},
        "shown": state or "",
    }


async def download(request: web.Request) -> web.StreamResponse:
    """All copies as CSV, read page by page."""
    message = await request.app[BOT].outbound.get(request.match_info["id"])
    recorded = Download(AuditAction.DELIVERIES_DOWNLOADED, message.name, message.id)
    return await send_csv(request, f"texts-{message.id}.csv", COLUMNS, _chunks(request, message.id), recorded)


async def tell(request: web.Request) -> web.StreamResponse:
    """What happened to one text, from its cause to its result."""
    bot, d = request.app[BOT], await Definitions.load(request)
    delivery = await bot.store.deliveries.get(request.match_info["delivery"])
    if delivery is None:
        raise NotFound
    people = await bot.store.contacts.get_many([delivery.contact])
    message = await bot.store.outbound_messages.get(delivery.message) if delivery.message else None
    return await teammate_page(
        request,
        "outbound/story.html",
        section="contacts",
        title=d.say("Text message"),
        delivery=delivery,
        contact=people.get(delivery.contact),
        message=message,
        may_send=principal(request).may(Scope.SEND_MESSAGES),
        subscription=d.subscription(delivery.subscription) if delivery.subscription else "",
        result=_result(delivery, d.say),
        cost=money(Decimal(delivery.cost) / MICROS, (await bot.workspace()).currency, d.say) if delivery.cost else "",
        story=story_of(delivery, d.say),
    )


async def _chunks(request: web.Request, message: str) -> AsyncIterator[Iterable[Sequence[str]]]:
    cursor: Cursor | None = None
    while True:
        page = await _page(request, message, cursor, None, CHUNK)
        yield [_row(delivery) for delivery in page.items]
        if (cursor := page.next) is None:
            return


async def _page(
    request: web.Request, message: str, after: Cursor | None, state: DeliveryState | None, limit: int
) -> Page[Delivery]:
    found = await request.app[BOT].store.deliveries.of_message(message, after, state=state, limit=limit + 1)
    return Page.cut(found, limit, lambda delivery: (delivery.created_at, delivery.id))


def _row(delivery: Delivery) -> Sequence[str]:
    say = translator("en")
    times = {name: iso(at) if at else "" for name in COLUMNS if name.endswith("_at") and name != "queued_at"
             for at in [getattr(delivery, name)]}  # fmt: skip
    values: Mapping[str, str] = {
        **times,
        "contact": delivery.contact,
        "number": delivery.number if delivery.number.startswith("+") else "",
        "result": delivery.state,
        "reason": reason_words(delivery.reason, None, say) if delivery.reason else "",
        "code": str(delivery.code or ""),
        "queued_at": iso(delivery.created_at),
        "local_time": " / ".join(dict.fromkeys(delivery.local_times or ())),
        "segments": str(delivery.segments or ""),
        "cost": "" if delivery.cost is None else f"{delivery.cost / MICROS:f}",
        "consent_event": delivery.event,
        "provider_id": delivery.provider_id or "",
    }
    return [values[name] for name in COLUMNS]


def _result(delivery: Delivery, say: Translator) -> str:
    label = say("Delivered") if delivery.is_delivered else say(RESULTS[delivery.state])
    if not delivery.reason:
        return label
    return say("%(result)s: %(reason)s", result=label, reason=reason_words(delivery.reason, delivery.code, say))


def add_routes(app: web.Application) -> None:
    sends, reads = requires(Scope.SEND_MESSAGES), requires(Scope.READ_CONTACTS)
    app.router.add_get(f"{ONE}/deliveries", sends(listing))
    app.router.add_get(f"{ONE}/deliveries.csv", sends(download))
    app.router.add_get(f"{PATH}/deliveries/{{delivery:[A-Za-z0-9:_-]{{1,200}}}}", reads(tell))
