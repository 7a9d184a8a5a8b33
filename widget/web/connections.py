"""How many live connections one process holds, and one visitor and one address may have.

A connection costs a file descriptor and about 30 kB. Connections beyond these limits get an error message, while there
are descriptors left to send it."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bot.errors import TooManyConnections
from bot.workspace.networks import networks_of

OF_VISITOR = 20
"""Pages that one person may have open, on all devices."""
OF_ADDRESS = 200
"""Of one IPv4 address or IPv6 /64: an office behind one router, not a script. Wider networks may have more."""
SPARE_DESCRIPTORS = 512
"""For the database, requests that are not live, and files."""


class LiveConnections:
    def __init__(self, most: int | None = None, *, of_address: int = OF_ADDRESS, of_visitor: int = OF_VISITOR) -> None:
        """`most`: in this process; None: what the limit of open files leaves."""
        self.most = _descriptors() if most is None else most
        self.most_of = {"address": of_address, "visitor": of_visitor}
        self._held: Counter[tuple[str, str]] = Counter()
        self._all = 0

    @contextmanager
    def of_address(self, address: str, *, is_bounded: bool = True) -> Iterator[None]:
        """Counts one connection while it lasts, for each of its networks. Raises TooManyConnections."""
        if self._all >= self.most:
            raise TooManyConnections
        self._all += 1
        try:
            with ExitStack() as held:
                for network, factor in networks_of(address):
                    held.enter_context(self._count("address", network, factor, is_bounded=is_bounded))
                yield
        finally:
            self._all -= 1

    @contextmanager
    def of_visitor(self, contact: str) -> Iterator[None]:
        """Counts it for its owner, once known. Raises TooManyConnections."""
        with self._count("visitor", contact):
            yield

    @contextmanager
    def _count(self, kind: str, who: str, factor: int = 1, *, is_bounded: bool = True) -> Iterator[None]:
        place = (kind, who)
        if is_bounded and self._held[place] >= self.most_of[kind] * factor:
            raise TooManyConnections
        self._held[place] += 1
        try:
            yield
        finally:
            self._held[place] -= 1
            if not self._held[place]:
                del self._held[place]


def _descriptors() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - SPARE_DESCRIPTORS) if soft != resource.RLIM_INFINITY else 1_000_000
