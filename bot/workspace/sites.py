"""The sites that may embed the chat, and when each was first seen with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.errors import SiteRefused, TooManySites
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.site import SiteVisit
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store
from bot.store.attempts import RateLimit
from bot.workspace.audit import AuditLog
from bot.workspace.networks import network_of, networks_of

ANY = "*"
MOST = 50
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"(\*\.)?({LABEL}\.)*{LABEL}|\[[0-9a-f:.]+\]")
LONGEST = 300
"""Characters of an origin: a host name has up to 253."""
NOTED_EVERY = timedelta(minutes=1)
"""The shortest interval between two writes of a site's visit."""
MOST_NOTED, MOST_SEEN = 200, 100
"""New origins per minute and process, and origins in total, since any client can name any site. Beyond the total, the
ones not seen for longest are forgotten."""
MOST_NEW, NEW_MINUTES = 5, 24 * 60
"""New sites that one network can add. Sites on the list of allowed ones are always noted."""


def read_sites(typed: str) -> tuple[str, ...]:
    """The origins in a text, one a line. Raises SiteRefused with the first invalid one, and TooManySites."""
    sites = tuple(dict.fromkeys(_origin(line) for line in typed.split() if line != ANY))
    if len(sites) > MOST:
        raise TooManySites(most=str(MOST))
    return sites


def _origin(typed: str) -> str:
    """A host without a scheme means https."""
    address = typed.strip(",;")
    address = address if "://" in address else f"https://{address}"
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError:  # which UnicodeError is, too
        raise SiteRefused(site=typed[:100]) from None
    host = f"[{host}]" if ":" in host else host
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in {"http", "https"} or not is_bare or not HOST.fullmatch(host):
        raise SiteRefused(site=typed[:100])
    is_usual = port in {None, {"http": 80, "https": 443}[parts.scheme]}
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")


def allowed_sites(setting: str, workspace: Workspace) -> tuple[str, ...]:
    """Empty: any site. `SAYSO_SITES`, where it names sites, decides; else the workspace does."""
    return tuple(setting.split()) if setting != ANY else workspace.sites


def matches(site: str, origin: str) -> bool:
    """`https://*.example.com` stands for all hosts below it, as in a Content-Security-Policy."""
    scheme, star, rest = site.partition("*")
    return origin == site if not star else origin.startswith(scheme) and origin.endswith(rest)


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """A site that may embed the chat."""

    site: str
    visit: SiteVisit | None
    """None: it wasn't seen yet."""


class Sites:
    """`changed` is called after each change."""

    def __init__(
        self, store: Store, spawn: Callable[[Coroutine[object, object, None]], None], changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._spawn = spawn
        self._changed = changed
        self._audit = AuditLog(store)
        self._noted: dict[str, tuple[datetime, str]] = {}
        """When, and by which network, an origin was named within the last minute."""

    async def save(self, sites: Sequence[str], by: By) -> None:
        await self._store.workspaces.change({"sites": [*sites]})
        self._changed()
        await self._audit.record(by, AuditAction.SITES_SAVED, detail=", ".join(sites) or ANY)

    def note(self, origin: str, allowed: Sequence[str], address: str) -> None:
        """Records that a page of this origin loaded the chat, as reported by a client at this IP address; empty: the
        address identifies no client."""
        time, noted = now(), self._noted.get(origin)
        if noted and time - noted[0] < NOTED_EVERY:
            return
        is_allowed = not allowed or any(matches(site, origin) for site in allowed)
        if not origin.startswith(("http://", "https://")) or len(origin) > LONGEST or not is_allowed:
            return
        self._noted = {site: noted for site, noted in self._noted.items() if time - noted[0] < NOTED_EVERY}
        network, is_listed = network_of(address), origin in allowed
        others = [by for _, by in self._noted.values()]
        is_free = len(others) < MOST_NOTED and (not network or others.count(network) < MOST_NEW)
        if is_free or is_listed:
            self._noted[origin] = (time, network)
            self._spawn(self._note(origin, time, allowed, "" if is_listed else address))

    async def _note(self, origin: str, at: datetime, allowed: Sequence[str], address: str) -> None:
        visits = self._store.site_visits
        if await visits.get(origin) is None:
            limits = [RateLimit("site", (net,), MOST_NEW * by, NEW_MINUTES) for net, by in networks_of(address)]
            if address and await self._store.attempts.take(limits):
                return
            await visits.make_room(MOST_SEEN, kept=allowed)
        await visits.note(origin, at)

    async def status(self, allowed: Sequence[str]) -> list[SiteStatus]:
        """The allowed sites; if any site is allowed, those that were seen."""
        seen = await self._store.site_visits.newest(limit=MOST_SEEN)
        if not allowed:
            return [SiteStatus(visit.id, visit) for visit in seen]
        found: list[SiteStatus] = []
        for site in allowed:
            visits = [visit for visit in seen if matches(site, visit.id)]
            found += [SiteStatus(visit.id, visit) for visit in visits] or [SiteStatus(site, None)]
        return found
