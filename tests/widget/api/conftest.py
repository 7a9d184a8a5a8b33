"""Programs with tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.model.teammate import Teammate, TeammateRole
from bot.workspace.access import Scope
from tests.widget.api.client import ApiClient
from tests.widget.help import Running

NewClient = Callable[..., Awaitable[ApiClient]]


@pytest.fixture
async def admin(running: Running) -> Teammate:
    return next(t for t in await running.bot.teammates.all() if t.role is TeammateRole.ADMIN)


@pytest.fixture
def new_client(running: Running, admin: Teammate) -> NewClient:
    async def make(scopes: frozenset[Scope] | None = None, days: int | None = None) -> ApiClient:
        token = await running.bot.tokens.make(admin, "Test", scopes=scopes, days=days)
        return ApiClient(running, token)

    return make


@pytest.fixture
async def api(new_client: NewClient) -> ApiClient:
    """A program that may do everything."""
    return await new_client()
