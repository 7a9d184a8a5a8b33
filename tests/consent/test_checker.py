"""What a form's legal text, and a confirmation, still lack: real texts of five languages, good and bad."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.consent.checker import WordingFacts, check_confirmation, check_form, lacking
from bot.demo import LEGAL
from bot.i18n import locales, translator
from bot.model.subscription import MessageType
from bot.outbound.kinds.confirmation import confirmation
from tests.people import subscription, workspace

LINKS: Any = {"terms_url": "https://shop.example/terms", "privacy_url": "https://shop.example/privacy"}
HARBOR = WordingFacts(
    brand="Harbor Coffee",
    legal_name="Harbor Coffee Roasters LLC",
    frequency="Up to 4 msgs/month",
    program="Deals and new roasts",
    **LINKS,
)
ALL = {
    "brand", "seller", "agreement", "automated", "channel", "frequency", "rates", "stop", "help", "purchase", "terms",
    "privacy",
}  # fmt: skip
EN = translator("en")

GOOD = {
    "the demo's": LEGAL.format(url="https://shop.example"),
    "with typographic quotes": (
        "By texting “JOIN” you agree to receive recurring automated promotional and personalized marketing "
        "text messages "
        "(e.g. cart reminders) from Harbor Coffee Roasters LLC at the cell number used when signing up. "
        "Consent isn’t a "
        "condition of any purchase. Reply ‘HELP’ for help and ‘STOP’ to cancel. Msg frequency varies. Msg & data rates "
        "may apply. View [Terms & Conditions](https://h.example/a) & [Privacy Policy](https://h.example/b)."
    ),
    "in capitals": (
        "I CONSENT TO RECEIVE RECURRING AUTOMATED SMS FROM HARBOR COFFEE ROASTERS LLC. MESSAGE FREQUENCY "
        "MAY VARY. MESSAGE "
        "AND DATA RATES MAY APPLY. TEXT STOP TO END, HELP FOR HELP. CONSENT NOT REQUIRED FOR PURCHASE. TERMS: "
        "HTTPS://H.EXAMPLE/A PRIVACY: HTTPS://H.EXAMPLE/B"
    ),
    "Spanish": (
        "Al pulsar el botón aceptas recibir mensajes de texto automáticos y recurrentes de marketing de Harbor Coffee "
        "Roasters LLC. Hasta 4 mensajes al mes. Pueden aplicarse tarifas de mensajes y datos. Responde STOP para "
        "cancelar, HELP para recibir ayuda. El consentimiento no es una condición de compra. "
        "[Términos](https://h.example/a) y [Privacidad](https://h.example/b)."
    ),
    "French": (
        "En vous inscrivant, vous acceptez de recevoir des SMS marketing récurrents et automatisés de Harbor Coffee "
        "Roasters LLC à ce numéro. Jusqu’à 4 messages par mois. Des frais de messages et de données peuvent "
        "s’appliquer. "
        "Répondez STOP pour vous désabonner, HELP pour obtenir de l’aide. Le consentement n’est pas une "
        "condition d’achat."
        " [Conditions](https://h.example/a) et [Confidentialité](https://h.example/b)."
    ),
    "German": (
        "Mit Ihrer Anmeldung stimmen Sie zu, regelmäßige automatisierte Werbe-SMS von Harbor Coffee "
        "Roasters LLC an diese "
        "Nummer zu erhalten. Bis zu 4 Nachrichten im Monat. Es können Nachrichten- und Datengebühren "
        "anfallen. Antworten "
        "Sie mit STOP zum Abmelden, mit HELP für Hilfe. Die Einwilligung ist keine Voraussetzung für einen Kauf. "
        "[AGB](https://h.example/a) und [Datenschutz](https://h.example/b)."
    ),
    "Arabic": (
        "بالتسجيل أنت توافق على تلقي رسائل نصية تسويقية متكررة وآلية من Harbor Coffee Roasters LLC على هذا الرقم. "
        "حتى ٤ رسائل في الشهر. قد تُطبَّق رسوم الرسائل والبيانات. أرسل STOP لإلغاء الاشتراك، وHELP للمساعدة. "
        "الموافقة ليست شرطًا للشراء. [الشروط](https://h.example/a) و[الخصوصية](https://h.example/b)."
    ),
}
LACKS = {
    "": ALL,
    "Sign up to our SMS deals to get 10% off": ALL - {"channel"},
    "Text us to stop by! Text your friends, too.": ALL,
    "No purchase necessary. Terms apply. We value your privacy.": ALL,
    "Reply to this text for help. Shipping rates may apply. Never stop.": ALL,
    "Consent is a condition of purchase.": ALL,
    "We do not share data. Consent is a condition of purchase.": ALL,
    "By signing up you agree to our [Terms](https://h.example/a).": ALL - {"terms"},
    "[Terms](javascript:alert(1)) [Privacy](mailto:a@h.example)": ALL,
    "Terms: https://h.example/a. Privacy: https://h.example/b": ALL - {"terms", "privacy"},
    "[Privacy](https://h.example/terms)": ALL - {"privacy"},
    "See https://reply.example/STOP-to-opt-out/msg-data-rates-may-apply": ALL,
    "These are not automated. Recurring texts.": ALL - {"channel"},
    "$5 a month. 10% off 2 messages": ALL,
    "Up to 4 a month": ALL - {"frequency"},
    "2 texts per week": ALL - {"frequency", "channel"},
    "Msg freq varies": ALL,
    "Msg&Data Rates May Apply": ALL - {"rates"},
    "Msg.&amp; data rates may apply": ALL - {"rates"},
    "reply stop to unsubscribe": ALL - {"stop"},
    "STOP to opt-out, HELP for help": ALL - {"stop", "help"},
    "Text ‘STOP’ at any time": ALL - {"stop"},
    "Antworte mit STOPP, um dich abzumelden": ALL - {"stop"},
    "Répondez ARRÊT ou AIDE": ALL - {"stop", "help"},
    "Für den Kauf ist die Einwilligung nicht erforderlich": ALL - {"purchase"},
    "Harbor Coffee": ALL - {"brand"},
    "Harbor CoffeeHouse": ALL,
    "HARBOR COFFEE ROASTERS, L.L.C.": ALL - {"brand"},
    "Harbor Coffee Roasters, LLC.": ALL - {"brand", "seller"},
}


def codes(text: str, facts: WordingFacts = HARBOR) -> set[str]:
    return {finding.code for finding in lacking(check_form(text, facts, EN))}


@pytest.mark.parametrize("name", GOOD)
def test_a_text_that_says_it_all_lacks_nothing(name: str) -> None:
    assert codes(GOOD[name]) == set()


@pytest.mark.parametrize("text", LACKS)
def test_what_a_text_lacks_is_named(text: str) -> None:
    assert codes(text) == LACKS[text]


@pytest.mark.parametrize("name", [n for n in GOOD if n != "in capitals"])
def test_each_sentence_that_is_taken_out_is_missed(name: str) -> None:
    """Whichever goes, something is named."""
    sentences = GOOD[name].split(". ")
    for gone in range(len(sentences)):
        assert codes(". ".join(s for at, s in enumerate(sentences) if at != gone)), sentences[gone]


@pytest.mark.parametrize(
    ("brand", "text", "missed"),
    [
        ("Stop & Shop", "Deals from Stop & Shop. Reply to Stop & Shop to cancel.", "stop"),
        ("Text Help HELP for Help", "Reply to Text Help HELP for Help.", "help"),
        ("Text Messages Daily", "From Text Messages Daily.", "channel"),
        ("Text Messages Daily", "From Text Messages Daily.", "frequency"),
        ("Recurring Automated", "From Recurring Automated.", "automated"),
        ("Not a Condition of Purchase", "From Not a Condition of Purchase.", "purchase"),
    ],
)
def test_a_brand_that_is_called_like_a_sign_proves_nothing(brand: str, text: str, missed: str) -> None:
    assert missed in codes(text, WordingFacts(brand=brand))


def test_a_brand_does_not_hide_what_is_said() -> None:
    facts = WordingFacts(brand="Stop & Shop", legal_name="The Stop & Shop LLC", **LINKS)
    assert (
        codes(LEGAL.format(url="https://s.example").replace("Harbor Coffee Roasters LLC", facts.legal_name), facts)
        == set()
    )


class TestWhatIsOffered:
    def test_one_sentence_says_who_and_what_where_both_lack(self) -> None:
        offered = {f.code: f.sentence for f in lacking(check_form("", HARBOR, EN))}
        whole = offered["agreement"]
        assert "Harbor Coffee Roasters LLC" in whole
        assert {offered[code] for code in ("brand", "seller", "automated", "channel")} == {whole}

    def test_brand_and_legal_name_are_both_said_where_one_does_not_tell_the_other(self) -> None:
        offered = check_form("", WordingFacts(brand="Bean There", legal_name="Harbor LLC"), EN)
        assert "from Bean There (Harbor LLC) at" in offered[0].sentence

    def test_the_workspaces_own_frequency_and_links_are_offered(self) -> None:
        offered = {f.code: f.sentence for f in check_form("", HARBOR, EN)}
        assert offered["frequency"] == "Up to 4 msgs/month."
        assert offered["terms"] == "[Terms](https://shop.example/terms)."

    def test_what_the_workspace_does_not_know_is_asked_for(self) -> None:
        asked = {f.code: f.hint for f in check_form("", WordingFacts(brand="Harbor"), EN) if not f.sentence}
        assert asked.keys() == {"seller", "terms", "privacy"}
        assert all(asked.values())

    def test_an_address_with_brackets_stays_one_link(self) -> None:
        facts = WordingFacts(
            brand="B", legal_name="B", terms_url="https://h.example/a_(b)", privacy_url="https://h.example/[c]"
        )
        text = " ".join(f.sentence for f in check_form("", facts, EN))
        assert codes(text, facts) == set()


NAMES = st.sampled_from(
    ["Harbor Coffee", "Stop & Shop", "STOP", "Text Help", "!!!", "www.shop.example", "Café “Zoë”", "هاربر", "{link}", "[x](https://y.example)"]
) | st.text(min_size=1, max_size=20).filter(str.strip)  # fmt: skip


@st.composite
def facts(draw: st.DrawFn) -> WordingFacts:
    return WordingFacts(
        brand=draw(NAMES),
        legal_name=draw(NAMES),
        frequency=draw(st.sampled_from(["Up to 4 msgs/month", "Msg frequency varies", "…", "Every Friday"])),
        program=draw(NAMES),
        channel=draw(st.sampled_from(MessageType)),
        **LINKS,
    )


def mended(text: str, offered: list[str]) -> str:
    """As "Insert" does it, one after the other."""
    return " ".join([text, *dict.fromkeys(offered)]).strip()


@pytest.mark.parametrize("locale", locales())
class TestInserting:
    @settings(max_examples=60, deadline=None)
    @given(facts=facts(), text=st.sampled_from(["", *GOOD.values(), *LACKS]) | st.text(max_size=80))
    @example(
        facts=WordingFacts("Harbor Coffee", "HTTP://", terms_url="https://x.test/t", privacy_url="https://x.test/p"),
        text="",
    )
    def test_every_offered_sentence_leaves_nothing_lacking(self, locale: str, facts: WordingFacts, text: str) -> None:
        say = translator(locale)
        offered = [f.sentence for f in lacking(check_form(text, facts, say))]
        assert lacking(check_form(mended(text, offered), facts, say)) == ()

    @settings(max_examples=60, deadline=None)
    @given(facts=facts(), text=st.sampled_from(["", "{brand}", "Hi from {Brand}: {program}!"]) | st.text(max_size=80))
    def test_the_same_of_a_confirmation(self, locale: str, facts: WordingFacts, text: str) -> None:
        say = translator(locale)
        offered = [f.sentence for f in lacking(check_confirmation(text, facts, say))]
        assert lacking(check_confirmation(mended(text, offered), facts, say)) == ()

    @settings(max_examples=30, deadline=None)
    @given(facts=facts(), text=st.sampled_from(["", *LACKS]))
    def test_one_after_the_other_each_is_gone_when_it_was_inserted(
        self, locale: str, facts: WordingFacts, text: str
    ) -> None:
        say = translator(locale)
        for _ in range(20):
            lacks = lacking(check_form(text, facts, say))
            if not lacks:
                return
            text = mended(text, [lacks[0].sentence])
            assert lacks[0].code not in {f.code for f in lacking(check_form(text, facts, say))}


CONFIRMATIONS = {
    "{brand}: You are now subscribed to {program}. {frequency}. Msg & data rates may apply. Reply HELP for "
    "help, STOP to cancel.": set(),
    "Harbor Coffee: Welcome to Deals and new roasts! Up to 4 msgs/mo. Msg&data rates may apply. Reply HELP "
    "for help, STOP to end": set(),
    "Thanks! {link}": {"brand", "program", "frequency", "rates", "help", "stop"},
    "{brand} {program}": {"frequency", "rates", "help", "stop"},
    "{Brand}: {brnad} deals": {"program", "frequency", "rates", "help", "stop"},
    "Harbor Coffee: Te has suscrito a {program}. {frequency}. Pueden aplicarse tarifas de mensajes y datos. "
    "Responde HELP para recibir ayuda, STOP para cancelar.": set(),
    "{brand} : vous êtes inscrit à {program}. {frequency}. Des frais de messages et de données peuvent "
    "s'appliquer. Répondez HELP pour de l'aide, STOP pour arrêter.": set(),
    "{brand}: Sie haben {program} abonniert. {frequency}. Es können Gebühren für Nachrichten und Daten "
    "anfallen. Antworten Sie HELP für Hilfe, STOP zum Abbestellen.": set(),
    "{brand}: لقد اشتركت في {program}. {frequency}. قد تُطبق رسوم الرسائل والبيانات. أرسل HELP للمساعدة، "
    "وSTOP للإلغاء.": set(),
}  # fmt: skip


@pytest.mark.parametrize("text", CONFIRMATIONS)
def test_what_a_confirmation_lacks_is_named(text: str) -> None:
    assert {f.code for f in lacking(check_confirmation(text, HARBOR, EN))} == CONFIRMATIONS[text]


@pytest.mark.parametrize("locale", locales())
def test_the_standard_confirmation_lacks_nothing(locale: str) -> None:
    said = confirmation(workspace(), subscription(), locale, "https://h.example/p/x")
    facts = WordingFacts(brand="Harbor Coffee", program="Deals")
    assert lacking(check_confirmation(said, facts, translator(locale))) == ()


class TestEmail:
    FACTS = WordingFacts(brand="Harbor", channel=MessageType.EMAIL, legal_name="Harbor LLC", **LINKS)

    def test_a_form_needs_who_what_how_to_leave_and_privacy(self) -> None:
        assert codes("", self.FACTS) == {"brand", "seller", "email", "unsubscribe", "privacy"}

    @pytest.mark.parametrize(
        "text",
        [
            "Emails from Harbor LLC. Unsubscribe at any time. [Privacy](https://h.example)",
            "Correos de Harbor LLC. Puedes darte de baja. [Privacidad](https://h.example)",
            "E-mails de Harbor LLC. Vous pouvez vous désabonner. [Confidentialité](https://h.example)",
            "E-Mails von Harbor LLC. Sie können sich jederzeit abmelden. [Datenschutz](https://h.example)",
            "رسائل البريد الإلكتروني من Harbor LLC. يمكنك إلغاء الاشتراك في أي وقت. [الخصوصية](https://h.example)",
        ],
    )
    def test_a_text_with_these_lacks_nothing(self, text: str) -> None:
        assert codes(text, self.FACTS) == set()

    def test_nothing_is_said_about_texts(self) -> None:
        assert not {"rates", "stop", "help"} & {f.code for f in check_confirmation("", self.FACTS, EN)}


def test_a_long_text_is_read_in_a_moment() -> None:
    import time

    started = time.process_time()  # of this process alone, however busy the machine is
    for word in ("reply ", "not ", "msg ", "رسائل ", "[", "a", "4 texts "):
        check_form(word * 700, HARBOR, EN)
    assert time.process_time() - started < 3
