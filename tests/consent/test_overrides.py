"""Who may override an opt-out: the table, row by row, without a database; and the ledger, which enforces it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.overrides import OVERRIDES, Grant, Obstacle, obstacle, refusal
from bot.consent.projection import PENDING_FOR
from bot.errors import NumberStopped, OwnOptOut
from bot.model.base import now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import Action, Actor, Context, Evidence, Grade, How, Source
from bot.model.subscription import WRITTEN
from bot.store import Store
from tests.people import AT, NUMBER, change, consent, events_of

MakeContact = Callable[..., Awaitable[Contact]]
HOUR = timedelta(hours=1)
NO = consent(ConsentState.OPTED_OUT, at=AT, event="the-no")
OWN = [(source, "contact") for source in (Source.FORM, Source.PREFERENCE_CENTER, Source.KEYWORD, Source.BOT)]
PROGRAM = (Source.FORM, "program")
TEAMMATE = (Source.PROFILE, "teammate")
OTHERS = [
    (Source.BULK, "teammate"),
    (Source.BULK, "api"),
    (Source.IMPORT, "teammate"),
    (Source.IMPORT, "api"),
    (Source.API, "api"),
]
ROWS = [*OWN, PROGRAM, TEAMMATE, *OTHERS]


def judged(
    row: tuple[Source, str],
    over: Consent | None = NO,
    *,
    stopped: bool = False,
    revoked_until: datetime | None = None,
    **values: Any,
) -> Obstacle | None:
    """A grant on paper, an hour after the opt-out and with the warning, judged two hours after it."""
    usual = {"grade": Grade.PAPER, "given_at": AT + HOUR, "warned_of": "the-no"}
    grant = Grant(source=row[0], actor=row[1], **{**usual, **values})
    return obstacle(grant, over, stopped=stopped, revoked_until=revoked_until, at=AT + 2 * HOUR)


class TestTheTable:
    """Pure."""

    def test_it_has_these_rows(self) -> None:
        assert set(OVERRIDES) == set(ROWS)

    @pytest.mark.parametrize("row", OWN)
    def test_a_persons_own_act_always_counts(self, row: tuple[Source, str]) -> None:
        for grade in (*Grade, None):
            assert judged(row, grade=grade, given_at=None, warned_of=None) is None

    @pytest.mark.parametrize("row", [PROGRAM, TEAMMATE, *OTHERS])
    def test_the_evidence_must_be_newer_than_the_no(self, row: tuple[Source, str]) -> None:
        assert judged(row) is None
        assert judged(row, given_at=AT + timedelta(milliseconds=1)) is None
        for given_at in (AT, AT - HOUR, AT + 2 * HOUR + timedelta(minutes=3)):
            assert judged(row, given_at=given_at) is Obstacle.NOT_NEWER, "the same moment and the future are not newer"
        assert judged(row, given_at=None) is (Obstacle.NOT_WRITTEN if row in OTHERS else Obstacle.NOT_NEWER)

    @pytest.mark.parametrize("grade", Grade)
    def test_a_teammate_may_have_heard_it(self, grade: Grade) -> None:
        assert judged(TEAMMATE, grade=grade) is None

    @pytest.mark.parametrize("row", [PROGRAM, TEAMMATE])
    @pytest.mark.parametrize("warned_of", [None, "", "an-older-no"])
    def test_it_has_to_name_this_no(self, row: tuple[Source, str], warned_of: str | None) -> None:
        assert judged(row, warned_of=warned_of) is Obstacle.NOT_WARNED

    @pytest.mark.parametrize("row", OTHERS)
    @pytest.mark.parametrize("grade", [*Grade, None])
    def test_bulk_import_and_api_need_it_in_writing(self, row: tuple[Source, str], grade: Grade | None) -> None:
        wanted = None if grade in WRITTEN else Obstacle.NOT_WRITTEN
        assert judged(row, grade=grade, warned_of=None) is wanted

    @pytest.mark.parametrize("source", Source)
    @pytest.mark.parametrize("actor", ["contact", "teammate", "bot", "api", "system", "stranger", "program"])
    def test_what_is_not_in_it_overrides_nothing(self, source: Source, actor: str) -> None:
        if (source, actor) not in ROWS:
            assert judged((source, actor)) is Obstacle.IMPOSSIBLE

    @pytest.mark.parametrize("row", ROWS)
    def test_a_stopped_number_is_lifted_by_its_own_text_alone(self, row: tuple[Source, str]) -> None:
        """The person's own act is recorded, and grants nothing: only START lifts the stop."""
        wanted = None if row in [*OWN, PROGRAM] else Obstacle.STOPPED
        assert judged(row, stopped=True) is wanted
        assert judged(row, None, stopped=True) is wanted

    @pytest.mark.parametrize("row", ROWS)
    def test_where_there_is_no_opt_out_nothing_is_needed(self, row: tuple[Source, str]) -> None:
        states = (ConsentState.NONE, ConsentState.PENDING, ConsentState.OPTED_IN)
        for over in (None, *(consent(state) for state in states)):
            assert judged(row, over, grade=None, given_at=None, warned_of=None) is None

    @pytest.mark.parametrize("row", [PROGRAM, TEAMMATE, *OTHERS])
    @pytest.mark.parametrize("source", Source)
    def test_it_holds_whoever_recorded_the_no(self, row: tuple[Source, str], source: Source) -> None:
        no = NO.model_copy(update={"source": source})
        assert judged(row, no, given_at=AT - HOUR) is Obstacle.NOT_NEWER

    @pytest.mark.parametrize("row", [PROGRAM, TEAMMATE, *OTHERS])
    def test_a_stop_is_a_no_of_whoever_has_the_number(self, row: tuple[Source, str]) -> None:
        """Also after its START, and where no opt-out was recorded for this contact."""
        old = consent(ConsentState.OPTED_IN, at=AT - HOUR)
        for over in (None, old, consent(ConsentState.NONE, at=AT - HOUR)):
            assert judged(row, over, revoked_until=AT + HOUR) is Obstacle.NOT_NEWER
            assert judged(row, over, revoked_until=AT) is None
        since = consent(ConsentState.OPTED_IN, at=AT + HOUR)
        assert judged(row, since, revoked_until=AT, grade=None, given_at=None) is None, "they have said yes since"

    def test_a_no_holds_while_a_confirmation_is_pending(self) -> None:
        asked = consent(ConsentState.PENDING, was=ConsentState.OPTED_OUT, at=AT)
        assert judged((Source.API, "api"), asked, given_at=AT - HOUR) is Obstacle.NOT_NEWER

    def test_each_obstacle_is_an_error_with_its_code(self) -> None:
        api = Grant(source=Source.API, actor="api")
        error = refusal(api, NO, stopped=False, at=AT + HOUR)
        assert isinstance(error, OwnOptOut)
        assert (error.code, error.obstacle) == ("own_opt_out", Obstacle.NOT_WRITTEN)
        assert isinstance(refusal(api, NO, stopped=True, at=AT + HOUR), NumberStopped)
        assert refusal(replace(api, source=Source.FORM, actor="contact"), NO, stopped=True, at=AT) is None


