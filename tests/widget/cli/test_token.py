"""`sayso token`: API tokens, as an owner makes them on the machine where Sayso runs."""

from __future__ import annotations

import pytest

from bot.errors import TokenRefused
from bot.model.base import new_id
from bot.model.teammate import TeammateRole
from bot.store import Store
from bot.workspace.teammates import TeammateService
from bot.workspace.tokens import Tokens, hashed
from tests.conftest import eventually
from tests.widget.cli.conftest import Invoke

ADA, BEN = "ada@harbor.example", "ben@harbor.example"


@pytest.fixture
async def team(kept: Store) -> TeammateService:
    service = TeammateService(kept)
    await service.add(ADA, TeammateRole.ADMIN, "a password of Ada's", name="Ada")
    await service.add(BEN, TeammateRole.AGENT, "a password of Ben's", name="Ben")
    return service


@pytest.mark.usefixtures("team")
async def test_a_token_is_created_listed_and_revoked(invoke: Invoke, kept: Store) -> None:
    assert "No API tokens yet" in (await invoke("token", "list")).out
    name = f"CI {new_id()}"
    ran = await invoke("token", "create", name, "--teammate", ADA.upper(), "--scope", "read_contacts", "--days", "30")
    token = ran.out.strip()
    assert (ran.code, ran.err, token[:6]) == (0, "", "sayso_")
    who = await Tokens(kept).principal(token, is_local=False)
    assert (who.teammate.email, [*who.scopes]) == (ADA, ["read_contacts"])
    listed = (await invoke("token", "list")).out
    assert f"{hashed(token)[:12]}  {name}  read_contacts  active until 20" in listed
    assert token not in listed
    assert (await invoke("token", "revoke", hashed(token)[:12])).out == f"Revoked {name}.\n"

    async def is_refused() -> bool:
        """What another process revoked is refused after a second."""
        try:
            await Tokens(kept).principal(token, is_local=False)
        except TokenRefused:
            return True
        return False

    await eventually(is_refused)
    assert "  revoked\n" in (await invoke("token", "list")).out


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("create", "CI", "--teammate", "nobody@harbor.example"), "No teammate has this email"),
        (("create", "CI", "--teammate", BEN, "--scope", "manage_workspace"), "doesn't have these permissions"),
        (("create", " ", "--teammate", ADA), "Use a name of up to 120 characters."),
        (("revoke", "000000000000"), "No token, or more than one, has this id."),
        (("revoke", ""), "No token, or more than one, has this id."),
    ],
)
async def test_what_can_t_be_done_is_said(invoke: Invoke, kept: Store, arguments: tuple[str, ...], why: str) -> None:
    ran = await invoke("token", *arguments)
    assert (ran.code, ran.out, why in ran.err) == (1, "", True)
    assert await Tokens(kept).all() == []
