"""The kinds of steps. To add one: write its file beside this one and add it to `Step`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.flows.steps.ask import Ask
from bot.flows.steps.end import End
from bot.flows.steps.opt_in_form import OptInForm
from bot.flows.steps.say import Say
from bot.flows.steps.wait import WaitStep
from bot.flows.steps.wait_for_consent import WaitForConsent

Step = Annotated[Say | Ask | OptInForm | WaitStep | WaitForConsent | End, Field(discriminator="kind")]

__all__ = ["Ask", "End", "OptInForm", "Say", "Step", "WaitForConsent", "WaitStep"]
