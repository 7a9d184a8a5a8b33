"""How many texts forms may cause, and what happens to the answers beyond that."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from altcha import Challenge, Payload, Solution, solve_challenge

from bot.app import Bot
from bot.chat.card_state import CardViewState
from bot.chat.card_view import CardView
from bot.config import Settings
from bot.consent import proof_of_work
from bot.consent.form_limits import FormLimits
from bot.consent.form_windows import FormText, networks_of
from bot.consent.proof_of_work import IMPOSSIBLE, Proof, ProofOfWork
from bot.demo import DEALS
from bot.errors import ProofNeeded, StoreUnavailable, TooManySignUps
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Part
from bot.model.delivery import DeliveryState
from bot.model.event import Action, Context
from bot.model.form_limits import AbuseLimits, Limit
from bot.model.workspace import Workspace
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, eventually, serving
from tests.people import AT, NUMBER, answer_to, asked, second_process, workspace
from widget.web.http import BOT

MakeContact = Callable[..., Awaitable[Contact]]
ATTACKER = "203.0.113.7"
PLENTY = {"prefix": 1000, "session": 1000, "country": 1000, "budget": 1000}


def test_the_networks_of_an_address() -> None:
    assert networks_of(ATTACKER) == networks_of("::ffff:203.0.113.99") == {"203.0.113.0/24": 1}
    assert networks_of("2001:db8:1:2:3::4") == {"2001:db8:1:2::/64": 1, "2001:db8:1::/48": 4}


@pytest.mark.parametrize("ip", ["", "?", "127.0.0.1", "::1", "10.1.2.3", "172.17.0.1", "192.168.0.9", "fd00::1"])
def test_addresses_that_identify_nobody_share_a_larger_limit(ip: str) -> None:
    """A proxy that is not counted makes one client of all visitors."""
    assert networks_of(ip) == {"unknown": 4}


def limits_of(store: Store, network: int = 1000, at: datetime = AT, **abuse: int) -> FormLimits:
    """At a moment that doesn't pass: windows end at fixed times."""
    of = workspace(abuse=AbuseLimits(**{**PLENTY, **abuse}))

    async def current() -> Workspace:
        return of

    return FormLimits(store, current, network, clock=lambda: at)


def _spread(count: int) -> list[str]:
    """Numbers of as many prefixes."""
    return [f"+1201{i:03d}0123" for i in range(200, 200 + count)]


def _walk(count: int) -> list[str]:
    """Numbers of one prefix."""
    return [f"+120155501{i:02d}" for i in range(count)]


async def _taken(limits: FormLimits, texts: Iterable[FormText]) -> Counter[Limit | None]:
    return Counter(taken.refused for taken in await asyncio.gather(*map(limits.take, texts)))


async def _away(*_args: object) -> None:
    raise StoreUnavailable


