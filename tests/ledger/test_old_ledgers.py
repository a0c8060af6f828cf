"""A ledger that an older version wrote is opened, restored and verified: its rows and its journal still agree."""

import gzip
import shutil
from pathlib import Path

import pytest

from exchange.core import audit
from exchange.ledger import db
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import verify
from exchange.ledger.restore import restore
from tests.core.world import Dice
from tests.ledger import busy

OLD = sorted(Path(__file__).parent.glob("schema_*.db.gz"))
"""Ledgers of 600 commands of dice, by the schema that they were written under."""


@pytest.fixture(params=OLD, ids=lambda path: path.name.split(".")[0])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    with gzip.open(request.param) as packed, path.open("wb") as ledger:
        shutil.copyfileobj(packed, ledger)
    return path


def quiet(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_an_old_ledger_is_not_read_before_it_was_migrated(old: Path) -> None:
    with pytest.raises(db.LedgerDamaged, match="this program reads"):
        db.open_reader(old)


def test_an_old_ledger_verifies_once_it_is_opened(old: Path) -> None:
    Journal(old).close()
    assert verify(old, quiet).rows["orders"] > 100


async def test_an_old_ledger_restores_and_goes_on(old: Path) -> None:
    """Its open orders trade, and old and new verify as one."""
    journal = Journal(old)
    state = restore(journal.connection)
    assert list(audit.violations(state)) == []
    assert state.orders
    journal.close()
    dice = Dice(3)
    async with busy.sequencing(old) as sequencer:
        dice.newest_order = sequencer.state.next_order - 1
        await busy.pour(sequencer, [dice.command() for _ in range(200)])
    verify(old, quiet)
