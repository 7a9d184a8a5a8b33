"""Twilio on the loopback, after the shapes of its public API (twilio-oai: api v2010, accounts v1, messaging v1).

It can be slow, cut the line, answer errors, forget to answer, and repeat, reorder or drop its callbacks.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from secrets import token_hex
from typing import Any
from urllib.parse import urldefrag

import aiohttp
from aiohttp import web
from multidict import MultiDict, MultiMapping
from twilio.request_validator import (
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
)
from yarl import URL

from bot.config import Settings

FORM = "application/x-www-form-urlencoded"
ACCOUNT, SERVICE = f"AC{'a' * 32}", f"MG{'b' * 32}"
TOKEN, KEY, SECRET = "auth-token-of-the-account", f"SK{'c' * 32}", "secret-of-the-api-key"
SENDER = "+15005550006"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request. `is_accepted`: after the message was accepted."""

    status: int = 0
    """0: the connection is cut, or with `is_silent` kept without an answer."""
    code: int = 0
    is_accepted: bool = False
    is_silent: bool = False
    retry_after: int | None = None
    page: str | None = None
    """What a proxy before Twilio answers with."""


CUT, CUT_AFTER = Fault(), Fault(is_accepted=True)
SILENT = Fault(is_accepted=True, is_silent=True)
BUSY = Fault(429, 20429)
BROKEN, BROKEN_AFTER = Fault(500, 20500), Fault(500, 20500, is_accepted=True)
OPTED_OUT = Fault(400, 21610)


@dataclass(slots=True)
class FakeMessage:
    sid: str
    to: str
    sender: str
    body: str
    callback: str
    form: Mapping[str, str]
    status: str
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    error_code: int | None = None

    def shown(self) -> dict[str, Any]:
        created = format_datetime(self.created_at.replace(microsecond=0))
        is_by_service = "MessagingServiceSid" in self.form
        return {
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": created,
            "date_sent": None if self.status in {"accepted", "queued"} else created,
            "date_updated": created,
            "direction": "outbound-api",
            "error_code": self.error_code,
            "error_message": None,
            "from": None if is_by_service and self.status == "accepted" else self.sender,
            "messaging_service_sid": self.form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "0" if is_by_service else "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {},
            "to": self.to,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{self.sid}.json",
        }


class FakeTwilio:
    """`fault` decides about each message that is to be created; `statuses` are what each accepted one reports."""

    def __init__(self) -> None:
        self.messages: list[FakeMessage] = []
        self.requests = 0
        """To create a message, also those that failed."""
        self.consents: list[list[dict[str, Any]]] = []
        """By request."""
        self.refused_contacts: set[str] = set()
        self.fault: Callable[[FakeMessage], Fault | None] = lambda message: None
        self.seconds = 0.0
        """How long each answer takes."""
        self.is_list_down = False
        self.statuses: tuple[str, ...] = ()
        self.order: Callable[[list[str]], list[str]] = lambda statuses: statuses
        """Repeats, reorders or drops callbacks."""
        self.url = ""
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._hanging = asyncio.Event()

    # --- its API

    def app(self) -> web.Application:
        app = web.Application()
        account = f"/2010-04-01/Accounts/{ACCOUNT}"
        app.router.add_get(f"{account}.json", self._account)
        app.router.add_post(f"{account}/Messages.json", self._create)
        app.router.add_get(f"{account}/Messages.json", self._list)
        app.router.add_get(f"{account}/Messages/{{sid}}.json", self._fetch)
        app.router.add_get("/v1/Services/{sid}", self._service)
        app.router.add_post("/v1/Consents/Bulk", self._bulk_consents)
        app.on_shutdown.append(self._end)
        return app

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        form = {name: str(value) for name, value in (await request.post()).items()}
        if refusal := _unauthorized(request) or _wrong(form):
            return refusal
        message = FakeMessage(
            f"SM{token_hex(16)}", form["To"], form.get("From", SENDER), form["Body"], form.get("StatusCallback", ""),
            form, "accepted" if "MessagingServiceSid" in form else "queued",
        )  # fmt: skip
        fault = self.fault(message)
        if fault is None or fault.is_accepted:
            self.messages.append(message)
            if self.statuses and message.callback:
                self._spawn(self._report_all(message))
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if fault is None:
            return web.json_response(message.shown(), status=201)
        if fault.is_silent:
            await self._hanging.wait()
        if not fault.status:
            if request.transport:
                request.transport.abort()
            return web.Response()
        if fault.page is not None:
            return web.Response(status=fault.status, text=fault.page, content_type="text/html")
        return _error(fault.status, fault.code, retry_after=fault.retry_after)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if refusal := _unauthorized(request):
            return refusal
        if self.is_list_down:
            return _error(503, 20503)
        for _ in range(10):  # a request that arrived before this one is accepted first, also after a pause of the loop
            await asyncio.sleep(0.005)
        wanted, size, page = request.query, int(request.query.get("PageSize", 50)), int(request.query.get("Page", 0))
        found = [
            message.shown()
            for message in reversed(self.messages)
            if message.to == wanted.get("To", message.to) and message.sender == wanted.get("From", message.sender)
        ]
        shown = found[page * size : (page + 1) * size]
        uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        more = str(request.rel_url.update_query(Page=page + 1)) if len(found) > (page + 1) * size else None
        return web.json_response(
            {"messages": shown, "page": page, "page_size": size, "start": page * size, "end": page * size + len(shown),
             "uri": str(request.rel_url), "first_page_uri": uri, "previous_page_uri": None, "next_page_uri": more}
        )  # fmt: skip

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        if refusal := _unauthorized(request):
            return refusal
        found = [message for message in self.messages if message.sid == request.match_info["sid"]]
        return web.json_response(found[0].shown()) if found else _error(404, 20404)

    async def _account(self, request: web.Request) -> web.StreamResponse:
        if refusal := _unauthorized(request):
            return refusal
        return web.json_response(
            {"sid": ACCOUNT, "friendly_name": "Harbor Coffee", "status": "active", "type": "Full", "auth_token": TOKEN,
             "owner_account_sid": ACCOUNT, "uri": "", "subresource_uris": {}}
        )  # fmt: skip

    async def _service(self, request: web.Request) -> web.StreamResponse:
        if refusal := _unauthorized(request):
            return refusal
        if request.match_info["sid"] != SERVICE:
            return _error(404, 20404)
        return web.json_response({"sid": SERVICE, "account_sid": ACCOUNT, "friendly_name": "Deals", "links": {}})

    async def _bulk_consents(self, request: web.Request) -> web.StreamResponse:
        if refusal := _unauthorized(request):
            return refusal
        items = [json.loads(str(item)) for item in (await request.post()).getall("Items", [])]
        if not 0 < len(items) <= 25:
            return _error(400, 30646)
        self.consents.append(items)
        results = [
            {"correlation_id": item["correlation_id"], "error_code": 30647 if is_refused else 0, "error_messages": []}
            for item in items
            for is_refused in [item["contact_id"] in self.refused_contacts]
        ]
        return web.json_response({"items": results}, status=201)

    async def _end(self, _: web.Application) -> None:
        self._hanging.set()
        for task in self._tasks:
            task.cancel()
        if self._session:
            await self._session.close()

    # --- its requests to us

    async def report(self, message: FakeMessage, status: str, error_code: int | None = None) -> int:
        """A status callback; returns our status code."""
        message.status, message.error_code = status, error_code
        return await self.post(urldefrag(message.callback)[0], status_form(message, status, error_code))

    async def text(self, url: str, sender: str, body: str, **values: str) -> int:
        """An incoming text; returns our status code."""
        return await self.post(url, text_form(sender, body, **values))

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> int:
        """Signed, unless there are `headers`."""
        self._session = self._session or aiohttp.ClientSession()
        headers = signed(url, form) if headers is None else headers
        async with self._session.post(URL(url, encoded=True), data=form, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def _report_all(self, message: FakeMessage) -> None:
        for status in self.order([*self.statuses]):
            try:
                await self.report(message, status)
            except aiohttp.ClientError:
                return  # nobody listens: its default is one retry, and then silence

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def status_form(message: FakeMessage, status: str, error_code: int | None = None) -> dict[str, str]:
    form = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "From": message.sender,
        "To": message.to,
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
    }
    return form | ({"ErrorCode": str(error_code)} if error_code else {})


