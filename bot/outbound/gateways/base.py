"""The interface of gateways, which send texts through a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import ClassVar, Protocol

LONGEST = 1600
"""Characters that a provider accepts in one text (Twilio, `Body`)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`id` is ours: it is sent along, so that the provider's reports can be matched to the text."""

    id: str
    number: str
    body: str
    sender: str | None = None
    """The number or name that it comes from; None: the default."""
    valid_for: timedelta | None = None
    """How long the provider may hold the text back; after that it must drop it."""


class Effect(Enum):
    """What else a refusal means."""

    NONE = auto()
    OPTED_OUT = auto()
    """The number opted out with the provider."""
    HALT = auto()
    """No text can be sent until somebody corrects the settings or the account."""
    ALARM = auto()
    """Somebody should look at the account: other texts may fail for the same reason."""


class GatewayError(Exception):
    """The provider refused the text, and certainly did not accept it.

    `permanent`: it never will, so the text fails. Otherwise the text is requeued, for at least `retry_after` seconds if
    the provider named a time.

    A missing or unclear response is not a GatewayError: the text's fate is unknown (law 8).
    """

    def __init__(
        self,
        code: str,
        *,
        permanent: bool,
        retry_after: float | None = None,
        effect: Effect = Effect.NONE,
        number: int | None = None,
    ) -> None:
        self.code = code
        self.number = number
        """The provider's own code."""
        self.permanent = permanent
        self.retry_after = retry_after
        self.effect = effect
        super().__init__(code)


class NoAnswer(Exception):
    """The provider's response is missing or unclear. The message contains neither the number nor the text."""


class NotTraceable(Exception):
    """The provider can't tell whether it accepted a text."""


class Gateway(Protocol):
    delivers_on_commit: ClassVar[bool] = False
    """True: a text is delivered by being stored as sent, so a crash before that leaves nothing on a phone. False:
    `send` reaches the outside world, so each text is marked as handed over first."""

    async def send(self, text: Outgoing) -> str:
        """Sends the text and returns the provider's id. Raises GatewayError; any other error leaves the text's fate
        unknown."""

    async def find(self, text: Outgoing, handed_at: datetime) -> list[str]:
        """The provider's ids of texts that may be this one, handed over at that time, oldest first; empty: it accepted
        none.

        Raises NotTraceable, or any error that prevents asking: then it is asked again later.
        """

    async def all_to(self, number: str, since: datetime) -> list[str]:
        """The provider's ids of all texts to this number, whatever their words; empty: `find` recognizes every text.

        One that belongs to none of our texts may be one whose words were changed on the way.
        """
        return []

    async def close(self) -> None:
        """Closes its resources."""
