"""What visitors see alike is rendered once; each gets their own values in it, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.model.conversation import Author, AuthorKind, Text
from tests.conftest import Visitor
from tests.people import TEAMMATE
from tests.widget.help import Card, Running
from widget.messenger import views
from widget.web import fragment_cache, http

NUMBERS = ["(201) 555-0123", "(212) 555-0187", "(415) 555-0134"]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Templates that are rendered from now on."""
    names: list[str] = []
    real = http.render

    async def render(request: Any, template: str, *args: Any, **context: Any) -> str:
        names.append(template)
        return await real(request, template, *args, **context)

    monkeypatch.setattr(views, "render", render)
    monkeypatch.setattr(fragment_cache, "render", render)
    return names


async def test_an_opened_chat_and_a_completed_card_are_rendered_once_for_all(
    newcomer: Callable[[], Visitor], rendered: list[str]
) -> None:
    people = [newcomer() for _ in NUMBERS]
    cards = []
    for person, number in zip(people, NUMBERS, strict=True):
        rendered.clear()
        await person.open()
        status, html = await person.submit(number)
        assert (status, Card(html).state) == (200, "completed")
        cards.append(html)
    assert not rendered, "what the third visitor sees was rendered for the ones before"
    for person, html, shown in zip(people, cards, NUMBERS, strict=True):
        assert [number for number in NUMBERS if number in html] == [shown]
        others = [other for other in people if other is not person]
        assert person.conversation in person.opened["html"]
        assert not any(other.conversation in person.opened["html"] for other in others)


async def test_what_somebody_wrote_is_rendered_for_them_alone(
    visitor: Visitor, running: Running, rendered: list[str]
) -> None:
    await running.act(visitor)
    await visitor.open()
    rendered.clear()
    contact = await running.contact(visitor)
    author = Author(kind=AuthorKind.CONTACT, id=contact.id)
    for i, who in enumerate((author, TEAMMATE)):
        await running.bot.conversations.append(visitor.conversation, who, Text(text=f"Only ours {i}"), f"ours-{i}")
    await visitor.open()
    assert "Only ours 0" in visitor.opened["html"]
    assert "Only ours 1" in visitor.opened["html"]
    assert rendered.count("messenger/part.html") == 2


async def test_a_card_that_was_answered_wrongly_is_rendered_for_them_alone(
    visitor: Visitor, newcomer: Callable[[], Visitor]
) -> None:
    status, html = await visitor.submit("(312) 555-01")
    assert (status, "(312) 555-01" in html) == (422, True)
    other = newcomer()
    await other.open()
    assert "(312) 555-01" not in other.opened["html"]
    assert "(312) 555-01" not in (await other.submit("(415) 555-0134"))[1]
