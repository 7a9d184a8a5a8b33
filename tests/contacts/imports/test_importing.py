"""Imports into a real database: who is found, what is recorded, what stays as it was."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.verify import verify
from bot.contacts.imports import importer
from bot.contacts.imports.importer import TAKEN, BatchResult, _judge
from bot.contacts.imports.row_changes import RowChanges
from bot.contacts.imports.rows import WantedRow
from bot.demo import DEALS
from bot.errors import Conflict, FormWrong, JobConflict, SavedNumberLocked
from bot.i18n import translator
from bot.jobs.rules import JobAction
from bot.jobs.service import JobService
from bot.model.attribute import AttributeType
from bot.model.base import new_id, now
from bot.model.contact import Consent, ConsentState, Contact, Role
from bot.model.contact_import import ContactImport, ImportPlan
from bot.model.event import Action, Actor, Grade, How, Source
from bot.model.filter import Filter
from bot.model.job import Job, JobState
from bot.model.teammate import By
from bot.store import Store
from tests.conftest import eventually
from tests.contacts.imports.working import at_work
from tests.people import ANOTHER, NUMBER, change, events_of

ADA = By("ada", "Ada")
HEADER = "user_id,name,email,phone,consent,date"
TARGETS = ("external_id", "name", "email", "phone", f"consent:{DEALS}", f"date:{DEALS}")
YES = "subscribed"
NO_NUMBER = (
    "phone: Enter a mobile number in the United States, like (201) 555-0123. "
    "For another country, start with + and its code, like +44."
)


@dataclass
class Desk:
    """Uploads, checks, imports and undoes files as a teammate does."""

    bot: Bot

    @property
    def jobs(self) -> JobService:
        return self.bot.jobs

    async def upload(self, *lines: str, header: str = HEADER) -> ContactImport:
        data = "\n".join((header, *lines)).encode()
        return await self.bot.imports.upload(io.BytesIO(data), "list.csv", len(data), ADA)

    async def checked(self, *lines: str, header: str = HEADER, **plan: Any) -> ContactImport:
        file = await self.upload(*lines, header=header)
        file = await self.bot.imports.check(file.id, ImportPlan(**{"targets": TARGETS, "how": How.OTHER, **plan}), ADA)
        await self.ended(file.check or "")
        return file

    async def imported(self, *lines: str, header: str = HEADER, **plan: Any) -> tuple[ContactImport, dict[str, int]]:
        file = await self.checked(*lines, header=header, **plan)
        job = await self.ended((await self.bot.imports.start(file.id, ADA)).id)
        assert job.state is JobState.DONE, job.error
        return await self.bot.imports.files.get(file.id), counts(job)

    async def undone(self, file: ContactImport) -> dict[str, int]:
        return counts(await self.ended((await self.bot.imports.undo(file.id, ADA)).id))

    async def ended(self, id: str) -> Job:
        async def there() -> Job | None:
            job = await self.jobs.get(id)
            return job if job.state in {JobState.DONE, JobState.FAILED} else None

        job: Job = await eventually(there)
        return job

    async def reasons(self, job: str | None) -> list[tuple[str, str, str]]:
        kind = self.jobs.kinds["import_contacts"]
        items = (await self.jobs.items(job or "", limit=100)).items
        return [(item.item, item.outcome, kind.said(item.detail, translator("en"))) for item in items]


def counts(job: Job) -> dict[str, int]:
    return {outcome: count for outcome, count in job.counts.items() if count}


@pytest.fixture
async def desk(bot: Bot) -> AsyncIterator[Desk]:
    async with at_work(bot.jobs):
        yield Desk(bot)


async def everyone(store: Store) -> dict[str | None, Contact]:
    """By name."""
    return {contact.name: contact for contact in await store.contacts.page("", limit=1000)}


def deals(contact: Contact) -> Consent:
    found = contact.consent(DEALS)
    assert found
    return found


async def test_rows_of_one_person_are_taken_in_order_whatever_is_written_at_the_same_time(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "SLICE", 2)
    others = [f",Person {i},p{i}@example.com,201555{1000 + i},{YES},2025-03-31" for i in range(9)]
    maya = [f",Maya,maya@example.com,{NUMBER},{consent},2025-03-31" for consent in (YES, "unsubscribed", YES)]
    file, counted = await desk.imported(maya[0], *others[:4], maya[1], *others[4:], maya[2], how=How.PAPER)
    people = await everyone(store)
    assert deals(people["Maya"]).state is ConsentState.OPTED_OUT, "a later yes is no newer"
    assert all(deals(people[f"Person {i}"]).state is ConsentState.OPTED_IN for i in range(9))
    assert counted["created"] == 10
    assert (await verify(store, repair=False)).is_whole
    assert (await desk.undone(file))["retracted"] == 9


async def test_new_people_are_added_with_graded_consent(desk: Desk, store: Store) -> None:
    _, result = await desk.imported(
        f"7,Ada,ada@example.com,(201) 555-0123,{YES},2025-03-31",
        f",Ben,,201-555-0124,{YES},2025-04-01",
        how=How.WRITTEN,
    )
    assert result == {"created": 2, "opted_in": 2}
    people = await everyone(store)
    ada, ben = people["Ada"], people["Ben"]
    assert (ada.role, ada.external_id, ada.email, ada.phone) == (Role.USER, "7", "ada@example.com", NUMBER)
    assert (ben.role, ben.phone, ben.last_seen_at) == (Role.LEAD, ANOTHER, None)
    assert deals(ada).grade is Grade.WRITTEN_ELSEWHERE
    events = await events_of(store, ada.id)
    assert [(event.action, event.source, event.actor.id) for event in events] == [
        (Action.CHANGE_ADDRESS, Source.IMPORT, "ada"),
        (Action.OPT_IN, Source.IMPORT, "ada"),
    ]
    consent = events[-1]
    assert (consent.words, consent.evidence.given_at) == (None, datetime(2025, 3, 31, tzinfo=UTC))
    assert consent.at > now() - timedelta(minutes=5), "the ledger's own time"
    assert "list.csv, line 2" in consent.evidence.note
    assert len(await events_of(store, ben.id)) == 1, "his number came with the consent"
    assert await store.deliveries.count_about() == 0, "nobody is sent anything"
    assert (await verify(store, repair=False)).is_whole


async def test_people_are_asked_to_confirm_and_messages_follow_only_if_ticked(desk: Desk, store: Store) -> None:
    await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    rows = (f"7,Ada,,2015550123,{YES},", "8,Ben,,2015550124,no,")
    file, result = await desk.imported(*rows, asks=True, confirmation=True, flows=True)
    assert result == {"created": 2, "asked": 1, "opted_out": 1}
    people = await everyone(store)
    assert (people["Ada"].phone, deals(people["Ada"]).state) == (NUMBER, ConsentState.PENDING)
    asked, no = [(await events_of(store, people[name].id))[-1] for name in ("Ada", "Ben")]
    assert (asked.follow_ups, no.follow_ups) == (["question", "confirmation", "flows"], ["flows"])
    assert await desk.undone(file) == {"restored": 1, "kept": 1, "retracted": 1}
    assert (await verify(store, repair=False)).is_whole
    _, result = await desk.imported(*rows[:1])
    (event,) = [
        e for c in (await everyone(store)).values() if c.external_id == "7" for e in await events_of(store, c.id)
    ]
    assert (result, event.action, event.follow_ups) == ({"created": 1, "opted_in": 1}, Action.OPT_IN, None)


async def test_people_are_found_by_user_id_then_email_then_number(desk: Desk, store: Store) -> None:
    await desk.imported("7,Ada,ada@example.com,(201) 555-0123,,", ",Ben,ben@example.com,,,", ",Cem,,(201) 555-0125,,")
    _, result = await desk.imported(
        "7,Ada L.,other@example.com,,,", ",Ben B.,BEN@example.com,,,", ",Cem C.,,+1 201 555 0125,,"
    )
    assert result == {"updated": 3}
    people = await everyone(store)
    assert set(people) == {"Ada L.", "Ben B.", "Cem C."}
    assert people["Ada L."].email == "ada@example.com", "never replaced"


async def test_two_rows_of_one_person_are_one_contact(desk: Desk, store: Store) -> None:
    _, result = await desk.imported(f",Ada,a@x.com,(201) 555-0123,{YES},", ",Ada L.,A@X.COM,,,", ",,,2015550123,no,")
    assert result == {"created": 1, "updated": 2, "opted_in": 1, "opted_out": 1}
    (ada,) = (await everyone(store)).values()
    assert (ada.name, deals(ada).state) == ("Ada L.", ConsentState.OPTED_OUT)


async def test_a_row_whose_user_id_is_taken_meanwhile_fails_and_is_imported_again(
    desk: Desk, store: Store, make_contact: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.import_changes.insert_many

    async def late(changes: Any) -> list[bool]:
        monkeypatch.setattr(store.import_changes, "insert_many", real)
        await make_contact(name="Site", external_id="7", role=Role.USER)
        return await real(changes)

    monkeypatch.setattr(store.import_changes, "insert_many", late)
    file, result = await desk.imported(f"7,Ada,,2015550123,{YES},", f"8,Ben,,2015550124,{YES},")
    assert (result["created"], result["failed"]) == (1, 1)
    assert [why for _, _, why in await desk.reasons(file.job)] == [TAKEN]
    _, result = await desk.imported(f"7,Ada,,2015550123,{YES},")
    assert result == {"updated": 1, "opted_in": 1}
    assert (await verify(store, repair=False)).is_whole


async def test_a_user_with_another_id_is_somebody_else(desk: Desk, store: Store) -> None:
    await desk.imported("7,Ada,family@example.com,,,")
    _, result = await desk.imported("8,Ben,family@example.com,,,")
    assert result == {"created": 1}


async def test_a_row_that_may_be_about_several_contacts_is_refused_but_its_no_is_taken(
    desk: Desk, store: Store, make_contact: Any
) -> None:
    people = [await make_contact(name=name) for name in ("Ada", "Ben")]
    for contact in people:
        await desk.bot.ledger.record(change(contact.id, "1"))
    file, result = await desk.imported(",Eve,,(201) 555-0123,unsubscribed,", f",Eve,,(201) 555-0123,{YES},")
    assert result == {"failed": 2, "opted_out": 2}
    assert [reason for _, _, reason in await desk.reasons(file.job)] == [
        "2 contacts have this email address or phone number. Add the user ID, or merge them first."
    ] * 2
    assert {deals(contact).state for contact in (await everyone(store)).values()} == {ConsentState.OPTED_OUT}


class TestNo:
    async def test_a_yes_never_beats_a_personal_no(self, desk: Desk, store: Store, make_contact: Any) -> None:
        ada = await make_contact(external_id="7", role=Role.USER)
        await desk.bot.ledger.record(change(ada.id, "1", Action.OPT_OUT))
        await desk.bot.ledger.record(change(ada.id, "2", Action.CHANGE_ADDRESS, subscription=None))
        file, result = await desk.imported(f"7,,,2015550123,{YES},2025-01-01", how=How.WRITTEN)
        assert result == {"same": 1, "refused": 1}
        assert await desk.reasons(file.job) == [
            (
                "00000002.1",
                "refused",
                "This person opted out after that. Only consent given after their opt-out counts.",
            )
        ]
        assert deals(await self._contact(store, ada)).state is ConsentState.OPTED_OUT

    async def test_a_newer_yes_counts_only_in_writing(self, desk: Desk, store: Store, make_contact: Any) -> None:
        ada = await make_contact(external_id="7", role=Role.USER)
        await desk.bot.ledger.record(change(ada.id, "1", Action.OPT_OUT))
        await desk.bot.ledger.record(change(ada.id, "2", Action.CHANGE_ADDRESS, subscription=None))
        later = (now() + timedelta(seconds=30)).isoformat()
        _, spoken = await desk.imported(f"7,,,2015550123,{YES},{later}", how=How.SPOKEN)
        assert spoken == {"same": 1, "refused": 1}
        _, written = await desk.imported(f"7,,,2015550123,{YES},{later}", how=How.WRITTEN)
        assert written == {"updated": 1, "opted_in": 1}

    async def test_it_is_for_everyone_with_the_number_or_address(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Ada,a@x.com,2015550123,{YES},", f"8,Ben,b@x.com,2015550124,{YES},", how=How.PAPER)
        _, result = await desk.imported(",,a@x.com,2015550124,unsubscribed,")
        assert result == {"updated": 1, "opted_out": 2}
        assert {deals(c).state for c in (await everyone(store)).values()} == {ConsentState.OPTED_OUT}

    async def test_it_is_found_by_an_email_address_in_any_case(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Maya,Maya@Example.com,2015550123,{YES},")
        _, result = await desk.imported(",,mAYA@example.COM,,no,")
        assert result == {"updated": 1, "opted_out": 1}

    async def test_it_reaches_a_number_whose_user_is_another(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Ada,,2015550123,{YES},")
        _, result = await desk.imported("9,Eve,,2015550123,no,", creates=False)
        assert result == {"skipped": 1, "opted_out": 1}

    async def test_all_texts_end_for_everyone_with_the_number(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Ada,a@x.com,2015550123,{YES},", f"8,Ben,b@x.com,2015550124,{YES},")
        plan: dict[str, Any] = {"header": "email,phone,status", "targets": ("email", "phone", "consent:texts")}
        await desk.imported("a@x.com,2015550124,opt-out", **plan)
        assert {deals(c).state for c in (await everyone(store)).values()} == {ConsentState.OPTED_OUT}

    async def test_a_yes_on_a_new_contact_does_not_pass_by_the_no_of_the_number(self, desk: Desk, store: Store) -> None:
        await desk.imported("7,Ada,,2015550123,no,")
        file, result = await desk.imported(f"9,Eve,,2015550123,{YES},2025-01-01", how=How.WRITTEN)
        assert result == {"created": 1, "refused": 1}
        assert [reason for _, _, reason in await desk.reasons(file.job)] == [
            "This person opted out after that. Only consent given after their opt-out counts."
        ]
        eve = (await everyone(store))["Eve"]
        assert (eve.phone, eve.consents) == (NUMBER, ())
        later = (now() + timedelta(seconds=30)).isoformat()
        _, result = await desk.imported(f"10,Fay,,2015550123,{YES},{later}", how=How.WRITTEN)
        assert result == {"created": 1, "opted_in": 1}

    async def test_nor_does_one_in_the_same_file(self, desk: Desk, store: Store) -> None:
        rows = ("7,Ada,,2015550123,no,", f"9,Eve,,2015550123,{YES},2025-01-01")
        _, result = await desk.imported(*rows, how=How.WRITTEN)
        assert result == {"created": 2, "opted_out": 1, "refused": 1}

    async def test_a_no_is_always_taken(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Ada,,2015550123,{YES},2025-01-01")
        _, result = await desk.imported("7,Ada,,2015550123,no,2020-01-01", "8,Ben,,2015550124,unsubscribed,")
        assert result == {"updated": 1, "created": 1, "opted_out": 2}
        assert {deals(c).state for c in (await everyone(store)).values()} == {ConsentState.OPTED_OUT}

    async def test_the_no_of_a_wrong_row_is_taken(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Ada,,2015550123,{YES},2025-01-01")
        _, result = await desk.imported("7,Ada,nonsense,2015550123,no,")
        assert result == {"failed": 1, "opted_out": 1}

    async def test_a_stopped_number_stays_stopped(self, desk: Desk, store: Store) -> None:
        await desk.bot.stops.stop(NUMBER, "STOP", "1")
        _, result = await desk.imported(f"7,Ada,,2015550123,{YES},2026-01-01", how=How.WRITTEN)
        assert result == {"created": 1, "refused": 1}
        (ada,) = (await everyone(store)).values()
        assert (ada.phone, ada.consents) == (NUMBER, ())
        assert await desk.bot.stops.is_stopped(NUMBER)

    async def test_a_list_of_opted_out_numbers_stops_them_and_makes_no_contacts(self, desk: Desk, store: Store) -> None:
        await desk.imported(f"7,Ada,,2015550123,{YES},2025-01-01")
        _, result = await desk.imported(
            "+12015550123,opt-out", "+12015550124,opt-out", "+12015550125,opt-in",
            header="contact_id,status", targets=("phone", "consent:texts"),
        )  # fmt: skip
        assert result == {"stopped": 2, "updated": 1, "created": 1, "opted_out": 2}, "out of both SMS subscriptions"
        stopped = await store.stops.stopped([NUMBER, ANOTHER, "+12015550125"])
        assert stopped == {NUMBER, ANOTHER}
        assert deals((await everyone(store))["Ada"]).state is ConsentState.OPTED_OUT

    @staticmethod
    async def _contact(store: Store, contact: Contact) -> Contact:
        found = await store.contacts.get(contact.id)
        assert found
        return found


async def test_a_consent_is_for_the_number_in_its_row(desk: Desk, store: Store) -> None:
    await desk.imported("7,Ada,,2015550123,,")
    file, result = await desk.imported(f"7,Ada,,2015550124,{YES},2025-01-01", f"7,Ada,,,{YES},2025-01-01")
    assert result == {"same": 2, "refused": 2}
    assert [reason for _, _, reason in await desk.reasons(file.job)] == [
        "This contact has another phone number. The consent was not imported.",
        "There's no phone number to text. The consent was not imported.",
    ]


def test_a_number_that_was_saved_meanwhile_refuses_the_consent_and_not_the_batch() -> None:
    plan, result = RowChanges(WantedRow(2)), BatchResult()
    _judge(result, plan, Action.OPT_IN, SavedNumberLocked())
    assert [(problem.line, problem.outcome) for problem in result.problems] == [(2, "refused")]


async def test_nothing_is_filled_in_where_a_stranger_may_read_it(desk: Desk, store: Store, make_contact: Any) -> None:
    """Somebody opened the chat and typed an email address: whose it is, nobody knows."""
    lead = await make_contact(last_seen_at=now())
    typed = change(lead.id, "1", Action.CHANGE_ADDRESS, subscription=None, number=None, email="ada@example.com")
    await desk.bot.ledger.record(typed)
    _, result = await desk.imported("7,Ada Lovelace,ada@example.com,2015550123,,")
    assert result == {"same": 1}
    kept = await store.contacts.get(lead.id)
    assert kept
    assert (kept.external_id, kept.name, kept.phone) == (None, None, None)


async def test_attributes_and_tags_are_imported(desk: Desk, store: Store) -> None:
    await desk.bot.attributes.create("Seats", AttributeType.NUMBER, ADA)
    await desk.bot.tags.create("VIP", ADA)
    plan: dict[str, Any] = {"header": "phone,seats,tags", "targets": ("phone", "attribute:seats", "tags")}
    _, result = await desk.imported('2015550123,5,"vip, New"', "2015550124,many,", **plan)
    assert result == {"created": 1, "failed": 1}
    (ada,) = (await everyone(store)).values()
    names = {tag.id: tag.name for tag in await desk.bot.tags.all()}
    assert (ada.attributes, {names[tag] for tag in ada.tags}) == ({"seats": 5.0}, {"VIP", "New"})


@pytest.mark.parametrize(("existing", "name"), [("update", "Augusta"), ("fill", "Ada"), ("skip", "Ada")])
async def test_fields_of_known_contacts(desk: Desk, store: Store, existing: str, name: str) -> None:
    await desk.imported("7,Ada,,,,")
    await desk.imported(f"7,Augusta,ada@example.com,2015550123,{YES},2025-01-01", existing=existing)
    (ada,) = (await everyone(store)).values()
    assert (ada.name, ada.email is None) == (name, existing == "skip")


async def test_unknown_people_are_left_out_if_wanted(desk: Desk, store: Store) -> None:
    _, result = await desk.imported("7,Ada,,,,", creates=False)
    assert result == {"skipped": 1}
    assert await everyone(store) == {}


async def test_a_check_says_what_would_happen_and_changes_nothing(desk: Desk, store: Store) -> None:
    await desk.imported("7,Ada,,2015550123,,")
    rows = (f"7,Ada L.,,2015550123,{YES},2025-01-01", "8,Ben,,2015550124,no,", ",,,nonsense,,", "7,Ada,,,maybe,")
    before = [contact.stored() for contact in await store.contacts.page("", limit=9)]
    file = await desk.checked(*rows)
    job = await desk.jobs.get(file.check or "")
    assert counts(job) == {"updated": 1, "created": 1, "opted_in": 1, "opted_out": 1, "failed": 2}
    assert await desk.reasons(file.check) == [
        ("00000004", "failed", NO_NUMBER),
        ("00000005", "failed", "consent: Unrecognized consent. Use “subscribed” or “unsubscribed”."),
    ]
    assert [contact.stored() for contact in await store.contacts.page("", limit=9)] == before
    job = await desk.ended((await desk.bot.imports.start(file.id, ADA)).id)
    assert counts(job) == {"updated": 1, "created": 1, "opted_in": 1, "opted_out": 1, "failed": 2}


async def test_only_rows_that_failed_are_kept_to_be_fixed(desk: Desk, store: Store) -> None:
    file, _ = await desk.imported("7,Ada,,2015550123,,", "8,Ben,,nonsense,,")
    found = [row async for rows in desk.bot.imports.failed_rows(file, translator("en")) for row in rows]
    assert found == [["8", "Ben", "", "nonsense", "", "", "3", NO_NUMBER]]
    assert "Ada" not in str(await store.import_pieces.collection.find().to_list(9))


async def test_a_file_is_imported_once_and_only_after_a_check(desk: Desk) -> None:
    file = await desk.upload("7,Ada,,,,")
    with pytest.raises(Conflict):
        await desk.bot.imports.start(file.id, ADA)
    with pytest.raises(FormWrong):
        await desk.bot.imports.check(file.id, ImportPlan(targets=("name",) * 6), ADA)
    file, _ = await desk.imported("7,Ada,,,,")
    assert (await desk.bot.imports.start(file.id, ADA)).id == file.job
    await desk.bot.imports.files.change(file.id, {"job": None})  # as after a crash in between
    await desk.bot.imports.start(file.id, ADA)
    assert (await desk.bot.imports.files.get(file.id)).job == file.job
    with pytest.raises(Conflict):
        await desk.bot.imports.check(file.id, ImportPlan(targets=TARGETS, how=How.OTHER), ADA)


async def test_a_refused_file_leaves_nothing(desk: Desk, store: Store) -> None:
    data = b"Name,Phone\n" + b"Ada,2015550123\n" * 1500 + b'"never closed\n' + b"x" * 200_000
    with pytest.raises(Exception, match="Line 1,502"):
        await desk.bot.imports.upload(io.BytesIO(data), "list.csv", len(data), ADA)
    assert await desk.bot.imports.files.newest() == []
    assert all(piece.rows == [] for piece in await store.import_pieces.page("", limit=9))


class TestUndo:
    async def test_people_it_added_are_emptied_and_their_consents_retracted(self, desk: Desk, store: Store) -> None:
        file, _ = await desk.imported(f"7,Ada,a@x.com,2015550123,{YES},2025-01-01")
        assert await desk.undone(file) == {"restored": 1, "retracted": 1}
        contact = await self._one(store)
        assert (contact.name, contact.external_id, contact.email, contact.phone) == (None, None, None, None)
        assert contact.consents == ()
        assert (await desk.bot.finder.page(Filter())).items == []
        assert (await verify(store, repair=False)).is_whole

    async def test_whoever_opted_out_is_still_found_by_the_next_import(self, desk: Desk, store: Store) -> None:
        file, _ = await desk.imported("8,Ben,,2015550124,no,")
        assert await desk.undone(file) == {"kept": 1}
        assert (await self._one(store)).phone == ANOTHER
        _, result = await desk.imported(f",Ben,,2015550124,{YES},2025-01-01")
        assert result == {"same": 1, "refused": 1}
        assert deals(await self._one(store)).state is ConsentState.OPTED_OUT

    async def test_a_number_that_it_filled_in_stays_with_an_opt_out(
        self, desk: Desk, store: Store, make_contact: Any
    ) -> None:
        ada = await make_contact(name="Ada", external_id="7", role=Role.USER)
        file, _ = await desk.imported("7,Augusta,,2015550123,no,")
        assert await desk.undone(file) == {"kept": 1}
        assert ((await self._one(store)).id, (await self._one(store)).phone) == (ada.id, NUMBER)
        assert (await self._one(store)).name == "Ada"

    async def test_a_yes_that_a_merge_took_over_is_retracted(self, desk: Desk, store: Store, make_contact: Any) -> None:
        kept = await make_contact(name="Ada L.")
        file, _ = await desk.imported(f"7,Ada,,2015550123,{YES},2025-01-01")
        other = (await everyone(store))["Ada"]
        await desk.bot.merge.merge(kept.id, other.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        merged = await desk.bot.ledger.contact(kept.id)
        assert merged
        assert deals(merged).state is ConsentState.OPTED_IN
        assert await desk.undone(file) == {"kept": 1, "retracted": 1}
        after = await desk.bot.ledger.contact(kept.id)
        assert after
        assert (after.consents, after.name, after.phone) == ((), "Ada L.", NUMBER)
        assert (await verify(store, repair=False)).is_whole

    async def test_whoever_was_erased_since_stays_so(self, desk: Desk, store: Store) -> None:
        file, _ = await desk.imported("7,Ada,a@x.com,2015550123,,", "8,Ben,,,,")
        ada = (await everyone(store))["Ada"]
        await desk.bot.eraser.erase(ada.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        assert await desk.undone(file) == {"restored": 1}
        after = await store.contacts.get(ada.id)
        assert after
        assert (after.is_gone, after.name, after.external_id, after.user_keys) == (True, None, None, ())
        assert (await verify(store, repair=False)).is_whole

    async def test_the_corrected_file_can_be_imported_afterwards(self, desk: Desk, store: Store) -> None:
        """Taking a yes back is no opt-out, which older consent could not override."""
        row = f"7,Ada,a@x.com,2015550123,{YES},2025-01-01"
        file, _ = await desk.imported(row, how=How.SPOKEN)
        await desk.undone(file)
        _, result = await desk.imported(row, how=How.WRITTEN)
        assert result == {"created": 1, "opted_in": 1}

    async def test_fields_are_as_they_were(self, desk: Desk, store: Store) -> None:
        await desk.bot.attributes.create("Seats", AttributeType.NUMBER, ADA)
        targets = ("external_id", "name", "email", "attribute:seats", "tags")
        plan: dict[str, Any] = {"header": "id,name,email,seats,tags", "targets": targets}
        await desk.imported("7,Ada,,5,Old", **plan)
        before = await self._one(store)
        file, _ = await desk.imported('7,Augusta,a@x.com,6,"Old,New"', "7,Countess,,7,", **plan)
        assert await desk.undone(file) == {"restored": 2}
        after = await self._one(store)
        kept = {"name", "email", "attributes", "tags", "external_id", "terms"}
        assert {k: v for k, v in after.stored().items() if k in kept} == {
            k: v for k, v in before.stored().items() if k in kept
        }

    async def test_what_happened_since_stays(self, desk: Desk, store: Store) -> None:
        file, _ = await desk.imported(f"7,Ada,,2015550123,{YES},2025-01-01", f"8,Ben,,2015550124,{YES},2025-01-01")
        people = await everyone(store)
        ada, ben = people["Ada"], people["Ben"]
        await desk.bot.ledger.record(change(ada.id, "own", Action.OPT_OUT))
        await desk.bot.ledger.record(change(ben.id, "out", Action.OPT_OUT, number=ANOTHER))
        await desk.bot.ledger.record(change(ben.id, "in", number=ANOTHER))
        assert await desk.undone(file) == {"kept": 2}
        people = await everyone(store)
        assert deals(people["Ada"]).state is ConsentState.OPTED_OUT
        assert (deals(people["Ben"]).state, people["Ben"].phone) == (ConsentState.OPTED_IN, ANOTHER)

    async def test_an_earlier_opt_out_holds_again(self, desk: Desk, store: Store, make_contact: Any) -> None:
        ada = await make_contact(external_id="7", role=Role.USER)
        await desk.bot.ledger.record(change(ada.id, "1", Action.OPT_OUT))
        await desk.bot.ledger.record(change(ada.id, "2", Action.CHANGE_ADDRESS, subscription=None))
        later = (now() + timedelta(seconds=30)).isoformat()
        file, _ = await desk.imported(f"7,,,2015550123,{YES},{later}", how=How.WRITTEN)
        assert await desk.undone(file) == {"restored": 1, "retracted": 1}
        assert deals(await self._one(store)).state is ConsentState.OPTED_OUT

    async def test_a_stopped_number_stays_stopped(self, desk: Desk) -> None:
        file, _ = await desk.imported("+12015550123,opt-out", header="a,b", targets=("phone", "consent:texts"))
        await desk.undone(file)
        assert await desk.bot.stops.is_stopped(NUMBER)

    async def test_it_waits_for_the_import(self, desk: Desk) -> None:
        file = await desk.checked("7,Ada,,,,")
        with pytest.raises(Conflict):
            await desk.bot.imports.undo(file.id, ADA)

    async def test_it_waits_for_the_last_batch_of_an_import_that_was_canceled(self, bot: Bot, store: Store) -> None:
        desk = Desk(bot)
        async with at_work(bot.jobs):
            file = await desk.checked("7,Ada,,,,")
        job = await bot.imports.start(file.id, ADA)
        claimed = await store.jobs.claim(job.id, "worker", 60)
        assert claimed
        await bot.jobs.act(job.id, JobAction.CANCEL, ADA)
        with pytest.raises(Conflict):
            await bot.imports.undo(file.id, ADA)
        await store.jobs.release(claimed)
        assert (await bot.imports.undo(file.id, ADA)).kind == "undo_import"

    async def test_an_import_that_was_undone_is_not_retried(self, desk: Desk, store: Store) -> None:
        file, _ = await desk.imported("7,Ada,,,,")
        await store.jobs.update({"_id": file.job}, {"$set": {"state": JobState.FAILED}})
        await desk.undone(file)
        with pytest.raises(JobConflict):
            await desk.jobs.act(file.job or "", JobAction.RETRY, ADA)

    @staticmethod
    async def _one(store: Store) -> Contact:
        (contact,) = await store.contacts.page("", limit=9)
        return contact


async def test_many_rows_make_several_pieces(desk: Desk, store: Store) -> None:
    rows = [f"{i},N{i},,201555{i:04d},{YES},2025-01-01" for i in range(100, 200)]
    wide = [f"x{i},{'N' * 300},,,," for i in range(2300)]
    file, result = await desk.imported(*rows, *wide, new_id() + ",,,,,")
    assert (file.pieces, result["created"] + result.get("failed", 0)) == (3, 2401)
    assert (await verify(store, repair=False)).is_whole
