"""Editing a contact: identity, addresses, tags and custom attributes."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field, field_validator

from bot.contacts.editing import ContactEdit, loses_consent
from bot.contacts.identity import LONGEST
from bot.errors import EmailRefused, FormWrong, NotFound, NumberRefused, SaysoError
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import new_id
from bot.model.event import Context
from bot.workspace.profile import time_zones
from widget.contacts.profile import PROFILE
from widget.inbox.details import name_of, shown_number
from widget.web.forms import FORM, Form
from widget.web.http import BOT, client_ip, sentence, user_agent
from widget.web.languages import all_languages
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translator_for,
)

ZONE = _("Choose a time zone from the list.")


class EditedContact(FormInput):
    key: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
    name: Annotated[str, Field(max_length=LONGEST)] = ""
    external_id: Annotated[str, Field(max_length=LONGEST)] = ""
    phone: Annotated[str, Field(max_length=120)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    locale: Annotated[str, Field(max_length=20)] = "en"
    time_zone: Annotated[str, Field(max_length=64)] = ""
    tags: Annotated[dict[str, str], Field(default_factory=dict)]
    attributes: Annotated[dict[str, str], Field(default_factory=dict)]
    confirmed: bool = False

    @field_validator("time_zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone and zone not in time_zones():
            raise ValueError(ZONE)
        return zone


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    contact = await bot.ledger.contact(request.match_info["contact"])
    if contact is None or contact.is_gone:
        raise NotFound(_("Contact not found."))
    attributes = await bot.attributes.all()
    shown = {a.key: a.written(contact.attributes[a.key]) for a in attributes if a.key in contact.attributes}
    languages = all_languages(say)
    if contact.locale not in dict(languages):
        languages = ((contact.locale, contact.locale), *languages)
    return await teammate_page(
        request,
        "contacts/edit.html",
        section="contacts",
        title=say("Edit %(contact)s", contact=name_of(contact, say)),
        contact=contact,
        here=f"/contacts/{contact.id}",
        key=new_id(),
        phone=shown_number(contact.phone) if contact.phone else "",
        loses=loses_consent(contact, "phone") or loses_consent(contact, "email"),
        is_warned="confirmed" in request.get(FORM, Form()).faults,
        tags=await bot.tags.all(),
        attributes=attributes,
        shown=shown,
        option_pairs=lambda attribute: [("", say("Not set")), *((option, option) for option in attribute.options)],
        languages=languages,
        zones=[("", say("Unknown")), *((zone, zone.replace("_", " ")) for zone in time_zones())],
    )


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    bot, say, id = request.app[BOT], translator_for(request), request.match_info["contact"]
    wanted = await read_input(request, EditedContact)
    contact = await bot.ledger.contact(id)
    is_same = contact is not None and contact.phone is not None and wanted.phone == shown_number(contact.phone)
    edit = ContactEdit(
        **wanted.model_dump(exclude={"tags", "phone"}),
        phone=(contact.phone or "") if is_same and contact else wanted.phone,
        tags=[*wanted.tags],
        context=Context(ip=client_ip(request), user_agent=user_agent(request)),
    )
    try:
        await bot.editor.edit(id, edit, by(request), await bot.workspace())
    except (NumberRefused, EmailRefused) as wrong:
        raise _placed(wrong, say) from None
    raise done(f"/contacts/{id}", say("Saved."))


def _placed(wrong: SaysoError, say: Translator) -> FormWrong:
    return FormWrong({"phone" if isinstance(wrong, NumberRefused) else "email": sentence(wrong, say)})


def add_routes(app: web.Application) -> None:
    writes = requires(Scope.WRITE_CONTACTS)
    app.router.add_get(f"{PROFILE}/edit", writes(show))
    app.router.add_post(f"{PROFILE}/edit", writes(save))
