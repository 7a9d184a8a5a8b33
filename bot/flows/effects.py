"""What a run does, as data: pure. `bot.flows.performing` carries it out.

A run that only writes entries can be shown before it is stored. Everything else is stored with the run before it is
carried out, so that a crash neither loses nor repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from bot.flows.variants import variant_of, with_variant
from bot.model.conversation import Card, Text
from bot.model.form_words import FormVariant


@dataclass(frozen=True, slots=True)
class Write:
    """One entry in the conversation. `variants`: of a card, other words that some people see."""

    content: Annotated[Text | Card, Field(discriminator="kind")]
    variants: tuple[FormVariant, ...] = ()
    kind: Literal["write"] = "write"

    def shown_to(self, contact: str) -> Text | Card:
        """What this contact sees."""
        card = self.content
        if not self.variants or not isinstance(card, Card):
            return card
        return with_variant(card, variant_of(card.flow or "", card.flow_step or "", contact, self.variants))

    def asked_by(self, flow: str, version: int) -> Write:
        """A card names its flow, which becomes part of the evidence of an answer."""
        if not isinstance(self.content, Card):
            return self
        return replace(self, content=self.content.model_copy(update={"flow": flow, "flow_version": version}))


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """A custom attribute of the contact. `value` is written as people type it; empty removes it."""

    key: str
    value: str
    kind: Literal["set_attribute"] = "set_attribute"


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """The contact's name, email or phone, if none is saved yet."""

    field: Literal["name", "email", "phone"]
    value: str
    kind: Literal["keep_answer"] = "keep_answer"


@dataclass(frozen=True, slots=True)
class ChangeTag:
    """`is_removed`: the contact loses the tag."""

    tag: str
    is_removed: bool = False
    kind: Literal["change_tag"] = "change_tag"


@dataclass(frozen=True, slots=True)
class SendSms:
    """A text of a subscription. Whether it may be sent is decided when it is sent."""

    subscription: str
    text: str
    locale: str
    flow: str = ""
    kind: Literal["send_sms"] = "send_sms"

    def asked_by(self, flow: str, version: int) -> SendSms:
        return replace(self, flow=flow)


@dataclass(frozen=True, slots=True)
class Notify:
    """A notification to the webhook endpoints that want flow events."""

    event: str
    values: Mapping[str, str] = field(default_factory=dict)
    flow: str = ""
    version: int = 0
    kind: Literal["notify"] = "notify"

    def asked_by(self, flow: str, version: int) -> Notify:
        return replace(self, flow=flow, version=version)


@dataclass(frozen=True, slots=True)
class AcceptForm:
    """The contact replied YES to a form by SMS. `reply`: the entry of the YES."""

    reply: str = ""
    kind: Literal["accept_form"] = "accept_form"


@dataclass(frozen=True, slots=True)
class HandOver:
    """The conversation moves to the inbox. `to`: the teammate it is assigned to, or empty."""

    to: str = ""
    kind: Literal["hand_over"] = "hand_over"


@dataclass(frozen=True, slots=True)
class StartFlow:
    """Another flow starts in this conversation; this run is over."""

    flow: str
    kind: Literal["start_flow"] = "start_flow"


Effect = Write | SetAttribute | KeepAnswer | ChangeTag | SendSms | Notify | AcceptForm | HandOver | StartFlow
_effects: TypeAdapter[list[Effect]] = TypeAdapter(list[Annotated[Effect, Field(discriminator="kind")]])


def stored_effects(effects: Sequence[Effect]) -> tuple[dict[str, Any], ...]:
    return tuple(_effects.dump_python([*effects], exclude_none=True))


def loaded_effects(raw: Iterable[dict[str, Any]]) -> list[Effect]:
    return _effects.validate_python([*raw])


def only_writes(effects: Iterable[Effect]) -> bool:
    return all(isinstance(effect, Write) for effect in effects)
