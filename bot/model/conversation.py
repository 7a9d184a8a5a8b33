"""A chat and its entries."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field

from bot.model.base import Document, Value
from bot.model.conversation_event import SHOWN_TO_CONTACT, ConversationEvent, ConversationEventName
from bot.model.event import ChatOpening
from bot.model.flow import Run
from bot.model.form_words import FormWords

LONGEST_TEXT = 4000
"""Characters."""
LONGEST_LABEL = 60
LONGEST_ALT = 300


class AuthorKind(StrEnum):
    CONTACT = "contact"
    TEAMMATE = "teammate"
    BOT = "bot"


class Author(Value):
    kind: AuthorKind
    id: str


OUTBOUND = Author(kind=AuthorKind.BOT, id="outbound")
"""The author of outbound chat messages."""


class CardState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    CLOSED = "closed"


class QuickReply(Value):
    """A button below a bot's entry, until the contact writes something: pressing it sends its label as a message."""

    label: str = Field(min_length=1, max_length=LONGEST_LABEL)


class Card(FormWords):
    """The Subscription Opt-In Form."""

    kind: Literal["card"] = "card"
    subscription: str
    title: str = Field(min_length=1, max_length=200)
    locale: str = "en"
    """The language of these words."""
    translations: dict[str, FormWords] = Field(default_factory=dict)
    """The same words in other languages, by locale. An empty title makes a translation unused."""
    flow: str | None = None
    flow_version: int | None = None
    """The flow that asks, and its version."""
    flow_step: str | None = None
    """The step of the flow, and the variant of its words: `form`, or `form/b`."""
    message: str | None = None
    """The outbound message that asks."""
    via: str | None = None
    """The API token that inserted it: a program shows it."""
    shown_at: datetime | None = None
    """When a program last asked for it, to show it."""
    state: CardState = CardState.OPEN
    event: str | None = None
    """`_id` of the consent event that completed it, then of the one that confirmed it."""
    number: str | None = None
    """The number or address it was completed with."""
    asked: bool = False
    """Completed, but the number has not replied YES yet (double opt-in)."""
    stopped: bool = False
    """Submitted with a number on the stop list: nobody is signed up."""
    opened_at: datetime | None = None
    """When the contact first focused a field of it."""
    tries: int = 0
    """Submissions with an error."""
    problem: str = ""
    """Code of the last error. Never the number itself."""
    replies: tuple[QuickReply, ...] | None = None
    """Other answers than the form."""


