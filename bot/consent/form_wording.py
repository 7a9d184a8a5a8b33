"""Whether a teammate may use a form whose legal text is incomplete: asked wherever one is inserted or saved. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bot.consent.checker import Finding, check_form, lacking
from bot.consent.offers import WordingFacts
from bot.errors import WordingIncomplete
from bot.i18n import Translator
from bot.model.subscription import Subscription
from bot.model.workspace import IncompleteWording, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingCheck:
    """`say`: in the language of the teammate, like the checker beside the form."""

    workspace: Workspace
    is_admin: bool
    say: Translator
    accepted: Collection[str] = ()
    """Codes of the missing statements that the teammate saw and confirmed."""

    def check(self, text: str, subscription: Subscription) -> None:
        """Raises WordingIncomplete."""
        rule = self.workspace.incomplete_wording
        missing = () if rule is IncompleteWording.OFF else self._missing(text, subscription)
        is_blocked = rule is IncompleteWording.BLOCK and not self.is_admin
        if missing and (is_blocked or not {finding.code for finding in missing} <= {*self.accepted}):
            raise WordingIncomplete({finding.code: finding.name for finding in missing}, is_blocked=is_blocked)

    def _missing(self, text: str, subscription: Subscription) -> tuple[Finding, ...]:
        facts = WordingFacts.of(
            self.workspace,
            program=subscription.name,
            channel=subscription.message_type,
            purpose=subscription.purpose,
        )
        return lacking(check_form(text, facts, self.say))
