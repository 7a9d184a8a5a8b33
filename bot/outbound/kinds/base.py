"""What a kind of text decides: when it is sent, its body, and when it is refused. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import ClassVar

from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import ConsentEvent
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace


class TextLimit(Enum):
    """The limit on texts of a kind to one phone."""

    FLOOD = auto()
    """Anyone who enters the number into a form can cause it."""
    LOOP = auto()
    """The phone itself requested it, so the limit only stops endless exchanges between two machines."""
    FLOW = auto()
    """A bot flow causes it, which may repeat itself. Never counted with what the phone requested: that would block the
    answer to a STOP."""
    TALK = auto()
    """The same for a bot that talks with the phone: it answers more often."""
    NONE = auto()
    """A person writes each one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a text is about to be sent."""

    workspace: Workspace
    contact: Contact | None
    subscription: Subscription | None
    is_stopped: bool
    """The number is on the stop list."""
    revoked_until: datetime | None = None
    """When its last STOP was lifted."""
    message: OutboundMessage | None = None
    """The outbound message of which it is a copy."""
    is_paused: bool = False
    """The message is paused: the copy waits."""
    is_canceled: bool = False

    @property
    def program(self) -> Subscription:
        """The subscription of a text; without it, the text was refused."""
        if self.subscription is None:
            raise LookupError("the subscription is gone")
        return self.subscription


class TextKind(ABC):
    """One kind of text. Register it in `bot/outbound/kinds/__init__.py`."""

    name: ClassVar[DeliveryKind]
    limit: ClassVar[TextLimit]
    answers: ClassVar[bool] = False
    """It answers a text, so it comes from the number that was texted rather than from the sender of the country."""
    label: ClassVar[str] = ""
    """What teammates read beside it in a conversation; empty where one of them wrote it."""

    def follows(self, event: ConsentEvent) -> bool:
        """Whether a recorded event asks for a text of this kind."""
        return False

    def id_of(self, cause: str) -> str:
        """The id of the delivery caused by `cause`: one cause makes one delivery."""
        return f"{self.name}:{cause}"

    def has_link(self, delivery: Delivery) -> bool:
        """Whether it includes a link to the contact's preference center."""
        return False

    def valid_for(self, delivery: Delivery) -> timedelta | None:
        """How long the provider may hold it back; None: as long as it does for every text."""
        return None

    def counted_links(self, delivery: Delivery, facts: Facts) -> list[str]:
        """The links in its body that are replaced by short ones, in order."""
        return []

    @abstractmethod
    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        """A stable code for why this text may not be sent now (law 7); None: it may."""

    @abstractmethod
    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        """`link` is empty if there is none. Called only for a text that may be sent."""


def sending_refusal(delivery: Delivery, facts: Facts) -> str | None:
    """The same for a text that we begin: archived contacts get none."""
    is_archived = facts.contact is not None and facts.contact.archived_at is not None
    return permission_refusal(delivery, facts) or ("archived" if is_archived else None)


def permission_refusal(delivery: Delivery, facts: Facts) -> str | None:
    """Why a text of a subscription may not be sent to this contact; None: it may."""
    if facts.contact is None or facts.subscription is None:
        return "contact_gone"
    address, consent = address_of(facts.contact, MessageType.SMS), facts.contact.consent(facts.subscription.id)
    answer = permission(
        facts.subscription, consent, address, stopped=facts.is_stopped, revoked_until=facts.revoked_until
    )
    if not answer.allowed:
        return answer.reason
    return None if address == delivery.number else "number_changed"
