"""Whether a request comes from this machine itself: the demo's people and token, whose password everybody knows, open
nothing to anybody else."""

from __future__ import annotations

import ipaddress

from aiohttp import web
from yarl import URL

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""What proxies add: with one on this machine the world, too, comes from the loopback."""


def is_local(request: web.Request) -> bool:
    """From a loopback address, to a loopback name, and through no proxy.

    The name counts so that no site whose name leads to the loopback (DNS rebinding) can speak for the visitor.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    return _is_loopback(request.remote or "") and _names_loopback(request.host)


def _names_loopback(host: str) -> bool:
    try:
        name = (URL(f"http://{host}").host or "").rstrip(".")
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
