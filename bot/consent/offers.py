"""The sentences that the checker suggests for a text, filled with the workspace's facts: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bot.consent.wording_patterns import folded
from bot.i18n import Translator, base_language, locales, translator
from bot.model.form_words import FormWords, form_words
from bot.model.subscription import MessageType, Purpose, Subscription
from bot.model.workspace import FREQUENCY, Workspace


@dataclass(frozen=True, slots=True)
class WordingFacts:
    """Facts about the workspace and the subscription, used in suggested sentences."""

    brand: str
    legal_name: str = ""
    frequency: str = FREQUENCY
    terms_url: str = ""
    privacy_url: str = ""
    program: str = ""
    """The subscription's name, if known."""
    channel: MessageType = MessageType.SMS
    purpose: Purpose = Purpose.MARKETING

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        *,
        program: str = "",
        channel: MessageType = MessageType.SMS,
        purpose: Purpose = Purpose.MARKETING,
    ) -> WordingFacts:
        return cls(
            brand=workspace.name,
            legal_name=workspace.legal_name,
            frequency=workspace.frequency,
            terms_url=workspace.terms_url,
            privacy_url=workspace.privacy_url,
            program=program,
            channel=channel,
            purpose=purpose,
        )

    @property
    def seller(self) -> str:
        """Brand and legal name combined."""
        if not self.legal_name or folded(self.legal_name) == folded(self.brand):
            return self.legal_name or self.brand
        is_told = f" {folded(self.brand)} " in f" {folded(self.legal_name)} "
        return self.legal_name if is_told else f"{self.brand} ({self.legal_name})"


def for_sms_form(facts: WordingFacts, say: Translator, there: Mapping[str, bool]) -> dict[str, str]:
    """If the agreement itself is missing, its sentence also says who and what, so that one sentence fixes five
    findings."""
    agreement = _agreement(facts, say)
    whole = not there["agreement"]
    who = agreement if whole else say("These messages come from %(seller)s.", seller=facts.seller)
    return {
        "brand": who,
        "seller": who if facts.legal_name else "",
        "agreement": agreement,
        "automated": agreement if whole else say("These messages are recurring and automated."),
        "channel": agreement if whole else say("They come as text messages (SMS)."),
        "frequency": _often(facts, say),
        "rates": say("Msg & data rates may apply."),
        **_keywords(
            say("Reply STOP to opt out."),
            say("Reply HELP for help."),
            say("Reply STOP to opt out, HELP for help."),
            there,
        ),
        "purchase": say("Consent is not a condition of purchase."),
        "terms": _link(say("Terms"), facts.terms_url),
        "privacy": _link(say("Privacy"), facts.privacy_url),
    }


def standard_legal_text(subscription: Subscription, workspace: Workspace, say: Translator) -> str:
    """Without a legal text of the subscription's own, in the language of `say`. The workspace's is about marketing
    texts, in one language."""
    if subscription.message_type is not MessageType.SMS:
        return ""
    if subscription.purpose is Purpose.MARKETING:
        is_theirs = not workspace.legal_text or base_language(workspace.legal_language) == say.locale
        return workspace.legal_text if is_theirs else _standard(subscription, workspace, say, *MARKETING)
    return _standard(subscription, workspace, say, *INFORMATIONAL)


INFORMATIONAL = ("agreement", "frequency", "rates", "stop", "terms", "privacy")
MARKETING = ("agreement", "frequency", "rates", "stop", "purchase", "terms", "privacy")


def _standard(subscription: Subscription, workspace: Workspace, say: Translator, *wanted: str) -> str:
    facts = WordingFacts.of(workspace, program=subscription.name, purpose=subscription.purpose)
    sentences = for_sms_form(facts, say, defaultdict(bool))
    return " ".join(sentence for code in wanted if (sentence := sentences[code]))


