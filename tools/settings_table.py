"""The settings table of the README, made from `bot.config.Settings`: `make settings` writes it, a test compares it."""

from __future__ import annotations

from pathlib import Path

from bot.config import PREFIX, Settings

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- settings: begin (written by `make settings`) -->", "<!-- settings: end -->"


def table() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def split(text: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what stands after it. Raises ValueError without its markers."""
    before, begin, rest = text.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README.name} has lost a marker of the settings table")
    return before, inside.strip(), after


if __name__ == "__main__":
    before, _, after = split(README.read_text(encoding="utf-8"))
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")
