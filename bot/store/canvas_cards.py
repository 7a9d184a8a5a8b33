"""The repository of forms in Intercom's Messenger."""

from __future__ import annotations

from bot.model.canvas_card import CanvasCard
from bot.store.repository import Repository


class CanvasCardRepository(Repository[CanvasCard]):
    name = "canvas_cards"
    model = CanvasCard
