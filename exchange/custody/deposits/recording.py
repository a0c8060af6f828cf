"""What a block does to custody.db, and what its end as part of the best chain does: each one transaction.

Nothing here asks a node or the ledger. What the ledger must learn is left in `reports`, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw
import msgspec

from exchange.core.transfers import DepositState
from exchange.core.units import Micros
from exchange.custody.deposits import chain_rows, cold_spendings, incoming_rows
from exchange.custody.deposits.confirmations import HOUSE, Listed, Verdict, assess
from exchange.custody.deposits.incoming_rows import Row
from exchange.custody.port import Block, Header, Incoming, NodeFault, Standing

_MINED: Final = frozenset({DepositState.CONFIRMING, DepositState.CREDITED, DepositState.HELD, DepositState.SWEPT})
_CREDITED: Final = frozenset({DepositState.CREDITED, DepositState.SWEPT})
NEVER: Final = {
    Standing.UNKNOWN: "it is in no block and waits no more: replaced, or forgotten by the nodes",
    Standing.REVERTED: "it was mined, and failed: nothing was paid",
}
"""Where a payment stands that is waited for in vain, and the words for it."""

_BELOW_LIMIT: Final = 50
"""So many blocks more than a reorg may undo are kept, to say how deep one went that went too deep."""


class Recorded(msgspec.Struct, frozen=True):
    """What came of it: payments written, and whether the ledger must be told something."""

    payments: int
    told: int


def record(
    db: apsw.Connection,
    chain: str,
    block: Block,
    keys: Sequence[str],
    listed: Listed,
    final: int | None,
    reorg_limit: int,
    now: Micros,
) -> Recorded:
    """The next block of a chain. `keys` are the address keys of `block.incoming`, in order.

    Raises `NodeFault` for a payment that a block of the best chain has already: no node that is right says so.
    """
    chain_rows.advance(db, chain, block.header, reorg_limit + _BELOW_LIMIT)
    for one, to_key in zip(block.incoming, keys, strict=True):
        _receive(db, chain, one, to_key, block.header, listed, now)
    db.executemany(
        "UPDATE incoming SET spent_by = ?, spent_at = ? WHERE chain = ? AND key = ?",
        [(txid, block.header.height, chain, outpoint) for outpoint, txid in block.spent],
    )
    cold_spendings.note(db, chain, block)
    db.executemany(
        "INSERT OR IGNORE INTO raw_transactions VALUES (?, ?, ?)",
        [(chain, txid, raw) for txid, raw in block.raw.items()],
    )
    return Recorded(len(block.incoming), promote(db, chain, block.header.height, final, now))


def _receive(
    db: apsw.Connection, chain: str, one: Incoming, to_key: str, header: Header, listed: Listed, now: Micros
) -> None:
    known = incoming_rows.row(db, chain, one.key)
    if known is not None and known.height and (known.state in _MINED or known.state == HOUSE):
        raise NodeFault(f"block {header.height} has {one.key}, and so has block {known.height}")
    account = incoming_rows.owner(db, chain, to_key)
    ours = incoming_rows.from_ourselves(db, chain, one.sender)
    verdict = Verdict(HOUSE) if ours else assess(one, account, listed, header.height)
    incoming_rows.put(db, chain, to_key, one, account, verdict, header, now)


def promote(db: apsw.Connection, chain: str, height: int, final: int | None, now: Micros) -> int:
    """Credit what has waited long enough, the chain having been read up to `height`; how many."""
    due = list(
        incoming_rows.select(
            db,
            "chain = ? AND state = 2 AND due <= ? AND (finality = 0 OR height <= ?) AND height > 0",
            (chain, height, height if final is None else final),
        )
    )
    for row in due:
        incoming_rows.move(db, row, DepositState.CREDITED, "", now)
        incoming_rows.report(db, row, DepositState.CREDITED)
    return len(due)


def undo(db: apsw.Connection, chain: str, height: int, now: Micros) -> Recorded:
    """The blocks above `height` count no more: what they paid is orphaned, what they spent is not spent.

    A deposit that was credited already is to be taken back, which freezes its account; that is an alarm.
    """
    gone = list(incoming_rows.select(db, "chain = ? AND height > ?", (chain, height)))
    reversed_ = [row for row in gone if row.state in _CREDITED]
    for row in reversed_:
        incoming_rows.report(db, row, DepositState.ORPHANED)
        text = f"{row.key}: credited to account {row.account} out of block {row.height}, which was orphaned: taken back"
        chain_rows.raise_alarm(db, chain, "deposit_reversed", text, now)
    for row in gone:
        incoming_rows.unmine(db, row, f"its block {row.height} was orphaned", now)
    db.execute("UPDATE incoming SET spent_by = '', spent_at = 0 WHERE chain = ? AND spent_at > ?", (chain, height))
    cold_spendings.undo(db, chain, height)
    chain_rows.retreat(db, chain, height)
    return Recorded(len(gone), len(reversed_))


def expect(db: apsw.Connection, chain: str, one: Incoming, to_key: str, listed: Listed, now: Micros) -> bool:
    """A payment waits to be mined: shown, never credited. False: it was known."""
    known = incoming_rows.row(db, chain, one.key)
    if known is not None and (known.height or known.state != DepositState.ORPHANED):
        return False
    account = incoming_rows.owner(db, chain, to_key)
    ours = incoming_rows.from_ourselves(db, chain, one.sender)
    verdict = Verdict(HOUSE) if ours else assess(one, account, listed, 0)
    state = HOUSE if verdict.state == HOUSE else DepositState.SEEN
    waits = Verdict(state, "", verdict.asset, verdict.atoms, verdict.dust)
    incoming_rows.put(db, chain, to_key, one, account, waits, None, now)
    return True


def give_up(db: apsw.Connection, row: Row, standing: Standing, now: Micros) -> None:
    """What waited to be mined waits no more, for one of the reasons in `NEVER`."""
    incoming_rows.unmine(db, row, NEVER[standing], now)


def reassess(db: apsw.Connection, chain: str, listed: Listed, now: Micros) -> int:
    """Networks have changed: judge again what confirms or is held. What was not listed, or in doubt, stays held.

    Of an unlisted contract nobody has checked that its events are true, so listing it later credits nothing old.
    Rows of both kinds name no asset.
    What is due by the new terms is credited with the next block.
    """
    count = 0
    open_rows = incoming_rows.select(db, "chain = ? AND state IN (2, 4) AND height > 0 AND asset IS NOT NULL", (chain,))
    for row in list(open_rows):
        one = incoming_rows.as_incoming(row)
        verdict = assess(one, row.account, listed, row.height)
        if (verdict.state, verdict.due, verdict.why) != (row.state, row.due, row.why):
            header = Header(row.height, row.block, "", 0)
            incoming_rows.put(db, chain, row.to_key, one, row.account, verdict, header, now)
            count += 1
    return count
