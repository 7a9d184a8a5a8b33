"""Drafts of flows: saved as teammates edit, even with faults, and published once they have none."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from bot.errors import Conflict, Invalid, NotFound
from bot.errors import marked as _
from bot.flows.check import BROKEN_TEXT, NO_OBJECT, TOO_DEEP, TOO_LARGE, is_broken, is_too_deep
from bot.flows.publish import NewerVersion
from bot.flows.service import NOTHING_PUBLISHED, FlowService
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.flow import Flow, FlowDraft, FlowVersion, version_id
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditLog

MOST_BYTES = 1_000_000
LONGEST_NAME = 100
BY_SOMEONE = _("Someone saved a newer version.")
UNREADABLE = _("This isn't valid JSON.")


class DraftChanged(Conflict):
    """Someone saved a newer revision: nothing was saved."""

    code = "draft_changed"
    message = _("%(name)s saved a newer version.")

    def __init__(self, newer: FlowDraft) -> None:
        self.newer = newer
        super().__init__(None if newer.by_name else BY_SOMEONE, name=newer.by_name)


class DraftOutdated(Conflict):
    """Another version was published after this draft was started: nothing was published."""

    code = "draft_outdated"
    message = _("Not published: version %(number)s is newer than this draft. To replace it, publish again.")


class FlowDrafts:
    def __init__(self, store: Store, flows: FlowService) -> None:
        self._store, self._flows = store, flows
        self._audit = AuditLog(store)

    async def get(self, flow: str) -> FlowDraft:
        """The saved one. Without unpublished changes, the published version. Raises NotFound."""
        return (await self._of(await self._flows.get(flow)))[0]

    async def save(self, flow: str, text: str, revision: int, by: By) -> FlowDraft:
        """The next revision after this one. Raises NotFound, Invalid and DraftChanged."""
        raw, known = _read(text), await self._flows.get(flow)
        saved = await self._next(known, revision, by, {"text": text})
        await self._rename(known, raw.get("name"))
        # One entry for each teammate who worked on a version: a draft is saved every few words.
        key = f"{flow}:{saved.base}:{by.id}"
        await self._audit.record(by, AuditAction.FLOW_EDITED, known.name, key=key)
        return saved

    async def publish(self, flow: str, revision: int, by: By, *, replaces: int = 0, note: str = "") -> FlowVersion:
        """Makes this revision the newest version. A flow that was never published goes live with it. `replaces`: the
        version that the teammate knows to be newer than the draft; `note`: what changed, in their words. Raises
        NotFound, FlowFaulty, DraftOutdated, and DraftChanged if it isn't the newest revision."""
        known = await self._flows.get(flow)
        draft, _stored = await self._of(known)
        if draft.revision != revision:
            raise DraftChanged(draft)
        if draft.base < known.version != replaces:
            raise DraftOutdated(number=str(known.version))
        try:
            version = await self._flows.publish(flow, draft.text, by, note=note, after=known.version)
        except NewerVersion as newer:
            raise DraftOutdated(number=str(newer.version)) from None
        if known.state == "draft":
            await self._flows.set_state(flow, "live", by)
        change = {"$set": {"base": version.version, "published": revision}}
        await self._store.flow_drafts.update({"_id": flow, "revision": revision}, change)
        return version

    async def as_file(self, flow: str) -> str:
        """The published version as a file; of a flow that was never published, its draft, which may have faults. Raises
        NotFound."""
        if (await self._flows.get(flow)).version:
            return (await self._flows.document(flow)).as_file()
        return json.dumps(json.loads((await self.get(flow)).text), ensure_ascii=False, indent=2) + "\n"

    async def duplicate(self, flow: str, name: str, by: By, *, key: str | None = None) -> Flow:
        """A draft with the published document; of a flow that was never published, with its draft. Once for all calls
        with this key. Raises NotFound, FlowFaulty, and Invalid if there are too many flows."""
        if (await self._flows.get(flow)).version:
            return await self._flows.duplicate(flow, name, by, key=key)
        return await self.copy((await self.get(flow)).text, name, by, key=key)

    async def copy(self, text: str, name: str, by: By, *, key: str | None = None) -> Flow:
        """A flow with this draft, once for all calls with this key. Raises Invalid."""
        text = json.dumps({**_read(text), "name": name}, ensure_ascii=False)
        made = await self._flows.create_empty(name, by, id=key)
        draft = FlowDraft(id=made.id, text=text, revision=1, base=0, by=by.id, by_name=by.name, saved_at=now())
        await self._store.flow_drafts.keep(draft)
        return made

    async def discard(self, flow: str, revision: int, by: By) -> FlowDraft:
        """Goes back to the published version. Raises NotFound, Invalid and DraftChanged."""
        known = await self._flows.get(flow)
        if not known.version:
            raise Invalid(NOTHING_PUBLISHED)
        published = await self._published(known)
        text = {"text": published.text, "base": known.version, "published": revision + 1}
        saved = await self._next(known, revision, by, text)
        await self._audit.record(by, AuditAction.FLOW_DRAFT_DISCARDED, known.name)
        return saved

    async def _next(self, flow: Flow, revision: int, by: By, values: dict[str, object]) -> FlowDraft:
        draft, stored = await self._of(flow)
        who = {"revision": revision + 1, "by": by.id, "by_name": by.name, "saved_at": now()}
        saved = draft.model_copy(update={**values, **who})
        if draft.revision != revision or not await self._store.flow_drafts.save(saved, stored):
            raise DraftChanged(await self.get(draft.id))
        return saved

    async def _of(self, flow: Flow) -> tuple[FlowDraft, int]:
        """The draft, and the revision that is stored; 0: none.

        A version that was published without this draft is a revision of its own, so that an editor which still shows
        the one before can't save over it.
        """
        saved = await self._store.flow_drafts.get(flow.id)
        if saved is None:
            return await self._published(flow, flow.version), 0
        if saved.is_published and saved.base < flow.version:
            return await self._published(flow, saved.revision + flow.version - saved.base), saved.revision
        return saved, saved.revision

    async def _published(self, flow: Flow, revision: int = 0) -> FlowDraft:
        """The published version as a draft; of a new flow, one with nothing but its name."""
        found = await self._store.flow_versions.get(version_id(flow.id, flow.version)) if flow.version else None
        if flow.version and not found:
            raise NotFound
        document = {**(found.document if found else {"steps": []}), "name": flow.name}
        return FlowDraft(
            id=flow.id,
            text=json.dumps(document, ensure_ascii=False),
            revision=revision,
            published=revision,
            base=flow.version,
            by=found.by if found else "",
            by_name=found.by_name if found else "",
            saved_at=flow.updated_at,
        )

    async def _rename(self, flow: Flow, name: object) -> None:
        """Its name is for teammates and changes at once; the rest of a draft, when it is published."""
        if isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME and name.strip() != flow.name:
            await self._store.flows.update({"_id": flow.id}, {"$set": {"name": name.strip()}})


def _read(text: str) -> dict[str, Any]:
    """Raises Invalid for what a browser couldn't read back, or what would take too long to check."""
    if len(text.encode()) > MOST_BYTES:
        size, most = f"{len(text) / 1000:,.0f}", f"{MOST_BYTES / 1000:,.0f}"
        raise Invalid(TOO_LARGE, size=size, most=most)
    raw = _parsed(text)
    if not isinstance(raw, dict):
        raise Invalid(NO_OBJECT)
    if is_too_deep(raw):
        raise Invalid(TOO_DEEP)
    if is_broken(raw):
        raise Invalid(BROKEN_TEXT)
    return raw


def name_in(text: str) -> str:
    """The name of the flow; empty: it has none. Raises Invalid."""
    name = _read(text).get("name")
    return name.strip() if isinstance(name, str) else ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise Invalid(TOO_DEEP) from None
    except ValueError:
        raise Invalid(UNREADABLE) from None


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)
