"""View models of outbound messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.consent.placeholders import variables_in
from bot.contacts.finder import ContactCount
from bot.contacts.selected import BulkPreview
from bot.errors import marked as _
from bot.i18n import Translator
from bot.jobs.outbound_messages import MessageState
from bot.model.outbound_message import OutboundMessage
from bot.model.workspace import Workspace
from bot.outbound.audience import AudiencePreview
from bot.outbound.audience_judge import LATER, LEFT_OUT, QUEUED
from bot.outbound.delivery_links import SAMPLE_SHORT
from bot.outbound.kinds.outbound import KNOWN, counted_links, message_body, variables
from bot.outbound.send_time import NOW, SendTime
from bot.outbound.short_links import shortened
from bot.outbound.sms_length import LIMITS, SmsLength, plain, sms_length
from widget.inbox.details import name_of

STATES = {
    MessageState.DRAFT: (_("Draft"), "plain"),
    MessageState.SCHEDULED: (_("Scheduled"), "brand"),
    MessageState.SENDING: (_("Sending"), "brand"),
    MessageState.PAUSED: (_("Paused"), "warn"),
    MessageState.DONE: (_("Sent"), "good"),
    MessageState.FAILED: (_("Failed"), "bad"),
    MessageState.CANCELED: (_("Canceled"), "plain"),
    MessageState.RUNNING: (_("Running"), "good"),
    MessageState.ENDED: (_("Ended"), "plain"),
}
SAMPLE_NAME = "Maya"
SAMPLE_LINK = "/p/k3J9xQ2mVt8Lw4Zb7RnYcA"
"""As long as a real one: the link counts, too."""


@dataclass(frozen=True, slots=True)
class BubbleView:
    """One text as a phone shows it, and what it costs."""

    body: str
    length: SmsLength
    can_be_plain: bool
    """Plain characters in place of special ones make it shorter."""

    @property
    def limit(self) -> int:
        return LIMITS[self.length.encoding][0 if self.length.segments <= 1 else 1]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a teammate should know before sending. `is_bad`: it can't be sent so."""

    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class AudienceGroup:
    label: str
    number: str
    kind: str
    """Of its badge."""
    people: tuple[tuple[str, str], ...]
    """Id and name of a few."""


@dataclass(frozen=True, slots=True)
class AudienceView:
    number: int
    total: str
    """The number, as people read it."""
    is_exact: bool
    sample: str
    """The size of the sample; empty: everyone was looked at."""
    groups: tuple[AudienceGroup, ...]
    words: str
    """How many get it at the chosen time."""
    last_at: datetime | None = None
    """When the last of them gets it, unless it is now."""


def text_view(message: OutboundMessage, workspace: Workspace, locale: str, public_url: str) -> BubbleView:
    link, values = f"{public_url}{SAMPLE_LINK}", {"first_name": SAMPLE_NAME, "name": SAMPLE_NAME}
    body = message_body(message, workspace, None, locale, link, values=values)
    links = counted_links(message, {**variables(None, workspace), **values}, locale)
    body = shortened(body, links, [f"{public_url}{SAMPLE_SHORT}"] * len(links))
    length, short = sms_length(body), sms_length(plain(body))
    return BubbleView(body, length, short.encoding is not length.encoding)


def remarks(
    message: OutboundMessage, workspace: Workspace, attributes: Collection[str], say: Translator
) -> list[Remark]:
    """`attributes`: the keys of the custom ones."""
    found = []
    if not message.subscription:
        found.append(Remark(say("Choose a subscription."), is_bad=True))
    text = message.text(message.language)
    if not text.strip():
        return [*found, Remark(say("Write a message first."), is_bad=True)]
    names: dict[str, bool] = {}
    for one in message.texts.values():
        for name, fallback in variables_in(one).items():
            names[name] = names.get(name, True) and bool(fallback)
    known = KNOWN.union(attributes)
    if unknown := [name for name in names if name not in known]:
        found.append(Remark(say("Unknown variables: %(names)s", names=", ".join(unknown))))
    if lacking := [name for name, has_fallback in names.items() if name in known - {"brand"} and not has_fallback]:
        example = "{{%s|%s}}" % (lacking[0], say("there"))  # noqa: UP031 (braces)
        found.append(Remark(say("Add a fallback for people without a value: %(example)s", example=isolated(example))))
    if workspace.name.casefold() not in text.casefold() and "brand" not in variables_in(text):
        found.append(Remark(say("Say who is texting: the message doesn't name %(brand)s.", brand=workspace.name)))
    return found


def isolated(code: str) -> str:
    """Keeps its direction in a sentence that is written from right to left."""
    return f"\u2066{code}\u2069"


def audience_view(
    found: BulkPreview,
    size: ContactCount,
    say: Translator,
    time: SendTime = NOW,
    labels: Mapping[str, str] = LATER | LEFT_OUT,
) -> AudienceView:
    """`size`: how many get it, now or later. `labels`: what becomes of the others."""
    groups = [
        AudienceGroup(
            say(label),
            say.number(found.counts[outcome]),
            "good" if outcome == QUEUED else "warn" if outcome in LATER else "plain",
            tuple((contact.id, name_of(contact, say)) for contact in found.samples.get(outcome, ())),
        )
        for outcome, label in ({QUEUED: _("Will get it")} | {**labels}).items()
        if found.counts.get(outcome)
    ]
    later = any(found.counts.get(outcome) for outcome in LATER)
    number = found.counts.get(QUEUED, 0) if not found.is_sample else size.number
    is_exact = not found.is_sample or size.is_exact
    last_at = found.last_at if isinstance(found, AudiencePreview) and (later or time != NOW) else None
    sample = say.number(found.seen) if found.is_sample else ""
    words = _how_many(number, is_exact, say, time, with_later=found.is_sample and later)
    return AudienceView(number, say.number(number), is_exact, sample, tuple(groups), words, last_at)


def _how_many(number: int, is_exact: bool, say: Translator, time: SendTime, *, with_later: bool) -> str:
    shown = say.number(number)
    if with_later:
        return say("About %(number)s people would get it, some of them later.", number=shown)
    if not is_exact:
        return say("About %(number)s people would get it now.", number=shown)
    if time != NOW:
        return say.catalog.ngettext(
            "%(number)s person would get it at that time.", "%(number)s people would get it at that time.", number
        ) % {"number": shown}
    if not number:
        return say("Nobody would get it now.")
    return say.catalog.ngettext(
        "%(number)s person would get it now.", "%(number)s people would get it now.", number
    ) % {"number": shown}
