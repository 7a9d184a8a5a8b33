"""Signing up by a text of one's own, from the page or the poster of a public form.

The text holds a keyword and a code. The code is derived from the words that the person reads, so that a look stores
nothing, and an incoming text names exactly these words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.chat.card_view import text_href
from bot.chat.card_words import card_words, say_of
from bot.chat.public_forms import PublicForm, card_of
from bot.consent.keyword_programs import KeywordPrograms
from bot.consent.sign_up_codes import make_code
from bot.errors import marked as _
from bot.i18n import Translator, locales, translator
from bot.model.base import now
from bot.model.conversation import Card
from bot.model.event import Words
from bot.model.form_template import FormTemplate
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace
from bot.store import Store

BUTTON = _("Sign up by text")
AGREE = _("By sending this text, you agree to the terms above for the number that you text from.")
PAGE, POSTER = "", "/poster"
"""Where the words are read: the end of the address."""
WINDOW = 7 * 86_400
"""Seconds. The code of a page is valid until the end of the next window. That of a poster doesn't expire."""
MOST_FORMS, MOST_VERSIONS = 200, 20


@dataclass(frozen=True, slots=True)
class TapToText:
    """What a person can text instead of filling in the form."""

    keyword: str
    text: str
    """The keyword and a code."""
    number: str
    """Where to, as people read it."""
    agree: str
    """What sending it means."""
    words: Words
    """All that they agree to by it. `act` and the keyword are added when the text arrives."""

    @property
    def href(self) -> str:
        """Opens the text on a phone."""
        return text_href(self.number, self.text)


@dataclass(frozen=True, slots=True)
class ReadWords:
    """The words that an incoming text agrees to, and the address of the page or poster where they are read."""

    words: Words
    page: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    template: FormTemplate
    subscription: Subscription
    locale: str
    place: str
    window: int

    def code(self, secret: bytes) -> str:
        version = str(self.subscription.version)
        return make_code(secret, "tap-to-text", self.template.id, version, self.locale, self.place, str(self.window))


class TapToTexts:
    def __init__(self, store: Store, programs: KeywordPrograms, *, secret: str, public_url: str) -> None:
        self._store, self._programs = store, programs
        self._secret, self._public_url = secret.encode(), public_url

    async def offer(self, form: PublicForm, workspace: Workspace, say: Translator, place: str) -> TapToText | None:
        """None: no keyword is live for the form's subscription, or the number that people would text isn't known."""
        program = await self._programs.offered(form.subscription.id)
        if program is None or not text_href(workspace.texts_from, ""):
            return None
        locale = say_of(form.card, say).locale
        code = _Candidate(form.template, form.subscription, locale, place, _window(place, now())).code(self._secret)
        words = tap_words(form.card, form.subscription, say, place)
        agree = say_of(form.card, say)(AGREE)
        return TapToText(program.keyword, f"{program.keyword} {code}", workspace.texts_from, agree, words)

    async def read(self, subscription: Subscription, code: str) -> ReadWords | None:
        """What was shown with this code. None: it is unknown or expired."""
        templates = await self._store.form_templates.of_subscription(subscription.id, limit=MOST_FORMS)
        history = await self._store.subscription_versions.before(subscription.id, None, limit=MOST_VERSIONS)
        versions = {entry.after.version: entry.after for entry in history} | {subscription.version: subscription}
        for one in _candidates(templates, [*versions.values()], now()):
            if one.code(self._secret) == code:
                words = tap_words(card_of(one.template), one.subscription, translator(one.locale), one.place)
                return ReadWords(words, f"{self._public_url}/f/{one.template.id}{one.place}")
        return None


def tap_words(card: Card, subscription: Subscription, say: Translator, place: str) -> Words:
    """The words of the form, with what texting means. Nothing is pressed or ticked."""
    said, words = say_of(card, say), card_words(card, subscription, say)
    legal = "\n\n".join(filter(None, [words.legal_text, said(AGREE)]))
    return words.model_copy(
        update={"button": said(BUTTON) if place == PAGE else "", "legal_text": legal, "box": None, "act": ""}
    )


def _candidates(templates: list[FormTemplate], versions: list[Subscription], at: datetime) -> Iterator[_Candidate]:
    windows = {(PAGE, _window(PAGE, at)), (PAGE, _window(PAGE, at) - 1), (POSTER, 0)}
    for template in templates:
        for locale in {say_of(card_of(template), translator(locale)).locale for locale in locales()}:
            for subscription in versions:
                for place, window in windows:
                    yield _Candidate(template, subscription, locale, place, window)


def _window(place: str, at: datetime) -> int:
    return 0 if place == POSTER else int(at.timestamp()) // WINDOW
