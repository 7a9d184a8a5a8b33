"""axe-core, run in a page or in one of its frames."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Frame, Page

from tests.browser.shop import wear

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOR_RULES = ("color-contrast", "link-in-text-block")
LOOKS = [(scheme, *size) for size in ((360, 740), (1280, 900)) for scheme in ("light", "dark")]
"""Each page is checked small and large, in light and then in dark."""
RUN = """async (runOnly) => {
  const { violations } = await axe.run(document, { iframes: false, runOnly, resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target}: ${node.failureSummary}`));
}"""


async def faults(place: Page | Frame, scheme: str = "light") -> list[str]:
    """Each violation with the element that has it; frames inside are left to a run of their own.

    In dark only the rules about colors: a dark page differs from the light one in nothing else (see `test_look`).
    """
    if not await place.evaluate("Boolean(window.axe)"):
        await place.evaluate(AXE)
    only = {"type": "rule", "values": [*COLOR_RULES]} if scheme == "dark" else {"type": "tag", "values": [*RULES]}
    found: list[str] = await place.evaluate(RUN, only)
    return found


async def fits(page: Page) -> None:
    """The page has no violation and no horizontal scroll bar in any of the looks."""
    for scheme, width, height in LOOKS:
        await wear(page, scheme, width, height)
        found = await faults(page, scheme)
        assert not found, f"{scheme} {width}: {found}"
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await wear(page, "light", 1280, 900)
