"""Faults of a flow as the editor shows them: beside the field, so without the names that fields have in a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.errors import marked as _
from bot.flows.faults import FlowFault
from bot.flows.refusals import MISSING, TOO_FEW
from bot.flows.rules import NEVER_DISMISSED, NEVER_LATE, NO_HOURS
from bot.i18n import Translator
from widget.web.languages import language

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
    """The same sentence about one field, like what a legal text lacks, is told once with all that it is about."""
    groups: defaultdict[tuple[str, str, bool], list[dict[str, str]]] = defaultdict(list)
    for fault in faults:
        groups[fault.path, _words(fault), fault.is_warning].append(_spoken(fault, say))
    return [
        {"path": path, "text": say(words, **_joined(values)), "is_warning": is_warning}
        for (path, words, is_warning), values in groups.items()
    ]


def _spoken(fault: FlowFault, say: Translator) -> dict[str, str]:
    """In the reader's language: what a legal text lacks, and the languages of translations."""
    spoken: dict[str, Callable[[str], str]] = {"what": say, "locale": lambda code: language(code, say)}
    return {name: spoken.get(name, str)(value) for name, value in fault.values.items()}


def _joined(values: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: ", ".join(dict.fromkeys(one[name] for one in values)) for name in values[0]}


def _words(fault: FlowFault) -> str:
    if fault.path == "steps" and fault.text in {MISSING, TOO_FEW}:
        return NO_STEP
    return IN_PLACE.get(fault.text, fault.text)
