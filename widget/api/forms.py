"""Opt-in forms in conversations, for chats without Sayso's widget: insert one, show it, and submit what the person
entered. The words, the saved number, the limits and the evidence are those of the card in the messenger."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

from pydantic import Field

from bot.chat.card_state import CardViewState
from bot.chat.card_submission import Answer
from bot.chat.card_view import CardView
from bot.chat.inbox import NO_FORM, takes_forms
from bot.chat.linked_text import LinkedText
from bot.consent.numbers import address_of
from bot.errors import FormWrong, Invalid, NotFound, OwnOptOut
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Card, Part
from bot.model.event import Context
from bot.model.subscription import MessageType
from bot.shapes.base import ApiAnswer, Id
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.conversations import PATH as CONVERSATION
from widget.api.conversations import found_conversation
from widget.api.faults import NO_RESOURCE, REFUSED, STOPPED, ApiFault, ApiRefusal
from widget.api.form_words import CLOSED, INCOMPLETE, FormWordsBody, checked_card
from widget.api.models import ApiBody
from widget.api.route import Call, Resource
from widget.canvas.card import masked

PATH = f"{CONVERSATION}/forms"
ONE = f"{PATH}/{{form_seq}}"
BOT = Author(kind=AuthorKind.BOT, id="api")
WORDS_CHANGED = ApiFault(409, "words_changed", "The form has changed. Show it again.")
LOCKED = ApiFault(422, "saved_number_locked", "The form shows a saved number: it takes no other.")
UNTICKED = ApiFault(422, "box_unticked", "The box has to be ticked.")
LIMITED = ApiFault(422, "too_many_sign_ups", "Too many sign-ups. Try again later.")
NOT_OURS = ApiFault(422, "form_not_inserted", "Only a form that was inserted through the API can be submitted here.")
OPTED_OUT = ApiFault(409, "own_opt_out", "This person opted out. Show them the form again, and send its new `again`.")
NO_IP = "Enter an IP address, such as 203.0.113.9 or 2001:db8::9."
FOUND = (NO_RESOURCE, *CONTACT_FAULTS)

forms = Resource(
    "Opt-in forms",
    "Chat without our widget: another bot or site inserts the opt-in form, shows it by its view model, and submits "
    "what the person entered.",
    is_compatible=False,
)


class FormInsertion(FormWordsBody):
    """Words that are left out are the subscription type's."""

    author: Literal["bot", "admin"] = Field("bot", description="`admin`: the token's teammate.", examples=["bot"])


class FormSubmission(ApiBody):
    """What the person entered. Send what they saw and who they are: it is the evidence."""

    version: str = Field(max_length=320, examples=["5b0c7e12"], description="The `version` of the form that they saw.")
    address: str | None = Field(
        None, max_length=320, examples=["(201) 555-0123"],
        description="The number or email address as typed; null: the saved one was shown.",
    )  # fmt: skip
    region: str = Field("US", pattern="^[A-Z]{2}$", description="The country selected for the number.")
    ticked: bool = Field(False, description="Whether they checked the box.")
    again: str | None = Field(
        None, pattern="^[0-9A-Z]{26}$", description="`again` of the form that they saw.", examples=[None]
    )
    ip: str = Field(
        min_length=2, max_length=45, examples=["203.0.113.9"],
        description="The person's IP address, used for sign-up limits.",
    )  # fmt: skip
    user_agent: str | None = Field(None, max_length=500, examples=["Mozilla/5.0"])
    page: str | None = Field(None, max_length=2000, examples=["https://shop.example/roasts"])


class LinkedTextAnswer(ApiAnswer):
    text: str = Field(examples=["Reply STOP to stop."])
    href: str | None = Field(examples=[None], description="The link's address. Null: plain text.")


class RegionAnswer(ApiAnswer):
    code: str = Field(examples=["US"])
    name: str = Field(examples=["United States"])
    calling_code: str = Field(examples=["+1"])
    example: str = Field(examples=["(201) 555-0123"])


class FormAnswer(ApiAnswer):
    """The view model that Sayso's own card is drawn from. Show all words as they are, as text."""

    type: Literal["opt_in_form"] = "opt_in_form"
    conversation_id: Id
    contact_id: Id
    seq: int = Field(examples=[2], description="Its number in the conversation.")
    state: CardViewState = Field(examples=["open"])
    channel: str = Field(examples=["sms"])
    subscription_name: str = Field(examples=["Deals"])
    title: str = Field(examples=["Get our deals by text"])
    button: str = Field(examples=["Sign Up Now"])
    legal: list[LinkedTextAnswer]
    box: list[LinkedTextAnswer] = Field(
        examples=[[]], description="The label of a consent box that must be checked. Empty: there is none."
    )
    version: str = Field(examples=["5b0c7e12"])
    offers: bool = Field(examples=[True], description="Whether it can be submitted.")
    asks: bool = Field(examples=[True], description="Whether it has a field for a number or an address.")
    saved: str | None = Field(examples=[None], description="The saved number or address, to be shown locked.")
    done: str | None = Field(examples=[None], description="The number or address that they signed up with.")
    notice: str | None = Field(examples=[None])
    again: str = Field(
        examples=[""], description="Not empty: what a submission has to name, such as the opt-out that it comes after."
    )
    regions: list[RegionAnswer]
    region: str = Field(examples=["US"])
    lang: str = Field(examples=["en"])
    direction: str = Field(examples=["ltr"])


