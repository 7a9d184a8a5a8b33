"""What Intercom's requests prove: the client secrets that sign them, two at most, and whether user ids are proven."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable

from bot.errors import NotFound, TooManySecrets
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.canvas_card import CanvasSecret
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store
from bot.workspace.audit import AuditLog

MOST = 2


class CanvasSecrets:
    """`changed` is called after each change."""

    def __init__(
        self, store: Store, workspace: Callable[[], Awaitable[Workspace]], *, changed: Callable[[], None]
    ) -> None:
        self._workspaces, self._workspace, self._changed = store.workspaces, workspace, changed
        self._audit = AuditLog(store)

    async def is_signed(self, body: bytes, signature: str) -> bool:
        """Whether `X-Body-Signature` is the hex HMAC-SHA256 of these bytes under one of the secrets."""
        given = signature.strip().lower().encode(errors="replace")
        secrets = (await self._workspace()).canvas_secrets
        right = [hmac.new(one.secret.encode(), body, hashlib.sha256).hexdigest().encode() for one in secrets]
        return any(hmac.compare_digest(one, given) for one in right)

    async def add(self, secret: str, by: By) -> None:
        """Raises TooManySecrets."""
        new = CanvasSecret(id=new_id(), secret=secret, created_at=now(), created_by=by.name)
        if not await self._workspaces.add_secret(new, most=MOST, field="canvas_secrets"):
            raise TooManySecrets
        self._changed()
        await self._audit.record(by, AuditAction.CANVAS_SECRET_ADDED, new.id)

    async def revoke(self, id: str, by: By) -> None:
        """Raises NotFound."""
        if not await self._workspaces.remove_secret(id, field="canvas_secrets"):
            raise NotFound
        self._changed()
        await self._audit.record(by, AuditAction.CANVAS_SECRET_REVOKED, id)

    async def set_messenger_security(self, is_on: bool, by: By) -> None:
        await self._workspaces.change({"messenger_security": is_on})
        self._changed()
        await self._audit.record(by, AuditAction.MESSENGER_SECURITY_SAVED, detail="on" if is_on else "off")
