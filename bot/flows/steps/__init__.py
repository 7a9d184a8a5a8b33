"""The kinds of steps. To add one: write its file beside this one and add it to `Step`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.flows.steps.ask import Ask, AskChoice
from bot.flows.steps.condition import Condition
from bot.flows.steps.end import End
from bot.flows.steps.go_to import GoTo
from bot.flows.steps.hand_over import HandOverStep
from bot.flows.steps.opt_in_form import OptInForm
from bot.flows.steps.say import Say
from bot.flows.steps.send_sms import SendSmsStep
from bot.flows.steps.set_attribute import SetAttributeStep
from bot.flows.steps.start_flow import StartFlowStep
from bot.flows.steps.tag import TagStep
from bot.flows.steps.wait import WaitStep
from bot.flows.steps.wait_for_consent import WaitForConsent
from bot.flows.steps.webhook import WebhookStep

Step = Annotated[
    Say
    | Ask
    | OptInForm
    | Condition
    | SetAttributeStep
    | TagStep
    | SendSmsStep
    | WebhookStep
    | WaitStep
    | WaitForConsent
    | HandOverStep
    | StartFlowStep
    | GoTo
    | End,
    Field(discriminator="kind"),
]
MOST_STEPS = 200
"""Of a flow, and so of each list in it."""
Steps = Annotated[tuple[Step, ...], Field(max_length=MOST_STEPS)]
"""Taken in order, unless one ends the run or sends it elsewhere."""
KINDS = {kind.model_fields["kind"].default: kind for kind in Step.__origin__.__args__}  # type: ignore[attr-defined]

for _kind in (*KINDS.values(), AskChoice):  # their branches hold steps of every kind
    _kind.model_rebuild(_types_namespace={"Steps": Steps})

__all__ = [
    "KINDS",
    "MOST_STEPS",
    "Ask",
    "AskChoice",
    "Condition",
    "End",
    "GoTo",
    "HandOverStep",
    "OptInForm",
    "Say",
    "SendSmsStep",
    "SetAttributeStep",
    "StartFlowStep",
    "Step",
    "Steps",
    "TagStep",
    "WaitForConsent",
    "WaitStep",
    "WebhookStep",
]
