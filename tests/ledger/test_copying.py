"""Copies under one snapshot: of a ledger that is being written, of other files, with and without page checksums."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from exchange.core.commands import OpenAccount
from exchange.ledger import copying, db
from exchange.ledger.copying import check_plain, copy_ledger, copy_plain
from exchange.ledger.journal import read_head
from exchange.ledger.reconcile import verify
from tests.ledger.busy import live, pour, sequencing


async def test_what_is_written_while_a_copy_is_made_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits between its steps, much of it still in the WAL: the copy is whole, as of its beginning."""
    await live(tmp_path / "ledger.db", 4, 600)
    monkeypatch.setattr(copying, "_STEP", 8)
    (tmp_path / "copy").mkdir()
    steps = 0
    async with sequencing(tmp_path / "ledger.db") as sequencer:
        await pour(sequencer, [OpenAccount(f"before{n}") for n in range(50)])
        last = sequencer.state.seq
        journal = sequencer._journal

        def progress(_done: int, _total: int) -> None:
            nonlocal steps
            steps += 1
            journal.connection.execute("UPDATE accounts SET tier = tier + 1 WHERE id = 100")

        copy_ledger(tmp_path / "ledger.db", tmp_path / "copy" / "ledger.db", progress)
    assert steps > 3
    assert verify(tmp_path / "copy" / "ledger.db", lambda done, total: None).events == last
    head = read_head(tmp_path / "copy" / "ledger.head")
    assert head is not None
    assert head[0] == last


@pytest.mark.parametrize("reserved", [0, 8])
def test_a_file_is_copied_with_checksums_exactly_where_it_has_them(tmp_path: Path, reserved: int) -> None:
    """Files of before have none: then the last bytes of a page are content."""
    db.load_checksums()
    source = apsw.Connection(str(tmp_path / "source.db"))
    source.reserve_bytes(reserve=reserved)
    source.pragma("journal_mode", "wal")
    source.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)")
    source.executemany("INSERT INTO t (b) VALUES (?)", [(bytes([n % 251]) * 700,) for n in range(500)])
    rows = copy_plain(
        tmp_path / "source.db",
        tmp_path / "copy.db",
        lambda done, total: None,
        lambda reader: reader.execute("SELECT * FROM t").fetchall(),
    )
    source.close()
    assert check_plain(tmp_path / "copy.db") == ""
    copy = apsw.Connection(str(tmp_path / "copy.db"))
    assert copy.reserve_bytes() == reserved
    assert copy.execute("SELECT * FROM t").fetchall() == rows
    copy.close()
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
