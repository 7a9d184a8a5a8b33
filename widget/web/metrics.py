"""`GET /metrics`, for Prometheus. Labels are routes and states, never people."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.outbound.queue_figures import QueueFigures


class Metrics:
    """One registry per application, so that two in one process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "sayso_request_seconds",
            "Time to answer a request.",
            ["method", "route"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )
        self._requests = Counter(
            "sayso_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.sockets = Gauge("sayso_open_messengers", "Messengers that are connected now.", registry=self.registry)
        self.answers = Counter(
            "sayso_card_answers", "Cards submitted, by what became of them.", ["result"], registry=self.registry
        )

        self.withheld = Counter(
            "sayso_form_texts_withheld", "Texts of forms not sent, by the limit.", ["limit"], registry=self.registry
        )
        self._form_texts = Gauge(
            "sayso_form_texts_today", "Texts that forms caused today (UTC).", registry=self.registry
        )
        self._form_budget = Gauge("sayso_form_text_budget", "Texts that forms may cause a day.", registry=self.registry)
        self._blocked = Gauge(
            "sayso_blocked_prefixes", "Number prefixes that forms don't text.", registry=self.registry
        )
        self._queue = {
            name: Gauge(f"sayso_texts_{name}", words, registry=self.registry)
            for name, words in (
                ("waiting", "Texts that wait, also those for later."),
                ("due", "Texts that could leave now."),
                ("oldest_due_seconds", "How long the first of them has been due."),
                ("unacknowledged", "Texts handed over whose result is not known yet."),
                ("unknown_today", "Texts of the last 24 hours whose result nobody knows."),
            )
        }
        self._due = Gauge("sayso_texts_due_by_sender", "Texts due longest.", ["sender"], registry=self.registry)
        self._without_turn = Gauge(
            "sayso_texts_without_turn",
            "Texts that wait for the rate of their sender.",
            ["sender"],
            registry=self.registry,
        )
        self._rate = Gauge("sayso_texts_per_minute", "Texts handed over.", ["sender"], registry=self.registry)
        self.opt_out_requests = Gauge(
            "sayso_opt_out_requests", "Opt-out requests that nobody has decided on.", ["state"], registry=self.registry
        )
        self.revocation_seconds = Gauge(
            "sayso_revocation_seconds",
            "Time from a request to the opt-out, and from a STOP to its confirmation, of the last 30 days.",
            ["of", "stat"],
            registry=self.registry,
        )
        self._series = lru_cache(maxsize=2048)(self._find_series)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        time, count = self._series(method, route, status)
        time.observe(seconds)
        count.inc()

    def _find_series(self, method: str, route: str, status: int) -> tuple[Histogram, Counter]:
        return self._seconds.labels(method, route), self._requests.labels(method, route, status)

    def forms(self, texts: int, budget: int, blocked: int) -> None:
        self._form_texts.set(texts)
        self._form_budget.set(budget)
        self._blocked.set(blocked)

    def queue(self, figures: QueueFigures) -> None:
        values = {
            "waiting": figures.waiting,
            "due": figures.due,
            "oldest_due_seconds": figures.oldest.total_seconds(),
            "unacknowledged": figures.unacknowledged,
            "unknown_today": figures.unknown_today,
        }
        for name, value in values.items():
            self._queue[name].set(value)
        for gauge, by_sender in (
            (self._due, figures.due_by_sender),
            (self._without_turn, figures.without_turn),
            (self._rate, figures.per_minute),
        ):
            gauge.clear()
            for sender, value in by_sender.items():
                gauge.labels(sender or "default").set(value)

    def text(self) -> bytes:
        return generate_latest(self.registry)
