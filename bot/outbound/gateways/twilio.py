"""Texts through Twilio: the async client of its own library, whose defaults would lose or repeat texts.

`AsyncTwilioHttpClient` ignores the timeout that it is constructed with, repeats a POST that failed with a 5xx if it has
`max_retries`, keeps `Retry-After` to itself, and logs recipients: its `request` is replaced.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import orjson
from pydantic import BaseModel, ValidationError
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance
from yarl import URL

from bot.config import Settings
from bot.consent.numbers import takes_texts
from bot.model.base import iso, now
from bot.model.stop import Stop
from bot.outbound.gateways.base import LONGEST, Gateway, GatewayError, NoAnswer, NotTraceable, Outgoing
from bot.outbound.gateways.twilio_errors import policy_of

SECONDS = 20.0
"""How long a request may take."""
LISTED_AFTER = timedelta(minutes=3)
"""How long after the handover a text that Twilio doesn't list may still appear there: longer than any request takes."""
CLOCKS = timedelta(minutes=2)
"""How far Twilio's clock and ours may differ."""
PAGE = 50
CONSENTS = 25
"""Limit of a request to the Consent Management API."""
INBOUND_PATH, STATUS_PATH = "/webhooks/twilio/inbound", "/webhooks/twilio/status"
RETRIES = "#rc=3&rp=all"
"""Twilio repeats a callback that failed, also if the database was away (webhook connection overrides; not signed)."""
LONGEST_VALIDITY = 36_000
"""Seconds (`ValidityPeriod`)."""

# It logs the recipient's number in the addresses of requests.
logging.getLogger("twilio").setLevel(logging.WARNING)


class _Refusal(BaseModel):
    """Twilio's answer to a request that it refuses."""

    code: int | None = None


class TwilioGateway(Gateway):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: Client | None = None
        self._headers: dict[str, str] = {}
        """Of a request with a form. The client would put them together for each one, which takes it 40 µs."""

    async def send(self, text: Outgoing) -> str:
        if not takes_texts(text.number):
            raise GatewayError("invalid_number", permanent=True)
        if len(text.body) > LONGEST:
            raise GatewayError("too_long", permanent=True)
        form = {
            "To": text.number,
            "Body": text.body,
            "StatusCallback": f"{self._settings.public_url}{STATUS_PATH}?d={quote(text.id, safe=':')}{RETRIES}",
            **({"ValidityPeriod": _seconds(text.valid_for)} if text.valid_for is not None else {}),
            **self._sender(text),
        }
        async with _answered():
            http, url = self.client.http_client, self._messages_url
            response = await http.request("POST", url, data=_encoded(form), headers=self._headers)
            if not response.ok:
                raise _no(response)
            answer = orjson.loads(response.text)
            if not answer.get("sid"):
                raise NoAnswer("no sid")
        return str(answer["sid"])

    async def find(self, text: Outgoing, handed_at: datetime) -> list[str]:
        """By number, time and body. `DateSent` is no filter: texts in Twilio's queue have none yet."""
        found = await self._listed(text.number, handed_at)
        if any(not message.body for message in found):
            raise NotTraceable  # redacted
        ids = [message.sid for message in found if message.body == text.body and message.sid]
        if not ids and now() < handed_at + LISTED_AFTER:
            raise NoAnswer("too early to tell")
        return ids

    async def all_to(self, number: str, since: datetime) -> list[str]:
        """A trial account puts words before each body."""
        return [message.sid for message in await self._listed(number, since) if message.sid]

    async def opt_out(self, stops: Sequence[Stop]) -> int:
        """By the Consent Management API, for the service or each of the numbers."""
        senders = (
            [self._settings.twilio_service] if self._settings.twilio_service else self._settings.twilio_numbers.split()
        )
        items = [_opt_out(stop, sender) for stop in stops for sender in senders]
        refused = 0
        for start in range(0, len(items), CONSENTS):
            async with _answered():
                done = await self.client.accounts.v1.bulk_consents.create_async(items=items[start : start + CONSENTS])
                refused += sum(bool(item["error_code"]) for item in done.items)
        return refused

    async def account_name(self) -> str:
        """What Twilio calls the account. Raises GatewayError if it refuses the credentials or the service, and
        NoAnswer."""
        service = self._settings.twilio_service
        async with _answered():
            account = await self.client.api.v2010.accounts(self._settings.twilio_account_sid).fetch_async()
            if service:
                await self.client.messaging.v1.services(service).fetch_async()
            return str(account.friendly_name)

    async def close(self) -> None:
        client, self._made = self._made, None
        if client:
            await client.http_client.close()

    @property
    def _messages_url(self) -> str:
        """Where `client.messages.create_async` posts to. It makes an object of each answer, with parsed dates."""
        return f"{self.client.api.base_url}/2010-04-01/Accounts/{self._settings.twilio_account_sid}/Messages.json"

    @property
    def client(self) -> Client:
        """Made at the first use: its session belongs to the running loop."""
        if self._made is None:
            self._made = make_client(self._settings)
            self._headers = {**self._made.get_headers("POST", None), **_basic(self._made.auth)}
        return self._made

    async def _listed(self, number: str, since: datetime) -> list[MessageInstance]:
        """Outgoing texts, oldest first."""
        if not takes_texts(number):  # erased
            raise NotTraceable
        found: list[MessageInstance] = []
        async with _answered():
            async for message in await self.client.messages.stream_async(to=number, page_size=PAGE):
                if message.date_created and message.date_created < since - CLOCKS:
                    break
                found.append(message)
        return found[::-1]

    def _sender(self, text: Outgoing) -> dict[str, str]:
        """A service chooses the number itself; without one, a phone always gets texts from the same number."""
        service, numbers = self._settings.twilio_service, self._settings.twilio_numbers.split()
        values = {"MessagingServiceSid": service} if service else {}
        if text.sender:
            return values | {"From": text.sender}
        return values or {"From": numbers[sha256(text.number.encode()).digest()[0] % len(numbers)]}


