"""What proves who is signed in, and what a proof covers."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest

from bot.contacts.identity import Identity, proven_by_hash, proven_by_token
from bot.errors import Invalid
from bot.model.workspace import IdentitySecret

OLD, NEW = IdentitySecret(id="old", secret="o" * 64), IdentitySecret(id="new", secret="n" * 64)
ADA = {"user_id": "u1", "name": "Ada", "email": "ada@example.com"}


def signed(claims: dict[str, Any], secret: IdentitySecret = NEW, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret.secret, algorithm=algorithm)


def read(token: str, *, name: str | None = None, email: str | None = None) -> Identity:
    return proven_by_token(token, (OLD, NEW), name=name, email=email)


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join((*parts, signature))


def test_a_token_proves_id_name_and_email() -> None:
    ada = read(signed({**ADA, "exp": time.time() + 60, "iat": time.time()}))
    assert (ada.user_id, ada.name, ada.email, ada.secret) == ("u1", "Ada", "ada@example.com", "new")
    assert (sorted(ada.signed), ada.unverified, ada.is_expired) == (["email", "name"], {}, False)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_two_secrets_are_valid_at_once(secret: IdentitySecret) -> None:
    assert read(signed(ADA, secret)).secret == secret.id


def test_what_the_token_lacks_is_unverified() -> None:
    ada = read(signed({"user_id": 4711}), name="Eve", email="eve@example.com")
    assert (ada.user_id, ada.unverified) == ("4711", {"name": "Eve", "email": "eve@example.com"})
    assert read(signed(ADA), name="Eve", email="eve@example.com").unverified == {}
    assert read(signed({"user_id": "u1", "email": "no address"}), email="eve@example.com").signed == frozenset()


def test_claims_for_other_services_are_ignored() -> None:
    for_others = {"iss": 5, "aud": ["x"], "sub": 5, "jti": 5}
    for claims in (for_others, {**for_others, "exp": 1}):
        token = jwt.api_jws.encode(json.dumps({**ADA, **claims}).encode(), NEW.secret)
        assert read(token).is_expired == ("exp" in claims)


def test_an_old_token_says_that_it_has_expired() -> None:
    assert read(signed({**ADA, "exp": time.time() - 3600})).is_expired
    assert not read(signed({**ADA, "exp": time.time() - 1})).is_expired, "clocks differ"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="garbage"),
        pytest.param(signed(ADA)[:-2], id="truncated"),
        pytest.param(signed(ADA, IdentitySecret(id="x", secret="x" * 64)), id="of another secret"),
        pytest.param(signed(ADA, algorithm="HS512"), id="another algorithm"),
        pytest.param(unsigned({"alg": "none", "typ": "JWT"}, ADA), id="alg none"),
        pytest.param(unsigned({"alg": "None"}, ADA, signed(ADA).split(".")[2]), id="alg None"),
        pytest.param(unsigned({"alg": "HS256"}, ADA), id="without a signature"),
        pytest.param(signed({"name": "Ada"}), id="without user_id"),
        pytest.param(signed({**ADA, "user_id": ""}), id="empty user_id"),
        pytest.param(signed({**ADA, "user_id": None}), id="null user_id"),
        pytest.param(signed({**ADA, "user_id": True}), id="user_id true"),
        pytest.param(signed({**ADA, "user_id": ["u1"]}), id="user_id list"),
        pytest.param(signed({**ADA, "user_id": "u" * 321}), id="long user_id"),
        pytest.param(signed({**ADA, "user_id": "u\ud800"}), id="user_id no text"),
        pytest.param(signed({**ADA, "iat": time.time() + 3600}), id="of tomorrow"),
        pytest.param(signed({**ADA, "nbf": time.time() + 3600}), id="not yet valid"),
        pytest.param(signed({**ADA, "exp": "soon"}), id="exp no number"),
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(Invalid):
        read(token)


def test_a_hash_proves_the_id_alone() -> None:
    with pytest.raises(Invalid):
        proven_by_hash("u1", "0" * 64, (OLD, NEW), name=None, email=None)
