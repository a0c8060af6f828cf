"""The rows of custody.db with every payment to an address of ours: how they are written and read, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import apsw
import msgspec

from exchange.core.transfers import DepositState
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.custody.deposits.confirmations import Verdict, reference
from exchange.custody.port import Header, Incoming, Owned, Purpose


class Row(msgspec.Struct, frozen=True):
    """A payment to us, as far as we know of it. `state` is a `DepositState`, or `HOUSE`."""

    chain: str
    key: str
    txid: str
    to_key: str
    purpose: int
    place: int
    account: AccountId | None
    contract: str
    amount: str
    coinbase: int
    sender: str
    state: int
    why: str
    height: int
    block: str
    due: int
    finality: int
    asset: AssetId | None
    atoms: Amount
    dust: str
    seen: Micros
    changed: Micros
    spent_by: str
    spent_at: int
    claimed_by: str


class ReportRow(msgspec.Struct, frozen=True):
    """What the ledger is to be told. `done`: when it had it on disk; 0: not yet."""

    number: int
    chain: str
    key: str
    reference: str
    account: AccountId
    asset: AssetId
    atoms: Amount
    state: int
    done: Micros


_COLUMNS: Final = ", ".join(Row.__struct_fields__)
_REPORT: Final = ", ".join(ReportRow.__struct_fields__)
_INSERT: Final = f"INSERT INTO incoming ({_COLUMNS}) VALUES ({', '.join('?' * len(Row.__struct_fields__))})"
_UPDATE: Final = """
UPDATE incoming SET to_key = ?, purpose = ?, place = ?, account = ?, contract = ?, amount = ?, coinbase = ?, sender = ?,
  state = ?, why = ?, height = ?, block = ?, due = ?, finality = ?, asset = ?, atoms = ?, dust = ?, changed = ?
WHERE chain = ? AND key = ?
"""


def row(db: apsw.Connection, chain: str, key: str) -> Row | None:
    """The payment of that name."""
    return next(select(db, "chain = ? AND key = ?", (chain, key)), None)


def select(db: apsw.Connection, where: str, args: Iterable[str | int], tail: str = "") -> Iterator[Row]:
    """Payments of a condition of ours; its values are bound."""
    for values in db.execute(f"SELECT {_COLUMNS} FROM incoming WHERE {where} {tail}", tuple(args)):
        yield Row(*values)


def as_incoming(row: Row) -> Incoming:
    """The payment as a node told of it, but for the wording of its address."""
    to = Owned(row.to_key, Purpose(row.purpose), row.place, row.account)
    return Incoming(row.key, row.txid, to, row.contract, int(row.amount), bool(row.coinbase), row.sender)


def from_ourselves(db: apsw.Connection, chain: str, sender: str) -> bool:
    """Whether an address of ours sent it: gas for a sweep, say, which is nobody's deposit."""
    known = "SELECT 1 FROM addresses WHERE chain = ? AND key = ?"
    return bool(sender) and db.execute(known, (chain, sender)).fetchone() is not None


def owner(db: apsw.Connection, chain: str, to_key: str) -> AccountId | None:
    """Whose address it is, as the file says now."""
    found = db.execute("SELECT account FROM addresses WHERE chain = ? AND key = ?", (chain, to_key)).fetchone()
    return None if found is None or found[0] is None else AccountId(int(found[0]))


def put(
    db: apsw.Connection,
    chain: str,
    to_key: str,
    one: Incoming,
    account: AccountId | None,
    verdict: Verdict,
    header: Header | None,
    now: Micros,
) -> None:
    """Write a payment and what becomes of it; `header` is None while it waits to be mined."""
    height, block = (0, "") if header is None else (header.height, header.hash)
    facts = (
        to_key,
        one.to.purpose,
        one.to.index,
        account,
        one.contract,
        str(one.amount),
        int(one.coinbase),
        one.sender,
    )
    fate = (
        verdict.state,
        verdict.why,
        height,
        block,
        verdict.due,
        int(verdict.finality),
        verdict.asset,
        verdict.atoms,
        str(verdict.dust),
    )
    db.execute(_UPDATE, (*facts, *fate, now, chain, one.key))
    if not db.changes():
        db.execute(_INSERT, (chain, one.key, one.txid, *facts, *fate, now, now, "", 0, ""))


def move(db: apsw.Connection, row: Row, state: DepositState, why: str, now: Micros) -> None:
    """A payment's next state."""
    db.execute(
        "UPDATE incoming SET state = ?, why = ?, changed = ? WHERE chain = ? AND key = ?",
        (state, why, now, row.chain, row.key),
    )


def unmine(db: apsw.Connection, row: Row, why: str, now: Micros) -> None:
    """Its block is of the best chain no more."""
    db.execute(
        "UPDATE incoming SET state = ?, why = ?, height = 0, block = '', due = 0, changed = ?"
        " WHERE chain = ? AND key = ?",
        (DepositState.ORPHANED, why, now, row.chain, row.key),
    )


def report(db: apsw.Connection, row: Row, state: DepositState) -> None:
    """The ledger is to be told of `row`, whose block it still has."""
    assert row.account is not None, row
    assert row.asset is not None, row
    name = reference(row.chain, row.key, row.block)
    db.execute(
        "INSERT INTO reports (chain, key, reference, account, asset, atoms, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.chain, row.key, name, row.account, row.asset, row.atoms, state),
    )


def waiting_reports(db: apsw.Connection, limit: int) -> list[ReportRow]:
    """What the ledger does not know yet, the oldest first."""
    rows = db.execute(f"SELECT {_REPORT} FROM reports WHERE done = 0 ORDER BY number LIMIT ?", (limit,))
    return [ReportRow(*values) for values in rows]


def last_reports(db: apsw.Connection, after: int, limit: int) -> list[ReportRow]:
    """Of each reference the last thing that the ledger was told; by number, from `after` on."""
    rows = db.execute(
        f"SELECT {_REPORT} FROM reports AS r WHERE number > ? AND done > 0 AND NOT EXISTS"
        " (SELECT 1 FROM reports AS n WHERE n.reference = r.reference AND n.number > r.number)"
        " ORDER BY number LIMIT ?",
        (after, limit),
    )
    return [ReportRow(*values) for values in rows]


def mark_done(db: apsw.Connection, numbers: Iterable[int], now: Micros) -> None:
    """The ledger has them on disk."""
    db.executemany("UPDATE reports SET done = ? WHERE number = ?", [(now, number) for number in numbers])
