"""Market streams: what they say, and that they say it once and in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio

from exchange.api.feeds import Message
from exchange.api.streams import Streams
from exchange.core import commands as co
from exchange.core.orders import OrderType, Side, TimeInForce
from exchange.core.units import Micros, Price, Quantity
from tests.api.fast import BTC, Fast, fast_house
from tests.api.house import SetClock


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


def only_strings_and_whole_numbers(value: Any) -> bool:
    """No float anywhere, and no number in scientific notation."""
    if isinstance(value, dict):
        return all(only_strings_and_whole_numbers(one) for one in value.values())
    if isinstance(value, list):
        return all(only_strings_and_whole_numbers(one) for one in value)
    return not isinstance(value, float) and not (isinstance(value, str) and "E-" in value)


async def test_a_trade_is_told_once_with_strings_for_numbers(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@trade") as reader:
        await fast.trade(3_000_000, 70)
        message = await reader.read()
        await fast.trade(3_000_100, 80)
        after = await reader.read()
    assert list(message) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    assert (message["e"], message["s"]) == ("trade", "BTCUSDT")
    assert (message["p"], message["q"]) == ("30000.00000000", "0.00070000")
    assert (message["t"], message["m"], message["M"]) == (1, False, True)
    assert message["T"] == message["E"]
    assert (after["t"], after["p"]) == (2, "30001.00000000")


async def test_the_maker_is_named_by_who_bought(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@trade") as reader:
        await fast.limit(fast.house.bob, Side.BUY, 3_000_000, 70)
        await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 70)
        assert (await reader.read())["m"] is True


async def test_a_combined_stream_names_itself(fast: Fast) -> None:
    async with fast.reader("/stream?streams=btcusdt@trade/ethusdt@trade") as reader:
        await fast.trade(3_000_000, 70)
        message = await reader.read()
    assert list(message) == ["stream", "data"]
    assert message["stream"] == "btcusdt@trade"
    assert message["data"]["e"] == "trade"


async def test_the_fills_of_one_taker_at_one_price_are_told_as_one(fast: Fast) -> None:
    alice, bob = fast.house.alice, fast.house.bob
    for price, lots in ((3_000_000, 30), (3_000_000, 40), (3_000_100, 50)):
        await fast.limit(alice, Side.SELL, price, lots)
    async with fast.reader("/ws/btcusdt@aggTrade") as reader:
        await fast.limit(bob, Side.BUY, 3_000_100, 100)
        first, second = await reader.read(), await reader.read()
    assert (first["a"], first["f"], first["l"], first["q"]) == (1, 1, 2, "0.00070000")
    assert (second["a"], second["f"], second["l"], second["q"]) == (2, 3, 3, "0.00030000")
    assert list(first) == ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]


async def test_the_best_prices_come_without_an_event_name(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@bookTicker") as reader:
        await fast.limit(fast.house.alice, Side.SELL, 3_010_000, 60)
        first = await reader.read()
        await fast.limit(fast.house.alice, Side.SELL, 3_020_000, 60)
        await fast.limit(fast.house.bob, Side.BUY, 2_990_000, 70)
        second = await reader.read()
    assert "e" not in first
    assert (first["b"], first["B"]) == ("0.00000000", "0.00000000")
    assert (second["b"], second["B"]) == ("29900.00000000", "0.00070000")
    assert (second["a"], second["A"]) == ("30100.00000000", "0.00060000")
    assert second["u"] == first["u"] + 2


async def test_changes_of_the_book_follow_each_other_without_a_gap(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@depth@100ms") as reader:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        first = await reader.read()
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        second = await reader.read()
    assert list(first) == ["e", "E", "s", "U", "u", "b", "a"]
    assert first["b"] == [["29000.00000000", "0.00050000"]]
    assert second["b"] == [["29000.00000000", "0.00100000"]]
    assert second["U"] == first["u"] + 1


async def test_a_level_that_is_gone_has_quantity_zero(fast: Fast) -> None:
    placed = await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
    async with fast.reader("/ws/btcusdt@depth@100ms") as reader:
        await fast.house.rooms.sequencer.call(co.CancelOrder(fast.house.alice.account, BTC, placed.orders[0].id))
        assert (await reader.read())["b"] == [["29000.00000000", "0.00000000"]]


async def test_the_best_levels_come_whole(fast: Fast) -> None:
    for step in range(7):
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000 - step, 50)
    async with fast.reader("/ws/btcusdt@depth5@100ms") as reader:
        message = await reader.read()
    assert list(message) == ["lastUpdateId", "bids", "asks"]
    assert len(message["bids"]) == 5
    assert message["bids"][0] == ["29000.00000000", "0.00050000"]
    assert message["lastUpdateId"] == fast.house.rooms.hub.depth(BTC, 5).last_update_id


async def test_a_candle_grows_and_is_told_once_more_when_it_is_over(fast: Fast) -> None:
    await fast.trade(3_000_000, 70)
    async with fast.reader("/ws/btcusdt@kline_1s") as reader:
        first = await reader.read()
        over = await reader.read_until(lambda message: message["k"]["x"])
    candle = first["k"]
    assert list(candle) == ["t", "T", "s", "i", "f", "L", "o", "c", "h", "l", "v", "n", "x", "q", "V", "Q", "B"]
    assert (candle["i"], candle["c"], candle["s"]) == ("1s", "30000.00000000", "BTCUSDT")
    assert candle["T"] == candle["t"] + 999
    assert over["k"]["T"] < over["E"]


async def test_a_day_in_full_and_in_short(fast: Fast) -> None:
    await fast.trade(3_000_000, 70)
    await fast.trade(3_030_000, 30)
    await fast.limit(fast.house.bob, Side.BUY, 2_990_000, 40)
    async with fast.reader("/stream?streams=btcusdt@ticker/btcusdt@miniTicker") as reader:
        messages = [await reader.read(), await reader.read()]
    told = {message["stream"]: message["data"] for message in messages}
    full, short = told["btcusdt@ticker"], told["btcusdt@miniTicker"]
    assert list(full) == list("eEspPwxcQbBaAohlvqOCFLn")
    assert list(short) == list("eEscohlvq")
    assert (full["p"], full["P"]) == ("300.00000000", "1.000")
    assert (full["w"], full["v"], full["q"]) == ("30090.00000000", "0.00100000", "30.09000000")
    assert (full["F"], full["L"], full["n"], full["Q"]) == (1, 2, 2, "0.00030000")
    assert (full["b"], full["B"], full["a"]) == ("29900.00000000", "0.00040000", "0.00000000")
    assert full["C"] - full["O"] == 86_400_000
    assert (short["o"], short["c"], short["h"], short["l"]) == (
        "30000.00000000",
        "30300.00000000",
        "30300.00000000",
        "30000.00000000",
    )


async def test_all_short_days_come_in_one_list(fast: Fast) -> None:
    await fast.trade(3_000_000, 70)
    async with fast.reader("/ws/!miniTicker@arr") as reader:
        first = await reader.read()
        await fast.trade(3_030_000, 30)
        second = await reader.read()
    assert [one["s"] for one in first] == ["BTCUSDT", "ETHUSDT"]
    assert [one["s"] for one in second] == ["BTCUSDT"]


async def test_the_mean_price_of_five_minutes(fast: Fast) -> None:
    await fast.trade(3_000_000, 70)
    async with fast.reader("/ws/btcusdt@avgPrice") as reader:
        message = await reader.read()
    assert (message["e"], message["i"], message["w"]) == ("avgPrice", "5m", "30000.00000000")


async def test_no_stream_says_a_float(fast: Fast) -> None:
    kinds = ("trade", "aggTrade", "bookTicker", "depth@100ms", "depth20@100ms", "kline_1m", "ticker", "miniTicker")
    names = {f"btcusdt@{kind}" for kind in kinds}
    async with fast.reader("/stream?streams=" + "/".join(names)) as reader:
        await fast.trade(3_000_001, 71)
        await fast.limit(fast.house.bob, Side.BUY, 2_990_000, 40)
        heard: set[str] = set()
        while heard < names:
            message = await reader.read()
            assert only_strings_and_whole_numbers(message), message
            heard.add(message["stream"])


class LocalBook:
    """A book kept by the rules that the dialect's documentation gives its users."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.sides: dict[str, dict[str, str]] = {}
        self.update = 0
        self.applied = 0

    def load(self, snapshot: dict[str, Any]) -> bool:
        """Start from a snapshot; False when it is older than the first message."""
        if self.waiting and snapshot["lastUpdateId"] < self.waiting[0]["U"]:
            return False
        self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        self.update = snapshot["lastUpdateId"]
        waiting, self.waiting = self.waiting, []
        for message in waiting:
            self.apply(message)
        return True

    def apply(self, message: dict[str, Any]) -> None:
        if not self.sides:
            self.waiting.append(message)
            return
        if message["u"] <= self.update:
            return
        expected = self.update + 1
        assert message["U"] == expected if self.applied else message["U"] <= expected <= message["u"]
        for side, levels in self.sides.items():
            for price, quantity in message[side]:
                levels[price] = quantity
                if not float(quantity):
                    del levels[price]
        self.update = message["u"]
        self.applied += 1


