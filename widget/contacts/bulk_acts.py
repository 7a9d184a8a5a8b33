"""The actions of the More menu: the form of each, and the job that it starts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from aiohttp import web
from pydantic import Field

from bot.consent.attestations import check_evidence
from bot.contacts.bulk import BulkConsent
from bot.contacts.bulk_rules import BulkOutcome
from bot.errors import FormWrong
from bot.errors import marked as _
from bot.jobs.kinds.bulk import BulkInput, BulkJob
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe, Unsubscribe
from bot.jobs.kinds.bulk_erase import BulkEraseInput, EraseContacts
from bot.jobs.kinds.bulk_tags import AddTag, BulkTagInput, RemoveTag
from bot.model.base import now
from bot.model.contact_import import TEXTS
from bot.model.event import Context, FollowUp, How
from bot.model.selection import Selection
from bot.model.subscription import MessageType, Purpose, Subscription
from widget.contacts.selection import FIELDS
from widget.inbox.evidence import WAYS, EvidenceForm
from widget.web.http import BOT, client_ip, user_agent
from widget.web.teammate_pages import FormInput, read_input, teammate, translator_for
from widget.web.times import time_zone

I = TypeVar("I", bound=BulkInput)  # noqa: E741 (input)
ID = "^[0-9a-f]{24}$"
CHANNELS = {MessageType.SMS: _("SMS"), MessageType.EMAIL: _("Email")}
PURPOSES = {Purpose.MARKETING: _("Marketing"), Purpose.INFORMATIONAL: _("Informational")}
ALL_TEXTS = _("All texts")
SPOKEN = _("Doesn't count for marketing or for subscriptions that require written consent.")


class BulkAct(ABC, Generic[I]):
    name: ClassVar[str]
    title: ClassVar[str]
    """A gettext id."""
    button: ClassVar[str]
    kind: type[BulkJob[Any]]
    form: ClassVar[str]
    """The template with its fields."""
    is_final: ClassVar[bool] = False
    """It can't be undone."""
    intents: ClassVar[Mapping[BulkOutcome, str]]
    """Labels of the preview, for outcomes that the job's label says have happened."""

    async def values(self, request: web.Request) -> dict[str, Any]:
        """What its form shows."""
        return {}

    @abstractmethod
    async def read(self, request: web.Request, selection: Selection, size: int) -> I:
        """The job's input. Raises FormWrong."""

    @abstractmethod
    async def subject(self, request: web.Request, input: I) -> str:
        """What it is about, for the audit log."""


class BulkForm(FormInput):
    key: Annotated[str, Field(pattern="^([0-9a-f]{24})?$")] = ""
    """The id of the job that it starts, so that a double click starts one job."""


class ConsentForm(BulkForm):
    subscription: Annotated[str, Field(pattern=ID)]


class SubscribeForm(ConsentForm, EvidenceForm):
    asks: bool = False
    confirmation: bool = False
    flows: bool = False


class UnsubscribeForm(BulkForm):
    subscription: Annotated[str, Field(pattern=f"{ID}|^{TEXTS}$")]
    flows: bool = False


class ConsentAct(BulkAct[BulkConsentInput]):
    async def subject(self, request: web.Request, input: BulkConsentInput) -> str:
        if input.consent.subscription == TEXTS:
            return ALL_TEXTS
        found = await request.app[BOT].store.subscriptions.get(input.consent.subscription)
        return found.name if found else ""


class SubscribeAct(ConsentAct):
    name, title, button = "subscribe", _("Subscribe users"), _("Subscribe")
    kind, form = Subscribe, "contacts/_bulk_subscribe.html"
    intents: ClassVar = {
        BulkOutcome.CHANGED: _("Will be subscribed"),
        BulkOutcome.ASKED: _("Will be asked to confirm"),
    }

    async def values(self, request: web.Request) -> dict[str, Any]:
        say = translator_for(request)
        warnings = {How.SPOKEN: say(SPOKEN)}
        ways = [
            {"value": how, "label": say(label), "text": say(text), "warning": warnings.get(how, "")}
            for how, (label, text) in WAYS.items()
        ]
        return {"subscriptions": await _offered(request), "ways": ways, "zone": time_zone() or "UTC"}

    async def read(self, request: web.Request, selection: Selection, size: int) -> BulkConsentInput:
        wanted = await read_input(request, SubscribeForm, leaving=FIELDS)
        check_evidence(wanted.evidence)
        asked = {FollowUp.CONFIRMATION: wanted.confirmation, FollowUp.FLOWS: wanted.flows}
        consent = BulkConsent(
            subscription=await _live(request, wanted.subscription),
            evidence=wanted.evidence,
            asks=wanted.asks,
            follow_ups=tuple(what for what, is_asked in asked.items() if is_asked),
            by=teammate(request).id,
            context=_context(request),
        )
        return BulkConsentInput(selection=selection, size=size, ordered_at=now(), consent=consent)


