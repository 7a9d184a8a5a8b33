"""What carries a text to a phone. The simulator is one; Twilio is to be the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.consent.numbers import saved_number
from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.delivery import PhoneText
from bot.store import Store

LONGEST = 1600
"""Characters that a provider takes in one text (Twilio, `Body`)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`id` is ours: it travels with the text, so that what comes back can be matched to what was sent."""

    id: str
    number: str
    body: str


class GatewayError(Exception):
    """The provider said no. `permanent`: the same text will never be taken; otherwise it was not taken this time.

    An answer that never came is no GatewayError: nobody knows what became of the text (law 8).
    """

    def __init__(self, code: str, *, permanent: bool) -> None:
        self.code = code
        self.permanent = permanent
        super().__init__(code)


class Gateway(Protocol):
    async def send(self, text: Outgoing) -> str:
        """Hands the text over and answers the provider's id of it. Raises GatewayError."""


class Simulator:
    """Phones that exist in the database only, with which one can talk at `/demo/phone`."""

    def __init__(self, store: Store) -> None:
        self._texts = store.phone_texts

    async def send(self, text: Outgoing) -> str:
        number = saved_number(text.number)
        if number is None:
            raise GatewayError("invalid_number", permanent=True)
        if len(text.body) > LONGEST:
            raise GatewayError("too_long", permanent=True)
        id = new_id()
        await self._texts.insert(
            PhoneText(id=id, number=number.e164, incoming=True, body=text.body, at=now(), key=text.id)
        )
        return id

    async def reply(self, number: str, body: str, key: str) -> PhoneText:
        """What the person at the phone writes back; kept once for each key. Raises Invalid."""
        if not body.strip():
            raise Invalid(_("Write a message first."))
        if len(body) > LONGEST:
            raise Invalid(_("That message is too long for a text. Shorten it."))
        if not await self._texts.find_one({"number": number}):
            raise Invalid(_("No text was sent to this number yet."))
        text = PhoneText(id=f"reply:{key}", number=number, incoming=False, body=body.strip(), at=now(), key=key)
        await self._texts.keep(text)
        return text
