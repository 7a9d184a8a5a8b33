"""Posts ourselves a signed webhook through the public address, as Twilio would."""

from __future__ import annotations

import asyncio

import aiohttp

from bot.errors import marked as _
from bot.model.base import new_id
from bot.outbound.gateways.twilio import STATUS_PATH
from bot.outbound.gateways.twilio_webhooks import PROBE, WebhookSignatures

SECONDS = 10.0


async def webhook_fault(public_url: str, signatures: WebhookSignatures) -> str:
    """Why webhooks would not arrive, a gettext id; empty: they do."""
    url, form = f"{public_url}{STATUS_PATH}", {PROBE: new_id()}
    try:
        async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
            headers = signatures.sign(url, form)
            async with session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
                status, text = answer.status, await answer.text()
    except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError):
        return _("Nothing answers at the public address. Check DNS, TLS certificate and proxy.")
    if status == 403:
        return _("The signature was refused. All processes need the same SAYSO_PUBLIC_URL and auth token.")
    if status != 200 or text != form[PROBE]:
        return _("Something else answers at the public address. Check that the proxy passes /webhooks/ on unchanged.")
    return ""
