"""View models of the messenger templates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web
from markupsafe import Markup

from bot.chat.card_view import CardView
from bot.chat.linked_text import LinkedText, segments
from bot.consent.country import visitor_region
from bot.flows.messenger import Opened
from bot.i18n import Translator, translator
from bot.model.base import iso
from bot.model.contact import Contact
from bot.model.conversation import AuthorKind, Card, CardState, ChatImage, ChatLink, Conversation, Part, Text
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.teammate import Teammate
from bot.model.workspace import Workspace
from bot.outbound.chat_rules import message_of
from widget.web.fragment_cache import FRAGMENT_CACHE
from widget.web.http import BOT, render


@dataclass(frozen=True, slots=True)
class PartView:
    seq: int
    kind: str
    mine: bool
    author: str
    author_kind: str
    at: str
    key: str
    text: tuple[LinkedText, ...] = ()
    card: CardView | None = None
    image: ChatImage | None = None
    links: tuple[ChatLink, ...] = ()
    replies: tuple[str, ...] = ()
    """Labels of quick replies."""
    event: str = ""
    message: str = ""
    """The outbound message that it belongs to."""
    is_answered: bool = False
    """A form that they completed: it stays when they dismiss the message."""
    is_dismissed: bool = False
    teammate: Teammate | None = None
    """Who wrote it; None: the bot, or the visitor."""

    @property
    def is_shared(self) -> bool:
        """Everyone sees the same, except for times and personal values on cards: flows write the same for all."""
        if self.card:
            return _is_shared(self.card)
        return bool(self.event) or self.author_kind == AuthorKind.BOT


@dataclass(frozen=True, slots=True)
class ConversationView:
    id: str
    title: str
    at: str
    unread: int
    current: bool


def addressed(view: CardView, part: Part) -> CardView:
    """The card with its element id and submit URL."""
    return replace(
        view,
        seq=part.seq,
        dom_id=f"card-{part.seq}",
        action=f"/messenger/conversations/{part.conversation}/cards/{part.seq}",
    )


def region_of(request: web.Request, contact: Contact, workspace: Workspace) -> str:
    """The visitor's country, if we text it."""
    accepted = request.headers.get("Accept-Language", "")[:200]
    return visitor_region(contact.time_zone, tuple(re.split(r"[,;]", accepted)), workspace.texted)


async def part_views(request: web.Request, parts: Sequence[Part], contact: Contact) -> list[PartView]:
    bot = request.app[BOT]
    workspace = await bot.workspace()
    cards = await bot.cards.views(parts, contact, workspace, region_of(request, contact, workspace))
    say = translator(contact.locale)
    wrote = await bot.store.teammates.get_many(p.author.id for p in parts if p.author.kind is AuthorKind.TEAMMATE)
    return [_part_view(p, cards.get(p.id), wrote.get(p.author.id), workspace, say) for p in parts]


async def thread(request: web.Request, conversation: str, parts: Sequence[Part], contact: Contact) -> str:
    """The newest entries of a conversation."""
    drawn = Markup("\n").join(Markup(html) for html in await entries(request, parts, contact))  # noqa: S704 (our own)
    personal = {"conversation": conversation, "parts": drawn}
    older = bool(parts) and parts[0].seq > 1
    return await request.app[FRAGMENT_CACHE](request, "messenger/thread.html", contact.locale, personal, older=older)


async def opened_thread(request: web.Request, opened: Opened) -> str:
    """The thread of a chat that was opened. Until somebody acts in it, it is rendered once for all who see the same:
    only conversation and time differ.
    """
    opening, contact = opened.opening, opened.contact
    is_personal = contact.phone or contact.email or contact.consents
    if opening is None or opening.asked is not None or is_personal:
        return await thread(request, opened.conversation, opened.parts, contact)
    bot, cache = request.app[BOT], request.app[FRAGMENT_CACHE]
    found = await bot.cards.offered(part.content for part in opened.parts if isinstance(part.content, Card))
    say = translator(contact.locale)
    offered = [
        (s.id, s.is_live, s.message_type, words.name, words.description)
        for s in found.values()
        for words in [s.words(say.locale)]
    ]

    async def draw() -> str:
        chat = cache.mark("conversation")
        parts = [part.model_copy(update={"conversation": chat}) for part in opened.parts]
        views = [replace(view, at=cache.mark("at")) for view in await part_views(request, parts, contact)]
        entries = [await render(request, "messenger/part.html", _locale(view, say.locale), part=view) for view in views]
        drawn = Markup("\n").join(Markup(html) for html in entries)  # noqa: S704 (our own)
        return await render(
            request, "messenger/thread.html", contact.locale, conversation=chat, parts=drawn, older=False
        )

    workspace = await bot.workspace()
    seen = say.locale, region_of(request, contact, workspace)
    forms = [part.content.flow_step for part in opened.parts if isinstance(part.content, Card)]  # with their variants
    key = ("opened", opening.flow, opening.flow_version, opening.message, *forms, *seen, workspace, *offered)
    return await cache.keep(key, draw, {"conversation": opened.conversation, "at": iso(opening.at)})


