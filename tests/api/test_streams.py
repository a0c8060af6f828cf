"""Market streams: what they say, and that they say it once and in order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.core.orders import Side
from tests.api.fast import Fast, fast_house


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def test_a_trade_is_told_once_with_strings_for_numbers(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@trade") as reader:
        await fast.trade(3_000_000, 70)
        message = await reader.read()
    assert message["e"] == "trade"
    assert message["s"] == "BTCUSDT"
    assert (message["p"], message["q"]) == ("30000.00000000", "0.00070000")
    assert (message["t"], message["m"], message["M"]) == (1, False, True)
    assert message["T"] == message["E"]


async def test_a_combined_stream_names_itself(fast: Fast) -> None:
    async with fast.reader("/stream?streams=btcusdt@trade/ethusdt@trade") as reader:
        await fast.trade(3_000_000, 70)
        message = await reader.read()
    assert message["stream"] == "btcusdt@trade"
    assert message["data"]["e"] == "trade"


async def test_changes_of_the_book_follow_each_other_without_a_gap(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@depth@100ms") as reader:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        first = await reader.read()
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        second = await reader.read()
    assert first["b"] == [["29000.00000000", "0.00050000"]]
    assert second["b"] == [["29000.00000000", "0.00100000"]]
    assert second["U"] == first["u"] + 1
    assert "T" not in first
