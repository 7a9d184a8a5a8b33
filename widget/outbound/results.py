"""The figures of a message as people read them: results with their reasons, and charts with a table beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_currency

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.delivery import DeliveryState
from bot.model.outbound_message import AutomaticPause, PauseCause
from bot.outbound.audience import LEFT_OUT
from bot.outbound.figures import CopyResult, MessageFigures, Series
from widget.web.times import clock

RESULTS = {
    DeliveryState.SENT: _("Sent"),
    DeliveryState.QUEUED: _("Queued"),
    DeliveryState.SENDING: _("Sending"),
    DeliveryState.FAILED: _("Failed"),
    DeliveryState.BLOCKED: _("Not sent"),
    DeliveryState.UNKNOWN: _("Unconfirmed"),
}
REASONS = {
    **LEFT_OUT,
    "canceled": _("Canceled before it was sent"),
    "paused": _("Paused"),
    "archived": _("Archived contact"),
    "contact_gone": _("Contact no longer exists"),
    "quiet_hours": _("Quiet hours where they are"),
    "local_time": _("Waiting for their local time"),
    "throughput": _("Sender's limit per second"),
    "cap": _("Had too many texts lately"),
    "too_many": _("Had too many texts lately"),
    "fewer_by_person": _("Asked for fewer texts"),
    "loop_guard": _("Stopped to prevent an auto-reply loop"),
    "not_asked_any_more": _("No longer waiting for an answer"),
    "erased": _("Erased"),
    "sender_cannot_receive": _("Sender can't receive STOP"),
    "too_long": _("Too long for a text"),
    **dict.fromkeys(
        ("auth_failed", "account_suspended", "account_not_active", "account_not_found"),
        _("Provider refused the account"),
    ),
    "sender_not_registered": _("Sender isn't registered"),
    "sender_not_allowed": _("Sender may not text this country"),
    "country_not_enabled": _("Country isn't enabled with the provider"),
    "rate_limited": _("Provider is busy"),
    "queue_full": _("Provider is busy"),
    "no_connection": _("No connection to the provider"),
    "no_answer": _("Provider couldn't confirm it"),
    "refused": _("Refused by the provider"),
    "unknown_error": _("Unknown carrier error"),
    "invalid_number": _("Invalid number"),
    "unknown_number": _("Invalid number"),
    "landline": _("Landline"),
    "not_reachable": _("Phone unreachable"),
    "unreachable": _("Phone unreachable"),
    "blocked_by_carrier": _("Blocked by the carrier"),
    "filtered": _("Blocked by the carrier"),
    "expired": _("Expired"),
    "too_late": _("Too late to be sent"),
    "not_by_text": _("Not an SMS subscription"),
    "not_stopped": _("Texted START since"),
}
PAUSES = {
    PauseCause.OPT_OUTS: _(
        "Paused automatically: %(count)s of %(of)s texts led to an opt-out (%(share)s%%). The limit is %(most)s%%."
    ),
    PauseCause.FAILURES: _(
        "Paused automatically: %(count)s of %(of)s texts failed (%(share)s%%). The limit is %(most)s%%."
    ),
    PauseCause.FILTERED: _(
        "Paused automatically: carriers blocked %(count)s of %(of)s texts (%(share)s%%). The limit is %(most)s%%."
    ),
}
Line = tuple[str, str, Mapping[int, int]]
"""Label, kind and counts of a series."""
WIDTH, HEIGHT = 640, 160
"""Of a chart, in its own units."""
WIDEST = 64.0
"""A column."""
GAP = 0.25
"""Of a column, between columns."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    label: str
    number: str
    share: int
    """Percent of all."""
    kind: str


@dataclass(frozen=True, slots=True)
class FigureTile:
    label: str
    number: str
    share: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """Columns of bars, and the same numbers as a table."""

    title: str
    labels: Sequence[tuple[str, str]]
    """Of the series, and the kind that colors it."""
    bars: Sequence[Bar]
    most: str
    """The highest column."""
    first: str
    last: str
    rows: Sequence[tuple[str, Sequence[str]]]
    """Time, and a number for each series; without those that are all zero."""


def pause_words(pause: AutomaticPause, say: Translator) -> str:
    values = {
        "count": say.number(pause.count),
        "of": say.number(pause.of),
        "share": f"{100 * pause.count / pause.of:.1f}",
        "most": f"{pause.most:g}",
    }
    return say(PAUSES[pause.cause], **values)


