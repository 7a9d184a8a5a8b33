"""The wording of an opt-in form in one language."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from bot.model.base import Value


class FormWords(Value):
    """An empty `button` means "Sign Up Now" in the language of the words; an empty `box`, no consent box."""

    title: str = Field(default="", max_length=200)
    button: str = Field(default="", max_length=60)
    legal_text: str = Field(default="", max_length=2000)
    box: str = Field(default="", max_length=500)
    """The text beside a box that must be ticked before the button works."""


FORM_WORDS = tuple(FormWords.model_fields)


LEGALLY_NEEDED = ("title", "legal_text", "box")
"""A translation must have these, or it would say less than the person agrees to."""


def is_whole(translation: FormWords, words: FormWords) -> bool:
    """Whether every part of these words is translated."""
    return all(getattr(translation, name) for name in LEGALLY_NEEDED if getattr(words, name))


def form_words(of: FormWords) -> FormWords:
    """Only the wording of a document that has it."""
    return FormWords(**of.model_dump(include=set(FORM_WORDS)))


class VariantWords(Value):
    """An empty `button` means "Sign Up Now" in the language of the words."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    button: str = Field(default="", max_length=60)


MOST_VARIANTS = 4
"""Of a form, besides its own words."""


class FormVariant(VariantWords):
    """Another title and button for the same form. What the law demands (legal text, box) is the same in all
    variants."""

    id: str = Field(pattern=r"^[a-z0-9_]{1,40}$")
    translations: dict[str, VariantWords] = Field(default_factory=dict, max_length=50)
    """In the languages of the form."""
