"""Growth: every query that Sayso makes is answered by an index, as the server itself explains it.

The whole trip is walked once with a listener on the line; each kind of query that it hears is explained. A new query
without an index fails here, and so does a new query method that the trip does not call.
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from bot.app import Bot, make_bot
from bot.chat.conversation_finder import EVERYTHING, RECENT, ConversationSort
from bot.chat.conversation_query import conversation_query
from bot.chat.inbox import View, Whose
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.consent.counts import CountKeeper, miscounted
from bot.consent.form_limits import FormLimits
from bot.consent.form_windows import FormText, prefix_of
from bot.consent.verify import verify
from bot.contacts.filters import TERMS, begins
from bot.contacts.finder import Sort, SortBy
from bot.contacts.query_terms import Term
from bot.contacts.service import ContactUpdate
from bot.contacts.timeline import Kind
from bot.demo import DEALS, NEWS
from bot.flows.document import FlowDocument
from bot.flows.performing import BOT
from bot.flows.publish import create
from bot.flows.steps import Say
from bot.flows.triggers import SegmentEntered
from bot.i18n import translator
from bot.jobs.kinds.verify import Verify, VerifyInput
from bot.jobs.rules import JobAction
from bot.jobs.run import STUCK
from bot.model.api_request import ApiRequest
from bot.model.attribute import AttributeType
from bot.model.base import iso, new_id, now
from bot.model.contact import Contact
from bot.model.contact_import import ImportPlan
from bot.model.conversation import ConversationTag, Text
from bot.model.delivery import DeliveryKind, DeliveryState, ProviderStatus
from bot.model.event import Actor, How, Source
from bot.model.export import ExportPiece
from bot.model.filter import ContactIs, Filter, HasPhone
from bot.model.form_limits import Limit
from bot.model.job import JobItem
from bot.model.migration import Migration
from bot.model.outbound_message import AutomaticPause, ChatTerms, PauseCause
from bot.model.paging import Cursor
from bot.model.signal import SignalKind
from bot.model.stop import Stop
from bot.model.subscription import ConsentType, MessageType
from bot.model.teammate import Passkey, Teammate, TeammateRole
from bot.model.webhook import NotificationState, Topic, WebhookAttempt
from bot.outbound.send_time import NOW
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from bot.store.numbered_log import NumberedLog
from bot.store.repository import Repository
from bot.store.webhooks import ReplayPeriod
from bot.workspace.audit import AuditFilter, AuditLog
from bot.workspace.idempotency import Done, RequestKey
from bot.workspace.identity import adopt_identity_secret
from bot.workspace.keyword_programs import ProgramForm
from bot.workspace.prices import PriceForm
from bot.workspace.senders import SenderForm
from bot.workspace.subscriptions import By, find_subscriptions
from bot.workspace.wording import New
from tests.conftest import eventually
from tests.people import (
    ANOTHER,
    HERE,
    JPEG,
    NUMBER,
    PIXEL,
    TEAMMATE,
    act,
    answer_to,
    answered,
    card,
    change,
    look_again,
    person,
    wording,
)
from tests.store.wire import explainable, listened_to, stages_of

HARMLESS = {
    "count": "figures that the collection keeps of itself (`estimated_document_count`): no document is read",
}
BY_INDEX = {"EOF", "IXSCAN", "DISTINCT_SCAN", "IDHACK", "CLUSTERED_IXSCAN", "COUNT_SCAN"}
"""Stages that read an index; `EOF`: there is no such collection yet."""
NOT_QUERIES = {
    "make_indexes",
    "drop_indexes",
    "insert",
    "insert_many",
    "keep",
    "place",
    "upgrade_queue",
    "refresh",
    "drop_old_indexes",
    "keep_track_of_words",
}
"""Methods that only insert or ask nothing; and a migration, which reads everything once."""

Walk = Callable[[Bot], Awaitable[None]]


async def test_every_query_is_answered_by_an_index(
    demo_store: Store, mongo: EmbeddedServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mongo.engine != "mongod":
        pytest.skip("plans are a real server's")
    methods = _query_methods()
    called = _note_calls(monkeypatch)
    async with listened_to(mongo) as (store, wire):
        await _walk(await make_bot(settings, store, "http://sayso.test"))
    faults = []
    for shape, (name, command) in wire.kinds.items():
        if name in HARMLESS:
            continue
        if name == "aggregate" and "$changeStream" in command["pipeline"][0]:
            continue  # reads the server's log of changes, which has no index
        for one in explainable(name, command):
            plan = await demo_store.database.command({"explain": one, "verbosity": "queryPlanner"})
            stages = set(stages_of(plan))
            if stages & {"COLLSCAN", "SORT"} or not stages & BY_INDEX:
                faults.append(f"{shape}: {sorted(stages)}")
    assert faults == []
    assert len(wire.kinds) > 25, "the trip is walked"
    assert methods - called == set(), "call these in _walk, so that their queries are explained"


def _note_calls(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Notes which methods of which tables are called from now on."""
    called: set[str] = set()
    for owner, name in _methods():
        real = vars(owner)[name]

        def noted(self: Any, *args: Any, _real: Any = real, _name: str = name, **values: Any) -> Any:
            called.update(f"{base.__name__}.{_name}" for base in type(self).__mro__ if _name in vars(base))
            return _real(self, *args, **values)

        monkeypatch.setattr(owner, name, noted)
    return called


