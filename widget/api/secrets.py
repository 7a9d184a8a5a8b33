"""Identity secrets: the keys with which a site proves who is signed in. Two at once, so that a rotation signs nobody
out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.errors import NotFound
from bot.model.workspace import IdentitySecret
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import CONFLICT, REFUSED, ApiFault, ApiRefusal, shown_once
from widget.api.models import ApiBody
from widget.api.route import Call, Resource

PATH = "/secure_mode_secrets"
NO_SECRET = ApiFault(404, "identity_verification_secret_not_found", "Identity verification secret not found")

identity_secrets = Resource(
    "Identity secrets",
    "The keys with which your site signs its users' ids. Two are valid at once: create the new one, roll it out, then "
    "delete the old one, and nobody is signed out.",
)


class SecretBody(ApiBody):
    """Intercom's fields. Secrets have no names here, and every one is for the web."""

    name: str | None = Field(None, max_length=200, description="Accepted, but not stored.", examples=["Production"])
    supports_web: bool = True
    supports_ios: bool = False
    supports_android: bool = False


class SecretAnswer(ApiAnswer):
    type: Literal["identity_verification_secret"] = "identity_verification_secret"
    id: Id
    name: str = Field(examples=["Ada"], description="Who created it.")
    supports_android: bool = False
    supports_ios: bool = False
    supports_web: bool = True
    created_at: UnixTime | None
    last_used_at: UnixTime | None = Field(description="When it last verified a visitor, at most a minute old.")


class NewSecretAnswer(SecretAnswer):
    secret: str = Field(examples=["9Zw0xNs3vKk0fPz9rwKqNbzH3mPVQmQxL9vhSm9Tk4A"], description="Shown only once.")


class SecretList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[SecretAnswer]


@identity_secrets.get(PATH, scope=Scope.MANAGE_WORKSPACE)
async def list_identity_secrets(call: Call) -> SecretList:
    """List identity secrets.

    The secrets themselves are never returned.
    """
    found = (await call.bot.workspace()).identity_secrets
    return SecretList(data=[SecretAnswer(**_values(secret)) for secret in found])


@identity_secrets.post(PATH, scope=Scope.MANAGE_WORKSPACE, errors=(REFUSED, CONFLICT), status=201, is_secret=True)
async def create_identity_secret(call: Call, body: SecretBody) -> NewSecretAnswer:
    """Create an identity secret.

    It is valid at once and shown only here: the same `Idempotency-Key` again is answered with 409 `conflict`.
    """
    made = shown_once(await call.bot.identity_secrets.create(call.by, call.new_id))
    return NewSecretAnswer(**_values(made), secret=made.secret)


@identity_secrets.delete(f"{PATH}/{{secret_id}}", scope=Scope.MANAGE_WORKSPACE, errors=(NO_SECRET,), status=204)
async def delete_identity_secret(call: Call) -> None:
    """Delete an identity secret.

    Signatures made with it are no longer valid.
    """
    try:
        await call.bot.identity_secrets.revoke(call.variable("secret_id", NO_SECRET), call.by)
    except NotFound:
        raise ApiRefusal(NO_SECRET) from None


def _values(secret: IdentitySecret) -> dict[str, object]:
    return {
        "id": secret.id,
        "name": secret.created_by,
        "created_at": unix_or_none(secret.created_at),
        "last_used_at": unix_or_none(secret.last_used_at),
    }
