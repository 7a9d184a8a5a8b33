"""Links that admins hand out: to join the workspace, and to set a new password. Signed, single use, expiring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from bot.consent.numbers import is_email
from bot.errors import EmailRefused, FormWrong, LinkExpired, NotFound, OwnSignIn, TeammateExists, TooManyTries
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.teammate import AccountLink, By, LinkPurpose, Teammate, TeammateRole
from bot.store import Store
from bot.store.attempts import RateLimit
from bot.workspace.audit import AuditLog
from bot.workspace.passwords import checked
from bot.workspace.teammates import TeammateService, cleaned

LASTS = {LinkPurpose.JOIN: timedelta(days=7), LinkPurpose.PASSWORD: timedelta(days=1)}
MOST_TRIES, MINUTES = 20, 15
"""Forms sent with one link: rating a password takes processor time."""


class AccountLinks:
    def __init__(self, store: Store, teammates: TeammateService, serializer: URLSafeTimedSerializer) -> None:
        self._table, self._teammates, self._attempts = store.account_links, teammates, store.attempts
        self._serializer = serializer
        self._audit = AuditLog(store)

    def token(self, link: AccountLink) -> str:
        return str(self._serializer.dumps(link.id))

    async def invite(self, email: str, role: TeammateRole, by: By) -> AccountLink:
        """Replaces an earlier invitation of this email. Raises FormWrong."""
        email = cleaned(email)
        if not is_email(email):
            raise FormWrong({"email": EmailRefused.message})
        if await self._exists(email):
            raise FormWrong({"email": TeammateExists.message})
        link = await self._make(LinkPurpose.JOIN, email, by, role=role)
        await self._audit.record(by, AuditAction.TEAMMATE_INVITED, email, detail=role)
        return link

    async def invitations(self) -> list[AccountLink]:
        found = await self._table.unused(LinkPurpose.JOIN, now())
        are_good = await asyncio.gather(*map(self._has_rights, found))
        return [link for link, is_good in zip(found, are_good, strict=True) if is_good]

    async def revoke_invitation(self, id: str, by: By) -> None:
        """Raises NotFound."""
        link = await self._table.get(id)
        if link is None or link.purpose is not LinkPurpose.JOIN:
            raise NotFound
        if await self._table.revoke(id, now()):
            await self._audit.record(by, AuditAction.INVITATION_REVOKED, link.email)

    async def reset_password(self, teammate: Teammate, by: By) -> AccountLink:
        """A link for this teammate to set a new password; the old one works until then. Raises OwnSignIn."""
        if teammate.id == by.id:
            raise OwnSignIn
        link = await self._make(
            LinkPurpose.PASSWORD,
            teammate.email,
            by,
            teammate=teammate.id,
            password_version=teammate.password_version,
        )
        await self._audit.record(by, AuditAction.PASSWORD_LINK_CREATED, teammate.email)
        return link

    async def password_link(self, teammate: Teammate) -> AccountLink | None:
        """The one that still works."""
        found = await self._table.unused(LinkPurpose.PASSWORD, now(), email=teammate.email, limit=5)
        for link in found:
            if link.password_version == teammate.password_version and await self._has_rights(link):
                return link
        return None

    async def read(self, token: str, purpose: LinkPurpose) -> AccountLink:
        """Raises LinkExpired."""
        try:
            id = self._serializer.loads(token, max_age=int(LASTS[purpose].total_seconds()))
        except BadData:
            raise LinkExpired from None
        link = await self._table.get(str(id))
        if link is None or link.purpose is not purpose or link.used_at or link.expires_at <= now():
            raise LinkExpired
        if not await self._has_rights(link):
            raise LinkExpired
        if purpose is LinkPurpose.PASSWORD:
            teammate = await self._teammates.get(link.teammate)
            if teammate is None or teammate.password_version != link.password_version:
                raise LinkExpired
        return link

    async def join(self, token: str, name: str, password: str, address: str) -> Teammate:
        """Raises LinkExpired, TooManyTries, TeammateExists, PasswordTooShort and PasswordGuessable."""
        async with self._taken(token, LinkPurpose.JOIN, password, name) as link:
            role = link.role or TeammateRole.AGENT
            teammate = await self._teammates.add(link.email, role, password, name=name, by=None)
        by = By(teammate.id, teammate.name, address)
        await self._audit.record(by, AuditAction.TEAMMATE_JOINED, link.email, detail=link.role or "")
        return teammate

    async def set_password(self, token: str, password: str, address: str) -> Teammate:
        """Ends all of the teammate's sessions. Raises LinkExpired, TooManyTries, PasswordTooShort and
        PasswordGuessable."""
        async with self._taken(token, LinkPurpose.PASSWORD, password) as link:
            teammate = await self._teammates.present(link.teammate)
            await self._teammates.store_password(teammate, password)
        await self._audit.record(By(teammate.id, teammate.name, address), AuditAction.PASSWORD_RESET, teammate.email)
        return await self._teammates.present(teammate.id)

    @asynccontextmanager
    async def _taken(
        self, token: str, purpose: LinkPurpose, password: str, name: str = ""
    ) -> AsyncIterator[AccountLink]:
        """Uses up the link once the password is accepted, and restores it if the block fails. Refused passwords don't
        use it up; their number is limited."""
        link = await self.read(token, purpose)
        if wait := await self._attempts.take([RateLimit("account_link", (link.id,), MOST_TRIES, MINUTES)]):
            raise TooManyTries(wait)
        checked(password, link.email, name)
        if not await self._table.use(link.id, now()):
            raise LinkExpired
        try:
            yield link
        except BaseException:
            await self._table.give_back(link.id)
            raise

    async def _has_rights(self, link: AccountLink) -> bool:
        """Whether its maker is still an admin, or it was made on the command line."""
        maker = await self._teammates.get(link.by) if link.by else None
        return not link.by or (maker is not None and maker.is_admin)

    async def _exists(self, email: str) -> bool:
        try:
            await self._teammates.named(email)
        except NotFound:
            return False
        return True

    async def _make(
        self,
        purpose: LinkPurpose,
        email: str,
        by: By,
        *,
        role: TeammateRole | None = None,
        teammate: str = "",
        password_version: int = 0,
    ) -> AccountLink:
        time = now()
        link = AccountLink(
            id=new_id(),
            purpose=purpose,
            email=email,
            role=role,
            teammate=teammate,
            password_version=password_version,
            by=by.id,
            by_name=by.name,
            created_at=time,
            expires_at=time + LASTS[purpose],
        )
        await self._table.revoke_all(purpose, email, time)
        await self._table.insert(link)
        return link