async def traffic(fast: Fast, count: int, seed: int) -> None:
    """Orders and cancels around one price, as fast as they are taken on."""
    dice, resting = random.Random(seed), list[co.CancelOrder]()
    sequencer = fast.house.rooms.sequencer
    for _ in range(count):
        if resting and dice.random() < 0.4:
            await sequencer.call(resting.pop(dice.randrange(len(resting))))
            continue
        side, person = dice.choice(list(Side)), dice.choice([fast.house.alice, fast.house.bob])
        offset = dice.randint(-5, 40) * 100
        price = Price(3_000_000 - offset if side is Side.BUY else 3_000_000 + offset)
        order = co.PlaceOrder(person.account, BTC, side, OrderType.LIMIT, Quantity(dice.randint(20, 90)), price)
        outcome = await sequencer.call(order)
        resting += [co.CancelOrder(row.account, BTC, row.id) for row in outcome.orders if row.is_open]


@pytest.mark.parametrize("speed", ["", "@100ms"])
async def test_a_local_book_kept_by_the_documented_rules_is_the_book(fast: Fast, speed: str) -> None:
    await traffic(fast, 100, seed=1)
    book = LocalBook()
    async with fast.reader(f"/ws/btcusdt@depth{speed}") as reader, trio.open_nursery() as nursery:
        over = trio.Event()

        async def busy() -> None:
            await traffic(fast, 300, seed=2)
            over.set()

        nursery.start_soon(busy)
        book.apply(await reader.read())
        while not book.load(await snapshot(fast)):
            book.apply(await reader.read())
        while book.applied < 3 and not over.is_set():
            book.apply(await reader.read())
        await over.wait()
        final = await snapshot(fast)
        while book.update < final["lastUpdateId"]:
            book.apply(await reader.read())
    assert book.applied
    assert book.update == final["lastUpdateId"]
    assert book.sides == {"b": dict(final["bids"]), "a": dict(final["asks"])}


