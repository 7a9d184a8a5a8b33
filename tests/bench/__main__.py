"""`python -m tests.bench [--quick] [--seconds N] [--part NAME]…`: the parts are named below."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure, show
from tests.bench.api import measure_api
from tests.bench.bulk import measure_bulk
from tests.bench.bytes import measure_bytes
from tests.bench.contacts import measure_contacts
from tests.bench.deliveries import measure_deliveries
from tests.bench.flows import measure_flows
from tests.bench.imports import measure_imports
from tests.bench.ledger import measure_ledger
from tests.bench.live import measure_live
from tests.bench.machine import description
from tests.bench.preferences import measure_preferences
from tests.bench.servers import mongod
from tests.bench.size import QUICK, WHOLE, Size
from widget.cli.terminal import spare_the_collector

PARTS: dict[str, Callable[[EmbeddedServer, Size], Awaitable[list[Figure]]]] = {
    "flows": measure_flows,
    "ledger": measure_ledger,
    "import": measure_imports,
    "preferences": measure_preferences,
    "live": measure_live,
    "contacts": measure_contacts,
    "bulk": measure_bulk,
    "api": measure_api,
    "deliveries": measure_deliveries,
    "bytes": measure_bytes,
}


async def measure(parts: Sequence[str], size: Size) -> None:
    figures, started = [], time.monotonic()
    spare_the_collector()  # as all commands do
    async with mongod() as mongo:
        print(f"{description()}")
        print(f"The server, its {mongo.engine} and what measures them share these cores.")
        for part in parts:
            figures += await PARTS[part](mongo, size)
    show(figures)
    print(f"\n  Measured in {time.monotonic() - started:.0f} s.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures Sayso on this machine.")
    parser.add_argument("--quick", action="store_true", help="a rough look, in two minutes")
    parser.add_argument("--seconds", type=float, help="of each measure")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one; can be repeated")
    given = parser.parse_args()
    size = QUICK if given.quick else WHOLE
    size = size.lasting(given.seconds) if given.seconds else size
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given.part or [*PARTS], size))


if __name__ == "__main__":
    main()