WebAddress = Annotated[str, Field(max_length=1000, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#]\S*)?$")]


class ChatImage(Value):
    """`alt`: what it shows, for people who can't see it."""

    url: WebAddress
    alt: str = Field(default="", max_length=LONGEST_ALT)


class ChatLink(Value):
    """A button that opens a page."""

    label: str = Field(min_length=1, max_length=LONGEST_LABEL)
    url: WebAddress


class Text(Value):
    """`image` and `links` are a bot's."""

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    replies: tuple[QuickReply, ...] | None = None
    image: ChatImage | None = None
    links: tuple[ChatLink, ...] | None = None


class Note(Value):
    """Visible to teammates only."""

    kind: Literal["note"] = "note"
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


Content = Annotated[Text | Card | Note | ConversationEvent, Field(discriminator="kind")]


class Entry(Value):
    """What somebody said or did in a conversation."""

    author: Author
    content: Content
    at: datetime
    key: str
    """Idempotency key."""

    @property
    def preview(self) -> str:
        """For lists of conversations; empty for anything but text."""
        return self.content.text[:120] if isinstance(self.content, Text) else ""

    @property
    def is_for_contact(self) -> bool:
        """False: only teammates see it."""
        if isinstance(self.content, ConversationEvent):
            return self.content.name in SHOWN_TO_CONTACT
        return not isinstance(self.content, Note)

    @property
    def is_sign_up(self) -> bool:
        """The entry about a completed card: what a contact does with a bot alone."""
        return isinstance(self.content, ConversationEvent) and self.content.name in SHOWN_TO_CONTACT

    @property
    def is_begin(self) -> bool:
        """Whether it brings the conversation to the inbox: somebody wrote, a teammate acted, or a flow hands over."""
        return self.is_handover or (self.author.kind is not AuthorKind.BOT and not self.is_sign_up)

    @property
    def is_handover(self) -> bool:
        return isinstance(self.content, ConversationEvent) and self.content.name is ConversationEventName.HANDED_OVER

    @property
    def is_message_of(self) -> AuthorKind | None:
        """Whose message it is, if it is one."""
        return self.author.kind if isinstance(self.content, Text) else None


class Part(Document, Entry):
    """One entry. `_id` is `<conversation>:<seq>`; sequences begin at 1 and have no gaps. Its key is
    `<conversation>:<the key of the request, or of the flow's effect>`."""

    conversation: str
    seq: int
    words: list[str] | None = None
    """Search terms, if a person wrote it."""
    is_opening: bool = Field(default=False, exclude=True)
    """Stored inside its conversation, as an opening entry."""
    follow_up: datetime | None = None
    """Set until the flow that waits for it has continued, or its text is queued."""


def part_id(conversation: str, seq: int) -> str:
    """Ids sort by sequence."""
    return f"{conversation}:{seq:010d}"


class OpeningEntry(Entry):
    """An entry that is stored inside its conversation, written with it. Its position is its sequence, and its key is
    unique within the conversation."""

    def part(self, conversation: str, seq: int) -> Part:
        return Part(
            id=part_id(conversation, seq),
            conversation=conversation,
            seq=seq,
            author=self.author,
            content=self.content,
            at=self.at,
            key=f"{conversation}:{self.key}",
            is_opening=True,
        )


class Channel(StrEnum):
    CHAT = "chat"
    SMS = "sms"


class ConversationState(StrEnum):
    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Newest(Value):
    """The newest entry that is not a note, for lists."""

    seq: int = 0
    author: AuthorKind = AuthorKind.BOT
    teammate: str = ""
    """Whose it is, if it is a teammate's."""
    kind: str = "text"
    name: str = ""
    """Of an event."""
    subscription: str = ""

    @classmethod
    def of(cls, entry: Entry, seq: int) -> Self:
        content, author = entry.content, entry.author
        of_event = (
            {"name": content.name, "subscription": content.subscription}
            if isinstance(content, ConversationEvent)
            else {}
        )
        teammate = author.id if author.kind is AuthorKind.TEAMMATE else ""
        return cls(seq=seq, author=author.kind, teammate=teammate, kind=content.kind, **of_event)


class ConversationTag(Value):
    """`by`: the teammate's id."""

    tag: str
    at: datetime
    by: str


class Conversation(Document):
    """Its figures, state and assignee are a projection of its parts: each is taken from the newest part that sets it,
    in whatever order parts are projected. No rule of consent depends on them."""

    contact: str
    channel: Channel = Channel.CHAT
    number: str | None = None
    """Of an SMS conversation."""
    last: int = 0
    """Sequence of the newest part."""
    preview: str = ""
    preview_seq: int = 0
    newest: Newest = Newest()
    seen: int = 0
    """The newest part that the contact has seen."""
    delivered: int = 0
    """The newest part that reached the contact's page."""
    begun: bool | None = None
    """Someone other than a bot wrote in it, or a teammate acted: only then it is in the inbox."""
    signed_up: int = 0
    """The newest part about a completed card."""
    sign_up_rank: datetime | None = None
    """Sort key of the Sign-ups list, like `rank`, until the conversation begins. Unseen ones come first."""
    called: int = 0
    """The newest part that needs attention: a message of the contact, or the end of a snooze."""
    team_seen: int = 0
    """The newest part that a teammate has seen."""
    state: ConversationState = ConversationState.OPEN
    state_seq: int = 0
    replied_seq: int = 0
    """The newest reply of a teammate. It reopens a conversation that was closed before."""
    snoozed_until: datetime | None = None
    assignee: str = ""
    """A teammate's id; empty: unassigned."""
    assignee_seq: int = 0
    rank: datetime | None = None
    """Place in the inbox: the newest first, all unread ones before all others (`RANK_OF_UNREAD` later)."""
    run: Run | None = None
    """The flow that runs in it."""
    ran: tuple[str, ...] | None = None
    """The flows that ran in it before, and the ids of their runs."""
    tags: tuple[ConversationTag, ...] | None = None
    opening: tuple[OpeningEntry, ...] = ()
    """Entries 1 to n, written together with the conversation; the others are parts. Their number never changes."""
    unstored: ChatOpening | None = Field(default=None, exclude=True)
    """How it was opened, while it isn't stored."""
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None = None
    """Its contact was erased, and its entries with them."""

    @cached_property
    def opening_parts(self) -> list[Part]:
        """Cached: they never change."""
        return [entry.part(self.id, seq) for seq, entry in enumerate(self.opening, start=1)]

    @property
    def is_unread(self) -> bool:
        new = self.called if self.begun else max(self.called, self.signed_up)
        return new > self.team_seen


RANK_OF_UNREAD = timedelta(days=365_000)
