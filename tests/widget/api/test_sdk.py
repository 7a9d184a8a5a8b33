"""Intercom's own Python client, unchanged, against a started server: sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from intercom import (
    AdminReplyConversationRequest,
    AsyncIntercom,
    ContactReplyIntercomUserIdRequest,
    CreateContactRequestWithEmail,
    CreateContactRequestWithExternalId,
    CreateContactRequestWithRole,
    Intercom,
    MultipleFilterSearchRequest,
    SingleFilterSearchRequest,
    StartingAfterPaging,
)
from intercom.conversations import ConversationsManageRequestBody_Close, CreateConversationRequestFrom
from intercom.core.api_error import ApiError
from intercom.errors import NotFoundError, UnauthorizedError

from bot.demo import DEALS, ORDERS
from bot.model.base import new_id
from tests.people import NUMBER
from tests.widget.help import Running


@pytest.fixture
async def shop(own: Running) -> Running:
    """A workspace of its own: pages are counted."""
    return own


@pytest.fixture
async def token(shop: Running) -> str:
    return await shop.bot.tokens.make((await shop.bot.teammates.all())[0], "SDK")


@pytest.fixture
async def client(shop: Running, token: str) -> AsyncIterator[AsyncIntercom]:
    client = AsyncIntercom(token=token, base_url=f"{shop.base}/api", headers={"Intercom-Version": "2.14"})
    yield client
    await client._client_wrapper.httpx_client.httpx_client.aclose()


async def test_the_async_client_walks_through_all_routes(client: AsyncIntercom) -> None:
    types = await client.subscription_types.list()
    assert DEALS in {found.id for found in types.data or []}
    email, external_id = f"{new_id()}@example.com", new_id()
    lead: Any = await client.contacts.create(request=CreateContactRequestWithRole(role="lead", phone=NUMBER))
    by_email: Any = await client.contacts.create(request=CreateContactRequestWithEmail(email=email, phone=NUMBER))
    user: Any = await client.contacts.create(request=CreateContactRequestWithExternalId(external_id=external_id))
    assert (lead.role, by_email.email, user.external_id) == ("lead", email, external_id)
    found: Any = await client.contacts.show_contact_by_external_id(external_id)
    again: Any = await client.contacts.find(user.id)
    assert again.model_dump() == found.model_dump()
    updated: Any = await client.contacts.update(user.id, name="Maya", phone=NUMBER)
    assert (updated.name, updated.phone) == ("Maya", NUMBER)

    attached = await client.contacts.attach_subscription(user.id, subscription_id=DEALS, consent_type="opt_in")
    assert (attached.id, attached.consent_type) == (DEALS, "opt_in")
    await client.contacts.attach_subscription(user.id, subscription_id=ORDERS, consent_type="opt_out")
    listed = await client.contacts.list_attached_subscriptions(user.id)
    assert {one.id for one in listed.data or []} == {DEALS, ORDERS}
    detached = await client.contacts.detach_subscription(user.id, DEALS)
    assert detached.id == DEALS
    contact: Any = await client.contacts.find(user.id)
    assert contact.model_extra["sms_consent"] is False

    tag = await client.tags.create(request={"name": "VIP"})
    assert (await client.tags.tag_contact(user.id, tag_id=tag.id)).name == "VIP"
    assert [one.id for one in (await client.contacts.list_attached_tags(user.id)).data or []] == [tag.id]
    assert (await client.tags.untag_contact(user.id, tag.id)).id == tag.id
    assert tag.id in {one.id for one in (await client.tags.list()).data or []}
    await walk_through_attributes(client)
    assert (await client.segments.list(include_count=True)).type == "segment.list"
    assert (await client.contacts.list_attached_segments(user.id)).data == []

    message: Any = await client.conversations.create(
        from_=CreateConversationRequestFrom(type="user", id=user.id), body="Is the Guji in stock?"
    )
    conversation: Any = await client.conversations.find(message.conversation_id)
    assert (message.type, conversation.source.author.id) == ("user_message", user.id)
    await walk_through_a_conversation(client, conversation.id, user.id)

    merged: Any = await client.contacts.merge_lead_in_user(lead_id=lead.id, contact_id=user.id)
    assert merged.id == user.id
    assert (await client.contacts.archive(user.id)).archived is True
    assert (await client.contacts.unarchive(user.id)).archived is False
    assert (await client.contacts.delete(by_email.id)).deleted is True


async def walk_through_attributes(client: AsyncIntercom) -> None:
    tiers: Any = {"name": "tier", "model": "contact", "data_type": "string", "options": [{"value": "Gold"}]}
    made: Any = await client.data_attributes.create(request=tiers)
    assert (made.id, made.full_name, made.options) == ("tier", "custom_attributes.tier", ["Gold"])
    archived = await client.data_attributes.update(made.id, request={"archived": True})
    assert archived.archived is True
    found = await client.data_attributes.list(model="contact", include_archived=True)
    assert "tier" in [one.id for one in found.data or []]


async def walk_through_a_conversation(client: AsyncIntercom, id: str, user: str) -> None:
    me = (await client.admins.identify()).id or ""
    comment = AdminReplyConversationRequest(message_type="comment", type="admin", admin_id=me, body="It is.")
    replied: Any = await client.conversations.reply(id, request=comment)
    answer = ContactReplyIntercomUserIdRequest(
        message_type="comment", type="user", intercom_user_id=user, body="Send one"
    )
    replied = await client.conversations.reply(id, request=answer)
    authors = [part.author.type for part in replied.conversation_parts.conversation_parts[-2:]]
    assert authors == ["admin", "user"]
    closed = await client.conversations.manage(
        id, request=ConversationsManageRequestBody_Close(type="admin", admin_id=me)
    )
    assert closed.state == "closed"
    assert (await client.conversations.update(id, read=True)).id == id

    tag = await client.tags.create(request={"name": "Roasts"})
    applied: Any = await client.tags.tag_conversation(id, tag_id=tag.id, admin_id=me)
    assert applied.applied_by.id == me
    query = MultipleFilterSearchRequest(
        operator="AND", value=[SingleFilterSearchRequest(field="tag_ids", operator="=", value=tag.id)]
    )
    found = await client.conversations.search(query=query)
    assert [one.id for one in found.items or []] == [id]
    assert (await client.tags.untag_conversation(id, tag.id, admin_id=me)).id == tag.id
    assert id in [one.id async for one in await client.conversations.list(per_page=1)]


async def test_the_async_client_pages_and_searches(client: AsyncIntercom) -> None:
    ids = []
    for _ in range(3):
        made: Any = await client.contacts.create(request=CreateContactRequestWithRole(role="lead"))
        ids.append(made.id)
    pager = await client.contacts.list(per_page=2)
    assert [contact.id async for contact in pager] == ids[::-1]
    query = MultipleFilterSearchRequest(
        operator="AND", value=[SingleFilterSearchRequest(field="role", operator="=", value="lead")]
    )
    found = await client.contacts.search(query=query, pagination=StartingAfterPaging(per_page=2))
    page: Any = found.response
    # The client's own pager repeats the first page forever: the cursor is passed by hand.
    after = StartingAfterPaging(per_page=2, starting_after=page.pages.next.starting_after)
    rest = await client.contacts.search(query=query, pagination=after)
    assert [contact.id for contact in [*(found.items or []), *(rest.items or [])]] == ids[::-1]
    assert page.total_count == 3


async def test_the_sync_client_works_the_same(shop: Running, token: str) -> None:
    def walk() -> None:
        client = Intercom(token=token, base_url=f"{shop.base}/api")  # sends no version by itself
        with client._client_wrapper.httpx_client.httpx_client:
            user: Any = client.contacts.create(
                request=CreateContactRequestWithEmail(email=f"{new_id()}@example.com", phone=NUMBER)
            )
            client.contacts.attach_subscription(user.id, subscription_id=DEALS, consent_type="opt_in")
            attached = client.contacts.list_attached_subscriptions(user.id)
            assert [one.id for one in attached.data or []] == [DEALS]
            assert [contact.id for contact in client.contacts.list(per_page=1)] == [user.id]
            client.contacts.detach_subscription(user.id, DEALS)
            with pytest.raises(ApiError) as refused:  # the person's own no, as far as a program can tell
                client.contacts.attach_subscription(user.id, subscription_id=DEALS, consent_type="opt_in")
            body: Any = refused.value.body
            assert (refused.value.status_code, body["errors"][0]["code"]) == (409, "own_opt_out")
            with pytest.raises(NotFoundError):
                client.contacts.list_attached_subscriptions("nobody")
            said: Any = client.conversations.create(
                from_=CreateConversationRequestFrom(type="user", id=user.id), body="Is the Guji in stock?"
            )
            query = SingleFilterSearchRequest(field="contact_ids", operator="=", value=user.id)
            found = client.conversations.search(query=query)
            assert [one.id for one in found.items or []] == [said.conversation_id]
            assert [one.id for one in client.conversations.list(per_page=1)] == [said.conversation_id]
            with pytest.raises(NotFoundError):
                client.tags.tag_conversation(said.conversation_id, tag_id="nothing", admin_id=new_id())
            with pytest.raises(ApiError) as unknown:
                client.conversations.search(
                    query=SingleFilterSearchRequest(field="source.body", operator="=", value="x")
                )
            assert unknown.value.status_code == 400
            with pytest.raises(ApiError) as twin:
                client.contacts.create(request=CreateContactRequestWithEmail(email=user.email))
            assert twin.value.status_code == 409

    await asyncio.to_thread(walk)


async def test_a_wrong_token_is_the_client_s_own_error(shop: Running) -> None:
    client = AsyncIntercom(token="wrong", base_url=f"{shop.base}/api")
    with pytest.raises(UnauthorizedError) as refused:
        await client.subscription_types.list()
    body: Any = refused.value.body
    assert body.errors[0].message == "Access Token Invalid"
    await client._client_wrapper.httpx_client.httpx_client.aclose()
