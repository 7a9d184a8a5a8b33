"""The kinds of steps and triggers that the editor knows: each has a template named after it."""

from __future__ import annotations

from typing import get_args

from bot.flows.steps import KINDS
from bot.flows.triggers import Trigger

STEPS = tuple(KINDS)
TRIGGERS: tuple[str, ...] = tuple(kind.model_fields["kind"].default for kind in get_args(get_args(Trigger)[0]))
