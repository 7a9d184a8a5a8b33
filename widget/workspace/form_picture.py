"""A picture of a form as SVG, drawn from the view model of its card: pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from html import escape

from bot.chat.card_view import CardView
from bot.i18n import translator
from bot.model.subscription import MessageType
from bot.model.workspace import Workspace
from bot.outbound.carrier_pack import plain
from widget.web.look import ink_on

WIDTH, EDGE = 480, 32
WIDE = WIDTH - 2 * EDGE
LETTER = 0.54
"""The width of a letter on average, in font sizes."""
INK, QUIET, LINE = "#14161c", "#4b5263", "#868e9e"


@dataclass
class _Sheet:
    """Elements from top to bottom. `y` is where the next one begins."""

    is_reversed: bool
    y: float = EDGE
    drawn: list[str] = field(default_factory=list)

    def text(
        self, words: str, size: int, *, color: str = INK, weight: int = 400, indent: int = 0, gap: int = 12
    ) -> None:
        letters = int((WIDE - indent) / (size * LETTER))
        for paragraph in words.split("\n"):
            for line in textwrap.wrap(paragraph, letters) or [""]:
                self.y += size * 1.4
                self._line(line, size, color, weight, indent)
        self.y += gap

    def box(self, height: int, fill: str = "none", line: str = LINE) -> float:
        """Returns its baseline for a text in it."""
        top = self.y
        shape = f'x="{EDGE}" y="{top:.0f}" width="{WIDE}" height="{height}" rx="8"'
        self.drawn.append(f'<rect {shape} fill="{fill}" stroke="{line}"/>')
        self.y += height + 16
        return top + height / 2 + 5

    def place(self, words: str, x: float, y: float, *, color: str, anchor: str = "start", weight: int = 400) -> None:
        self.drawn.append(_text(words, x, y, 15, color, weight, anchor))

    def _line(self, words: str, size: int, color: str, weight: int, indent: int) -> None:
        x = WIDTH - EDGE - indent if self.is_reversed else EDGE + indent
        self.drawn.append(_text(words, x, self.y, size, color, weight, "start"))


def form_picture(view: CardView, workspace: Workspace, description: str) -> str:
    say, is_reversed = translator(view.locale), view.direction == "rtl"
    sheet = _Sheet(is_reversed)
    sheet.text(workspace.name, 18, weight=650)
    sheet.text(f"{view.subscription}\n{description}" if description else view.subscription, 13, color=QUIET, gap=20)
    sheet.text(view.title, 18, weight=650)
    sheet.text(say("Phone number") if view.channel == MessageType.SMS else say("Email address"), 13, gap=6)
    baseline = sheet.box(46)
    example = next((region.example for region in view.regions if region.code == view.region), "")
    sheet.place(example, EDGE + 14, baseline, color=QUIET)
    if view.box:
        top = sheet.y
        sheet.drawn.append(f'<rect x="{EDGE}" y="{top + 4:.0f}" width="16" height="16" fill="none" stroke="{LINE}"/>')
        sheet.text(plain(view.box), 13, indent=28)
    baseline = sheet.box(48, workspace.brand, workspace.brand)
    sheet.place(view.button, WIDTH / 2, baseline, color=ink_on(workspace.brand), anchor="middle", weight=650)
    sheet.text(plain(view.legal), 12, color=QUIET)
    height = int(sheet.y + EDGE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" direction="{"rtl" if is_reversed else "ltr"}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(sheet.drawn)}</svg>\n'
    )


def _text(words: str, x: float, y: float, size: int, color: str, weight: int, anchor: str) -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{color}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(words)}</text>"