async def snapshot(fast: Fast) -> dict[str, Any]:
    """The main door's depth."""
    reply: httpx.Response = await fast.house.http.get(f"{fast.house.url}/api/v3/depth?symbol=BTCUSDT&limit=5000")
    found = msgspec.json.decode(reply.content)
    assert isinstance(found, dict)
    assert set(found) == {"lastUpdateId", "bids", "asks"}
    return found


async def test_a_hundred_readers_hear_the_same(fast: Fast) -> None:
    heard: list[Any] = []

    async def listen(*, task_status: trio.TaskStatus[None]) -> None:
        async with fast.reader("/ws/btcusdt@trade") as reader:
            task_status.started()
            heard.append([await reader.read() for _ in range(3)])

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            await nursery.start(listen)
        for price in (3_000_000, 3_000_100, 3_000_200):
            await fast.trade(price, 70)
    assert len(heard) == 100
    assert all(messages == heard[0] for messages in heard)
    assert [message["t"] for message in heard[0]] == [1, 2, 3]


async def test_only_what_is_durable_is_told(fast: Fast) -> None:
    async with fast.reader("/ws/btcusdt@trade") as reader:
        await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 70)
        await fast.limit(fast.house.bob, Side.BUY, 3_000_000, 70, time_in_force=TimeInForce.IOC)
        message = await reader.read()
        queries = fast.house.rooms.queries
        stored = await queries.run(lambda: queries.trades(BTC, limit=1))
    assert [row.id for row in stored] == [message["t"]]


class Listener:
    """A reader of streams that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def offer(self, message: Message) -> None:
        """See `Reader`."""
        frame = message.combined()
        self.told.append(msgspec.json.decode(frame[frame.index(b"{") :])["data"])


@pytest.mark.parametrize(
    "name",
    ["btcusdt@depth5", "btcusdt@kline_1m", "btcusdt@ticker", "btcusdt@ticker_1h", "!miniTicker@arr", "!ticker_1h@arr"],
)
async def test_who_comes_is_told_how_things_stand_and_nobody_else_is(tmp_path: Path, name: str) -> None:
    """Else whoever comes and goes all the time has every reader told the same again ten times a second."""
    async with fast_house(tmp_path, SetClock()) as fast:
        await fast.trade(3_000_000, 70)
        streams, now = Streams(fast.house.rooms.hub), fast.house.rooms.clock.now()
        first, second, third = Listener(), Listener(), Listener()
        streams.join(name, first)
        feed = streams._feeds[name]
        feed.beat(Micros(now))
        assert len(first.told) == 1
        streams.join(name, second)
        feed.beat(Micros(now + 100_000))
        assert (len(first.told), len(second.told)) == (1, 1)
        feed.beat(Micros(now + 5_000_000))
        assert (len(first.told), len(second.told)) == (1, 1)
        await fast.trade(3_000_100, 80)
        streams.join(name, third)
        feed.beat(Micros(now + 10_000_000))
        assert [len(one.told) for one in (first, second, third)] == [2, 2, 1]
        assert first.told[1] == second.told[1]
        streams.leave(name, third)
        feed.beat(Micros(now + 10_100_000))
        assert len(third.told) == 1