def _methods() -> Iterator[tuple[type[Any], str]]:
    owners: list[type[Any]] = [Repository, NumberedLog]
    owners += [sub for sub in (*Repository.__subclasses__(), *NumberedLog.__subclasses__()) if sub is not NumberedLog]
    for owner in owners:
        for name, value in list(vars(owner).items()):
            is_query = inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value)
            if is_query and not name.startswith("_") and name not in NOT_QUERIES:
                yield owner, name


def _query_methods() -> set[str]:
    return {f"{owner.__name__}.{name}" for owner, name in _methods()}


async def _idempotent(bot: Bot) -> None:
    """A request whose process died, and the same again."""

    async def work() -> Done:
        return Done(200, "{}")

    key = RequestKey("token", "key", b"POST /")
    died = ApiRequest(id=key.id, request=key.fingerprint, claim="dead", claimed_until=now(), at=now())
    await bot.store.api_requests.insert(died)
    assert not (await bot.idempotency.once(key, work)).is_replayed
    assert (await bot.idempotency.once(key, work)).is_replayed


async def _manage(bot: Bot) -> None:
    """What teammates do."""
    ada = await bot.teammates.add("ada@shop.example", TeammateRole.ADMIN, "a long password", name="Ada")
    await bot.teammates.add("ben@shop.example", TeammateRole.ADMIN, "a long password")
    await bot.teammates.set_role(ada.id, TeammateRole.AGENT, By("x", "X"))
    await bot.teammates.set_role(ada.id, TeammateRole.ADMIN, By("x", "X"))
    await bot.teammates.seen(ada.id, "session", "127.0.0.1")
    await bot.teammates.sign_in("ada@shop.example", "a long password", address="127.0.0.1", is_local=True)
    await bot.teammates.all()
    await bot.tokens.make(ada, "Script")
    await bot.tokens.all()
    await bot.store.api_tokens.names(["a1"])
    await _idempotent(bot)
    await _account(bot, ada)
    await bot.store.sessions.end("session", now())
    await bot.teammates.remove("ben@shop.example")
    by = By(ada.id, ada.name)
    new = New(name="Events", message_type=MessageType.SMS, consent_type=ConsentType.OPT_IN)
    draft = await bot.subscriptions.create(new, by, key="new")
    await bot.subscriptions.put_live(draft.id, 1, by)
    await bot.subscriptions.history(draft.id)
    await bot.store.subscriptions.update_many([({"_id": draft.id}, {"$set": {"description": "News"}})])
    await bot.subscriptions.all()
    await find_subscriptions(bot.store, "events")
    for wanted in (AuditFilter(), AuditFilter("x"), AuditFilter("", "y"), AuditFilter("x", "y", now(), now())):
        await AuditLog(bot.store).page(wanted, Cursor((now(), "x")))
    form = await bot.forms.save("Deals", card(), By(ada.id, ada.name), "f1", wording())
    await bot.forms.all()
    await bot.forms.set_public(form.id, True, By(ada.id, ada.name))
    await bot.public_forms.get(form.id)
    if deals := await bot.store.subscriptions.get(DEALS):
        await bot.taps.read(deals, "B3B3B3B3")
        await bot.taps.keep()
    await bot.forms.remove(form.id, By(ada.id, ada.name))
    poster = ProgramForm(subscription=DEALS, place="Poster", title="Text BEANS", legal_text="Recurring texts.")
    await bot.keywords.create("beans", poster, By(ada.id, ada.name), wording())
    await bot.keywords.pause("beans", 1, By(ada.id, ada.name))
    await bot.keywords.history("beans")
    await bot.programs.all()
    await bot.programs.offered(DEALS)
    reply = await bot.saved_replies.create("Hello", "Hi {name|there}", By(ada.id, ada.name))
    await bot.saved_replies.change(reply.id, "Hello!", "Hi", By(ada.id, ada.name))
    await bot.saved_replies.all()
    await bot.saved_replies.remove(reply.id, By(ada.id, ada.name))


