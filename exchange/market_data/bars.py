"""A stretch of trades added up: open, high, low, close and sums, in whole numbers."""

from __future__ import annotations

import msgspec

from exchange.core.orders import Side
from exchange.core.units import Micros, Price, TradeId
from exchange.ledger.bars import BarRow
from exchange.ledger.rows import TradeRow

MINUTE = 60_000_000
SECOND = 1_000_000
NO_TRADE = TradeId(-1)


class Bar(msgspec.Struct, gc=False):
    """Trades from `start` on; for how long, its keeper knows.

    Prices in ticks, `quantity` in lots, `notional` in quote atoms. A bar without trades has `count` 0 and four times
    the price before it.
    """

    start: Micros
    open: Price
    high: Price
    low: Price
    close: Price
    quantity: int = 0
    notional: int = 0
    count: int = 0
    taker_buy_quantity: int = 0
    taker_buy_notional: int = 0
    first_trade: TradeId = NO_TRADE
    last_trade: TradeId = NO_TRADE

    def add_trade(self, trade: TradeRow) -> None:
        """Count in a trade later than all others."""
        price = trade.price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.quantity += trade.quantity
        self.notional += trade.notional
        self.count += 1
        self.last_trade = trade.id
        if trade.taker_side == Side.BUY:
            self.taker_buy_quantity += trade.quantity
            self.taker_buy_notional += trade.notional

    def add(self, later: Bar) -> None:
        """Count in the trades of a bar that follows this one."""
        if not later.count:
            return
        if not self.count:
            self.open = self.high = self.low = later.open
            self.first_trade = later.first_trade
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.quantity += later.quantity
        self.notional += later.notional
        self.count += later.count
        self.taker_buy_quantity += later.taker_buy_quantity
        self.taker_buy_notional += later.taker_buy_notional
        self.last_trade = later.last_trade

    def starting(self, start: Micros) -> Bar:
        """A copy that counts from `start` on."""
        return msgspec.structs.replace(self, start=start)


def bar_of_trade(trade: TradeRow, start: Micros) -> Bar:
    """The bar of a single trade."""
    price = trade.price
    bar = Bar(start, price, price, price, price, first_trade=trade.id)
    bar.add_trade(trade)
    return bar


def bar_of_row(row: BarRow) -> Bar:
    """A minute as the ledger keeps it."""
    return Bar(
        Micros(row.minute * MINUTE),
        row.open,
        row.high,
        row.low,
        row.close,
        row.quantity,
        row.notional,
        row.count,
        row.taker_buy_quantity,
        row.taker_buy_notional,
        row.first_trade,
        row.last_trade,
    )


def quiet(start: Micros, price: Price) -> Bar:
    """A stretch in which nobody traded, after a trade at `price`."""
    return Bar(start, price, price, price, price)
