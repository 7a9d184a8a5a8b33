"""Who may do what: one table of scopes, which pages, live connections, the command line and API tokens share. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.errors import Forbidden, ScopeMissing
from bot.model.teammate import ApiToken, Teammate, TeammateRole


class Scope(StrEnum):
    """One kind of thing that can be read or changed. The values are public: API tokens name them."""

    READ_CONVERSATIONS = "read_conversations"
    WRITE_CONVERSATIONS = "write_conversations"
    READ_CONTACTS = "read_contacts"
    WRITE_CONTACTS = "write_contacts"
    """Edit a contact and record consent, one contact at a time."""
    BULK_CONTACTS = "bulk_contacts"
    """Change, import, export or erase many contacts at once."""
    MANAGE_SUBSCRIPTIONS = "manage_subscriptions"
    MANAGE_FLOWS = "manage_flows"
    SEND_MESSAGES = "send_messages"
    MANAGE_WORKSPACE = "manage_workspace"
    """Brand, teammates, tokens, the ledger's checks."""


AGENT_SCOPES = frozenset(
    {Scope.READ_CONVERSATIONS, Scope.WRITE_CONVERSATIONS, Scope.READ_CONTACTS, Scope.WRITE_CONTACTS}
)
ROLE_SCOPES = {TeammateRole.ADMIN: frozenset(Scope), TeammateRole.AGENT: AGENT_SCOPES}
GRANTABLE = frozenset({Scope.BULK_CONTACTS})
"""What admins may grant to a single agent."""


def scopes_of(teammate: Teammate) -> frozenset[Scope]:
    """The scopes of their role, and those that an admin granted."""
    return ROLE_SCOPES[teammate.role] | {scope for scope in GRANTABLE if scope in teammate.extra_scopes}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: a teammate in a page, or a program with a token that a teammate made."""

    teammate: Teammate
    scopes: frozenset[Scope]
    token: str = ""
    """The name of the token."""
    token_id: str = ""
    """Its hash."""

    @classmethod
    def signed_in(cls, teammate: Teammate) -> Principal:
        return cls(teammate, scopes_of(teammate))

    @classmethod
    def with_token(cls, teammate: Teammate, token: ApiToken) -> Principal:
        """A token has the scopes that it names and its teammate still has. Scopes that this version does not know are
        ignored.

        A token without scopes was created before they existed: it has all of its teammate's scopes.
        """
        own = scopes_of(teammate)
        named = own if token.scopes is None else own.intersection(token.scopes)
        return cls(teammate, frozenset(named), token.name, token.id)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Forbidden, to a program ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(scope) if self.token else Forbidden