async def _account(bot: Bot, ada: Teammate) -> None:
    """Links, sessions and passkeys."""
    by, links, store = By(ada.id, ada.name), bot.account_links, bot.store
    await links.invite("cy@shop.example", TeammateRole.AGENT, by)
    (link,) = await links.invitations()
    await links.revoke_invitation(link.id, by)
    await links.password_link(ada)
    await store.account_links.use(link.id, now())
    await store.account_links.give_back(link.id)
    await store.sessions.of(ada.id, now())
    await store.sessions.end_others(ada.id, "session", now())
    await store.sessions.renew_version("session", 2)
    challenge = await bot.passkeys.start_sign_in(ada)
    await bot.passkeys.of(ada.id)
    await store.passkeys.add(
        Passkey(id="key", teammate=ada.id, name="Key", public_key=b"", sign_count=0, created_at=now())
    )
    await store.passkeys.remove(ada.id, "key", now(), keeps_one=False)
    await store.sessions.prove("session", now())
    await store.passkey_challenges.use(challenge, now())
    await store.teammates.take_code(ada.id, "code")
    await bot.teammates.reset_second_factor(ada.email)


async def _answer(bot: Bot, conversation: str, me: str) -> None:
    """What a teammate does in the inbox."""
    inbox = bot.inbox
    for whose in Whose:
        view = View(me, whose=whose)
        await inbox.listing(view)
        await inbox.listing(view, before=Cursor((now(), "x")))
    await inbox.unread(me)
    await inbox.page(conversation, before=3)
    await inbox.seen(conversation, 3)
    await inbox.reply(conversation, me, "Hello", "r1")
    await inbox.note(conversation, me, "Hm", "n1")
    await inbox.insert(conversation, me, card(), "Here it is", "f1", wording())
    await inbox.assign(conversation, me, me, "a1")
    await inbox.snooze(conversation, me, now() + timedelta(hours=1), "s1")
    await inbox.wake(now() + timedelta(days=1))
    await inbox.close(conversation, me, "c1")
    await inbox.search("maya hello")
    await bot.store.conversations.of_many(["x"], limit=5)
    for only in ({}, {"kind": "ask"}, {"contact": "x"}, {"message": "x", "state": "sent"}):
        await bot.store.deliveries.since(Cursor((now(), "x")), now(), only, limit=5)
    for sort in (RECENT, ConversationSort("created_at", is_down=False)):
        await bot.conversation_finder.page(EVERYTHING, sort, None, 5)
    for id in ("contact_ids", "tag_ids"):
        await bot.conversation_finder.page(conversation_query(Term(id, "=", "x")), RECENT, None, 5)
    await bot.store.conversations.tag("x", ConversationTag(tag="t", at=now(), by="x"), most=5)
    await bot.store.conversations.untag("x", "t")
    await bot.conversations.signal(conversation, SignalKind.HERE, TEAMMATE)
    await bot.store.signals.since(conversation, now())
    await bot.conversations.mark_read(conversation, "x", seen=1, delivered=9)
    await asyncio.gather(*(bot.conversations.after(conversation, seq) for seq in (0, 1)))
    await bot.conversations.begin_texting("x", NUMBER)
    await bot.receive(ANOTHER, "Is the Sidamo back?", "text-words")
    await bot.receive(ANOTHER, "How do I unsubscribe?", "text-request")
    (row,) = (await bot.opt_out_requests.page()).items
    await bot.opt_out_requests.page(Cursor((now(), "x")))
    await bot.opt_out_requests.count(is_overdue=True)
    await bot.opt_out_requests.close_for({row.request.contact: now()}, {ANOTHER: now()})
    await bot.opt_out_requests.dismiss(row.request.id, By(me, "Ada"))
    await bot.opt_out_requests.request_times()
    await bot.opt_out_requests.confirmation_times()
    texting = (await inbox.listing(View(me))).items[0].conversation
    said = await bot.reply(texting, me, "Yes", "r2")
    await bot.replies.queue(said)
    await bot.threads.deliveries_of([said])


