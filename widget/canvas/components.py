"""The components of Canvas Kit that we use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot.chat.linked_text import LinkedText

Component = dict[str, Any]
MOST_OPTIONS = 10
"""Of a list to choose from; it has two at least."""
SUBMIT = {"type": "submit"}


def text(words: str, style: str = "paragraph") -> Component:
    """`style`: header, paragraph, muted or error."""
    return {"type": "text", "text": words, "style": style}


def button(id: str, label: str, style: str = "primary") -> Component:
    return {"type": "button", "id": id, "label": label, "style": style, "action": SUBMIT}


def field(id: str, label: str, value: str = "", **more: Any) -> Component:
    return {"type": "input", "id": id, "label": label, **({"value": value} if value else {}), **more}


def locked(id: str, label: str, value: str) -> Component:
    return field(id, label, value, disabled=True, save_state="saved")


def choice(id: str, label: str, options: Iterable[tuple[str, str]], value: str) -> Component:
    listed = [{"type": "option", "id": key, "text": words} for key, words in options]
    return {"type": "dropdown", "id": id, "label": label, "options": listed, "value": value}


def checkbox(id: str, label: str, words: str, *, is_ticked: bool) -> Component:
    option = [{"type": "option", "id": "on", "text": words}]
    return {"type": "checkbox", "id": id, "label": label, "option": option, "value": ["on"] if is_ticked else []}


def linked(segments: Sequence[LinkedText]) -> str:
    """Links as Canvas Kit writes them; the rest is text."""
    return "".join(f"[{one.text}]({one.href})" if one.href else one.text for one in segments)


def canvas(components: Sequence[Component], **more: Any) -> dict[str, Any]:
    """A whole answer."""
    return {"canvas": {"content": {"components": [*components]}, **more}}
