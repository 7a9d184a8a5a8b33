"""What a contact is and was known by: numbers and email addresses from their chain, user IDs from their document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.consent.projection import GIVES_ADDRESS
from bot.contacts.imports.traces import Traces
from bot.model.base import folded_words
from bot.model.event import Action
from bot.store import Store

Held = dict[str, datetime | None]
"""Until when each was theirs; None: it still is."""
LEAST = 3
"""Letters of a name by which somebody is looked for in what teammates wrote."""


@dataclass(slots=True)
class Known:
    """A number that they typed and that never answered is not among them: it may be somebody else's."""

    name: str = ""
    numbers: Held = field(default_factory=dict)
    emails: Held = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    id_keys: Sequence[int] = ()
    """Keyed hashes of user IDs that they no longer have."""

    @property
    def traces(self) -> Traces:
        """All that is or was theirs."""
        return Traces(frozenset(self.numbers), frozenset(self.emails), self.ids)

    @property
    def current(self) -> Traces:
        """What they have now: what they had before may be somebody else's."""
        numbers, emails = (frozenset(a for a, until in held.items() if until is None) for held in self._held)
        return Traces(numbers, emails, self.ids)

    def is_named_in(self, text: str) -> bool:
        """Whether a text says their whole name, a number, an email address or a user ID of theirs."""
        words, folded = folded_words(self.name), text.casefold()
        has_name = any(len(word) >= LEAST for word in words) and {*words} <= {*folded_words(text)}
        has_id = any(len(id) > LEAST and id.casefold() in folded for id in self.ids)
        return has_name or has_id or self.traces.are_in(text, ())

    @property
    def _held(self) -> tuple[Held, Held]:
        return self.numbers, self.emails

    def follow(self, raw: Mapping[str, Any]) -> None:
        """Takes the next event of the chain into account."""
        for held, name in ((self.numbers, "number"), (self.emails, "email")):
            if (address := raw.get(name)) and raw["action"] in GIVES_ADDRESS and not raw.get("stopped"):
                held[address] = None
        if replaced := raw.get("replaced"):
            held = self.numbers if replaced.startswith("+") else self.emails
            held[replaced] = raw["at"]
        if raw["action"] == Action.MERGE and raw.get("merged_into"):
            for held in self._held:
                held.update({address: until or raw["at"] for address, until in held.items()})


async def known_by(store: Store, contact: str, *, before: int = 9_999_999_999) -> Known:
    """`before`: a sequence of the chain."""
    stored = await store.contacts.get(contact)
    known = Known()
    if stored:
        known.name = stored.name or ""
        known.ids, known.id_keys = frozenset(filter(None, [stored.external_id])), stored.user_keys
    async for page in store.events.pages_raw_of(contact, before=before):
        for raw in page:
            known.follow(raw)
    return known
