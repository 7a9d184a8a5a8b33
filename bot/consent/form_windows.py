"""The counters that a text of a form counts toward."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from bot.consent.numbers import saved_number
from bot.consent.proof_of_work import Proof
from bot.model.form_limits import Limit
from bot.model.workspace import Workspace
from bot.store.form_counters import CounterUse

TEN_MINUTES, HOUR, DAY = 600, 3600, 86_400
WINDOWS: Mapping[Limit, tuple[tuple[int, int], ...]] = {
    Limit.NETWORK: ((TEN_MINUTES, 1), (DAY, 5)),
    Limit.SESSION: ((DAY, 1),),
    Limit.PREFIX: ((HOUR, 1), (DAY, 5)),
    Limit.COUNTRY: ((DAY, 1),),
    Limit.BUDGET: ((DAY, 1),),
}
"""The seconds in which a limit counts, and how many times the limit fits in them. The first full one is reported."""
PREFIX_CUT = 4
"""Digits at the end of a number that its prefix doesn't have."""
SHARED_FACTOR = 4
"""How many times the limit of a network applies to an IPv6 /48, which one server can have, and to all clients whose
address identifies nobody."""
NEAR = 2
"""Without a proof of work, a text counts up to half of each limit."""
UNKNOWN = "unknown"
_OUR_IPV4 = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
_OUR_IPV6 = ("::1/128", "fc00::/7", "fe80::/10")
OURS = [ipaddress.ip_network(network) for network in (*_OUR_IPV4, *_OUR_IPV6)]
"""Addresses that identify no client: this machine, or a proxy that `SAYSO_TRUSTED_PROXIES` does not count."""


@dataclass(frozen=True, slots=True)
class FormText:
    """A text that a form would cause. `session`: the visitor; empty at their first act, before which they had none."""

    number: str
    ip: str | None = None
    session: str = ""
    proof: Proof = Proof.EXEMPT


def prefix_of(number: str) -> str:
    return number[:-PREFIX_CUT]


@lru_cache(maxsize=4096)
def networks_of(address: str) -> Mapping[str, int]:
    """The networks of an address, each with how many times the limit it has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return {UNKNOWN: SHARED_FACTOR}
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if any(ip in network for network in OURS):
        return {UNKNOWN: SHARED_FACTOR}
    lengths = {24: 1} if ip.version == 4 else {64: 1, 48: SHARED_FACTOR}
    return {str(ipaddress.ip_network((ip, length), strict=False)): factor for length, factor in lengths.items()}


def counter_id(limit: Limit, what: str, seconds: int, at: datetime) -> str:
    """Of the window that `at` is in. Networks, visitors and prefixes are hashed: nobody needs to read them here."""
    is_plain = limit in {Limit.COUNTRY, Limit.BUDGET}
    name = what if is_plain else sha256(what.encode()).hexdigest()[:24]
    return f"{limit}:{name}:{seconds}:{int(at.timestamp()) // seconds}"


def uses_of(text: FormText, workspace: Workspace, network: int, at: datetime) -> dict[str, CounterUse]:
    """What the text counts toward, by counter. `network`: the limit of one."""
    limits, number = workspace.abuse, saved_number(text.number)
    part = NEAR if text.proof is Proof.MISSING else 1
    most: list[tuple[Limit, str, int]] = [
        *((Limit.NETWORK, name, network * factor) for name, factor in networks_of(text.ip or "").items()),
        *([(Limit.SESSION, text.session, limits.session)] if text.session else []),
        (Limit.PREFIX, prefix_of(text.number), limits.prefix),
    ]
    if number and number.region != workspace.default_region:
        most.append((Limit.COUNTRY, number.region, limits.country))
    most.append((Limit.BUDGET, "", limits.budget))
    return {
        use.id: use
        for limit, what, n in most
        for seconds, factor in WINDOWS[limit]
        for use in [_use(counter_id(limit, what, seconds, at), -(-n * factor // part), seconds, at)]
    }


def _use(id: str, most: int, seconds: int, at: datetime) -> CounterUse:
    return CounterUse(id, 1, most, end_of_window(seconds, at))


def end_of_window(seconds: int, at: datetime) -> datetime:
    """Of the window that `at` is in."""
    return datetime.fromtimestamp((int(at.timestamp()) // seconds + 1) * seconds, UTC)


def withheld_id(limit: Limit, at: datetime) -> str:
    return f"withheld:{limit}:{int(at.timestamp()) // DAY}"