@forms.post(PATH, scope=Scope.WRITE_CONVERSATIONS, errors=(*FOUND, CLOSED, INCOMPLETE, REFUSED))
async def insert_form(call: Call, body: FormInsertion) -> FormAnswer:
    """Insert an opt-in form.

    Its words are checked like those of the editor. From a bot it brings no conversation to the inbox.
    """
    conversation = await found_conversation(call)
    if not takes_forms(conversation):
        raise Invalid(NO_FORM)
    card, _wording = await checked_card(call, body, via=call.actor.id)
    me = Author(kind=AuthorKind.TEAMMATE, id=call.who.teammate.id)
    author = BOT if body.author == "bot" else me
    part = await call.bot.cards.insert(conversation.id, card, author, f"form:{call.key}")
    return await _answer(call, part, await found_contact(call, conversation.contact))


@forms.get(ONE, scope=Scope.READ_CONVERSATIONS, errors=FOUND)
async def show_form(call: Call) -> FormAnswer:
    """Show an opt-in form.

    As the contact would see it now, in their language. `saved` and `done` are masked without `read_contacts`.
    """
    part, contact = await _found(call)
    if _is_ours(part):
        await call.bot.cards.shown(part)
    return await _answer(call, part, contact)


@forms.post(
    f"{ONE}/submit",
    scope=Scope.WRITE_CONTACTS,
    errors=(*FOUND, CLOSED, WORDS_CHANGED, OPTED_OUT, NOT_OURS, LOCKED, STOPPED, UNTICKED, LIMITED, REFUSED),
)
async def submit_form(call: Call, body: FormSubmission) -> FormAnswer:
    """Submit an opt-in form.

    Records the person's yes as the card in the messenger does: durable before the answer, once for each form, with the
    words of `version` as evidence. The event names the token that handed it over. Only for forms that were inserted
    through the API. After an opt-out, show the form again and send its `again`; otherwise the answer is 409
    `own_opt_out`.
    """
    part, contact = await _found(call)
    if not _is_ours(part):
        raise ApiRefusal(NOT_OURS)
    context = Context(ip=_ip(body.ip), user_agent=body.user_agent, page=body.page, via=call.actor.id)
    answer = Answer(
        address=body.address,
        region=body.region,
        version=body.version,
        ticked=body.ticked,
        again=body.again or "",
        context=context,
    )
    try:
        done = await call.bot.submit(part, contact, answer)
    except OwnOptOut:
        raise ApiRefusal(OPTED_OUT) from None
    except Invalid as error:
        await call.bot.cards.tried(part, contact.id, getattr(error, "problem", error.code))
        raise
    return await _answer(call, done.part, done.contact or contact)


async def _found(call: Call) -> tuple[Part, Contact]:
    """Raises ApiRefusal."""
    conversation, seq = await found_conversation(call), call.variable("form_seq")
    if not (seq.isascii() and seq.isdecimal() and len(seq) < 10):
        raise ApiRefusal(NO_RESOURCE)
    try:
        part = await call.bot.cards.card(conversation, int(seq))
    except NotFound:
        raise ApiRefusal(NO_RESOURCE) from None
    return part, await found_contact(call, conversation.contact)


async def _answer(call: Call, part: Part, contact: Contact) -> FormAnswer:
    call.answers_about.append(contact.id)
    view = await call.bot.cards.view(part, contact, await call.bot.workspace())
    if not call.who.may(Scope.READ_CONTACTS):
        card = _card(part)
        view = masked(view, address_of(contact, MessageType(view.channel)) or card.number)
    return _shape(view, part, contact)


def _is_ours(part: Part) -> bool:
    """Whether a program inserted it. Cards of earlier versions don't name its token."""
    return _card(part).via is not None or part.author == BOT


def _again(view: CardView, part: Part, contact: Contact) -> str:
    """Also the opt-out that an open form is shown after: a submission has to name it."""
    consent = contact.consent(_card(part).subscription)
    return view.again or (consent.event if consent and consent.is_no and view.offers else "")


def _ip(text: str) -> str:
    """Raises FormWrong."""
    try:
        return str(ip_address(text))
    except ValueError:
        raise FormWrong({"ip": NO_IP}) from None


def _card(part: Part) -> Card:
    if not isinstance(part.content, Card):
        raise ApiRefusal(NO_RESOURCE)
    return part.content


def _shape(view: CardView, part: Part, contact: Contact) -> FormAnswer:
    regions = [
        RegionAnswer(code=one.code, name=one.name, calling_code=one.calling_code, example=one.example)
        for one in view.regions
    ]
    return FormAnswer(
        conversation_id=part.conversation,
        contact_id=contact.id,
        seq=part.seq,
        state=view.state,
        channel=view.channel,
        subscription_name=view.subscription,
        title=view.title,
        button=view.button,
        legal=_texts(view.legal),
        box=_texts(view.box),
        version=view.version,
        offers=view.offers,
        asks=view.asks,
        saved=view.saved,
        done=view.done_number,
        notice=view.notice,
        again=_again(view, part, contact),
        regions=regions,
        region=view.region,
        lang=view.lang,
        direction=view.direction,
    )


def _texts(parts: tuple[LinkedText, ...]) -> list[LinkedTextAnswer]:
    return [LinkedTextAnswer(text=part.text, href=part.href) for part in parts]
