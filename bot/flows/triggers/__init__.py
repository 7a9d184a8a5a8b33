"""The kinds of triggers. To add one: write its file beside this one and add it to `Trigger`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.flows.triggers.consent_changed import ConsentTrigger
from bot.flows.triggers.messenger_opened import MessengerOpened
from bot.flows.triggers.page_address import PageAddress
from bot.flows.triggers.segment_entered import SegmentEntered
from bot.flows.triggers.sms_keyword import SmsKeyword
from bot.flows.triggers.started_by_teammate import StartedByTeammate
from bot.flows.triggers.time_on_page import TimeOnPage
from bot.flows.triggers.words_in_message import WordsInMessage

Trigger = Annotated[
    MessengerOpened
    | PageAddress
    | TimeOnPage
    | WordsInMessage
    | ConsentTrigger
    | SegmentEntered
    | SmsKeyword
    | StartedByTeammate,
    Field(discriminator="kind"),
]

__all__ = [
    "ConsentTrigger",
    "MessengerOpened",
    "PageAddress",
    "SegmentEntered",
    "SmsKeyword",
    "StartedByTeammate",
    "TimeOnPage",
    "Trigger",
    "WordsInMessage",
]
