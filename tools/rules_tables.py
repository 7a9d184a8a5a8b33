"""The tables of docs/sending.md, made from `bot.compliance`: `make rules` writes them, a test compares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.compliance.keyword_table import EXCLAMATIONS, LEADS, LIKELY, ROWS, SIGNS, SYMBOLS, Keyword, Row
from bot.compliance.revocation import POLICIES
from bot.compliance.texting_rules import CAPS, CLOSED, ELSEWHERE, HOURS, VERSION, Cap, Doubt, Hours, Minutes
from widget.workspace.sending_rules import DOUBTS

PAGE = Path(__file__).parents[1] / "docs" / "sending.md"
BEGIN, END = "<!-- tables: begin (written by `make rules`) -->", "<!-- tables: end -->"
LANGUAGES = {"en": "English", "es": "Spanish", "fr": "French", "de": "German", "ar": "Arabic"}


def tables() -> str:
    return "\n".join([*_hours(), *_caps(), *_policies(), *_keywords()]).strip()


def page(text: str) -> str:
    """The page with its tables rewritten. Raises ValueError without its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has lost a marker of its tables")
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _hours() -> Iterator[str]:
    yield f"### Quiet hours, version {VERSION}"
    yield ""
    yield (
        "| rule | where | Monday to Friday | Saturday | Sunday | public holidays | since | unless | source | "
        "for counsel |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in HOURS:
        days = " | ".join(map(_window, row.days))
        holidays = "like other days" if row.on_holidays else "no texts"
        yield f"| {row.id} | {_where(row)} | {days} | {holidays} | {_terms(row)} |"
    yield ""
    yield f"Closed for marketing texts: {', '.join(sorted(CLOSED))}."
    yield ""


def _caps() -> Iterator[str]:
    yield f"### Caps, version {VERSION}"
    yield ""
    yield "| rule | where | marketing texts to one person | since | unless | source | for counsel |"
    yield "|---|---|---|---|---|---|---|"
    for row in CAPS:
        most = f"{row.most} in {row.hours} hours"
        yield f"| {row.id} | {_where(row)} | {most} | {_terms(row)} |"
    yield ""


def _policies() -> Iterator[str]:
    yield "### Revocation policies"
    yield ""
    yield "| version | since | must end | business days | confirmation within | source |"
    yield "|---|---|---|---|---|---|"
    for policy in POLICIES:
        minutes = int(policy.confirmation_within.total_seconds() / 60)
        yield (
            f"| {policy.version} | {policy.effective_from.date()} | {policy.must_end} | {policy.business_days} | "
            f"{minutes} minutes | {policy.source} |"
        )
    yield ""


def _keywords() -> Iterator[str]:
    yield "### What people text"
    yield ""
    yield "| means | language | texts | because |"
    yield "|---|---|---|---|"
    for row in ROWS:
        yield _phrases(row.keyword.upper(), row)
    for row in LIKELY:
        yield _phrases(f"likely {Keyword.STOP.upper()}", row)
    yield ""
    yield f"Emoji: {', '.join(f'{symbol} ({word})' for symbol, word in SYMBOLS.items())}."
    yield ""
    yield f"Before a STOP of several words: {_quoted(f'{lead} you' for lead in LEADS)}, {_quoted(EXCLAMATIONS)}."
    yield ""
    yield f"Likely STOP anywhere in a longer text, unless negated: {_quoted(SIGNS)}."


def _quoted(phrases: Iterable[str]) -> str:
    return ", ".join(f"`{phrase}`" for phrase in phrases)


def _phrases(meaning: str, row: Row) -> str:
    phrases = ", ".join(f"`{phrase}`".replace("|", "\\|") for phrase in row.phrases)
    return f"| {meaning} | {LANGUAGES[row.language]} | {phrases} | {row.basis} |"


def _window(window: Minutes | None) -> str:
    if window is None:
        return "none"
    return "–".join(f"{minutes // 60}:{minutes % 60:02}" for minutes in window)


def _where(row: Hours | Cap) -> str:
    return "everywhere else" if row.where == ELSEWHERE and isinstance(row, Hours) else row.where


def _since(row: Hours | Cap) -> str:
    return "unknown" if Doubt.UNDATED in row.doubts else row.since.isoformat() if row.since else ""


def _terms(row: Hours | Cap) -> str:
    return f"{_since(row)} | {_unless(row)} | {row.source} | {_doubts(row)}"


def _doubts(row: Hours | Cap) -> str:
    first, *others = [words for doubt, words in DOUBTS.items() if doubt in row.doubts] or [""]
    return "; ".join([first, *(words[0].lower() + words[1:] for words in others)])


def _unless(row: Hours | Cap) -> str:
    return ", ".join(f"`{one}`" for one in sorted(row.unless))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
