"""Searching conversations in Intercom's query language."""

from __future__ import annotations

from pydantic import Field

from bot.chat.conversation_finder import ConversationSort
from bot.chat.conversation_query import conversation_query
from bot.errors import SearchInvalid
from bot.workspace.access import Scope
from widget.api.contact_search import FAULTS, WRONG_SEARCH, SearchGroup, SearchSort, SearchTerm, is_down, terms_of
from widget.api.conversations import ConversationList, found_page
from widget.api.faults import ApiFault, ApiRefusal
from widget.api.models import ApiBody
from widget.api.paging import PageBody, PagePlace, PerPage
from widget.api.route import Call, Resource

SORTED = ("updated_at", "created_at")

conversation_search = Resource("Conversation search", "Find conversations by their contacts, state, assignee and tags.")


class ConversationPage(PageBody):
    per_page: PerPage = 20


class ConversationSearchSort(SearchSort):
    field: str = Field("updated_at", max_length=100, examples=["updated_at"])


class ConversationSearchBody(ApiBody):
    """Fields: `id`, `contact_ids`, `tag_ids`, `admin_assignee_id` (0: nobody), `state`, `open`, `source.type`
    (`conversation` or `sms`), `created_at`, `updated_at`, `snoozed_until`."""

    query: SearchTerm | SearchGroup
    pagination: ConversationPage | None = None
    sort: ConversationSearchSort | None = None


@conversation_search.post("/conversations/search", scope=Scope.READ_CONVERSATIONS, errors=FAULTS)
async def search_conversations(call: Call, body: ConversationSearchBody) -> ConversationList:
    """Search conversations.

    Operators: `=`, `!=`, `IN`, `NIN`, and `>`, `<` for times, which include the time itself and compare to the second.
    Groups (`AND`, `OR`) may be nested once. Chats in which nobody wrote are left out.
    """
    try:
        query = conversation_query(terms_of(body.query))
    except SearchInvalid as error:
        raise ApiRefusal(ApiFault(400, WRONG_SEARCH.code, str(error)), field="query") from None
    sort = _sort(body.sort or ConversationSearchSort())
    return await found_page(call, query, sort, PagePlace(body.pagination or ConversationPage()))


def _sort(wanted: ConversationSearchSort) -> ConversationSort:
    """Raises ApiRefusal."""
    if wanted.field not in SORTED:
        fault = ApiFault(400, WRONG_SEARCH.code, f"Sort by one of: {', '.join(SORTED)}.")
        raise ApiRefusal(fault, field="sort.field")
    return ConversationSort(wanted.field, is_down(wanted))
