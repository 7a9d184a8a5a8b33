"""View models of the inbox templates: list, thread, events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from bot.chat.card_progress import Progress, card_progress
from bot.chat.inbox import ConversationRow
from bot.chat.linked_text import LinkedText, segments
from bot.i18n import Translator
from bot.model.base import iso
from bot.model.contact import Contact
from bot.model.conversation import (
    AuthorKind,
    Card,
    ChatImage,
    ChatLink,
    Conversation,
    ConversationState,
    Newest,
    Note,
    Part,
    Text,
)
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.subscription import MessageType, Subscription
from bot.model.teammate import Teammate
from widget.inbox import details
from widget.inbox.texts import texts_of
from widget.web.http import BOT, render
from widget.web.teammate_pages import teammate


@dataclass(frozen=True, slots=True)
class Names:
    """Names of everyone and everything that parts refer to, read in two queries."""

    teammates: Mapping[str, Teammate]
    subscriptions: Mapping[str, Subscription]

    def teammate(self, id: str, say: Translator) -> str:
        found = self.teammates.get(id)
        return found.name if found else say("A teammate")

    def subscription(self, id: str, say: Translator) -> str:
        found = self.subscriptions.get(id)
        return found.words(say.locale).name if found else say("a subscription")

    def is_live(self, id: str) -> bool:
        found = self.subscriptions.get(id)
        return found is not None and found.is_live

    def is_sms(self, id: str) -> bool:
        found = self.subscriptions.get(id)
        return found is None or found.message_type is MessageType.SMS


@dataclass(frozen=True, slots=True)
class ListItem:
    """One row of the list."""

    id: str
    contact: str
    name: str
    line: str
    at: str
    is_unread: bool
    is_sms: bool
    assignee: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """One part. `kind`: text, card, note or event."""

    seq: int
    kind: str
    mine: bool
    who: str
    """Consecutive entries of one author are grouped."""
    author: str
    owner: str
    """The author's id."""
    at: str
    key: str
    status: str
    """Of our own message: `sent`, `delivered` or `seen`."""
    text: tuple[LinkedText, ...] = ()
    image: ChatImage | None = None
    links: tuple[ChatLink, ...] = ()
    event: str = ""
    until: str = ""
    card: Card | None = None
    subscription: str = ""
    legal: tuple[LinkedText, ...] = ()
    is_sms: bool = False
    label: str = ""
    """What kind of automatic text it is, in words."""
    texted: str = ""
    """The delivery state of a text message, in words."""
    is_bad: bool = False
    story: str = ""
    """Address of what happened to it."""
    progress: Progress | None = None
    """The contact's progress with a card."""


def name_of(contact: Contact | None, say: Translator) -> str:
    return details.name_of(contact, say) if contact else say("Someone")


async def names(request: web.Request, teammates: Iterable[str], subscriptions: Iterable[str]) -> Names:
    store = request.app[BOT].store
    people, kept = await asyncio.gather(
        store.teammates.get_many(filter(None, teammates)), store.subscriptions.get_many(filter(None, subscriptions))
    )
    return Names(people, kept)


async def items(
    request: web.Request, found: Sequence[ConversationRow], current: str, say: Translator
) -> list[ListItem]:
    conversations = [listed.conversation for listed in found]
    people = {*(c.assignee for c in conversations), *(c.newest.teammate for c in conversations)}
    known = await names(request, people, {c.newest.subscription for c in conversations})
    me = teammate(request).id
    return [_item(listed, known, me, current, say) for listed in found]


def _item(listed: ConversationRow, known: Names, me: str, current: str, say: Translator) -> ListItem:
    c, name = listed.conversation, name_of(listed.contact, say)
    return ListItem(
        id=c.id,
        contact=c.contact,
        name=name,
        line=_line(c, known, me, say),
        at=iso(c.updated_at),
        is_unread=c.is_unread,
        is_sms=c.number is not None,
        assignee=known.teammate(c.assignee, say) if c.assignee else "",
        is_current=c.id == current,
    )


def _line(c: Conversation, known: Names, me: str, say: Translator) -> str:
    newest: Newest = c.newest
    if newest.kind == "event":
        name = known.subscription(newest.subscription, say)
        if newest.name == ConversationEventName.SIGNED_UP:
            return say("Signed up for %(name)s", name=name)
        if newest.name == ConversationEventName.STOPPED:
            return say("Not signed up for %(name)s: number opted out", name=name)
        return say("Confirmation requested for %(name)s", name=name)
    text = say("Opt-in form") if newest.kind == "card" else c.preview
    if newest.author is not AuthorKind.TEAMMATE:
        return text
    if newest.teammate == me:
        return say("You: %(text)s", text=text)
    return say("%(who)s: %(text)s", who=known.teammate(newest.teammate, say), text=text)


async def entries(
    request: web.Request, parts: Sequence[Part], conversation: Conversation, contact: Contact | None, say: Translator
) -> list[ThreadEntry]:
    """The thread entries of these parts."""
    happenings = [part.content for part in parts if isinstance(part.content, ConversationEvent)]
    cards = [part.content for part in parts if isinstance(part.content, Card)]
    teammates = {part.author.id for part in parts if part.author.kind is AuthorKind.TEAMMATE}
    subscriptions = {*(h.subscription for h in happenings), *(c.subscription for c in cards)}
    known = await names(request, {*teammates, *(h.to for h in happenings)}, subscriptions)
    brand = (await request.app[BOT].workspace()).name
    drawn = (_entry(part, conversation, name_of(contact, say), brand, known, say) for part in parts)
    texts = await texts_of(request, parts, conversation, say)
    return [
        replace(entry, progress=_progress(part, conversation, contact, known), **texts.get(part.id, {}))
        for entry, part in zip(drawn, parts, strict=True)
    ]


