"""Minutes of trades as the ledger keeps them: added up with the batch that has the trades."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from exchange.core.events import Traded
from exchange.core.orders import Side
from exchange.core.units import MAX_STORED, MarketId, Price, TradeId


class BarRow(msgspec.Struct, gc=False):
    """One minute of trades in one market: prices in ticks, `quantity` in lots, `notional` in quote atoms.

    A sum that a minute of wash trades drives beyond 63 bits stays at the largest number there is.
    """

    market: MarketId
    minute: int
    open: Price
    high: Price
    low: Price
    close: Price
    quantity: int
    notional: int
    count: int
    taker_buy_quantity: int
    taker_buy_notional: int
    first_trade: TradeId
    last_trade: TradeId


def bar_rows(trades: Iterable[Traded]) -> list[tuple[object, ...]]:
    """The trades of one batch added up by market and minute."""
    bars: dict[tuple[MarketId, int], BarRow] = {}
    for trade in trades:
        minute = trade.time // 60_000_000
        bar = bars.get((trade.market, minute))
        if bar is None:
            bars[trade.market, minute] = first_bar(trade, minute)
        else:
            add_to_bar(bar, trade)
    return [msgspec.structs.astuple(bar) for bar in bars.values()]


def first_bar(trade: Traded, minute: int) -> BarRow:
    """The bar of a single trade."""
    bought = trade.taker_side == Side.BUY
    return BarRow(
        trade.market,
        minute,
        trade.price,
        trade.price,
        trade.price,
        trade.price,
        trade.quantity,
        trade.notional,
        1,
        trade.quantity if bought else 0,
        trade.notional if bought else 0,
        trade.trade,
        trade.trade,
    )


def add_to_bar(bar: BarRow, trade: Traded) -> None:
    """Count a later trade in."""
    bar.high = max(bar.high, trade.price)
    bar.low = min(bar.low, trade.price)
    bar.close = trade.price
    bar.quantity = capped(bar.quantity + trade.quantity)
    bar.notional = capped(bar.notional + trade.notional)
    bar.count += 1
    bar.last_trade = trade.trade
    if trade.taker_side == Side.BUY:
        bar.taker_buy_quantity = capped(bar.taker_buy_quantity + trade.quantity)
        bar.taker_buy_notional = capped(bar.taker_buy_notional + trade.notional)


def capped(total: int) -> int:
    """A sum of a bar as the ledger can hold it."""
    return min(total, MAX_STORED)