class _HttpClient(AsyncTwilioHttpClient):  # type: ignore[misc]  # the library is not typed
    """One session, a timeout for each request, and errors that keep what the library leaves out.

    The library's own `request` logs and keeps each request and answer, and hands aiohttp the form as fields: that took
    a third of the CPU time of a text.
    """

    def __init__(self) -> None:
        super().__init__(timeout=SECONDS)

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | bytes | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: Any,
    ) -> Response:
        values = {"params": params, "headers": {**(headers or {}), **_basic(auth)}, "allow_redirects": False}
        form = data if isinstance(data, bytes) else urlencode(data, doseq=True).encode() if data else None
        async with (
            asyncio.timeout(self.timeout),
            self.session.request(method, url, data=form, timeout=None, **values) as answer,
        ):
            response = Response(answer.status, await answer.text("utf-8"), answer.headers)
        if response.status_code >= 500:
            raise NoAnswer(f"HTTP {response.status_code}")
        if response.status_code == 429:
            raise GatewayError("rate_limited", permanent=False, retry_after=_retry_after(response))
        return response


def make_client(settings: Settings) -> Client:
    """One session, and never a second attempt: `max_retries` would send a text again."""
    token = settings.twilio_tokens[0] if settings.twilio_tokens else ""
    key, secret = settings.twilio_api_key, settings.twilio_api_secret
    user, password = (key, secret.get_secret_value()) if key and secret else (settings.twilio_account_sid, token)
    client = Client(user, password, settings.twilio_account_sid, http_client=_HttpClient(), environment={"": ""})
    if settings.twilio_url:
        for domain in (client.api, client.accounts, client.messaging):
            domain.base_url = settings.twilio_url
    return client


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    """Raises GatewayError for a definite no, and NoAnswer for what is none. Twilio's own messages contain numbers."""
    try:
        yield
    except (GatewayError, NoAnswer, NotTraceable):
        raise
    except TwilioException as error:
        raise _refused(getattr(error, "status", 0), getattr(error, "code", None)) from None
    except Exception as error:
        if hasattr(error, "os_error"):  # aiohttp's ClientConnectorError: there was no connection
            raise GatewayError("no_connection", permanent=False) from None
        raise NoAnswer(type(error).__name__) from None


def _encoded(form: Mapping[str, str | int]) -> bytes:
    """As `urlencode`, which quotes a text byte by byte: 85 µs instead of 14."""
    return URL().with_query(form).raw_query_string.encode()


@lru_cache(maxsize=4)
def _basic(auth: tuple[str, str] | None) -> dict[str, str]:
    """Who sends the request."""
    return {"Authorization": f"Basic {b64encode(':'.join(auth).encode()).decode()}"} if auth else {}


def _opt_out(stop: Stop, sender: str) -> dict[str, str]:
    return {
        "contact_id": stop.id,
        "correlation_id": uuid4().hex,
        "sender_id": sender,
        "status": "opt-out",
        "source": "opt-out-message" if stop.text else "others",
        "date_of_consent": iso(stop.at),
    }


def _no(response: Response) -> Exception:
    """A proxy before Twilio may answer with a page, or nothing. Then only a status that refuses the account is a
    definite no."""
    try:
        return _refused(response.status_code, _Refusal.model_validate_json(response.text).code)
    except ValidationError:
        return _refused(response.status_code, None) if response.status_code in {401, 403, 404} else NoAnswer("no JSON")


def _refused(status: int, code: int | None) -> Exception:
    if not 400 <= status < 500:
        return NoAnswer(f"HTTP {status}")
    policy = policy_of(code, status)
    return GatewayError(policy.reason, permanent=not policy.retries, effect=policy.effect, number=code)


def _seconds(valid_for: timedelta) -> int:
    return max(1, min(int(valid_for.total_seconds()), LONGEST_VALIDITY))


def _retry_after(response: Response) -> float | None:
    value = (response.headers or {}).get("Retry-After", "")
    return float(value) if value.isdigit() else None
