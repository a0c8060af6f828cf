"""Every function of every client: it works, or is refused by name; docs/compatibility.md tells which, and is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from exchange.core.orders import Side
from exchange.office.keys import Scope
from tests.api.fast import Fast, fast_house
from tests.api.house import Person
from tests.api.vaults import open_ways
from tests.clients import environments
from tests.clients.compatibility import PAGE, compare, faults, page, sections
from tests.clients.driving import drive, python

HERE: Final = (
    ("ccxt", "unified methods", python("ccxt_binance")),
    ("ccxt", "unified methods of async_support", python("ccxt_binance", "--async")),
    ("ccxt", "endpoints", python("ccxt_binance", "--implicit")),
    ("python-binance", "Client", python("python_binance")),
    ("python-binance", "AsyncClient", python("python_binance", "--async")),
    ("binance-sdk-spot", "REST", python("sdk_spot")),
    ("binance-sdk-spot", "WebSocket API", python("sdk_spot", "--ws")),
)
"""Clients that are installed beside us: (name, part, command)."""

STREAMS: Final = (
    ("ccxt", "ccxt.pro", python("ccxt_pro")),
    ("python-binance", "sockets and depth cache", python("python_binance_streams")),
    ("binance-sdk-spot", "streams", python("sdk_streams")),
)
"""What listens, and needs somebody who trades: (name, part, command)."""

APART: Final = (
    ("binance-connector", "REST", ("connector",)),
    ("binance-connector", "WebSocket API", ("connector", "--ws")),
    ("unicorn-binance-rest-api", "manager", ("unicorn_rest",)),
    ("unicorn-binance-websocket-api", "streams and requests", ("unicorn_streams",)),
)
"""Clients written in Python with environments of their own: (name, part, driver)."""

WITH: Final = {"unicorn-binance-rest-api": "unicorn-binance-websocket-api"}
"""Who lives in whose environment."""

LISTENS: Final = {"streams and requests"}
"""What of these needs somebody who trades."""

NPM: Final = (
    ("binance", "MainClient", ("binance.mjs",)),
    ("binance", "WebsocketAPIClient", ("binance.mjs", "--ws")),
    ("binance-api-node", "HTTP", ("binance-api-node.mjs",)),
    ("node-binance-api", "HTTP", ("node-binance-api.mjs",)),
)
"""Packages from npm: (name, part, driver)."""

LONG: Final = {"unified methods of async_support", "endpoints", "AsyncClient"}
"""What runs at night: these differ from their neighbours in how they wait, or in nothing that a spot account meets."""


def cases(rows: tuple[tuple[str, str, tuple[str, ...]], ...]) -> list[Any]:
    """A test for each part of each client."""
    return [
        pytest.param(*row, id=f"{row[0]} {row[1]}", marks=[pytest.mark.nightly] if row[1] in LONG else [])
        for row in rows
    ]


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Fast]:
    """A house where there has been some trade, with something in the book on either side."""
    async with fast_house(tmp_path) as fast:
        for cents in range(5):
            await fast.trade(3_000_000 + cents, 70)
        await fast.limit(fast.house.bob, Side.SELL, 3_010_000, 100_000)
        await fast.limit(fast.house.bob, Side.BUY, 2_990_000, 100_000)
        await open_ways(fast.house.rooms.desk, fast.house.rooms.sequencer)
        yield fast


def full(market: Fast) -> Person:
    """Alice with a key that may do everything."""
    house = market.house
    key = house.rooms.keyring.create(house.alice.account, frozenset(Scope), "hmac", roaming=True)
    return Person(house.alice.name, house.alice.account, key)


async def go_on_trading(fast: Fast) -> None:
    """Trade for ever, at rising prices."""
    price = 2_999_000
    while True:
        price += 1
        await fast.trade(price, 70)
        await trio.sleep(0.05)


@pytest.mark.parametrize(("name", "part", "command"), cases(HERE))
async def test_each_function_works_or_is_refused_by_name_as_documented(
    market: Fast, name: str, part: str, command: tuple[str, ...]
) -> None:
    verdicts = await drive(market, full(market), *command)
    assert faults(verdicts) == {}
    compare(f"{name} {version(name)}: {part}", verdicts)


@pytest.mark.parametrize(("name", "part", "command"), cases(STREAMS))
async def test_each_stream_speaks_or_is_refused_by_name_as_documented(
    market: Fast, name: str, part: str, command: tuple[str, ...]
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on_trading, market)
        verdicts = await drive(market, full(market), *command)
        nursery.cancel_scope.cancel()
    assert faults(verdicts) == {}
    compare(f"{name} {version(name)}: {part}", verdicts)


async def test_the_fast_door_answers_over_http_what_the_main_door_answers(market: Fast) -> None:
    fast = f"http://127.0.0.1:{market.port}"
    verdicts = await drive(market, full(market), *python("sdk_spot"), http=fast)
    assert faults(verdicts) == {}
    compare(f"binance-sdk-spot {version('binance-sdk-spot')}: REST on the fast door", verdicts)


@pytest.mark.parametrize(("name", "part", "driver"), cases(APART))
async def test_clients_with_environments_of_their_own_work_too(
    market: Fast, name: str, part: str, driver: tuple[str, ...]
) -> None:
    home = WITH.get(name, name)
    python_there = await trio.to_thread.run_sync(environments.interpreter, home)
    async with trio.open_nursery() as nursery:
        if part in LISTENS:
            nursery.start_soon(go_on_trading, market)
        verdicts = await drive(market, full(market), *python(*driver, interpreter=python_there))
        nursery.cancel_scope.cancel()
    assert faults(verdicts) == {}
    compare(f"{name} {environments.version(name, home)}: {part}", verdicts)


@pytest.mark.parametrize(("name", "part", "driver"), cases(NPM))
async def test_npm_packages_work_too(market: Fast, name: str, part: str, driver: tuple[str, ...]) -> None:
    await trio.to_thread.run_sync(environments.node_modules)
    verdicts = await drive(market, full(market), "node", f"tests/clients/npm/{driver[0]}", *driver[1:])
    assert faults(verdicts) == {}
    compare(f"{name} {environments.version(name)} (npm): {part}", verdicts)


def test_the_page_is_made_of_its_sections() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(sections())