class TestTake:
    async def test_addresses_of_one_network(self, store: Store) -> None:
        limits = limits_of(store, network=5)
        neighbors = [FormText(number, f"203.0.113.{i}") for i, number in enumerate(_spread(40))]
        assert await _taken(limits, neighbors) == {None: 5, Limit.NETWORK: 35}
        assert not (await limits.take(FormText(NUMBER, "198.51.100.1"))).refused, "others are not kept out"

    @pytest.mark.parametrize(("address", "most"), [("2001:db8:1:2::{:x}", 5), ("2001:db8:1:{:x}::1", 5 * 4)])
    async def test_addresses_of_one_ipv6_line(self, store: Store, address: str, most: int) -> None:
        limits = limits_of(store, network=5)
        everywhere = [FormText(number, address.format(i)) for i, number in enumerate(_spread(40))]
        assert await _taken(limits, everywhere) == {None: most, Limit.NETWORK: 40 - most}
        assert not (await limits.take(FormText(NUMBER, "2001:db8:2::1"))).refused

    async def test_addresses_that_identify_nobody(self, store: Store) -> None:
        texts = [FormText(number, "172.17.0.1") for number in _spread(40)]
        assert await _taken(limits_of(store, network=5), texts) == {None: 20, Limit.NETWORK: 20}

    async def test_numbers_of_one_prefix(self, store: Store) -> None:
        limits = limits_of(store, prefix=5)
        texts = [FormText(number, f"198.51.{i}.1") for i, number in enumerate(_walk(40))]
        assert await _taken(limits, texts) == {None: 5, Limit.PREFIX: 35}

    async def test_one_visitor(self, store: Store) -> None:
        limits = limits_of(store, session=3)
        texts = [FormText(number, f"198.51.{i}.1", "maya") for i, number in enumerate(_spread(9))]
        assert await _taken(limits, texts) == {None: 3, Limit.SESSION: 6}
        assert not (await limits.take(FormText(NUMBER, session="ben"))).refused

    async def test_another_country(self, store: Store) -> None:
        limits = limits_of(store, country=4)
        british = [FormText(f"+447{i:03d}123456", f"198.51.{i}.1") for i in range(400, 409)]
        assert await _taken(limits, british) == {None: 4, Limit.COUNTRY: 5}
        assert not (await limits.take(FormText(NUMBER))).refused

    async def test_the_budget(self, store: Store) -> None:
        limits = limits_of(store, budget=7)
        texts = [FormText(number, f"198.51.{i}.1") for i, number in enumerate(_spread(12))]
        assert await _taken(limits, texts) == {None: 7, Limit.BUDGET: 5}
        assert await limits.used(Limit.BUDGET) == 7

    async def test_no_limits(self, store: Store) -> None:
        texts = [FormText(number, ATTACKER) for number in _walk(40)]
        assert await _taken(limits_of(store, network=0, prefix=1), texts) == {None: 40}

    async def test_without_a_proof_of_work_half_of_a_limit(self, store: Store) -> None:
        """What the others need is left for those who prove their work, also in one round."""
        limits = limits_of(store, network=5)
        texts = [FormText(number, ATTACKER, proof=Proof.MISSING) for number in _spread(20)]
        taken = await asyncio.gather(*map(limits.take, texts))
        assert Counter((t.refused, t.needs_proof) for t in taken) == {(None, False): 3, (None, True): 17}
        proved = [FormText(number, ATTACKER, proof=Proof.GIVEN) for number in _spread(20)]
        both = await asyncio.gather(*map(limits.take, [*proved, *texts]))
        assert Counter((t.refused, t.needs_proof) for t in both) == {
            (None, False): 2,
            (Limit.NETWORK, False): 18,
            (None, True): 20,
        }

    async def test_a_browser_without_a_proof_gets_no_text(self, store: Store) -> None:
        text = FormText(NUMBER, ATTACKER, proof=Proof.IMPOSSIBLE)
        assert (await limits_of(store).take(text)).refused is Limit.PROOF

    async def test_a_refused_text_uses_up_nothing(self, store: Store) -> None:
        limits = limits_of(store, network=2, prefix=5)
        await _taken(limits, [FormText(number, ATTACKER) for number in _walk(30)])
        assert await limits.used(Limit.BUDGET) == 2
        texts = [FormText(number, f"198.51.{i}.1") for i, number in enumerate(_walk(9))]
        assert await _taken(limits, texts) == {None: 3, Limit.PREFIX: 6}

    async def test_a_text_that_was_not_sent_is_given_back(self, store: Store) -> None:
        limits = limits_of(store, network=1)
        taken = await limits.take(FormText(NUMBER, ATTACKER))
        assert not taken.refused
        await limits.give_back(taken)
        assert not (await limits.take(FormText(NUMBER, ATTACKER))).refused
        with pytest.raises(TooManySignUps):
            await limits.admit(FormText(NUMBER, ATTACKER))

    async def test_it_is_given_back_to_the_windows_that_counted_it(self, store: Store) -> None:
        limits = limits_of(store)
        taken = await limits.take(FormText(NUMBER))
        limits.clock = lambda: AT + timedelta(days=1)
        await limits.take(FormText(NUMBER))
        await limits.give_back(taken)
        assert await limits.used(Limit.BUDGET) == 1
        limits.clock = lambda: AT
        assert await limits.used(Limit.BUDGET) == 0

    async def test_it_is_given_back_once_the_database_is_there(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits = limits_of(store, network=1)
        taken = await limits.take(FormText(NUMBER, ATTACKER))
        with monkeypatch.context() as outage:
            outage.setattr(store.form_counters, "give_back", _away)
            await limits.give_back(taken)
        assert not (await limits.take(FormText(NUMBER, ATTACKER))).refused
        assert await limits.used(Limit.BUDGET) == 1

    async def test_two_processes_at_once(self, store: Store, mongo: EmbeddedServer) -> None:
        async with second_process(mongo) as other:
            both = [limits_of(store, network=5), limits_of(other, network=5)]
            texts = [[FormText(number, ATTACKER) for number in _spread(20)] for _ in both]
            found = await asyncio.gather(*map(_taken, both, texts))
        assert sum(taken[None] for taken in found) == 5

    async def test_the_next_window_and_the_day(self, store: Store) -> None:
        texts = [FormText(number, ATTACKER) for number in _spread(9)]
        taken = [
            (await _taken(limits_of(store, network=2, at=AT + timedelta(minutes=10 * i)), texts))[None]
            for i in range(7)
        ]
        assert taken == [2, 2, 2, 2, 2, 0, 0], "five times as many a day"
        assert (await _taken(limits_of(store, network=2, at=AT + timedelta(days=1)), texts))[None] == 2


class TestSubmit:
    @pytest.fixture(autouse=True)
    def _full(self, bot: Bot, store: Store) -> None:
        limits = limits_of(store, network=1)
        bot.cards._limits = bot.preferences._limits = bot.resends._limits = limits

    async def _sign_up(self, bot: Bot, contact: Contact, number: str) -> Part:
        part = await asked(bot, contact)
        answer = await answer_to(bot, part, contact, address=number, context=Context(ip=ATTACKER))
        for _ in range(2):  # the same again counts once
            await bot.cards.submit(part, contact, await bot.workspace(), answer)
        await bot.consumers.drain()
        return part

    async def test_nothing_is_counted_if_recording_fails(
        self, bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contact = await make_contact()
        part = await asked(bot, contact)
        answer = await answer_to(bot, part, contact, context=Context(ip=ATTACKER))
        with monkeypatch.context() as outage:
            outage.setattr(bot.ledger, "record", _away)
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    await bot.cards.submit(part, contact, await bot.workspace(), answer)
        assert await bot.cards._limits.used(Limit.BUDGET) == 0
        submitted = await bot.cards.submit(part, contact, await bot.workspace(), answer)
        assert not submitted.event.withheld
        assert await bot.cards._limits.used(Limit.BUDGET) == 1

    async def test_a_stopped_number_is_not_counted(self, bot: Bot, make_contact: MakeContact) -> None:
        """A stranger types it: they aren't told, and no text leaves."""
        await bot.receive(NUMBER, "STOP", "t1")
        contact = await make_contact()
        part = await asked(bot, contact)
        answer = await answer_to(bot, part, contact, address=NUMBER, context=Context(ip=ATTACKER))
        submitted = await bot.cards.submit(part, contact, await bot.workspace(), answer)
        assert submitted.event.stopped
        assert await bot.cards._limits.used(Limit.BUDGET) == 0

    async def test_a_proof_is_asked_for_and_counts_once(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        await store.workspaces.change({"abuse": AbuseLimits(asks_proof=True).model_dump()})
        bot.workspace.cache_clear()
        bot.cards._limits.network, bot.cards._proofs = 2, ProofOfWork(store, secret="s", cost=1)
        proof = solved(await bot.cards._proofs.challenge())
        given = [("(201) 555-0101", ""), ("(202) 555-0102", ""), ("(202) 555-0102", proof), ("(203) 555-0103", proof)]
        said: list[object] = []
        for number, one in given:
            contact = await make_contact()
            part = await asked(bot, contact)
            answer = await answer_to(bot, part, contact, address=number, context=Context(ip=ATTACKER))
            try:
                answer = replace(answer, proof=one)
                said.append((await bot.cards.submit(part, contact, await bot.workspace(), answer)).event.withheld)
            except ProofNeeded:
                assert await store.events.after(contact.id, 0, limit=1) == []
                said.append("asked")
        assert said == [None, "asked", None, "asked"], "the second use of a proof is none"

    async def _view(self, bot: Bot, part: Part, contact: Contact) -> CardView:
        part = await bot.cards.find(part.conversation, part.seq, contact.id)
        return await bot.cards.view(part, await bot.ledger.contact(contact.id) or contact, await bot.workspace())

    @pytest.mark.parametrize("double_opt_in", [False, True])
    async def test_the_answer_waits_for_a_yes_by_text(
        self, bot: Bot, make_contact: MakeContact, store: Store, double_opt_in: bool
    ) -> None:
        await store.workspaces.change({"texts_from": "+1 833-555-0100"})
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": double_opt_in}})
        bot.workspace.cache_clear()
        first, second = await make_contact(), await make_contact()
        part = await self._sign_up(bot, first, "(201) 555-0101")
        assert not (await self._view(bot, part, first)).withheld
        part = await self._sign_up(bot, second, "(202) 555-0102")
        view = await self._view(bot, part, second)
        assert (view.state, view.withheld, view.text_to) == (CardViewState.PENDING, True, "+1 833-555-0100")
        assert view.text_href == "sms:+18335550100?&body=YES"
        texts = await store.deliveries.newest(limit=9)
        assert [text.state for text in texts if text.number == "+12025550102"] == [DeliveryState.BLOCKED]
        (event,) = await store.events.after(second.id, 0, limit=9)
        assert (event.action, event.withheld) == (Action.REQUEST_CONFIRMATION, Limit.NETWORK)

        await bot.receive("+12025550102", "YES", "t1")
        contact = await bot.ledger.contact(second.id)
        consent = contact.consent(DEALS) if contact else None
        assert consent
        assert (consent.state, consent.evidence) == (ConsentState.OPTED_IN, "written_shown")
        (_, confirmed) = await store.events.after(second.id, 0, limit=9)
        assert confirmed.words
        assert "Reply STOP to stop." in confirmed.words.legal_text
        assert (await self._view(bot, part, second)).state is CardViewState.COMPLETED

    async def test_a_question_that_was_sent_comes_before_a_withheld_one(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        """Somebody else may have entered the number since, in a form that texted nobody."""
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        mine, stranger = await make_contact(), await make_contact()
        await self._sign_up(bot, mine, "(201) 555-0101")
        await bot.sender.send_some()
        await self._sign_up(bot, stranger, "(201) 555-0101")
        await bot.receive("+12015550101", "YES", "t1")
        states = [c.consents[0].state for id in (mine.id, stranger.id) if (c := await bot.ledger.contact(id))]
        assert states == [ConsentState.OPTED_IN, ConsentState.PENDING]

    async def test_questions_and_what_confirms_them_count_for_the_prefix(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        for number in ("(201) 555-0101", "(202) 555-0102"):  # the second one is withheld
            await self._sign_up(bot, await make_contact(), number)
        await bot.sender.send_some()
        await bot.receive("+12015550101", "YES", "t1")
        await bot.consumers.drain()
        hour = timedelta(hours=1)
        assert await store.deliveries.asked_and_confirmed(now() - hour, now() + hour) == {"+1201555": (1, 1)}

    async def test_without_a_number_of_ours_the_card_says_to_try_later(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        await store.workspaces.change({"texts_from": ""})
        bot.workspace.cache_clear()
        await self._sign_up(bot, await make_contact(), "(201) 555-0101")
        part = await self._sign_up(bot, person := await make_contact(), "(202) 555-0102")
        view = await self._view(bot, part, person)
        assert (view.withheld, view.text_href) == (True, "")
        assert view.waits, "a text can be asked for later"


def solved(challenge: str) -> str:
    """As the browser sends it."""
    given = Challenge.from_dict(json.loads(challenge))
    solution = solve_challenge(given)
    assert solution
    return Payload(given, solution).to_base64()


class TestProofOfWork:
    @pytest.fixture
    def proofs(self, store: Store) -> ProofOfWork:
        return ProofOfWork(store, secret="s", cost=1)

    async def test_it_counts_once_in_all_processes(self, proofs: ProofOfWork, store: Store) -> None:
        proof, other = solved(await proofs.challenge()), ProofOfWork(store, secret="s", cost=1)
        judged = await asyncio.gather(*(one.judge(proof) for one in [proofs, other] * 5))
        assert Counter(judged) == {Proof.GIVEN: 1, Proof.MISSING: 9}

    @pytest.mark.parametrize("given", ["", "?", "e30=", "bnVsbA==", "W10=", "9" * 2000])
    async def test_anything_else_is_none(self, proofs: ProofOfWork, given: str) -> None:
        assert await proofs.judge(given) is Proof.MISSING

    async def test_a_browser_that_cannot_and_a_form_that_cannot(self, proofs: ProofOfWork) -> None:
        assert [await proofs.judge(IMPOSSIBLE), await proofs.judge(None)] == [Proof.IMPOSSIBLE, Proof.EXEMPT]

    async def test_of_another_workspace_easier_or_without_work(self, proofs: ProofOfWork, store: Store) -> None:
        foreign = ProofOfWork(store, secret="other", cost=1)
        assert await proofs.judge(solved(await foreign.challenge())) is Proof.MISSING
        easier = json.loads(await proofs.challenge())
        easier["parameters"]["keyPrefix"] = ""
        assert await proofs.judge(solved(json.dumps(easier))) is Proof.MISSING
        guess = Payload(Challenge.from_dict(json.loads(await proofs.challenge())), Solution(1, "00" * 32))
        assert await proofs.judge(guess.to_base64()) is Proof.MISSING

    async def test_it_expires(self, proofs: ProofOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof_of_work, "VALID_FOR", timedelta(seconds=-2))
        assert await proofs.judge(solved(await proofs.challenge())) is Proof.MISSING


@dataclass
class _Attacker(Visitor):
    """A visitor behind a proxy that tells their address."""

    address: str = ATTACKER

    @property
    def headers(self) -> dict[str, str]:
        return {**super().headers, "X-Forwarded-For": self.address}


async def _states(store: Store, count: int) -> Counter[DeliveryState]:
    """The states of the texts that forms caused, once all are queued."""

    async def queued() -> list[Any]:
        found = await store.deliveries.newest(limit=1000)
        return found if len(found) == count else []

    return Counter(delivery.state for delivery in await eventually(queued))


async def test_one_network_makes_a_handful_of_texts_leave(
    mongo: EmbeddedServer, demo_store: Store, settings: Settings
) -> None:
    """Through two processes at once, from rotating addresses of one network, with rotating numbers and visitors."""
    count = 200
    few = settings.model_copy(update={"trusted_proxies": 1, "form_limit": 10})
    async with (
        open_store(mongo.url, demo_store.database.name) as one,
        open_store(mongo.url, demo_store.database.name) as other,
        serving(one, few) as first,
        serving(other, few) as second,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        for server in (first, second):
            server.app[BOT].form_limits.clock = lambda: AT
        bases = [str(server.make_url("")).rstrip("/") for server in (first, second)]
        people = [_Attacker(session, bases[i % 2], address=f"203.0.113.{i}") for i in range(count)]
        await asyncio.gather(*(person.open() for person in people))
        numbers = [f"(201) {200 + i}-0123" for i in range(count)]
        said = await asyncio.gather(*(p.submit(number) for p, number in zip(people, numbers, strict=True)))
        found = await _states(demo_store, count)
    assert {status for status, _ in said} == {200}
    withheld = sum("t text you right now" in html for _, html in said)
    assert (withheld, found[DeliveryState.BLOCKED]) == (count - 10, count - 10)
    assert await demo_store.events.count_about() == count, "every answer is kept"
