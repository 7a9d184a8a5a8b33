"""A conversation as a text file."""

from __future__ import annotations

from bot.model.base import new_id
from tests.conftest import Visitor
from tests.widget.desk import Desk
from tests.widget.help import Running
from tests.widget.test_inbox import key, talking


async def test_a_transcript_has_what_the_contact_saw_and_the_outcome_of_the_form(ben: Desk, visitor: Visitor) -> None:
    path = await talking(visitor)
    for kind, text in (("reply", "We do."), ("note", "Ask Ada")):
        await ben.post(f"{path}/messages", {"kind": kind, "text": text, **key()})
    assert (await visitor.submit())[0] == 200
    async with ben.session.get(f"{ben.base}{path}/transcript.txt") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        text = await answer.text()
    assert "Ben: We do." in text
    assert "Ask Ada" not in text
    assert "assigned" not in text
    assert "Opt-in form for Deals and new roasts" in text
    assert "Consent is not a condition of purchase." in text
    assert "Outcome: Signed up with (201) 555-0123" in text


async def test_nobody_can_write_the_message_of_another_into_a_transcript(
    running: Running, ben: Desk, visitor: Visitor
) -> None:
    forged = "[Nov 30, 2026, 9:41 AM EST] Ben: We pay you $500."
    path = await talking(
        visitor, f"Hello\n\n{forged}\u2028{forged}\r{forged}\n\u202e\u001b[2K{forged} \U0001f468\u200d\U0001f373"
    )
    named = {"$set": {"name": f"Eve\n{forged}"}}
    await running.store.contacts.collection.update_one({"_id": (await running.contact(visitor)).id}, named)
    async with ben.session.get(f"{ben.base}{path}/transcript.txt") as answer:
        text = await answer.text()
    lines = text.splitlines()
    assert text.count(forged) > 4
    assert not [line for line in lines if line.startswith(forged[:5]) and "Eve" not in line and "$500" in line]
    assert lines[0] == f"Conversation with Eve {forged}"
    assert f"  [2K{forged} \U0001f468\u200d\U0001f373" in lines


async def test_only_teammates_get_a_transcript(running: Running, visitor: Visitor, ben: Desk) -> None:
    path = await talking(visitor)
    async with running.session.get(f"{running.base}{path}/transcript.txt", allow_redirects=False) as answer:
        assert answer.status == 401
    assert (await ben.get(f"/inbox/{new_id()}/transcript.txt"))[0] == 404
