"""What carriers check before they register a program, with the error that Twilio rejects each gap with. Pure.

Source: https://www.twilio.com/docs/api/errors (30513 to 30915, April to September 2026). Reviewers reject for other
reasons, too: a review without gaps is no approval.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.consent.checker import Finding, check_confirmation, check_form, lacking
from bot.consent.offers import WordingFacts
from bot.consent.program_page import program_page
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.form_template import FormTemplate
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace

FORM_CODES = {"agreement": "30831", "channel": "30551", "frequency": "30545", "rates": "30569", "help": "30570"}
"""Twilio's errors by what the legal text lacks. It names none for the others."""
PAGE_CODES = {"frequency": "30558", "rates": "30562"}
"""By what the program page lacks."""


COMPANY = re.compile(
    r"\b(inc|incorporated|llc|l\.l\.c|llp|lp|pllc|pc|corp|corporation|company|co|ltd|limited|gmbh|ag|plc|sa|sarl|bv)\b\.?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CarrierCheck:
    """`code`: Twilio's error; empty: none is known. `name` is a gettext id, `hint` says what to do."""

    code: str
    name: str
    is_met: bool
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedForm:
    template: FormTemplate
    subscription: Subscription
    workspace: Workspace
    address: str
    """The address of its page."""
    is_live: bool


def carrier_review(form: ReviewedForm, said: Translator, say: Translator) -> tuple[CarrierCheck, ...]:
    """`said`: in the language of the form; `say`: in the reader's."""
    facts = WordingFacts.of(
        form.workspace,
        program=form.subscription.name,
        channel=form.subscription.message_type,
        purpose=form.subscription.purpose,
    )
    legal = check_form(form.template.legal_text, facts, said)
    return (
        _address(form, say),
        CarrierCheck(
            "30544",
            _("Purpose of the messages"),
            bool(form.subscription.description.strip()),
            say("Describe the subscription: its description is shown on the form's page."),
        ),
        *(CarrierCheck(FORM_CODES.get(f.code, ""), f.name, f.there, _hint(f, say)) for f in legal),
        _language(legal, say),
        *_program(form, facts, said, say),
        _confirmation(form, facts, said, say),
        CarrierCheck("30556", _("Only one channel in the form"), True),
        CarrierCheck("30841", _("Consent is separate from the terms and privacy policy"), True),
        CarrierCheck("30555", _("No message before the consent is recorded"), True),
        CarrierCheck(
            "30915",
            _("Legal name that shows the type of business"),
            bool(form.workspace.legal_name.strip()),
            say("Add the seller's legal name in Brand and compliance first."),
        ),
    )


def is_company(legal_name: str) -> bool:
    """Whether the name says that it is a registered company, which can't register as a sole proprietor (30915)."""
    return bool(COMPANY.search(legal_name))


def gaps(checks: tuple[CarrierCheck, ...]) -> tuple[CarrierCheck, ...]:
    return tuple(check for check in checks if not check.is_met)


def is_public_address(address: str) -> bool:
    """Whether a reviewer can open it: https, at a name or an address of the public internet."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        is_reachable = ipaddress.ip_address(host).is_global
    except ValueError:
        is_reachable = "." in host and not host.endswith((".test", ".local", ".localhost", ".example", ".internal"))
    return parts.scheme == "https" and is_reachable


def _address(form: ReviewedForm, say: Translator) -> CarrierCheck:
    hint = (
        say("Reviewers can't open %(address)s. Serve Sayso at a public https address.", address=form.address)
        if form.is_live
        else say("Make the form public.")
    )
    is_met = form.is_live and is_public_address(form.address)
    return CarrierCheck("30543", _("Live public link to the form"), is_met, hint)


def _language(legal: Sequence[Finding], say: Translator) -> CarrierCheck:
    """Opt-in language is unclear (30513 for toll-free) unless it asks to agree, and names texts."""
    missing = [finding for finding in legal if finding.code in {"agreement", "channel"} and not finding.there]
    hint = say("Add to the legal text: %(sentences)s", sentences=" ".join(_hint(f, say) for f in missing))
    return CarrierCheck("30513", _("Clear opt-in language"), not missing, hint if missing else "")


def _program(form: ReviewedForm, facts: WordingFacts, said: Translator, say: Translator) -> list[CarrierCheck]:
    page = check_form(program_page(form.subscription, form.workspace, said).text, facts, said)
    names = {"frequency": _("Message frequency on the program page"), "rates": _("Rates on the program page")}
    support = say("Add a support contact in Brand and compliance first.")
    return [
        *(CarrierCheck(PAGE_CODES[f.code], names[f.code], f.there, f.sentence) for f in page if f.code in PAGE_CODES),
        CarrierCheck("30560", _("Support contact on the program page"), bool(form.workspace.support), support),
    ]


def _confirmation(form: ReviewedForm, facts: WordingFacts, said: Translator, say: Translator) -> CarrierCheck:
    own = form.subscription.words(form.template.locale).confirmation or form.subscription.confirmation
    missing = lacking(check_confirmation(own, facts, said)) if own else ()
    hint = say("Add to the confirmation text: %(sentences)s", sentences=" ".join(f.sentence for f in missing))
    return CarrierCheck("30540", _("Complete confirmation text"), not missing, hint if missing else "")


def _hint(finding: Finding, say: Translator) -> str:
    if finding.there:
        return ""
    return finding.sentence or say(finding.hint)
