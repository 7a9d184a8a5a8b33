"""Passkeys as a second factor: adding, signing in and removing; and recovery codes as a fallback."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from bot.errors import LastPasskey, NotFound, PasskeyRefused, TooManyTries
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.teammate import By, Passkey, PasskeyChallenge, Teammate
from bot.store import Duplicate, Store
from bot.store.attempts import RateLimit
from bot.store.passkeys import Removal
from bot.workspace.audit import AuditLog

LASTS = timedelta(minutes=5)
CODES = 10
MOST_WRONG, MINUTES = 10, 15
"""Failed second factors of one teammate, from all addresses. Only someone with their password gets that far."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys belong: a domain, and the origin of the page."""

    domain: str
    origin: str


class PasskeyService:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._table, self._challenges = store.passkeys, store.passkey_challenges
        self._audit = AuditLog(store)

    async def of(self, teammate: str) -> list[Passkey]:
        return await self._table.of(teammate)

    async def start_adding(self, teammate: Teammate, site: Site) -> tuple[str, str]:
        """The challenge's id, and the options for `navigator.credentials.create` as JSON."""
        challenge = await self._challenge(teammate, is_sign_in=False)
        options = generate_registration_options(
            rp_id=site.domain,
            rp_name="Sayso",
            user_id=teammate.id.encode(),
            user_name=teammate.email,
            user_display_name=teammate.name,
            challenge=challenge.value,
            exclude_credentials=[_descriptor(key) for key in await self.of(teammate.id)],
        )
        return challenge.id, options_to_json(options)

    async def add(
        self, teammate: Teammate, challenge: str, credential: str, name: str, site: Site, by: By
    ) -> list[str]:
        """New recovery codes if this is the first passkey. Raises PasskeyRefused."""
        asked = await self._challenges.get(challenge)
        if asked is None or asked.teammate != teammate.id or asked.is_sign_in:
            raise PasskeyRefused
        passkey = _new_passkey(teammate, name, credential, asked.value, site)
        await self._use(asked)
        try:
            is_first = await self._table.add(passkey)
        except Duplicate:
            raise PasskeyRefused from None
        if is_first is None:
            raise PasskeyRefused
        await self._audit.record(by, AuditAction.PASSKEY_ADDED, teammate.email, detail=name)
        return await self.new_codes(teammate, by) if is_first else []

    async def remove(self, teammate: Teammate, id: str, by: By, *, is_required: bool) -> None:
        """Removing the last one also removes the recovery codes. Raises NotFound, and LastPasskey if one
        `is_required`."""
        removal = await self._table.remove(teammate.id, id, now(), keeps_one=is_required)
        if removal is Removal.IS_LAST:
            raise LastPasskey
        if removal is Removal.UNKNOWN:
            raise NotFound
        await self._audit.record(by, AuditAction.PASSKEY_REMOVED, teammate.email)

    async def new_codes(self, teammate: Teammate, by: By) -> list[str]:
        """Replaces the recovery codes. Shown once: only hashes are stored."""
        codes = ["-".join(secrets.token_hex(4) for _part in range(2)) for _code in range(CODES)]
        stored = [_hashed(code) for code in codes]
        await self._store.teammates.update({"_id": teammate.id}, {"$set": {"recovery_codes": stored}})
        await self._audit.record(by, AuditAction.RECOVERY_CODES_CREATED, teammate.email)
        return codes

    async def start_sign_in(self, teammate: Teammate) -> str:
        """The challenge's id, after the password was correct."""
        return (await self._challenge(teammate, is_sign_in=True)).id

    async def sign_in_options(self, challenge: str, site: Site) -> str | None:
        """The options for `navigator.credentials.get` as JSON. None: it was used, or it expired."""
        asked = await self._challenges.get(challenge)
        if asked is None or not asked.is_sign_in or asked.used_at or asked.expires_at < now():
            return None
        options = generate_authentication_options(
            rp_id=site.domain,
            challenge=asked.value,
            allow_credentials=[_descriptor(key) for key in await self.of(asked.teammate)],
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return options_to_json(options)

    async def sign_in(self, challenge: str, credential: str, site: Site) -> Teammate:
        """Raises PasskeyRefused and TooManyTries."""
        asked, teammate = await self._asked(challenge)
        await self._verify(teammate, credential, asked.value, site)
        return await self._passed(asked, teammate)

    async def sign_in_with_code(self, challenge: str, code: str, address: str) -> Teammate:
        """A code works once. Raises PasskeyRefused and TooManyTries."""
        asked, teammate = await self._asked(challenge)
        code = _hashed(code.strip().lower())
        if code not in teammate.recovery_codes:
            raise PasskeyRefused
        await self._passed(asked, teammate)
        if not await self._store.teammates.take_code(teammate.id, code):
            raise PasskeyRefused
        by = By(teammate.id, teammate.name, address)
        await self._audit.record(by, AuditAction.RECOVERY_CODE_USED, teammate.email)
        return teammate

    async def _asked(self, challenge: str) -> tuple[PasskeyChallenge, Teammate]:
        asked = await self._challenges.get(challenge)
        if asked is None or not asked.is_sign_in:
            raise PasskeyRefused
        if wait := await self._store.attempts.take(_limits(asked.teammate)):
            raise TooManyTries(wait)
        teammate = await self._store.teammates.get(asked.teammate)
        if teammate is None or teammate.removed_at or teammate.password_version != asked.password_version:
            raise PasskeyRefused
        return asked, teammate

    async def _passed(self, asked: PasskeyChallenge, teammate: Teammate) -> Teammate:
        await self._use(asked)
        await self._store.attempts.give_back(_limits(teammate.id))
        return teammate

    async def _use(self, asked: PasskeyChallenge) -> None:
        """Raises PasskeyRefused: the same answer was sent twice, or too late."""
        if await self._challenges.use(asked.id, now()) is None:
            raise PasskeyRefused

    async def _verify(self, teammate: Teammate, credential: str, challenge: bytes, site: Site) -> None:
        keys = {key.id: key for key in await self.of(teammate.id)}
        try:
            key = keys[str(_parsed_id(credential))]
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=site.domain,
                expected_origin=site.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            raise PasskeyRefused from None
        change = {"sign_count": verified.new_sign_count, "last_used_at": now()}
        await self._table.update({"_id": key.id}, {"$set": change})

    async def _challenge(self, teammate: Teammate, *, is_sign_in: bool) -> PasskeyChallenge:
        challenge = PasskeyChallenge(
            id=new_id(),
            teammate=teammate.id,
            password_version=teammate.password_version,
            value=secrets.token_bytes(32),
            is_sign_in=is_sign_in,
            expires_at=now() + LASTS,
        )
        await self._challenges.insert(challenge)
        return challenge


def _limits(teammate: str) -> tuple[RateLimit, ...]:
    return (RateLimit("second_factor", (teammate,), MOST_WRONG, MINUTES),)


def _new_passkey(teammate: Teammate, name: str, credential: str, challenge: bytes, site: Site) -> Passkey:
    """Raises PasskeyRefused."""
    try:
        parsed = parse_registration_credential_json(credential)
        verified = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused from None
    return Passkey(
        id=bytes_to_base64url(verified.credential_id),
        teammate=teammate.id,
        name=name,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=tuple(t.value for t in parsed.response.transports or ()),
        created_at=now(),
    )


def _descriptor(key: Passkey) -> PublicKeyCredentialDescriptor:
    known = {t.value: t for t in AuthenticatorTransport}
    transports = [known[name] for name in key.transports if name in known]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id), transports=transports)


def _parsed_id(credential: str) -> object:
    return json.loads(credential)["id"]


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()
