"""Live candles and candles from the ledger, both against a plain addition of the trades."""

import random
from collections import deque
from pathlib import Path

import pytest

from exchange.core.orders import Side
from exchange.core.units import Micros
from exchange.market_data import candles as candles_module
from exchange.market_data import history, view
from exchange.market_data.bars import Bar
from exchange.market_data.intervals import INTERVALS
from tests.market_data.market import BTC, DAY, HOUR, MINUTE, NOON, SECOND, Venue, slow_klines, venue

GAPS = (0, 0, 3 * SECOND, 50 * SECOND, 3 * MINUTE, 20 * MINUTE, 5 * HOUR, 2 * DAY)


async def busy(house: Venue, count: int, seed: int, gaps: tuple[int, ...] = GAPS) -> Micros:
    """That many trades, with pauses of every length between them."""
    dice, now = random.Random(seed), int(house.clock.now())
    for _ in range(count):
        now += dice.choice(gaps) + dice.randrange(SECOND)
        await house.trade(now, dice.randint(900, 1_100), dice.randint(1, 50), dice.choice(list(Side)))
    return Micros(now)


async def klines(house: Venue, name: str, **more: int | None) -> list[Bar]:
    arguments = {key: None if value is None else Micros(value) for key, value in more.items() if key != "limit"}
    limit = more.get("limit") or 1_000
    return await house.hub.klines(BTC, INTERVALS[name], house.clock.now(), limit=limit, **arguments)


async def test_candles_of_every_length_equal_the_trades_added_up(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        now = await busy(house, 120, seed=1)
        trades = house.all_trades()
        for name, interval in INTERVALS.items():
            assert await klines(house, name) == slow_klines(trades, interval, now), name


async def test_the_live_candle_of_every_length_is_the_newest_of_the_ledger(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await busy(house, 80, seed=2)
        for name, interval in INTERVALS.items():
            newest = (await klines(house, name))[-1]
            assert house.hub.views[BTC].candles.starting(interval, newest.start) == newest, name


async def test_live_candles_survive_a_restart(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        now = await busy(house, 80, seed=3)
        before = {name: house.hub.views[BTC].candles.youngest(name) for name in INTERVALS}
    async with venue(tmp_path) as again:
        again.clock.time = now
        assert {name: again.hub.views[BTC].candles.youngest(name) for name in INTERVALS} == before
        later = await busy(again, 40, seed=4)
        trades = again.all_trades()
        for name, interval in INTERVALS.items():
            slow = slow_klines(trades, interval, later, limit=1)[-1]
            assert again.hub.views[BTC].candles.starting(interval, interval.start(later)) == slow, name


async def test_a_quiet_candle_stands_at_the_last_price(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.trade(NOON, 1_000)
        await house.trade(NOON + 3 * MINUTE, 1_010)
        house.clock.time = Micros(NOON + 5 * MINUTE)
        bars = await klines(house, "1m")
    assert [(bar.start - NOON) // MINUTE for bar in bars] == [0, 1, 2, 3, 4, 5]
    assert [bar.close for bar in bars] == [1_000, 1_000, 1_000, 1_010, 1_010, 1_010]
    assert [bar.count for bar in bars] == [1, 0, 0, 1, 0, 0]
    assert bars[1].first_trade == bars[1].last_trade == -1


async def test_a_market_without_trades_has_no_candles(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for name, interval in INTERVALS.items():
            assert await klines(house, name) == []
            assert house.hub.views[BTC].candles.starting(interval, interval.start(NOON)) is None


async def test_from_a_start_the_oldest_are_given_and_the_caller_goes_on_from_there(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for minute in range(6):
            await house.trade(NOON + minute * MINUTE, 1_000 + minute)
        first = await klines(house, "1m", start=0, limit=2)
        then = await klines(house, "1m", start=first[-1].start + 1, limit=2)
    assert [bar.close for bar in first] == [1_000, 1_001]
    assert [bar.close for bar in then] == [1_002, 1_003]


async def test_an_end_is_inclusive_and_gives_the_newest_before_it(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for minute in range(6):
            await house.trade(NOON + minute * MINUTE, 1_000 + minute)
        until = await klines(house, "1m", end=NOON + 4 * MINUTE, limit=2)
        before = await klines(house, "1m", end=NOON + 4 * MINUTE - 1, limit=2)
        between = await klines(house, "1m", start=NOON + MINUTE, end=NOON + 2 * MINUTE)
    assert [bar.close for bar in until] == [1_003, 1_004]
    assert [bar.close for bar in before] == [1_002, 1_003]
    assert [bar.close for bar in between] == [1_001, 1_002]


async def test_what_lies_in_the_future_is_empty(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.trade(NOON, 1_000)
        assert await klines(house, "1m", start=NOON + DAY) == []
        assert await klines(house, "1m", start=NOON + MINUTE, end=NOON) == []
        assert len(await klines(house, "1m", start=NOON, end=NOON + 400 * DAY)) == 1


async def test_days_already_read_are_not_read_again(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.trade(NOON, 1_000)
        await house.trade(NOON + 3 * DAY, 1_100)
        once = await klines(house, "1d")
        history_of = house.hub._history
        assert history_of is not None
        kept = {key: len(bars) for key, bars in history_of._days.items()}
        assert kept == {(BTC, NOON - 12 * HOUR, HOUR): 1, (BTC, NOON + 12 * HOUR, HOUR): 0}
        assert await klines(house, "1d") == once
        assert (await klines(house, "30m", end=NOON))[0].close == 1_000
        assert (BTC, NOON - 12 * HOUR, HOUR // 4) in history_of._days
        assert (await klines(house, "1d", end=NOON))[0].close == 1_000


async def test_one_second_candles_beyond_those_kept_come_from_the_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candles_module, "KEPT_SECONDS", 5)
    monkeypatch.setattr(view, "KEPT_TRADES", 7)
    monkeypatch.setattr(history, "_PAGE", 4)
    gaps = (0, SECOND, 2 * SECOND)
    async with venue(tmp_path) as house:
        house.hub.views[BTC].candles.seconds = deque(maxlen=5)
        now = await busy(house, 40, seed=5, gaps=gaps)
        expected = slow_klines(house.all_trades(), INTERVALS["1s"], now)
        assert await klines(house, "1s") == expected
        assert await klines(house, "1s", limit=4) == expected[-4:]
    async with venue(tmp_path) as again:
        again.clock.time = now
        assert await klines(again, "1s") == expected
        assert await klines(again, "1s", limit=4) == expected[-4:]
        assert await klines(again, "1s", start=expected[3].start) == expected[3:]


async def test_too_many_trades_for_one_answer_end_it_at_a_whole_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PAGE", 4)
    monkeypatch.setattr(history, "_MOST_TRADES", 8)
    async with venue(tmp_path) as house:
        now = await busy(house, 30, seed=6, gaps=(0, SECOND))
        house.hub.views[BTC].candles.seconds_since = Micros(now + SECOND)
        expected = slow_klines(house.all_trades(), INTERVALS["1s"], now)
        found: list[Bar] = []
        while len(found) < len(expected):
            start = found[-1].start + 1 if found else 0
            page = await klines(house, "1s", start=start)
            assert page
            found += page
        assert found == expected
