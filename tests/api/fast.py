"""The fast door of a running house, on a free port, and readers of its streams."""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio
from websockets.trio.client import ClientConnection, connect

from exchange.api.door_limits import DoorLimits
from exchange.api.gateway import serve_fast_door
from exchange.clock import Clock
from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderType, Side, TimeInForce
from exchange.core.performing import Outcome
from exchange.core.units import MarketId, Price, Quantity
from exchange.settings import Settings
from tests.api.house import House, Person, running_house

BTC = MarketId(1)
ETH = MarketId(2)


@dataclass(frozen=True)
class Fast:
    """A house with its fast door open."""

    house: House
    port: int
    stop: trio.Event

    @asynccontextmanager
    async def reader(self, path: str) -> AsyncIterator[Reader]:
        """A client connected to that path."""
        async with connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, proxy=None) as socket:
            yield Reader(socket)

    async def limit(self, person: Person, side: Side, price: int, lots: int, **more: Any) -> Outcome:
        """A limit order in BTCUSDT, in ticks and lots; taken on, or the test fails."""
        order = co.PlaceOrder(person.account, BTC, side, OrderType.LIMIT, Quantity(lots), Price(price), **more)
        return await self.order(order)

    async def order(self, order: co.PlaceOrder) -> Outcome:
        """Any order; taken on, or the test fails."""
        outcome = await self.house.rooms.sequencer.call(order)
        assert outcome.reject is None, outcome
        return outcome

    async def trade(self, price: int, lots: int) -> None:
        """Bob buys from Alice."""
        await self.limit(self.house.alice, Side.SELL, price, lots)
        await self.limit(self.house.bob, Side.BUY, price, lots, time_in_force=TimeInForce.IOC)

    async def halt(self) -> None:
        """Halt BTCUSDT."""
        await self.house.set_phase("BTCUSDT", MarketPhase.HALTED)


class Reader:
    """A client of a stream: JSON in, JSON out."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def read(self) -> Any:
        """The next message."""
        with trio.fail_after(120):
            return msgspec.json.decode(await self.socket.recv())

    async def read_until(self, wanted: Callable[[Any], bool]) -> Any:
        """The first message that fits."""
        while not wanted(message := await self.read()):
            pass
        return message

    async def send(self, message: object) -> None:
        await self.socket.send(msgspec.json.encode(message).decode())

    async def flood(self) -> None:
        """Ask and ask, without end; returns never, but raises when the connection is closed."""
        number = 0
        while True:
            number += 1
            await self.send({"method": "LIST_SUBSCRIPTIONS", "id": number})

    async def ask(self, message: object) -> Any:
        """Send a request and read its answer, passing over what streams say meanwhile."""
        await self.send(message)
        return await self.read_until(lambda reply: isinstance(reply, dict) and "id" in reply)


def signed(person: Person, now: int, **parameters: object) -> dict[str, object]:
    """Parameters of the WebSocket API with their signature, `now` in microseconds."""
    assert person.key.secret is not None
    sent = {"apiKey": person.key.api_key, "timestamp": now // 1000} | parameters
    payload = "&".join(f"{name}={sent[name]}" for name in sorted(sent))
    signature = hmac.new(person.key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return sent | {"signature": signature}


@asynccontextmanager
async def fast_house(
    folder: Path,
    clock: Clock | None = None,
    limits: DoorLimits | None = None,
    send_buffer: int = 0,
    settings: Settings | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Fast]:
    """A house whose main door and fast door are both open. `send_buffer`: bytes the kernel holds for each peer.

    `tls`: how the fast door speaks, if not plainly.
    """
    async with running_house(folder, clock, settings) as house, trio.open_nursery() as nursery:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = listener.getsockname()[1]
        if send_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        stop = trio.Event()
        await nursery.start(partial(serve_fast_door, house.rooms, [listener], stop, limits, tls=tls))
        yield Fast(house, port, stop)
        stop.set()
