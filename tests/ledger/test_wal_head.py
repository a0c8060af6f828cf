"""A WAL that ends before what was committed is noticed before SQLite takes its beginning for all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from exchange.ledger.wal_head import FOLD_PAGES, Noted, head_of, shortened


@pytest.fixture
def open_file(tmp_path: Path) -> Noted:
    """A database with a table, written to by nobody else."""
    connection = Noted(str(tmp_path / "some.db"))
    connection.pragma("journal_mode", "wal")
    connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, content BLOB)")
    connection.follow(tmp_path / "some.db")
    return connection


def insert(connection: apsw.Connection, rows: int) -> None:
    for _ in range(rows):
        connection.execute("INSERT INTO numbers (content) VALUES (randomblob(3000))")


def killed(folder: Path) -> Path:
    """The files as a process leaves them that is killed now."""
    target = folder / "killed"
    target.mkdir()
    for suffix in ("", "-wal", "-head"):
        shutil.copyfile(folder / f"some.db{suffix}", target / f"some.db{suffix}")
    return target / "some.db"


def test_what_was_closed_and_what_was_killed_is_whole(open_file: Noted, tmp_path: Path) -> None:
    insert(open_file, 20)
    path = killed(tmp_path)
    assert shortened(path) == ""
    open_file.close()
    assert shortened(tmp_path / "some.db") == ""
    again = apsw.Connection(str(path))
    assert again.execute("SELECT count(*) FROM numbers").get == 20
    again.close()


def test_a_damaged_frame_is_named_even_the_last(open_file: Noted, tmp_path: Path) -> None:
    insert(open_file, 5)
    path = killed(tmp_path)
    wal = path.with_name("some.db-wal")
    raw = bytearray(wal.read_bytes())
    raw[-1] ^= 1
    wal.write_bytes(raw)
    assert shortened(path).endswith("of its WAL is damaged")
    wal.write_bytes(raw[:-4_000])
    assert "its WAL ends after" in shortened(path)
    wal.write_bytes(raw[:10])
    assert shortened(path) == "its WAL was cut short"
    wal.unlink()
    assert shortened(path) == "its WAL is gone"
    open_file.close()


def test_a_wal_that_began_anew_is_no_damage(open_file: Noted, tmp_path: Path) -> None:
    """The process died after it, before the first commit in it was noted: all that was noted had been folded."""
    insert(open_file, 5)
    noted = head_of(tmp_path / "some.db").read_bytes()
    open_file.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    insert(open_file, 1)
    path = killed(tmp_path)
    head_of(path).write_bytes(noted)
    assert shortened(path) == ""
    open_file.close()


def test_the_wal_is_folded_as_sqlite_would_have_done(open_file: Noted, tmp_path: Path) -> None:
    """It begins anew, so it does not grow for ever."""
    insert(open_file, 3 * FOLD_PAGES)
    assert (tmp_path / "some.db-wal").stat().st_size < 2 * FOLD_PAGES * 4_200
    assert shortened(killed(tmp_path)) == ""
    open_file.close()


def test_a_file_without_a_head_is_believed(tmp_path: Path) -> None:
    """A backup brings none along."""
    assert shortened(tmp_path / "some.db") == ""
