"""The connection: one client, one database, all repositories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import ConfigurationError, PyMongoError

from bot.errors import StoreUnavailable
from bot.errors import marked as _
from bot.store.answering import answering
from bot.store.api_tokens import ApiTokens
from bot.store.attempts import Attempts
from bot.store.changes import Changes
from bot.store.contacts import Contacts
from bot.store.conversations import Conversations
from bot.store.counts import ConsentCounts
from bot.store.deliveries import Deliveries
from bot.store.events import Events
from bot.store.flows import Flows, FlowVersions
from bot.store.form_templates import FormTemplates
from bot.store.keys import Keys
from bot.store.leases import Leases
from bot.store.links import PreferenceLinks
from bot.store.logos import Logos
from bot.store.old_flows import move_old_flows
from bot.store.parts import Parts
from bot.store.phone_texts import PhoneTexts
from bot.store.sessions import Sessions
from bot.store.signals import Signals
from bot.store.stops import Stops
from bot.store.subscriptions import Subscriptions, SubscriptionVersions
from bot.store.table import Table, make_all_indexes
from bot.store.teammates import Teammates
from bot.store.workspaces import Workspaces


class Store:
    """All that is kept, by noun."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], name: str) -> None:
        self.database: AsyncIOMotorDatabase[dict[str, Any]] = client.get_database(name)
        self.workspaces = Workspaces(self.database)
        self.logos = Logos(self.database)
        self.subscription_versions = SubscriptionVersions(self.database)
        self.subscriptions = Subscriptions(self.database, self.subscription_versions)
        self.stops = Stops(self.database)
        self.consent_counts = ConsentCounts(self.database)
        self.contacts = Contacts(self.database, self.consent_counts)
        self.events = Events(self.database)
        self.conversations = Conversations(self.database)
        self.parts = Parts(self.database)
        self.signals = Signals(self.database)
        self.form_templates = FormTemplates(self.database)
        self.flows = Flows(self.database)
        self.flow_versions = FlowVersions(self.database)
        self.deliveries = Deliveries(self.database)
        self.phone_texts = PhoneTexts(self.database)
        self.keys = Keys(self.database)
        self.leases = Leases(self.database)
        self.preference_links = PreferenceLinks(self.database)
        self.teammates = Teammates(self.database)
        self.sessions = Sessions(self.database)
        self.api_tokens = ApiTokens(self.database)
        self.attempts = Attempts(self.database)
        self.changes = Changes(client.delegate[name])

    @property
    def tables(self) -> list[Table[Any]]:
        return [value for value in vars(self).values() if isinstance(value, Table)]

    async def prepare(self) -> None:
        """Makes the indexes, and moves what an older version kept elsewhere.

        Safe to do again, and by several processes at once.

        Raises StoreUnavailable for a database that does not answer, and for a single server: it has no change streams.
        """
        with answering():
            hello = await self.database.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise StoreUnavailable(
                _("SAYSO_MONGO_URL names a single server. It must be a replica set (of one, at least) or sharded.")
            )
        await asyncio.gather(make_all_indexes(self.tables), self.attempts.prepare())
        await move_old_flows(self.database, self.flows, self.flow_versions, self.conversations)

    async def is_ready(self) -> bool:
        """Whether a primary answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                return bool((await self.database.command("hello")).get("isWritablePrimary"))
        except (PyMongoError, TimeoutError):
            return False


@asynccontextmanager
async def open_store(url: str, name: str) -> AsyncIterator[Store]:
    """Connects to a replica set or a sharded cluster.

    Every wait has a bound, so a dead database is a quick, clear error.
    """
    try:
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            url,
            appname="sayso",
            tz_aware=True,
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            socketTimeoutMS=8000,
            maxPoolSize=50,
            io_loop=asyncio.get_running_loop(),
        )
    except (ConfigurationError, ValueError) as error:  # whose words may repeat the password
        raise StoreUnavailable(_("The address of the database can't be used: check SAYSO_MONGO_URL.")) from error
    store = Store(client, name)
    try:
        yield store
    finally:
        store.changes.close()
        client.close()
