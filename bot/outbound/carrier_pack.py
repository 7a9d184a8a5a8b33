"""What a carrier registration asks for, made from a live form: texts, answers, addresses, and the fields of Twilio's
campaign (10DLC) and toll-free forms. Pure.

It is in English, for carriers in the US, except for texts, which are as people get them. What Sayso doesn't know is
null, and named in README.txt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.chat.card_view import CardView
from bot.chat.linked_text import LinkedText
from bot.compliance.keyword_table import ROWS, Keyword
from bot.consent.carrier_review import CarrierCheck, gaps, is_company
from bot.consent.numbers import is_email
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.form_template import FormTemplate
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import Purpose, Subscription
from bot.model.workspace import Workspace
from bot.outbound.kinds import KINDS
from bot.outbound.kinds.base import Facts
from bot.outbound.kinds.confirmation import confirmation
from bot.outbound.kinds.outbound import message_body

LONGEST_FLOW, LONGEST_ANSWER, LONGEST_KEYWORDS = 2048, 320, 255
"""Characters that Twilio takes."""
FEWEST_SAMPLES, MOST_SAMPLES = 2, 5
PHONE = re.compile(r"\+?\d[\d\s().-]{8,}\d")
EXAMPLE = {"name": "Maya Lopez", "first_name": "Maya"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierPack:
    template: FormTemplate
    subscription: Subscription
    workspace: Workspace
    view: CardView
    """The form as a new visitor sees it."""
    checks: tuple[CarrierCheck, ...]
    address: str
    """Of the form's page."""
    link: str
    """An example of a link to a preference center."""
    messages: Sequence[OutboundMessage] = ()
    """Texts of this subscription, the newest first."""
    keyword: str = ""
    """What people can text to sign up, as posters print it; empty: nothing."""
    number: str = ""
    """Where they text it, as people read it."""

    @property
    def terms(self) -> str:
        return f"{self.address}/terms"

    def files(self) -> dict[str, str]:
        """By name, without the picture of the form."""
        return {
            "README.txt": self._readme(),
            "message-flow.txt": f"{self.flow()}\n",
            "sample-messages.txt": "\n\n".join(self.samples()) + "\n",
            "keyword-answers.txt": "\n\n".join(f"{word}\n{said}" for word, said in self.answers().items()) + "\n",
            "campaign-10dlc.json": _json(self.campaign()),
            "campaign-toll-free.json": _json(self.toll_free()),
        }

    def flow(self) -> str:
        """How people opt in."""
        view, s = self.view, self.subscription
        steps = [
            f"End users opt in on a public web page, without signing in: {self.address}",
            f'The page of {self.workspace.name} shows the program "{s.name}" ({s.description or "no description"}) and '
            f'the form "{view.title}". They enter their mobile number'
            + (", tick a box that is unticked," if view.box else "")
            + f' and press "{view.button}".',
            f"Program page: {self.terms}",
        ]
        if s.double_opt_in:
            steps.append(
                f'We then text: "{self._answer(DeliveryKind.ASK)}" The opt-in is complete only after a YES reply.'
            )
        if self.keyword:
            steps.append(
                f"Below the same words they can instead text {self.keyword} and a code to {self.number} from their own "
                f"phone; a poster with the same words is at {self.address}/poster"
            )
        legal = f'Beside the button the form says: "{plain(view.legal)}"'
        steps.append(
            legal if len("\n".join([*steps, legal])) <= LONGEST_FLOW else "The form's legal text is on the page."
        )
        return "\n".join(steps)

    def samples(self) -> list[str]:
        asked = [self._answer(DeliveryKind.ASK)] if self.subscription.double_opt_in else []
        sent = [
            message_body(message, self.workspace, None, self.template.locale, self.link, values=EXAMPLE)
            for message in self.messages
        ]
        return [self.confirmation(), *asked, *sent][:MOST_SAMPLES]

    def confirmation(self) -> str:
        return confirmation(self.workspace, self.subscription, self.template.locale, self.link)

    def answers(self) -> dict[str, str]:
        """What each keyword is answered with."""
        replies = {"HELP": "help", "STOP": "stopped", "START": "started"}
        answers = {word: self._answer(DeliveryKind.REPLY, answer) for word, answer in replies.items()}
        return answers | ({self.keyword: self.confirmation()} if self.keyword else {})

    def campaign(self) -> dict[str, Any]:
        """Fields of Twilio's UsAppToPerson."""
        samples, answers = self.samples(), self.answers()
        joined = " ".join([*samples, *answers.values()])
        return {
            "Description": self.summary(),
            "MessageFlow": self.flow(),
            "MessageSamples": samples,
            "UsAppToPersonUsecase": "MARKETING" if self.subscription.purpose is Purpose.MARKETING else None,
            "HasEmbeddedLinks": "http" in joined,
            "HasEmbeddedPhone": bool(PHONE.search(joined)),
            "SubscriberOptIn": True,
            "AgeGated": None,
            "DirectLending": None,
            "OptInMessage": self.confirmation(),
            "OptOutMessage": answers["STOP"],
            "HelpMessage": answers["HELP"],
            "OptInKeywords": self._opt_in_keywords(),
            "OptOutKeywords": _keywords(Keyword.STOP),
            "HelpKeywords": _keywords(Keyword.HELP),
            "PrivacyPolicyUrl": self.workspace.privacy_url or None,
            "TermsAndConditionsUrl": self.terms,
        }

    def toll_free(self) -> dict[str, Any]:
        """Fields of Twilio's TollfreeVerification."""
        w, samples = self.workspace, self.samples()
        return {
            "BusinessName": w.legal_name or None,
            "DoingBusinessAs": w.name,
            "BusinessType": None,
            "BusinessWebsite": None,
            "BusinessRegistrationNumber": None,
            "BusinessContactEmail": w.support if is_email(w.support) else None,
            "UseCaseCategories": ["MARKETING"] if self.subscription.purpose is Purpose.MARKETING else None,
            "UseCaseSummary": self.summary(),
            "ProductionMessageSample": samples[-1],
            "OptInType": "WEB_FORM",
            "OptInImageUrls": [self.address],
            "MessageVolume": None,
            "AdditionalInformation": self.flow(),
            "OptInConfirmationMessage": self.confirmation(),
            "HelpMessageSample": self.answers()["HELP"],
            "OptInKeywords": self._opt_in_keywords(),
            "PrivacyPolicyUrl": w.privacy_url or None,
            "TermsAndConditionsUrl": self.terms,
        }

    def summary(self) -> str:
        what = "Recurring marketing" if self.subscription.purpose is Purpose.MARKETING else "Informational"
        about = self.subscription.description or "no description"
        seller = self.workspace.legal_name or self.workspace.name
        return f"{what} text messages from {seller} to people who opted in to {self.subscription.name}: {about}"

    def open_points(self) -> list[str]:
        """What a person has to fill in or shorten."""
        files = {"campaign-10dlc.json": self.campaign(), "campaign-toll-free.json": self.toll_free()}
        points = [
            f"{name}: {key} is empty." for name, fields in files.items() for key, v in fields.items() if v is None
        ]
        points += [f"{key} has more than {most} characters." for key, most in self._too_long()]
        if is_company(self.workspace.legal_name):
            points.append(
                f"Register {self.workspace.legal_name} as a company (10DLC: a Standard or Low-Volume Standard brand; "
                "toll-free: the matching BusinessType). Twilio rejects it as a sole proprietor with 30915."
            )
        if not self.messages:
            points.append("No text of this subscription was sent yet. Add a sample of what you will send.")
        if len(self.samples()) < FEWEST_SAMPLES:
            points.append(f"campaign-10dlc.json: MessageSamples needs at least {FEWEST_SAMPLES}.")
        return points

    def _too_long(self) -> list[tuple[str, int]]:
        fields = self.campaign()
        most = dict.fromkeys(("OptInMessage", "OptOutMessage", "HelpMessage"), LONGEST_ANSWER)
        found = [(key, limit) for key, limit in most.items() if len(fields[key]) > limit]
        lists = [key for key in fields if key.endswith("Keywords") and len(",".join(fields[key])) > LONGEST_KEYWORDS]
        return [*found, *((key, LONGEST_KEYWORDS) for key in lists)]

    def _readme(self) -> str:
        found = [f"- {check.code or 'no code'}: {check.name}. {check.hint}".rstrip() for check in gaps(self.checks)]
        return "\n".join(
            [
                f"{self.workspace.name}: {self.subscription.name}",
                "",
                f"Form: {self.address}",
                f"Program page: {self.terms}",
                f"Privacy policy: {self.workspace.privacy_url or 'missing'}",
                "",
                "form.svg is drawn by Sayso from the same data as the page. It isn't a screenshot.",
                "The privacy policy has to say that mobile opt-in data isn't shared with third parties for marketing.",
                "",
                "Gaps, with the Twilio error that rejects them:",
                *(found or ["- none found"]),
                "",
                "To do before you submit:",
                *(f"- {point}" for point in self.open_points()),
                "",
            ]
        )

    def _opt_in_keywords(self) -> list[str]:
        """START is none: it only lifts a STOP."""
        return [*filter(None, [self.keyword])]

    def _answer(self, kind: DeliveryKind, answer: str | None = None) -> str:
        time = now()
        delivery = Delivery(
            id="example", contact="example", kind=kind, event="example", answer=answer, number="+12015550123",
            locale=self.template.locale, created_at=time, updated_at=time,
        )  # fmt: skip
        facts = Facts(workspace=self.workspace, contact=None, subscription=self.subscription, is_stopped=False)
        return KINDS[kind].body(delivery, facts, self.link)


def plain(words: Sequence[LinkedText]) -> str:
    """A text with the addresses of its links, as on paper."""
    return "".join(f"{s.text} ({s.href})" if s.href and s.href != s.text else s.text for s in words)


def _keywords(keyword: Keyword) -> list[str]:
    """English ones, as Twilio takes them: one word of letters."""
    phrases = (phrase for row in ROWS if row.keyword is keyword and row.language == "en" for phrase in row.phrases)
    return list(dict.fromkeys(phrase.upper() for phrase in phrases if phrase.isascii() and phrase.isalnum()))


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"
