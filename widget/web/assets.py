"""Styles and scripts, read and compressed once; their addresses carry a hash of what is in them, so browsers keep
them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

HERE = Path(__file__).parents[1]
ROOT = HERE if (HERE / "static").is_dir() else HERE.parent
"""The wheel carries static and templates inside the package `widget`; a checkout has them beside it."""
STATIC, TEMPLATES = ROOT / "static", ROOT / "templates"
FOR_EVER = "public, max-age=31536000, immutable"
KEPT = {".css", ".js", ".svg", ".png", ".woff2"}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    zipped: bytes
    type: str
    version: str

    @classmethod
    def of(cls, body: bytes, type: str) -> Asset:
        return cls(body, gzip.compress(body, 9, mtime=0), type, hashlib.sha256(body).hexdigest()[:12])

    def answer(self, request: web.Request, cache: str) -> web.Response:
        """The whole of it, compressed for those who can read that, or 304 for those who have it."""
        headers = {"Cache-Control": cache, "ETag": f'"{self.version}"', "Vary": "Accept-Encoding"}
        # A proxy that compresses makes the tag a weak one.
        if request.headers.get("If-None-Match", "").removeprefix("W/") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        body = self.body
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = self.zipped, "gzip"
        return web.Response(body=body, headers={**headers, "Content-Type": self.type})


@cache
def _read() -> dict[str, Asset]:
    assets = {}
    for file in sorted(STATIC.rglob("*")):
        if file.suffix in KEPT:
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            charset = "; charset=utf-8" if kind.startswith("text/") else ""
            assets[file.relative_to(STATIC).as_posix()] = Asset.of(file.read_bytes(), kind + charset)
    return assets


class Assets:
    def __init__(self) -> None:
        self._by_path = _read()

    def __getitem__(self, path: str) -> Asset:
        return self._by_path[path]

    def address(self, path: str) -> str:
        """`card.css` is `/static/card.css?v=1f3a…`; a KeyError at once for a file that is not there."""
        return f"/static/{path}?v={self._by_path[path].version}"

    async def serve(self, request: web.Request) -> web.Response:
        asset = self._by_path.get(request.match_info["path"])
        if asset is None:
            raise web.HTTPNotFound
        is_current = request.query.get("v") == asset.version
        return asset.answer(request, FOR_EVER if is_current else "no-cache")
