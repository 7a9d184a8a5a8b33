"""The workspace, as all parts of the product read it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import SecretStr

from bot.errors import StoreUnavailable
from bot.model.workspace import IdentitySecret, Workspace
from bot.store import Store


def workspace_loader(store: Store, identity_secret: SecretStr | None) -> Callable[[], Coroutine[Any, Any, Workspace]]:
    """`await load()`: the workspace; `identity_secret` of the settings is valid besides the stored ones. While nothing
    changes it is the same object, so caches keyed by it compare it quickly. Raises StoreUnavailable.
    """
    known: Workspace | None = None

    async def load() -> Workspace:
        nonlocal known
        found = await _stored(store, identity_secret)
        known = known if known == found else found
        return known

    return load


async def _stored(store: Store, identity_secret: SecretStr | None) -> Workspace:
    workspace = await store.workspaces.get("workspace")
    if workspace is None:
        raise StoreUnavailable
    if identity_secret is None:
        return workspace
    fixed = IdentitySecret(id="setting", secret=identity_secret.get_secret_value())
    return workspace.model_copy(update={"identity_secrets": (fixed, *workspace.identity_secrets)})
