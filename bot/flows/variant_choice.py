"""A flow in which one variant of a form becomes the form: pure."""

from __future__ import annotations

from typing import Any

from bot.flows.document import FlowDocument
from bot.flows.steps import OptInForm


def with_only(document: FlowDocument, step: str, variant: str) -> FlowDocument:
    """`variant`: its id, or `original`."""
    raw = document.model_dump()
    return FlowDocument.model_validate({**raw, "steps": _chosen(raw["steps"], step, variant)})


def _chosen(value: Any, step: str, variant: str) -> Any:
    if isinstance(value, dict):
        inside = {key: _chosen(item, step, variant) for key, item in value.items()}
        is_form = value.get("id") == step and value.get("kind") == OptInForm.model_fields["kind"].default
        return _form(inside, variant) if is_form else inside
    return [_chosen(item, step, variant) for item in value] if isinstance(value, list | tuple) else value


def _form(form: dict[str, Any], name: str) -> dict[str, Any]:
    chosen = next((one for one in form["variants"] if one["id"] == name), None)
    alone = {**form, "variants": ()}
    if chosen is None:
        return alone
    translations = {
        locale: {**words, **chosen["translations"].get(locale, {})} for locale, words in form["translations"].items()
    }
    return {**alone, "title": chosen["title"], "button": chosen["button"], "translations": translations}
