"""Which module may import which, checked by reading the imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOT = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "bot").rglob("*.py"))
}
FRAMEWORKS = {"aiohttp", "aiohttp_jinja2", "jinja2", "typer", "prometheus_client"}
DRIVERS = {"motor", "pymongo", "bson", "gridfs"}
ARROWS = {
    "model": set(),
    "store": {"model"},
    "compliance": {"model"},
    "shapes": {"consent", "store", "model"},
    "consent": {"compliance", "store", "model"},
    "contacts": {"workspace", "consent", "store", "model"},
    "chat": {"contacts", "consent", "store", "model"},
    "flows": {"workspace", "chat", "contacts", "consent", "store", "model"},
    "events": {"outbound", "contacts", "flows", "chat", "consent", "jobs", "webhooks", "shapes", "store", "model"},
    "jobs": {"workspace", "outbound", "contacts", "consent", "store", "model"},
    "workspace": {"consent", "store", "model"},
    "webhooks": {"jobs", "workspace", "chat", "shapes", "store", "model"},
    "outbound": {"chat", "contacts", "consent", "compliance", "store", "model", "config"},
}
"""What each folder of `bot` may import. `composition` puts them all together."""
ARROWS["composition"] = {*ARROWS, "config", "signing"}
LEAVES = {"errors", "fault_points", "i18n", "aio"}
"""What all folders may import, and what imports none of them."""
PURE_FOLDERS = {"bot.model", "bot.compliance", "bot.flows.steps", "bot.flows.triggers", "bot.outbound.kinds"}
"""Besides these, a module is pure if its docstring says so."""
WRITES = {
    "insert_one", "insert_many", "update_one", "update_many", "replace_one", "bulk_write", "delete_one", "delete_many",
    "find_one_and_update", "find_one_and_replace", "find_one_and_delete", "drop", "rename",
}  # fmt: skip
TABLE_WRITES = {"insert", "insert_many", "keep", "update", "update_many", "claim"}


def _is_pure(module: str, path: Path) -> bool:
    is_in_folder = any(module == folder or module.startswith(f"{folder}.") for folder in PURE_FOLDERS)
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    is_rule = path.name != "__init__.py" and not module.startswith("bot.store.")
    return is_in_folder or (is_rule and re.search(r"\bpure\b", words, re.IGNORECASE) is not None)


PURE = [module for module, path in BOT.items() if _is_pure(module, path)]


def test_the_rules_of_the_laws_say_that_they_are_pure() -> None:
    """Permission, projection, overrides, keywords, filters, flow steps, card view: the docstring is what is checked."""
    rules = {
        "bot.consent.permission", "bot.consent.projection", "bot.consent.overrides", "bot.consent.keywords",
        "bot.consent.next_event", "bot.contacts.filters", "bot.flows.engine", "bot.chat.card_view",
    }  # fmt: skip
    assert rules <= set(PURE)


@pytest.mark.parametrize("module", BOT)
def test_bot_knows_no_web_framework_and_no_face(module: str) -> None:
    outside = {name.partition(".")[0] for name in _imports(module)}
    assert not outside & (FRAMEWORKS | {"widget", "tests", "tools"})


@pytest.mark.parametrize("module", [m for m in BOT if not m.startswith("bot.store")])
def test_the_driver_is_imported_in_the_store_alone(module: str) -> None:
    assert not {name.partition(".")[0] for name in _imports(module)} & DRIVERS


@pytest.mark.parametrize("module", [m for m in BOT if m.count(".") >= 1 and m.split(".")[1] in ARROWS])
def test_arrows_inside_bot_point_one_way(module: str) -> None:
    folder = module.split(".")[1]
    known = {name.split(".")[1] for name in _imports(module) if name.startswith("bot.")}
    assert known <= ARROWS[folder] | LEAVES | {folder}


@pytest.mark.parametrize("module", [m for m in BOT if m.count(".") >= 1 and m.split(".")[1] in LEAVES])
def test_leaves_import_no_folder(module: str) -> None:
    assert {name.split(".")[1] for name in _imports(module) if name.startswith("bot.")} <= LEAVES


def test_every_folder_of_bot_has_its_arrows() -> None:
    assert {path.name for path in (ROOT / "bot").iterdir() if (path / "__init__.py").exists()} == {*ARROWS, "aio"}


@pytest.mark.parametrize("module", PURE)
def test_pure_rules_reach_no_driver_no_framework_and_no_event_loop(module: str) -> None:
    reached = _reach(module)
    assert not {name.partition(".")[0] for name in reached} & (DRIVERS | FRAMEWORKS | {"asyncio"})
    assert not {name for name in reached if name.startswith("bot.store")}


def test_pure_rules_load_no_driver_and_no_framework_when_they_run() -> None:
    """The same as the interpreter sees it, including imports by other packages."""
    script = f"""
