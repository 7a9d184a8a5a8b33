"""What carries a text to a phone: the seam that every provider fits into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

LONGEST = 1600
"""Characters that a provider takes in one text (Twilio, `Body`)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`id` is ours: it travels with the text, so that what comes back can be matched to what was sent."""

    id: str
    number: str
    body: str


class GatewayError(Exception):
    """The provider refused the text, and surely did not take it.

    `permanent`: it will never take it, so the text fails. Otherwise the text goes back to the queue, for
    `retry_after` seconds at least where the provider named a time.

    A missing or unclear answer is no GatewayError: nobody knows what became of the text (law 8).
    """

    def __init__(self, code: str, *, permanent: bool, retry_after: float | None = None) -> None:
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        super().__init__(code)


class NotTraceable(Exception):
    """The provider can't say whether it took a text."""


class Gateway(Protocol):
    delivers_on_commit: ClassVar[bool] = False
    """True: a text is delivered by being stored as sent, so a crash before that leaves nothing on a phone. False:
    `send` reaches the outside world, so each text is marked as handed over first."""

    async def send(self, text: Outgoing) -> str:
        """Hands the text over and returns the provider's id of it. Raises GatewayError."""

    async def find(self, id: str) -> str | None:
        """The provider's id of the text that it took under our `id`; None: it took none.

        Raises NotTraceable, or whatever keeps it from asking: then it is asked again later.
        """

    async def close(self) -> None:
        """Frees what it holds."""
