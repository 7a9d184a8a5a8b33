"""`POST /webhooks/twilio/inbound` and `/webhooks/twilio/status`.

An unsigned webhook is refused with 403, a broken one with 400. One that means nothing to us is accepted, so that Twilio
doesn't repeat it. Handlers are idempotent: Twilio repeats what failed.
"""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.errors import Invalid
from bot.model.delivery import ProviderStatus
from bot.outbound.gateways.twilio import INBOUND_PATH, STATUS_PATH
from bot.outbound.gateways.twilio_webhooks import MOST_VALUES, PROBE, TwilioStatus, TwilioText
from bot.outbound.reports import StatusReport
from widget.web.http import BOT, read_values

NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that answers nothing: answers leave through the queue, like all texts."""
FORM = "application/x-www-form-urlencoded"

M = TypeVar("M", bound=BaseModel)


async def inbound(request: web.Request) -> web.Response:
    text = _read(TwilioText, await _genuine(request))
    if text.number:
        await request.app[BOT].receive(text.number, text.text, text.MessageSid, answered=text.answered)
    return web.Response(text=NOTHING, content_type="text/xml")


async def status(request: web.Request) -> web.Response:
    values = await _genuine(request)
    if PROBE in values:
        return web.Response(text=values[PROBE])
    report = _read(TwilioStatus, values)
    if report.MessageStatus not in {*ProviderStatus}:
        return web.Response(text=f"unknown status {report.MessageStatus[:40]}")
    await request.app[BOT].reports.receive(
        StatusReport(
            request.query.get("d", ""), report.MessageSid, ProviderStatus(report.MessageStatus), report.ErrorCode
        )
    )
    return web.Response(status=204)


async def _genuine(request: web.Request) -> dict[str, str]:
    """The fields of a signed webhook. The signature covers the public address, whatever a proxy made of it."""
    if request.content_type != FORM:
        raise web.HTTPBadRequest
    try:
        values = await read_values(request)
    except Invalid:
        raise web.HTTPBadRequest from None
    if len(values) > MOST_VALUES:
        raise web.HTTPBadRequest
    bot = request.app[BOT]
    if not bot.webhook_signatures.is_genuine(f"{bot.public_url}{request.path_qs}", values, request.headers):
        raise web.HTTPForbidden
    return dict(values)


def _read(model: type[M], values: dict[str, str]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError:
        raise web.HTTPBadRequest from None


def add_routes(app: web.Application) -> None:
    app.router.add_post(INBOUND_PATH, inbound)
    app.router.add_post(STATUS_PATH, status)
