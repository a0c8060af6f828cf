"""docs/reliability.md says what there is: every requirement, suites that exist, every bug that can be planted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", range(1, 16))
def test_every_requirement_has_a_row(number: int) -> None:
    assert re.search(rf"^\| R{number} \|", TEXT, re.MULTILINE)


def test_every_suite_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", TEXT))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_suite_of_a_requirement_is_named() -> None:
    """Those whose first line begins with its number."""
    suites = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.match(r'"""R\d+:', path.read_text(encoding="utf-8"))
    }
    assert len(suites) > 8
    assert sorted(suite for suite in suites if suite not in TEXT) == []


def test_every_bug_that_can_be_planted_is_listed() -> None:
    listed = set(re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE))
    assert listed == MUTANTS.keys() - {"none"}


def test_every_knob_of_the_night_is_read_by_a_test() -> None:
    knobs = re.search(r"`KILLS`.*?in the environment", TEXT, re.DOTALL)
    assert knobs is not None
    read = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for knob in re.findall(r"`([A-Z_]+)`", knobs[0]):
        assert f'environ.get("{knob}"' in read