def text_form(sender: str, body: str, **values: str) -> dict[str, str]:
    sid = f"SM{token_hex(16)}"
    form = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": body,
        "From": sender,
        "FromCountry": "US",
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": SENDER,
    }
    return form | values


def signed(url: str, form: Mapping[str, str], token: str = TOKEN, key: str = "") -> dict[str, str]:
    """The headers of a webhook. `key`: the id of the shared key that `token` is the secret of."""
    values: MultiMapping[str] = MultiDict(form)
    if not key:
        return {SIGNATURE_HEADER: RequestValidator(token).compute_signature(url, values)}
    signature = RequestValidator(token).compute_signature(url, values, HMAC_SHA256)
    return {SIGNATURE_HEADER: signature, SIGNATURE_SETTINGS_HEADER: f"key={key},algorithm={HMAC_SHA256}"}


def _unauthorized(request: web.Request) -> web.Response | None:
    given = aiohttp.BasicAuth.decode(request.headers.get("Authorization", "Basic Og=="))
    return None if (given.login, given.password) in {(ACCOUNT, TOKEN), (KEY, SECRET)} else _error(401, 20003)


def _wrong(form: Mapping[str, str]) -> web.Response | None:
    to, body, validity = form.get("To", ""), form.get("Body", ""), form.get("ValidityPeriod", "300")
    checks = (
        (not re.fullmatch(r"\+[1-9]\d{6,14}", to), 21211),
        (not body, 21602),
        (len(body) > 1600, 21617),
        (not form.get("From") and not form.get("MessagingServiceSid"), 21603),
        (form.get("MessagingServiceSid", SERVICE) != SERVICE, 21701),
        (not re.fullmatch(r"(https?://[^_\s]+)?", form.get("StatusCallback", "").partition("/webhooks")[0]), 21609),
        (not validity.isdigit() or not 1 <= int(validity) <= 36_000, 30036),
    )
    return next((_error(400, code) for is_wrong, code in checks if is_wrong), None)


def _error(status: int, code: int, *, retry_after: int | None = None) -> web.Response:
    body = {
        "code": code,
        "message": f"The 'To' number +1201... is in the message of error {code}",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return web.json_response(body, status=status, headers=headers)


def twilio_settings(fake: FakeTwilio, **values: Any) -> Settings:
    usual: dict[str, Any] = {
        "gateway": "twilio",
        "public_url": "https://chat.example.com",
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TOKEN,
        "twilio_service": SERVICE,
        "twilio_url": fake.url,
        "secret_key": "k" * 40,
        "form_limit": 0,
    }
    return Settings(_env_file=None, **{**usual, **values})


@asynccontextmanager
async def fake_twilio() -> AsyncIterator[FakeTwilio]:
    fake = FakeTwilio()
    runner = web.AppRunner(fake.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
