"""Intercom's pages over our cursors: `starting_after` is opaque to clients and carries the number of its page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.errors import Invalid
from bot.model.paging import Cursor
from bot.shapes.base import ApiAnswer
from widget.api.faults import ApiFault, ApiRefusal
from widget.api.models import ApiBody, ApiQuery

MOST = 150
"""Items of a page, as Intercom's."""
NO_CURSOR = ApiFault(400, "parameter_invalid", "Use starting_after from the previous page.")
PerPage = Annotated[int, Field(ge=1, le=MOST, description=f"Items of a page, at most {MOST}.", examples=[50])]
StartingAfter = Annotated[
    str | None, Field(max_length=500, description="The cursor from the previous page.", examples=[None])
]


class PageQuery(ApiQuery):
    page: int | None = Field(None, ge=1, description="Only 1, or any together with `starting_after`, which decides.")
    per_page: PerPage = 10
    starting_after: StartingAfter = None


class PageBody(ApiBody):
    per_page: PerPage = 50
    starting_after: StartingAfter = None


class NextPage(ApiAnswer):
    page: int = Field(examples=[2])
    starting_after: str = Field(examples=["2:2026-11-23T09%3A41%3A00.000Z,6762f0cd1bb69f9f2193bb7c"])


class PagesAnswer(ApiAnswer):
    """`next` is absent on the last page."""

    type: Literal["pages"] = "pages"
    next: NextPage | None = Field(None, exclude_if=lambda next: next is None)
    page: int = Field(examples=[1])
    per_page: int = Field(examples=[50])
    total_pages: int = Field(examples=[3])


class PagePlace:
    """Which page is asked for. Raises ApiRefusal (400)."""

    def __init__(self, wanted: PageQuery | PageBody | None) -> None:
        wanted = wanted or PageBody()
        self.per_page = wanted.per_page
        number, _colon, self._cursor = (wanted.starting_after or "").partition(":")
        is_number = number.isascii() and number.isdecimal() and len(number) < 10
        self.page = int(number) if is_number else 1
        if (wanted.starting_after and not (is_number and self._cursor)) or self._is_beyond(wanted):
            raise ApiRefusal(NO_CURSOR, field="starting_after")

    @staticmethod
    def _is_beyond(wanted: PageQuery | PageBody) -> bool:
        """A page can't be counted to: other people come and go meanwhile."""
        return isinstance(wanted, PageQuery) and (wanted.page or 1) > 1 and not wanted.starting_after

    def cursor(self, *kinds: type) -> Cursor | None:
        return cursor_in(self._cursor, *kinds, field="starting_after")

    def pages(self, next: Cursor | None, total: int) -> PagesAnswer:
        following = NextPage(page=self.page + 1, starting_after=f"{self.page + 1}:{next}") if next else None
        least = self.page + 1 if next else self.page
        pages = max(least, -(-total // self.per_page))
        return PagesAnswer(next=following, page=self.page, per_page=self.per_page, total_pages=pages)


def cursor_in(text: str, *kinds: type, field: str) -> Cursor | None:
    """Raises ApiRefusal (400)."""
    try:
        return Cursor.parse(text, *kinds)
    except Invalid:
        raise ApiRefusal(NO_CURSOR, field=field) from None
