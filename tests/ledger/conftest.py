"""One busy ledger for all tests of this room; each takes a copy."""

from pathlib import Path

import pytest
import trio

from tests.ledger import busy


@pytest.fixture(scope="session")
def busy_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger in which every table has rows."""
    path = tmp_path_factory.mktemp("busy") / "ledger.db"
    trio.run(busy.live, path, 9, 700)
    return path


@pytest.fixture
def ledger(busy_ledger: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return busy.copy_ledger(busy_ledger, tmp_path)
