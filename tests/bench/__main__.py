"""`python -m tests.bench [--seconds N] [--only flows|ledger|preferences|live|bytes]`"""

from __future__ import annotations

import argparse
import asyncio

import uvloop

from tests.bench.bytes import measure_bytes
from tests.bench.flows import measure_flows
from tests.bench.ledger import measure_ledger
from tests.bench.live import measure_live
from tests.bench.machine import description
from tests.bench.preferences import measure_preferences
from tests.bench.servers import mongod

PARTS = ("flows", "ledger", "preferences", "live", "bytes")


async def measure(parts: list[str], seconds: float) -> None:
    async with mongod() as mongo:
        print(f"{description()}")
        print(f"The server, its {mongo.engine} and what measures them share these cores.")
        if "flows" in parts:
            await measure_flows(mongo, seconds)
        if "ledger" in parts:
            await measure_ledger(mongo, seconds)
        if "preferences" in parts:
            await measure_preferences(mongo, seconds)
        if "live" in parts:
            await measure_live(mongo, seconds)
        if "bytes" in parts:
            await measure_bytes(mongo)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures Sayso on this machine.")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measure (8)")
    parser.add_argument("--only", choices=PARTS, help="one part of the whole")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure([given.only] if given.only else list(PARTS), given.seconds))


if __name__ == "__main__":
    main()
