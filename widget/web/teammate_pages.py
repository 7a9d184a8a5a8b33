"""What every teammate page is built from. A page is a scope, a handler, and a template that extends
`layout/page.html`; a form is two handlers:

    class NewSubscription(FormInput):                      # closed: a field that is not named here is refused
        name: Annotated[str, Field(min_length=1, max_length=120)]
        double_opt_in: bool = False                    # a toggle sends nothing when it is off

    @requires(Scope.MANAGE_SUBSCRIPTIONS)
    async def new(request):
        return await teammate_page(request, "workspace/subscriptions/new.html", section="settings", title=say("…"))

    @requires(Scope.MANAGE_SUBSCRIPTIONS)
    @redrawn_by(new)                                   # what was typed, and what is wrong with it, is in `form`
    async def create(request):
        wanted = await read_input(request, NewSubscription)
        await request.app[BOT].subscriptions.create(**wanted.model_dump())
        raise done("/settings/subscriptions", say("Saved."))

and in the template:

    <form method="post" action="…">
      {{ ui.csrf_field(csrf) }}{{ ui.form_fault(form) }}
      {{ ui.field("name", _("Name"), form.value("name", stored.name), form.fault("name")) }}
      {{ ui.button(_("Save")) }}
    </form>

A rule of `bot` that knows the field raises `FormWrong({"name": _("…")})`; any other Invalid stands over the form.
`redrawn_by` goes under `requires`, over the handler. Every component is on /settings/styleguide.
"""

from __future__ import annotations

from aiohttp import web

from bot.errors import FormWrong
from bot.i18n import Translator, translator
from bot.workspace.access import Scope
from widget.web.access import by, is_htmx, principal, requires, teammate
from widget.web.flash import done
from widget.web.forms import Form, FormInput, again, fields, read_input, redrawn_by
from widget.web.http import Handler, wanted_locale
from widget.web.layout import NavItem, teammate_page

__all__ = [
    "Form",
    "FormInput",
    "FormWrong",
    "Handler",
    "NavItem",
    "Scope",
    "again",
    "by",
    "done",
    "fields",
    "is_htmx",
    "principal",
    "read_input",
    "redrawn_by",
    "requires",
    "teammate",
    "teammate_page",
    "translated",
    "translator_for",
]


def translated(request: web.Request, message: str, **values: str) -> str:
    """One sentence in the teammate's language."""
    return translator_for(request)(message, **values)


def translator_for(request: web.Request) -> Translator:
    """`say = translator_for(request)`: translates into the teammate's language."""
    return translator(wanted_locale(request))
