"""What admins manage: subscriptions, teammates, brand, tokens, settings."""

from __future__ import annotations

from bot.composition.texts import TextArea
from bot.config import Settings
from bot.store import Store
from bot.workspace.abuse import AbuseProtection
from bot.workspace.account_links import AccountLinks
from bot.workspace.audit import AuditLog
from bot.workspace.brand import BrandKeeper
from bot.workspace.canvas_secrets import CanvasSecrets
from bot.workspace.form_templates import FormTemplateService
from bot.workspace.idempotency import Idempotency
from bot.workspace.image_hosts import ImageHosts
from bot.workspace.keyword_programs import KeywordProgramService
from bot.workspace.passkeys import PasskeyService
from bot.workspace.prices import Prices
from bot.workspace.saved_replies import SavedReplyService
from bot.workspace.security import SecurityService
from bot.workspace.senders import Senders
from bot.workspace.sites import Sites
from bot.workspace.subscriptions import SubscriptionService
from bot.workspace.teammates import TeammateService
from bot.workspace.tokens import Tokens


class ManagementArea(TextArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        self.audit = AuditLog(store)
        self.abuse = AbuseProtection(store, self.form_limits, changed=self.workspace.cache_clear)
        self.senders = Senders(store, changed=self.workspace.cache_clear)
        self.prices = Prices(store, changed=self.workspace.cache_clear)
        self.sites = Sites(store, self.spawn, self.workspace.cache_clear)
        self.image_hosts = ImageHosts(store, self.workspace.cache_clear)
        self.teammates = TeammateService(store)
        self.tokens, self.idempotency = Tokens(store, self.spawn), Idempotency(store)
        self.passkeys = PasskeyService(store)
        self.account_links = AccountLinks(store, self.teammates, self.signatures.serializer("account_link"))
        self.security = SecurityService(store, changed=self.workspace.cache_clear)
        self.subscriptions = SubscriptionService(store, self.taps.keep)
        self.forms = FormTemplateService(store, self.taps.keep)
        self.keywords = KeywordProgramService(store)
        self.saved_replies = SavedReplyService(store)
        self.canvas_secrets = CanvasSecrets(store, self.workspace, changed=self.workspace.cache_clear)
        self.brand = BrandKeeper(store, changed=self.workspace.cache_clear)