def keyword_legal_text(subscription: Subscription, workspace: Workspace, say: Translator) -> str:
    """For a poster or a page that tells people to text a keyword."""
    facts = WordingFacts.of(workspace, program=subscription.name, purpose=subscription.purpose)
    marketing = say(
        "By texting this keyword you agree to get recurring automated marketing text messages from %(seller)s at the "
        "number you text from.",
        seller=facts.seller,
    )
    informational = say(
        "By texting this keyword you agree to get text messages from %(seller)s at the number you text from.",
        seller=facts.seller,
    )
    is_marketing = subscription.purpose is Purpose.MARKETING
    sentences = for_sms_form(facts, say, defaultdict(bool))
    sentences["agreement"] = marketing if is_marketing else informational
    wanted = MARKETING if is_marketing else INFORMATIONAL
    return " ".join(sentence for code in wanted if (sentence := sentences[code]))


def standard_form(subscription: Subscription, workspace: Workspace) -> FormWords:
    """The initial values of a new form for this subscription, in its default language. Without a standard text in that
    language, the teammate writes it."""
    words, language = form_words(subscription), base_language(subscription.language)
    if words.legal_text:
        return words
    if language in locales():
        legal = standard_legal_text(subscription, workspace, translator(language))
    else:
        is_theirs = subscription.purpose is Purpose.MARKETING and language == base_language(workspace.legal_language)
        legal = workspace.legal_text if is_theirs and subscription.message_type is MessageType.SMS else ""
    return words.model_copy(update={"legal_text": legal})


def standard_translations(subscription: Subscription, workspace: Workspace) -> dict[str, FormWords]:
    """The same in the languages that the subscription is translated into, by locale. They may lack something."""
    known = {locale: form_words(words) for locale, words in subscription.translations.items()}
    if subscription.legal_text:
        return known
    return {
        locale: words.model_copy(
            update={"legal_text": words.legal_text or standard_legal_text(subscription, workspace, translator(locale))}
        )
        for locale, words in known.items()
        if words.legal_text or locale in locales()
    }


def for_email_form(facts: WordingFacts, say: Translator, _there: Mapping[str, bool]) -> dict[str, str]:
    agreement = say("By signing up you agree to get emails from %(seller)s.", seller=facts.seller)
    return {
        "brand": agreement,
        "seller": agreement if facts.legal_name else "",
        "email": agreement,
        "unsubscribe": say("You can unsubscribe at any time with the link in each email."),
        "privacy": _link(say("Privacy"), facts.privacy_url),
    }


def for_confirmation(say: Translator, there: Mapping[str, bool]) -> dict[str, str]:
    """With placeholders, so that the text stays correct when the brand or a name changes."""
    program = say("You are now subscribed to %(program)s.", program="{program}")
    both = f"{{brand}}: {program}"
    return {
        "brand": both if not there["program"] else "{brand}.",
        "program": both if not there["brand"] else program,
        "frequency": "{frequency}.",
        "rates": say("Msg & data rates may apply."),
        **_keywords(
            say("Reply STOP to cancel."),
            say("Reply HELP for help."),
            say("Reply HELP for help, STOP to cancel."),
            there,
        ),
        "unsubscribe": say("Manage your preferences: %(link)s", link="{link}"),
    }


def _agreement(facts: WordingFacts, say: Translator) -> str:
    if facts.purpose is Purpose.INFORMATIONAL:
        return say("By signing up you agree to get text messages from %(seller)s at this number.", seller=facts.seller)
    return say(
        "By signing up you agree to get recurring automated marketing text messages from %(seller)s at this number.",
        seller=facts.seller,
    )


def _keywords(stop: str, help: str, both: str, there: Mapping[str, bool]) -> dict[str, str]:
    lack_both = not there.get("stop") and not there.get("help")
    return {"stop": both, "help": both} if lack_both else {"stop": stop, "help": help}


def _often(facts: WordingFacts, say: Translator) -> str:
    often = say(facts.frequency).strip().rstrip(".")
    return f"{often if folded(often) else say(FREQUENCY)}."


def _link(label: str, address: str) -> str:
    return f"[{label}]({safe(address)})." if address else ""


def safe(address: str) -> str:
    """Without the brackets that would end a link early."""
    return address.replace("(", "%28").replace(")", "%29").replace("[", "%5B").replace("]", "%5D")
