"""docs/custody-cases.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "custody-cases.md").read_text(encoding="utf-8")


def test_every_danger_has_a_test_that_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", TABLE)
    assert len(named) > 70
    missing = [f"{file}::{name}" for file, name in named if not _has(ROOT / "tests" / file, name)]
    assert missing == []


def _has(file: Path, name: str) -> bool:
    return file.is_file() and f"def {name}(" in file.read_text(encoding="utf-8")


def test_every_row_of_the_table_names_one() -> None:
    rows = [line for line in TABLE.partition("\n## ")[0].splitlines() if line.startswith("| ")][1:]
    assert [row for row in rows if "::test_" not in row] == []