async def _contacts(bot: Bot) -> None:
    """What teammates do with contacts. The conditions of filters are explained in `tests/contacts/test_finder.py`."""
    by, finder, contacts = By("ada", "Ada"), bot.finder, bot.contacts
    tag = await bot.tags.create("VIP", by)
    await bot.tags.rename(tag.id, "Very important", by)
    city = await bot.attributes.create("City", AttributeType.TEXT, by)
    await bot.attributes.archived()
    segment = await bot.segments.save("Everybody", Filter(), by)
    await bot.segments.duplicate(segment.id, by)
    await bot.segments.used_by(segment.id)
    await bot.segments.archive(segment.id, by)
    carl = await contacts.create(person("carl"))
    carl = await contacts.set_values(carl, {"name": "Carl"}, {city.key: "Kiel"})
    await contacts.set_many([ContactUpdate(carl, {"name": "Karl"})])
    await contacts.add_tags([carl.id], [tag.id])
    await contacts.remove_tags([carl.id], [tag.id])
    for sort in (Sort(by, is_down) for by in SortBy for is_down in (True, False)):
        page = await finder.page(Filter(), sort, limit=1)
        await finder.page(Filter(), sort, page.next)
    await finder.count(Filter())
    await finder.count(Filter.of(HasPhone()))
    await bot.store.contacts.ids_with_word(begins("ada"), limit=5, hint=TERMS)
    await finder.sample(Filter(), 3)
    await finder.among(Filter(), [carl.id])
    await bot.store.contacts.mark_stops({NUMBER: Stop(id=NUMBER, at=now(), text="STOP")})
    await bot.store.contacts.matching_of_some(("", "8"), 5, {"role": "lead"}, time_limit=1000)


async def _install(bot: Bot) -> None:
    """The site: where the chat is, and what proves its users."""
    await adopt_identity_secret(bot.store)
    await bot.store.workspaces.adopt_secret((await bot.workspace()).identity_secrets[0])
    secret = await bot.identity_secrets.create(By("ada", "Ada"), new_id())
    assert secret
    bot.identity_secrets.used(secret.id)
    await bot.identity_secrets.revoke(secret.id, By("ada", "Ada"))
    bot.sites.note("https://shop.example", (), "203.0.113.9")
    await bot.store.site_visits.make_room(1, kept=())
    await bot.finish()
    await bot.sites.status(())


async def _run_jobs(bot: Bot) -> None:
    """What becomes of long work."""
    jobs, by = bot.store.jobs, By("ada", "Ada")
    job = await bot.jobs.start(Verify, VerifyInput(), by)
    await bot.jobs.start(Verify, VerifyInput(), by)
    await bot.jobs.newest()
    await bot.jobs.newest(Verify)
    await bot.jobs.appended(job.id, limit=5)
    await jobs.next_due(bot.jobs.kinds, now(), limit=5)
    claimed = await jobs.claim(job.id, "here", 60)
    assert claimed
    await jobs.renew(claimed, 60)
    piece = ExportPiece(id=ExportPiece.id_of(job.id, 0), head=b"id", read=0, expires_at=now() + timedelta(days=1))
    assert [await bot.store.export_pieces.keep_first(piece) for _time in range(2)] == [piece] * 2
    assert await bot.store.export_pieces.has_file(job.id, now())
    await bot.store.export_pieces.take_out(["x"])
    await bot.store.export_pieces.keep_until(job.id, now() + timedelta(days=1))
    assert [data async for data in bot.store.export_pieces.read(job.id, 1)] == [b"id"]
    await bot.store.job_items.add([JobItem(id=f"{job.id}:x", job=job.id, item="x", outcome="stale", at=now())] * 2)
    await bot.jobs.items(job.id)
    await bot.jobs.items(job.id, Cursor(("a",)), outcome="stale")
    await jobs.save(claimed, {}, total=1, done=1, counts={"stale": 1}, is_last=False)
    await jobs.fail(claimed, STUCK)
    await jobs.with_words()
    await bot.jobs.forget_failed(now())
    await jobs.forget(new_id())
    await jobs.release(claimed)
    await bot.jobs.act(job.id, JobAction.RETRY, by)


