"""What a text still lacks, live beside the field that it is typed into. It warns, and never blocks; nothing is written.

Templates take `templates/workspace/_checker.html`, which says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, ValidationError

from bot.consent.checker import Facts, Finding, check_confirmation, check_form
from bot.errors import Invalid
from bot.errors import marked as _
from bot.i18n import choose_locale, translator
from bot.model.subscription import MessageType
from bot.model.workspace import Workspace
from widget.web.http import render, speaking
from widget.web.teammate_pages import FormInput, Scope, fields, is_htmx, requires, teammate_page, translator_for

MOST = 4000
"""Characters that are read: more than any text for a form or a phone has."""
Kind = Literal["form", "confirmation"]


class CheckQuery(FormInput):
    """The address says what the text is, so that the form around its field may hold what it likes."""

    kind: Kind
    field: Annotated[str, Field(pattern=r"^[\w.]{1,100}$")]
    """Name of the field; its `id` is the same."""
    channel: MessageType = MessageType.SMS
    program: Annotated[str, Field(max_length=120)] = ""
    locale: Annotated[str, Field(max_length=20)] = ""
    """Language of the text; empty: the reader's own."""


@dataclass(frozen=True, slots=True)
class Lack:
    """`names`: what one sentence mends. Without a sentence, `hint` says what to set first."""

    names: tuple[str, ...]
    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class Checked:
    has: tuple[str, ...]
    lacks: tuple[Lack, ...]
    number: int
    """Of the things that lack."""
    is_standard: bool = False
    """A confirmation that nobody wrote: the standard one goes out, and has all of it."""


def checked(
    brand: Workspace, kind: Kind, text: str, *, channel: str = "sms", program: str = "", locale: str = ""
) -> Checked:
    """For templates, which draw a first answer with the page. Offered sentences are in the text's language."""
    if kind == "confirmation" and not text.strip():
        return Checked((), (), 0, is_standard=True)
    say = translator(choose_locale((locale,))) if locale else speaking.get()
    check = check_form if kind == "form" else check_confirmation
    findings = check(text[:MOST], Facts.of(brand, program=program, channel=MessageType(channel)), say)
    has = tuple(finding.name for finding in findings if finding.there)
    return Checked(has, _grouped(findings), len(findings) - len(has))


async def check(request: web.Request) -> web.StreamResponse:
    """The fragment for htmx; without JavaScript a page, which the button opens beside the form."""
    asked = _asked(request)
    text = (await fields(request)).get(asked.field, "")
    values = asked.model_dump(exclude={"locale"}) | {"text": text, "locale_of": asked.locale}
    if is_htmx(request):
        html = await render(request, "workspace/_findings.html", translator_for(request).locale, **values)
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})
    title = translator_for(request)("What the text says")
    return await teammate_page(request, "workspace/check.html", section="settings", title=title, **values)


def _asked(request: web.Request) -> CheckQuery:
    try:
        return CheckQuery.model_validate(dict(request.query))
    except ValidationError as wrong:
        place = wrong.errors()[0]["loc"]
        raise Invalid(_("We can't read that: %(field)s."), field=str(place[0] if place else "form")) from None


def _grouped(findings: tuple[Finding, ...]) -> tuple[Lack, ...]:
    """In the order of the checklist; those that one sentence mends stand together."""
    names: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if not finding.there:
            names.setdefault((finding.sentence, finding.hint), []).append(finding.name)
    return tuple(Lack(tuple(of), sentence, hint) for (sentence, hint), of in names.items())


def add_routes(app: web.Application) -> None:
    app.router.add_post("/settings/check", requires(Scope.WRITE_CONVERSATIONS)(check))
