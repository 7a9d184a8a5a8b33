"""All settings, typed, from the environment (`SAYSO_…`) or a `.env` file.

Invalid settings prevent the start; all of them are reported at once.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SAYSO_"
ORIGIN = re.compile(r"https?://[A-Za-z0-9.*\[\]:-]+")
CONTACT = re.compile(r"https?://\S+|[^\s@:/]+@[^\s@:/]+")


class Settings(BaseSettings):
    """The descriptions appear in the settings table of the README."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    mongo_url: SecretStr | None = Field(
        None, description="Replica set or sharded cluster. Not set: an embedded server in `SAYSO_DATA`."
    )
    database: str = Field("sayso", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="Database name: one a workspace.")
    data: Path = Field(Path("data"), description="Folder of the embedded server.")
    engine: Literal["auto", "mongod", "secantusdb"] = Field(
        "auto", description="Embedded server: the first that starts, or only this one."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(
        "",
        description="How the world reaches this server (`https://chat.example.com`), as links name it.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters; signs visitors' tokens. Not set: made once, kept in the database.",
    )
    identity_secret: SecretStr | None = Field(
        None,
        description="At least 32 characters; signs your site's users, besides the secrets of Settings > Install.",
    )
    checkpoint_key: SecretStr | None = Field(
        None,
        description="Signs the checkpoints of the ledger: at least 32 characters; after a space, former ones. Not set: "
        "made once, kept in the database.",
    )
    checkpoint_file: Path | None = Field(
        None, description="File to which every checkpoint of the ledger is appended as well, best on another machine."
    )
    sites: str = Field(
        "*",
        description="Sites that may embed the chat, separated by spaces (`https://shop.example.com`); `*`: as set in "
        "Settings > Install.",
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="How many proxies stand before it and set `X-Forwarded-For`."
    )
    visitor_days: int = Field(180, ge=1, le=730, description="Days that a visitor's token stays good.")
    session_hours: int = Field(168, ge=1, le=8760, description="Hours after which a teammate signs in again.")
    link_days: int = Field(400, ge=1, le=3650, description="Days that a link to the preference center stays good.")
    form_limit: int = Field(
        30,
        ge=0,
        le=100_000,
        description="Sign-ups by form that one network (IPv4 /24, IPv6 /64) may make in ten minutes, and that may name "
        "numbers of one block (all but the last three digits); ten times as many a day. 0 is no limit.",
    )
    support: str = Field(
        "",
        description="Whom your team asks about Sayso: an email address or a web address, shown in the Help menu.",
    )
    gateway: Literal["simulator"] = Field(
        "simulator", description="What carries texts to phones. `simulator`: the phone at `/demo/phone`, no real one."
    )
    log: Literal["json", "text"] = Field("json", description="Log lines as JSON, or as text for reading.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")

    @field_validator("secret_key", "identity_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must be at least 32 characters")
        return value

    @field_validator("checkpoint_key")
    @classmethod
    def _long_enough_each(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (min(map(len, value.get_secret_value().split()), default=0) < 32):
            raise ValueError("must be at least 32 characters")
        return value

    @property
    def checkpoint_keys(self) -> tuple[str, ...]:
        """The current one first."""
        return tuple(self.checkpoint_key.get_secret_value().split()) if self.checkpoint_key else ()

    @field_validator("mongo_url")
    @classmethod
    def _mongo(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must begin with mongodb:// or mongodb+srv://")
        return value

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not ORIGIN.fullmatch(value.rstrip("/")):
            raise ValueError("must be like https://chat.example.com")
        return value.rstrip("/")

    @field_validator("support")
    @classmethod
    def _contact(cls, value: str) -> str:
        if value and not CONTACT.fullmatch(value):
            raise ValueError("must be an email address or a web address like https://example.com/help")
        return value

    @field_validator("sites")
    @classmethod
    def _sites(cls, value: str) -> str:
        if value != "*" and not all(ORIGIN.fullmatch(site) for site in value.split() or [""]):
            raise ValueError("must be * or sites like https://shop.example.com, with spaces between them")
        return value


class WrongSettings(Exception):
    """Lists the invalid settings without their values, which may be secret."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def load_settings(**overrides: object) -> Settings:
    """Raises WrongSettings, which lists all invalid values and unknown names."""
    faults = [
        f"{name}: there is no such setting"
        for name in sorted({*os.environ, *dotenv_values(".env")})
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in Settings.model_fields
    ]
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        faults += [
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise WrongSettings(faults) from None
    if faults:
        raise WrongSettings(faults)
    return settings
