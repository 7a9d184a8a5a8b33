"""Every state that a card can be in, in one conversation: for tests of how they look and read."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from bot.app import Bot
from bot.consent.attestations import Attestation
from bot.demo import DEALS, FLOW, LEGAL, NEWS, ORDERS
from bot.flows.publish import publish
from bot.flows.steps import Step
from bot.model.base import new_id
from bot.model.conversation import Author, AuthorKind, Card, Content, Text
from bot.model.form_words import FormWords
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.model.teammate import By
from bot.store import Store
from tests.browser.shop import Chat
from tests.people import greets

BOT = Author(kind=AuthorKind.BOT, id="bot")
GONE, WAITING = "90ne90ne90ne90ne90ne90ne", "a11a11a11a11a11a11a11a11"
BOX = "I agree to get marketing texts at this number. See our [terms](https://harbor.example/terms)."
ARABIC = {
    "ar": FormWords(
        title="أول حصاد القهوة",
        legal_text="أرسل STOP لإلغاء الاشتراك.",
        box="أوافق على تلقي رسائل تسويقية على هذا الرقم. اقرأ [الشروط](https://harbor.example/terms).",
    )
}
LETTER = "One email a month. [Privacy](https://harbor.example/privacy)."
LONG_TITLE = (
    "Geschwindigkeitsbegrenzungsüberschreitungsbenachrichtigungen, Rechtsschutzversicherungsgesellschaften und "
    "Kaffeeröstungstemperaturüberwachungsprotokolle: jetzt für Kurznachrichten anmelden, ja"
)[:200]
LONG_LEGAL = (LEGAL.format(url="https://harbor.example") + " ") * 6
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2


async def ask(store: Store, *steps: Step) -> None:
    """The bot greets with these steps from now on. Call it before anybody opens the chat."""
    await publish(store, FLOW, greets(*steps))


async def add_subscriptions(store: Store) -> None:
    """One that was archived, and one that waits for a YES."""
    subscription = (await store.subscriptions.live())[0]
    for id, name, state in (
        (GONE, "Tasting evenings", SubscriptionState.ARCHIVED),
        (WAITING, "Events near you", SubscriptionState.LIVE),
    ):
        await store.subscriptions.keep(
            Subscription(
                id=id,
                name=name,
                description="Tastings and classes.",
                message_type=MessageType.SMS,
                consent_type=ConsentType.OPT_IN,
                state=state,
                created_at=subscription.created_at,
                updated_at=subscription.updated_at,
            )
        )


async def show(bot: Bot, chat: Chat, *contents: Content) -> None:
    """Entries of the bot's, and the wait until the chat shows them."""
    conversation = await chat.stored()
    for content in contents:
        part = await bot.conversations.append(conversation, BOT, content, new_id())
        await expect(chat.frame.locator(f"#part-{part.seq}")).to_be_visible()


def card(subscription: str, title: str, legal: str = LEGAL.format(url="https://harbor.example"), **values: Any) -> Card:
    return Card(subscription=subscription, title=title, legal_text=legal, **values)


async def before_the_number(bot: Bot, chat: Chat) -> None:
    """Open, wrong, with changed words, for email, no longer available."""
    await show(
        bot,
        chat,
        card(DEALS, "Texts about small-batch roasts", box=BOX, translations=ARABIC),
        card(DEALS, "First pick of the harvest"),
        card(NEWS, "One letter a month", LETTER),
        card(GONE, "Come to our tasting evenings"),
    )
    wrong, changed = chat.cards.nth(1), chat.cards.nth(2)
    await wrong.get_by_role("textbox").fill("555-01")
    await wrong.locator(".card-button").click()
    await expect(wrong.locator(".card-error").first).not_to_be_empty()
    await expect(wrong.locator(".card-error--box")).not_to_be_empty()
    await bot.store.parts.update(
        {"conversation": await chat.conversation(), "seq": 4},
        {"$set": {"content.title": "First pick of every harvest"}},
    )
    await changed.get_by_role("textbox").fill("(201) 555-0123")
    await changed.locator(".card-button").click()
    await expect(changed.locator(".card-notice")).to_be_visible()


async def after_a_change_of_mind(bot: Bot, chat: Chat) -> None:
    """Signed up, turned off by a teammate, and offered again; a saved number that isn't theirs."""
    await chat.card.get_by_role("textbox").fill("(201) 555-0123")
    await chat.card.locator(".card-button").click()
    await expect(chat.card).to_have_attribute("data-state", "completed")
    (contact,) = await bot.store.contacts.find({"consents.subscription": DEALS}, limit=2)
    await bot.attestations.opt_out(contact.id, DEALS, Attestation(key=new_id(), by=By("ada", "Ada")))
    await expect(chat.card).to_have_attribute("data-state", "withdrawn")
    await show(bot, chat, card(ORDERS, "Texts about your orders", box=BOX, translations=ARABIC))
    await chat.card.locator("summary").click()


async def after_the_number(bot: Bot, chat: Chat) -> None:
    """Completed, already signed up, saved, waiting for a YES; long words; a message of one's own."""
    await chat.card.get_by_role("textbox").fill("(201) 555-0123")
    await chat.card.locator(".card-button").click()
    await expect(chat.card).to_have_attribute("data-state", "completed")
    (contact,) = await bot.store.contacts.find({"consents.subscription": DEALS}, limit=2)
    waiting = contact.consents[0].model_dump() | {"subscription": WAITING, "state": "pending", "part": None}
    await bot.store.contacts.update({"_id": contact.id}, {"$push": {"consents": waiting}})
    await show(
        bot,
        chat,
        card(DEALS, "First pick of the harvest"),
        card(ORDERS, "Texts about your orders"),
        card(WAITING, "Events near you"),
        card(ORDERS, LONG_TITLE, LONG_LEGAL[:2000]),
        Text(text=LONG_WORD + "\n\nhttps://harbor.example/" + "roasts/" * 20),
    )
    await chat.frame.locator("#text").fill("Thanks! " + LONG_WORD)
    await chat.frame.locator("#text").press("Enter")
    await expect(chat.sent("Thanks!")).to_be_visible()