async def _send(bot: Bot) -> None:
    """An outbound message from its draft to its report."""
    by, segment = By("ada", "Ada"), await bot.segments.save("Sent to", Filter(), By("ada", "Ada"))
    draft = await bot.outbound.create("News", by)
    values = {"subscription": DEALS, "texts": {"en": "Hi"}, "segment": segment.id}
    draft = await bot.outbound.save(draft.id, draft.version, values, by)
    await bot.segments.used_by(segment.id)
    await bot.outbound.audience.preview(draft)
    count = await bot.audience_counts.start(draft, NOW, by)
    await bot.audience_counts.newest(draft, NOW)
    counting = bot.jobs.kinds[count.kind]
    await counting.step(count.id, counting.input.model_validate(count.input), counting.checkpoint(), 100)
    await bot.jobs.act(count.id, JobAction.CANCEL, by)
    await bot.store.contacts.sharing([NUMBER])
    await bot.store.deliveries.release("x")
    await bot.outbound.order(draft.id, draft.version, by)
    await bot.outbound.start_overdue()
    page = await bot.outbound.newest(limit=1)
    await bot.outbound.newest(page.next or Cursor((now(), "x")))
    job = await bot.jobs.get(draft.id)
    kind = bot.jobs.kinds[job.kind]
    await kind.step(job.id, kind.input.model_validate(job.input), kind.checkpoint(), 100)
    await bot.store.deliveries.results_of(draft.id)
    await bot.store.outbound_messages.note_pause(
        draft.id, AutomaticPause(cause=PauseCause.FAILURES, count=1, of=1, most=1, at=now())
    )
    await bot.store.outbound_messages.note_resumed(draft.id, "Ada")
    await bot.queue.read()
    await bot.store.deliveries.with_short_link("x")
    await bot.store.deliveries.note_first([("x", "clicked_at", now())])
    await bot.store.deliveries.over_time(draft.id, now(), timedelta(minutes=1))
    await bot.store.deliveries.of_message(draft.id, Cursor((now(), "x")), state=DeliveryState.SENT, limit=5)
    await bot.store.deliveries.copies_to(["x"], now())
    await bot.store.deliveries.copies_on(NUMBER, now())
    await bot.store.deliveries.marketed([NUMBER], now())
    await bot.store.deliveries.resume(draft.id)
    await bot.store.deliveries.already_in(draft.id, {"x": NUMBER})
    await bot.store.deliveries.count_waiting(draft.id, is_held=True, limit=1)
    await bot.store.deliveries.of_message(draft.id, limit=5)


async def _show(bot: Bot, contact: str) -> None:
    """A chat message from its draft to its report."""
    by, terms = By("ada", "Ada"), ChatTerms(card=card())
    draft = await bot.outbound.create("Deals", by, chat=terms)
    draft = await bot.outbound.save(draft.id, draft.version, {"texts": {"en": "Hi"}}, by)
    await bot.outbound.audience.preview(draft)
    message = await bot.chat_messages.start(draft.id, draft.version, by)
    await bot.chat_delivery.arrived(contact)
    await bot.finder.filters_matching({"a": Filter.of(HasPhone()), "b": Filter.of(HasPhone())}, contact)
    await bot.chat_delivery.deliver(message, [person(contact)])
    await bot.chat_delivery.deliver_to_online(message, [person(contact)])
    for chat in await bot.store.conversations.of(contact):
        for part in await bot.conversations.page(chat.id):
            await bot.chat_delivery.dismiss(part, contact)
            await bot.chat_delivery.dismissed(contact, [part])
    await bot.chat_delivery.identified("0" * 24, contact, [message.id])
    await bot.store.chat_deliveries.update({"contact": contact}, {"$set": {"lapses_at": now()}})
    await bot.chat_delivery.forget_visitors(now())
    await bot.chat_messages.figures(message.id)
    await bot.chat_messages.act(message.id, "pause", by)
    await bot.chat_messages.act(message.id, "end", by)


async def _import(bot: Bot) -> None:
    """A file from its upload to its undo, step by step as a worker does."""
    by, data = By("ada", "Ada"), b"User ID,Email,Phone,Tags,SMS consent\nu9,a@x.com,2015550199,VIP,yes\n"
    file = await bot.imports.upload(BytesIO(data), "list.csv", len(data), by)
    targets = ("external_id", "email", "phone", "tags", f"consent:{DEALS}")
    file = await bot.imports.check(file.id, ImportPlan(targets=targets, everyone_out=NEWS, how=How.PAPER), by)
    await bot.imports.files.newest()
    await bot.imports.files.sample(file, 3)
    await bot.imports.files.guess(file)
    await _worked(bot, file.check or "")
    for _ in range(2):  # the second time as after a crash
        await _worked(bot, (await bot.imports.start(file.id, by)).id)
    file = await bot.imports.files.get(file.id)
    async for _rows in bot.imports.failed_rows(file, translator("en")):
        pass
    await _worked(bot, (await bot.imports.undo(file.id, by)).id)
    await bot.store.import_pieces.expire(file.id)
    assert [piece async for piece in bot.store.import_pieces.naming([1])] == []


