"""The figures page: funnel, steps, days, and the variants of a form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.flows.counting import day_of
from bot.flows.variants import LEAST_SHOWN
from bot.model.base import now
from bot.model.flow import Flow
from bot.store.flow_days import FlowDayKey
from tests.widget.bots.drafts import FORM, HI, file, flow
from tests.widget.desk import Desk
from tests.widget.help import Node, Running

TRIED: dict[str, Any] = {**FORM, "completed": [], "variants": [{"id": "b", "title": "Free shipping"}]}


async def counted(running: Running, flow: Flow, *, ago: int = 0, version: int = 1, **counts: int) -> None:
    key = FlowDayKey(flow.id, version, day_of(now()) - timedelta(days=ago))
    await running.store.flow_days.add({key: {name.replace("__", ":"): n for name, n in counts.items()}})


def variants(original: tuple[int, int], b: tuple[int, int]) -> dict[str, int]:
    """Views and confirmed sign-ups."""
    shown = {"form:form/original": original[0], "form:form/b": b[0]}
    return {**shown, "confirmed:form/original": original[1], "confirmed:form/b": b[1]}


def funnel_of(page: Node) -> list[tuple[str, str, str]]:
    """Without the head and the shapes."""
    rows = page.one("table", class_="funnel").all("tr")[1:]
    cells = [(row.one("th"), *row.all("td")[1:]) for row in rows]
    return [(label.text.strip(), number.text.strip(), share.text.strip()) for label, number, share in cells]


async def test_the_page_shows_how_far_people_come(running: Running, ada: Desk) -> None:
    async with flow(running, file(HI, {**FORM, "completed": []})) as made:
        steps = {"reached__hi": 400, "reached__form": 400, "passed__form": 90}
        await counted(running, made, shown=400, started=120, completed__form=90, confirmed__form=80, **steps)
        await counted(running, made, ago=1, shown=100, left__form=5)
        page = await ada.look(f"/bots/{made.id}/figures")
        assert funnel_of(page) == [
            ("Shown", "500", "100.0%"),
            ("Answered", "120", "24.0%"),
            ("Form completed", "90", "18.0%"),
            ("Sign-up confirmed", "80", "16.0%"),
            ("Opted out within 7 days", "5", "1.0%"),
        ]
        assert "310" in page.one("section", aria_labelledby="steps-title").text
        other = await ada.look(f"/bots/{made.id}/figures?version=2&days=7")
        assert "No figures in this period" in other.text


async def test_the_same_figures_as_csv(running: Running, ada: Desk) -> None:
    async with flow(running, file(HI)) as made:
        await counted(running, made, shown=3)
        async with ada.session.get(f"{ada.base}/bots/{made.id}/figures.csv") as answer:
            lines = (await answer.text()).split()
        assert (answer.status, answer.content_type) == (200, "text/csv")
        assert lines == ["day,figure,count", f"{now():%Y-%m-%d},shown,3"]


async def test_a_wrong_address_shows_the_usual_figures(running: Running, ada: Desk) -> None:
    async with flow(running, file(HI)) as made:
        page = await ada.look(f"/bots/{made.id}/figures?days=-1&version=%00x")
        assert page.one("h1")


async def test_it_is_too_early_to_tell_until_seven_days_have_passed(running: Running, ada: Desk) -> None:
    async with flow(running, file(TRIED)) as made:
        key = FlowDayKey(made.id, 1, day_of(now()))
        await running.store.flow_days.add({key: variants((LEAST_SHOWN * 5, 10), (LEAST_SHOWN * 5, 500))})
        page = await ada.look(f"/bots/{made.id}/figures")
        assert "Too early to tell." in page.one("section", aria_labelledby="variants-form").text


async def test_the_better_variant_is_named_and_can_be_used(running: Running, ada: Desk) -> None:
    async with flow(running, file(TRIED)) as made:
        key = FlowDayKey(made.id, 1, day_of(now()) - timedelta(days=8))
        await running.store.flow_days.add({key: variants((1000, 50), (1000, 200))})
        path = f"/bots/{made.id}/figures"
        page = await ada.look(path)
        assert '"Variant 1" keeps more people than the others.' in page.text
        status, _page = await ada.post(path, {"version": "1", "step": "form", "variant": "b"})
        assert (status, ada.location, await ada.said()) == (303, path, 'Published with "Variant 1" only.')
        (form,) = (await running.bot.flows.version(made.id, 2)).document["steps"]
        assert (form["title"], form.get("variants")) == ("Free shipping", None)
        again, _page = await ada.post(path, {"version": "1", "step": "form", "variant": "original"})
        assert again == 409, "another version is published meanwhile"
