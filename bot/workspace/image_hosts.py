"""The hosts whose images bots may show in the chat. Each visitor's browser asks that host for the image."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from bot.errors import FormWrong
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store
from bot.workspace.audit import AuditLog

MOST = 20
LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?")
"""A name with a dot, and no IP address: the chat's policy names it."""
NO_HOST = _("Enter one host per line, like cdn.example.com.")
TOO_MANY = _("Enter up to 20 hosts.")


def read_hosts(typed: str) -> tuple[str, ...]:
    """The hosts in a text; of an address that begins with https://, its host. Raises FormWrong."""
    hosts = tuple(dict.fromkeys(map(_host, typed.split())))
    if len(hosts) > MOST:
        raise FormWrong({"image_hosts": TOO_MANY})
    return hosts


def _host(typed: str) -> str:
    address = typed.strip(",;")
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError:  # which UnicodeError is, too
        raise FormWrong({"image_hosts": NO_HOST}) from None
    is_plain = parts.scheme == "https" and port in {None, 443} and "@" not in parts.netloc
    if not is_plain or len(host) > 253 or not HOST.fullmatch(host):
        raise FormWrong({"image_hosts": NO_HOST})
    return host


def image_hosts(setting: str, workspace: Workspace) -> tuple[str, ...]:
    """`SAYSO_IMAGE_HOSTS`, where it names hosts, decides; else the workspace does."""
    return tuple(setting.split()) or workspace.image_hosts


class ImageHosts:
    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._audit = AuditLog(store)

    async def save(self, hosts: tuple[str, ...], by: By) -> None:
        await self._store.workspaces.change({"image_hosts": [*hosts]})
        self._changed()
        await self._audit.record(by, AuditAction.IMAGE_HOSTS_SAVED, detail=", ".join(hosts))
