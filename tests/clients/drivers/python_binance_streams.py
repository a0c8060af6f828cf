"""python-binance's sockets: BinanceSocketManager, its threaded twin and the depth cache, until each has spoken once."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import queue
from typing import Any

from tests.clients.drivers.plain import HOUSE, fresh_order
from tests.clients.drivers.python_binance import point
from tests.clients.drivers.sweeping import Calls, attempt, report, told

STREAMS = ["btcusdt@trade", "ethusdt@kline_1m"]
GIVEN: dict[str, dict[str, Any]] = {
    "multiplex_socket": {"streams": STREAMS},
    "start_multiplex_socket": {"streams": STREAMS},
}
ABROAD = ("futures", "coin", "options", "margin", "index_price", "mark_price", "portfolio")
"""Parts of the names of sockets that no spot account has."""


MUTE = "start_book_ticker_socket"
"""Refused like its asyncio twin, but the threaded manager tells nobody, and does not end any more after that."""


class Error(Exception):
    """What a socket said instead of data."""


def spoken(message: Any) -> Any:
    """A message that is none of the manager's own complaints."""
    if isinstance(message, dict) and message.get("e") == "error":
        raise Error(str(message))
    return message


def sockets(manager: Any, start: str) -> list[str]:
    """The functions that open a socket for a spot account."""
    names = [name for name, _ in inspect.getmembers(type(manager), inspect.isroutine)]
    wanted = [name for name in names if name.startswith(start) and name.endswith("socket") and name[0] != "_"]
    return [name for name in wanted if not any(part in name for part in ABROAD)]


async def listen(manager: Any, name: str) -> None:
    """Open one socket and read one message."""
    arguments = Calls(GIVEN).arguments(name, getattr(manager, name))
    async with getattr(manager, name)(**arguments) as socket:
        if name == "user_socket":
            await asyncio.to_thread(fresh_order)
        spoken(await socket.recv())


async def follow(library: Any, bot: Any) -> None:
    """Keep a book by the depth cache until it holds both sides."""
    async with library.DepthCacheManager(bot, "BTCUSDT", refresh_interval=None) as cache:
        book = spoken(await cache.recv())
        assert book.get_bids()[0][0] < book.get_asks()[0][0]


async def asyncio_sockets() -> dict[str, str]:
    """The verdicts on the asyncio manager and the depth cache, all at once."""
    library = importlib.import_module("binance")
    bot = library.AsyncClient(HOUSE["key"], HOUSE["secret"], session_params={"trust_env": False})
    point(bot)
    try:
        manager = library.BinanceSocketManager(bot)
        names = sockets(manager, "")
        verdicts = await asyncio.gather(*(attempt(listen, manager, name) for name in names))
        found = dict(zip(names, verdicts, strict=True))
        return found | {"DepthCacheManager": await attempt(follow, library, bot)}
    finally:
        await bot.close_connection()


def threaded_sockets() -> dict[str, str]:
    """The verdicts on the manager that lives in a thread and calls back."""
    manager = importlib.import_module("binance").ThreadedWebsocketManager(
        HOUSE["key"], HOUSE["secret"], session_params={"trust_env": False}
    )
    manager.start()
    heard = {name: start(manager, name) for name in sockets(manager, "start_") if name != MUTE}
    fresh_order()
    return {name: hear(messages) for name, messages in heard.items()}


def start(manager: Any, name: str) -> queue.Queue[Any]:
    """Start one socket; what it says arrives in the queue."""
    messages: queue.Queue[Any] = queue.Queue()
    arguments = Calls(GIVEN).arguments(name, getattr(manager, name)) | {"callback": messages.put}
    getattr(manager, name)(**arguments)
    return messages


def hear(messages: queue.Queue[Any]) -> str:
    """The verdict on one socket."""
    try:
        spoken(messages.get(timeout=20))
    except Exception as error:  # noqa: BLE001  # silence, too, is a verdict
        return told(error)
    return "works"


if __name__ == "__main__":
    streams = importlib.import_module("binance.ws.streams").BinanceSocketManager
    base = importlib.import_module("binance.base_client").BaseClient
    streams.STREAM_URL = HOUSE["ws"] + "/"
    base.API_URL, base.WS_API_URL = HOUSE["http"] + "/api", HOUSE["ws"] + "/ws-api/v3"
    report(asyncio.run(asyncio_sockets()) | threaded_sockets())
