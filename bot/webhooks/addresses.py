"""Which addresses webhooks may be sent to: pure.

A server that posts to any address that a teammate types can be made to post into its own network. Names prove nothing,
since they may resolve to another address the next time: the address that is connected to is checked.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from ipaddress import IPv4Network as V4
from urllib.parse import urlsplit

from bot.errors import marked as _

LONGEST = 2000
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""IPv6 addresses that end with an IPv4 address (RFC 6052, RFC 8215, RFC 4291)."""
Network = V4 | IPv6Network
Address = IPv4Address | IPv6Address


def networks_in(text: str) -> tuple[Network, ...]:
    """Networks that are separated by spaces. Raises ValueError."""
    return tuple(ip_network(word) for word in text.split())


def is_allowed(address: str, allowed: tuple[Network, ...] = ()) -> bool:
    """Whether it is a public unicast address, or in one of the networks. An IPv4 address within it counts too."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(one) or _is_in(one, allowed) for one in _all_in(ip))


def _is_in(ip: Address, networks: tuple[Network, ...]) -> bool:
    return any(ip.version == network.version and ip in network for network in networks)


def _is_public(ip: Address) -> bool:
    is_odd = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not is_odd and not (isinstance(ip, IPv6Address) and ip.is_site_local)


def _all_in(ip: Address) -> list[Address]:
    """The address itself, or the IPv4 addresses that an IPv6 one stands for."""
    if isinstance(ip, IPv4Address):
        return [ip]
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    inner = [*(ip.teredo or ()), *filter(None, [ip.sixtofour])]
    if any(ip in network for network in TRANSLATED):
        inner.append(IPv4Address(int(ip) & 0xFFFFFFFF))
        return inner if ip in TRANSLATED[0] else [ip, *inner]
    return [ip, *inner]


def url_fault(url: str, allowed: tuple[Network, ...] = ()) -> str:
    """Why it can't be an endpoint, a gettext id; empty: it can. Its name is looked up with each attempt."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return _("Enter an address like https://example.com/webhooks.")
    if parts.scheme not in {"https", "http"} or not host or any(c.isspace() for c in url):
        return _("Enter an address like https://example.com/webhooks.")
    if len(url) > LONGEST:
        return _("This address is too long.")
    if parts.username is not None or parts.password is not None:
        return _("Remove the user name and password from the address.")
    if parts.scheme == "http" and not allowed:
        return _("Use an address that begins with https://.")
    return _private_fault(host, allowed)


def _private_fault(host: str, allowed: tuple[Network, ...]) -> str:
    try:
        ip_address(host)
    except ValueError:
        is_local = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
        return "" if allowed or not is_local else _("Notifications are sent to public addresses only.")
    return "" if is_allowed(host, allowed) else _("Notifications are sent to public addresses only.")
