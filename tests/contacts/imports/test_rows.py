"""What the rows and columns of a file mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from bot.contacts.imports.cells import (
    CellRefused,
    ReadNumber,
    plain_number,
    plain_text,
    read_consent,
    read_date,
    read_numbers,
    read_opt_out,
)
from bot.contacts.imports.columns import PRESETS, check_plan, guessed_plan, preset_of
from bot.contacts.imports.rows import ConsentClaim, RowReader, WantedRow, said_faults, stored_faults
from bot.errors import FormWrong
from bot.i18n import translator
from bot.model.contact_import import DateOrder, ImportPlan
from bot.model.event import How
from bot.model.subscription import MessageType, Purpose
from tests.people import AT, TEXTED, subscription

DEALS, NEWS = subscription("deals"), subscription("news", name="News", message_type=MessageType.EMAIL)


class TestCells:
    @pytest.mark.parametrize("text", ["SUBSCRIBED", "yes", " Opted-in ", "TRUE", "1", "opt_in", "active"])
    def test_a_yes(self, text: str) -> None:
        assert read_consent(text) is True

    @pytest.mark.parametrize("text", ["UNSUBSCRIBED", "no", "opted out", "FALSE", "0", "opt-out", "STOP"])
    def test_a_no(self, text: str) -> None:
        assert read_consent(text) is False

    @pytest.mark.parametrize("text", ["", "  ", "NEVER_SUBSCRIBED", "Never subscribed", "unknown", "pending"])
    def test_neither(self, text: str) -> None:
        assert read_consent(text) is None

    def test_an_unknown_word_is_refused(self) -> None:
        with pytest.raises(CellRefused, match="Unrecognized consent"):
            read_consent("maybe")

    @pytest.mark.parametrize(
        ("text", "is_out"), [("yes", True), ("2024-05-01", True), ("texted STOP", True), ("", False), ("false", False)]
    )
    def test_a_column_of_opt_outs_holds_a_yes_or_when(self, text: str, is_out: bool) -> None:
        assert read_opt_out(text) is is_out

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2025-03-31", datetime(2025, 3, 31, tzinfo=UTC)),
            ("2025-03-31T10:20:30Z", datetime(2025, 3, 31, 10, 20, 30, tzinfo=UTC)),
            ("2025-03-31 10:20:30 UTC", datetime(2025, 3, 31, 10, 20, 30, tzinfo=UTC)),
            ("2025-03-31 12:20:30+02:00", datetime(2025, 3, 31, 10, 20, 30, tzinfo=UTC)),
            ("2025/03/31", datetime(2025, 3, 31, tzinfo=UTC)),
            ("20250331", datetime(2025, 3, 31, tzinfo=UTC)),
            ("1743416430", datetime(2025, 3, 31, 10, 20, 30, tzinfo=UTC)),
            ("1743416430123", datetime(2025, 3, 31, 10, 20, 30, 123000, tzinfo=UTC)),
            ("45747.5", datetime(2025, 3, 31, 12, tzinfo=UTC)),
            ("03/31/2025", datetime(2025, 3, 31, tzinfo=UTC)),
            ("31.3.2025", datetime(2025, 3, 31, tzinfo=UTC)),
            ("3/4/25 1:05 PM", datetime(2025, 3, 4, 13, 5, tzinfo=UTC)),
        ],
    )
    def test_dates(self, text: str, expected: datetime) -> None:
        assert read_date(text) == expected

    def test_the_order_of_day_and_month_is_chosen(self) -> None:
        assert read_date("3/4/2025", DateOrder.DAY_FIRST) == datetime(2025, 4, 3, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["soon", "2025-13-01", "13/13/2025", "12", "9" * 40, "31/31/2025"])
    def test_what_is_no_date_is_refused(self, text: str) -> None:
        with pytest.raises(CellRefused):
            read_date(text)

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("12015550123.0", "12015550123"),
            ("1.2015550123E+10", "12015550123"),
            ("1,2015550123e10", "12015550123"),
            ("'+12015550123", "+12015550123"),
            (" (201) 555-0123 ", "(201) 555-0123"),
        ],
    )
    def test_numbers_as_spreadsheets_leave_them(self, text: str, number: str) -> None:
        assert plain_number(text) == number

    @pytest.mark.parametrize("text", ["1.2E+10", "1,20156E+10", "2E10"])
    def test_a_number_that_a_spreadsheet_cut_is_refused(self, text: str) -> None:
        with pytest.raises(CellRefused, match="shortened this number"):
            plain_number(text)

    def test_the_apostrophe_of_our_own_exports_is_taken_off(self) -> None:
        assert [plain_text(t) for t in ("'=1+1", "'+1", "O'Hara", "'s")] == ["=1+1", "+1", "O'Hara", "'s"]

    def test_lost_zeros_come_back_by_the_country(self) -> None:
        found = read_numbers(["7400123456", "07400 123456", "+447400123456"], "GB", TEXTED)
        assert {number.e164 for number in found} == {"+447400123456"}

    def test_a_number_that_cannot_be_texted_says_why(self) -> None:
        found = read_numbers(["1.2E+10", "020 7946 0000"], "GB", TEXTED)
        assert ["shortened this number" in found[0].text, "landline" in found[1].text] == [True, True]


class TestColumns:
    EXPORTS: ClassVar = {
        "klaviyo": "Email,Klaviyo ID,First Name,Last Name,Phone Number,Source,IP Address,Email Marketing Consent,"
        "Email Marketing Consent Timestamp,SMS Marketing Consent,SMS Marketing Consent Timestamp",
        "postscript": "customer_id,phone_number,subscriber_created_at_utc,last_keyword_subscribed_to,opt_out_time",
        "attentive": "phone,email,opt_out",
        "twilio": "contact_id,correlation_id,sender_id,status,source,date_of_consent",
        "intercom": "User ID,Name,Email,Phone,Last seen,Unsubscribed from Emails",
    }

    @pytest.mark.parametrize("product", PRESETS)
    def test_exports_are_recognized(self, product: str) -> None:
        assert preset_of(self.EXPORTS[product].split(",")) == product

    def test_a_file_of_nobody_is_not(self) -> None:
        assert preset_of(["Name", "Phone"]) == ""

    @pytest.mark.parametrize(
        ("product", "expected"),
        [
            (
                "klaviyo",
                "email,,first_name,last_name,phone,source:deals,ip:deals,consent:news,date:news,consent:deals,date:deals",
            ),
            ("postscript", ",phone,date:deals,source:deals,opted_out:deals"),
            ("attentive", "phone,email,opted_out:deals"),
            ("twilio", "phone,,,consent:texts,source:texts,date:texts"),
            ("intercom", "external_id,name,email,phone,,opted_out:news"),
        ],
    )
    def test_presets_map_their_columns(self, product: str, expected: str) -> None:
        plan = guess(self.EXPORTS[product], product)
        assert ",".join(plan.targets) == expected
        assert plan.everyone_in == ("deals" if PRESETS[product].everyone_in else "")

    def test_names_are_guessed_without_a_preset(self) -> None:
        assert guess("E-Mail,PHONE_NUMBER,Plan,Nonsense,Phone").targets == ("email", "phone", "attribute:plan", "", "")

    def test_of_several_subscriptions_people_choose(self) -> None:
        found = guessed_plan(["SMS consent"], [DEALS, subscription("other")], {}, preset="", region="US")
        assert found.targets == ("",)

    def test_consents_of_another_product_are_of_the_only_marketing_subscription(self) -> None:
        orders = subscription("orders", purpose=Purpose.INFORMATIONAL)
        found = guessed_plan(["SMS Marketing Consent"], [DEALS, orders], {}, preset="klaviyo", region="US")
        assert found.targets == ("consent:deals",)
        others = [DEALS, orders, subscription("other")]
        assert guessed_plan(["SMS Marketing Consent"], others, {}, preset="klaviyo", region="US").targets == ("",)

    def test_any_number_of_columns_may_be_left_out(self) -> None:
        plan = ImportPlan(targets=("phone", "", "", ""))
        check_plan(plan, ["A", "B", "C", "D"], {"phone": ""})

    @pytest.mark.parametrize(
        ("plan", "field"),
        [
            (ImportPlan(targets=("name", "")), ""),
            (ImportPlan(targets=("phone", "phone")), "column-1"),
            (ImportPlan(targets=("phone", "nonsense")), "column-1"),
            (ImportPlan(targets=("phone",)), ""),
            (
                ImportPlan(targets=("phone", ""), everyone_in="deals", everyone_out="deals", how=How.PAPER),
                "everyone_out",
            ),
            (ImportPlan(targets=("phone", ""), everyone_in="deals"), "how"),
            (ImportPlan(targets=("phone", ""), creates=False), ""),
        ],
    )
    def test_a_wrong_plan_is_refused(self, plan: ImportPlan, field: str) -> None:
        with pytest.raises(FormWrong) as wrong:
            check_plan(plan, ["A", "B"], {"phone": "", "name": "", "email": ""})
        assert list(wrong.value.faults) == [field]


def guess(header: str, preset: str = "") -> ImportPlan:
    return guessed_plan(header.split(","), [DEALS, NEWS], {"plan": "Plan"}, preset=preset, region="US")


class TestRows:
    def test_a_row_is_read_by_its_columns(self) -> None:
        row = read(
            "external_id,first_name,last_name,email,phone,tags,attribute:seats", "7,Ada,Lovelace,a@x.com,201,a; b,5"
        )
        assert (row.external_id, row.email, row.number) == ("7", "a@x.com", "+12015550123")
        assert row.fields == {"name": "Ada Lovelace", "attributes.seats": 5}
        assert (row.tags, row.faults) == (("a; b",), [])

    def test_a_consent_has_its_evidence_and_never_its_own_time(self) -> None:
        row = read(
            "phone,consent:deals,date:deals,source:deals,text:deals,ip:deals",
            "1,SUBSCRIBED,2025-03-31,Checkout,Get texts,192.0.2.1",
        )
        note = "Source: Checkout\nText shown: Get texts\nIP address: 192.0.2.1\nFile: list.csv, line 2"
        claim = ConsentClaim("deals", True, datetime(2025, 3, 31, tzinfo=UTC), note)
        assert row.claims == [claim]
        evidence = claim.evidence(How.PAPER)
        assert evidence
        assert (evidence.how, evidence.given_at) == (How.PAPER, claim.at)

    @pytest.mark.parametrize(
        ("cells", "said"), [("1,yes,", True), ("1,yes,2025-01-01", False), ("1,no,", False), ("1,,yes", False)]
    )
    def test_a_no_counts_more_than_a_yes_in_the_same_row(self, cells: str, said: bool) -> None:
        (claim,) = read("phone,consent:deals,opted_out:deals", cells).claims
        assert claim.is_yes is said

    @pytest.mark.parametrize("cell", ["NEVER_SUBSCRIBED", "Not subscribed", "pending", "unconfirmed", "n/a", "maybe"])
    def test_everyone_is_whoever_the_file_says_nothing_of(self, cell: str) -> None:
        assert read("phone,consent:deals", f"1,{cell}", everyone_in="deals", given_at=AT).claims == []
        assert read("phone,consent:deals", "1, ", everyone_in="deals", given_at=AT).claims[0].is_yes

    def test_everyone_may_have_opted_in_or_out(self) -> None:
        (claim,) = read("phone,name", "1,Ada", everyone_in="deals", given_at=AT).claims
        assert (claim.is_yes, claim.at) == (True, AT)
        (claim,) = read("phone,opted_out:deals", "1,2025-01-01", everyone_in="deals", given_at=AT).claims
        assert (claim.is_yes, claim.at) == (False, datetime(2025, 1, 1, tzinfo=UTC))
        (claim,) = read("phone,name", "1,Ada", everyone_out="texts").claims
        assert (claim.subscription, claim.is_yes) == ("texts", False)

    def test_nobody_opts_in_to_all_texts(self) -> None:
        assert read("phone,consent:texts", "1,opt-in").claims == []
        assert [claim.is_yes for claim in read("phone,consent:texts", "1,opt-out").claims] == [False]

    @pytest.mark.parametrize(
        ("targets", "cells", "reason"),
        [
            (
                "phone,name",
                "x,Ada",
                "phone: Enter a mobile number in the United States, like (201) 555-0123. "
                "For another country, start with + and its code, like +44.",
            ),
            ("phone,name", ",Ada", "There's no phone number, email address or user ID in this row."),
            ("phone,email", "1,nonsense", "email: Enter an email address like name@example.com."),
            ("phone,name", "1,Ada,more", "This row has 3 columns, the header has 2."),
            ("phone,name", "1,A\0da", "This row contains a null byte."),
            ("phone,name", f"1,{'x' * 321}", "name: Too long. Use up to 320 characters."),
            (
                "phone,consent:deals",
                "1,maybe",
                "consent:deals: Unrecognized consent. Use “subscribed” or “unsubscribed”.",
            ),
            ("phone,consent:deals,date:deals", "1,yes,x", "date:deals: Unrecognized date. Use a date like 2025-03-31."),
            ("phone,consent:deals,date:deals", "1,yes,2999-01-01", "date:deals: This date is in the future."),
            ("phone,time_zone", "1,Mars", "time_zone: Unknown time zone."),
            ("phone,attribute:seats", "1,many", "attribute:seats: no number"),
            (
                "phone,email,time_zone",
                "1,nonsense,Mars",
                "email: Enter an email address like name@example.com. time_zone: Unknown time zone.",
            ),
        ],
    )
    def test_a_wrong_row_says_why(self, targets: str, cells: str, reason: str) -> None:
        assert said_faults(stored_faults(read(targets, cells).faults), translator("en")) == reason

    def test_a_reason_of_an_earlier_version_is_still_said(self) -> None:
        assert said_faults('["Unknown time zone.", {}, "Zone", false]', translator("en")) == "Zone: Unknown time zone."

    def test_missing_cells_are_empty(self) -> None:
        assert read("phone,name,email", "1").faults == []

    def test_a_wrong_row_keeps_its_no(self) -> None:
        row = read("phone,consent:deals,date:deals", "1,no,nonsense")
        assert (len(row.faults), row.number, [c.is_yes for c in row.claims]) == (1, "+12015550123", [False])


def read(targets: str, cells: str, **values: Any) -> WantedRow:
    """The columns are named as what they are. A number other than `x` is one that can be texted."""
    columns = targets.split(",")
    plan = ImportPlan(targets=tuple(columns), **values)
    attributes = {"seats": seats} if "attribute:seats" in columns else {}
    reader = RowReader(plan, columns, attributes, "list.csv", datetime.now(UTC) - timedelta(seconds=1))
    row: Sequence[str] = cells.split(",")
    place = reader.number_place
    cell = row[place] if place is not None else ""
    number = read_numbers([cell], "US", TEXTED)[0] if cell == "x" else ReadNumber("+12015550123") if cell else None
    return reader.read(2, row, number)


def seats(cell: str) -> int:
    if not cell.isdigit():
        raise CellRefused("no number")
    return int(cell)
