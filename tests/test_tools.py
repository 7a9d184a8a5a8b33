"""`tools/test` runs every stage to its end, says what became of each, and fails when one did."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECKS = ["lint", "format", "types", "scripts and styles"]
TESTS = ["tests without a database", "tests with a database", "tests in a browser"]
PYTHON = """#!/bin/sh
echo "called: $*"
case "$*" in *"$FAILING"*) exit 1 ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script, with programs around it that only say how they are called; the one that has FAILING in it fails."""
    programs = {
        ".venv/bin/python": PYTHON,
        "node_modules/.bin/biome": PYTHON,
        "tools/biome": "#!/bin/sh\n",
        "tools/chromium": "#!/bin/sh\n[ -z $NO_BROWSER ]\n",
    }
    for name, script in programs.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    shutil.copy(ROOT / "tools/test", tmp_path / "tools/test")
    return tmp_path


def ran(checkout: Path, *arguments: str, failing: str = "nothing", **more: str) -> tuple[int, dict[str, str], str]:
    """Exit code, result of each stage, and all that was printed."""
    around = {name: value for name, value in os.environ.items() if name != "SAYSO_TEST_WORKERS"}
    environment = {**around, "FAILING": failing, **more}
    done = subprocess.run(
        ["tools/test", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    found = re.findall(r"^(passed|FAILED|SKIPPED) +(.+?)(?: +\d+ s)?$", done.stdout, re.MULTILINE)
    return done.returncode, {stage: result for result, stage in found}, done.stdout


def count_of_cores() -> int:
    return int(subprocess.run(["nproc"], capture_output=True, check=True).stdout)


def test_all_that_passes_is_told_stage_by_stage(checkout: Path) -> None:
    code, results, output = ran(checkout)

    assert code == 0
    assert results == dict.fromkeys([*CHECKS, *TESTS], "passed")
    assert "called: -m pytest -q -n auto -m not browser and not database\n" in output
    assert f"-n {count_of_cores() + 2} --dist loadfile --no-loadscope-reorder -m browser" in output


def test_a_check_is_a_check_alone(checkout: Path) -> None:
    code, results, output = ran(checkout, "check")

    assert (code, list(results)) == (0, CHECKS)
    assert "pytest" not in output


@pytest.mark.parametrize(
    ("failing", "stage"),
    [
        ("ruff check", "lint"),
        ("ruff format", "format"),
        ("mypy", "types"),
        ("ci --error", "scripts and styles"),
        ("not database", "tests without a database"),
        ("database and not browser", "tests with a database"),
        ("-m browser", "tests in a browser"),
    ],
)
def test_one_stage_that_fails_fails_all_and_stops_none(checkout: Path, failing: str, stage: str) -> None:
    code, results, _ = ran(checkout, failing=failing)

    assert code == 1
    assert [name for name, result in results.items() if result == "FAILED"] == [stage]
    assert set(results) == {*CHECKS, *TESTS}


def test_a_missing_browser_is_told_and_fails_nothing(checkout: Path) -> None:
    code, results, output = ran(checkout, NO_BROWSER="1")

    assert (code, results["tests in a browser"]) == (0, "SKIPPED")
    assert "THE TESTS IN A BROWSER DID NOT RUN" in output


def test_the_number_of_workers_can_be_set(checkout: Path) -> None:
    output = ran(checkout, SAYSO_TEST_WORKERS="7")[2]
    assert re.findall(r"called: -m pytest .*-n (\w+)", output) == ["7"] * len(TESTS)
