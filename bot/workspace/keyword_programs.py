"""Managing keyword programs: the words that people text to opt in.

Every change names the version that the teammate saw, and is stored together with its history entry. The same change
requested twice (double click, retry) is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from bot.consent.form_wording import WordingCheck
from bot.consent.keyword_phrases import normalized
from bot.consent.keyword_programs import MOST_PROGRAMS, takes_keywords
from bot.consent.keywords import read, single_word
from bot.errors import Conflict, FormWrong, NotFound
from bot.errors import marked as _
from bot.i18n import DEFAULT
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.keyword_program import LONGEST_KEYWORD, KeywordProgram, KeywordProgramVersion
from bot.model.teammate import By
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog
from bot.workspace.wording import Language, LegalText, Name, Title

TAKEN = _("This keyword already exists. Choose another one.")
RESERVED = _("People text this word to opt out or to get help. Choose another one.")
NOT_LIVE = _("Choose a live SMS subscription.")
ONE_WORD = _("Enter one word of 2 to 34 letters and digits.")
CHANGED = _("%(who)s just changed this keyword. Review the changes and try again.")


def read_keyword(typed: str) -> str:
    """In lower case. Raises FormWrong."""
    word = typed.strip().lower()
    if not (2 <= len(word) <= LONGEST_KEYWORD and word.isalnum()) or single_word(word) != word:
        raise FormWrong({"keyword": RESERVED if read(word).keyword else ONE_WORD})
    if read(word).keyword or normalized(word) != word:
        raise FormWrong({"keyword": RESERVED})
    return word


def _some(text: str) -> str:
    if not text:
        raise ValueError(_("Enter what people read before they text the keyword."))
    return text


class ProgramForm(BaseModel):
    """What a teammate sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subscription: str
    place: Name
    title: Annotated[Title, AfterValidator(_some)]
    legal_text: Annotated[LegalText, AfterValidator(_some)]
    locale: Language = DEFAULT

    def on(self, program: KeywordProgram) -> KeywordProgram:
        return program.model_copy(update=self.model_dump(include=set(ProgramForm.model_fields)))


class KeywordProgramService:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.keyword_programs
        self._versions = store.keyword_program_versions
        self._audit = AuditLog(store)

    async def get(self, keyword: str) -> KeywordProgram:
        """Raises NotFound."""
        found = await self._table.get(keyword)
        if found is None:
            raise NotFound
        return found

    async def history(self, keyword: str) -> list[KeywordProgramVersion]:
        """The newest changes first."""
        return (await self._versions.before(keyword, None, limit=MOST_PROGRAMS))[::-1]

    async def create(self, typed: str, form: ProgramForm, by: By, wording: WordingCheck) -> KeywordProgram:
        """Raises FormWrong and WordingIncomplete."""
        keyword, time = read_keyword(typed), now()
        await self._check(form, wording)
        if len(await self._table.all(limit=MOST_PROGRAMS)) >= MOST_PROGRAMS:
            raise FormWrong({"keyword": _("You've reached the limit of keywords.")})
        new = KeywordProgram(id=keyword, created_at=time, updated_at=time, **form.model_dump(include=_FIELDS))
        try:
            await self._table.save(_entry(new, "created", by))
        except Duplicate:
            made = await self._versions.get(self._versions.entry_id(keyword, 1))
            if made is None or made.by != by.id or not _same(made.after, new):
                raise FormWrong({"keyword": TAKEN}) from None
        return await self._recorded(new, "created", by)

    async def edit(
        self, keyword: str, version: int, form: ProgramForm, by: By, wording: WordingCheck
    ) -> KeywordProgram:
        """Makes a new version of its words; earlier ones are kept. Raises NotFound, Conflict, FormWrong and
        WordingIncomplete."""
        await self._check(form, wording)
        return await self._change(keyword, version, "edited", by, form.on)

    async def pause(self, keyword: str, version: int, by: By) -> KeywordProgram:
        """Raises NotFound and Conflict."""
        return await self._change(keyword, version, "paused", by, lambda p: p.model_copy(update={"is_paused": True}))

    async def resume(self, keyword: str, version: int, by: By) -> KeywordProgram:
        """Raises NotFound and Conflict."""
        return await self._change(keyword, version, "resumed", by, lambda p: p.model_copy(update={"is_paused": False}))

    async def _check(self, form: ProgramForm, wording: WordingCheck) -> None:
        subscription = await self._store.subscriptions.get(form.subscription)
        if subscription is None or not takes_keywords(subscription):
            raise FormWrong({"subscription": NOT_LIVE})
        wording.check(form.legal_text, subscription)

    async def _change(
        self, keyword: str, version: int, act: str, by: By, make: Callable[[KeywordProgram], KeywordProgram]
    ) -> KeywordProgram:
        """If the version that was seen is gone, this same change made the next one, or somebody else did."""
        before = await self.get(keyword)
        if before.version == version:
            after = make(before)
            if _same(after, before):
                return before
            after = after.model_copy(update={"version": version + 1, "updated_at": now()})
            if await self._table.save(_entry(after, act, by)):
                return await self._recorded(after, act, by)
        next = await self._versions.get(self._versions.entry_id(keyword, version + 1))
        if next and (next.by, next.act) == (by.id, act) and _same(make(next.after), next.after):
            return await self._recorded(next.after, act, by)
        raise Conflict(CHANGED, who=next.by_name if next else "?")

    async def _recorded(self, after: KeywordProgram, act: str, by: By) -> KeywordProgram:
        """Adds the change to the audit log, once for all tries of the request."""
        key = f"keyword:{after.id}:{after.version}"
        await self._audit.record(by, AuditAction(f"keyword.{act}"), after.keyword, key=key)
        return after


_FIELDS = set(ProgramForm.model_fields)


def _same(a: KeywordProgram, b: KeywordProgram) -> bool:
    times = {"version": 0, "created_at": b.created_at, "updated_at": b.updated_at}
    return a.model_copy(update=times) == b.model_copy(update={"version": 0})


def _entry(after: KeywordProgram, act: str, by: By) -> KeywordProgramVersion:
    place = f"{after.id}:{after.version:010d}"
    return KeywordProgramVersion(
        id=place, keyword=after.id, seq=after.version, act=act, by=by.id, by_name=by.name, at=after.updated_at,
        after=after, key=place,
    )  # fmt: skip
