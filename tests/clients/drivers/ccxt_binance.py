"""ccxt's `binance`: every unified method that it says it has, and with `--implicit` every endpoint that it knows.

`--async` drives async_support instead of the synchronous class.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from functools import partial
from typing import Any

from tests.clients.drivers.plain import HOUSE, OCO, fresh_list, fresh_order, listen_key, now_ms
from tests.clients.drivers.sweeping import SHOP, Calls, report, sweep, sweep_async, verdict

BTC = {"symbol": "BTC/USDT"}
ORDER = BTC | {"type": "limit", "side": "buy", "amount": 0.001, "price": 25_000}
SELL = {"type": "market", "side": "sell", "amount": 0.001}
ORDERS = [ORDER, ORDER | {"price": 24_000}]
USUAL = {
    "symbol": "BTC/USDT",
    "symbols": ["BTC/USDT", "ETH/USDT"],
    "id": fresh_order,
    "amount": 0.001,
    "cost": 30,
    "side": "buy",
    "type": "limit",
    "price": 25_000,
    "code": "USDT",
    "from_code": "BTC",
    "to_code": "USDT",
    "from_account": "spot",
    "to_account": "funding",
    "address": SHOP,
    "leverage": 1,
    "margin_mode": "isolated",
    "hedged": True,
    "triggerPrice": 20_000,
}
GIVEN: dict[str, dict[str, Any]] = {
    "withdraw": {"code": "BTC", "amount": 0.5},
    "cancel_order": BTC,
    "cancel_orders": BTC | {"ids": lambda: [str(fresh_order()), str(fresh_order())]},
    "cancel_all_orders": {"symbol": lambda: (fresh_order(), "BTC/USDT")[1]},
    "create_orders": {"orders": ORDERS},
    "edit_order": ORDER,
    "edit_orders": {"orders": lambda: [ORDER | {"id": str(fresh_order())}]},
    "create_post_only_order": ORDER,
    "create_order": ORDER,
    "create_stop_limit_order": {"side": "sell", "triggerPrice": 20_000, "price": 19_900},
    "create_stop_order": SELL | {"triggerPrice": 20_000},
    "create_trigger_order": SELL | {"triggerPrice": 20_000},
    "create_stop_loss_order": SELL | {"stopLossPrice": 20_000},
    "create_take_profit_order": SELL | {"takeProfitPrice": 40_000},
    "create_trailing_percent_order": ORDER | {"trailingPercent": 1, "params": {"stopLossOrTakeProfit": "takeProfit"}},
    "create_reduce_only_order": ORDER,
    "fetch_order": BTC,
    "fetch_open_order": BTC,
    "fetch_orders": BTC,
    "fetch_open_orders": BTC,
    "fetch_closed_orders": BTC,
    "fetch_canceled_orders": BTC,
    "fetch_canceled_and_closed_orders": BTC,
    "fetch_order_trades": BTC,
    "fetch_my_trades": BTC,
    "fetch_convert_quote": {"amount": 0.001},
    "fetch_convert_trade_history": {"code": "BTC"},
    "fetch_borrow_rate_history": {"code": "BTC"},
    "fetch_transfers": {"code": "BTC"},
}
"""What the usual arguments do not say."""

for _name in ("fetch_margin_adjustment_history", "fetch_long_short_ratio_history", "set_leverage", "set_margin_mode"):
    GIVEN[_name] = BTC


_ONE, _MINE = {"symbol": "BTCUSDT"}, {"symbol": "BTCUSDT", "orderId": fresh_order}
_KLINES = {"symbol": "BTCUSDT", "interval": "1m"}
_LIST = {"symbol": "BTCUSDT", "orderListId": fresh_list}
_PLAIN = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "25000",
}
_REPLACE = _PLAIN | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": fresh_order}
_OTO = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "20000",
    "workingQuantity": "0.001",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "pendingQuantity": "0.001",
}
IMPLICIT: dict[str, dict[str, Any]] = {
    "private_delete_openorders": {"symbol": lambda: (fresh_order(), "BTCUSDT")[1]},
    "private_delete_order": _MINE,
    "private_get_order": _MINE,
    "private_get_account_commission": _ONE,
    "private_get_allorders": _ONE,
    "private_get_mytrades": _ONE,
    "private_get_myallocations": _ONE,
    "private_get_mypreventedmatches": _ONE | {"preventedMatchId": 1},
    "private_post_order": _PLAIN,
    "private_post_order_test": _PLAIN,
    "private_post_sor_order": _PLAIN,
    "private_post_sor_order_test": _PLAIN,
    "private_post_order_cancelreplace": _REPLACE,
    "private_post_order_oco": _ONE | {"side": "SELL", "quantity": "0.001", "price": "40000", "stopPrice": "20000"},
    "private_post_orderlist_oco": OCO,
    "private_post_orderlist_oto": _OTO | {"pendingType": "LIMIT", "pendingPrice": "40000", "pendingTimeInForce": "GTC"},
    "private_post_orderlist_otoco": _OTO
    | {
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": "40000",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": "15000",
    },
    "private_get_orderlist": {"orderListId": fresh_list},
    "private_delete_orderlist": _LIST,
    "public_delete_userdatastream": {"listenKey": listen_key},
    "public_put_userdatastream": {"listenKey": listen_key},
    "public_get_klines": _KLINES,
    "public_get_uiklines": _KLINES,
    "public_get_ticker_tradingday": _ONE,
    "public_get_ticker": _ONE,
    "sapi_get_capital_deposit_address": {"coin": "BTC"},
    "sapi_post_capital_withdraw_apply": {
        "coin": "BTC",
        "address": SHOP,
        "amount": "1",
    },
    "public_get_historicalblocktrades": _ONE | {"fromId": 1},
    "public_get_referenceprice": _ONE,
    "public_get_referenceprice_calculation": _ONE,
    "private_get_order_amendments": _MINE,
    "private_put_order_amend_keeppriority": _MINE | {"newQty": "0.0005"},
    "private_get_myfilters": _ONE,
    **{f"public_get_{name}": _ONE for name in ("aggtrades", "avgprice", "depth", "historicaltrades", "trades")},
}
"""What the endpoints of a spot account are asked; all others are asked for nothing in particular."""


def bot(module: str) -> Any:
    """A bot, unmodified but for its URLs."""
    exchange = importlib.import_module(module).binance({"apiKey": HOUSE["key"], "secret": HOUSE["secret"]})
    exchange.enableRateLimit = False
    api = exchange.urls["api"]
    ours = {name: re.sub("^https://[^/]+", HOUSE["http"], url) for name, url in api.items() if isinstance(url, str)}
    exchange.urls["api"] = api | ours
    return exchange


def unified(exchange: Any) -> list[str]:
    """The unified methods that ccxt says it has for REST."""
    named = [snake(name) for name, has in exchange.has.items() if has]
    return [name for name in named if callable(getattr(exchange, name, None)) and not name.endswith("_ws")]


def snake(name: str) -> str:
    """Ccxt's Python name of a method."""
    name = name.replace("OHLCV", "Ohlcv").replace("ADL", "Adl")
    return re.sub("(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def implicit(exchange: Any) -> list[str]:
    """The methods that ccxt derives from its table of endpoints."""
    own = importlib.import_module("ccxt.abstract.binance").ImplicitAPI
    return sorted(name for name in vars(own) if "_" in name and not name.startswith("_"))


async def each_async() -> dict[str, str]:
    """The verdicts on the asyncio class."""
    exchange = bot("ccxt.async_support")
    exchange.session = importlib.import_module("aiohttp").ClientSession(trust_env=False)
    try:
        await exchange.load_markets()
        return await sweep_async(unified(exchange), exchange, Calls(GIVEN, USUAL))
    finally:
        await exchange.close()
        await exchange.session.close() if exchange.session else None


def ask(exchange: Any, name: str) -> Any:
    """Ask one endpoint for what there is."""
    return getattr(exchange, name)(
        {key: value() if callable(value) else value for key, value in IMPLICIT.get(name, {}).items()}
    )


def each() -> dict[str, str]:
    """The verdicts on the synchronous class."""
    exchange = bot("ccxt")
    exchange.session.trust_env = False
    exchange.load_markets()
    if "--implicit" in sys.argv:
        return {name: verdict(partial(ask, exchange, name)) for name in implicit(exchange)}
    return sweep(unified(exchange), exchange, Calls(GIVEN, USUAL | {"since": now_ms() - 3_600_000}))


if __name__ == "__main__":
    report(asyncio.run(each_async()) if "--async" in sys.argv else each())
