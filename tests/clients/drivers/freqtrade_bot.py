"""freqtrade: its commands, its exchange layer with real orders, and the bot itself until it has bought."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.clients.drivers.plain import HOUSE, signed
from tests.clients.drivers.sweeping import SECONDS, report, told

PAIR = "BTC/USDT"
STRATEGY = '''
from freqtrade.strategy import IStrategy


class Buys(IStrategy):
    """Buys at each candle."""

    timeframe = "1m"
    minimal_roi = {"0": 10}
    stoploss = -0.5
    startup_candle_count = 0
    process_only_new_candles = False

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
'''


def settings(home: Path, *, dry: bool) -> dict[str, Any]:
    """What an operator of the bot writes into config.json."""
    http, ws = HOUSE["http"], HOUSE["ws"]
    prices = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "dry_run": dry,
        "user_data_dir": str(home),
        "initial_state": "running",
        "max_open_trades": 1,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "timeframe": "1m",
        "entry_pricing": prices,
        "exit_pricing": prices,
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 1},
        "exchange": {
            "name": "binance",
            "key": HOUSE["key"],
            "secret": HOUSE["secret"],
            "pair_whitelist": [PAIR],
            "ccxt_config": {
                "options": {"fetchMarkets": {"types": ["spot"]}},
                "urls": {
                    "api": {
                        "public": f"{http}/api/v3",
                        "private": f"{http}/api/v3",
                        "sapi": f"{http}/sapi/v1",
                        "ws": {"spot": f"{ws}/ws/stream", "ws-api": {"spot": f"{ws}/ws-api/v3"}},
                    }
                },
            },
        },
    }


def command(home: Path, *words: str) -> str:
    """Run a command of it to its end, in this process, for it is slow to import; what it printed."""
    said, code = io.StringIO(), None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            importlib.import_module("freqtrade.main").main([*words, *at(home)])
        except SystemExit as end:
            code = end.code
    assert not code, said.getvalue()[-2_000:]
    return said.getvalue()


def at(home: Path) -> list[str]:
    """Where its files are, as it wants to be told."""
    return ["--config", str(home / "config.json"), "--userdir", str(home)]


def commands(home: Path) -> dict[str, Callable[[], None]]:
    """Commands that ask the house, each with what must be in its answer."""

    def says(wanted: str, *words: str) -> Callable[[], None]:
        def ask() -> None:
            assert wanted in (said := command(home, *words)), said[-2_000:]

        return ask

    def download() -> None:
        command(home, "download-data", "--pairs", PAIR, "--timeframes", "1m", "--days", "1")
        assert list(home.glob("data/binance/BTC_USDT-1m.*"))

    return {
        "list-pairs": says("BTC/USDT", "list-pairs", "--print-list"),
        "list-markets": says("ETH/USDT", "list-markets", "--print-list"),
        "list-timeframes": says("1m, 3m, 5m", "list-timeframes"),
        "test-pairlist": says("BTC/USDT", "test-pairlist", "--quote", "USDT"),
        "download-data": download,
    }


def layer(home: Path) -> dict[str, Callable[[], None]]:
    """The functions of its exchange layer that a spot bot calls."""
    config = importlib.import_module("freqtrade.configuration").Configuration.from_files([str(home / "config.json")])
    config["dry_run"] = False
    bot = importlib.import_module("freqtrade.resolvers").ExchangeResolver.load_exchange(config, validate=True)
    terms = {"pair": PAIR, "amount": 0.001, "leverage": 1.0}

    def order(kind: str, price: float) -> dict[str, Any]:
        placed: dict[str, Any] = bot.create_order(ordertype=kind, side="buy", rate=price, **terms)
        return placed

    def limit() -> None:
        placed = order("limit", 25_000.0)
        assert bot.fetch_order(placed["id"], PAIR)["status"] == "open"
        assert bot.cancel_order(placed["id"], PAIR)["status"] == "canceled"

    def market() -> None:
        placed = order("market", 30_100.0)
        trades = bot.get_trades_for_order(placed["id"], PAIR, datetime.now(UTC) - timedelta(minutes=1))
        assert (placed["status"], round(sum(one["amount"] for one in trades), 8)) == ("closed", 0.001), (placed, trades)

    def stop() -> None:
        stopped = bot.create_stoploss(
            pair=PAIR, amount=0.001, stop_price=20_000.0, order_types={"stoploss": "limit"}, side="sell", leverage=1.0
        )
        assert bot.cancel_stoploss_order(stopped["id"], PAIR)["status"] == "canceled"

    def candles() -> None:
        wanted = (PAIR, "1m", importlib.import_module("freqtrade.enums").CandleType.SPOT)
        assert len(bot.refresh_latest_ohlcv([wanted])[wanted]) >= 0

    def reads(wanted: Callable[[], bool]) -> Callable[[], None]:
        def read() -> None:
            assert wanted()

        return read

    return {
        "Exchange.get_balances": reads(lambda: bot.get_balances()["BTC"]["total"] > 0),
        "Exchange.fetch_ticker": reads(lambda: bot.fetch_ticker(PAIR)["last"] > 0),
        "Exchange.get_tickers": reads(lambda: PAIR in bot.get_tickers()),
        "Exchange.fetch_l2_order_book": reads(lambda: len(bot.fetch_l2_order_book(PAIR)["asks"]) > 0),
        "Exchange.get_fee": reads(lambda: bot.get_fee(PAIR) == 0.001),
        "Exchange.refresh_latest_ohlcv": candles,
        "Exchange.create_order, fetch_order, cancel_order": limit,
        "Exchange.create_order: market, get_trades_for_order": market,
        "Exchange.create_stoploss, cancel_stoploss_order": stop,
        "Exchange.fetch_orders": reads(
            lambda: len(bot.fetch_orders(PAIR, datetime.now(UTC) - timedelta(hours=1))) >= 3
        ),
    }


def trade(home: Path) -> None:
    """The bot itself, with real money, until it has bought."""
    (home / "strategies").mkdir(exist_ok=True)
    (home / "strategies" / "buys.py").write_text(STRATEGY)
    before = bids()
    (home / "config.json").write_text(json.dumps(settings(home, dry=False)))
    database = f"sqlite:///{home / 'trades.sqlite'}"
    words = [sys.executable, "-W", "ignore", "-m", "freqtrade", "trade", "--strategy", "Buys", "--db-url", database]
    with (home / "log").open("w") as log, subprocess.Popen([*words, *at(home)], stdout=log, stderr=log) as bot:
        deadline = time.monotonic() + 2 * SECONDS
        while bids() == before:
            assert bot.poll() is None, (home / "log").read_text()[-2_000:]
            assert time.monotonic() < deadline, (home / "log").read_text()[-2_000:]
            time.sleep(0.5)
        bot.kill()


def bids() -> int:
    """How many orders to buy there have been."""
    return sum(order["side"] == "BUY" for order in signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=1000))


def verdict(step: Callable[[], None]) -> str:
    """What came of one step."""
    try:
        step()
    except AssertionError as error:
        return f"FAILED: {str(error)[-600:]}"
    except Exception as error:  # noqa: BLE001  # whatever it raises is the verdict
        return told(error)
    return "works"


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    os.environ["HOME"] = str(folder)
    (folder / "config.json").write_text(json.dumps(settings(folder, dry=True)))
    steps = commands(folder) | layer(folder) | {"trade": lambda: trade(folder)}
    report({name: verdict(step) for name, step in steps.items()})
