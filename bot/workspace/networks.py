"""The networks that requests from an IP address are limited by: pure."""

from __future__ import annotations

import ipaddress

IPV6 = ((64, 1), (56, 2), (48, 4))
"""Prefix lengths, and how many times the limit of a /64 each has. One line owns a /64 at least, often a /56; a tunnel a
/48."""


def networks_of(address: str) -> tuple[tuple[str, int], ...]:
    """From the narrowest to the widest, each with the factor of its limit. Text that is no address is its own
    network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ((address, 1),)
    if isinstance(ip, ipaddress.IPv6Address) and not ip.ipv4_mapped:
        return tuple((str(ipaddress.ip_network((ip, length), strict=False)), factor) for length, factor in IPV6)
    return ((str(getattr(ip, "ipv4_mapped", None) or ip), 1),)


def network_of(address: str) -> str:
    """The narrowest one."""
    return networks_of(address)[0][0]