async def _worked(bot: Bot, id: str) -> None:
    job = await bot.jobs.get(id)
    kind = bot.jobs.kinds[job.kind]
    at, input = kind.checkpoint(), kind.input.model_validate(job.input)
    while not (batch := await kind.step(id, input, at, 100)).is_last:
        at = batch.checkpoint
    await bot.store.jobs.update({"_id": id}, {"$set": {"state": "done"}})


async def _webhooks(bot: Bot) -> None:
    """An endpoint from its first notification to its last."""
    by, hooks = By("ada", "Ada"), bot.webhooks
    endpoint, _secret = await hooks.add("https://hooks.example/", "", (Topic.CONSENT_RECORDED, Topic.LEAD_CREATED), by)
    await hooks.add_secret(endpoint.id, by, key="second")
    await hooks.revoke_secret(endpoint.id, "second", by)
    ping = await hooks.ping(endpoint.id, by, "key")
    lanes = bot.store.webhook_lanes
    (lane,) = await lanes.claim(endpoint.id, limit=5, until=now())
    await lanes.claim(endpoint.id, limit=5, until=now() + timedelta(minutes=1))
    await lanes.renew(lane, now())
    await lanes.postpone(lane, now())
    await lanes.park(lane)
    (pending,) = await bot.store.webhook_notifications.pending_in(lane.id, limit=5)
    attempt = WebhookAttempt(at=now(), url=endpoint.url)
    await bot.store.webhook_notifications.attempted(pending.id, attempt, NotificationState.FAILED)
    for state in (None, NotificationState.FAILED):
        page = await hooks.notifications(endpoint.id, state, None)
        await hooks.notifications(endpoint.id, state, page.next or Cursor((now(), "x")))
    await hooks.replay(endpoint.id, ping, by)
    period = ReplayPeriod(now() - timedelta(hours=1), now())
    await hooks.replay_period(endpoint.id, period, by)
    await bot.store.webhook_notifications.of_period(endpoint.id, period, Cursor((now(), "x")), limit=5)
    await hooks.disable(endpoint.id, by)


