"""Posts notifications over HTTP. The address is checked when a socket for it is made: after the name was looked up, and
for each connection, so that neither an unusual notation nor a name that changes leads to a private address."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import ClientResponse
from aiohttp.abc import AbstractResolver

from bot.app import Bot
from bot.webhooks.addresses import Network, is_allowed, networks_in
from bot.webhooks.client import (
    BAD_CERTIFICATE,
    BROKEN,
    MOST_ANSWER,
    PRIVATE,
    SECONDS,
    TIMED_OUT,
    UNREACHABLE,
    WebhookAnswer,
)

MOST_CONNECTIONS = 64
AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]


class PrivateAddress(OSError):
    def __init__(self) -> None:
        super().__init__(errno.EACCES, "not a public address")


class HttpWebhookClient:
    """Made by `webhook_client`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> WebhookAnswer:
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                text = (await _beginning(answer)).decode(errors="replace").replace("\0", "\ufffd")
                return WebhookAnswer(answer.status, text, retry_after=_retry_after(answer))
        except TimeoutError:
            return WebhookAnswer(error=TIMED_OUT)
        except aiohttp.ClientConnectorCertificateError:
            return WebhookAnswer(error=BAD_CERTIFICATE)
        except aiohttp.ClientConnectorError as error:
            return WebhookAnswer(error=PRIVATE if _is_private(error.os_error) else UNREACHABLE)
        except (aiohttp.ClientError, OSError, ValueError):
            return WebhookAnswer(error=BROKEN)


def _is_private(error: OSError) -> bool:
    return error.errno == errno.EACCES


async def _beginning(answer: ClientResponse) -> bytes:
    """What is read of a body. The rest is not: the connection is closed."""
    found = bytearray()
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) >= MOST_ANSWER:
            answer.close()
            break
    return bytes(found[:MOST_ANSWER])


def _retry_after(answer: ClientResponse) -> float | None:
    """In seconds; dates are ignored."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@asynccontextmanager
async def webhook_client(
    networks: tuple[Network, ...], *, seconds: float = SECONDS, resolver: AbstractResolver | None = None
) -> AsyncIterator[HttpWebhookClient]:
    """`networks`: private ones that may be connected to. Without cookies, and proxies and credentials of the
    environment; nothing is decompressed."""

    def socket_for(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _name, address = info
        if not is_allowed(str(address[0]), networks):
            raise PrivateAddress
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS, socket_factory=socket_for, resolver=resolver)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=seconds),
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
        trust_env=False,
    ) as session:
        yield HttpWebhookClient(session)


@asynccontextmanager
async def running(bot: Bot) -> AsyncIterator[None]:
    """The work behind the requests, webhooks included."""
    async with webhook_client(networks_in(bot.settings.webhook_networks)) as client:
        bot.webhook_sender.client = client
        async with bot.running():
            yield
