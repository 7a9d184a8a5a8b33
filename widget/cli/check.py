"""`sayso check`: checks the settings and the database, lists all settings."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.config import Settings
from bot.database import open_database
from bot.errors import StoreUnavailable
from bot.outbound.gateways import GatewayError, NoAnswer
from bot.outbound.gateways.twilio import TwilioGateway
from bot.outbound.gateways.twilio_webhooks import WebhookSignatures
from widget.cli.terminal import give_up, run, settings_of
from widget.webhooks.probe import webhook_fault


def check(
    settings: Annotated[bool, typer.Option("--settings", help="List all settings with their defaults.")] = False,
) -> None:
    """Check the settings, the database and everything else that the server needs.

    With Twilio, also check the credentials, and that a signed webhook arrives through the public address, for which the
    server must be running.

    Exits 0 if all checks passed, and 2 if not.
    """
    if settings:
        for line in settings_lines():
            print(line)
        return
    loaded = settings_of()
    print("Settings: OK")
    run(_check(loaded))
    print("Database: OK (reachable, writable, indexes in place)")
    if loaded.gateway == "simulator":
        print("Texts: simulator (no text leaves this machine)")
        return
    print(f"Twilio: OK (account {run(_twilio_account(loaded))})")
    if fault := run(webhook_fault(loaded.public_url, WebhookSignatures(loaded))):
        give_up(f"Webhooks: {fault}")
    print(f"Webhooks: OK (a signed probe arrived at {loaded.public_url})")


def settings_lines() -> list[str]:
    """`SAYSO_PORT=8080 # description`, one per line."""
    return [
        f"SAYSO_{name.upper()}={'' if field.default is None else field.default}  # {field.description}"
        for name, field in Settings.model_fields.items()
    ]


async def _twilio_account(settings: Settings) -> str:
    gateway = TwilioGateway(settings)
    try:
        return await gateway.account_name()
    except GatewayError as error:
        give_up(f"Twilio: it refuses the credentials or the Messaging Service ({error.code}).")
    except NoAnswer as error:
        give_up(f"Twilio: no answer ({error}).")
    finally:
        await gateway.close()


async def _check(settings: Settings) -> None:
    async with open_database(settings) as store:
        if not await store.is_ready():
            raise StoreUnavailable
