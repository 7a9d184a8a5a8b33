"""Faults of a flow as the editor shows them: beside the field, so without the names that fields have in a file."""

from __future__ import annotations

from collections.abc import Iterable

from bot.errors import marked as _
from bot.flows.check import FlowFault
from bot.flows.refusals import MISSING, TOO_FEW
from bot.flows.rules import NEVER_DISMISSED, NEVER_LATE, NO_HOURS
from bot.i18n import Translator

IN_PLACE = {
    MISSING: _("Fill in this field."),
    NEVER_DISMISSED: _("No one reaches these steps. Add the label of the button that dismisses the form."),
    NEVER_LATE: _("No one reaches these steps. Set how long the step waits for an answer."),
    NO_HOURS: _("Set the office hours of this flow first."),
    'Use "choices" together with "answer": "choice".': _("Add at least one choice."),
    'Set either "seconds" or "until".': _("Choose how long to wait."),
}
"""By the words that a file's author reads."""
NO_STEP = _("Add at least one step.")


def shown(faults: Iterable[FlowFault], say: Translator) -> list[dict[str, object]]:
    return [
        {
            "path": fault.path,
            "text": say(_words(fault), **_spoken(fault, say)),
            "is_warning": fault.is_warning,
        }
        for fault in faults
    ]


def _spoken(fault: FlowFault, say: Translator) -> dict[str, str]:
    """What a legal text lacks is named in the reader's language."""
    return {name: say(value) if name == "what" else value for name, value in fault.values.items()}


def _words(fault: FlowFault) -> str:
    if fault.path == "steps" and fault.text in {MISSING, TOO_FEW}:
        return NO_STEP
    return IN_PLACE.get(fault.text, fault.text)
