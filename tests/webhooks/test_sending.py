"""From what happened to the request: which topics, in which order, how often, and what becomes of failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from aiohttp import web
from bson import Timestamp

from bot.app import Bot, make_bot
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.consent.changes import address_change
from bot.errors import FormWrong, NotFound
from bot.model.base import new_id, now
from bot.model.contact import Contact, Role
from bot.model.event import Action, Actor, Source
from bot.model.teammate import By
from bot.model.webhook import DisabledBy, NotificationState, Topic, WebhookEndpoint
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from bot.store.webhook_changes import StoreChange
from bot.store.webhooks import ReplayPeriod
from bot.webhooks import sender
from bot.webhooks.occurrences import Occurrence
from bot.webhooks.schedule import FAILING_FOR
from bot.webhooks.source import WebhookSource, wanted_since
from tests.conftest import eventually
from tests.people import act, change, person, second_process
from tests.webhooks.people import ADA, LOOPBACK, all_of, at_work, endpoint_of
from tests.webhooks.receiver import Receiver, Request, receiving

MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_networks": LOOPBACK})


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.05)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def working(demo_store: Store, settings: Settings) -> AsyncIterator[Bot]:
    async with at_work(settings, demo_store) as bot:
        yield bot


async def subscribe(bot: Bot, contact: str, key: str = "k", action: Action = Action.OPT_IN) -> None:
    await bot.ledger.record(change(contact, key, action))


def got(receiver: Receiver, count: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return len(receiver.requests) >= count

    return enough


async def state_of(bot: Bot, endpoint: WebhookEndpoint, state: NotificationState) -> bool:
    found = await all_of(bot, endpoint)
    return bool(found) and all(one.state is state for one in found)


async def test_a_sign_up_is_told_with_contact_subscription_and_words(
    working: Bot, receiver: Receiver, make_contact: MakeContact
) -> None:
    await endpoint_of(working, receiver, Topic.CONSENT_RECORDED, Topic.GRANULAR_SUBSCRIBE, Topic.GRANULAR_UNSUBSCRIBE)
    maya = await make_contact(name="Maya", external_id="42")
    await subscribe(working, maya.id)
    await eventually(got(receiver, 2))
    recorded, subscribed = receiver.requests
    assert receiver.topics == [Topic.CONSENT_RECORDED, Topic.GRANULAR_SUBSCRIBE]
    assert (recorded.item["state"], recorded.item["contact_id"]) == ("opted_in", maya.id)
    assert subscribed.item["contact"]["external_id"] == "42"
    assert subscribed.item["subscription_type"]["content_types"] == ["sms_message"]
    assert subscribed.json["id"] == subscribed.headers["webhook-id"]
    await subscribe(working, maya.id, "no", Action.OPT_OUT)
    await eventually(got(receiver, 4))
    assert receiver.topics[2:] == [Topic.CONSENT_RECORDED, Topic.GRANULAR_UNSUBSCRIBE]


async def test_contacts_conversations_and_texts_are_told(working: Bot, receiver: Receiver) -> None:
    topics = [topic for topic in Topic if topic.startswith(("contact.", "conversation.", "delivery."))]
    await endpoint_of(working, receiver, *topics)
    user = await working.contacts.create(person(new_id(), role=Role.USER, name="Maya"))
    await working.contacts.set_values(user, {"name": "Maya B."}, {})
    opened = await act(working, await working.open_messenger(None, Claim(), None))
    await working.inbox.reply(opened.conversation, "ada", "Hello", "r1")
    await working.inbox.close(opened.conversation, "ada", "c1")
    await working.ledger.record(change(opened.contact.id, "k"))
    wanted = {
        Topic.USER_CREATED, Topic.USER_UPDATED, Topic.LEAD_CREATED, Topic.CONVERSATION_CREATED,
        Topic.TEAMMATE_REPLIED, Topic.CLOSED, Topic.DELIVERY_SENT,
    }  # fmt: skip

    async def all_told() -> bool:
        return wanted <= {*receiver.topics}

    await eventually(all_told)
    (replied,) = [request for request in receiver.requests if request.topic == Topic.TEAMMATE_REPLIED]
    (part,) = replied.item["conversation_parts"]["conversation_parts"]
    assert (part["body"], part["author"]["type"]) == ("<p>Hello</p>", "admin")
    about_user = [request.topic for request in receiver.requests if request.item.get("id") == user.id]
    assert about_user == [Topic.USER_CREATED, Topic.USER_UPDATED]


async def test_tags_archiving_and_addresses_are_told_in_the_shapes_of_the_api(
    working: Bot, receiver: Receiver, make_contact: MakeContact
) -> None:
    ada, wanted = By("ada", "Ada"), {
        Topic.USER_TAGGED, Topic.USER_UNTAGGED, Topic.CONTACT_ARCHIVED, Topic.CONTACT_UNARCHIVED, Topic.EMAIL_UPDATED,
    }  # fmt: skip
    vip, old = await working.tags.create("VIP", ada), await working.tags.create("Old", ada)
    await endpoint_of(working, receiver, *wanted)
    maya = await make_contact(name="Maya", role=Role.USER, tags=(old.id,))
    await working.contacts.add_tags([maya.id], [old.id, vip.id])
    await working.contacts.remove_tags([maya.id], [old.id])
    await working.contacts.remove_tags([maya.id], [old.id])
    await working.editor.archive((await working.store.contacts.get(maya.id)) or maya, ada, is_archived=True)
    await working.contacts.returned((await working.store.contacts.get(maya.id)) or maya)
    email = address_change(maya.id, source=Source.API, actor=Actor(kind="api", id="x"), key="e", email="m@example.com")
    await working.ledger.record(email)
    await eventually(got(receiver, 6))
    by_topic = {request.topic: request.item for request in receiver.requests}
    assert ({*by_topic}, len(receiver.requests)) == (wanted, 6)
    tagged = [request.item for request in receiver.requests if request.topic == Topic.USER_TAGGED]
    assert {(item["type"], item["tag"]["id"]) for item in tagged} == {("contact_tag", old.id), ("contact_tag", vip.id)}
    assert by_topic[Topic.USER_UNTAGGED]["tag"]["name"] == "Old"
    assert by_topic[Topic.EMAIL_UPDATED]["email"] == "m@example.com"
    shape = await working.contact_shapes.of((await working.store.contacts.get(maya.id)) or maya)
    assert {*by_topic[Topic.EMAIL_UPDATED]} == {*shape.model_dump()}


async def test_the_tags_that_a_merge_adds_are_told(working: Bot, receiver: Receiver, make_contact: MakeContact) -> None:
    ada = By("ada", "Ada")
    vip, old = await working.tags.create("VIP", ada), await working.tags.create("Old", ada)
    kept = await make_contact(role=Role.USER, tags=(old.id,))
    other = await make_contact(tags=(old.id, vip.id))
    await endpoint_of(working, receiver, Topic.CONTACT_MERGED, Topic.USER_TAGGED)
    await working.merge.merge(kept.id, other.id, Actor(kind="teammate", id="ada"), Source.PROFILE)

    async def told() -> bool:
        tagged = [request.item for request in receiver.requests if request.topic == Topic.USER_TAGGED]
        return vip.id in [item["tag"]["id"] for item in tagged if item["contact"]["id"] == kept.id]

    await eventually(told)


async def test_an_endpoint_gets_its_topics_only_and_nothing_from_before(
    working: Bot, receiver: Receiver, make_contact: MakeContact
) -> None:
    maya = await make_contact()
    await subscribe(working, maya.id)
    endpoint = await endpoint_of(working, receiver, Topic.GRANULAR_UNSUBSCRIBE)
    await subscribe(working, maya.id, "no", Action.OPT_OUT)
    await eventually(got(receiver, 1))
    await working.catch_up.scan(now() - timedelta(minutes=1), now() + timedelta(minutes=1))
    assert [one.topic for one in await all_of(working, endpoint)] == [Topic.GRANULAR_UNSUBSCRIBE]


async def test_a_topic_that_is_chosen_later_starts_then(bot: Bot, receiver: Receiver) -> None:
    endpoint, added = await endpoint_of(bot, receiver), now() - timedelta(hours=2)
    await bot.store.webhook_endpoints.update({"_id": endpoint.id}, {"$set": {"active_since": added}})
    chosen = (Topic.GRANULAR_SUBSCRIBE, Topic.LEAD_CREATED)
    await bot.webhooks.change(endpoint.id, endpoint.url, "Test", chosen, ADA)
    assert wanted_since(bot.outbox.endpoints) > added, "the log is not read from before"
    times = (added + timedelta(hours=1), now())
    await bot.outbox.add([Occurrence(topic, str(at), "", {}, at, "") for topic in chosen for at in times])
    queued = sorted((one.topic, one.at > times[0]) for one in await all_of(bot, endpoint))
    assert queued == [(Topic.LEAD_CREATED, True), (Topic.GRANULAR_SUBSCRIBE, False), (Topic.GRANULAR_SUBSCRIBE, True)]
    await bot.webhooks.change(endpoint.id, endpoint.url, "Renamed", chosen, ADA)
    assert wanted_since(bot.outbox.endpoints) < times[1], "a topic that it had goes on"


async def test_notifications_of_one_contact_stay_in_order_and_others_are_not_held_up(
    working: Bot, receiver: Receiver, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.webhooks.schedule.PAUSES", (0.05,) * 10)
    maya, ben = await make_contact(), await make_contact()
    failed: list[str] = []

    def once(request: Request) -> web.Response:
        if request.item["contact_id"] == maya.id and len(failed) < 3:
            failed.append(request.topic)
            return web.Response(status=500)
        return web.Response()

    receiver.answer = once
    endpoint = await endpoint_of(working, receiver, Topic.CONSENT_RECORDED)
    for key, action in (("1", Action.OPT_IN), ("2", Action.OPT_OUT), ("3", Action.OPT_IN)):
        await subscribe(working, maya.id, key, action)
    await subscribe(working, ben.id)
    await eventually(got(receiver, 7))
    await eventually(lambda: state_of(working, endpoint, NotificationState.DELIVERED))
    about_maya = [request.item["seq"] for request in receiver.requests if request.item["contact_id"] == maya.id]
    assert about_maya == [1, 1, 1, 1, 2, 3]
    ids = {request.headers["webhook-id"] for request in receiver.requests if request.item["seq"] == 1}
    assert len(ids) == 2, "an attempt keeps its id"


async def test_a_slow_endpoint_blocks_no_other_and_gets_few_requests_at_once(
    working: Bot, receiver: Receiver, make_contact: MakeContact
) -> None:
    async with receiving() as slow:
        slow.open.clear()
        await endpoint_of(working, slow)
        await endpoint_of(working, receiver)
        people = [await make_contact() for _ in range(sender.AT_ONCE * 3)]
        await asyncio.gather(*(subscribe(working, one.id) for one in people))
        await eventually(got(receiver, len(people)))
        assert slow.requests == []
        slow.open.set()
        await eventually(got(slow, len(people)))
        assert slow.most_at_once <= sender.AT_ONCE


async def test_a_failed_notification_is_given_up_after_the_last_attempt(
    working: Bot, receiver: Receiver, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.webhooks.schedule.PAUSES", (0.01,) * 3)
    receiver.answer = lambda _request: web.Response(status=503, text="down")
    endpoint = await endpoint_of(working, receiver)
    await subscribe(working, (await make_contact()).id)
    await eventually(lambda: state_of(working, endpoint, NotificationState.FAILED))
    (failed,) = await all_of(working, endpoint)
    assert [(attempt.status, attempt.answer) for attempt in failed.attempts] == [(503, "down")] * 4
    assert [request.json["delivery_attempts"] for request in receiver.requests] == [1, 2, 3, 4]
    stored = await working.webhooks.get(endpoint.id)
    assert stored.failing_since
    assert stored.is_enabled


class TestDisabling:
    async def test_an_endpoint_that_answers_410_is_disabled_at_once(
        self, working: Bot, receiver: Receiver, make_contact: MakeContact
    ) -> None:
        receiver.answer = lambda _request: web.Response(status=410)
        endpoint = await endpoint_of(working, receiver)
        await subscribe(working, (await make_contact()).id)
        await eventually(lambda: self._by(working, endpoint, DisabledBy.GONE))
        assert [one.id for one in working.outbox.stopped] == [endpoint.id]

    async def test_one_that_has_failed_for_days_is_disabled_and_goes_on_when_it_is_enabled(
        self, working: Bot, receiver: Receiver, make_contact: MakeContact
    ) -> None:
        receiver.answer = lambda _request: web.Response(status=500)
        endpoint = await endpoint_of(working, receiver)
        failing = {"failing_since": now() - FAILING_FOR}
        await working.store.webhook_endpoints.update({"_id": endpoint.id}, {"$set": failing})
        await working.outbox.load()
        await subscribe(working, (await make_contact()).id)
        await eventually(lambda: self._by(working, endpoint, DisabledBy.FAILING))
        actions = [entry.action for entry in await working.store.audit_log.find({}, limit=9)]
        assert "webhook.disabled" in actions
        await subscribe(working, (await make_contact()).id)
        assert len(await all_of(working, endpoint)) == 1, "nothing is queued for it"
        receiver.answer = lambda _request: web.Response()
        await working.webhooks.enable(endpoint.id, ADA)
        await working.webhooks.replay(endpoint.id, (await all_of(working, endpoint))[0].id, ADA)
        await eventually(lambda: state_of(working, endpoint, NotificationState.DELIVERED))

    async def _by(self, bot: Bot, endpoint: WebhookEndpoint, by: DisabledBy) -> bool:
        is_known = not bot.outbox.endpoints
        return is_known and (await bot.webhooks.get(endpoint.id)).disabled_by is by

    async def test_another_process_learns_of_it(
        self, working: Bot, receiver: Receiver, mongo: EmbeddedServer, settings: Settings
    ) -> None:
        async with second_process(mongo) as store, at_work(settings, store) as other:
            endpoint = await endpoint_of(working, receiver)

            async def knows(count: int) -> bool:
                return len(other.outbox.endpoints) == count

            await eventually(lambda: knows(1))
            await working.webhooks.disable(endpoint.id, ADA)
            await eventually(lambda: knows(0))


class TestReplay:
    async def test_one_or_a_period_is_sent_again_with_the_same_ids(
        self, working: Bot, receiver: Receiver, make_contact: MakeContact
    ) -> None:
        endpoint, begun = await endpoint_of(working, receiver), now()
        for _ in range(3):
            await subscribe(working, (await make_contact()).id)
        await eventually(got(receiver, 3))
        await eventually(lambda: state_of(working, endpoint, NotificationState.DELIVERED))
        ids = [request.headers["webhook-id"] for request in receiver.requests]
        await working.webhooks.replay(endpoint.id, ids[1], ADA)
        await eventually(got(receiver, 4))
        assert receiver.requests[3].headers["webhook-id"] == ids[1]
        await eventually(lambda: state_of(working, endpoint, NotificationState.DELIVERED))
        period = ReplayPeriod(begun, now() + timedelta(minutes=1))
        assert await working.webhooks.replay_period(endpoint.id, period, ADA) == 3
        await eventually(got(receiver, 7))
        assert sorted(request.headers["webhook-id"] for request in receiver.requests[4:]) == sorted(ids)
        assert await working.webhooks.replay_period(endpoint.id, ReplayPeriod(begun, begun), ADA) == 0

    async def test_a_notification_of_another_endpoint_is_not_found(self, working: Bot, receiver: Receiver) -> None:
        one, other = await endpoint_of(working, receiver), await endpoint_of(working, receiver)
        ping = await working.webhooks.ping(one.id, ADA, "key")
        with pytest.raises(NotFound):
            await working.webhooks.replay(other.id, ping, ADA)


class TestSecrets:
    async def test_two_at_most_and_never_none(self, bot: Bot, receiver: Receiver) -> None:
        endpoint = await endpoint_of(bot, receiver)
        for _ in range(2):
            await bot.webhooks.add_secret(endpoint.id, ADA, key="new")
        first, second = (await bot.webhooks.get(endpoint.id)).secrets
        with pytest.raises(Exception, match="Two secrets"):
            await bot.webhooks.add_secret(endpoint.id, ADA, key="third")
        await bot.webhooks.revoke_secret(endpoint.id, first.id, ADA)
        with pytest.raises(NotFound):
            await bot.webhooks.revoke_secret(endpoint.id, second.id, ADA)


class TestCosts:
    async def test_without_an_endpoint_the_consumer_asks_the_database_nothing(
        self, bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await bot.outbox.load()
        maya = await make_contact()
        await subscribe(bot, maya.id)
        await bot.consumers.drain()
        monkeypatch.setattr(bot.store.contacts, "get_many", None)
        (consumer,) = bot.consumers._stages[-1]
        events = await bot.store.events.after(maya.id, 0, limit=9)
        await consumer.handle(events)
        assert await consumer.unhandled(events) == []
        assert await bot.store.webhook_notifications.find({}, limit=1) == []


class TestErasing:
    async def test_an_erased_person_is_in_no_notification_and_their_erasure_is_told(
        self, working: Bot, receiver: Receiver, make_contact: MakeContact
    ) -> None:
        endpoint = await endpoint_of(working, receiver, Topic.CONSENT_RECORDED, Topic.CONTACT_DELETED)
        maya = await make_contact(name="Maya", email="maya@example.com")
        await subscribe(working, maya.id)
        await eventually(got(receiver, 1))
        await working.eraser.erase(maya.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        await eventually(got(receiver, 2))
        assert receiver.requests[1].item == {"type": "contact", "id": maya.id, "deleted": True}
        assert [one.topic for one in await all_of(working, endpoint)] == [Topic.CONTACT_DELETED]

    async def test_what_they_wrote_is_not_told_by_a_change_that_is_read_later(self, bot: Bot) -> None:
        opened = await act(bot, await bot.open_messenger(None, Claim(), None))
        await bot.inbox.reply(opened.conversation, "ada", "Hello", "r1")
        changes = await _changes(bot)
        source = WebhookSource(bot.store, bot.outbox)
        topics = {one.topic for one in await source.occurrences(changes)}
        assert {Topic.CONVERSATION_CREATED, Topic.TEAMMATE_REPLIED} <= topics
        await bot.eraser.erase(opened.contact.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        assert [one.topic for one in await source.occurrences(changes) if one.topic.startswith("conversation.")] == []


async def _changes(bot: Bot) -> list[StoreChange]:
    """Conversations and their entries, as the database's log told of them."""
    store, moment = bot.store, Timestamp(int(now().timestamp()), 1)
    found = []
    for table in (store.conversations, store.parts):
        for document in await table.collection.find({}).to_list(None):
            raw = {
                "clusterTime": moment, "ns": {"coll": table.name}, "documentKey": {"_id": document["_id"]},
                "operationType": "insert", "fullDocument": document, "_id": {"_data": str(document["_id"])},
            }  # fmt: skip
            found.append(StoreChange.of(raw))
    return found


