"""Child pays for parent: a payment to us that waits too long, spent at once for so much that a miner takes both.

For coins of ours that nobody can make dearer at their source: a refill or a deposit whose sender paid too little,
change of a transaction of ours that cannot be replaced any more. The house pays for it; of what others sent, whose
senders say how much the child must pay for, it is never more than a hundredth. What was seen lately is left alone: most
of it is mined by itself, and transactions of ours are replaced meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import apsw
import msgspec

from exchange.clock import Clock
from exchange.core.transfers import DepositState
from exchange.core.units import MILLION
from exchange.custody.bitcoin.coins import CHANGE, fee_of, vsize
from exchange.custody.bitcoin.spending import BitcoinSpending, Quote
from exchange.custody.deposits.confirmations import HOUSE
from exchange.custody.payouts.purse import Books
from exchange.custody.port import Coin, Draft, Owned, Purpose
from exchange.custody.rpc import RpcError
from exchange.custody.store import Store
from exchange.custody.treasury.sweeping import Planned

AFTER_SECONDS: Final = 3 * 3_600
"""So long a payment to us waits for a miner by itself."""
_PART: Final = 100
_AT_ONCE: Final = 20
_WAITING: Final = """
SELECT i.key, i.txid, i.amount, i.purpose, i.place, a.address FROM incoming AS i
JOIN addresses AS a ON a.chain = i.chain AND a.key = i.to_key
WHERE i.chain = ? AND i.contract = '' AND i.height = 0 AND i.spent_by = '' AND i.claimed_by = '' AND i.coinbase = 0
  AND i.state IN (?, ?) AND i.purpose IN (?, ?, ?) AND i.seen <= ?
ORDER BY length(i.amount) DESC, i.amount DESC LIMIT ?
"""


class _Waiting(msgspec.Struct, frozen=True):
    """An output of ours that waits to be mined."""

    coin: Coin
    txid: str


class BitcoinRescue:
    """One chain's."""

    def __init__(
        self, store: Store, chain: str, spending: BitcoinSpending, clock: Clock, after_seconds: int = AFTER_SECONDS
    ) -> None:
        """`after_seconds`: as the constant says."""
        self._store = store
        self._chain = chain
        self._spending = spending
        self._clock = clock
        self._after = after_seconds * MILLION

    async def next(self) -> Planned | None:
        """The child of the first payment that is worth one; None where none is. Raises `NodeFault`, `FeeTooHigh`."""
        for one in self._waiting():
            try:
                quote = await self._spending.quote_rescue(one.txid)
                if not _is_worth_it(one.coin, msgspec.json.decode(quote, type=Quote)):
                    continue
                raw = await self._spending.waiting(one.txid)
            except RpcError:
                continue  # it waits no more: mined, replaced, or forgotten
            await self._store.write(partial(_keep, row=(self._chain, one.txid, raw)))
            return self._planned(one.coin, quote)
        return None

    def _planned(self, coin: Coin, quote: bytes) -> Planned:
        def draft(id: str, books: Books) -> Draft:
            return self._spending.rescue(id, coin, quote, books)

        return Planned(draft, ())  # its claim claims the coin

    def _waiting(self) -> Sequence[_Waiting]:
        """The largest of those that have waited for long enough, and that nothing of ours spends."""
        states = (HOUSE, DepositState.SEEN)
        purposes = (Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE)
        since = self._clock.now() - self._after
        rows = list(self._store.reader.execute(_WAITING, (self._chain, *states, *purposes, since, _AT_ONCE)))
        return [
            _Waiting(Coin(key, int(amount), Owned(address, Purpose(purpose), place), 0), txid)
            for key, txid, amount, purpose, place, address in rows
        ]


def _keep(db: apsw.Connection, row: tuple[str, str, bytes]) -> None:
    """A whole transaction, as if a block had shown it."""
    db.execute("INSERT OR IGNORE INTO raw_transactions VALUES (?, ?, ?)", row)


def _is_worth_it(coin: Coin, asked: Quote) -> bool:
    """Whether a miner has too little from it as it stands, and the coin is worth what a child has to pay."""
    if asked.parent_fee * 1_000 >= asked.rate * asked.parent_size:
        return False
    size = vsize(1, [CHANGE])
    fee = max(fee_of(asked.rate, size + asked.parent_size) - asked.parent_fee, fee_of(asked.rate, size))
    return fee * (_PART if coin.owned.purpose is not Purpose.CHANGE else 2) <= coin.amount
