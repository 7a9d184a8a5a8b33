"""Checks a text while it is typed and lists what is missing. It stores nothing.

Templates use `templates/workspace/_checker.html`, which explains how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, ValidationError

from bot.consent.checker import Finding, WordingFacts, check_confirmation, check_form
from bot.errors import Invalid
from bot.errors import marked as _
from bot.i18n import choose_locale, translator
from bot.model.subscription import MessageType, Purpose
from bot.model.workspace import Workspace
from widget.web.http import render, speaking
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    fields,
    is_htmx,
    requires,
    teammate_page,
    translated,
    translator_for,
)

MOST = 4000
"""Characters that are read: no text may be longer."""
Kind = Literal["form", "confirmation"]


class CheckQuery(FormInput):
    """The URL describes the text, so that the surrounding form may contain any fields."""

    kind: Kind
    field: Annotated[str, Field(pattern=r"^[\w.]{1,100}$")]
    """Name of the field; its `id` is the same."""
    channel: MessageType = MessageType.SMS
    purpose: Purpose = Purpose.MARKETING
    program: Annotated[str, Field(max_length=120)] = ""
    locale: Annotated[str, Field(max_length=20)] = ""
    """Language of the text; empty: the reader's own."""


@dataclass(frozen=True, slots=True)
class Lack:
    """`names`: the findings that one sentence fixes. Without a sentence, `hint` says what to configure first."""

    names: tuple[str, ...]
    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class Checked:
    has: tuple[str, ...]
    lacks: tuple[Lack, ...]
    number: int
    """The number of missing items."""
    is_standard: bool = False
    """An empty confirmation: the standard one is sent, and meets all requirements."""


def checked(
    brand: Workspace,
    kind: Kind,
    text: str,
    *,
    channel: str = "sms",
    purpose: str = "marketing",
    program: str = "",
    locale: str = "",
) -> Checked:
    """For templates, which render the first result with the page. Suggested sentences are in the text's language."""
    if kind == "confirmation" and not text.strip():
        return Checked((), (), 0, is_standard=True)
    say = translator(choose_locale((locale,))) if locale else speaking.get()
    check = check_form if kind == "form" else check_confirmation
    facts = WordingFacts.of(brand, program=program, channel=MessageType(channel), purpose=Purpose(purpose))
    findings = check(text[:MOST], facts, say)
    has = tuple(finding.name for finding in findings if finding.there)
    return Checked(has, _grouped(findings), len(findings) - len(has))


async def check(request: web.Request) -> web.StreamResponse:
    """The htmx fragment; without JavaScript a page that opens next to the form."""
    asked = _asked(request)
    text = (await fields(request)).get(asked.field, "")
    values = asked.model_dump(exclude={"locale"}) | {"text": text, "locale_of": asked.locale}
    if is_htmx(request):
        html = await render(request, "workspace/_findings.html", translator_for(request).locale, **values)
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})
    title = translated(request, "What the text says")
    return await teammate_page(request, "workspace/check.html", section="settings", title=title, **values)


def _asked(request: web.Request) -> CheckQuery:
    try:
        return CheckQuery.model_validate(dict(request.query))
    except ValidationError as wrong:
        place = wrong.errors()[0]["loc"]
        raise Invalid(_("Invalid value: %(field)s."), field=str(place[0] if place else "form")) from None


def _grouped(findings: tuple[Finding, ...]) -> tuple[Lack, ...]:
    """In checklist order; findings that one sentence fixes are grouped."""
    names: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if not finding.there:
            names.setdefault((finding.sentence, finding.hint), []).append(finding.name)
    return tuple(Lack(tuple(of), sentence, hint) for (sentence, hint), of in names.items())


def add_routes(app: web.Application) -> None:
    app.router.add_post("/settings/check", requires(Scope.WRITE_CONVERSATIONS)(check))
