"""What was promised before a `kill -9` is kept after it: keys, countdowns, and connections that take orders along."""

from __future__ import annotations

import hashlib
import hmac
import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import trio
from websockets.trio.client import connect

from tests.faults.server import SYMBOL, Account, Ledger, Running, demo

ORDER: dict[str, str] = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.5"}


async def ask(server: Running, number: int, method: str, path: str, **parameters: str) -> Any:
    client = server.client(number)
    reply = await client.signed(method, path, **parameters)
    await client._drop()
    return reply


def arming(account: Account) -> str:
    """The signed request that arms a connection."""
    params = {"apiKey": account.api_key, "timestamp": str(time.time_ns() // 1_000_000)}
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    params["signature"] = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return msgspec.json.encode({"id": 1, "method": "ext.cancelOnDisconnect.arm", "params": params}).decode()


async def test_promises_outlive_a_kill(tmp_path: Path) -> None:
    """Alice's order has a key and a countdown that is through while nobody is there; Bob's connection was armed."""
    folder = tmp_path / "data"
    async with demo(folder, "--bare") as server:
        first = await ask(server, 0, "POST", "/api/v3/order", **ORDER, price="29000", idempotencyKey="once")
        await ask(server, 0, "POST", "/ext/v1/countdownCancelAll", symbol=SYMBOL, countdownTime="1000")
        await ask(server, 1, "POST", "/api/v3/order", **ORDER, price="28000")
        async with connect(f"{server.ready.ws}/ws-api/v3", compression=None, proxy=None) as socket:
            await socket.send(arming(server.ready.accounts[1]))
            assert msgspec.json.decode(await socket.recv())["result"]["armed"]
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
    await trio.sleep(1)
    async with demo(folder, "--bare") as server:
        for number in (0, 1):
            assert await ask(server, number, "GET", "/api/v3/openOrders") == []
        again = await ask(server, 0, "POST", "/api/v3/order", **ORDER, price="29000", idempotencyKey="once")
        assert again == first
        events = (await ask(server, 0, "GET", "/ext/v1/events"))["events"]
        assert [one["number"] for one in events] == list(range(1, len(events) + 1))
        kinds = [one["kind"] for one in events]
        assert kinds[-5:] == ["orderAccepted", "keyUsed", "countdownSet", "countdownFired", "orderEnded"]
        server.process.terminate()
        assert await server.process.wait() == 0
    assert Ledger(folder).verify() > 0
