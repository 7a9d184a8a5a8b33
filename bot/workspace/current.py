"""The workspace, as all parts of the product read it."""

from __future__ import annotations

from pydantic import SecretStr

from bot.errors import StoreUnavailable
from bot.model.workspace import IdentitySecret, Workspace
from bot.store import Store


async def load_workspace(store: Store, identity_secret: SecretStr | None) -> Workspace:
    """`identity_secret` of the settings is valid besides the stored ones. Raises StoreUnavailable."""
    workspace = await store.workspaces.get("workspace")
    if workspace is None:
        raise StoreUnavailable
    if identity_secret is None:
        return workspace
    fixed = IdentitySecret(id="setting", secret=identity_secret.get_secret_value())
    return workspace.model_copy(update={"identity_secrets": (fixed, *workspace.identity_secrets)})
