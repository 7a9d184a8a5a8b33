"""The page on extending stays true: its examples run, and the places that it names exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.contacts.filters import FilterFacts, clause_of
from bot.events.consumers import all_consumers
from bot.flows.effects import Write
from bot.flows.engine import advance
from bot.flows.script import Script
from bot.flows.steps import Step
from bot.flows.steps.base import Answered, Started
from bot.flows.triggers.base import MessageComes, MessengerOpens
from bot.model.base import now
from bot.model.conversation import Text
from bot.model.delivery import DeliveryKind
from bot.model.flow import RunStatus, State
from bot.model.webhook import Topic, WebhookEndpoint
from bot.outbound.gateways import GATEWAYS, GatewayError, Outgoing
from bot.outbound.kinds import ALL
from tests.people import workspace
from widget.api.openapi import document
from widget.workspace.webhook_words import TOPICS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
AT = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    """All examples of the page, as one module would have them."""
    names: dict[str, Any] = {"__name__": "examples"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "docs/extending.md", "exec", dont_inherit=True), names)  # noqa: S102 (our own page)
    return names


def test_every_folder_and_file_that_it_names_exists() -> None:
    named = re.findall(r"`((?:bot|widget|templates|tests)/[^`]*)`", PAGE)
    assert len(named) > 15
    for path in named:
        assert [*ROOT.glob(path.partition("<")[0].rstrip("/") or ".")], path


def test_every_place_of_registration_is_where_it_says() -> None:
    for name, path in re.findall(r"`(\w+)`(?: of the face)?,? in `([\w/.]+)`", PAGE):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), (name, path)


def test_its_table_names_each_example() -> None:
    anchors = re.findall(r"\]\(#([\w-]+)\)", PAGE)
    headings = [heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)]
    assert anchors == headings


def test_the_step_runs(examples: dict[str, Any]) -> None:
    script = Script.model_construct(steps=(examples["AskName"](id="name", text="What's your name?"),))
    effects, state = advance(script, State(), Started(AT))
    assert effects == (Write(Text(text="What's your name?")),)
    assert state.status is RunStatus.WAITING
    effects, state = advance(script, state, Answered(AT, " Ada "))
    assert effects == (Write(Text(text="Thanks, Ada!")),)
    assert state.status is RunStatus.ENDED
    assert Step


def test_the_trigger_starts(examples: dict[str, Any]) -> None:
    trigger = examples["LongMessage"](characters=100)
    assert [trigger.starts(MessageComes(text)) for text in ("Hi", "Hi" * 50)] == [False, True]
    assert not trigger.starts(MessengerOpens())


def test_the_kind_of_text_is_whole(examples: dict[str, Any]) -> None:
    goodbye = examples["Goodbye"]()
    facts = examples["Facts"](workspace(name="Harbor Coffee"), None, None, is_stopped=False)
    assert goodbye.body(None, facts, "") == "Harbor Coffee: You're unsubscribed."
    assert {kind.name for kind in ALL} == set(DeliveryKind)


async def test_the_gateway_is_whole(examples: dict[str, Any]) -> None:
    printer = examples["Printer"]()
    text, other = Outgoing("1", "+12015550123", "Hi"), Outgoing("2", "+12015550123", "Hi")
    assert await printer.find(text, now()) == []
    assert [await printer.send(text)] == await printer.find(text, now())
    with pytest.raises(GatewayError):
        await printer.send(Outgoing("2", "+12015550123", ""))
    assert await printer.find(other, now()) == []
    await printer.close()
    assert GATEWAYS


async def test_the_consumer_is_whole(examples: dict[str, Any]) -> None:
    consumer = examples["CountOptOuts"]()
    await consumer.handle([])
    assert await consumer.unhandled([]) == []
    assert callable(all_consumers)


async def test_the_job_counts_to_its_end(examples: dict[str, Any]) -> None:
    count = examples["Count"]()
    batch = await count.step("job", examples["CountInput"](up_to=3), examples["CountPlace"](), 2)
    assert (batch.done, batch.is_last) == (2, False)
    batch = await count.step("job", examples["CountInput"](up_to=3), batch.checkpoint, 2)
    assert (batch.done, batch.is_last) == (1, True)


def test_the_filter_field_compiles(examples: dict[str, Any]) -> None:
    clause = clause_of(examples["LastPage"](address="https://shop.example/roasts"), FilterFacts({}, {}, AT))
    assert (clause.match, clause.index) == ({"page": "https://shop.example/roasts"}, "page")


def test_the_page_is_guarded(examples: dict[str, Any]) -> None:
    assert examples["hello"].__wrapped__


def test_the_api_route_is_described(examples: dict[str, Any]) -> None:
    operation = document([examples["greetings"]], "")["paths"]["/greeting"]["get"]
    assert (operation["summary"], operation["x-scope"]) == ("Show the greeting", "read_contacts")
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert example == {"text": "Hello, Ada"}


def test_the_occurrence_is_told_once(examples: dict[str, Any]) -> None:
    contact = examples["Contact"](id="c1", name="Ada", created_at=AT, updated_at=AT)
    endpoint = WebhookEndpoint(
        id="e1", url="https://shop.example/hook", topics=(), secrets=(), active_since=AT, created_at=AT
    )
    told = {examples["of_archiving"](contact, "1").notification(endpoint, AT).id for _ in range(2)}
    assert len(told) == 1


def test_every_topic_has_its_words_and_its_row() -> None:
    page = (ROOT / "docs/webhooks.md").read_text(encoding="utf-8")
    offered = {topic for _, group in TOPICS for topic, _ in group}
    assert offered == {*Topic} - {Topic.PING}
    assert {topic for topic in Topic if f"`{topic}`" not in page} == set()
