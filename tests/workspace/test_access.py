"""One table says who may do what; tokens never reach beyond their teammate."""

from __future__ import annotations

import pytest

from bot.errors import Forbidden, ScopeMissing
from bot.model.base import now
from bot.model.teammate import ApiToken, Teammate, TeammateRole
from bot.workspace.access import AGENT_SCOPES, ROLE_SCOPES, Principal, Scope


def teammate(role: TeammateRole) -> Teammate:
    time = now()
    return Teammate(
        id="t", email="t@example.com", name="T", role=role, password_hash="x", created_at=time, updated_at=time
    )


def token(scopes: tuple[str, ...] | None) -> ApiToken:
    return ApiToken(id="k", name="K", teammate="t", scopes=scopes, created_at=now())


ADA, BEN = teammate(TeammateRole.ADMIN), teammate(TeammateRole.AGENT)


def test_every_role_has_its_scopes() -> None:
    assert set(ROLE_SCOPES) == set(TeammateRole)
    assert ROLE_SCOPES[TeammateRole.ADMIN] == set(Scope)


@pytest.mark.parametrize("scope", Scope)
def test_an_agent_may_only_what_agents_do(scope: Scope) -> None:
    ben = Principal.signed_in(BEN)
    if scope in AGENT_SCOPES:
        ben.require(scope)
    else:
        with pytest.raises(Forbidden):
            ben.require(scope)


def test_an_agent_may_not_change_many_contacts_at_once() -> None:
    assert Scope.BULK_CONTACTS not in AGENT_SCOPES


def test_an_agent_may_what_an_admin_granted_and_so_may_their_token() -> None:
    eve = BEN.model_copy(update={"extra_scopes": ("bulk_contacts", "manage_workspace", "fly")})
    assert Principal.signed_in(eve).scopes == AGENT_SCOPES | {Scope.BULK_CONTACTS}
    assert Principal.with_token(eve, token((Scope.BULK_CONTACTS,))).may(Scope.BULK_CONTACTS)


def test_a_token_does_only_what_it_names() -> None:
    who = Principal.with_token(ADA, token((Scope.READ_CONTACTS,)))
    who.require(Scope.READ_CONTACTS)
    with pytest.raises(ScopeMissing) as refused:
        who.require(Scope.WRITE_CONTACTS)
    assert refused.value.scope == "write_contacts"


def test_a_token_reaches_no_further_than_its_teammate() -> None:
    """Also when it named more while the teammate was an admin."""
    who = Principal.with_token(BEN, token(tuple(Scope)))
    assert who.scopes == AGENT_SCOPES


def test_a_token_without_scopes_may_what_its_teammate_may() -> None:
    assert Principal.with_token(BEN, token(None)).scopes == AGENT_SCOPES


def test_a_token_with_no_scope_may_nothing() -> None:
    assert Principal.with_token(ADA, token(())).scopes == frozenset()


def test_an_unknown_scope_is_ignored() -> None:
    assert Principal.with_token(ADA, token(("fly",))).scopes == frozenset()
