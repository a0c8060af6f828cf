"""Our own books of what there is to spend, read inside the transaction that claims it."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from exchange.core.transfers import DepositState
from exchange.core.units import AccountId, Micros
from exchange.custody.port import Coin, NodeFault, Owned, Purpose, Unaffordable

_COINS = """
SELECT i.key, i.amount, i.purpose, i.place, i.account, i.height, a.address FROM incoming AS i
JOIN addresses AS a ON a.chain = i.chain AND a.key = i.to_key
WHERE i.chain = ?1 AND i.purpose = ?2 AND i.contract = '' AND i.spent_by = '' AND i.claimed_by = ''
  AND i.state <> ?3 AND i.coinbase = 0
  AND NOT EXISTS (SELECT 1 FROM claims AS c WHERE c.chain = i.chain AND c.claim = i.key)
  AND (i.height > 0 OR EXISTS (
    SELECT 1 FROM attempts AS t JOIN payouts AS p ON p.number = t.payout WHERE t.txid = i.txid AND p.state < 8
    AND NOT EXISTS (SELECT 1 FROM attempts AS o WHERE o.payout = t.payout AND o.id <> t.id AND o.state <> 5)))
ORDER BY i.height = 0, i.height, i.key
"""


class Books:
    """A `Purse` of one chain, good inside one transaction."""

    def __init__(self, db: apsw.Connection, chain: str, now: Micros) -> None:
        """`db` is in a transaction."""
        self._db = db
        self._chain = chain
        self._now = now

    def coins(self, purposes: frozenset[Purpose]) -> Sequence[Coin]:
        """Unspent outputs that no draft has claimed; mined ones first. Of those that are not mined, our own change.

        Not of a payout with several attempts: of their outputs only one's will ever be there.
        """
        return [
            Coin(key, int(amount), Owned(address, Purpose(purpose), place, account and AccountId(account)), height)
            for wanted in sorted(purposes)
            for key, amount, purpose, place, account, height, address in self._db.execute(
                _COINS, (self._chain, wanted, DepositState.ORPHANED)
            )
        ]

    def nonce(self, sender: str) -> int:
        """The lowest nonce that no draft of ours has claimed: what was given back is used first, so no gap stays."""
        self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, 0)", (self._chain, sender))
        ((first,),) = self._db.execute("SELECT first FROM nonces WHERE chain = ? AND sender = ?", (self._chain, sender))
        number = int(first)
        while self._db.execute(
            "SELECT 1 FROM claims WHERE chain = ? AND claim = ?", (self._chain, f"{sender}:{number}")
        ).fetchone():
            number += 1
        return number

    def transaction(self, txid: str) -> bytes:
        """A whole transaction that paid us, or that was drafted here."""
        row = self._db.execute(
            "SELECT raw FROM raw_transactions WHERE chain = ? AND txid = ?", (self._chain, txid)
        ).fetchone()
        if row is None:
            raise NodeFault(f"{self._chain}: the transaction {txid} was not kept; the signer would want to see it")
        return bytes(row[0])

    def change(self) -> Owned:
        """An address for change that was never used; from now on it is."""
        row = self._db.execute(
            "UPDATE addresses SET given = ? WHERE rowid = (SELECT rowid FROM addresses WHERE chain = ? AND purpose = ?"
            " AND given = 0 ORDER BY place LIMIT 1) RETURNING address, place",
            (self._now, self._chain, Purpose.CHANGE),
        ).fetchone()
        if row is None:
            raise Unaffordable(f"{self._chain}: no address for change is left; the pool makes more in a moment")
        return Owned(str(row[0]), Purpose.CHANGE, int(row[1]))
