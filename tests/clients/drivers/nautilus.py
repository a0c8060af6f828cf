"""NautilusTrader: a real trading node, its data and its orders; each verdict is one thing that a strategy does."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.clients.drivers.plain import HOUSE, fresh_order
from tests.clients.drivers.sweeping import report

SECONDS = 120
"""How long the strategy may wait for what it is to hear."""
SYMBOL, VENUE = "BTCUSDT.BINANCE", "BINANCE"


def take(module: str, *names: str) -> Any:
    """Names of the library, which is not installed where this file is checked."""
    found = [getattr(importlib.import_module(f"nautilus_trader.{module}"), name) for name in names]
    return found[0] if len(found) == 1 else found


def built() -> Any:
    """A node, unmodified but for its addresses and keys."""
    data, execution = take("adapters.binance.config", "BinanceDataClientConfig", "BinanceExecClientConfig")
    factories = take("adapters.binance.factories", "BinanceLiveDataClientFactory", "BinanceLiveExecClientFactory")
    config, providing, logging = take("config", "TradingNodeConfig", "InstrumentProviderConfig", "LoggingConfig")
    here = {
        "api_key": HOUSE["key"],
        "api_secret": HOUSE["secret"],
        "base_url_http": HOUSE["http"],
        "base_url_ws": HOUSE["ws"],
        "instrument_provider": providing(load_all=True),
    }
    node = take("live.node", "TradingNode")(
        config=config(
            logging=logging(log_level="ERROR"),
            data_clients={VENUE: data(**here)},
            exec_clients={VENUE: execution(**here)},
        )
    )
    node.add_data_client_factory(VENUE, factories[0])
    node.add_exec_client_factory(VENUE, factories[1])
    return node


class Ears:
    """What a strategy notes of what it is told, and nothing else."""

    heard: dict[str, asyncio.Event]

    def note(self, kind: str) -> None:
        self.heard.setdefault(kind, asyncio.Event()).set()

    def on_start(self) -> None:
        self.note("start")

    def on_quote_tick(self, _: Any) -> None:
        self.note("quotes")

    def on_trade_tick(self, _: Any) -> None:
        self.note("trades")

    def on_order_book_deltas(self, _: Any) -> None:
        self.note("book")

    def on_bar(self, _: Any) -> None:
        self.note("bars")

    def on_historical_data(self, data: Any) -> None:
        self.note(f"history of {type(data).__name__}")

    def on_order_event(self, event: Any) -> None:
        self.note(f"{event.client_order_id} {type(event).__name__}")


def strategy() -> Any:
    """A strategy that only listens."""
    made = type("Listener", (Ears, take("trading.strategy", "Strategy")), {})()
    made.heard = {}
    return made


class Story:
    """What is done, one after the other."""

    def __init__(self, node: Any, listener: Any, stood: str) -> None:
        self.node, self.listener, self.stood = node, listener, stood
        self.instrument = take("model.identifiers", "InstrumentId").from_str(SYMBOL)
        self.bars = take("model.data", "BarType").from_str(f"{SYMBOL}-1-SECOND-LAST-EXTERNAL")
        self.sides = take("model.enums", "OrderSide")

    async def hear(self, kind: str) -> None:
        """Wait until the strategy was told of it."""
        await asyncio.wait_for(self.listener.heard.setdefault(kind, asyncio.Event()).wait(), SECONDS)

    async def market_data(self, subscribe: str, kind: str) -> None:
        """Subscribe and hear."""
        getattr(self.listener, subscribe)(self.bars if kind == "bars" else self.instrument)
        await self.hear(kind)

    async def history(self) -> None:
        """Ask for candles that are over."""
        self.listener.request_bars(self.bars, start=self.node.kernel.clock.utc_now() - timedelta(hours=1))
        await self.hear("history of BinanceBar")

    async def known(self) -> None:
        """The market, the balances and the order that stood before the node was started."""
        cache = self.node.cache
        account = self.node.portfolio.account(take("model.identifiers", "Venue")(VENUE))
        found = (
            cache.instrument(self.instrument).price_increment.as_decimal(),
            {str(currency) for currency, total in account.balances_total().items() if total},
            self.stood in {str(order.venue_order_id) for order in cache.orders_open()},
        )
        assert found == (Decimal("0.01"), {"BTC", "ETH", "USDT"}, True), found

    async def order(self, kind: str, *outcomes: str, **terms: Any) -> Any:
        """Send an order and hear its outcomes."""
        numbers = {name: self.number(name, value) for name, value in terms.items() if name != "post_only"}
        order = getattr(self.listener.order_factory, kind)(
            instrument_id=self.instrument,
            order_side=self.sides.BUY,
            **numbers,
            **({"post_only": True} if "post_only" in terms else {}),
        )
        self.listener.submit_order(order)
        for outcome in outcomes:
            await self.hear(f"{order.client_order_id} {outcome}")
        return order

    def number(self, name: str, value: str) -> Any:
        """A quantity or a price."""
        return take("model.objects", "Quantity" if name == "quantity" else "Price").from_str(value)

    async def placed_and_cancelled(self, kind: str, **terms: Any) -> None:
        """An order that rests, and is taken back."""
        order = await self.order(kind, "OrderAccepted", **terms)
        self.listener.cancel_order(order)
        await self.hear(f"{order.client_order_id} OrderCanceled")

    async def filled(self) -> None:
        """A market order."""
        order = await self.order("market", "OrderFilled", quantity="0.00100")
        assert order.filled_qty.as_decimal() == Decimal("0.001")

    async def refused(self) -> None:
        """A price outside the band: the node is told."""
        await self.order("limit", "OrderRejected", quantity="0.00100", price="200000.00")

    async def all_cancelled(self) -> None:
        """Everything at once, that of before the node too."""
        order = await self.order("limit", "OrderAccepted", quantity="0.00100", price="25000.00")
        self.listener.cancel_all_orders(self.instrument)
        await self.hear(f"{order.client_order_id} OrderCanceled")

    def steps(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Each step by its name."""
        limit = {"quantity": "0.00100", "price": "25000.00"}
        return {
            "instruments, account and open orders at the start": self.known,
            "subscribe_quote_ticks": lambda: self.market_data("subscribe_quote_ticks", "quotes"),
            "subscribe_trade_ticks": lambda: self.market_data("subscribe_trade_ticks", "trades"),
            "subscribe_order_book_deltas": lambda: self.market_data("subscribe_order_book_deltas", "book"),
            "subscribe_bars": lambda: self.market_data("subscribe_bars", "bars"),
            "request_bars": self.history,
            "submit_order: limit, cancel_order": lambda: self.placed_and_cancelled("limit", **limit),
            "submit_order: post only": lambda: self.placed_and_cancelled("limit", **limit, post_only=True),
            "submit_order: stop limit": lambda: self.placed_and_cancelled(
                "stop_limit", quantity="0.00100", price="40000.00", trigger_price="39000.00"
            ),
            "submit_order: market": self.filled,
            "submit_order: refused": self.refused,
            "cancel_all_orders": self.all_cancelled,
        }


async def tell() -> dict[str, str]:
    """The verdict on each step."""
    stood = str(await asyncio.to_thread(fresh_order))
    node, listener = built(), strategy()
    node.trader.add_strategy(listener)
    node.build()
    running = asyncio.create_task(node.run_async())
    story = Story(node, listener, stood)
    await story.hear("start")
    found = {}
    for name, step in story.steps().items():
        try:
            await step()
            found[name] = "works"
        except Exception as error:  # noqa: BLE001  # whatever the node raises is the verdict
            found[name] = f"FAILED: {type(error).__name__}: {error}"
    assert not running.done()
    return found


if __name__ == "__main__":
    report(asyncio.run(tell()))
