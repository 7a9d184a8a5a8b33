"""Teammates: accounts, sign-in, adding and removing."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from bot.consent.numbers import is_email
from bot.errors import EmailRefused, LastAdmin, NotFound, SignInRefused, TeammateExists, TooManyTries
from bot.model.base import new_id, now
from bot.model.teammate import Teammate, TeammateRole
from bot.store import Duplicate, Store
from bot.store.attempts import RateLimit
from bot.workspace.passwords import Passwords, checked

MINUTES = 15
"""A teammate is locked out no longer than this, whoever tried their email."""
MOST_WRONG_FROM_HERE, MOST_WRONG_OF_ADDRESS, MOST_WRONG_OF_EMAIL = 5, 50, 40
"""Failed attempts for one email from one address; from one address (an office behind a router); for one email from all
addresses.

A stranger needs eight addresses to reach the last limit: with one, they lock out only themselves.
"""


class TeammateService:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.teammates
        self._passwords = Passwords()

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
        self, email: str, password: str, *, address: str, is_local: bool, is_known_device: bool = False
    ) -> Teammate:
        """The one whose email and password these are.

        `is_local`: asked from this machine itself, as a demo's people must. `is_known_device`: this teammate signed in
        there before, so strangers' attempts don't lock them out.

        Raises TooManyTries (for the correct password too) and SignInRefused, the same for every reason.
        """
        email = cleaned(email)
        network = network_of(address)
        limits = _limits(email, network, is_known_device=is_known_device)
        async with self._passwords.turn(f"{network} {email}" if is_known_device else network):
            if wait := await self._store.attempts.take(limits):
                raise TooManyTries(wait)
            found = await self._table.by_email(email) if email else None
            known = found if found and not found.removed_at and (is_local or not found.is_demo) else None
            hash = known.password_hash if known else None
            is_right = await self._passwords.is_right(hash, password, is_known_device=is_known_device)
        if not is_right or known is None:
            raise SignInRefused
        await self._store.attempts.give_back(limits)
        await self._renew(known, password)
        return known

    async def add(self, email: str, role: TeammateRole, password: str, *, name: str = "") -> Teammate:
        """Raises EmailRefused, PasswordTooShort, TeammateExists. A removed teammate gets their old account back."""
        email, time = cleaned(email), now()
        if not is_email(email):
            raise EmailRefused
        teammate = Teammate(
            id=new_id(),
            email=email,
            name=name.strip() or email.partition("@")[0],
            role=role,
            password_hash=await self._passwords.hash(checked(password)),
            created_at=time,
            updated_at=time,
        )
        with suppress(Duplicate):
            await self._table.insert(teammate)
            return teammate
        return await self._come_back(teammate)

    async def set_password(self, email: str, password: str) -> Teammate:
        """Ends all of the teammate's sessions. Raises NotFound, PasswordTooShort."""
        teammate = await self.named(email)
        change = {"password_hash": await self._passwords.hash(checked(password)), "updated_at": now()}
        await self._table.update({"_id": teammate.id}, {"$set": change, "$inc": {"password_version": 1}})
        return teammate

    async def remove(self, email: str, *, also_the_last_admin: bool = False) -> Teammate:
        """Ends their sessions, revokes their API tokens and unassigns their conversations. Raises NotFound,
        LastAdmin."""
        teammate, time = await self.named(email), now()
        if teammate.is_admin and not also_the_last_admin and len(await self._table.admins(limit=2)) < 2:
            raise LastAdmin
        change = {"removed_at": time, "updated_at": time, "password_hash": ""}
        await self._table.update({"_id": teammate.id}, {"$set": change, "$inc": {"password_version": 1}})
        await self._store.api_tokens.revoke_all(teammate.id, time)
        await self._store.conversations.unassign_all(teammate.id)
        return teammate

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

    async def _renew(self, teammate: Teammate, password: str) -> None:
        """Hashes the password again after the parameters have changed. Demo hashes are cheap on purpose."""
        if teammate.is_demo or not self._passwords.is_old(teammate.password_hash):
            return
        hash = await self._passwords.hash(password)
        match = {"_id": teammate.id, "password_hash": teammate.password_hash}
        await self._table.update(match, {"$set": {"password_hash": hash}})


def cleaned(email: str) -> str:
    return email.strip().lower()[:254]


def network_of(address: str) -> str:
    """What an IP address is limited by: for IPv6 the /64 network, since one line owns all of it."""
    with suppress(ValueError):
        ip = ipaddress.ip_address(address)
        if ip.version == 6:
            return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return address


def _limits(email: str, network: str, *, is_known_device: bool) -> tuple[RateLimit, ...]:
    """In this order, so that attempts beyond one address's limit don't count against the email."""
    here = RateLimit("sign_in_here", (email, network), MOST_WRONG_FROM_HERE, MINUTES)
    if is_known_device:
        return (here,)
    return (
        here,
        RateLimit("sign_in_address", (network,), MOST_WRONG_OF_ADDRESS, MINUTES),
        RateLimit("sign_in_email", (email,), MOST_WRONG_OF_EMAIL, MINUTES),
    )
