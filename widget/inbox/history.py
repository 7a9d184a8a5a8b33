"""A contact's consent history for teammates, with the exact wording that was shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.chat.linked_text import LinkedText, segments
from bot.consent.reader import ConsentHistory
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import iso
from bot.model.event import Action, ConsentEvent, How, Source
from widget.inbox.details import shown_number
from widget.web.languages import language

ON, OFF = {Action.OPT_IN, Action.REQUEST_CONFIRMATION, Action.CONFIRM}, {Action.OPT_OUT, Action.REFUSE}
YES = {
    Source.FORM: _("Opted in on the form"),
    Source.PREFERENCE_CENTER: _("Opted in from the preference center"),
    Source.BULK: _("Opted in by %(name)s in bulk"),
    Source.API: _("Opted in via the API"),
    Source.IMPORT: _("Opted in via import"),
    Source.BOT: _("Opted in through the bot"),
}
NO = {
    Source.FORM: _("Opted out on the form"),
    Source.PREFERENCE_CENTER: _("Opted out from the preference center"),
    Source.PROFILE: _("Opted out by %(name)s"),
    Source.BULK: _("Opted out by %(name)s in bulk"),
    Source.API: _("Opted out via the API"),
    Source.IMPORT: _("Opted out via import"),
    Source.BOT: _("Opted out through the bot"),
}
RECORDED = {
    How.SPOKEN: _("%(name)s recorded verbal consent"),
    How.PAPER: _("%(name)s recorded consent on paper"),
    How.WRITTEN: _("%(name)s recorded written consent"),
    How.OTHER: _("%(name)s recorded consent"),
}
NAMED = {
    Action.EXPIRE: _("Confirmation expired"),
    Action.CANCEL: _("Canceled the confirmation request to use a different number"),
    Action.RESTORE: _("Undid their last change in the preference center"),
    Action.MERGE: _("Merged with another contact"),
    Action.CAPTURE_PHONE: _("Provided a number"),
    Action.SET_PACE: _("Changed how many texts they get"),
    Action.ERASE: _("Personal data erased"),
}
"""Actions whose sentence doesn't depend on the source."""
TEXTED = 'texted "'


@dataclass(frozen=True, slots=True)
class ShownWords:
    """The wording as it was shown, and the recorded act."""

    name: str
    description: str
    title: str
    button: str
    legal: tuple[LinkedText, ...]
    box: str
    language: str
    act: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    seq: int
    said: str
    is_asked: bool
    """The number was asked to confirm."""
    subscription: str
    address: str
    replaced: str
    """The former number or address."""
    note: str
    given_at: str
    """When the recorded consent was given, in ISO 8601; empty: it is not known."""
    at: str
    """ISO 8601."""
    shown: ShownWords | None


def entries_of(past: ConsentHistory, conversation: str, say: Translator) -> list[HistoryEntry]:
    """`conversation`: the one that the teammate is reading."""
    return [_entry(event, past, conversation, say) for event in past.events]


def _entry(event: ConsentEvent, past: ConsentHistory, conversation: str, say: Translator) -> HistoryEntry:
    named = past.subscriptions.get(event.subscription or "")
    words, given_at = event.words, event.evidence.given_at if event.evidence else None
    name = past.actors.get(event.actor.id, "")
    said = said_of(event, name or say("A teammate"), conversation, say)
    return HistoryEntry(
        seq=event.seq,
        said=f"{said} · {name}" if name and event.actor.kind == "api" else said,
        is_asked=event.action is Action.REQUEST_CONFIRMATION and not event.stopped,
        subscription=(words and words.subscription_name) or (named.name if named else ""),
        address=shown_number(event.number) if event.number else event.email or "",
        replaced=shown_number(event.replaced) if event.replaced else "",
        note=event.evidence.note if event.evidence else "",
        given_at=iso(given_at) if given_at else "",
        at=iso(event.at),
        shown=_shown(event, say),
    )


def said_of(event: ConsentEvent, name: str, conversation: str, say: Translator) -> str:
    """Describes the event. `name`: the teammate's, if a teammate caused it."""
    if event.stopped:
        return say("Tried to opt in with a number that had opted out with STOP")
    if event.action is Action.RESTORE and event.source is Source.IMPORT:
        return say("Consent retracted: the import was undone")
    if event.source is Source.KEYWORD and (text := _texted(event)):
        return say('Texted "%(text)s"', text=text)
    if event.action in NAMED:
        return say(NAMED[event.action])
    is_here = event.source is Source.FORM and conversation and event.context.conversation == conversation
    if event.action in ON:
        if event.evidence and event.source is not Source.IMPORT:
            return say(RECORDED[event.evidence.how], name=name)
        if is_here:
            return say("Opted in on the form in this conversation")
        return _by(YES.get(event.source, _("Opted in")), name, say)
    if event.action in OFF:
        if is_here:
            return say("Opted out on the form in this conversation")
        return _by(NO.get(event.source, _("Opted out")), name, say)
    return " · ".join(_readdressed(event, say)) or say("Contact details changed")  # erased since


def _readdressed(event: ConsentEvent, say: Translator) -> Iterable[str]:
    cleared, replaced = event.clears or (), event.replaced or ""
    if "phone" in cleared:
        yield say("Phone number removed")
    elif event.number:
        yield say("Phone number changed") if replaced and "@" not in replaced else say("Phone number added")
    if "email" in cleared:
        yield say("Email address removed")
    elif event.email:
        yield say("Email address changed") if replaced else say("Email address added")


def _by(sentence: str, name: str, say: Translator) -> str:
    return say(sentence, name=name) if "%(name)s" in sentence else say(sentence)


def _texted(event: ConsentEvent) -> str:
    act = event.words.act if event.words else ""
    return act.removeprefix(TEXTED).removesuffix('"') if act.startswith(TEXTED) else ""


def _shown(event: ConsentEvent, say: Translator) -> ShownWords | None:
    """Earlier versions also stored words with teammates' records and with STOPs, although nobody was shown them."""
    words = event.words
    is_unseen = event.source is Source.PROFILE or (event.source is Source.KEYWORD and event.action is Action.OPT_OUT)
    if words is None or is_unseen or not (words.title or words.subscription_name):
        return None
    return ShownWords(
        words.subscription_name,
        words.subscription_description,
        words.title,
        words.button,
        segments(words.legal_text),
        words.box or "",
        language(words.locale, say),
        words.act,
    )