import sys
{chr(10).join(f"import {module}" for module in PURE)}
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {DRIVERS | FRAMEWORKS!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_two_classes_share_a_name() -> None:
    found: dict[str, list[str]] = {}
    for path in _sources():
        for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(path)
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_repositories_end_in_repository() -> None:
    bases = {"Repository", "NumberedLog"}
    odd = {
        node.name
        for path in _sources()
        if path.startswith("bot/store/")
        for node in _nodes(path)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Subscript) and getattr(base.value, "id", "") in bases for base in node.bases)
        and not node.name.endswith("Repository")
    }
    assert odd == {"NumberedLog"}


class TestOneDoor:
    """Law 1: every change of consent goes through the ledger."""

    def test_only_the_ledger_and_its_repair_take_a_projection_over(self) -> None:
        callers = {path for path, call in _calls() if call.attr in {"project", "project_many"}}
        assert callers == {"bot/consent/ledger.py", "bot/consent/verify.py"}

    def test_only_the_ledger_writes_events_and_it_only_inserts(self) -> None:
        writes = {
            (path, call.attr)
            for path, call in _calls()
            if call.attr in TABLE_WRITES and _owner(call).strip("_") == "events"
        }
        assert writes == set()
        callers = {(path, call.attr) for path, call in _calls() if call.attr in {"append", "erase_values"}}
        assert {c for c in callers if c[1] == "erase_values"} == {("bot/consent/ledger.py", "erase_values")}
        appended = {path for path, call in _calls() if call.attr == "append" and _owner(call) == "_events"}
        assert appended == {"bot/consent/ledger.py"}

    def test_the_consents_of_a_contact_are_named_by_the_projection_alone(self) -> None:
        """Whoever writes consents must name the field, as a string or as an argument. Filters only compile queries."""
        named = {path for path in _sources() for node in _nodes(path) if _names_consents(node)}
        stored = {"bot/model/contact.py", "bot/store/contacts.py", "bot/store/counts.py"}
        assert named == stored | {"bot/consent/projection.py", "bot/contacts/filters.py"}

    def test_in_the_store_only_the_projection_names_them_in_a_write(self) -> None:
        tables = ROOT / "bot/store/contacts.py"
        functions = [
            n for n in ast.walk(ast.parse(tables.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        naming = {f.name: f for f in functions if any(_names_consents(n) for n in ast.walk(f))}
        assert set(naming) == {"_taken_over", "refresh"}, "the migration stores the same consents again"

    def test_nothing_goes_round_the_store_to_a_collection(self) -> None:
        direct = {
            (path, node.attr)
            for path in _sources()
            if not path.startswith("bot/store/")
            for node in _nodes(path)
            if isinstance(node, ast.Attribute)
            and (node.attr in WRITES - {"insert_many", "update_many", "rename"} or node.attr == "collection")
        }
        assert direct == set()

    def test_only_erasing_a_person_deletes(self) -> None:
        """Events and parts are kept forever; links expire by themselves."""
        gone = {"delete_one", "delete_many", "drop", "drop_collection", "find_one_and_delete", "replace_one"}
        assert {path for path, call in _calls() if call.attr in gone} == {"bot/store/personal_data.py"}


@cache
def _imports(module: str) -> frozenset[str]:
    """Everything that a module imports, `bot.…` names resolved to modules."""
    found = set()
    for node in ast.walk(ast.parse(BOT[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by dots"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in inner if name in BOT} or {str(node.module)}
    return frozenset(found)


def _reach(module: str) -> set[str]:
    """All modules that importing `module` loads, including parent packages."""
    todo, seen = [module], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in BOT:
            todo += _imports(name)
        todo += [name.rpartition(".")[0]] if name.startswith("bot.") else []
    return seen


@cache
def _sources() -> tuple[str, ...]:
    return tuple(p.relative_to(ROOT).as_posix() for f in ("bot", "widget") for p in sorted((ROOT / f).rglob("*.py")))


@cache
def _nodes(path: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))))


@cache
def _calls() -> tuple[tuple[str, ast.Attribute], ...]:
    """Method calls with their files."""
    return tuple(
        (path, node.func)
        for path in _sources()
        for node in _nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )


def _owner(call: ast.Attribute) -> str:
    """`self._store.events.insert` is called on `events`."""
    value = call.value
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""


def _names_consents(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return text == "consents" or text.startswith("consents.")
        case ast.keyword(arg="consents"):
            return True
    return False


def test_only_the_service_and_the_ledger_write_contacts() -> None:
    """Whoever else created or changed one would have to remember search terms and the ledger's events."""
    writers = {
        "bot.contacts.service",
        "bot.consent.ledger",
        "bot.consent.verify",
        "bot.store.contacts",
        "bot.store.client",
    }
    writes = r"contacts\.(?:insert|insert_many|update|update_many|keep|change|project|project_many)\("
    found = {module for module, path in BOT.items() if re.search(writes, path.read_text(encoding="utf-8"))}
    assert found <= writers
