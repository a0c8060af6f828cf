"""Folding the WAL beside the writer: it stays small, nothing is lost, and what goes wrong there ends the process."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from exchange.core.commands import ListAsset
from exchange.core.performing import perform
from exchange.core.state import State
from exchange.core.units import Micros
from exchange.ledger import checkpoints, db
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import verify
from exchange.ledger.rows import freeze
from tests.ledger.test_journal import quiet

PAGE = 4_096


def commit(writer: Journal, state: State, number: int) -> None:
    """One commit, of a few pages."""
    outcome = perform(state, Micros(number), ListAsset(f"A{number}", 8))
    assert outcome.reject is None
    frozen = freeze(state.take_changes(), state, Micros(number))
    assert frozen is not None
    writer.commit(frozen)


def fold_now(writer: Journal) -> None:
    """Wait until the thread has folded all it was asked to."""
    assert writer._checkpoints._folded.wait(20)


def test_the_wal_stays_small_and_the_ledger_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PAGES", 20)
    monkeypatch.setattr(checkpoints, "MOST", 40)
    path = tmp_path / "ledger.db"
    writer, state, folds = Journal(path), State(), 0
    writer._checkpoints._next = 20
    for number in range(1, 200):
        commit(writer, state, number)
        if writer._checkpoints._running:
            fold_now(writer)
            folds += 1
    assert folds > 3
    assert path.with_name("ledger.db-wal").stat().st_size < 80 * PAGE
    writer.close()
    assert verify(path, quiet).events == 199


def test_a_reader_in_the_way_keeps_what_it_sees_and_costs_no_fold_per_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "PAGES", 20)
    monkeypatch.setattr(checkpoints, "MOST", 40)
    path = tmp_path / "ledger.db"
    writer, state, folds = Journal(path), State(), 0
    writer._checkpoints._next = 20
    commit(writer, state, 1)
    reader = db.open_reader(path)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM assets").get
    for number in range(2, 60):
        commit(writer, state, number)
        if writer._checkpoints._running:
            fold_now(writer)
            folds += 1
    assert reader.execute("SELECT count(*) FROM assets").get == seen
    assert 1 < folds < 30
    reader.close()
    writer.close()
    assert verify(path, quiet).events == 59


def test_who_never_pauses_is_helped_by_the_writer_once_the_wal_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "PAGES", 20)
    monkeypatch.setattr(checkpoints, "MOST", 40)
    path = tmp_path / "ledger.db"
    writer, state = Journal(path), State()
    writer._checkpoints._next = 20
    monkeypatch.setattr(db, "open_checkpointer", lambda _: apsw.Connection(":memory:"))  # folds nothing, in time
    for number in range(1, 200):
        commit(writer, state, number)
        if writer._checkpoints._running:
            fold_now(writer)
    assert path.with_name("ledger.db-wal").stat().st_size < 90 * PAGE
    writer.close()
    assert verify(path, quiet).events == 199


def test_an_error_of_the_folding_thread_is_raised_by_the_next_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> apsw.Connection:
        raise apsw.FullError("the disk is full")

    monkeypatch.setattr(db, "open_checkpointer", full)
    writer, state = Journal(tmp_path / "ledger.db"), State()
    writer._checkpoints._next = 1
    commit(writer, state, 1)
    fold_now(writer)
    with pytest.raises(db.DiskFailed, match="the disk is full"):
        commit(writer, state, 2)
    writer.close()


def test_an_error_that_no_commit_came_for_is_raised_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> apsw.Connection:
        raise apsw.FullError("the disk is full")

    monkeypatch.setattr(db, "open_checkpointer", full)
    writer, state = Journal(tmp_path / "ledger.db"), State()
    writer._checkpoints._next = 1
    commit(writer, state, 1)
    with pytest.raises(apsw.FullError):
        writer.close()


def test_the_folding_connection_is_as_careful_as_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Journal(path).close()
    connection = db.open_checkpointer(path)
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("checksum_verification") == "1"
    connection.close()
