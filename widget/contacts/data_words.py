"""What the values of stored fields are called in the page of a person's data (`bot.contacts.data_access`)."""

from __future__ import annotations

from typing import Any

from bot.contacts.data_access import ValueWords
from bot.errors import marked as _
from bot.model.conversation import AuthorKind, Channel, ConversationState
from bot.model.event import Action, How
from bot.model.pace import Often
from bot.model.stop import StopAction
from bot.model.subscription import MessageType
from widget.contacts.words import GRADES, ROLES, SOURCES, STATES
from widget.inbox.history import NAMED
from widget.outbound.results import REASONS, RESULTS
from widget.outbound.story import REPORTED

ACTIONS: dict[Any, str] = {
    **NAMED,
    Action.OPT_IN: _("Opted in"),
    Action.OPT_OUT: _("Opted out"),
    Action.REFUSE: _("Opted out"),
    Action.CONFIRM: _("Confirmed"),
    Action.REQUEST_CONFIRMATION: _("Asked to confirm"),
    Action.CHANGE_ADDRESS: _("Phone or email changed"),
    StopAction.STOP: "STOP",
    StopAction.START: "START",
}
KINDS: dict[Any, str] = {
    AuthorKind.CONTACT: _("Contact"),
    AuthorKind.TEAMMATE: _("Teammate"),
    AuthorKind.BOT: _("Bot"),
    "api": _("API"),
    "system": "Sayso",
    "text": _("Text"),
    "card": _("Form"),
    "note": _("Note"),
    "event": _("Event"),
    "outbound": _("Outbound message"),
    "reply": _("Reply"),
    "message": _("Message"),
    "flow": _("Flow"),
}
"""Of who acted, of an entry in a conversation, and of a text."""
CONVERSATIONS = {
    ConversationState.OPEN: _("Open"),
    ConversationState.SNOOZED: _("Snoozed"),
    ConversationState.CLOSED: _("Closed"),
}
HOW = {
    How.SPOKEN: _("Verbal"),
    How.PAPER: _("On paper"),
    How.WRITTEN: _("In writing elsewhere"),
    How.OTHER: _("No evidence"),
}
CHANNELS: dict[Any, str] = {Channel.CHAT: _("Chat"), MessageType.SMS: _("SMS"), MessageType.EMAIL: _("Email")}
PACES = {Often.WEEK: _("At most one a week"), Often.MONTH: _("At most one a month")}
ANY_STATE: dict[Any, str] = {**RESULTS, **CONVERSATIONS, **STATES}
DATA_WORDS: ValueWords = {
    "state": ANY_STATE,
    "was": STATES,
    "held": STATES,
    "left": STATES,
    "grade": GRADES,
    "source": SOURCES,
    "role": ROLES,
    "action": ACTIONS,
    "kind": KINDS,
    "how": HOW,
    "channel": CHANNELS,
    "at_most": PACES,
    "status": REPORTED,
    "reason": REASONS,
}
"""By field: gettext ids by value."""