def _progress(part: Part, conversation: Conversation, contact: Contact | None, known: Names) -> Progress | None:
    if contact is None or not isinstance(part.content, Card):
        return None
    is_live = known.is_live(part.content.subscription)
    return card_progress(part.content, part.seq, conversation, contact, is_live)


async def rendered(
    request: web.Request, parts: Sequence[Part], conversation: Conversation, contact: Contact | None, say: Translator
) -> list[str]:
    """Renders each part on its own."""
    return [
        await render(request, "inbox/_part.html", say.locale, part=entry, conversation=conversation)
        for entry in await entries(request, parts, conversation, contact, say)
    ]


def _entry(part: Part, c: Conversation, contact: str, brand: str, known: Names, say: Translator) -> ThreadEntry:
    content, kind = part.content, part.author.kind
    author = {
        AuthorKind.CONTACT: contact,
        AuthorKind.BOT: say("%(name)s (bot)", name=brand),
        AuthorKind.TEAMMATE: known.teammate(part.author.id, say),
    }[kind]
    mine = kind is not AuthorKind.CONTACT
    return ThreadEntry(
        seq=part.seq,
        kind=content.kind,
        mine=mine,
        who=f"{kind}:{part.author.id}:{content.kind == 'note'}",
        author=author,
        owner=part.author.id,
        at=iso(part.at),
        key=part.key.rpartition(":")[2] if kind is AuthorKind.TEAMMATE else "",
        status=status_of(part.seq, c) if mine and part.is_for_contact and not c.number else "",
        text=segments(content.text, named=kind is not AuthorKind.CONTACT) if isinstance(content, Text | Note) else (),
        image=content.image if isinstance(content, Text) else None,
        links=(content.links or ()) if isinstance(content, Text) else (),
        event=_event(content, part.author.id, author, contact, known, say)
        if isinstance(content, ConversationEvent)
        else "",
        until=iso(content.until) if isinstance(content, ConversationEvent) and content.until else "",
        card=content if isinstance(content, Card) else None,
        subscription=known.subscription(content.subscription, say) if isinstance(content, Card) else "",
        legal=segments(content.legal_text) if isinstance(content, Card) else (),
        is_sms=isinstance(content, Card) and known.is_sms(content.subscription),
    )


def status_of(seq: int, c: Conversation) -> str:
    return "seen" if seq <= c.seen else "delivered" if seq <= c.delivered else "sent"


def _event(content: ConversationEvent, by: str, author: str, contact: str, known: Names, say: Translator) -> str:
    name = known.subscription(content.subscription, say)
    match content.name:
        case ConversationEventName.SIGNED_UP:
            return say("%(who)s signed up for %(name)s", who=contact, name=name)
        case ConversationEventName.ASKED:
            return say("%(who)s was asked to confirm %(name)s by text", who=contact, name=name)
        case ConversationEventName.WITHHELD:
            return say("%(who)s signed up for %(name)s, but wasn't texted: too many sign-ups", who=contact, name=name)
        case ConversationEventName.STOPPED:
            return say(
                "%(who)s tried to sign up for %(name)s with a number that opted out with STOP", who=contact, name=name
            )
        case ConversationEventName.WITHDRAWN:
            return say("%(who)s withdrew the form for %(name)s", who=author, name=name)
        case ConversationEventName.HANDED_OVER if content.to:
            return say("The bot assigned this to %(to)s", to=known.teammate(content.to, say))
        case ConversationEventName.STARTED_FLOW:
            return say("%(who)s started a bot flow", who=author)
        case ConversationEventName.HANDED_OVER:
            return say("The bot handed this over to your team")
        case ConversationEventName.ASSIGNED if content.to == by:
            return say("%(who)s assigned this to themselves", who=author)
        case ConversationEventName.ASSIGNED if content.to:
            return say("%(who)s assigned this to %(to)s", who=author, to=known.teammate(content.to, say))
        case ConversationEventName.ASSIGNED:
            return say("%(who)s unassigned this", who=author)
        case ConversationEventName.CLOSED:
            return say("%(who)s closed this", who=author)
        case ConversationEventName.REOPENED:
            return say("%(who)s reopened this", who=author)
        case ConversationEventName.SNOOZED:
            return say("%(who)s snoozed this until", who=author)
        case ConversationEventName.WOKE:
            return say("Snooze ended")
        case ConversationEventName.TEXTED_STOP:
            return say("%(who)s texted STOP. Texts to this number are blocked.", who=contact)
        case ConversationEventName.TEXTED_START:
            return say("%(who)s texted START. Texts to this number are allowed.", who=contact)
        case ConversationEventName.TEXTED_YES:
            return say("%(who)s confirmed %(name)s by text", who=contact, name=name)
        case ConversationEventName.MAYBE_STOP:
            return say("Possible opt-out request. If %(who)s wants no more texts, opt them out by", who=contact)
        case ConversationEventName.OPT_OUT_HONORED:
            return say("%(who)s honored the opt-out request: no more texts to this number", who=author)
        case ConversationEventName.OPT_OUT_DISMISSED:
            return say("%(who)s marked this as not an opt-out request", who=author)
        case ConversationEventName.TEXTED_NO:
            return say("%(who)s declined %(name)s by text", who=contact, name=name)


def state_words(state: ConversationState, say: Translator) -> str:
    """For a conversation that is not open."""
    return {
        ConversationState.OPEN: "",
        ConversationState.SNOOZED: say("Snoozed until"),
        ConversationState.CLOSED: say("Conversation closed"),
    }[state]
