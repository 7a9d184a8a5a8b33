"""What a browser fetches: the launcher on every page of a shop, and the messenger when it is first opened."""

from __future__ import annotations

import asyncio
import gzip
import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bot.store.embedded import EmbeddedServer
from tests.bench.aims import Figure
from tests.bench.servers import sayso
from tests.bench.size import Size
from tests.bench.table import table

LAUNCHER, PAGE = "/widget.js", "/messenger"
LINKED = re.compile(r'(?:href|src)="(/[^"]+)"')
AIMS = {"launcher": 5 * 1024, "first load": 60_000}


async def measure_bytes(mongo: EmbeddedServer, size: Size) -> list[Figure]:
    async with sayso(mongo) as server:
        return await asyncio.to_thread(_measure, server.url)


def _measure(url: str) -> list[Figure]:
    line = HTTPConnection(urlsplit(url).netloc)
    page = _get(line, PAGE, "identity")
    loaded = [PAGE, *dict.fromkeys(LINKED.findall(page.decode()))]
    sizes = {path: (len(_get(line, path, "identity")), len(_get(line, path, "gzip"))) for path in [LAUNCHER, *loaded]}
    line.close()
    rows = [[path.partition("?")[0], f"{raw:,}", f"{zipped:,}"] for path, (raw, zipped) in sizes.items()]
    raw, zipped = (sum(sizes[path][i] for path in loaded) for i in (0, 1))
    rows.append([f"first load: {len(loaded)} files, without the launcher", f"{raw:,}", f"{zipped:,}"])
    table("Bytes of the bodies, as served", ["", "raw", "with Accept-Encoding: gzip"], rows)
    measured = {"launcher": sizes[LAUNCHER][1], "first load": zipped}
    return [Figure(f"{name}, bytes", size, AIMS[name], is_limit=True, form=",.0f") for name, size in measured.items()]


def _get(line: HTTPConnection, path: str, encoding: str) -> bytes:
    """The body as it came over the wire; one that says it is compressed must be."""
    line.request("GET", path, headers={"Accept-Encoding": encoding, "Accept": "*/*"})
    answer = line.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    if answer.getheader("Content-Encoding") == "gzip":
        gzip.decompress(body)
    return body
