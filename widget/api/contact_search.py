"""Searching contacts in Intercom's query language."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bot.contacts.finder import Sort, SortBy
from bot.contacts.query_terms import Term, Terms
from bot.contacts.search import SearchFacts, search_query
from bot.errors import SearchInvalid
from bot.workspace.access import Scope
from widget.api.contacts import ContactList, listed
from widget.api.faults import TOO_BROAD, ApiFault, ApiRefusal
from widget.api.models import ApiBody
from widget.api.paging import NO_CURSOR, PageBody, PagePlace
from widget.api.route import Call, Resource

WRONG_SEARCH = ApiFault(400, "parameter_invalid", "Unknown field: nickname.")
WRONG_ORDER = ApiFault(
    400, "invalid_sort_order", "Invalid sort order '%(order)s'. Must be one of: ascending, descending"
)
FAULTS = (NO_CURSOR, WRONG_SEARCH, WRONG_ORDER, TOO_BROAD)
Operator = Literal["=", "!=", "IN", "NIN", "<", "<=", ">", ">=", "~", "!~", "^", "$"]
SORTED: dict[str, SortBy] = {
    "created_at": SortBy.CREATED,
    "last_seen_at": SortBy.LAST_SEEN,
    "name": SortBy.NAME,
}


contact_search = Resource("Contact search", "Find contacts by their fields, tags, segments and subscriptions.")


class SearchTerm(ApiBody):
    field: str = Field(max_length=100, examples=["email"])
    operator: Operator = Field(examples=["="])
    value: Any = Field(examples=["maya@example.com"])


class SearchGroup(ApiBody):
    operator: Literal["AND", "OR"] = Field(examples=["AND"])
    value: list[SearchTerm | SearchGroup] = Field(min_length=1, max_length=15)


class SearchSort(ApiBody):
    field: str = Field("created_at", max_length=100, examples=["created_at"])
    order: str = Field("descending", max_length=100, examples=["descending"])


class SearchBody(ApiBody):
    """Fields: `id`, `role`, `name`, `email`, `phone`, `external_id`, `language_override`, `created_at`, `updated_at`,
    `last_seen_at`, `tag_id`, `segment_id`, `custom_attributes.<key>`; and, which Intercom lacks,
    `opted_in_subscription_types`, `opted_out_subscription_types`, `pending_subscription_types` (a subscription type's
    id) and `unsubscribed_from_sms`."""

    query: SearchTerm | SearchGroup
    pagination: PageBody | None = None
    sort: SearchSort | None = None


@contact_search.post("/contacts/search", scope=Scope.READ_CONTACTS, errors=FAULTS)
async def search_contacts(call: Call, body: SearchBody) -> ContactList:
    """Search contacts.

    Operators: `=`, `!=`, `IN`, `NIN`, `>`, `<`, `>=`, `<=`, `~` (contains), `!~`, `^` (begins with), `$` (ends with).
    Times are compared by whole days in UTC. Groups (`AND`, `OR`) may be nested once.
    """
    place, sort = PagePlace(body.pagination), _sort(body.sort or SearchSort())
    cursor = place.cursor(*sort.kinds)
    segments = {segment.id: segment.filter for segment in await call.bot.segments.all()}
    try:
        query = search_query(terms_of(body.query), SearchFacts(await call.bot.finder.facts(), segments))
    except SearchInvalid as error:
        raise ApiRefusal(ApiFault(400, WRONG_SEARCH.code, str(error)), field="query") from None
    page, count = await call.bot.finder.searched(query, sort, cursor, place.per_page)
    return await listed(call, page.items, count.number, place.pages(page.next, count.number))


def terms_of(part: SearchTerm | SearchGroup) -> Term | Terms:
    if isinstance(part, SearchTerm):
        return Term(part.field, part.operator, part.value)
    return Terms(part.operator == "OR", [terms_of(one) for one in part.value])


def _sort(wanted: SearchSort) -> Sort:
    """Raises ApiRefusal."""
    if wanted.field not in SORTED:
        fault = ApiFault(400, WRONG_SEARCH.code, f"Sort by one of: {', '.join(SORTED)}.")
        raise ApiRefusal(fault, field="sort.field")
    return Sort(SORTED[wanted.field], is_down(wanted))


def is_down(wanted: SearchSort) -> bool:
    """Raises ApiRefusal."""
    if wanted.order not in {"ascending", "descending"}:
        raise ApiRefusal(WRONG_ORDER, field="sort.order", order=wanted.order)
    return wanted.order == "descending"
