"""What contributors rely on stays true: the commands that CONTRIBUTING names, the hook, the editor's settings."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", ".pre-commit-config.yaml", ".editorconfig"])
def test_the_make_targets_that_a_page_names_exist(page: str) -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b`?", "\n".join(_commands((ROOT / page).read_text(encoding="utf-8")))))

    assert named
    assert named <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_the_paths_that_contributing_names_exist() -> None:
    named = re.findall(r"`([\w./]+/[\w./]*|[\w.-]+\.(?:md|toml|lock|yaml))`", CONTRIBUTING)

    assert len(named) >= 8
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_marks_that_contributing_names_exist() -> None:
    marks = {mark.partition(":")[0] for mark in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}

    assert {"browser", "database", "slow", "soak"} <= marks
    assert set(re.findall(r"(?:test|case) `(\w+)`", CONTRIBUTING)) == {"slow", "soak"}
    assert set(re.findall(r"-m \"not (\w+) and not (\w+)\"", CONTRIBUTING)) == {("browser", "database")}


def test_a_commit_is_checked_as_make_check_does() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")

    assert re.findall(r"^ +entry: (.*)$", hooks, re.MULTILINE) == ["make check"]
    assert re.findall(r"^ +(?:pass_filenames|always_run): (.*)$", hooks, re.MULTILINE) == ["false", "true"]
    assert re.search(r"^check:.*\n(?:\t.*\n)*\t@tools/test check$", MAKEFILE, re.MULTILINE)


def test_editors_and_the_linter_agree_on_lines() -> None:
    settings = ConfigParser()
    settings.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))

    assert int(settings["*"]["max_line_length"]) == PROJECT["tool"]["ruff"]["line-length"]
    assert (settings["*.py"]["indent_size"], settings["Makefile"]["indent_style"]) == ("4", "tab")


def test_every_file_ends_lines_as_the_editor_settings_say() -> None:
    kinds = {".py", ".md", ".html", ".css", ".js", ".po", ".toml", ".yaml"}
    folders = ("bot", "widget", "tests", "tools", "static", "templates", "docs")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    files = [path for path in files if "vendor" not in path.parts]

    assert len(files) > 200
    assert [str(path) for path in files if not _is_tidy(path.read_bytes())] == []


def _commands(text: str) -> list[str]:
    """What a page sets as code: between backticks, or in lines of a shell."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def _is_tidy(text: bytes) -> bool:
    return b"\r\n" not in text and (not text or (text.endswith(b"\n") and not re.search(rb"[ \t]\n", text)))
