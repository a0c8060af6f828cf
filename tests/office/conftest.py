"""An office for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office.rooms import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An empty office."""
    opened = Office(tmp_path)
    yield opened
    opened.db.close()
