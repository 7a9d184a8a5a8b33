"""Teammates: accounts, sign-in, roles, adding and removing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.consent.numbers import is_email
from bot.errors import (
    EmailRefused,
    FormWrong,
    LastAdmin,
    NotFound,
    OwnSignIn,
    SignInRefused,
    TeammateExists,
    TooManyTries,
)
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.teammate import By, LinkPurpose, Teammate, TeammateRole
from bot.store import Duplicate, Store
from bot.store.attempts import RateLimit
from bot.workspace.access import GRANTABLE, Scope
from bot.workspace.audit import COMMAND_LINE, AuditLog
from bot.workspace.networks import network_of, networks_of
from bot.workspace.passwords import Passwords, checked
from bot.workspace.profile import TeammateProfile

MINUTES = 15
"""The longest time that failed attempts by others lock a teammate out."""
MOST_WRONG_FROM_HERE, MOST_WRONG_OF_ADDRESS, MOST_WRONG_OF_EMAIL = 5, 50, 40
"""Failed attempts for one email from one address; from one address (an office behind a router); for one email from all
addresses.

A stranger needs eight addresses to reach the last limit: with one, they lock out only themselves. So does a whole IPv6
/48, which may have four times as many.
"""


@dataclass(frozen=True, slots=True)
class Device:
    """A browser where the teammate signed in before, with this version of their password."""

    id: str
    password_version: int


class TeammateService:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.teammates
        self._passwords = Passwords()
        self._audit = AuditLog(store)

    async def get(self, id: str) -> Teammate | None:
        """None also for a removed teammate."""
        found = await self._table.get(id)
        return found if found and not found.removed_at else None

    async def all(self) -> list[Teammate]:
        return await self._table.present(limit=500)

    async def are_there_any(self, *, with_demo: bool) -> bool:
        """Whether anybody can sign in; counts demo teammates only `with_demo`."""
        return any(with_demo or not teammate.is_demo for teammate in await self._table.present(limit=10))

    async def sign_in(
        self, email: str, password: str, *, address: str, is_local: bool, device: Device | None = None
    ) -> Teammate:
        """The teammate with this email and password. `is_local`: the request comes from this machine, which demo
        accounts require. `device`: where this teammate signed in before. With the present password, attempts elsewhere
        don't count there.

        Raises TooManyTries (for the correct password too) and SignInRefused, the same for every reason.
        """
        email = cleaned(email)
        found = await self._table.by_email(email) if email else None
        is_known = bool(device and found and device.password_version == found.password_version)
        network = network_of(address)
        limits = _limits_of(email, device) if device and is_known else _limits(email, address)
        async with self._passwords.turn(f"{device.id} {email}" if device and is_known else network):
            if wait := await self._store.attempts.take(limits):
                raise TooManyTries(wait)
            known = found if found and not found.removed_at and (is_local or not found.is_demo) else None
            hash = known.password_hash if known else None
            is_right = await self._passwords.is_right(hash, password, is_known_device=is_known)
        if not is_right or known is None:
            raise SignInRefused
        await self._store.attempts.give_back(limits)
        await self._renew(known, password)
        return known

    async def add(
        self, email: str, role: TeammateRole, password: str, *, name: str = "", by: By | None = COMMAND_LINE
    ) -> Teammate:
        """Raises EmailRefused, PasswordTooShort, PasswordGuessable and TeammateExists. A removed teammate gets their
        old account back. `by`: None: the teammate joins by themselves.
        """
        email, time = cleaned(email), now()
        if not is_email(email):
            raise EmailRefused
        teammate = Teammate(
            id=new_id(),
            email=email,
            name=name.strip() or email.partition("@")[0],
            role=role,
            password_hash=await self._passwords.hash(checked(password, email, name)),
            created_at=time,
            updated_at=time,
        )
        try:
            await self._table.insert(teammate)
        except Duplicate:
            teammate = await self._come_back(teammate)
        if by:
            await self._audit.record(by, AuditAction.TEAMMATE_ADDED, email, detail=role)
        return teammate

    async def set_password(self, email: str, password: str, by: By = COMMAND_LINE) -> Teammate:
        """Ends all of the teammate's sessions. Raises NotFound, PasswordTooShort and PasswordGuessable."""
        teammate = await self.named(email)
        await self.store_password(teammate, password)
        await self._audit.record(by, AuditAction.PASSWORD_CHANGED, email)
        return teammate

    async def change_password(self, teammate: Teammate, current: str, password: str, by: By) -> int:
        """The version of the new password: sessions with an older one have ended. Raises FormWrong and TooManyTries."""
        await self.check_password(teammate, current)
        await self.store_password(teammate, password)
        await self._audit.record(by, AuditAction.PASSWORD_CHANGED, teammate.email)
        return teammate.password_version + 1

    async def check_password(self, teammate: Teammate, current: str) -> None:
        """Asks somebody who is signed in for their password. Raises FormWrong and TooManyTries."""
        limit = RateLimit("own_password", (teammate.id,), MOST_WRONG_FROM_HERE, MINUTES)
        if wait := await self._store.attempts.take([limit]):
            raise TooManyTries(wait)
        if not await self._passwords.is_right(teammate.password_hash, current):
            raise FormWrong({"current": _("Incorrect password.")})
        await self._store.attempts.give_back([limit])

    async def set_role(self, id: str, role: TeammateRole, by: By) -> Teammate:
        """Applies from their next request. Raises NotFound and LastAdmin."""
        teammate = await self.present(id)
        if teammate.role is role:
            return teammate
        change = {"$set": {"role": role, "updated_at": now()}}
        if not teammate.is_admin:
            await self._table.update({"_id": id}, change)
        elif not await self._table.change_admin(id, change):
            raise LastAdmin
        await self._audit.record(by, AuditAction.ROLE_CHANGED, teammate.email, detail=role)
        return teammate.model_copy(update={"role": role})

    async def grant(self, id: str, scopes: Collection[Scope], by: By) -> Teammate:
        """Sets what the teammate may do beyond their role; applies from their next request. Raises NotFound."""
        teammate, granted = await self.present(id), tuple(sorted(GRANTABLE.intersection(scopes)))
        if teammate.extra_scopes == granted:
            return teammate
        await self._table.update({"_id": id}, {"$set": {"extra_scopes": granted, "updated_at": now()}})
        await self._audit.record(by, AuditAction.PERMISSIONS_CHANGED, teammate.email, detail=", ".join(granted))
        return teammate.model_copy(update={"extra_scopes": granted})

    async def seen(self, id: str, session: str, address: str) -> None:
        values = {"last_seen_at": now()}
        await self._table.update({"_id": id}, {"$set": values})
        await self._store.sessions.update({"_id": session}, {"$set": {**values, "address": address}})

    async def save_profile(self, teammate: Teammate, profile: TeammateProfile, by: By) -> None:
        values = profile.model_dump()
        changed = [name for name, value in values.items() if getattr(teammate, name) != value]
        await self._table.update({"_id": teammate.id}, {"$set": {**values, "updated_at": now()}})
        await self._audit.record(by, AuditAction.PROFILE_SAVED, teammate.email, detail=", ".join(changed))

    async def choose_columns(self, teammate: str, columns: Sequence[str]) -> None:
        """What their list of contacts shows from now on."""
        await self._table.update({"_id": teammate}, {"$set": {"contact_columns": [*columns]}})

    async def remove(self, email: str, by: By = COMMAND_LINE, *, also_the_last_admin: bool = False) -> Teammate:
        """Ends their sessions, revokes their API tokens and unassigns their conversations. Raises NotFound,
        LastAdmin."""
        teammate, time = await self.named(email), now()
        values = {"removed_at": time, "updated_at": time, "password_hash": ""}
        change = {"$set": values, "$inc": {"password_version": 1}, "$unset": {"extra_scopes": ""}}
        if not teammate.is_admin or also_the_last_admin:
            await self._table.update({"_id": teammate.id}, change)
        elif not await self._table.change_admin(teammate.id, change):
            raise LastAdmin
        await self._store.passkeys.remove_all(teammate.id, time)
        await self._store.account_links.revoke_all(LinkPurpose.PASSWORD, teammate.email, time)
        await self._store.api_tokens.revoke_all(teammate.id, time)
        await self._store.conversations.unassign_all(teammate.id)
        await self._audit.record(by, AuditAction.TEAMMATE_REMOVED, teammate.email)
        return teammate

    async def reset_second_factor(self, email: str, by: By = COMMAND_LINE) -> Teammate:
        """Removes all passkeys and recovery codes of someone who lost them. Raises NotFound and OwnSignIn."""
        teammate = await self.named(email)
        if teammate.id == by.id:
            raise OwnSignIn
        await self._store.passkeys.remove_all(teammate.id, now())
        await self._audit.record(by, AuditAction.SECOND_FACTOR_RESET, teammate.email)
        return teammate

    async def present(self, id: str) -> Teammate:
        """Raises NotFound, also for a removed teammate."""
        found = await self.get(id)
        if found is None:
            raise NotFound
        return found

    async def named(self, email: str) -> Teammate:
        """Raises NotFound."""
        found = await self._table.by_email(cleaned(email))
        if found is None or found.removed_at:
            raise NotFound
        return found

    async def _come_back(self, wanted: Teammate) -> Teammate:
        kept = await self._table.by_email(wanted.email)
        if kept is None or not kept.removed_at:
            raise TeammateExists
        change = wanted.model_dump(include={"name", "role", "password_hash", "updated_at"})
        await self._table.update(
            {"_id": kept.id, "removed_at": kept.removed_at}, {"$set": change, "$unset": {"removed_at": ""}}
        )
        return await self.named(wanted.email)

    async def store_password(self, teammate: Teammate, password: str) -> None:
        hash = await self._passwords.hash(checked(password, teammate.email, teammate.name))
        change = {"password_hash": hash, "updated_at": now()}
        await self._table.update({"_id": teammate.id}, {"$set": change, "$inc": {"password_version": 1}})

    async def _renew(self, teammate: Teammate, password: str) -> None:
        """Hashes the password again after the parameters have changed. Demo hashes are cheap on purpose."""
        if teammate.is_demo or not self._passwords.is_old(teammate.password_hash):
            return
        hash = await self._passwords.hash(password)
        match = {"_id": teammate.id, "password_hash": teammate.password_hash}
        await self._table.update(match, {"$set": {"password_hash": hash}})


def cleaned(email: str) -> str:
    return email.strip().lower()[:254]


def _limits(email: str, address: str) -> tuple[RateLimit, ...]:
    """In this order, so that attempts beyond one address's limit don't count against the email."""
    networks = networks_of(address)
    here = (RateLimit("sign_in_here", (email, net), MOST_WRONG_FROM_HERE * by, MINUTES) for net, by in networks)
    place = (RateLimit("sign_in_address", (net,), MOST_WRONG_OF_ADDRESS * by, MINUTES) for net, by in networks)
    return (*here, *place, RateLimit("sign_in_email", (email,), MOST_WRONG_OF_EMAIL, MINUTES))


def _limits_of(email: str, device: Device) -> tuple[RateLimit, ...]:
    """Attempts of a known device alone: nobody else can use them up, even in the same office."""
    return (RateLimit("sign_in_device", (email, device.id), MOST_WRONG_FROM_HERE, MINUTES),)