async def _walk(bot: Bot) -> None:
    """Every way through `bot` that asks the database something."""
    store, say = bot.store, translator("en")
    async with bot.running():
        opened = await bot.open_messenger(None, Claim(), None)
        await bot.open_messenger(opened.token, Claim(locale="es"), None)
        secret = (await bot.workspace()).identity_secrets[0].secret
        proven = Claim(user_id="u1", user_hash=hmac.digest(secret.encode(), b"u1", "sha256").hex())
        await bot.open_messenger(opened.token, proven, opened.conversation)
        opened = await act(bot, opened)
        contact = (await bot.visitors.known(opened.token)).contact
        part = await bot.cards.find(opened.conversation, 2, contact.id)
        await bot.cards.view(part, contact, await bot.workspace())
        answer = await answer_to(bot, part, contact)
        await bot.submit(part, contact, answer)
        submitted = await bot.submit(part, contact, answer)
        await eventually(lambda: bot.phone.texts(NUMBER))
    contact = (await bot.visitors.known(opened.token)).contact
    await bot.consumers.drain()
    await look_again(bot)
    await store.event_retries.put_off("bob:1", 1, now())
    await bot.catch_up.retry(now())
    await bot.phone.reply(NUMBER, "YES", "k")
    await bot.phone.numbers()
    await store.deliveries.asked_and_confirmed(now(), now())
    await store.deliveries.asked_by_flow(NUMBER)
    (text, *_) = await store.deliveries.newest(limit=1)
    await store.deliveries.has_followed(text, now())
    limits = FormLimits(store, bot.workspace, 1)
    for _ in range(5):  # the last one is refused
        taken = await limits.take(FormText(NUMBER))
    await limits.give_back(taken)
    await limits.used(Limit.BUDGET)
    await store.blocked_prefixes.unblock(prefix_of(NUMBER), now(), spared_until=now())
    await bot.form_watch.look_now()
    await limits.withheld_today()
    await bot.phone.texts(NUMBER)
    await store.workspaces.save(await bot.workspace())
    for picture in (PIXEL, JPEG):  # the second takes the place of the first
        await bot.brand.save_logo(picture, By("ada", "Ada"))
    await store.deliveries.update({"_id": f"confirmation:{submitted.event.event}"}, {"$set": {"due_at": now()}})
    (claimed,) = await store.deliveries.claim("worker", limit=5, until=now())
    await store.contacts.unrecorded([contact.id])
    await store.deliveries.hand_over([(claimed, {})], ask_at=now())
    await store.deliveries.hand_over([(claimed, {})], ask_at=now())
    await bot.sender.reconcile()
    await bot.senders.save(SenderForm(country="US", sender="72345"), By("ada", "Ada"))
    await bot.senders.remove("US", By("ada", "Ada"))
    await bot.prices.save(PriceForm(price_country="US", price="0.0083", currency="USD"), By("ada", "Ada"))
    await bot.prices.remove("US", By("ada", "Ada"))
    await store.stops.note_told(await store.stops.untold(limit=5))
    await store.deliveries.report(claimed.id, "SM1", ProviderStatus.SENT, {"state": DeliveryState.SENT})
    long_due = {"id": "copy", "kind": DeliveryKind.OUTBOUND, "due_at": now() - timedelta(days=1)}
    await store.deliveries.insert(claimed.model_copy(update=long_due))
    await store.deliveries.claim("full", limit=1, until=now() + timedelta(days=1))
    await store.deliveries.update({"_id": "copy"}, {"$unset": {"due_at": ""}})

    conversation = await bot.conversations.of_contact(opened.conversation, contact.id)
    await bot.conversations.say(conversation, "Hi", "k")
    await bot.conversations.say(conversation, "Hi", "k")
    await bot.conversations.page(conversation.id, before=3)
    script = await bot.runs.scripts.greeting(contact)
    assert script
    await bot.runs.start(conversation, script, id="another")
    started = await store.conversations.get(conversation.id)
    assert started
    assert started.run
    await store.conversations.settle_run(conversation.id, started.run, started.run.part)
    await bot.runs.finish_left(now())
    await store.conversations.flows_of(contact.id)
    await bot.flows.versions(script.flow, 2)
    await bot.flows.heads(await bot.flows.all())
    await bot.flows.set_order(script.flow, 7, By("", "Sayso"))
    draft = await bot.flow_drafts.get(script.flow)
    draft = await bot.flow_drafts.save(script.flow, '{"steps": []}', draft.revision, By("", "Sayso"))
    await bot.flow_drafts.save(script.flow, '{"steps": [{}]}', draft.revision, By("", "Sayso"))
    await bot.runs.counters.flush()
    await bot.flow_figures.outcomes.count()
    await store.flow_days.add_from(store.outcome_cursors, await store.outcome_cursors.place(), "0", {})
    await bot.flow_figures.of(script.flow, days=30)
    await bot.flow_figures.totals([script.flow], days=30)
    await _watch_a_segment(bot, contact)
    await bot.conversations.mark_read(conversation.id, contact.id, seen=1, delivered=1)
    other = await act(bot, await bot.open_messenger(opened.token, proven, "new"))
    await bot.conversations.append(other.conversation, BOT, Text(text="Still there?"), "k")
    assert len(await bot.conversations.all_of(contact.id)) == 2
    await bot.conversations.unread(contact.id)

    token = await bot.preferences.make_link(contact.id, MessageType.SMS)
    contact = (await bot.preferences.look(token)).contact
    off = await bot.preferences.change(contact, DEALS, "opt_out", version="old", key="p1", say=say, context=HERE)
    await bot.preferences.undo(off.contact, dict(off.undo), say=say, context=HERE)
    sheet = await bot.preferences.look(token)
    await bot.preferences.stop_all(sheet.contact, shown={}, key="p2", say=say, context=HERE)
    await bot.preferences.revoke(contact.id)
    await bot.consents.look(contact.id)
    await bot.consents.history(contact.id, before=Cursor((9,)))
    await bot.dossiers.of(contact)
    async for _ in bot.data_access.archive(contact.id, say):
        pass
    await bot.timelines.page(contact.id)
    await bot.timelines.page(contact.id, ";".join(f"{k}:{9 if k == 'consent' else f'{iso(now())},x'}" for k in Kind))

    await _webhooks(bot)
    await _install(bot)
    await _contacts(bot)
    await _manage(bot)
    await _answer(bot, opened.conversation, (await bot.teammates.named("ada@shop.example")).id)
    await bot.cards.opened(opened.conversation, part.seq, contact.id)
    await bot.cards.shown(part)
    await bot.cards.tried(part, contact.id, "too_short")
    sent = await bot.cards.insert(opened.conversation, card(subscription=NEWS), TEAMMATE, "to-withdraw")
    await bot.inbox.withdraw(opened.conversation, "ada", sent.seq)

    bob = person("bob", external_id="u2")
    await store.contacts.insert(bob)
    await store.contacts.by_external_id("u2")
    await store.contacts.project_many([(bob, bob)])
    await store.contacts.complete([bob])
    await CountKeeper(store).catch_up()
    await miscounted(store)
    await store.contacts.lapsed(now(), limit=5)
    await store.consent_counts.of([DEALS])
    await store.deliveries.update({"_id": f"confirmation:{submitted.event.event}"}, {"$set": {"kind": "ask"}})
    for word in ("YES", "STOP", "STOP", "START", "HELP"):
        await bot.receive(NUMBER, word, f"text-{word}")
    await bot.confirmations.lapse(now() + timedelta(days=9))
    done = await answered(bot, bob)
    await bot.cards.insert(done.part.conversation, card(subscription=NEWS), done.part.author, "email")
    await bot.ledger.record_many([change("bob", f"b{i}") for i in range(3)])
    await bot.messages.handle_overdue(now())
    for after in (None, Cursor(("bob", "x"))):
        await anext(store.conversations.waiting_for_consent(["ada", "bob"], after=after), None)
    await bot.checkpoints.write()
    await bot.ledger.record(change("bob", "after-a-checkpoint"))
    await bot.checkpoints.write()
    await bot.ledger.erase("bob", Actor(kind="system", id="test"), Source.SYSTEM, "erase")
    await verify(store, repair=True)
    await store.checkpoints.raw("0000000001")
    async for _ in store.checkpoints.ending_from(""):
        pass
    await store.keys.of("visitors")
    await _run_jobs(bot)
    await _send(bot)
    await _show(bot, contact.id)
    await _import(bot)
    await store.leases.acquire("walk", "here", 1)
    await store.leases.release("walk", "here")
    await store.sender_paces.take("+12015550100", now(), 1.0, 2)
    await store.contacts.count_about()
    await store.migrations.keep(Migration(id="walk", done_at=now()))
    for table in store.tables:
        async for _ in table.scan():
            pass
    await bot.visitors.claimed(opened.token)
    await bot.eraser.erase(contact.id, Actor(kind="system", id="test"), Source.SYSTEM)


