"""Which streams there are, and that one nobody reads costs nothing."""

import re
from pathlib import Path

import pytest

from exchange.api.feeds import Message
from exchange.api.streams import Streams, UnknownStream
from tests.market_data.market import BTC, venue

DOCUMENT = Path(__file__).parents[2] / "docs" / "streams.md"


class Nobody:
    """A reader that does not listen."""

    def offer(self, message: Message) -> None:
        pass


async def quiet_streams(folder: Path) -> Streams:
    """The streams of a market at rest."""
    async with venue(folder) as house:
        return Streams(house.hub)


async def test_a_stream_that_nobody_reads_is_gone(tmp_path: Path) -> None:
    streams, first, second = await quiet_streams(tmp_path), Nobody(), Nobody()
    for reader in (first, second):
        streams.join("btcusdt@trade", reader)
        streams.join("!ticker@arr", reader)
    for reader in (first, second):
        assert len(streams._feeds) == 2
        streams.leave("btcusdt@trade", reader)
        streams.leave("!ticker@arr", reader)
    assert streams._feeds == {}
    assert streams._by_market == {BTC: []}


@pytest.mark.parametrize(
    "name",
    [
        *("btcusdt@trade", "btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@ticker", "btcusdt@miniTicker"),
        *("btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth@1000ms", "btcusdt@depth5", "btcusdt@depth20@100ms"),
        *("btcusdt@kline_1s", "btcusdt@kline_1M", "btcusdt@kline_3d", "btcusdt@avgPrice"),
        *("btcusdt@kline_1m@+08:00", "btcusdt@kline_1d@+08:00", "btcusdt@kline_1M@+08:00", "btcusdt@kline_1s@+08:00"),
        *("btcusdt@ticker_1h", "btcusdt@ticker_4h", "btcusdt@ticker_1d"),
        *("!miniTicker@arr@1000ms", "!miniTicker@arr@3000ms"),
        *("!ticker@arr", "!miniTicker@arr", "!ticker_1h@arr", "!ticker_4h@arr", "!ticker_1d@arr"),
    ],
)
async def test_there_is_a_stream_of_that_name(tmp_path: Path, name: str) -> None:
    (await quiet_streams(tmp_path)).check(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "@", "btcusdt", "btcusdt@", "@trade", "BTCUSDT@trade", "nosuch@trade", "btcusdt@trades", "btcusdt@Trade"),
        *("btcusdt@depth7", "btcusdt@depth@50ms", "btcusdt@trade@100ms", "btcusdt@kline_7m", "btcusdt@kline_"),
        *(
            "btcusdt@kline_1m@+07:00",
            "btcusdt@depth@+08:00",
            "btcusdt@trade@+08:00",
            "!bookTicker",
            "!ticker",
            "btcusdt@trade ",
            " btcusdt@trade",
            "btcusdt@trade\n",
        ),
        *("x" * 10_000 + "@trade", "btcusdt@ticker_2h", "!ticker_2h@arr", "!trade@arr", "btcusdt@blockTrade"),
    ],
)
async def test_there_is_none_of_that_name(tmp_path: Path, name: str) -> None:
    streams = await quiet_streams(tmp_path)
    with pytest.raises(UnknownStream):
        streams.check(name)


async def test_the_document_names_every_kind_of_stream_and_no_other(tmp_path: Path) -> None:
    named = re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    streams = await quiet_streams(tmp_path)
    for name in named:
        streams.check(name)
    kinds = {re.sub(r"\d.*", "", name.partition("@")[2]) for name in named if not name.startswith("!")}
    assert kinds == {
        *("trade", "aggTrade", "bookTicker", "depth", "depth@", "kline_", "ticker", "ticker_", "miniTicker", "avgPrice")
    }
    assert {name for name in named if name.startswith("!")} == {"!ticker@arr", "!miniTicker@arr", "!ticker_1h@arr"}
