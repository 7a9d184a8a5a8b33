"""Custom attributes: defined by admins. Names and options change; keys and types don't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.errors import FormWrong, Invalid, NotFound
from bot.errors import marked as _
from bot.model.attribute import Attribute, AttributeType, AttributeValue, key_of
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.teammate import By
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

MOST = 100
MOST_OPTIONS, LONGEST_OPTION = 100, 100
TAKEN = _("An attribute with this name already exists. Choose another name.")
KEY_TAKEN = _("An attribute with this key already exists, perhaps an archived one. Choose another name.")
NO_KEY = _("Start the name with a letter from A to Z. The attribute's key is created from it.")
TOO_MANY = _("You've reached the limit of %(most)s attributes. Archive one to add another.")
NO_OPTIONS = _("Enter at least one option.")
TOO_MANY_OPTIONS = _("Enter up to %(most)s options of up to %(longest)s characters.")


class Attributes:
    def __init__(self, store: Store) -> None:
        self._table = store.attributes
        self._audit = AuditLog(store)

    async def all(self) -> list[Attribute]:
        """Those in use, by name."""
        return await self._table.in_use()

    async def archived(self) -> list[Attribute]:
        return [attribute for attribute in await self._table.all() if attribute.archived_at]

    async def get(self, key: str) -> Attribute:
        """Raises NotFound."""
        attribute = await self._table.get(key)
        if attribute is None:
            raise NotFound(_("Attribute not found."))
        return attribute

    async def create(self, name: str, type: AttributeType, by: By, *, options: Sequence[str] = ()) -> Attribute:
        """Raises FormWrong."""
        key = key_of(name)
        if not key[:1].isalpha():
            raise FormWrong({"name": NO_KEY})
        if len(await self.all()) >= MOST:
            raise FormWrong({"name": TOO_MANY}, most=str(MOST))
        kept = _options(options) if type is AttributeType.LIST else ()
        attribute = Attribute(id=key, name=name, type=type, options=kept, by=by.id, created_at=now())
        try:
            await self._table.insert(attribute)
        except Duplicate:
            is_key = await self._table.get(key) is not None
            raise FormWrong({"name": KEY_TAKEN if is_key else TAKEN}) from None
        await self._audit.record(by, AuditAction.ATTRIBUTE_CREATED, subject=name)
        return attribute

    async def change(self, key: str, name: str, by: By, *, options: Sequence[str] = ()) -> Attribute:
        """Contacts keep their values, even of a removed option. Raises NotFound and FormWrong."""
        before = await self.get(key)
        kept = _options(options) if before.type is AttributeType.LIST else ()
        changed = await self._save(before, {"name": name, "options": kept})
        await self._audit.record(by, AuditAction.ATTRIBUTE_CHANGED, subject=before.name, detail=name)
        return changed

    async def archive(self, key: str, by: By) -> Attribute:
        """It leaves forms and menus; values stay. Raises NotFound."""
        archived = await self._save(await self.get(key), {"archived_at": now()})
        await self._audit.record(by, AuditAction.ATTRIBUTE_ARCHIVED, subject=archived.name)
        return archived

    async def restore(self, key: str, by: By) -> Attribute:
        """Raises NotFound, and FormWrong if its name is taken meanwhile."""
        restored = await self._save(await self.get(key), {"archived_at": None})
        await self._audit.record(by, AuditAction.ATTRIBUTE_RESTORED, subject=restored.name)
        return restored

    async def read(self, texts: Mapping[str, str]) -> dict[str, AttributeValue | None]:
        """Values as people type them, by key; None: the value is removed. Raises FormWrong by `attributes.<key>`."""
        known = {attribute.key: attribute for attribute in await self.all()}
        values: dict[str, AttributeValue | None] = {}
        for key, text in texts.items():
            if key not in known:
                raise FormWrong({"": _("This attribute no longer exists. Reload the page.")})
            try:
                values[key] = known[key].read(text)
            except Invalid as wrong:
                raise FormWrong({f"attributes.{key}": wrong.text}, **wrong.values) from None
        return values

    async def read_values(self, values: Mapping[str, str | float | bool | None]) -> dict[str, AttributeValue | None]:
        """Values as programs send them, by key: dates are Unix seconds or ISO texts. Raises FormWrong by
        `custom_attributes.<key>`."""
        known = {attribute.key: attribute for attribute in await self.all()} if values else {}
        read: dict[str, AttributeValue | None] = {}
        for key, value in values.items():
            field = f"custom_attributes.{key[:40]}"
            if key not in known:
                raise FormWrong({field: "There is no such custom attribute. Create it in Settings > Attributes."})
            try:
                read[key] = known[key].read(known[key].text_of(value))
            except Invalid as wrong:
                raise FormWrong({field: wrong.text}, **wrong.values) from None
        return read

    async def _save(self, before: Attribute, values: Mapping[str, object]) -> Attribute:
        try:
            return await self._table.save(before, values)
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None


def _options(options: Sequence[str]) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(option.strip() for option in options if option.strip()))
    if not kept:
        raise FormWrong({"options": NO_OPTIONS})
    if len(kept) > MOST_OPTIONS or any(len(option) > LONGEST_OPTION for option in kept):
        raise FormWrong({"options": TOO_MANY_OPTIONS}, most=str(MOST_OPTIONS), longest=str(LONGEST_OPTION))
    return kept
