"""Who the site says is signed in, and what its signature covers: a JWT (`user_jwt`), or the HMAC of the id alone
(`user_hash`). Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import jwt
from jwt.types import Options

from bot.consent.numbers import is_email
from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.workspace import IdentitySecret

LEEWAY = 60
"""Seconds by which the site's clock may differ from ours."""
LONGEST = 320
"""Characters of an id, a name or an email address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user of the site, proven by its signature."""

    user_id: str
    secret: str
    """Id of the secret that signed it."""
    name: str | None = None
    email: str | None = None
    signed: frozenset[str] = frozenset()
    """Which of `name` and `email` the signature covers."""
    is_expired: bool = False

    @property
    def unverified(self) -> dict[str, str]:
        """Values that anybody could have typed into the page's settings."""
        given = {"name": self.name, "email": self.email}
        return {field: value for field, value in given.items() if value and field not in self.signed}


def proven_by_hash(
    user_id: str, user_hash: str, secrets: Sequence[IdentitySecret], *, name: str | None, email: str | None
) -> Identity:
    """Raises Invalid."""
    for secret in secrets:
        if is_proven(user_id, user_hash, secret.secret):
            return Identity(user_id=user_id, secret=secret.id, name=name, email=email)
    raise Invalid(_("Invalid user signature (user_hash)."))


def proven_by_token(token: str, secrets: Sequence[IdentitySecret], *, name: str | None, email: str | None) -> Identity:
    """`name` and `email` of the settings are used where the token has none. Raises Invalid."""
    for secret in secrets:
        with suppress(jwt.InvalidTokenError):
            claims, is_expired = _claims(token, secret.secret)
            return _identity(claims, secret.id, name, email, is_expired=is_expired)
    raise Invalid(_("Invalid user token (user_jwt)."))


def is_proven(user_id: str, user_hash: str, secret: str) -> bool:
    """`user_hash` is the hex HMAC-SHA256 of the user id under an identity secret."""
    right = hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), user_hash.strip().lower().encode())


OPTIONS: Options = {"verify_aud": False, "verify_sub": False, "verify_jti": False}
"""A site may use one token for several services: these claims are for others."""


def _claims(token: str, secret: str) -> tuple[dict[str, Any], bool]:
    """What the token says, and whether it has expired. Raises InvalidTokenError: it is not signed by HS256 with this
    secret, or not valid yet."""
    read = partial(jwt.decode, token, secret, algorithms=["HS256"], leeway=LEEWAY)
    try:
        return read(options=OPTIONS), False
    except jwt.ExpiredSignatureError:
        return read(options={**OPTIONS, "verify_exp": False}), True


def _identity(
    claims: Mapping[str, Any], secret: str, name: str | None, email: str | None, *, is_expired: bool
) -> Identity:
    user_id, signed_name, signed_email = (_text(claims.get(key)) for key in ("user_id", "name", "email"))
    if not user_id or len(user_id) > LONGEST:
        raise Invalid(_("The user token (user_jwt) needs a user_id."))
    is_right = signed_email is not None and is_email(signed_email)
    signed = {"name": bool(signed_name), "email": is_right}
    return Identity(
        user_id=user_id,
        secret=secret,
        name=signed_name[:LONGEST] if signed_name else name,
        email=signed_email if is_right else email,
        signed=frozenset(field for field, covered in signed.items() if covered),
        is_expired=is_expired,
    )


def _text(value: object) -> str | None:
    """Ids are numbers in many databases."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) and _is_storable(value) else None


def _is_storable(text: str) -> bool:
    """JSON can name half a character (`"\\ud800"`), which is no text."""
    return not any("\ud800" <= c <= "\udfff" for c in text)