def by(kind: str) -> Actor:
    return Actor(kind=kind, id="a" * 24)


class TestTheLedger:
    async def test_it_asks_the_table(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        ada = await make_contact()
        no = await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT, source=Source.PREFERENCE_CENTER))
        paper = Evidence(how=How.PAPER, given_at=no.event.at + timedelta(seconds=1))
        old = paper.model_copy(update={"given_at": no.event.at})
        spoken = paper.model_copy(update={"how": How.SPOKEN})
        tries: list[dict[str, Any]] = [
            {"source": Source.API, "actor": by("api")},
            {"source": Source.API, "actor": by("api"), "evidence": old},
            {"source": Source.BULK, "actor": by("teammate"), "evidence": spoken},
            {"source": Source.IMPORT, "actor": by("teammate"), "evidence": spoken},
            {"source": Source.PROFILE, "actor": by("teammate"), "evidence": paper},
            {"source": Source.PROFILE, "actor": by("teammate"), "evidence": old, "warned_of": no.event.event},
            {"source": Source.FORM, "actor": by("api")},
            {"source": Source.FORM, "actor": by("contact")},
            {"source": Source.FORM, "context": Context(via="token"), "warned_of": no.event.event},
            {"source": Source.FORM, "context": Context(via="token"), "shown_at": now() + timedelta(seconds=1)},
            {"source": Source.SYSTEM, "actor": by("system")},
        ]
        grants = (Action.OPT_IN, Action.CONFIRM, Action.REQUEST_CONFIRMATION)
        changes = [change(ada.id, f"{i}{to}", to, **values) for i, values in enumerate(tries) for to in grants]
        for result in await bot.ledger.record_many(changes):
            assert isinstance(result, OwnOptOut), result
        assert len(await events_of(store, ada.id)) == 1
        warned = change(
            ada.id, "w", source=Source.PROFILE, actor=by("teammate"), evidence=spoken, warned_of=no.event.event
        )
        assert (await bot.ledger.record(warned)).event.grade is Grade.ORAL_ATTESTED

    @pytest.mark.parametrize("source", [Source.API, Source.IMPORT])
    async def test_newer_written_evidence_is_enough(self, bot: Bot, make_contact: MakeContact, source: Source) -> None:
        ada = await make_contact()
        no = await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        evidence = Evidence(how=How.WRITTEN, given_at=no.event.at + timedelta(seconds=1))
        recorded = await bot.ledger.record(change(ada.id, "k", source=source, actor=by("api"), evidence=evidence))
        assert recorded.event.grade is Grade.WRITTEN_ELSEWHERE

    async def test_an_opt_out_needs_nothing(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        await bot.ledger.record(change(ada.id, "yes"))
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT, source=Source.API, actor=by("api")))
        contact = await bot.ledger.contact(ada.id)
        assert contact
        assert contact.consents[0].is_no

    async def test_nobody_else_says_yes_for_a_stopped_number(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        await bot.stops.stop(NUMBER, "STOP", "t1")
        with pytest.raises(NumberStopped):
            await bot.ledger.record(change(ada.id, "k", source=Source.API, actor=by("api")))
        await bot.stops.lift(NUMBER, "START", "t2")
        with pytest.raises(OwnOptOut):
            await bot.ledger.record(change(ada.id, "k", source=Source.API, actor=by("api")))
        paper = Evidence(how=How.PAPER, given_at=now() + timedelta(seconds=1))
        await bot.ledger.record(change(ada.id, "k", source=Source.API, actor=by("api"), evidence=paper))

    async def test_the_same_request_has_the_same_result_after_a_later_no(
        self, bot: Bot, store: Store, make_contact: MakeContact
    ) -> None:
        ada = await make_contact()
        yes = change(ada.id, "k", source=Source.API, actor=by("api"))
        first = await bot.ledger.record(yes)
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        again = await bot.ledger.record(yes)
        assert (again.event.event, again.is_new) == (first.event.event, False)

    async def test_a_no_outlives_any_number_of_confirmations_that_expire(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        ada = await make_contact()
        await bot.ledger.record(change(ada.id, "no", Action.OPT_OUT))
        for key in ("a", "b"):
            await bot.ledger.record(change(ada.id, key, Action.REQUEST_CONFIRMATION))
        with pytest.raises(OwnOptOut):
            await bot.ledger.record(change(ada.id, "api", source=Source.API, actor=by("api")))
        await bot.confirmations.lapse(now() + PENDING_FOR + HOUR)
        contact = await bot.ledger.contact(ada.id)
        assert contact
        assert contact.consents[0].state is ConsentState.OPTED_OUT
