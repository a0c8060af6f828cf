"""A market on a real ledger, at a clock that the test sets; and its candles and tickers, added up the slow way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.market import Market, MarketPhase
from exchange.core.orders import OrderType, Side, TimeInForce
from exchange.core.performing import Outcome
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros, Ppm, Price, Quantity
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.restore import restore
from exchange.ledger.rows import TradeRow
from exchange.market_data.bars import Bar
from exchange.market_data.hub import Hub
from exchange.market_data.intervals import Interval
from exchange.sequencer import Sequencer

BTC = MarketId(1)
SELLER = AccountId(100)
BUYER = AccountId(101)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = Micros(1_700_049_600_000_000)
"""Wednesday 2023-11-15, 12:00 UTC."""

RULES = Market(
    id=BTC,
    symbol="BTCUSDT",
    base=AssetId(1),
    quote=AssetId(2),
    base_decimals=8,
    quote_decimals=8,
    tick_atoms=1_000_000,
    lot_atoms=1_000,
    unit=10,
    min_price=Price(1),
    max_price=Price(100_000_000),
    min_quantity=Quantity(1),
    max_quantity=Quantity(10**9),
    max_market_quantity=Quantity(10**9),
    min_notional=Amount(0),
    max_notional=Amount(10**17),
    maker_fee=Ppm(1_000),
    taker_fee=Ppm(1_000),
    reference=Price(1_000),
    band_up=Ppm(0),
    band_down=Ppm(0),
)


class SetClock(SystemClock):
    """A clock that stands where it is put."""

    def __init__(self, now: Micros = NOON) -> None:
        self.time = now

    def now(self) -> Micros:
        return self.time


@dataclass
class Venue:
    """A running sequencer, its hub, and the clock."""

    clock: SetClock
    sequencer: Sequencer
    queries: Queries
    hub: Hub

    async def call(self, command: co.Command) -> Outcome:
        """Do it, or fail the test."""
        outcome = await self.sequencer.call(command)
        assert outcome.reject is None, outcome
        return outcome

    async def rest(self, side: Side, price: int, lots: int) -> Outcome:
        """An order that is to rest."""
        account = BUYER if side is Side.BUY else SELLER
        return await self.call(co.PlaceOrder(account, BTC, side, OrderType.LIMIT, Quantity(lots), Price(price)))

    async def trade(self, at: int, price: int, lots: int = 1, taker: Side = Side.BUY) -> None:
        """One trade at that time."""
        self.clock.time = Micros(at)
        resting = Side.SELL if taker is Side.BUY else Side.BUY
        await self.rest(resting, price, lots)
        account = BUYER if taker is Side.BUY else SELLER
        order = co.PlaceOrder(account, BTC, taker, OrderType.LIMIT, Quantity(lots), Price(price), TimeInForce.IOC)
        await self.call(order)

    def all_trades(self) -> list[TradeRow]:
        """Every trade, by ascending id."""
        return self.queries.trades(BTC, limit=1_000_000)


@asynccontextmanager
async def venue(folder: Path, clock: SetClock | None = None) -> AsyncIterator[Venue]:
    """A market and two traders; on a folder where there is one already, the same again after a restart."""
    clock = clock or SetClock()
    journal = Journal(folder / "ledger.db")
    queries = Queries(folder / "ledger.db")
    state = restore(journal.connection)
    sequencer = Sequencer(state, journal, clock, queue_limit=1_000, batch_limit=100)
    hub = Hub()
    hub.restore(state, queries)
    sequencer.subscribe(hub.consume)
    async with trio.open_nursery() as nursery:
        await nursery.start(sequencer.run)
        made = Venue(clock, sequencer, queries, hub)
        if not state.books:
            await _furnish(made)
        yield made
        sequencer.close()
    queries.close()
    journal.close()


async def _furnish(made: Venue) -> None:
    for code in ("BTC", "USDT"):
        await made.call(co.ListAsset(code, 8))
    await made.call(co.ListMarket(RULES, MarketPhase.OPEN))
    for name, account in (("seller", SELLER), ("buyer", BUYER)):
        await made.call(co.OpenAccount(name))
        for asset in (AssetId(1), AssetId(2)):
            await made.call(co.Credit(account, asset, Amount(10**17), f"{name} {asset}"))


def slow_bar(start: Micros, trades: list[TradeRow]) -> Bar:
    """The candle of these trades."""
    prices = [trade.price for trade in trades]
    bought = [trade for trade in trades if trade.taker_side == Side.BUY]
    return Bar(
        start,
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum(trade.quantity for trade in trades),
        sum(trade.notional for trade in trades),
        len(trades),
        sum(trade.quantity for trade in bought),
        sum(trade.notional for trade in bought),
        trades[0].id,
        trades[-1].id,
    )


def slow_klines(trades: list[TradeRow], interval: Interval, until: Micros, limit: int = 1_000) -> list[Bar]:
    """The newest candles up to the one that `until` falls into, none before the first trade, quiet ones included."""
    candles: list[Bar] = []
    start = max(interval.start(trades[0].time), interval.before(interval.start(until), limit - 1))
    earlier = [trade for trade in trades if trade.time < start]
    left = trades[len(earlier) :]
    close = earlier[-1].price if earlier else left[0].price
    while start <= until:
        end = interval.end(start)
        inside = []
        while left and left[0].time < end:
            inside.append(left.pop(0))
        close = inside[-1].price if inside else close
        candles.append(slow_bar(start, inside) if inside else Bar(start, close, close, close, close))
        start = end
    return candles
