"""Accounts' own records: complete, in order, bounded; and filled in for ledgers from before there were any."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import apsw
import msgspec
import pytest

from exchange.core.events import AccountOpened, Credited, Event
from exchange.core.postings import ACCOUNT_SHIFT
from exchange.core.state import MARK_EVERY
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.ledger import backfill, db, records
from exchange.ledger.journal import DECODER
from exchange.ledger.records import Records, numbers_of
from tests.core.world import ACCOUNTS
from tests.ledger import busy


def own_numbers(path: Path, account: AccountId) -> list[tuple[int, int]]:
    """(number, event) of all of the account's events, from the journal itself."""
    connection, found = db.open_reader(path), []
    for first, blob in connection.execute("SELECT first_seq, events FROM journal ORDER BY first_seq"):
        for seq, event in enumerate(DECODER.decode(blob), first):
            found += [(number, seq) for number in numbers_of(event, account)]
    connection.close()
    return found


@pytest.mark.parametrize("limit", [1, 13, 10_000])
@pytest.mark.parametrize("batches", [1, 1_000])
def test_pages_of_events_are_the_journals(
    busy_ledger: Path, monkeypatch: pytest.MonkeyPatch, limit: int, batches: int
) -> None:
    """However few batches a question may read, each page goes on where the one before ended."""
    monkeypatch.setattr(records, "MAX_BATCHES", batches)
    kept = Records(busy_ledger)
    for account in ACCOUNTS:
        found, start = [], 1
        while page := kept.events(account, start, limit):
            found += [(own.number, own.seq) for own in page]
            assert len(page) <= limit
            start = page[-1].number + 1
        assert found == own_numbers(busy_ledger, account)
    kept.close()


def test_the_balance_after_each_movement_is_the_sum_up_to_it_from_wherever_one_begins(busy_ledger: Path) -> None:
    """Marks on the way make no difference."""
    kept, connection = Records(busy_ledger), db.open_reader(busy_ledger)
    for account in ACCOUNTS:
        last = own_numbers(busy_ledger, account)[-1][0]
        whole, _ = kept.movements(account, 1, last)
        sums: Counter[int] = Counter()
        for move in whole:
            sums[move.key] += move.amount
            assert move.balance == sums[move.key]
            assert move.key >> ACCOUNT_SHIFT == account
        for start in (2, MARK_EVERY, MARK_EVERY + 1, last):
            assert kept.movements(account, start, last)[0] == [m for m in whole if m.cause.number >= start]
        balances = {key: amount for key, amount in connection.execute("SELECT key, amount FROM balances") if amount}
        assert {key: amount for key, amount in sums.items() if amount} == {
            key: amount for key, amount in balances.items() if key >> ACCOUNT_SHIFT == account
        }
    kept.close()
    connection.close()


def test_what_is_filled_in_is_what_would_have_been_written(ledger: Path) -> None:
    """Row by row, over a busy ledger."""
    db.load_checksums()
    connection = apsw.Connection(str(ledger), vfs="cksmvfs")
    tables = ("account_events", "balance_marks")
    written = [sorted(connection.execute(f"SELECT * FROM {table}")) for table in tables]
    assert all(written)
    for table in tables:
        connection.execute(f"DELETE FROM {table}")
    backfill.fill(connection)
    assert [sorted(connection.execute(f"SELECT * FROM {table}")) for table in tables] == written
    connection.close()


def test_an_older_ledger_is_filled_in_when_it_is_opened() -> None:
    """In the transaction of the migration that makes the tables."""
    connection = apsw.Connection(":memory:")
    for script in db._migrations()[:2]:
        connection.execute(script)
    connection.pragma("user_version", 2)
    account, time = AccountId(100), Micros(1)
    events: tuple[Event, ...] = (
        AccountOpened(time, account, "ann", 0),
        Credited(time, account, 1, AssetId(1), Amount(5), "gift"),
    )
    connection.execute("INSERT INTO journal VALUES (1, 2, 1, ?, x'00')", (msgspec.msgpack.encode(events),))
    db.migrate(connection)
    assert list(connection.execute("SELECT * FROM account_events")) == [(100, 1, 1)]
    assert connection.pragma("user_version") == len(db._migrations())


async def test_a_first_answer_is_found_after_a_restart_and_no_other(tmp_path: Path) -> None:
    """In the midst of a batch of many."""
    path = tmp_path / "ledger.db"
    await busy.live(path, 20, 700)
    kept, connection = Records(path), db.open_reader(path)
    keys = list(connection.execute("SELECT account, key, seq FROM idempotency_keys"))
    assert keys
    for account, key, _ in keys:
        outcome = kept.first_outcome(account, key)
        assert outcome is not None
        assert outcome.events or (outcome.replaced is not None and outcome.replaced.events)
    assert kept.first_outcome(AccountId(100), "nobody's") is None
    kept.close()
    connection.close()