class TestCrashes:
    async def test_what_a_dead_process_did_not_queue_is_queued_by_another(
        self, bot: Bot, receiver: Receiver, make_contact: MakeContact
    ) -> None:
        """It died after the event, or between a notification and its lane."""
        endpoint = await endpoint_of(bot, receiver)
        await subscribe(bot, (await make_contact()).id)
        await bot.consumers.drain()
        (queued,) = await all_of(bot, endpoint)
        await bot.store.webhook_lanes.update({"_id": queued.lane}, {"$unset": {"due_at": ""}})
        fresh = await make_bot(bot.settings, bot.store, bot.public_url)
        await fresh.outbox.load()
        await fresh.catch_up.scan(now() - timedelta(minutes=1), now() + timedelta(minutes=1))
        assert [one.id for one in await all_of(bot, endpoint)] == [queued.id]
        assert await bot.store.webhook_lanes.claim(endpoint.id, limit=9, until=now() + timedelta(seconds=9))

    async def test_a_claimed_lane_belongs_to_one_worker_until_its_lease_ends(
        self, bot: Bot, receiver: Receiver
    ) -> None:
        endpoint, lanes = await endpoint_of(bot, receiver), bot.store.webhook_lanes
        await bot.webhooks.ping(endpoint.id, ADA, "key")
        (lost,) = await lanes.claim(endpoint.id, limit=9, until=now())
        (mine,) = await lanes.claim(endpoint.id, limit=9, until=now() + timedelta(minutes=1))
        assert not await lanes.renew(lost, now())
        assert await lanes.claim(endpoint.id, limit=9, until=now()) == []
        await bot.webhooks.ping(endpoint.id, ADA, "another")
        await lanes.park(lost)
        await lanes.park(mine)
        assert len(await lanes.claim(endpoint.id, limit=9, until=now())) == 1, (
            "it isn't parked with what came meanwhile"
        )


async def test_an_endpoint_needs_a_public_address_and_topics(bot: Bot) -> None:
    with pytest.raises(FormWrong) as wrong:
        await bot.webhooks.add("https://169.254.169.254/", "", (), ADA)
    assert wrong.value.faults.keys() == {"url", "topics"}
