"""View models of outbound messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from babel.lists import format_list

from bot.contacts.finder import ContactCount
from bot.errors import marked as _
from bot.i18n import Translator
from bot.jobs.outbound_messages import MessageState
from bot.model.country_sender import CountrySender
from bot.model.outbound_message import OutboundMessage
from bot.model.workspace import Workspace
from bot.outbound.audience import AudiencePreview
from bot.outbound.audience_judge import LATER, LEFT_OUT, QUEUED
from bot.outbound.chat_rules import NOT_ASKED
from bot.outbound.cost import Cost
from bot.outbound.delivery_links import SAMPLE_SHORT
from bot.outbound.kinds.outbound import counted_links, message_body, variables
from bot.outbound.message_checker import SAMPLE_LINK, MessageFinding, check_message
from bot.outbound.send_time import NOW, SendTime
from bot.outbound.senders import sender_in
from bot.outbound.short_links import shortened
from bot.outbound.sms_length import LIMITS, SmsLength, plain, sms_length
from widget.inbox.details import name_of
from widget.outbound.results import money
from widget.web.languages import language

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
    texts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many get it, by country and language; of a sample, `share` times as many do."""
    share: Decimal = Decimal(1)
    unregistered: str = ""
    """Countries whose sender isn't registered, each with how many people are there; of a sample, those in it."""
    defaulted: str = ""
    """Countries that have no sender of their own though others have one, the same way."""
    unwelcomed: str = ""
    """For how many it may be the first text."""


@dataclass(frozen=True, slots=True)
class CostView:
    segments: str
    amount: str
    """Empty: no country has a price."""
    unpriced: str
    """Countries without one, if others have one."""


def cost_view(cost: Cost, currency: str, say: Translator) -> CostView:
    amount = money(cost.amount, currency, say) if cost.amount else ""
    unpriced = format_list([say.country(one) for one in cost.unpriced], locale=say.locale) if amount else ""
    return CostView(say.number(cost.segments), amount, unpriced)


def text_view(message: OutboundMessage, workspace: Workspace, locale: str, public_url: str) -> BubbleView:
    link, values = f"{public_url}{SAMPLE_LINK}", {"first_name": SAMPLE_NAME, "name": SAMPLE_NAME}
    body = message_body(message, workspace, None, locale, link, values=values)
    links = counted_links(message, {**variables(None, workspace), **values}, locale)
    body = shortened(body, links, [f"{public_url}{SAMPLE_SHORT}"] * len(links))
    length, short = sms_length(body), sms_length(plain(body))
    return BubbleView(body, length, short.encoding is not length.encoding)


def remarks(
    message: OutboundMessage, workspace: Workspace, attributes: Collection[str], public_url: str, say: Translator
) -> list[Remark]:
    """`attributes`: the keys of the custom ones."""
    found = check_message(message, workspace, attributes, public_url)
    return [Remark(_remark(finding, say), finding.is_bad) for finding in found]


def _remark(finding: MessageFinding, say: Translator) -> str:
    values = dict(finding.values)
    if lacking := values.pop("lacking", ""):
        values["example"] = isolated("{{%s|%s}}" % (lacking, say("there")))  # noqa: UP031 (braces)
    text = say(finding.text, **values)
    return f"{language(finding.language, say)}: {text}" if finding.language else text


def isolated(code: str) -> str:
    """Keeps its direction in a sentence that is written from right to left."""
    return f"\u2066{code}\u2069"


def audience_view(
    found: AudiencePreview,
    size: ContactCount,
    say: Translator,
    time: SendTime = NOW,
    senders: Sequence[CountrySender] = (),
) -> AudienceView:
    """`size`: how many get it, now or later."""
    groups = [
        AudienceGroup(
            say(label),
            say.number(found.counts[outcome]),
            "good" if outcome == QUEUED else "warn" if outcome in LATER else "plain",
            tuple((contact.id, name_of(contact, say)) for contact in found.samples.get(outcome, ())),
        )
        for outcome, label in ({QUEUED: _("Will get it")} | LATER | LEFT_OUT | NOT_ASKED).items()
        if found.counts.get(outcome)
    ]
    later = any(found.counts.get(outcome) for outcome in LATER)
    number = found.counts.get(QUEUED, 0) if not found.is_sample else size.number
    is_exact = not found.is_sample or size.is_exact
    sample = say.number(found.seen) if found.is_sample else ""
    words = _how_many(number, is_exact, say, time, with_later=found.is_sample and later)
    return AudienceView(
        number,
        say.number(number),
        is_exact,
        sample,
        tuple(groups),
        words,
        last_at=found.last_at if later or time != NOW else None,
        texts=found.texts,
        share=Decimal(size.number) / max(found.included, 1),
        unregistered=_by_country(found.unsent, say),
        defaulted=_by_country(_without_sender(found.texts, senders), say),
        unwelcomed=say.number(found.unwelcomed) if found.unwelcomed else "",
    )


def _without_sender(texts: Mapping[tuple[str, str], int], senders: Sequence[CountrySender]) -> Mapping[str, int]:
    """How many are in countries without a sender of their own; nobody if no country has one."""
    counts: Counter[str] = Counter()
    for (country, _language), number in texts.items():
        if senders and sender_in(country, senders) is None:
            counts[country] += number
    return counts


def _by_country(counts: Mapping[str, int], say: Translator) -> str:
    named = [(say.country(country), say.number(number)) for country, number in counts.items() if country]
    return format_list([f"{name} ({number})" for name, number in sorted(named)], locale=say.locale)


def _how_many(number: int, is_exact: bool, say: Translator, time: SendTime, *, with_later: bool) -> str:
    shown = say.number(number)
    if with_later:
        return say("About %(number)s people would get it, some of them later.", number=shown)
    if not is_exact:
        words = (
            _("About %(number)s people would get it now.")
            if time == NOW
            else _("About %(number)s people would get it.")
        )
        return say(words, number=shown)
    if time != NOW:
        return say.catalog.ngettext(
            "%(number)s person would get it at that time.", "%(number)s people would get it at that time.", number
        ) % {"number": shown}
    if not number:
        return say("Nobody would get it now.")
    return say.catalog.ngettext(
        "%(number)s person would get it now.", "%(number)s people would get it now.", number
    ) % {"number": shown}
