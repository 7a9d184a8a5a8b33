"""Records a person's wish for a pause or fewer texts in the ledger, by text or in the preference center."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.compliance.keyword_table import Keyword
from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.consent.pace_wishes import pace_asked
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, Context, Source, Words
from bot.model.pace import Often, Pace
from bot.store import Store

SHARING = 200
"""Limit of contacts with one number whose wish is recorded."""
PAUSES = {"week": timedelta(days=7), "month": timedelta(days=30), "3_months": timedelta(days=90)}
"""What the preference center offers."""
KEEP = "keep"
"""Leaves a pause as it is."""


class Paces:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def texted(self, number: str, keyword: Keyword, text: str, text_id: str) -> Contact | None:
        """Applies a text to all contacts with this number; None: there are none. The same text again has no effect.
        Raises StoreUnavailable: safe to retry."""
        found = await self._store.contacts.with_number(number, after="", limit=SHARING)
        done = [
            await self._set(
                contact,
                lambda before, at: pace_asked(keyword, text, before, at),
                f"pace:{text_id}",
                source=Source.KEYWORD,
                act=f'texted "{text}"',
                number=number,
            )
            for contact in found
        ]
        return done[0] if done else None

    async def chosen(
        self, contact: Contact, pause: str, at_most: str, *, key: str, say: Translator, context: Context
    ) -> Contact:
        """What the form of the preference center says: one of `PAUSES`, `KEEP` or empty, and one of `Often` or
        empty. Unknown values count as empty."""

        def wish(before: Pace, at: datetime) -> Pace:
            until = at + PAUSES[pause] if pause in PAUSES else before.paused_until if pause == KEEP else None
            return Pace(paused_until=until, at_most=Often(at_most) if at_most in {*Often} else None)

        act = f'saved "{say("Pause or get fewer texts")}"'
        return await self._set(contact, wish, f"pace:{key}", source=Source.PREFERENCE_CENTER, act=act, context=context)

    async def _set(
        self,
        contact: Contact,
        wish: Callable[[Pace, datetime], Pace],
        key: str,
        *,
        source: Source,
        act: str,
        number: str | None = None,
        context: Context = NOWHERE,
    ) -> Contact:
        async def decide(judged: Contact) -> ConsentChange | None:
            pace = wish(judged.pace, now())
            if judged.is_gone or pace == judged.pace:
                return None
            return ConsentChange(
                contact=judged.id,
                action=Action.SET_PACE,
                source=source,
                actor=Actor(kind="contact", id=judged.id),
                number=number,
                words=Words(act=act),
                context=context,
                pace=pace,
                key=key,
                judged=judged,
            )

        contact, _recorded = await self._ledger.decide(contact, decide)
        return contact
