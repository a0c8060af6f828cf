"""python-binance: every function of its synchronous client, or with `--async` of the other one."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

from tests.clients.drivers.plain import HOUSE, OCO, fresh_list, fresh_order, listen_key
from tests.clients.drivers.sweeping import SHOP, Calls, public, report, sweep, sweep_async

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.001, "price": 25_000}
LIMIT = {"symbol": "BTCUSDT", "quantity": 0.001, "price": 25_000}
MARKET = {"symbol": "BTCUSDT", "quantity": 0.001}
ONE = {"symbol": "BTCUSDT"}
MINE = {"symbol": "BTCUSDT", "orderId": fresh_order}
KLINES = {"symbol": "BTCUSDT", "interval": "1m"}
REPLACE = ORDER | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": fresh_order}
ALL_MINE = {"symbol": lambda: (fresh_order(), "BTCUSDT")[1]}
BUY_OCO = {
    "symbol": "BTCUSDT",
    "quantity": "0.001",
    "aboveType": "STOP_LOSS",
    "aboveStopPrice": "40000",
    "belowType": "LIMIT_MAKER",
    "belowPrice": "20000",
}

OTO = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "20000",
    "workingQuantity": "0.001",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "pendingQuantity": "0.001",
}
PENDING = {"pendingType": "LIMIT", "pendingPrice": "40000", "pendingTimeInForce": "GTC"}
OTOCO = OTO | {
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "40000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "15000",
}
LIST = {"orderListId": fresh_list}

GIVEN: dict[str, dict[str, Any]] = {
    "create_order": ORDER,
    "create_test_order": ORDER,
    "order_limit": LIMIT | {"side": "BUY"},
    "order_limit_buy": LIMIT,
    "order_limit_sell": LIMIT | {"price": 35_000},
    "order_market": MARKET | {"side": "BUY"},
    "order_market_buy": MARKET,
    "order_market_sell": MARKET,
    "create_oco_order": OCO,
    "order_oco_sell": {name: value for name, value in OCO.items() if name != "side"},
    "order_oco_buy": BUY_OCO,
    "v3_post_order_list_oco": OCO,
    "v3_post_order_list_oto": OTO | PENDING,
    "v3_post_order_list_otoco": OTOCO,
    "v3_get_order_list": LIST,
    "v3_delete_order_list": LIST | ONE,
    "v3_post_sor_order": ORDER,
    "v3_post_sor_order_test": ORDER,
    "get_order": MINE,
    "cancel_order": MINE,
    "get_all_orders": ONE,
    "get_open_orders": ONE,
    "cancel_all_open_orders": ALL_MINE,
    "cancel_replace_order": REPLACE,
    "v3_post_cancel_replace": REPLACE,
    "v3_get_account_commission": ONE,
    "v3_delete_open_orders": ALL_MINE,
    "v3_delete_order": MINE,
    "v3_get_order": MINE,
    "v3_get_all_orders": ONE,
    "v3_get_my_allocations": ONE,
    "v3_get_my_prevented_matches": ONE | {"preventedMatchId": 1},
    "v3_get_my_trades": ONE,
    "v3_post_order": ORDER,
    "v3_post_order_test": ORDER,
    "v3_post_order_cancel_replace": REPLACE,
    "v3_put_user_data_stream": {"listenKey": listen_key},
    "v3_delete_user_data_stream": {"listenKey": listen_key},
    "get_my_trades": ONE,
    "get_order_book": ONE,
    "get_recent_trades": ONE,
    "get_historical_trades": ONE,
    "get_aggregate_trades": ONE,
    "aggregate_trade_iter": ONE | {"last_id": 0},
    "get_klines": KLINES,
    "get_ui_klines": KLINES,
    "get_historical_klines": KLINES | {"start_str": "1 hour ago UTC"},
    "get_historical_klines_generator": KLINES | {"start_str": "1 hour ago UTC"},
    "get_avg_price": ONE,
    "get_ticker": ONE,
    "get_symbol_ticker": ONE,
    "get_orderbook_ticker": ONE,
    "get_symbol_ticker_window": ONE | {"windowSize": "1h"},
    "v3_get_ticker_trading_day": ONE,
    "get_prevented_matches": ONE | {"preventedMatchId": 1},
    "get_allocations": ONE,
    "stream_keepalive": {"listenKey": listen_key},
    "stream_close": {"listenKey": listen_key},
    "get_withdraw_history_id": {"withdraw_id": "1"},
    "get_account_snapshot": {"type": "SPOT"},
    "withdraw": {"coin": "BTC", "address": SHOP, "amount": 1},
    # over the WebSocket API
    "ws_create_order": ORDER,
    "ws_create_test_order": ORDER,
    "ws_order_limit": LIMIT | {"side": "BUY"},
    "ws_order_limit_buy": LIMIT,
    "ws_order_limit_sell": LIMIT | {"price": 35_000},
    "ws_order_market": MARKET | {"side": "BUY"},
    "ws_order_market_buy": MARKET,
    "ws_order_market_sell": MARKET,
    "ws_get_order": MINE,
    "ws_cancel_order": MINE,
    "ws_cancel_and_replace_order": REPLACE,
    "ws_cancel_all_open_orders": ALL_MINE,
    "ws_create_oco_order": OCO,
    "ws_create_oto_order": OTO | PENDING,
    "ws_create_otoco_order": OTOCO,
    "ws_get_oco_order": LIST,
    "ws_cancel_oco_order": LIST | ONE,
    "ws_create_sor_order": ORDER,
    "ws_create_test_sor_order": ORDER,
    "ws_get_prevented_matches": ONE | {"preventedMatchId": 1},
    "ws_get_klines": KLINES,
    "ws_get_uiKlines": KLINES,
    "ws_get_symbol_ticker_window": ONE | {"windowSize": "1h"},
    # of no concern here, but these want an argument before they ask
    "futures_place_batch_order": {"batchOrders": []},
    "futures_coin_place_batch_order": {"batchOrders": []},
    "options_place_batch_order": {"batchOrders": []},
}
"""What the usual arguments do not say."""

for _name in ("aggregate_trades", "all_orders", "allocations", "avg_price", "commission_rates", "historical_trades"):
    GIVEN[f"ws_get_{_name}"] = ONE
for _name in ("my_trades", "order_book", "recent_trades", "trading_day_ticker"):
    GIVEN[f"ws_get_{_name}"] = ONE

ADDRESSES = {
    "API_URL": "/api",
    "MARGIN_API_URL": "/sapi",
    "WEBSITE_URL": "",
    "FUTURES_URL": "/fapi",
    "FUTURES_DATA_URL": "/futures/data",
    "FUTURES_COIN_URL": "/dapi",
    "FUTURES_COIN_DATA_URL": "/futures/data",
    "OPTIONS_URL": "/eapi",
    "PAPI_URL": "/papi",
}
"""What it calls its addresses, and where below ours they are."""


def client() -> Any:
    """The client, unmodified but for its URLs."""
    found = importlib.import_module("binance").Client(HOUSE["key"], HOUSE["secret"], ping=False)
    found.session.trust_env = False
    point(found)
    return found


def point(found: Any) -> None:
    """Point a client of this library at the house."""
    for name, tail in ADDRESSES.items():
        setattr(found, name, HOUSE["http"] + tail)
    found.ws_api._url = HOUSE["ws"] + "/ws-api/v3"
    found.ws_future._url = HOUSE["ws"] + "/ws-fapi/v1"


SKIPPED = {"close_connection", "convert_to_dict", "encode_uri_component", "uuid22", "create"}
"""What asks nobody anything."""


async def each_async() -> dict[str, str]:
    """The verdicts on the asyncio client."""
    bot = importlib.import_module("binance").AsyncClient(
        HOUSE["key"], HOUSE["secret"], session_params={"trust_env": False}
    )
    point(bot)
    try:
        return await sweep_async([name for name in public(bot) if name not in SKIPPED], bot, Calls(GIVEN))
    finally:
        await bot.close_connection()


if __name__ == "__main__":
    if "--async" in sys.argv:
        report(asyncio.run(each_async()))
    else:
        one = client()
        report(sweep([name for name in public(one) if name not in SKIPPED], one, Calls(GIVEN)))
