"""The program page of a form: what carriers want to read about a program of texts, from the facts of the brand. Pure.

Sources: CTIA Messaging Principles and Best Practices of May 2023 (5.1.1), Twilio's review of campaigns (errors 30558,
30560, 30562).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from bot.consent.offers import WordingFacts, for_email_form, for_sms_form
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.subscription import MessageType, Purpose, Subscription
from bot.model.workspace import Workspace

CARRIERS = _("Carriers are not liable for delayed or undelivered messages.")


@dataclass(frozen=True, slots=True)
class ProgramSection:
    title: str
    text: str
    """Links are written like those of legal texts."""


@dataclass(frozen=True, slots=True)
class ProgramPage:
    program: str
    description: str
    sections: tuple[ProgramSection, ...]

    @property
    def text(self) -> str:
        """For the form checker."""
        return "\n\n".join([self.program, self.description, *(section.text for section in self.sections)])


def program_page(subscription: Subscription, workspace: Workspace, say: Translator) -> ProgramPage:
    words = subscription.words(say.locale)
    facts = WordingFacts.of(
        workspace, program=words.name, channel=subscription.message_type, purpose=subscription.purpose
    )
    is_text = subscription.message_type is MessageType.SMS
    made = (_of_texts if is_text else _of_emails)(facts, workspace, say)
    sections = tuple(ProgramSection(title, text) for title, text in made if text)
    return ProgramPage(words.name, words.description, sections)


def _of_texts(facts: WordingFacts, workspace: Workspace, say: Translator) -> list[tuple[str, str]]:
    said = for_sms_form(facts, say, defaultdict(bool))
    cost = [said["rates"], *([said["purchase"]] if facts.purpose is Purpose.MARKETING else [])]
    return [
        (say("What you agree to"), said["agreement"]),
        (say("Message frequency"), said["frequency"]),
        (say("Cost"), " ".join(cost)),
        (say("How to opt out"), say("Reply STOP to opt out.")),
        (say("Help"), " ".join(filter(None, [say("Reply HELP for help."), _support(workspace, say)]))),
        (say("Delivery"), say(CARRIERS)),
        (say("Privacy and terms"), " ".join(filter(None, [said["privacy"], said["terms"]]))),
    ]


def _of_emails(facts: WordingFacts, workspace: Workspace, say: Translator) -> list[tuple[str, str]]:
    said = for_email_form(facts, say, {})
    return [
        (say("What you agree to"), said["agreement"]),
        (say("How to opt out"), said["unsubscribe"]),
        (say("Help"), _support(workspace, say)),
        (say("Privacy and terms"), said["privacy"]),
    ]


def _support(workspace: Workspace, say: Translator) -> str:
    return say("You can also reach us at %(support)s.", support=workspace.support) if workspace.support else ""
