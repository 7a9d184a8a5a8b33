"""Inbox > Opt-out requests."""

from __future__ import annotations

from datetime import timedelta

from bot.model.base import now
from bot.model.opt_out_request import OptOutRequest
from tests.widget.desk import BEN, at_desk
from tests.widget.help import Running

BOARD = "/inbox/opt-outs"
NUMBERS = ("+12015550177", "+12015550178")


async def _flagged(running: Running, number: str, text: str) -> OptOutRequest:
    await running.bot.receive(number, text, f"board-{number}")
    (contact,) = await running.store.contacts.with_number(number, after="", limit=1)
    (request,) = await running.store.opt_out_requests.open_of([contact.id])
    return request


async def test_an_agent_decides_on_each(running: Running) -> None:
    first = await _flagged(running, NUMBERS[0], "how can I <b>unsubscribe</b> here?")
    second = await _flagged(running, NUMBERS[1], "Is it harassment?")
    late = {"$set": {"due_at": now() - timedelta(days=1)}}
    await running.store.opt_out_requests.update({"_id": second.id}, late)
    async with at_desk(running.base, BEN) as ben:
        page = await ben.look(BOARD)
        texts = [row.text for row in page.one("main").all("tr")]
        mine = [text for text in texts if "harassment" in text or "<b>unsubscribe</b>" in text]
        assert ["Overdue" in text for text in mine] == [True, False], "overdue ones come first"
        assert "business days left" in mine[1]
        assert "Opt-out requests" in (await ben.look("/inbox/list")).text
        assert (await ben.post(f"{BOARD}/{first.id}/opt-out", {}))[0] == 303
        assert "Opted out of all texts" in await ben.said()
        assert (await ben.post(f"{BOARD}/{second.id}/dismiss", {}))[0] == 303
        assert "Ben honored the opt-out request" in (await ben.look(f"/inbox/{first.conversation}")).text
        assert "Ben marked this as not an opt-out request" in (await ben.look(f"/inbox/{second.conversation}")).text
        page = await ben.look(BOARD)
        assert "harassment" not in page.text
        assert "unsubscribe" not in page.one("main").text
        assert "Request to opt-out" in page.text
    async with running.session.get(f"{running.base}/metrics") as answer:
        said = await answer.text()
    assert 'sayso_opt_out_requests{state="overdue"}' in said
    assert 'sayso_revocation_seconds{of="request",stat="median"}' in said
