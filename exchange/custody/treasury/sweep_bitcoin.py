"""Moving our own coins on Bitcoin's family: deposits gathered into the hot wallet, too much of it sent to cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exchange.custody.bitcoin.spending import BitcoinSpending
from exchange.custody.payouts.purse import Books
from exchange.custody.port import Draft, Header, Owned, Payment, Purpose
from exchange.custody.store import Store
from exchange.custody.treasury.rescue_bitcoin import BitcoinRescue
from exchange.custody.treasury.sweep_rows import Pile
from exchange.custody.treasury.sweeping import Planned


class BitcoinMoves:
    """Satisfies `sweeping.Moves`."""

    def __init__(
        self, store: Store, chain: str, spending: BitcoinSpending, hot: Owned, children: BitcoinRescue
    ) -> None:
        """`hot` receives; `children` help what waits too long."""
        self._children = children
        self._store = store
        self._chain = chain
        self._spending = spending
        self._hot = hot

    async def sweep(self, piles: Sequence[Pile], least: Mapping[str, int], moving: Sequence[Draft]) -> Planned | None:
        """All piles together, once they are worth it; one such move at a time."""
        keys = frozenset(key for pile in piles for key in pile.keys)
        if moving or not keys or sum(pile.amount for pile in piles) < least.get("", 1):
            return None
        quote = await self._spending.quote(())

        def draft(id: str, books: Books) -> Draft:
            coins = [coin for coin in books.coins(frozenset({Purpose.DEPOSIT})) if coin.outpoint in keys]
            return self._spending.gather(id, coins, self._hot, quote, books)

        return Planned(draft, ())  # the coins are claims, which claim their deposits

    async def rescue(self) -> Planned | None:
        """A child for a payment to us that waits too long."""
        return await self._children.next()

    async def spill(self, contract: str, amount: int, cold: str) -> Planned:
        """So much out of the hot wallet to a cold address."""
        assert not contract, "this family has one asset"
        payment = Payment("", cold, amount)
        quote = await self._spending.quote([payment])

        def draft(id: str, books: Books) -> Draft:
            return msgspec.structs.replace(self._spending.build(id, [payment], quote, books), payments=())

        return Planned(draft, ())

    async def hot(self, contract: str, header: Header) -> int:
        """What the hot wallet can spend, by our own books."""
        del contract, header
        rows = self._store.reader.execute(
            "SELECT amount FROM incoming WHERE chain = ? AND purpose IN (?, ?) AND height > 0 AND spent_by = ''"
            " AND claimed_by = ''",
            (self._chain, Purpose.HOT, Purpose.CHANGE),
        )
        return sum(int(amount) for (amount,) in rows)
