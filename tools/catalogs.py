"""Takes the sentences of code and templates over into `bot/locales/*.po`, and says what each language lacks.

A sentence is what `_("…")`, `say("…")`, `marked("…")` or `translated(request, "…")` holds, the words of an error class
(its `message`), and those that an error is raised with.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from bot import errors
from bot.i18n import CATALOGS

ROOT = Path(__file__).parents[1]
# These name their problem, or their fields, first; each sentence is marked by itself. Only programs read the last two.
APART = {errors.NumberRefused, errors.FormWrong, errors.SearchInvalid, errors.ContactExists}
ERRORS = [
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.SaysoError) and value not in APART
]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "say": None,
    "marked": None,
    "translated": (2,),
    **dict.fromkeys(ERRORS),
}
SOURCES = (("bot", "*.py", "python"), ("widget", "*.py", "python"), ("templates", "*.html", "jinja2"))
WIDTH = 120


def sentences() -> Iterator[tuple[str, str | tuple[str, ...], list[str]]]:
    """File, sentence (singular and plural, where it has both), and comments for translators."""
    for folder, pattern, method in SOURCES:
        for path in sorted((ROOT / folder).rglob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            for _, message, comments, _ in extract_from_file(
                method, path, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
            ):
                yield name, message, comments
    yield from (("bot/errors.py", message, []) for message in _of_error_classes())


def _of_error_classes() -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / "bot" / "errors.py").read_text(encoding="utf-8"))):
        match node:
            case ast.Assign(targets=[ast.Name(id="message")], value=ast.Constant(value=str(text))):
                yield text
            case ast.AnnAssign(target=ast.Name(id="message"), value=ast.Constant(value=str(text))):
                yield text


def template() -> Catalog:
    catalog = Catalog(project="Sayso", charset="utf-8")
    for name, message, comments in sentences():
        catalog.add(message, locations=[(name, 0)], auto_comments=comments)
    return catalog


def lacking(catalog: Catalog) -> list[str]:
    """Sentences without a translation, or with one that a translator must look at."""
    return [str(m.id) for m in catalog if m.id and (m.fuzzy or not m.string or not all(m.string))]


def update(path: Path, template: Catalog) -> Catalog:
    """Rewrites the catalog if that changes it."""
    before = path.read_bytes()
    catalog = read_po(BytesIO(before), locale=path.stem)
    catalog.update(template, no_fuzzy_matching=True)
    entries = BytesIO()
    write_po(entries, catalog, width=WIDTH, sort_by_file=True, include_lineno=False, omit_header=True)
    after = header(catalog).encode() + entries.getvalue()
    if after != before:
        path.write_bytes(after)
    return catalog


def header(catalog: Catalog) -> str:
    """What programs need to know of a catalog; no dates and names, which would change with each run."""
    return (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalog.locale_identifier}\\n"\n'
        f'"Plural-Forms: {catalog.plural_forms}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    )


def main() -> None:
    found = template()
    print(f"{len(found)} sentences.")
    for path in sorted(CATALOGS.glob("*.po")):
        catalog = update(path, found)
        missing = lacking(catalog)
        print(f"{path.stem}: {f'{len(missing)} to translate' if missing else 'complete'}")
        for sentence in missing[:10]:
            print(f"  {sentence}")
        if catalog.obsolete:
            print(f"  no longer said: {len(catalog.obsolete)}, kept as comments at the end")


if __name__ == "__main__":
    main()
