"""`GET /api/me`: the token's teammate and workspace (Intercom's `admin_with_app`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.shapes.base import ApiAnswer
from widget.api.route import Call, Resource

me = Resource("Token", "The teammate and workspace that the token belongs to.")


class AppAnswer(ApiAnswer):
    type: Literal["app"] = "app"
    id_code: str = Field(examples=["sayso"])
    name: str = Field(examples=["Harbor Coffee"])
    region: str = Field(examples=["US"])
    identity_verification: bool = True


class AdminAnswer(ApiAnswer):
    type: Literal["admin"] = "admin"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb70"])
    name: str = Field(examples=["Ada"])
    email: str = Field(examples=["ada@harbor.example"])
    email_verified: bool = True
    has_inbox_seat: bool = True
    away_mode_enabled: bool = False
    away_mode_reassign: bool = False
    team_ids: list[int] = Field(default=[], examples=[[]])
    app: AppAnswer


@me.get("/me", scope=None)
async def identify_admin(call: Call) -> AdminAnswer:
    """Identify a token.

    Returns the teammate who created the token, and their workspace.
    """
    teammate, workspace = call.who.teammate, await call.bot.workspace()
    app = AppAnswer(id_code=call.bot.settings.database, name=workspace.name, region=workspace.default_region)
    return AdminAnswer(id=teammate.id, name=teammate.name, email=teammate.email, app=app)
