"""All settings, typed, from the environment (`SAYSO_…`) or a `.env` file.

Invalid settings prevent the start; all of them are reported at once.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SAYSO_"
ORIGIN = re.compile(r"https?://[A-Za-z0-9.*\[\]:-]+")
CONTACT = re.compile(r"https?://\S+|[^\s@:/]+@[^\s@:/]+")


class Settings(BaseSettings):
    """The descriptions appear in the settings table of the README."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    mongo_url: SecretStr | None = Field(
        None, description="Replica set or sharded cluster. If not set, an embedded server runs in `SAYSO_DATA`."
    )
    database: str = Field("sayso", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="Database name, one per workspace.")
    data: Path = Field(Path("data"), description="Folder of the embedded server.")
    engine: Literal["auto", "mongod", "secantusdb"] = Field(
        "auto", description="Which embedded server to run. `auto` uses the first that starts."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    public_url: str = Field(
        "",
        description="Public address of this server, used in links (`https://chat.example.com`).",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Signs visitors' tokens; at least 32 characters. If not set, one is generated and stored.",
    )
    identity_secret: SecretStr | None = Field(
        None,
        description="Signs your site's users, besides the secrets in Settings > Install; at least 32 characters.",
    )
    checkpoint_key: SecretStr | None = Field(
        None,
        description="Signs the events and checkpoints of the ledger; at least 32 characters. Former keys follow after "
        "a space. If not set, one is generated and stored.",
    )
    checkpoint_file: Path | None = Field(
        None, description="File to which every checkpoint of the ledger is also appended, ideally on another machine."
    )
    sites: str = Field(
        "*",
        description="Sites that may embed the chat, separated by spaces (`https://shop.example.com`). `*`: those in "
        "Settings > Install.",
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="Number of proxies in front of it that set `X-Forwarded-For`."
    )
    visitor_days: int = Field(180, ge=1, le=730, description="Days until a visitor's token expires.")
    session_hours: int = Field(168, ge=1, le=8760, description="Hours after which teammates must sign in again.")
    link_days: int = Field(400, ge=1, le=3650, description="Days until the links in texts expire.")
    form_limit: int = Field(
        10,
        ge=0,
        le=100_000,
        description="Maximum texts that forms cause in ten minutes from one network (IPv4 /24, IPv6 /64); five times "
        "as many per day. The other limits are in Settings > Abuse protection. 0: no limits at all.",
    )
    api_limit: int = Field(
        10_000,
        ge=0,
        le=1_000_000,
        description="Maximum API requests a minute with one token, counted by each process in windows of ten seconds. "
        "0: no limit.",
    )
    support: str = Field(
        "",
        description="Email or web address that your teammates can contact about Sayso, shown in the Help menu.",
    )
    gateway: Literal["simulator", "twilio"] = Field(
        "simulator",
        description="SMS provider. `simulator`: no text leaves this machine. `twilio` requires the settings below and "
        "`SAYSO_PUBLIC_URL`.",
    )
    texts_per_second: float = Field(
        0,
        ge=0,
        le=1000,
        description="Marketing texts a second that leave from the default sender; the rest waits in the queue. For a "
        "Messaging Service, add up its numbers. 0: as fast as the provider takes them. Senders of countries have their "
        "own limit (Settings > Senders).",
    )
    quiet_hours: bool = Field(
        True,
        description="Whether marketing texts wait for the hours that the recipient's place allows. Can be off only "
        "with the simulator.",
    )
    pause_opt_outs: float = Field(
        5,
        ge=0,
        le=100,
        description="Percent of an outbound message's texts that may lead to an opt-out; beyond it, the message pauses "
        "itself. 0: no limit.",
    )
    pause_failures: float = Field(
        20, ge=0, le=100, description="The same for texts that fail, for whatever reason. 0: no limit."
    )
    pause_filtered: float = Field(
        3,
        ge=0,
        le=100,
        description="The same for texts that carriers filter (Twilio's error 30007). 0: no limit.",
    )
    pause_after: int = Field(
        100, ge=1, le=100_000, description="Texts of a message that have to be sent before these limits apply."
    )
    twilio_account_sid: str = Field("", pattern=r"^(AC[0-9a-fA-F]{32})?$", description="Twilio account (`AC…`).")
    twilio_auth_token: SecretStr | None = Field(
        None,
        description="Verifies Twilio's webhooks; without an API key, also signs in to Twilio. While you rotate it, the "
        "other one follows after a space.",
    )
    twilio_api_key: str = Field("", pattern=r"^(SK[0-9a-fA-F]{32})?$", description="Twilio API key (`SK…`).")
    twilio_api_secret: SecretStr | None = Field(None, description="Secret of the API key.")
    twilio_webhook_keys: SecretStr | None = Field(
        None, description="Shared keys that sign Twilio's webhooks, as `id:secret`, separated by spaces."
    )
    twilio_service: str = Field(
        "", pattern=r"^(MG[0-9a-fA-F]{32})?$", description="Twilio Messaging Service (`MG…`), recommended."
    )
    twilio_numbers: str = Field(
        "",
        pattern=r"^((\+[1-9][0-9]{6,14}|[0-9]{5,6})( +|$))*$",
        description="Numbers to send from if there is no Messaging Service, separated by spaces.",
    )
    twilio_url: str = Field(
        "",
        pattern=r"^(http://(127\.0\.0\.1|localhost)(:[0-9]+)?)?$",
        description="Address of a fake Twilio on this machine, for tests.",
    )
    webhook_networks: str = Field(
        "",
        description="Private networks that webhooks may be sent to, like `10.1.0.0/16`, separated by spaces. With one, "
        "addresses that begin with `http://` are accepted too.",
    )
    image_hosts: str = Field(
        "",
        pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)+( +|$))*$",
        description="Hosts whose images bots may show in the chat, like `cdn.shop.example`, separated by spaces. "
        "Leave empty to use the hosts in Settings > Install.",
    )
    log: Literal["json", "text"] = Field("json", description="Log format.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Minimum level to log.")

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
        return _words(self.checkpoint_key)

    @property
    def twilio_tokens(self) -> tuple[str, ...]:
        """The current one first."""
        return _words(self.twilio_auth_token)

    @property
    def twilio_keys(self) -> dict[str, str]:
        """The secrets of the shared keys, by id."""
        return dict(word.split(":", 1) for word in _words(self.twilio_webhook_keys))

    @field_validator("twilio_webhook_keys")
    @classmethod
    def _id_and_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if not all(all(word.partition(":")) for word in _words(value)):
            raise ValueError("must be like id:secret, with spaces between several")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        """What Twilio needs: all of it, or the first text would fail."""
        if self.gateway == "twilio" and (missing := [name for name, value in self._needed.items() if not value]):
            raise ValueError(f"twilio also needs {', '.join(missing)}")
        if self.gateway != "simulator" and not self.quiet_hours:
            raise ValueError("SAYSO_QUIET_HOURS can be off only with the simulator")
        return self

    @property
    def default_number(self) -> str:
        """What texts come from where no sender is set; empty: the provider or the recipient's number decides."""
        numbers = self.twilio_numbers.split()
        return numbers[0] if len(numbers) == 1 and not self.twilio_service else ""

    @property
    def _needed(self) -> dict[str, object]:
        return {
            "SAYSO_PUBLIC_URL": self.public_url,
            "SAYSO_TWILIO_ACCOUNT_SID": self.twilio_account_sid,
            "SAYSO_TWILIO_AUTH_TOKEN": self.twilio_tokens or (self.twilio_keys and self.twilio_api_key),
            "SAYSO_TWILIO_API_SECRET": self.twilio_api_secret or not self.twilio_api_key,
            "SAYSO_TWILIO_SERVICE or SAYSO_TWILIO_NUMBERS": self.twilio_service or self.twilio_numbers.strip(),
        }

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        try:
            for word in value.split():
                ip_network(word)
        except ValueError:
            raise ValueError("must be networks like 10.1.0.0/16, with spaces between them") from None
        return value

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


def _words(value: SecretStr | None) -> tuple[str, ...]:
    return tuple(value.get_secret_value().split()) if value else ()


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
            f"{PREFIX}{str((*fault['loc'], 'gateway')[0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise WrongSettings(faults) from None
    if faults:
        raise WrongSettings(faults)
    return settings
