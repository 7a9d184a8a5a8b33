"""Carries out the effects of a transition. Each may be repeated after a crash, and then changes nothing."""

from __future__ import annotations

from bot.chat.conversations import ConversationService
from bot.contacts.service import ContactService
from bot.errors import Invalid
from bot.fault_points import reach
from bot.flows.effects import (
    AcceptForm,
    ChangeTag,
    Effect,
    HandOver,
    KeepAnswer,
    Notify,
    SendSms,
    SetAttribute,
    StartFlow,
    Write,
)
from bot.flows.outlets import Outlets
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Conversation
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.store import Store

BOT = Author(kind=AuthorKind.BOT, id="bot")


class Performer:
    def __init__(
        self, store: Store, conversations: ConversationService, contacts: ContactService, outlets: Outlets
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._contacts = contacts
        self._outlets = outlets

    async def perform(self, conversation: Conversation, effect: Effect, key: str, newest: int) -> int:
        """The sequence of the entry that it wrote; 0: none. `newest`: of the entry that the run wrote before."""
        reach(f"before {effect.kind}")
        seq = await self._perform(conversation, effect, key, newest)
        reach(f"after {effect.kind}")
        return seq

    async def _perform(self, talk: Conversation, effect: Effect, key: str, newest: int) -> int:
        conversation, contact = talk.id, talk.contact
        match effect:
            case Write():
                part = await self._conversations.append(conversation, BOT, effect.shown_to(contact), key)
                if talk.number:
                    await self._outlets.texts.reply(talk, part)
                return part.seq
            case AcceptForm(reply=reply):
                await self._outlets.texts.accept(talk, newest, reply)
            case HandOver(to=to):
                over = ConversationEvent(name=ConversationEventName.HANDED_OVER, to=await self._assignable(to))
                await self._conversations.append(conversation, BOT, over, key)
            case ChangeTag(tag=tag, is_removed=True):
                await self._contacts.remove_tags([contact], [tag])
            case ChangeTag(tag=tag):
                await self._add_tag(contact, tag)
            case SendSms(subscription=subscription, text=text, flow=flow, locale=locale):
                await self._outlets.texts.send(contact, subscription, text, key, flow=flow, locale=locale)
            case Notify(event=event, values=values, flow=flow, version=version):
                await self._outlets.events.notify(conversation, contact, event, values, key, flow=flow, version=version)
            case SetAttribute() | KeepAnswer():
                known = await self._store.contacts.get(contact)
                if known and not known.is_gone:
                    await self._set(known, effect, conversation, key)
            case StartFlow():  # by `Runs`, when everything before it is done
                pass
        return 0

    async def _set(self, contact: Contact, effect: SetAttribute | KeepAnswer, conversation: str, key: str) -> None:
        if isinstance(effect, KeepAnswer):
            await self._contacts.keep_answer(contact, effect.field, effect.value, conversation=conversation, key=key)
            return
        attribute = await self._store.attributes.get(effect.key)
        if attribute is None or attribute.archived_at:
            return
        try:
            value = attribute.read(effect.value)
        except Invalid:  # the person wrote something that this attribute can't hold
            return
        await self._contacts.set_values(contact, {}, {effect.key: value})

    async def _add_tag(self, contact: str, id: str) -> None:
        tag = await self._store.tags.get(id)
        if tag and not tag.deleted_at:
            await self._contacts.add_tags([contact], [id])

    async def _assignable(self, to: str) -> str:
        teammate = await self._store.teammates.get(to) if to else None
        return to if teammate and not teammate.removed_at else ""
