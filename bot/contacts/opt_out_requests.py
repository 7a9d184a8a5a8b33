"""The board of likely revocations: each is decided by a teammate, within the time that the law gives.

A request is also settled once the person is opted out of all texts in any other way: STOP, the preference center, the
panel (`bot.events.consumers.opt_out_requests`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median_high

from bot.consent.attestations import Attestation, Attestations
from bot.consent.stop_list import StopList
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Part
from bot.model.delivery import Delivery
from bot.model.event import Context
from bot.model.opt_out_request import OptOutRequest, RequestState
from bot.model.paging import Cursor, Page
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditLog

PAGE = 25
COUNTED = 99
MEASURED = timedelta(days=30)
MOST_MEASURED = 1000
OPEN, HONORED, DISMISSED = RequestState
NOBODY: Mapping[str, datetime] = {}


@dataclass(frozen=True, slots=True)
class RequestRow:
    request: OptOutRequest
    contact: Contact | None
    text: str


@dataclass(frozen=True, slots=True)
class RevocationTimes:
    """Of the last 30 days; None: there were none. Of an even number, the median is the longer of the two in the
    middle."""

    median: timedelta | None
    longest: timedelta | None
    number: int

    @classmethod
    def of(cls, times: Sequence[timedelta]) -> RevocationTimes:
        return cls(median_high(times) if times else None, max(times, default=None), len(times))


class OptOutRequests:
    def __init__(self, store: Store, attestations: Attestations, stops: StopList) -> None:
        self._store = store
        self._table = store.opt_out_requests
        self._attestations = attestations
        self._stops = stops
        self._audit = AuditLog(store)
        self.decided: Callable[[OptOutRequest, By], Awaitable[None]] = _unsaid
        """Called once a teammate has decided; perhaps again with a retry."""

    async def flag(self, part: Part, contact: str, number: str, rule: str, due_at: datetime) -> None:
        """Adds a text to the board, once."""
        request = OptOutRequest(
            id=part.id,
            contact=contact,
            conversation=part.conversation,
            number=number,
            rule=rule,
            received_at=part.at,
            due_at=due_at,
        )
        await self._table.keep(request)

    async def page(self, after: Cursor | None = None, *, limit: int = PAGE) -> Page[RequestRow]:
        """Those that are due first come first, overdue ones before them."""
        found = await self._table.due_first(after, limit=limit + 1)
        people = await self._store.contacts.get_many(request.contact for request in found)
        parts = await self._store.parts.get_many(request.id for request in found)
        rows = [RequestRow(r, people.get(r.contact), _text(parts.get(r.id))) for r in found]
        return Page.cut(rows, limit, lambda row: (row.request.due_at, row.request.id))

    async def count(self, *, is_overdue: bool = False) -> int:
        """Open ones, at most `COUNTED` + 1."""
        return await self._table.count_open(due_before=now() if is_overdue else None, most=COUNTED + 1)

    async def honor(self, id: str, by: By, context: Context) -> Contact:
        """Opts the contact out of all texts and, like a STOP, every other contact with the number that the text came
        from; also once somebody dismissed it. Idempotent. Raises NotFound, and Conflict for a late retry.

        The contact comes last: their opt-out settles the request (`close_for`).
        """
        request = await self._get(id)
        told = Attestation(by=by, key=f"request:{id}", context=context)
        for other in await self._others(request):
            await self._attestations.opt_out_of_texts(other, told)
        here = context.model_copy(update={"conversation": request.conversation})
        contact = await self._attestations.opt_out_of_texts(request.contact, replace(told, context=here))
        await self._settle(request, HONORED, by, AuditAction.OPT_OUT_HONORED, states=tuple(RequestState))
        return contact

    async def dismiss(self, id: str, by: By) -> None:
        """Records that it is no request to opt out. Raises NotFound."""
        await self._settle(await self._get(id), DISMISSED, by, AuditAction.OPT_OUT_DISMISSED, states=(OPEN,))

    async def close_for(self, contacts: Mapping[str, datetime], numbers: Mapping[str, datetime] = NOBODY) -> None:
        """Settles the open requests about these contacts and numbers (each with the time of an opt-out), unless
        somebody with the number can still get texts there."""
        found = await self._table.open_of(contacts, numbers)
        texts = [subscription.id for subscription in await self._store.subscriptions.texts()] if found else []
        for request in found:
            if await self._is_honored(request, texts):
                at = contacts.get(request.contact) or numbers[request.number or ""]
                await self._table.settle(request.id, {"state": HONORED, "settled_at": at}, states=(OPEN,))

    async def _is_honored(self, request: OptOutRequest, texts: Sequence[str]) -> bool:
        """A STOP applies to every contact with the number."""
        people = await self._store.contacts.get_many([request.contact, *await self._others(request)])
        is_out = all(_is_out(c.consent(id)) for c in people.values() if not c.is_gone for id in texts)
        return is_out or (request.number is not None and await self._stops.is_stopped(request.number))

    async def request_times(self) -> RevocationTimes:
        """From the text to the opt-out."""
        found = await self._table.honored_since(now() - MEASURED, limit=MOST_MEASURED)
        return RevocationTimes.of([r.settled_at - r.received_at for r in found if r.settled_at])

    async def confirmation_times(self) -> RevocationTimes:
        """From a STOP to the handover of the text that confirms it."""
        found = await self._store.deliveries.stop_confirmations(now() - MEASURED, limit=MOST_MEASURED)
        return RevocationTimes.of([_sent_at(delivery) - delivery.created_at for delivery in found])

    async def _others(self, request: OptOutRequest) -> Sequence[str]:
        """Who else has its number."""
        if request.number is None:
            return []
        found = {c.id async for people in self._stops.everyone_with(request.number) for c in people if not c.is_gone}
        return sorted(found - {request.contact})

    async def _get(self, id: str) -> OptOutRequest:
        request = await self._table.get(id)
        if request is None:
            raise NotFound(_("This request no longer exists."))
        return request

    async def _settle(
        self,
        request: OptOutRequest,
        state: RequestState,
        by: By,
        action: AuditAction,
        *,
        states: Sequence[RequestState],
    ) -> None:
        """The audit log has the contact's id, which is no personal data."""
        settled_at = request.settled_at if request.state is state else None
        values = {"state": state, "settled_at": settled_at or now(), "by": by.id}
        await self._table.settle(request.id, values, states=states)
        after = await self._get(request.id)
        if (after.state, after.by) == (state, by.id):
            await self.decided(after, by)
            await self._audit.record(by, action, request.contact, key=request.id)


async def _unsaid(request: OptOutRequest, by: By) -> None:
    pass


def _is_out(consent: Consent | None) -> bool:
    return consent is not None and consent.state is ConsentState.OPTED_OUT


def _sent_at(delivery: Delivery) -> datetime:
    return delivery.handed_at or delivery.updated_at


def _text(part: Part | None) -> str:
    return getattr(part.content, "text", "") if part else ""
