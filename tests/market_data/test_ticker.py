"""The rolling day against a plain addition of the trades in it."""

import random
from pathlib import Path

from exchange.core.orders import Side
from exchange.core.units import Micros
from exchange.ledger.rows import TradeRow
from exchange.market_data.ticker import Ticker
from tests.market_data.market import BTC, DAY, HOUR, MINUTE, NOON, Venue, slow_bar, venue


def slow_ticker(trades: list[TradeRow], now: Micros) -> Ticker:
    """The minute of `now` and the 1,439 before it."""
    first = now - now % MINUTE - 1_439 * MINUTE
    before = [trade.price for trade in trades if trade.time < first]
    inside = [trade for trade in trades if trade.time >= first]
    opened = Micros(now - DAY)
    if not inside:
        last = before[-1]
        return Ticker(opened, now, last, last, last, last, last, 0, 0, 0, -1, -1)  # type: ignore[arg-type]
    bar = slow_bar(opened, inside)
    prices = (bar.open, bar.high, bar.low, bar.close, before[-1] if before else 0)
    return Ticker(opened, now, *prices, bar.quantity, bar.notional, bar.count, bar.first_trade, bar.last_trade)  # type: ignore[arg-type]


async def trade_on(house: Venue, count: int, seed: int) -> None:
    dice, now = random.Random(seed), int(house.clock.now())
    for _ in range(count):
        now += dice.choice([0, MINUTE // 2, 7 * MINUTE, 3 * HOUR])
        await house.trade(now, dice.randint(900, 1_100), dice.randint(1, 50), dice.choice(list(Side)))


async def test_the_day_rolls_on_as_minutes_come_and_go(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for seed in range(30):
            await trade_on(house, 4, seed)
            trades = house.all_trades()
            for later in (0, 31 * MINUTE):
                now = Micros(house.clock.now() + later)
                assert house.hub.ticker(BTC, now) == slow_ticker(trades, now)
            house.clock.time = Micros(house.clock.now() + 31 * MINUTE)


async def test_the_day_survives_a_restart(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await trade_on(house, 60, seed=7)
        now = house.clock.now()
        before = house.hub.ticker(BTC, now)
    async with venue(tmp_path) as again:
        assert again.hub.ticker(BTC, now) == before == slow_ticker(again.all_trades(), now)
        for hours in (1, 20, 23, 30):
            later = Micros(now + hours * HOUR)
            assert again.hub.ticker(BTC, later) == slow_ticker(again.all_trades(), later)


async def test_a_day_without_trades_stands_at_the_last_price(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.trade(NOON, 1_000)
        await house.trade(NOON + MINUTE, 1_020)
        quiet = house.hub.ticker(BTC, Micros(NOON + 3 * DAY))
    assert (quiet.open, quiet.high, quiet.low, quiet.close, quiet.before) == (1_020,) * 5
    assert (quiet.quantity, quiet.count) == (0, 0)


async def test_before_the_first_trade_there_is_no_price(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        ticker = house.hub.ticker(BTC, NOON)
        assert (ticker.open, ticker.close, ticker.before, ticker.count) == (0, 0, 0, 0)
        assert house.hub.last_price(BTC) == 0


async def test_the_average_is_of_the_current_minute_and_the_four_before_it(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for minute in range(7):
            await house.trade(NOON + minute * MINUTE, 1_000 + minute, lots=minute + 1)
        now = Micros(NOON + 6 * MINUTE + 59_999_999)
        inside = [trade for trade in house.all_trades() if trade.time >= NOON + 2 * MINUTE]
        expected = sum(trade.quantity for trade in inside), sum(trade.notional for trade in inside)
        assert house.hub.average(BTC, now) == expected
        assert house.hub.average(BTC, Micros(now + 10 * MINUTE)) == (0, 0)
