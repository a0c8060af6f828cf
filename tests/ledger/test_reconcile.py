"""verify: silent on what is whole, and by name on every column of every row that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange import cli
from exchange.core.units import MAX_STORED
from exchange.ledger import db
from exchange.ledger.reconcile import verify
from tests.core.world import Dice
from tests.ledger import busy

KEYS = {
    "journal": ["first_seq"],
    "postings": ["id"],
    "balances": ["key"],
    "orders": ["id"],
    "trades": ["market", "id"],
    "accounts": ["id"],
    "markets": ["id"],
    "assets": ["id"],
    "tier_fees": ["market", "tier"],
    "credits": ["reference"],
    "deposits": ["key"],
    "withdrawals": ["key"],
    "bars": ["market", "minute"],
    "order_lists": ["id"],
    "networks": ["asset", "name"],
    "tier_limits": ["tier", "asset"],
    "payouts_shut": ["asset"],
    "network_costs": ["key"],
    "epochs": ["number"],
    "account_events": ["account", "last"],
    "balance_marks": ["account", "last"],
    "idempotency_keys": ["account", "key"],
    "countdowns": ["account", "market"],
    "armed_sessions": ["account", "session"],
}


def rows_of(path: Path, select: str) -> list[tuple[Any, ...]]:
    connection = db.open_reader(path)
    try:
        return list(connection.execute(select))
    finally:
        connection.close()


def columns_of(path: Path, table: str) -> list[str]:
    return [row[1] for row in rows_of(path, f"PRAGMA table_info({table})")]


def middle(path: Path, table: str, where: str = "1") -> dict[str, Any]:
    """A row from the middle of a table."""
    rows = rows_of(path, f"SELECT * FROM {table} WHERE {where} ORDER BY {', '.join(KEYS[table])}")
    assert rows, f"the busy ledger has no {table} where {where}"
    return dict(zip(columns_of(path, table), rows[len(rows) // 2], strict=True))


def literal(value: object) -> str:
    """A value as SQL."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def other(value: object) -> object:
    """A value of the same kind that is not the same."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, str):
        changed = value.replace('"max_orders":5', '"max_orders":6').replace('"chain_decimals":', '"chain_decimals":3')
        return changed if value.startswith("{") else value + "x"
    assert isinstance(value, int)
    return value + 1 if value < MAX_STORED else value - 1


def where(table: str, row: dict[str, Any]) -> str:
    return " AND ".join(f"{key} = {literal(row[key])}" for key in KEYS[table])


def name(table: str, row: dict[str, Any]) -> str:
    return ", ".join(f"{key} {row[key]}" for key in KEYS[table])


def complaint(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `exchange verify` says on its way to exit status 1."""
    capsys.readouterr()
    assert cli.main(["verify", "--dir", str(path.parent)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_busy_ledger_is_verified_and_its_rows_are_counted(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0, and each table has rows, so that the tests below have something to spoil."""
    assert cli.main(["verify", "--dir", str(ledger.parent)]) == 0
    assert "Every row agrees, and the hash chain is whole" in capsys.readouterr().out
    verified = verify(ledger, lambda done, total: None)
    for table in KEYS:
        assert verified.rows[table] == rows_of(ledger, f"SELECT count(*) FROM {table}")[0][0] > 0


def test_verifying_changes_nothing(ledger: Path) -> None:
    """Not a byte of the ledger nor of its head."""
    before = ledger.read_bytes(), ledger.with_suffix(".head").read_bytes()
    verify(ledger, lambda done, total: None)
    assert (ledger.read_bytes(), ledger.with_suffix(".head").read_bytes()) == before


CHANGES = [
    *((table, "1") for table in KEYS if table != "orders"),
    ("orders", "status <= 2"),
    ("orders", "status <= 2 AND NOT working"),
    ("orders", "status > 2"),
]


@pytest.mark.parametrize(("table", "which"), CHANGES, ids=str)
def test_a_changed_value_is_found_and_its_row_named(
    busy_ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, which: str
) -> None:
    """Every column of the table, one at a time; a changed key is a row missing and a row too many: either is named."""
    row = middle(busy_ledger, table, which)
    for column in row:
        path = busy.copy_ledger(busy_ledger, tmp_path / column)
        new = other(row[column])
        while column in KEYS[table] and rows_of(
            path, f"SELECT 1 FROM {table} WHERE {where(table, row | {column: new})}"
        ):
            new = other(new)
        busy.tamper(path, f"UPDATE {table} SET {column} = {literal(new)} WHERE {where(table, row)}")
        said = complaint(path, capsys)
        names = (f"{table}, {name(table, row)}:", f"{table}, {name(table, row | {column: new})}:")
        assert any(one in said for one in names), (column, said)


@pytest.mark.parametrize("table", KEYS)
def test_a_deleted_row_is_found_and_named(
    busy_ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    """The first, one in the middle and the last."""
    keys = ", ".join(KEYS[table])
    rows = rows_of(busy_ledger, f"SELECT {keys} FROM {table} ORDER BY {keys}")
    for number in {0, len(rows) // 2, len(rows) - 1}:
        path = busy.copy_ledger(busy_ledger, tmp_path / str(number))
        row = dict(zip(KEYS[table], rows[number], strict=True))
        busy.tamper(path, f"DELETE FROM {table} WHERE {where(table, row)}")
        said = complaint(path, capsys)
        if table == "journal" and number == len(rows) - 1:
            assert "the journal was cut short" in said
        else:
            assert f"{table}, {name(table, row)}:" in said


@pytest.mark.parametrize("table", KEYS)
def test_an_inserted_row_is_found_and_named(
    busy_ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    """A copy of a row under keys that come before, and after, all others."""
    columns = columns_of(busy_ledger, table)
    row = middle(busy_ledger, table)
    for new in (-5, 1 << 40) if isinstance(row[KEYS[table][-1]], int) else ("", "~"):
        path = busy.copy_ledger(busy_ledger, tmp_path / f"at {new}")
        added = row | {KEYS[table][-1]: new}
        added |= {column: row[column] + "~" for column in ("name", "code", "symbol") if column in row}
        busy.tamper(path, f"INSERT INTO {table} VALUES ({', '.join(literal(added[column]) for column in columns)})")
        said = complaint(path, capsys)
        # of a batch that cannot follow, verify names the number that should have
        assert f"{table}, {name(table, added)}:" in said or (table == "journal" and f"found first_seq {new}" in said)


@pytest.mark.parametrize("column", ["last_seq", "time"])
def test_negative_numbers_in_the_journal_are_told_like_any_other(
    ledger: Path, capsys: pytest.CaptureFixture[str], column: str
) -> None:
    """They cannot be hashed, so they are refused before."""
    row = middle(ledger, "journal")
    busy.tamper(ledger, f"UPDATE journal SET {column} = -1 WHERE {where('journal', row)}")
    assert f"journal, {name('journal', row)}:" in complaint(ledger, capsys)


def test_a_trade_in_a_market_that_has_none_is_found(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the journal knows no such market."""
    row = middle(ledger, "trades") | {"market": 77}
    busy.tamper(ledger, f"INSERT INTO trades VALUES ({', '.join(map(literal, row.values()))})")
    assert f"trades, {name('trades', row)}:" in complaint(ledger, capsys)


def test_the_last_posting_under_another_id_is_found(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids count from 1 without gaps."""
    busy.tamper(ledger, "UPDATE postings SET id = id + 1 WHERE id = (SELECT max(id) FROM postings)")
    assert "postings, id" in complaint(ledger, capsys)


def test_a_ledger_without_its_journal_is_refused(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the head file it was cut short; without it, rows are there that no event explains."""
    busy.tamper(ledger, "DELETE FROM journal")
    assert "the journal was cut short" in complaint(ledger, capsys)
    ledger.with_suffix(".head").unlink()
    assert "no such row" in complaint(ledger, capsys)


def test_an_index_that_lies_is_found(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A query by client id must not miss an order because its index was spoilt."""
    busy.tamper(
        ledger,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = replace(sql, 'status <= 2', 'status <= 3') WHERE name = 'orders_open'",
    )
    assert "pages, ledger.db:" in complaint(ledger, capsys)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "CREATE TRIGGER lurking AFTER INSERT ON orders BEGIN DELETE FROM postings; END",
            "schema, trigger lurking: expected no such row, found ('trigger', 'lurking'",
        ),
        ("CREATE VIEW extra AS SELECT 1", "schema, view extra: expected no such row"),
        ("DROP INDEX orders_open", "schema, index orders_open: expected ('index', 'orders_open'"),
    ],
)
def test_what_no_migration_made_or_what_it_made_and_is_gone_is_found(
    ledger: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    """A trigger would change rows only later, at the next order."""
    busy.tamper(ledger, change)
    assert said in complaint(ledger, capsys)


def test_both_sides_of_a_difference_are_told_in_plain_numbers(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the file holds them, so that the eye finds what differs."""
    row = middle(ledger, "orders")
    busy.tamper(ledger, f"UPDATE orders SET filled = filled + 1 WHERE {where('orders', row)}")
    expected = f"orders, id {row['id']}: expected {tuple(row.values())}, found "
    assert expected in complaint(ledger, capsys)


def test_no_ledger_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is created on the way."""
    assert "there is no ledger here" in complaint(tmp_path / "ledger.db", capsys)
    assert list(tmp_path.iterdir()) == []


async def test_verify_works_beside_whoever_writes(ledger: Path) -> None:
    """It sees one commit or the next, never half of one."""
    async with busy.sequencing(ledger, busy.Ticking(1_800_000_000_000_000)) as sequencer:
        before, dice = sequencer.state.seq, Dice(7)
        await busy.pour(sequencer, [dice.command() for _ in range(200)])
        assert verify(ledger, lambda done, total: None).events == sequencer.state.seq > before
