"""Styles and scripts, read and compressed once per process. Their URLs contain a hash of all of them, so browsers cache
them forever; modules import each other by relative paths, and so within the same version."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

HERE = Path(__file__).parents[1]
ROOT = HERE if (HERE / "static").is_dir() else HERE.parent
"""A wheel contains static and templates inside the package `widget`; a checkout has them next to it."""
STATIC, TEMPLATES = ROOT / "static", ROOT / "templates"
FOR_EVER = "public, max-age=31536000, immutable"
KEPT = {".css", ".js", ".svg", ".png", ".woff2"}
VERSION = re.compile(r"[0-9a-f]{12}")
IMPORT = re.compile(r'^(?:import|export)\s(?:[\w\s*{},$]+\sfrom\s)?"(\.[^"]+)";', re.MULTILINE)
"""Static imports as the formatter writes them. Dynamic ones load later on purpose."""


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
        """The whole file, gzipped for clients that accept it; 304 if the client has this version."""
        headers = {"Cache-Control": cache, "ETag": f'"{self.version}"', "Vary": "Accept-Encoding"}
        # A proxy that compresses turns the ETag into a weak one.
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
        named = "".join(f"{path} {asset.version}\n" for path, asset in self._by_path.items())
        self.version = hashlib.sha256(named.encode()).hexdigest()[:12]
        self._imports = {path: self._imports_of(path) for path in self._by_path if path.endswith(".js")}

    def __getitem__(self, path: str) -> Asset:
        return self._by_path[path]

    def address(self, path: str) -> str:
        """`card.css` is `/static/1f3a…/card.css`. Raises KeyError for a file that does not exist."""
        self._by_path[path]
        return f"/static/{self.version}/{path}"

    def module(self, entry: str) -> Markup:
        """The elements that load a module: it, and at the same time everything that it imports."""
        preload = Markup('<link rel="modulepreload" href="{}">\n')
        links = [preload.format(self.address(path)) for path in self.modules(entry)[1:]]
        return Markup().join([*links, Markup('<script type="module" src="{}"></script>').format(self.address(entry))])

    def modules(self, entry: str) -> list[str]:
        """The module and all that it imports, directly or not."""
        found = [entry]
        for path in found:  # grows meanwhile
            found.extend(imported for imported in self._imports[path] if imported not in found)
        return found

    def _imports_of(self, path: str) -> list[str]:
        """Raises KeyError for an import of a file that does not exist."""
        folder = posixpath.dirname(path)
        code = self._by_path[path].body.decode()
        imported = [posixpath.normpath(posixpath.join(folder, found)) for found in IMPORT.findall(code)]
        for name in imported:
            self._by_path[name]
        return imported

    async def serve(self, request: web.Request) -> web.Response:
        path: str = request.match_info["path"]
        version, _, rest = path.partition("/")
        asset = self._by_path.get(rest if VERSION.fullmatch(version) else path)
        if asset is None:
            raise web.HTTPNotFound
        response = asset.answer(request, FOR_EVER if version == self.version else "no-cache")
        if path.endswith(".js"):  # a worker of an isolated page, like the messenger, must be isolated too
            response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        return response