class UnsubscribeAct(ConsentAct):
    name, title, button = "unsubscribe", _("Unsubscribe users"), _("Unsubscribe")
    kind, form = Unsubscribe, "contacts/_bulk_unsubscribe.html"
    intents: ClassVar = {BulkOutcome.CHANGED: _("Will be unsubscribed")}

    async def values(self, request: web.Request) -> dict[str, Any]:
        return {"subscriptions": [*await _offered(request), (TEXTS, translator_for(request)(ALL_TEXTS))]}

    async def read(self, request: web.Request, selection: Selection, size: int) -> BulkConsentInput:
        wanted = await read_input(request, UnsubscribeForm, leaving=FIELDS)
        is_all = wanted.subscription == TEXTS
        consent = BulkConsent(
            subscription=TEXTS if is_all else await _live(request, wanted.subscription),
            follow_ups=(FollowUp.FLOWS,) if wanted.flows else (),
            by=teammate(request).id,
            context=_context(request),
        )
        return BulkConsentInput(selection=selection, size=size, ordered_at=now(), consent=consent)


class TagForm(BulkForm):
    tag: Annotated[str, Field(pattern=ID)]


class TagAct(BulkAct[BulkTagInput]):
    form = "contacts/_bulk_tag.html"

    async def values(self, request: web.Request) -> dict[str, Any]:
        say, tags = translator_for(request), await request.app[BOT].tags.all()
        return {"tags": [("", say("Choose a tag")), *((tag.id, tag.name) for tag in tags)]}

    async def read(self, request: web.Request, selection: Selection, size: int) -> BulkTagInput:
        wanted = await read_input(request, TagForm, leaving=FIELDS)
        if wanted.tag not in {tag.id for tag in await request.app[BOT].tags.all()}:
            raise FormWrong({"tag": _("Choose a tag.")})
        return BulkTagInput(selection=selection, size=size, ordered_at=now(), tag=wanted.tag)

    async def subject(self, request: web.Request, input: BulkTagInput) -> str:
        return (await request.app[BOT].tags.get(input.tag)).name


class AddTagAct(TagAct):
    name, title, button = "add-tag", _("Add tag"), _("Add tag")
    kind = AddTag
    intents: ClassVar = {BulkOutcome.CHANGED: _("Tag will be added")}


class RemoveTagAct(TagAct):
    name, title, button = "remove-tag", _("Remove tag"), _("Remove tag")
    kind = RemoveTag
    intents: ClassVar = {BulkOutcome.CHANGED: _("Tag will be removed")}


class EraseForm(BulkForm):
    sure: bool = False


class EraseAct(BulkAct[BulkEraseInput]):
    name, title, button = "erase", _("Erase contacts"), _("Erase")
    kind, form, is_final = EraseContacts, "contacts/_bulk_erase.html", True
    intents: ClassVar = {BulkOutcome.CHANGED: _("Will be erased")}

    async def read(self, request: web.Request, selection: Selection, size: int) -> BulkEraseInput:
        wanted = await read_input(request, EraseForm, leaving=FIELDS)
        if not wanted.sure:
            raise FormWrong({"sure": _("Confirm that you want to erase them.")})
        return BulkEraseInput(selection=selection, size=size, ordered_at=now(), by=teammate(request).id)

    async def subject(self, request: web.Request, input: BulkEraseInput) -> str:
        return ""


async def _offered(request: web.Request) -> list[tuple[str, str]]:
    """Live subscriptions by id, with the properties that the law depends on."""
    say = translator_for(request)
    live = await request.app[BOT].store.subscriptions.live()
    return [("", say("Choose a subscription")), *((s.id, _named(s, request)) for s in live)]


def _named(subscription: Subscription, request: web.Request) -> str:
    say = translator_for(request)
    words = [say(CHANNELS[subscription.message_type]), say(PURPOSES[subscription.purpose])]
    words += [say("Written consent only")] if subscription.written_only else []
    words += [say("Double opt-in")] if subscription.double_opt_in else []
    return f"{subscription.name} ({', '.join(words)})"


async def _live(request: web.Request, id: str) -> str:
    """Raises FormWrong."""
    if id not in {s.id for s in await request.app[BOT].store.subscriptions.live()}:
        raise FormWrong({"subscription": _("Choose a live subscription.")})
    return id


def _context(request: web.Request) -> Context:
    return Context(ip=client_ip(request), user_agent=user_agent(request))


ALL: tuple[BulkAct[Any], ...] = (SubscribeAct(), UnsubscribeAct(), AddTagAct(), RemoveTagAct(), EraseAct())
ACTS = {act.name: act for act in ALL}
