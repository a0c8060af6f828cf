"""`@book`: a snapshot, then changes that follow on each other; the checksum is that of the client's own book."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.exceptions import InvalidStatus

from exchange.api.book_feed import CHECKED_LEVELS, WEIGHT, checksum
from exchange.core.orders import Side
from exchange.settings import Settings
from tests.api.fast import Fast, Reader, fast_house
from tests.api.house import SetClock

DOCUMENT = Path(__file__).parents[3] / "docs" / "beyond.md"


def documented_client() -> Any:
    """The class `Book` of the documentation, as it stands there."""
    code = re.search(r"```python\n(import zlib.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code.group(1), names)  # noqa: S102  # what a reader would copy
    return names["Book"]


async def trading(fast: Fast, seed: int, orders: int) -> None:
    dice = random.Random(seed)
    for _ in range(orders):
        side = dice.choice([Side.BUY, Side.SELL])
        price = 3_000_000 + dice.randint(-40, 40)
        await fast.limit(dice.choice([fast.house.alice, fast.house.bob]), side, price, 20 + dice.randrange(50))


async def followed(fast: Fast, reader: Reader, book: Any) -> None:
    """Read until the book is the one that the main door shows."""
    while True:
        depth = (await fast.house.client().ask("GET", "/api/v3/depth", symbol="BTCUSDT", limit=5000)).json
        with trio.move_on_after(1):
            while book.id < depth["lastUpdateId"]:
                message = await reader.read()
                book.apply(message.get("data", message))
        if book.id == depth["lastUpdateId"]:
            assert book.sides() == (depth["bids"], depth["asks"])
            return


@pytest.mark.parametrize("path", ["/ws/btcusdt@book", "/stream?streams=btcusdt@book"])
async def test_the_documented_client_keeps_the_book(tmp_path: Path, path: str) -> None:
    """Through a busy time, with a reader who joins in the middle of it."""
    async with fast_house(tmp_path) as fast, fast.reader(path) as first:
        await trading(fast, 1, 60)
        async with fast.reader(path) as second, trio.open_nursery() as nursery:
            nursery.start_soon(trading, fast, 2, 60)
            await trio.sleep(0.3)
            for reader in (first, second):
                await followed(fast, reader, documented_client()())


async def test_a_snapshot_comes_at_once_even_when_nothing_happens(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        async with fast.reader("/ws/btcusdt@book") as reader:
            message = await reader.read()
            assert (message["e"], message["s"], message["previous"]) == ("bookSnapshot", "BTCUSDT", 0)
            assert message["b"] == [["29000.00000000", "0.00020000"]]
            assert message["a"] == []
            assert message["crc"] == checksum([("29000.00000000", "0.00020000")], [])


async def test_a_client_that_lost_a_change_notices(tmp_path: Path) -> None:
    """By the number of the state that the next one follows on."""
    async with fast_house(tmp_path) as fast, fast.reader("/ws/btcusdt@book") as reader:
        book = documented_client()()
        book.apply(await reader.read())
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        await reader.read()
        await fast.limit(fast.house.alice, Side.BUY, 2_900_001, 20)
        message = await reader.read()
        with pytest.raises(ValueError, match="missing"):
            book.apply(message)


async def test_a_client_whose_book_is_wrong_notices(tmp_path: Path) -> None:
    """By the checksum."""
    async with fast_house(tmp_path) as fast, fast.reader("/ws/btcusdt@book") as reader:
        book = documented_client()()
        book.apply(await reader.read())
        book.bids["1.00000000"] = "1.00000000"
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 20)
        message = await reader.read()
        with pytest.raises(ValueError, match="checksum"):
            book.apply(message)


def test_only_the_best_levels_count_in_the_checksum() -> None:
    levels = [(str(n), "1") for n in range(CHECKED_LEVELS + 5)]
    assert checksum(levels, levels) == checksum(levels[:CHECKED_LEVELS], levels[:CHECKED_LEVELS])
    assert checksum(levels, []) != checksum([], levels[:1])


async def test_subscribing_weighs_what_a_snapshot_costs(tmp_path: Path) -> None:
    """Else whoever subscribes again and again has deep books written out ten times a second, for nothing."""
    settings = Settings(weight_limit_per_minute=2 * WEIGHT)
    async with fast_house(tmp_path, SetClock(), settings=settings) as fast, fast.reader("/ws/btcusdt@book") as reader:
        names = ["btcusdt@book", "ethusdt@trade"]
        both = {"method": "SUBSCRIBE", "params": [*names, "ethusdt@book"], "id": 1}
        leave = {"method": "UNSUBSCRIBE", "params": ["btcusdt@book"], "id": 2}
        again = {"method": "SUBSCRIBE", "params": ["btcusdt@book", "btcusdt@trade"], "id": 3}
        assert await said(reader, both) == {"result": None, "id": 1}
        assert await said(reader, leave) == {"result": None, "id": 2}
        refused = await said(reader, again)
        assert (refused["error"]["code"], refused["id"]) == (-1003, 3)
        listed = await said(reader, {"method": "LIST_SUBSCRIPTIONS", "id": 4})
        assert sorted(listed["result"]) == ["ethusdt@book", "ethusdt@trade"]
        with pytest.raises(InvalidStatus, match="429"):
            async with fast.reader("/stream?streams=ethusdt@trade/btcusdt@book"):
                pass
        async with fast.reader("/ws/btcusdt@trade"):
            pass


async def said(reader: Reader, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request, past what is pushed meanwhile."""
    await reader.send(request)
    answer: dict[str, Any] = await reader.read_until(lambda one: "e" not in one and one.get("id") == request["id"])
    return answer
