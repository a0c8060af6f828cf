"""A real server whose deciding fails in one market: that market stands still, operators are told, the others go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from exchange.admin import wire
from exchange.admin.client import connect
from exchange.demo.client import ApiError
from tests.faults.server import SYMBOL, Ledger, Running, demo

OTHER = "ETHUSDT"
BROKEN = ("-m", "tests.faults.planted_server", "broken-market")
"""Deciding an order of 13 lots in the first market raises."""


async def place(server: Running, symbol: str, quantity: str, price: str) -> Any:
    client = server.client(0)
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    try:
        return await client.signed("POST", "/api/v3/order", **order, quantity=quantity, price=price)
    finally:
        await client._drop()


async def open_orders(server: Running) -> Any:
    client = server.client(0)
    reply = await client.signed("GET", "/api/v3/openOrders")
    await client._drop()
    return reply


async def told(server: Running) -> wire.Status:
    """What an operator who attaches now is told."""
    with trio.fail_after(60):
        async with connect(Path(server.ready.admin)) as client:
            await client.call(wire.Attach())
            return await client.call(wire.GetStatus())


async def test_one_market_fails_and_no_other(tmp_path: Path) -> None:
    """Its orders stay, its halt is an event, whoever watches is told at once, and a restart changes nothing of it."""
    folder = tmp_path / "data"
    async with demo(folder, "--bare", program=BROKEN) as server:
        assert (await told(server)).quarantined == ()
        async with connect(Path(server.ready.admin)) as operator:
            await operator.call(wire.Attach())
            await operator.call(wire.Watch(status=False))
            await place(server, SYMBOL, "0.01", "29000")
            with pytest.raises(ApiError) as failed:
                await place(server, SYMBOL, "0.00013", "29000")
            assert failed.value.code == -1000
            with trio.fail_after(60):
                while not isinstance(pushed := await operator.push(), wire.PhaseChanged):
                    pass
        assert (pushed.symbol, pushed.phase, pushed.reason) == (SYMBOL, "HALTED", "quarantined: ZeroDivisionError")
        await still_quarantined(server, 1)
        server.process.kill()
        await server.process.wait()
    async with demo(folder, "--bare", program=BROKEN) as server:
        await still_quarantined(server, 2)
    assert Ledger(folder).verify() > 0


async def still_quarantined(server: Running, others: int) -> None:
    """The market takes nothing, the other one does; nothing was cancelled; an operator who attaches now is told."""
    with pytest.raises(ApiError):
        await place(server, SYMBOL, "0.01", "29000")
    await place(server, OTHER, "0.1", "1900")
    symbols = [order["symbol"] for order in await open_orders(server)]
    assert sorted(symbols) == [SYMBOL, *[OTHER] * others]
    (sentence,) = (await told(server)).quarantined
    assert sentence.startswith(f"{SYMBOL} is quarantined: ZeroDivisionError")
