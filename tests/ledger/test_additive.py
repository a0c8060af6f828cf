"""Migrations only add, so that the version before can still read: every statement of every script is held to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from exchange.ledger import db
from exchange.ledger.queries import Queries
from exchange.ledger.reconcile import verify
from exchange.ledger.restore import restore

ROOT = Path(__file__).parents[2] / "exchange"
SCRIPTS = sorted(ROOT.glob("*/migrations/*.sql"))
ADDS = re.compile(
    r"CREATE (TABLE|VIEW) \w+|CREATE (UNIQUE )?INDEX \w+|ALTER TABLE \w+ ADD COLUMN \w+|INSERT INTO \w+", re.IGNORECASE
)
BEFORE_THE_RULE = {"office/0003_treasury.sql"}
"""This one makes a table anew to widen a CHECK; no version was released with the one before."""


def statements(script: str) -> Iterator[str]:
    """Each statement, without comments."""
    bare = re.sub(r"--[^\n]*", "", script)
    yield from (" ".join(one.split()) for one in bare.split(";") if one.strip())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_migration_only_adds(path: Path) -> None:
    """Tables, indexes, columns and rows; nothing is dropped, renamed, changed or removed."""
    if f"{path.parts[-3]}/{path.name}" in BEFORE_THE_RULE:
        pytest.skip("older than the rule, and never released")
    bad = [one for one in statements(path.read_text()) if not ADDS.match(one)]
    assert bad == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_column_that_is_added_has_a_default(path: Path) -> None:
    """So that rows which the version before has written are still rows."""
    added = [one for one in statements(path.read_text()) if "ADD COLUMN" in one.upper()]
    assert [one for one in added if "NOT NULL" in one.upper() and "DEFAULT" not in one.upper()] == []


def newer(path: Path) -> None:
    """What a script of a version to come may do: a table, an index, and a column more in every table."""
    connection = db._connect(path, apsw.SQLITE_OPEN_READWRITE)
    with connection:
        tables = [name for kind, name, *_ in db.schema(connection) if kind == "table" and not name.startswith("sqlite")]
        for table in tables:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN of_tomorrow INTEGER NOT NULL DEFAULT 7")
        connection.execute("CREATE TABLE tomorrow (number INTEGER PRIMARY KEY) STRICT")
        connection.pragma("user_version", db.newest() + 1)
    connection.close()


def test_a_ledger_that_a_newer_version_has_migrated_is_still_read(ledger: Path) -> None:
    """State and orders are what they were; only judging and writing are left to the newer one."""
    before = read(ledger)
    newer(ledger)
    assert read(ledger) == before
    with pytest.raises(db.LedgerDamaged, match="newer program"):
        verify(ledger, lambda _done, _total: None)
    with pytest.raises(db.LedgerDamaged, match="newer version"):
        db.open_writer(ledger)


def read(path: Path) -> object:
    reader = db.open_reader(path)
    state = restore(reader)
    reader.close()
    queries = Queries(path)
    orders = [queries.order(one.account, one.market, order_id=one.id) for one in list(state.orders.values())[:50]]
    queries.close()
    assert orders
    return sorted(state.balances.items()), state.seq, [order for order in orders if order is not None]