async def _watch_a_segment(bot: Bot, contact: Contact) -> None:
    """A flow waits for whoever enters it; its filter is edited, the position is lost, and the flow is paused."""
    by = By("ada", "Ada")
    segment = await bot.segments.save("Walked", Filter(), by)
    document = FlowDocument(triggers=(SegmentEntered(segment=segment.id),), steps=(Say(id="hi", text="Hi"),))
    await create(bot.store, document, id="walked")
    for filter in (None, Filter.of(ContactIs(ids=(contact.id, "nobody")))):
        if filter:
            await bot.segments.set_filter(segment.id, filter, by)
        bot.runs.scripts.live.cache_clear()
        await bot.segments_watched.look()
    await bot.store.segment_members.collection.delete_one({"contact": contact.id})
    await bot.store.event_cursors.update({"_id": "segments"}, {"$set": {"token": {"_data": "8200"}}})
    await bot.segments_watched.look()
    await bot.segment_starts.arrived(contact.id)
    for member in await bot.store.segment_members.find({"contact": contact.id}, limit=1):
        await bot.store.segment_members.put_off(member, now())
    async for _ids in bot.store.contacts.ids_between("seen_key", contact.created_at, now()):
        pass
    for archived in ({"$set": {"archived_at": now()}}, {"$unset": {"archived_at": ""}}):
        await bot.store.contacts.update({"_id": contact.id}, archived)
        await bot.segments_watched.look()
    await bot.flows.set_state("walked", "paused", by)
    bot.runs.scripts.live.cache_clear()
    await bot.segments_watched.look()
