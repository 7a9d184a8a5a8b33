"""Keywords that people text to opt in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bot.consent.keyword_programs import ProgramRow
from bot.consent.offers import keyword_legal_text
from bot.errors import FormWrong
from bot.i18n import base_language, locales, translator
from bot.model.keyword_program import KeywordProgram
from bot.shapes.base import ApiAnswer, Id, Locale, UnixTime, unix
from bot.workspace.access import Scope
from bot.workspace.keyword_programs import ProgramForm
from widget.api.contact_lookup import found_or_404, found_subscription
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.form_words import INCOMPLETE, wording_check
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource
from widget.api.subscription_edits import VersionBody

PATH = "/keywords"
ONE = f"{PATH}/{{keyword}}"
SCOPE = Scope.MANAGE_SUBSCRIPTIONS
NO_STANDARD = "There's no standard legal text in this language. Set `legal_text`."

keywords = Resource(
    "Keywords",
    "Words that people text to opt in, with the words that they read where the keyword is advertised. A keyword is "
    "never deleted: pause it. STOP, START and HELP are always answered.",
    is_compatible=False,
)


class KeywordWords(ApiBody):
    place: str = Field(max_length=120, examples=["Poster in the shop"], description="Where people read it.")
    title: str = Field(max_length=200, examples=["Text us for 10% off"])
    accepted: list[str] = Field(
        default=[], max_length=20, examples=[[]], description="Missing legal statements that you accept."
    )


class NewKeyword(KeywordWords):
    keyword: str = Field(max_length=80, examples=["BEANS"])
    subscription: AnyId
    legal_text: str | None = Field(
        None, max_length=2000, examples=[None], description="Left out: the standard text for the subscription type."
    )
    locale: str = Field("en", max_length=35, examples=["en"], description="The language of title and legal text.")


class KeywordEdit(VersionBody):
    """Fields that are left out stay as they are."""

    subscription: AnyId | None = Field(None, examples=["6762f0cd1bb69f9f2193bb7c"])
    place: str | None = Field(None, max_length=120, examples=["Poster in the shop"])
    title: str | None = Field(None, max_length=200, examples=["Text us for 20% off"])
    legal_text: str | None = Field(None, max_length=2000, examples=["By texting BEANS you agree to …"])
    locale: str | None = Field(None, max_length=35, examples=["en"])
    accepted: list[str] = Field(
        default=[], max_length=20, examples=[[]], description="Missing legal statements that you accept."
    )


class KeywordWordsAnswer(ApiAnswer):
    keyword: str = Field(examples=["BEANS"])
    subscription: Id
    place: str = Field(examples=["Poster in the shop"])
    title: str = Field(examples=["Text us for 10% off"])
    legal_text: str = Field(examples=["By texting BEANS you agree to …"])
    locale: Locale
    paused: bool = Field(examples=[False])
    version: int = Field(examples=[1])


class KeywordDetail(KeywordWordsAnswer):
    type: Literal["keyword"] = "keyword"
    id: str = Field(examples=["beans"])
    live: bool = Field(examples=[True], description="Whether texting it opts people in.")
    created_at: UnixTime
    updated_at: UnixTime


class KeywordVersionAnswer(KeywordWordsAnswer):
    type: Literal["keyword_version"] = "keyword_version"
    action: str = Field(examples=["edited"], description="`created`, `edited`, `paused` or `resumed`.")
    by: str = Field(examples=["Ada"], description="The teammate's name at that time.")
    at: UnixTime


class KeywordList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[KeywordDetail]


class KeywordVersions(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[KeywordVersionAnswer]


@keywords.get(PATH, scope=SCOPE)
async def list_keywords(call: Call) -> KeywordList:
    """List keywords."""
    return KeywordList(data=[_answer(row) for row in await call.bot.programs.all()])


@keywords.post(PATH, scope=SCOPE, errors=(NO_RESOURCE, INCOMPLETE, REFUSED))
async def create_keyword(call: Call, body: NewKeyword) -> KeywordDetail:
    """Create a keyword.

    People can text it at once.
    """
    subscription, wording = await found_subscription(call, body.subscription), await wording_check(call, body.accepted)
    legal_text = body.legal_text
    if legal_text is None:
        language = base_language(body.locale.replace("-", "_"))
        if language not in locales():
            raise FormWrong({"legal_text": NO_STANDARD})
        legal_text = keyword_legal_text(subscription, wording.workspace, translator(language))
    words = body.model_dump(include={*ProgramForm.model_fields}) | {"legal_text": legal_text}
    made = await call.bot.keywords.create(body.keyword, ProgramForm.model_validate(words), call.by, wording)
    return await _shown(call, made)


@keywords.get(ONE, scope=SCOPE, errors=(NO_RESOURCE,))
async def show_keyword(call: Call) -> KeywordDetail:
    """Find a keyword."""
    return await _shown(call, await _found(call))


@keywords.put(ONE, scope=SCOPE, errors=(NO_RESOURCE, INCOMPLETE, REFUSED))
async def update_keyword(call: Call, body: KeywordEdit) -> KeywordDetail:
    """Change a keyword's words.

    Makes a new version; earlier ones are kept.
    """
    found, fields = await _found(call), {*ProgramForm.model_fields}
    words = found.model_dump(include=fields) | body.model_dump(include=fields, exclude_none=True)
    form, wording = ProgramForm.model_validate(words), await wording_check(call, body.accepted)
    return await _shown(
        call, await call.bot.keywords.edit(found.id, body.version or found.version, form, call.by, wording)
    )


@keywords.post(f"{ONE}/pause", scope=SCOPE, errors=(NO_RESOURCE,))
async def pause_keyword(call: Call, body: VersionBody) -> KeywordDetail:
    """Pause a keyword.

    Texting it opts nobody in until it is resumed.
    """
    found = await _found(call)
    return await _shown(call, await call.bot.keywords.pause(found.id, body.version or found.version, call.by))


@keywords.post(f"{ONE}/resume", scope=SCOPE, errors=(NO_RESOURCE,))
async def resume_keyword(call: Call, body: VersionBody) -> KeywordDetail:
    """Resume a keyword."""
    found = await _found(call)
    return await _shown(call, await call.bot.keywords.resume(found.id, body.version or found.version, call.by))


@keywords.get(f"{ONE}/versions", scope=SCOPE, errors=(NO_RESOURCE,))
async def list_keyword_versions(call: Call) -> KeywordVersions:
    """List a keyword's versions.

    Each change with all of the words since, the newest first.
    """
    past = await call.bot.keywords.history((await _found(call)).id)
    data = [KeywordVersionAnswer(**_words(one.after), action=one.act, by=one.by_name, at=unix(one.at)) for one in past]
    return KeywordVersions(data=data)


async def _found(call: Call) -> KeywordProgram:
    """Raises ApiRefusal (404)."""
    return await found_or_404(call.bot.keywords.get(call.variable("keyword").lower()))


async def _shown(call: Call, program: KeywordProgram) -> KeywordDetail:
    return _answer(ProgramRow(program, await call.bot.store.subscriptions.get(program.subscription)))


def _answer(row: ProgramRow) -> KeywordDetail:
    program = row.program
    times = {"created_at": unix(program.created_at), "updated_at": unix(program.updated_at)}
    return KeywordDetail(**_words(program), **times, id=program.id, live=row.is_live)


def _words(program: KeywordProgram) -> dict[str, Any]:
    words = program.model_dump(include={*ProgramForm.model_fields})
    return {**words, "keyword": program.keyword, "paused": program.is_paused, "version": program.version}
