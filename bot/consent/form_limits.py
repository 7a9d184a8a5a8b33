"""Limits sign-ups by form for each network and each block of numbers, since each may text someone who never asked.

Recorded sign-ups are counted in the database, across processes. Those that this process admitted a moment ago are
counted in memory, so that a burst doesn't pass.
"""

from __future__ import annotations

import ipaddress
from asyncio import gather, get_running_loop
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from bot.aio.batching import Batcher
from bot.errors import TooManySignUps
from bot.model.base import now
from bot.store import Store

SHORT, LONG = timedelta(minutes=10), timedelta(days=1)
LONG_FACTOR = 10
"""The limit of a day is this many times that of ten minutes."""
BLOCK_DIGITS = 3
"""Numbers that differ in their last three digits alone are one block: pumping fraud walks through such blocks."""
WIDE, WIDE_FACTOR = "wide", 4
"""An IPv6 /48, which one server can have, and how many times the limit of a /64 it has."""
REMEMBERED = 10_000
_OUR_IPV4 = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
_OUR_IPV6 = ("::1/128", "fc00::/7", "fe80::/10")
OURS = [ipaddress.ip_network(network) for network in (*_OUR_IPV4, *_OUR_IPV6)]
"""Addresses that identify no client: this machine, or a proxy that `SAYSO_TRUSTED_PROXIES` does not count."""


def origins_of(ip: str | None, number: str | None) -> tuple[str, ...]:
    """What a sign-up counts toward: the client's networks, unless they are in `OURS`, and the number's block."""
    if not number:
        return ()
    return (*_networks(ip or ""), f"block:{number[:-BLOCK_DIGITS]}")


@lru_cache(maxsize=4096)
def _networks(address: str) -> tuple[str, ...]:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ()
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if any(ip in network for network in OURS):
        return ()
    lengths = {"net": 24} if ip.version == 4 else {"net": 64, WIDE: 48}
    return tuple(f"{kind}:{ipaddress.ip_network((ip, length), strict=False)}" for kind, length in lengths.items())


class FormLimits:
    """`most`: sign-ups in ten minutes; 0 is no limit."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._most = most
        self._count: Batcher[str, tuple[int, int]] = Batcher(self._count_round)
        self._admitted: dict[str, dict[str, float]] = {}

    async def admit(self, ip: str | None, number: str, key: str) -> None:
        """Raises TooManySignUps. The same form again (`key`) counts once."""
        origins = origins_of(ip, number) if self._most else ()
        if all(key in self._admitted.get(origin, ()) for origin in origins):
            return
        if not all(self._admit_here(origin, key) for origin in origins):  # a network that is full uses up no block
            raise TooManySignUps
        counts = zip(map(self._most_of, origins), await gather(*map(self._count, origins)), strict=True)
        for most, (short, long) in counts:
            if short >= most or long >= most * LONG_FACTOR:
                for origin in origins:
                    self._admitted.get(origin, {}).pop(key, None)
                raise TooManySignUps

    def _admit_here(self, origin: str, key: str) -> bool:
        start = get_running_loop().time() - SHORT.total_seconds()
        if len(self._admitted) > REMEMBERED:
            self._admitted = {o: forms for o, forms in self._admitted.items() if max(forms.values(), default=0) > start}
        forms = {form: time for form, time in self._admitted.get(origin, {}).items() if time > start}
        if is_free := len(forms) < self._most_of(origin):
            forms[key] = start + SHORT.total_seconds()
        self._admitted[origin] = forms
        return is_free

    def _most_of(self, origin: str) -> int:
        return self._most * (WIDE_FACTOR if origin.startswith(WIDE) else 1)

    async def _count_round(self, origins: Sequence[str]) -> list[tuple[int, int]]:
        found = await self._store.deliveries.caused_by(origins, now() - SHORT, now() - LONG)
        return [found.get(origin, (0, 0)) for origin in origins]
