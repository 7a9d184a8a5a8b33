"""Which addresses notifications may go to, as text and as sockets."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.webhooks.addresses import is_allowed, networks_in, url_fault
from bot.webhooks.client import BROKEN, PRIVATE, WebhookAnswer
from tests.webhooks.receiver import receiving
from widget.webhooks.client import webhook_client

ANY = str(ip_address(0))
PRIVATE_ADDRESSES = [
    "127.0.0.1", "127.8.9.1", ANY, "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "169.254.170.2", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:db8::1", "2001:0:7f00:1::",
    "example.com", "",
]  # fmt: skip
PUBLIC_ADDRESSES = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_private_addresses_are_refused(address: str) -> None:
    assert not is_allowed(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address)


def test_a_setting_allows_a_network_and_no_other() -> None:
    networks = networks_in("10.1.0.0/16 fd00::/8")
    assert is_allowed("10.1.2.3", networks)
    assert is_allowed("::ffff:10.1.2.3", networks)
    assert is_allowed("fd00::1", networks)
    assert not is_allowed("10.2.0.1", networks)
    assert not is_allowed("169.254.169.254", networks)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com", "https://", "https://user:secret@example.com/", "http://example.com/",
        "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data", "https://localhost/",
        "https://metadata.google.internal/", "https://printer.local/", "https://[::ffff:10.0.0.1]/",
        "https://example.com:99999/", "https://exa mple.com/", f"https://example.com/{'x' * 2000}",
    ],
)  # fmt: skip
def test_unusable_addresses_are_refused_when_they_are_saved(url: str) -> None:
    assert url_fault(url)


def test_usable_addresses_are_accepted() -> None:
    assert url_fault("https://example.com:8443/hooks?x=1") == ""
    assert url_fault("http://10.1.2.3/hooks", networks_in("10.1.0.0/16")) == ""


class Names(AbstractResolver):
    """Resolves every name to these addresses, one after the other."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        """There is nothing to close."""


async def post(url: str, *addresses: str, networks: str = "") -> WebhookAnswer:
    resolver = Names(*addresses) if addresses else None
    async with webhook_client(networks_in(networks), resolver=resolver) as client:
        return await client.post(url, b"{}", {})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost", "2130706433", "0x7f.1", "0"]
)
async def test_no_notation_of_a_private_address_is_connected_to(host: str) -> None:
    async with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        answer = await post(f"http://{host}:{port}/")
        assert (answer.status, receiver.requests) == (None, [])
        assert answer.error in {PRIVATE, BROKEN}, "aiohttp itself refuses some notations"


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.7", "::1", "::ffff:127.0.0.1"])
async def test_a_name_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    assert (await post("http://hooks.example/", address)).error == PRIVATE


async def test_the_address_that_is_connected_to_is_the_one_that_is_checked() -> None:
    """A name that changes between two requests: each connection is checked."""
    async with (
        receiving() as receiver,
        webhook_client(networks_in("127.0.0.1/32"), resolver=Names("127.0.0.1", "127.0.0.2")) as client,
    ):
        port = receiver.url.split(":")[2].split("/")[0]
        url = f"http://hooks.example:{port}/"
        assert (await client.post(url, b"{}", {"Connection": "close"})).status == 200
        client._session.connector.clear_dns_cache()  # type: ignore[union-attr] # as after ten seconds
        assert (await client.post(url, b"{}", {})).error == PRIVATE
