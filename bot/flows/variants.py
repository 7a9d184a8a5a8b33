"""Variants of a form's words: who sees which, and which one is better: pure.

A variant is scored by the people who are still opted in after seven days, per person who saw it. An opt-in that is
regretted at once is worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt

from bot.model.conversation import Card
from bot.model.form_words import FormVariant

ORIGINAL = "original"
"""The form's own words."""
SURE = 2.576
"""Standard deviations: 99 %. A teammate looks often, and stops when they like what they see."""
LEAST_SHOWN = 200
"""Of each variant, before anything is said."""


def variant_names(variants: Sequence[FormVariant]) -> tuple[str, ...]:
    return (ORIGINAL, *(variant.id for variant in variants))


def variant_of(flow: str, step: str, contact: str, variants: Sequence[FormVariant]) -> FormVariant | None:
    """The one that this person always sees; None: the form's own words."""
    number = int.from_bytes(sha256(f"{flow}:{step}:{contact}".encode()).digest()[:8])
    return (None, *variants)[number % (len(variants) + 1)]


def with_variant(card: Card, variant: FormVariant | None) -> Card:
    """The card with the words of this variant, named by it."""
    step = f"{card.flow_step}/{variant.id if variant else ORIGINAL}"
    if variant is None:
        return card.model_copy(update={"flow_step": step})
    translations = {
        locale: words.model_copy(update=dict(variant.translations[locale]))
        for locale, words in card.translations.items()
        if locale in variant.translations
    }
    words = {"title": variant.title, "button": variant.button, "translations": translations}
    return card.model_copy(update={"flow_step": step, **words})


@dataclass(frozen=True, slots=True)
class VariantScore:
    """`low` and `high`: where the true share lies with 99 % probability."""

    name: str
    shown: int
    confirmed: int
    left: int

    @property
    def kept(self) -> int:
        """Views are counted approximately, so they may be fewer than the sign-ups."""
        return min(max(self.confirmed - self.left, 0), self.shown)

    @property
    def share(self) -> float:
        return self.kept / self.shown if self.shown else 0.0

    @property
    def low(self) -> float:
        return wilson(self.kept, self.shown)[0]

    @property
    def high(self) -> float:
        return wilson(self.kept, self.shown)[1]


def score(name: str, step: str, counts: Mapping[str, int]) -> VariantScore:
    """`counts`: see `bot.flows.counting` and `bot.flows.outcomes`."""
    form = f"{step}/{name}"
    shown, confirmed, left = (counts.get(f"{what}:{form}", 0) for what in ("form", "confirmed", "left"))
    return VariantScore(name, shown, confirmed, left)


def winner(scores: Sequence[VariantScore]) -> VariantScore | None:
    """The variant that is better than all others; None: it is too early to tell."""
    if len(scores) < 2 or any(one.shown < LEAST_SHOWN for one in scores):
        return None
    best = max(scores, key=lambda one: one.low)
    return best if all(best.low > one.high for one in scores if one is not best) else None


def wilson(successes: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of a share. Unlike the usual one, it holds for few people and for shares near 0."""
    if not of:
        return 0.0, 1.0
    share, z2 = successes / of, SURE * SURE
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    width = SURE / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(min(middle - width, share), 0.0), min(max(middle + width, share), 1.0)
