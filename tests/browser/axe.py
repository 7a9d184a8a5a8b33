"""axe-core, run in a page or in one of its frames."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Frame, Page

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (tags) => {
  const options = { iframes: false, runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target}: ${node.failureSummary}`));
}"""


async def faults(place: Page | Frame) -> list[str]:
    """Each violation with the element that has it; frames inside are left to a run of their own."""
    if not await place.evaluate("Boolean(window.axe)"):
        await place.evaluate(AXE)
    found: list[str] = await place.evaluate(RUN, list(RULES))
    return found
