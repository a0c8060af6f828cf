"""Call every function of a client once and note what came of it.

A verdict is `works`, `refused CODE` (the house said no, with that code), `not asked: ERROR` (the library itself said
no), or `FAILED: …`, which no client may have.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from tests.clients.drivers.plain import fresh_order, listen_key

SECONDS = 120
"""How long a call may take before it counts as hung."""

NOT_ASKED = {
    "NotSupported",
    "NotImplementedException",
    "NotImplementedError",
    "BinanceRegionException",
    "BadRequest",
    "BadSymbol",
}
"""What libraries raise, with no code of ours, for what they themselves do not do with a spot market."""

NOTHING_THERE = "There is no entry with withdraw id"
"""What python-binance raises when it has read, as it should, that there are no withdrawals."""

_CODE = re.compile(r"(?:\bcode[\"']?\s*[=:]?\s*[\"']?|\((?:\d+, )?)(-\d{4})\b")

SHOP = "btc19c9870bd719e6aeed5284e35b16c0a8c93ce"
"""An address outside the house, on its chain in memory."""

USUAL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "symbols": ["BTCUSDT", "ETHUSDT"],
    "order_id": fresh_order,
    "listen_key": listen_key,
    "interval": "1m",
    "side": "BUY",
    "type": "LIMIT",
    "time_in_force": "GTC",
    "quantity": 0.001,
    "price": 25_000,
    "from_id": 1,
    "asset": "BTC",
    "coin": "BTC",
    "amount": 1,
    "address": SHOP,
}
"""What to send for a mandatory parameter of that name; what can be called is called first."""


class Calls:
    """How the functions of one client are called: what differs from the usual."""

    def __init__(self, given: dict[str, dict[str, Any]], usual: dict[str, Any] | None = None) -> None:
        """`given`: by function, more arguments or other ones; `usual`: other values by parameter."""
        self.given = given
        self.usual = USUAL | (usual or {})

    def arguments(self, name: str, function: Callable[..., Any]) -> dict[str, Any]:
        """The arguments of one call."""
        found = {}
        for parameter in inspect.signature(function).parameters.values():
            mandatory = parameter.default is parameter.empty
            if mandatory and parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
                found[parameter.name] = self.usual.get(_snake(parameter.name), "1")
        found |= self.given.get(name, {})
        return {key: value() if callable(value) else value for key, value in found.items()}


def _snake(name: str) -> str:
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def sweep(names: Iterable[str], client: Any, calls: Calls) -> dict[str, str]:
    """The verdict on each function of a synchronous client."""
    return {name: verdict(partial(_call, client, name, calls)) for name in names}


def _call(client: Any, name: str, calls: Calls) -> None:
    function = getattr(client, name)
    read(function(**calls.arguments(name, function)))


def read(answer: Any) -> None:
    """Have the client read the answer, where it waits to be asked for that."""
    if inspect.isgenerator(answer):
        list(zip(range(3), answer, strict=False))
    elif callable(getattr(answer, "data", None)):
        content = answer.data()
        if isinstance(content, dict) and set(content) == {"error"}:
            raise RuntimeError(content["error"])


def verdict(call: Callable[[], Any]) -> str:
    """The verdict on one call."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  # whatever a client raises is the verdict
        return told(error)
    return "works"


async def sweep_async(names: Iterable[str], client: Any, calls: Calls) -> dict[str, str]:
    """The verdict on each function of an asyncio client."""
    found = {}
    for name in names:
        function = getattr(client, name)
        try:
            arguments = await asyncio.to_thread(calls.arguments, name, function)
        except Exception as error:  # noqa: BLE001  # what must be there first was refused
            found[name] = told(error)
        else:
            found[name] = await attempt(function, **arguments)
    return found


async def attempt(function: Callable[..., Any], *positional: Any, **named: Any) -> str:
    """The verdict on one call, awaited if it wants to be."""
    try:
        async with asyncio.timeout(SECONDS):
            answer = function(*positional, **named)
            if inspect.isasyncgen(answer):
                await anext(answer)
            elif isinstance(answer, Awaitable):
                answer = await answer
                read(getattr(answer, "response", answer))
    except TimeoutError:
        return f"FAILED: no answer within {SECONDS} s"
    except Exception as error:  # noqa: BLE001  # whatever a client raises is the verdict
        return told(error)
    return "works"


def told(error: Exception) -> str:
    """The verdict that an exception stands for."""
    kind, text = type(error).__name__, f"{getattr(error, 'code', '')} {error}"
    code = getattr(error, "code", None) or getattr(error, "error_code", None)
    if isinstance(code, int) and code < 0:
        return f"refused {code}"
    if NOTHING_THERE in text:
        return "works"
    if found := re.search(r"HTTP (40[04])\b", text):
        return f"refused {found[1]}"
    if found := _CODE.search(text):
        return f"refused {found[1]}"
    if kind in NOT_ASKED:
        return f"not asked: {kind}"
    return f"FAILED: {kind}: {text.strip()[:300]}"


def public(client: Any) -> list[str]:
    """The functions that a client offers."""
    return [name for name, _ in inspect.getmembers(type(client), inspect.isroutine) if not name.startswith("_")]


def report(verdicts: dict[str, str]) -> None:
    """Hand the verdicts to whoever started the driver: the last line of what is printed."""
    sys.stdout.write("\n" + json.dumps(verdicts) + "\n")
    sys.stdout.flush()
    os._exit(0)  # some clients leave threads behind that never end
