"""The networks that an address is counted by."""

from __future__ import annotations

import pytest

from bot.workspace.networks import network_of, networks_of


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("203.0.113.5", [("203.0.113.5", 1)]),
        ("::ffff:203.0.113.5", [("203.0.113.5", 1)]),
        ("2001:db8:1:2ff::1", [("2001:db8:1:2ff::/64", 1), ("2001:db8:1:200::/56", 2), ("2001:db8:1::/48", 4)]),
        ("no address", [("no address", 1)]),
        ("", [("", 1)]),
    ],
)
def test_an_address_counts_for_each_of_its_networks(address: str, networks: list[tuple[str, int]]) -> None:
    assert [*networks_of(address)] == networks
    assert network_of(address) == networks[0][0]
