"""Whether a request comes from this machine: the demo's teammates and token have public passwords, so they work nowhere
else."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from aiohttp import web
from yarl import URL

from bot.errors import NotFound
from widget.web.http import Handler

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""Headers that proxies add. Behind a local proxy, outside requests come from the loopback too."""


def is_local(request: web.Request) -> bool:
    """From a loopback address, to a loopback host name, through no proxy.

    The host name is checked so that a site whose name resolves to the loopback (DNS rebinding) can't act for the
    visitor.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    return is_loopback(request.remote or "") and _names_loopback(request.host)


def only_local(handler: Handler) -> Handler:
    """For pages of the demo that only this machine may open. Raises NotFound for other machines."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if not is_local(request):
            raise NotFound
        return await handler(request)

    return wrapped


def _names_loopback(host: str) -> bool:
    try:
        name = (URL(f"http://{host}").host or "").rstrip(".")
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def names_address(host: str) -> bool:
    """Whether the host is an IP address instead of a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
