"""What a kind of text decides: when it is sent, what it says, and why it may not leave. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import ConsentEvent
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace


class TextLimit(Enum):
    """What bounds the number of texts of a kind to one phone."""

    FLOOD = auto()
    """Anyone who types the number into a form can cause it."""
    LOOP = auto()
    """The phone itself asked for it, so only an endless exchange between two machines is cut off."""
    NONE = auto()
    """A person writes each by hand."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a text is about to leave."""

    workspace: Workspace
    contact: Contact | None
    subscription: Subscription | None
    is_stopped: bool
    """The number is on the stop list."""

    @property
    def program(self) -> Subscription:
        """What a text about one subscription is about: without it, the text was refused."""
        if self.subscription is None:
            raise LookupError("the subscription is gone")
        return self.subscription


class TextKind(ABC):
    """One kind of text. Register it in `bot/outbound/kinds/__init__.py`."""

    name: ClassVar[DeliveryKind]
    limit: ClassVar[TextLimit]

    def follows(self, event: ConsentEvent) -> bool:
        """Whether a recorded event asks for a text of this kind."""
        return False

    def id_of(self, cause: str) -> str:
        """The id of the delivery that `cause` leads to: one cause makes one delivery."""
        return f"{self.name}:{cause}"

    def has_link(self, delivery: Delivery) -> bool:
        """Whether it carries a link to the contact's preference center."""
        return False

    @abstractmethod
    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        """A stable code that says why this text may not leave now (law 7); None: it may."""

    @abstractmethod
    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        """`link` is empty where there is none. Asked only of a text that may leave."""
