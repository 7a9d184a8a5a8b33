"""Conversations, cards and the inbox."""

from __future__ import annotations

from bot.chat.canvas import CanvasCards
from bot.chat.cards import Cards
from bot.chat.conversation_finder import ConversationFinder
from bot.chat.conversation_tags import ConversationTags
from bot.chat.conversations import ConversationService
from bot.chat.feed import Feed
from bot.chat.inbox import Inbox
from bot.chat.public_forms import PublicForms
from bot.chat.visitors import Visitors
from bot.composition.contacts import ContactArea
from bot.config import Settings
from bot.outbound.chat_messages import ChatMessageDelivery
from bot.shapes.conversation import ConversationShapes
from bot.store import Store
from bot.workspace.identity import IdentitySecrets


class ChatArea(ContactArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        self.feed = Feed(store)
        self.conversations = ConversationService(store, self.feed.writing)
        self.visitors = Visitors(
            store, self.ledger, self.contacts, self.merge, secret=secret, days=settings.visitor_days
        )
        self.identity_secrets = IdentitySecrets(store, self.spawn, self.workspace.cache_clear)
        self.visitors.on_proof = self.identity_secrets.used
        self.cards = Cards(store, self.ledger, self.stops, self.conversations, self.form_limits, self.proofs)
        lone = store, self.ledger, self.contacts, self.conversations, self.cards, self.workspace
        self.canvas, self.public_forms = CanvasCards(*lone, secret=secret), PublicForms(*lone, secret=secret)
        self.conversation_shapes = ConversationShapes(store)
        self.conversation_tags = ConversationTags(store)
        self.conversation_finder = ConversationFinder(store)
        self.inbox = Inbox(store, self.conversations, self.cards)
        self.opt_out_requests.decided = self.inbox.opt_out_decided
        self.chat_delivery = ChatMessageDelivery(
            store, self.finder, self.conversations, self.workspace, visitor_days=settings.visitor_days
        )
