"""Signing up by a text of one's own, from the page or the poster of a public form.

The text holds a keyword and a code. The code is a hash of all the words that the person reads. It is shown only once
these words are kept under it, which is done before a look: when a form is made public, at each start, and when anything
changes them. So an incoming text is recorded with exactly the words that were shown, whatever has changed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.chat.card_view import text_href
from bot.chat.card_words import card_words, say_of
from bot.chat.public_forms import PublicForm
from bot.consent.keyword_programs import KeywordPrograms
from bot.consent.sign_up_codes import make_code
from bot.errors import marked as _
from bot.i18n import Translator, locales, translator
from bot.model.base import now
from bot.model.conversation import Card
from bot.model.event import Words
from bot.model.kept_wording import KeptWording
from bot.model.keyword_program import KeywordProgram
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace
from bot.store import Store

BUTTON = _("Sign up by text")
AGREE = _("By sending this text, you agree to the terms above for the number that you text from.")
PAGE, POSTER = "", "/poster"
"""Where the words are read: the end of the address."""
WINDOW = 7 * 86_400
"""Seconds. The code of a page is valid until the end of the next window. That of a poster doesn't expire."""
MOST_FORMS = 200


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


class TapToTexts:
    def __init__(self, store: Store, programs: KeywordPrograms, *, secret: str, public_url: str) -> None:
        self._store, self._programs = store, programs
        self._secret, self._public_url = secret.encode(), public_url
        self._done: tuple[int, list[PublicForm]] | None = None

    async def program(self, subscription: Subscription, workspace: Workspace) -> KeywordProgram | None:
        """None: no keyword is live for the subscription, or the number that people would text isn't known."""
        is_known = bool(text_href(workspace.texts_from, ""))
        return await self._programs.offered(subscription.id) if is_known else None

    async def offer(self, form: PublicForm, workspace: Workspace, say: Translator, place: str) -> TapToText | None:
        """None: there is no program to text to, or the words aren't kept yet. Writes nothing."""
        program = await self.program(form.subscription, workspace)
        wording = self._wording(form, say, place, _window(place, now()))
        if program is None or await self._store.kept_wordings.get(wording.id) != wording:
            return None
        text, agree = f"{program.keyword} {wording.id}", say_of(form.card, say)(AGREE)
        return TapToText(program.keyword, text, workspace.texts_from, agree, wording.words)

    async def read(self, subscription: Subscription, code: str) -> ReadWords | None:
        """What was shown with this code. None: it is unknown or expired."""
        kept = await self._store.kept_wordings.get(code)
        if kept is None or kept.subscription != subscription.id or (kept.expires_at and kept.expires_at <= now()):
            return None
        return ReadWords(kept.words, f"{self._public_url}/f/{kept.template}{kept.place}")

    async def keep(self) -> None:
        """Keeps the words of all public forms, in each language, so that their pages and posters can show a code. Those
        of pages also for the next window."""
        forms, window = await self._forms(), _window(PAGE, now())
        if self._done != (window, forms):
            places = [(PAGE, window), (PAGE, window + 1), (POSTER, 0)]
            all = [
                self._wording(form, translator(locale), place, of)
                for form in forms
                for locale in sorted({say_of(form.card, translator(locale)).locale for locale in locales()})
                for place, of in places
            ]
            await self._store.kept_wordings.insert_many(all)
            self._done = window, forms

    async def _forms(self) -> list[PublicForm]:
        templates = [t for t in await self._store.form_templates.by_name(limit=MOST_FORMS) if t.is_public]
        found = await self._store.subscriptions.get_many(template.subscription for template in templates)
        forms = [PublicForm(t, found[t.subscription]) for t in templates if t.subscription in found]
        return [form for form in forms if form.is_live and form.subscription.message_type is MessageType.SMS]

    def _wording(self, form: PublicForm, say: Translator, place: str, window: int) -> KeptWording:
        words = tap_words(form.card, form.subscription, say, place)
        named = form.subscription.id, form.id, place, str(window), words.model_dump_json()
        return KeptWording(
            id=make_code(self._secret, "tap-to-text", *named),
            subscription=form.subscription.id,
            template=form.id,
            place=place,
            words=words,
            expires_at=None if place == POSTER else datetime.fromtimestamp((window + 2) * WINDOW, UTC),
        )


def tap_words(card: Card, subscription: Subscription, say: Translator, place: str) -> Words:
    """The words of the form, with what texting means. Nothing is pressed or ticked."""
    said, words = say_of(card, say), card_words(card, subscription, say)
    legal = "\n\n".join(filter(None, [words.legal_text, said(AGREE)]))
    return words.model_copy(
        update={"button": said(BUTTON) if place == PAGE else "", "legal_text": legal, "box": None, "act": ""}
    )


def _window(place: str, at: datetime) -> int:
    return 0 if place == POSTER else int(at.timestamp()) // WINDOW
