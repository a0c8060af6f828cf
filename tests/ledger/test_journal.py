"""The journal: a hash chain, a head that notices what was cut off, and pages that keep their checksums."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest

from exchange.core import commands as co
from exchange.core.events import AssetListed
from exchange.ledger import db, journal
from exchange.ledger.db import LedgerDamaged
from exchange.ledger.journal import GENESIS_HASH, Journal, link, read_head
from exchange.ledger.reconcile import Difference, verify
from exchange.ledger.restore import restore
from tests.core.world import Dice
from tests.ledger import busy

CUT = "DELETE FROM journal WHERE first_seq = (SELECT max(first_seq) FROM journal)"


def quiet(done: int, total: int) -> None:
    """Nobody watches the progress."""


def test_each_row_is_hashed_with_the_one_before(ledger: Path) -> None:
    """From genesis on, over numbers, time and events alike."""
    connection = db.open_reader(ledger)
    digest, expected = GENESIS_HASH, 1
    for first, last, time, events, stored in connection.execute("SELECT * FROM journal ORDER BY first_seq"):
        assert first == expected
        digest = link(digest, first, last, time, events)
        assert stored == digest
        expected = last + 1
    connection.close()
    assert read_head(journal.head_path(ledger)) == (expected - 1, digest)


def test_the_writer_is_in_wal_mode_and_syncs_every_commit(tmp_path: Path) -> None:
    """Read back from SQLite, with checksums in every page, and for nobody else's eyes."""
    path = tmp_path / "ledger.db"
    writer = Journal(path)
    pragmas = {
        name: writer.connection.pragma(name) for name in ("journal_mode", "synchronous", "checksum_verification")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "checksum_verification": "1"}
    assert writer.connection.reserve_bytes() == 8
    assert path.stat().st_mode & 0o777 == 0o600
    writer.close()
    again = Journal(path)
    assert again.connection.pragma("journal_mode") == "wal"
    assert again.connection.reserve_bytes() == 8
    again.close()


def test_a_journal_cut_short_is_refused_at_start_and_by_verify(ledger: Path) -> None:
    """Its hash chain is whole, but the head knows of more."""
    busy.tamper(ledger, CUT)
    with pytest.raises(LedgerDamaged, match="cut short"):
        Journal(ledger)
    with pytest.raises(LedgerDamaged, match="cut short"):
        verify(ledger, quiet)


def test_a_journal_that_says_something_else_than_its_head_is_refused(ledger: Path) -> None:
    """As long as before, and another last hash."""
    busy.tamper(ledger, "UPDATE journal SET hash = x'00' WHERE first_seq = (SELECT max(first_seq) FROM journal)")
    with pytest.raises(LedgerDamaged, match="cut short or changed"):
        Journal(ledger)


@pytest.mark.parametrize("content", [b"", b"torn", bytes(44), b"\xff" * 44, bytes(100)], ids=len)
def test_a_torn_head_is_no_head(ledger: Path, content: bytes) -> None:
    """A power cut may leave anything there, for it is not synced: the journal is still opened and verified."""
    head = journal.head_path(ledger)
    head.write_bytes(content)
    assert read_head(head) is None
    assert verify(ledger, quiet).events > 0
    Journal(ledger).close()


async def test_a_stale_head_is_no_fault(busy_ledger: Path, ledger: Path) -> None:
    """As after a crash right between commit and head; the next commit brings it up to date."""
    stale = journal.head_path(ledger).read_bytes()
    async with busy.sequencing(ledger) as sequencer:
        await sequencer.call(co.OpenAccount("late"))
    journal.head_path(ledger).write_bytes(stale)
    assert verify(ledger, quiet).events > verify(busy_ledger, quiet).events
    async with busy.sequencing(ledger) as sequencer:
        await sequencer.call(co.OpenAccount("later"))
        assert read_head(journal.head_path(ledger)) == (sequencer.state.seq, sequencer._journal.last_hash)


def test_every_flipped_bit_of_a_page_is_found(ledger: Path) -> None:
    """Fifty of them, anywhere in the file: opening or verifying the ledger fails."""
    whole, dice = ledger.read_bytes(), random.Random(5)
    for _ in range(50):
        spoilt, at = bytearray(whole), dice.randrange(len(whole))
        spoilt[at] ^= 1 << dice.randrange(8)
        ledger.write_bytes(spoilt)
        with pytest.raises((Difference, LedgerDamaged)):
            verify(ledger, quiet)


