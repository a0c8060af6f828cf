"""Windows of any length and candles of any zone, both against a plain addition of the trades."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.core.units import Micros
from exchange.ledger.rows import TradeRow
from exchange.market_data.intervals import INTERVALS, LIVE, STREAMED, Interval
from exchange.market_data.ticker import WINDOWS, Ticker
from tests.market_data.market import BTC, DAY, HOUR, MINUTE, NOON, SECOND, slow_bar, slow_klines, venue
from tests.market_data.test_ticker import trade_on

ZONES = (-12 * HOUR, -3 * HOUR - 30 * MINUTE, 0, 5 * HOUR + 45 * MINUTE, 8 * HOUR, 14 * HOUR)


def slow_window(trades: list[TradeRow], opened: int, closed: int) -> Ticker:
    """All trades from `opened` on."""
    before = [trade.price for trade in trades if trade.time < opened]
    inside = [trade for trade in trades if trade.time >= opened]
    last = before[-1] if before else 0
    if not inside:
        return Ticker(Micros(opened), Micros(closed), last, last, last, last, last, 0, 0, 0, -1, -1)  # type: ignore[arg-type]
    bar = slow_bar(Micros(opened), inside)
    prices = (bar.open, bar.high, bar.low, bar.close, last)
    sums = (bar.quantity, bar.notional, bar.count, bar.first_trade, bar.last_trade)
    return Ticker(Micros(opened), Micros(closed), *prices, *sums)  # type: ignore[arg-type]


async def test_a_window_out_of_the_ledger_is_its_trades_added_up(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await trade_on(house, 150, seed=3)
        trades, now = house.all_trades(), house.clock.now()
        for length in (MINUTE, 59 * MINUTE, HOUR, 23 * HOUR, DAY, 3 * DAY, 7 * DAY, 40 * DAY):
            for later in (0, 20 * MINUTE, 2 * DAY):
                closed = now + later
                opened = closed - length - (closed - length) % MINUTE
                found = await house.hub.window(BTC, Micros(opened), Micros(closed))
                assert found == slow_window(trades, opened, closed), (length, later)


async def test_the_windows_that_are_streamed_are_those_of_the_ledger(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for seed in range(12):
            await trade_on(house, 6, seed)
            now = Micros(house.clock.now() + 31 * MINUTE)
            house.clock.time = now
            for name, minutes in WINDOWS.items():
                opened = Micros(now - now % MINUTE - minutes * MINUTE)
                assert house.hub.views[BTC].window(name, now) == await house.hub.window(BTC, opened, now)
        at = house.clock.now()
        before = {name: house.hub.views[BTC].window(name, at) for name in WINDOWS}
    async with venue(tmp_path) as again:
        assert {name: again.hub.views[BTC].window(name, at) for name in WINDOWS} == before


@pytest.mark.parametrize("zone", ZONES)
async def test_candles_of_every_length_and_zone_are_their_trades_added_up(tmp_path: Path, zone: int) -> None:
    async with venue(tmp_path) as house:
        dice, now = random.Random(zone), int(NOON)
        for _ in range(60):
            now += dice.choice([SECOND, 3 * MINUTE, 40 * MINUTE, 5 * HOUR, 3 * DAY])
            await house.trade(now, dice.randint(900, 1_100), dice.randint(1, 50))
        trades = house.all_trades()
        for interval in INTERVALS.values():
            local = interval.in_zone(zone)
            found = await house.hub.klines(BTC, local, Micros(now), limit=300)
            assert found == slow_klines(trades, local, Micros(now), 300), local.name


async def test_live_candles_in_the_streamed_zone_are_those_of_the_ledger(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await trade_on(house, 60, seed=9)
        now, view = house.clock.now(), house.hub.views[BTC]
        for name, interval in STREAMED.items():
            running = view.candles.starting(interval, interval.start(now))
            assert [running] == await house.hub.klines(BTC, interval, now, limit=1), name
    async with venue(tmp_path) as again:
        for interval in LIVE:
            running = again.hub.views[BTC].candles.starting(interval, interval.start(now))
            assert [running] == await again.hub.klines(BTC, interval, now, limit=1), interval.name


def test_short_candles_are_the_same_in_whole_hour_zones() -> None:
    assert [name for name in INTERVALS if STREAMED[f"{name}@+08:00"] is INTERVALS[name]] == [
        *("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "8h"),
    ]
    assert len(LIVE) == len(INTERVALS) + 6


ANYWHERE = st.builds(
    lambda interval, zone: interval.in_zone(zone),
    st.sampled_from(list(INTERVALS.values())),
    st.integers(-48, 56).map(lambda quarters: quarters * 15 * MINUTE),
)
TIMES = st.integers(86_400_000_000, 4_000_000_000_000_000).map(Micros)


@given(ANYWHERE, TIMES)
def test_every_moment_lies_in_exactly_one_candle_wherever_clocks_stand(interval: Interval, time: Micros) -> None:
    start = interval.start(time)
    end = interval.end(start)
    assert start <= time < end
    assert interval.start(start) == start
    assert interval.start(Micros(end - 1)) == start
    assert interval.start(end) == end


@pytest.mark.parametrize(
    ("name", "zone", "time", "start"),
    [
        ("1d", 8 * HOUR, NOON, NOON + 4 * HOUR - DAY),
        ("1d", -3 * HOUR, NOON, NOON - 9 * HOUR),
        ("1w", 8 * HOUR, NOON, NOON - 2 * DAY - 12 * HOUR - 8 * HOUR),
        ("1M", 8 * HOUR, NOON, NOON - 14 * DAY - 12 * HOUR - 8 * HOUR),
        ("4h", 5 * HOUR + 45 * MINUTE, NOON, NOON - HOUR - 45 * MINUTE),
        ("1m", 8 * HOUR, NOON, NOON),
    ],
)
def test_candles_begin_by_the_clocks_of_the_zone(name: str, zone: int, time: int, start: int) -> None:
    assert INTERVALS[name].in_zone(zone).start(Micros(time)) == start
