"""The figures of a flow as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from bot.flows.document import FlowDocument
from bot.flows.figures import FlowFigures
from bot.flows.steps import OptInForm, Step
from bot.flows.variants import LEAST_SHOWN, ORIGINAL, VariantScore, score, variant_names, winner
from bot.i18n import Translator
from widget.outbound.results import ChartView, chart
from widget.web.times import clock

MOST_WORDS = 80


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """`points` draws it in a box of 100 by 20: as wide above as this row, below as the next one."""

    label: str
    number: str
    share: str
    """Of the first row."""
    points: str
    kind: str


@dataclass(frozen=True, slots=True)
class StepFigures:
    kind: str
    words: str
    depth: int
    reached: str
    left: str
    """People who got no further; empty: the step doesn't wait."""
    share: float
    """Reached, in percent of the flow's views."""


@dataclass(frozen=True, slots=True)
class VariantRow:
    id: str
    label: str
    title: str
    shown: str
    confirmed: str
    left: str
    range: str
    """Of the share that is kept; empty: nobody was shown it long enough ago."""
    is_better: bool


@dataclass(frozen=True, slots=True)
class Experiment:
    """A form with variants."""

    step: str
    title: str
    rows: Sequence[VariantRow]
    verdict: str
    is_decided: bool


def funnel(found: FlowFigures, say: Translator) -> list[FunnelRow]:
    stages = [
        (say("Shown"), found.shown, "plain"),
        (say("Answered"), found.started, "plain"),
        (say("Form completed"), found.completed, "brand"),
        (say("Sign-up confirmed"), found.confirmed, "good"),
        (say("Opted out within 7 days"), found.left, "bad"),
    ]
    of = max(n for _label, n, _kind in stages) or 1
    shares = [min(n / of, 1.0) for _label, n, _kind in stages]
    below = [*shares[1:4], shares[3], shares[4]]
    return [
        FunnelRow(label, say.number(n), _percent(n, found.shown), _points(share, then), kind)
        for (label, n, kind), share, then in zip(stages, shares, below, strict=True)
    ]


def _points(above: float, below: float) -> str:
    a, b = 50 * max(above, 0.005), 50 * max(below, 0.005)
    return f"{50 - a:.1f},0 {50 + a:.1f},0 {50 + b:.1f},20 {50 - b:.1f},20"


def over_time(found: FlowFigures, say: Translator) -> ChartView | None:
    """By day in UTC."""
    if not found.days:
        return None
    first = min(found.days)
    places = {day: (day - first).days for day in found.days}
    shown = {places[day]: counts["shown"] for day, counts in found.days.items() if counts["shown"]}
    confirmed = {
        places[day]: n
        for day, counts in found.days.items()
        if (n := sum(count for name, count in counts.items() if name.startswith("confirmed:")))
    }
    lines = [(say("Shown"), "plain", shown), (say("Sign-up confirmed"), "good", confirmed)]
    utc = replace(clock.get(), zone=UTC)
    return chart(say("By day"), lines, lambda place: utc.day(first + timedelta(days=place)), say)


def step_rows(document: FlowDocument, counts: Mapping[str, int], say: Translator) -> list[StepFigures]:
    shown = counts.get("shown", 0)
    return [_step_row(step, depth, counts, shown, say) for step, depth in _with_depth(document.steps)]


def _step_row(step: Step, depth: int, counts: Mapping[str, int], shown: int, say: Translator) -> StepFigures:
    reached, passed = counts.get(f"reached:{step.id}", 0), counts.get(f"passed:{step.id}", 0)
    words = getattr(step, "title", "") or getattr(step, "text", "") or step.id
    return StepFigures(
        kind=step.kind,
        words=words[:MOST_WORDS],
        depth=min(depth, 4),
        reached=say.number(reached),
        left=say.number(max(reached - passed, 0)) if step.waits_for else "",
        share=round(min(100 * reached / shown, 100), 1) if shown else 0.0,
    )


def _with_depth(steps: Sequence[Step], depth: int = 0) -> Iterator[tuple[Step, int]]:
    for step in steps:
        yield step, depth
        for branch in step.branches().values():
            yield from _with_depth(branch, depth + 1)


def experiments(document: FlowDocument, found: FlowFigures, say: Translator) -> list[Experiment]:
    forms = [step for step in document.all_steps() if isinstance(step, OptInForm) and step.variants]
    return [_experiment(form, found, say) for form in forms]


def _experiment(form: OptInForm, found: FlowFigures, say: Translator) -> Experiment:
    labels = variant_labels(form, say)
    settled = {name: score(name, form.id, found.settled) for name in labels}
    best = winner([*settled.values()])
    titles = {ORIGINAL: form.title, **{variant.id: variant.title for variant in form.variants}}
    rows = [
        _variant_row(score(name, form.id, found.counts), settled[name], (label, titles[name]), best, say)
        for name, label in labels.items()
    ]
    verdict = _verdict(labels[best.name] if best else "", say)
    return Experiment(form.id, form.title, rows, verdict, best is not None)


def _variant_row(
    now: VariantScore, settled: VariantScore, words: tuple[str, str], best: VariantScore | None, say: Translator
) -> VariantRow:
    return VariantRow(
        id=now.name,
        label=words[0],
        title=words[1],
        shown=say.number(now.shown),
        confirmed=say.number(now.confirmed),
        left=say.number(now.left),
        range=f"{100 * settled.low:.1f}–{100 * settled.high:.1f}%" if settled.shown else "",
        is_better=settled is best,
    )


def variant_labels(form: OptInForm, say: Translator) -> dict[str, str]:
    """By the names that the ledger has."""
    names = variant_names(form.variants)
    return {name: say("Variant %(number)s", number=str(i)) if i else say("Original") for i, name in enumerate(names)}


def _verdict(best: str, say: Translator) -> str:
    """`best`: the variant's label; empty: it is too early to tell."""
    if not best:
        return say(
            "Too early to tell. Each variant needs %(least)s views that are at least 7 days old, and ranges that "
            "don't overlap.",
            least=str(LEAST_SHOWN),
        )
    return say('"%(name)s" keeps more people than the others.', name=best)


def _percent(n: int, of: int) -> str:
    return f"{100 * n / of:.1f}%" if of and n <= of else ""