def reason_words(reason: str, code: int | None, say: Translator) -> str:
    words = say(REASONS[reason]) if reason in REASONS else reason.replace("_", " ")
    return say("%(words)s (code %(code)s)", words=words, code=str(code)) if code else words


def result_rows(results: Mapping[CopyResult, int], say: Translator) -> list[ResultRow]:
    """The most frequent first; those that did not leave with the reason."""
    total = sum(results.values()) or 1
    rows = sorted(results.items(), key=lambda item: -item[1])
    return [ResultRow(_label(one, say), say.number(n), round(100 * n / total), _kind(one.state)) for one, n in rows]


def tiles(figures: MessageFigures, say: Translator, currency: str, *, counts_clicks: bool) -> list[FigureTile]:
    sent = figures.sent

    def tile(label: str, number: int, of: int) -> FigureTile:
        return FigureTile(label, say.number(number), f"{100 * number / of:.1f}%" if of and number else "")

    return [
        FigureTile(say("Sent"), say.number(sent)),
        tile(say("Delivered"), figures.delivered, sent),
        tile(say("Failed"), figures.failed, sent + figures.failed),
        tile(say("Opt-outs"), figures.opted_out, sent),
        tile(say("Replies"), figures.replied, sent),
        *([tile(say("Clicks"), figures.clicked, sent)] if counts_clicks else []),
        *([FigureTile(say("Segments"), say.number(figures.segments))] if figures.segments else []),
        *([FigureTile(say("Estimated cost"), money(figures.cost, currency, say))] if figures.cost else []),
    ]


def money(amount: Decimal, currency: str, say: Translator) -> str:
    return str(format_currency(amount, currency, locale=say.locale))


def unpriced_words(figures: MessageFigures, say: Translator) -> str:
    """Empty: all have a price, or none has."""
    if not (figures.cost and figures.unpriced):
        return ""
    return say("Without a price: %(segments)s segments.", segments=say.number(figures.unpriced))


def charts(series: Series | None, say: Translator) -> list[ChartView]:
    if series is None:
        return []
    answers = [
        (say("Clicks"), "brand", series.clicked),
        (say("Replies"), "good", series.replied),
        (say("Opt-outs"), "bad", series.opted_out),
    ]
    leaving = [(say("Sent"), "plain", series.sent), (say("Delivered"), "good", series.delivered)]
    some = [one for one in answers if one[2]]

    def times(place: int) -> str:
        return clock.get().show(series.start + place * series.step, "long").text

    return [
        chart(say("Sent over time"), leaving, times, say),
        *([chart(say("Responses over time"), some, times, say)] if some else []),
    ]


def chart(title: str, lines: Sequence[Line], time_of: Callable[[int], str], say: Translator) -> ChartView:
    """`time_of`: what a column is called, by its number."""
    last = max((place for _label, _kind, counts in lines for place in counts), default=0)
    most = max((n for _label, _kind, counts in lines for n in counts.values()), default=1)
    column = min(WIDTH / (last + 1), WIDEST)
    width = column * (1 - GAP) / len(lines)
    bars = [
        _bar(place * column + column * GAP / 2 + number * width, width, n / most, kind)
        for number, (_label, kind, counts) in enumerate(lines)
        for place, n in sorted(counts.items())
    ]
    times = {place: time_of(place) for place in range(last + 1)}
    rows = [
        (times[place], [say.number(counts.get(place, 0)) for _label, _kind, counts in lines])
        for place in range(last + 1)
        if any(counts.get(place) for _label, _kind, counts in lines)
    ]
    labels = [(label, kind) for label, kind, _counts in lines]
    return ChartView(title, labels, bars, say.number(most), times[0], times[last], rows)


def _bar(x: float, width: float, share: float, kind: str) -> Bar:
    return Bar(round(x, 1), round(HEIGHT * (1 - share), 1), round(width, 2), round(HEIGHT * share, 1), kind)


def _label(one: CopyResult, say: Translator) -> str:
    label = say(RESULTS[one.state])
    if not one.reason:
        return label
    return say("%(result)s: %(reason)s", result=label, reason=reason_words(one.reason, one.code, say))


def _kind(state: DeliveryState) -> str:
    if state in {DeliveryState.QUEUED, DeliveryState.SENDING}:
        return "plain"
    return "good" if state is DeliveryState.SENT else "bad"