async def entries(request: web.Request, parts: Sequence[Part], contact: Contact) -> list[str]:
    """Each entry by itself, empty where the contact dismissed it."""
    dismissed = await request.app[BOT].chat_delivery.dismissed(contact.id, parts)
    drawn = await part_views(request, parts, contact)
    hidden = {view.seq for view in drawn if view.message in dismissed and not view.is_answered}
    seen = [replace(view, is_dismissed=view.seq in hidden) for view in drawn]
    return [await _entry(request, view, contact.locale) for view in seen]


def _locale(view: PartView, locale: str) -> str:
    """A card speaks the language of its words."""
    return view.card.locale if view.card else locale


async def _entry(request: web.Request, view: PartView, locale: str) -> str:
    locale = _locale(view, locale)
    if not view.is_shared:
        return await render(request, "messenger/part.html", locale, part=view)
    cache = request.app[FRAGMENT_CACHE]
    card, personal = _alike(request, view.card) if view.card else (None, {})
    alike = replace(view, at=cache.mark("at"), card=card)
    return await cache(request, "messenger/part.html", locale, {"at": view.at, **personal}, part=alike)


async def card(request: web.Request, view: CardView) -> str:
    """A card by itself."""
    if not _is_shared(view):
        return await render(request, "cards/card.html", view.locale, card=view)
    alike, personal = _alike(request, view)
    return await request.app[FRAGMENT_CACHE](request, "cards/card.html", view.locale, personal, card=alike)


def _is_shared(card: CardView) -> bool:
    """Typed values and their errors are personal."""
    return not (card.value or card.error or card.box_error or card.notice or card.said or card.proof)


def _alike(request: web.Request, card: CardView) -> tuple[CardView, dict[str, str]]:
    """The card with placeholders for personal values, and the values."""
    names = ("action", "saved", "done_number", "again", "waits")
    personal = {name: value for name in names if (value := getattr(card, name))}
    cache = request.app[FRAGMENT_CACHE]
    return replace(card, **{name: cache.mark(name) for name in personal}), personal  # type: ignore[arg-type]


def conversation_views(
    found: Sequence[tuple[Conversation, int]], current: str, say: Translator
) -> list[ConversationView]:
    return [
        ConversationView(c.id, c.preview or say("New conversation"), iso(c.updated_at), unread, c.id == current)
        for c, unread in found
    ]


def _part_view(
    part: Part, card: CardView | None, wrote: Teammate | None, workspace: Workspace, say: Translator
) -> PartView:
    content, mine = part.content, part.author.kind is AuthorKind.CONTACT
    return PartView(
        seq=part.seq,
        kind=content.kind,
        mine=mine,
        author=say("You") if mine else author_of(wrote, workspace, say),
        author_kind=part.author.kind,
        at=iso(part.at),
        key=_client_key(part) if mine and isinstance(content, Text) else "",
        text=segments(content.text, named=not mine) if isinstance(content, Text) else (),
        card=addressed(card, part) if card else None,
        image=content.image if isinstance(content, Text) else None,
        links=(content.links or ()) if isinstance(content, Text) else (),
        replies=tuple(r.label for r in content.replies or ()) if isinstance(content, Text | Card) else (),
        event=_event(content, say) if isinstance(content, ConversationEvent) else "",
        message=message_of(part) or "",
        is_answered=isinstance(content, Card) and content.state is CardState.COMPLETED,
        teammate=wrote,
    )


def author_of(teammate: Teammate | None, workspace: Workspace, say: Translator) -> str:
    """Who answers, as the visitor sees it."""
    if teammate is None:
        return workspace.name
    return say("%(name)s from %(business)s", name=teammate.first_name, business=workspace.name)


def _event(happening: ConversationEvent, say: Translator) -> str:
    if happening.name is ConversationEventName.STOPPED:
        return say("You weren't signed up: this number has opted out of all texts.")
    if happening.name is ConversationEventName.WITHHELD:
        return say("Pending until you confirm by text.")
    is_done = happening.name is ConversationEventName.SIGNED_UP
    return say("You signed up.") if is_done else say("Pending. Reply YES to our text to confirm.")


def _client_key(part: Part) -> str:
    """The idempotency key from the visitor's device."""
    return part.key.removeprefix(f"{part.conversation}:contact:")
