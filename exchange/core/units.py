"""Whole numbers with names: one type per unit, so that the type checker refuses ticks where atoms belong.

Nothing here exists at run time but `int`. Every stored value fits 63 bits; products are Python ints.
"""

from __future__ import annotations

from typing import Final, NewType

Amount = NewType("Amount", int)
"""Atoms of one asset: the smallest unit the ledger knows (10**-decimals of the asset)."""

Price = NewType("Price", int)
"""Ticks of one market; 0 where an order has no price."""

Quantity = NewType("Quantity", int)
"""Lots of one market."""

Ppm = NewType("Ppm", int)
"""Parts per million: fees and bands."""

Micros = NewType("Micros", int)
"""Microseconds since 1970-01-01 UTC."""

AccountId = NewType("AccountId", int)
AssetId = NewType("AssetId", int)
MarketId = NewType("MarketId", int)
OrderId = NewType("OrderId", int)
ListId = NewType("ListId", int)
TradeId = NewType("TradeId", int)
Seq = NewType("Seq", int)
"""Number of an event in the journal, from 1, without gaps."""

BalanceKey = NewType("BalanceKey", int)
"""Account, asset and bucket in one integer; see `postings.balance_key`."""

MAX_STORED: Final = (1 << 63) - 1
"""The largest integer that SQLite stores."""

MILLION: Final = 1_000_000