def test_a_damaged_page_is_told_at_start_in_a_sentence(ledger: Path) -> None:
    """And the file is left as it was found."""
    spoilt = bytearray(ledger.read_bytes())
    for page in range(1, len(spoilt) // 4096):
        spoilt[page * 4096 + 2000] ^= 1
    ledger.write_bytes(spoilt)
    with pytest.raises(LedgerDamaged, match="Nothing was changed"):
        Journal(ledger)
    assert ledger.read_bytes() == spoilt


@pytest.mark.parametrize(
    "statement", ["UPDATE orders SET status = -1 WHERE status = 1", "UPDATE markets SET rules = '{}'"]
)
def test_rows_that_make_no_sense_are_told_at_start_in_a_sentence(ledger: Path, statement: str) -> None:
    """No trace of Python's."""
    busy.tamper(ledger, statement)
    writer = Journal(ledger)
    with pytest.raises(LedgerDamaged, match="restore a backup"):
        restore(writer.connection)
    writer.close()


def test_a_file_without_page_checksums_is_not_ours(tmp_path: Path) -> None:
    """Another program's database is refused and left alone."""
    path = tmp_path / "ledger.db"
    stranger = apsw.Connection(str(path))
    stranger.execute("CREATE TABLE t (x)")
    stranger.close()
    for open_it in (db.open_reader, db.open_writer):
        with pytest.raises(LedgerDamaged, match="not our file"):
            open_it(path)


def test_a_ledger_that_cannot_be_opened_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Here it is a folder."""
    path = tmp_path / "ledger.db"
    path.mkdir()
    for open_it in (db.open_reader, db.open_writer):
        with pytest.raises(LedgerDamaged, match="Nothing was changed"):
            open_it(path)


def test_a_path_is_not_a_uri(tmp_path: Path) -> None:
    """Signs that mean something there are letters of a name here."""
    path = tmp_path / "a?mode=memory#b%20c" / "ledger.db"
    path.parent.mkdir()
    Journal(path).close()
    assert path.stat().st_size > 0
    db.open_reader(path).close()


def test_a_start_that_was_killed_before_its_first_page_is_made_good(tmp_path: Path) -> None:
    """An empty file is as good as none."""
    path = tmp_path / "ledger.db"
    path.touch()
    writer = Journal(path)
    assert writer.connection.reserve_bytes() == 8
    writer.close()


def test_a_reader_cannot_write(ledger: Path) -> None:
    """Whatever it is told."""
    reader = db.open_reader(ledger)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM journal")
    reader.close()


def test_a_ledger_of_a_newer_program_is_refused(ledger: Path) -> None:
    """By the writer, before anything is changed; readers may look (`test_additive`)."""
    busy.tamper(ledger, "PRAGMA user_version = 1000")
    with pytest.raises(LedgerDamaged, match="newer version"):
        Journal(ledger)


def test_migrations_run_once_and_leave_their_number(ledger: Path) -> None:
    """Opening again changes no schema."""

    def schema() -> list[object]:
        connection = db.open_reader(ledger)
        rows = list(connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name"))
        connection.close()
        return rows

    before = schema()
    writer = Journal(ledger)
    assert writer.connection.pragma("user_version") == len(db._migrations()) >= 1
    writer.close()
    assert schema() == before


async def test_a_batch_that_does_not_follow_is_refused(tmp_path: Path) -> None:
    """Two writers, or one that lost a batch, would tear the chain."""
    from exchange.core.evolving import evolve
    from exchange.core.market import Asset
    from exchange.core.state import State
    from exchange.core.units import AssetId, Micros
    from exchange.ledger.rows import freeze

    writer, state = Journal(tmp_path / "ledger.db"), State()
    evolve(state, AssetListed(Micros(1), Asset(AssetId(1), "AAA", 1)))
    frozen = freeze(state.take_changes(), state, Micros(1))
    assert frozen is not None
    writer.commit(frozen)
    with pytest.raises(AssertionError, match="the journal ends at 1"):
        writer.commit(frozen)
    writer.close()


async def test_the_chain_goes_on_over_restarts(tmp_path: Path) -> None:
    """Five lives of one ledger, verified as one."""
    path, dice = tmp_path / "ledger.db", Dice(4)
    await busy.live(path, 4, 20)
    for _ in range(5):
        async with busy.sequencing(path) as sequencer:
            await busy.pour(sequencer, [dice.command() for _ in range(30)])
    connection = db.open_reader(path)
    assert verify(path, quiet).events == connection.execute("SELECT max(last_seq) FROM journal").fetchall()[0][0]
    connection.close()
