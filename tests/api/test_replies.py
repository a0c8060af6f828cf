"""Replies as they go over the wire, read without a client library: no floats, plain decimal strings, safe headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.api.http_routes import ROUTES, Security
from tests.api.house import Answer, House
from tests.api.listed import OCO, OLD_OCO, OTO, OTOCO, place

SYMBOL: dict[str, object] = {"symbol": "BTCUSDT"}
NEW: dict[str, object] = SYMBOL | {
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "29000",
}

ASKED: dict[str, dict[str, object]] = {
    "/api/v3/depth": SYMBOL,
    "/api/v3/trades": SYMBOL,
    "/api/v3/historicalTrades": SYMBOL,
    "/api/v3/aggTrades": SYMBOL,
    "/api/v3/klines": SYMBOL | {"interval": "1h"},
    "/api/v3/uiKlines": SYMBOL | {"interval": "1M"},
    "/api/v3/avgPrice": SYMBOL,
    "/api/v3/ticker": SYMBOL | {"windowSize": "7d"},
    "/api/v3/ticker/tradingDay": SYMBOL | {"timeZone": "8"},
    "/api/v3/historicalBlockTrades": SYMBOL | {"fromId": 0},
    "/api/v3/myAllocations": SYMBOL,
    "/api/v3/myFilters": SYMBOL,
    "POST /api/v3/order": NEW,
    "POST /api/v3/order/test": NEW,
    "GET /api/v3/order": SYMBOL | {"orderId": 1},
    "DELETE /api/v3/order": SYMBOL | {"orderId": 1},
    "DELETE /api/v3/openOrders": SYMBOL,
    "/api/v3/orderList/oco": OCO,
    "/api/v3/orderList/oto": OTO,
    "/api/v3/orderList/otoco": OTOCO,
    "/api/v3/order/oco": OLD_OCO,
    "GET /api/v3/orderList": {"orderListId": 1},
    "DELETE /api/v3/orderList": SYMBOL | {"orderListId": 1},
    "/api/v3/order/cancelReplace": NEW | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 1},
    "/api/v3/order/amend/keepPriority": SYMBOL | {"orderId": 1, "newQty": "0.7"},
    "/api/v3/order/amendments": SYMBOL | {"orderId": 1},
    "/api/v3/myPreventedMatches": SYMBOL | {"orderId": 1},
    "/api/v3/allOrders": SYMBOL,
    "/api/v3/account/commission": SYMBOL,
    "/api/v3/myTrades": SYMBOL,
}
"""What a route wants to know before it answers well."""

REFUSED = {
    "GET /api/v3/referencePrice",
    "GET /api/v3/referencePrice/calculation",
    "GET /sapi/v1/capital/deposit/address",
    "POST /sapi/v1/capital/withdraw/apply",
}
"""What is always answered by a refusal."""

NAMES = [name for route in ROUTES if (name := f"{route.method} {route.path}") not in REFUSED]
WHOLE = re.compile(
    "serverTime|intervalNum|limit|count|.*Precision|maxNum(Algo|Iceberg)?Orders|maxNumOrder(Lists|Amends)|(min|max)Trailing.*Delta|avgPriceMins|mins|[afl]|T|"
    "id|.*Id|time|.*Time|(maker|taker|buyer|seller)Commission|uid|status"
).fullmatch
"""Fields that may be JSON integers: ids, times, counts, places. Never an amount, a price or a rate."""

KLINE_WHOLE = (0, 6, 8)
"""Where a candle has integers: its times and its number of trades."""

PLAIN = re.compile(r"-?\d+(\.\d+)?").fullmatch
NUMBER = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?").fullmatch


async def answered(house: House, name: str) -> Answer:
    """A good answer of that route, in a house where something was traded."""
    alice, bob = house.client(house.alice), house.client(house.bob)
    await alice.order("BUY", "1", "29500")
    await bob.order("SELL", "0.25", "29500")
    await bob.order("SELL", "1", "30000.5")
    method, path = name.split()
    if "rderList" in path:
        await place(house, house.alice, "oco", OCO)
    asked = ASKED.get(name) or ASKED.get(path) or {}
    if path == "/api/v3/userDataStream" and method != "POST":
        asked = (await alice.ask("POST", path)).json
    route = next(route for route in ROUTES if (route.method, route.path) == (method, path))
    signed = route.security in {Security.READ, Security.TRADE}
    return await (alice.signed if signed else alice.ask)(method, path, **asked)


def leaves(content: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """(field name, value) of everything that is neither object nor list."""
    if isinstance(content, dict):
        for field, value in content.items():
            yield from leaves(value, field)
    elif isinstance(content, list):
        for value in content:
            yield from leaves(value, name)
    else:
        yield name, content


@pytest.mark.parametrize("name", NAMES)
async def test_no_reply_holds_a_float_and_amounts_are_plain_decimal_strings(house: House, name: str) -> None:
    reply = await answered(house, name)
    assert reply.status == 200, reply
    for field, value in leaves(reply.json):
        assert not isinstance(value, float), field
        if isinstance(value, int) and not isinstance(value, bool):
            assert WHOLE(field) or (not field and "lines" in name), field
        if isinstance(value, str) and NUMBER(value) and not field.endswith(("OrderId", "listenKey")):
            assert PLAIN(value), (field, value)
    if "lines" in name:
        whole = [index for index, value in enumerate(reply.json[0]) if isinstance(value, int)]
        assert whole == list(KLINE_WHOLE)


@pytest.mark.parametrize("name", NAMES)
async def test_every_reply_is_json_that_nobody_sniffs_or_stores(house: House, name: str) -> None:
    headers = (await answered(house, name)).headers
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["x-mbx-used-weight-1m"].isdigit()
    assert "server" not in headers


async def test_the_price_filter_stands_first(house: House) -> None:
    for market in (await house.client().ask("GET", "/api/v3/exchangeInfo")).json["symbols"]:
        assert market["filters"][0] == {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        }


async def test_depth_has_no_time(house: House) -> None:
    depth = (await answered(house, "GET /api/v3/depth")).json
    assert list(depth) == ["lastUpdateId", "bids", "asks"]
    assert depth["bids"] == [["29500.00000000", "0.75000000"]]
    assert depth["asks"] == [["30000.50000000", "1.00000000"]]


async def test_tickers_come_alone_or_as_a_list_as_asked_for(house: House) -> None:
    client = house.client()
    for path in ("/api/v3/ticker/24hr", "/api/v3/ticker/price", "/api/v3/ticker/bookTicker"):
        one = (await client.ask("GET", path, symbol="ETHUSDT")).json
        some = (await client.ask("GET", path, symbols='["ETHUSDT"]')).json
        every = (await client.ask("GET", path)).json
        assert one["symbol"] == "ETHUSDT"
        assert [ticker["symbol"] for ticker in some] == ["ETHUSDT"]
        assert [ticker["symbol"] for ticker in every] == ["BTCUSDT", "ETHUSDT"]


async def test_a_mini_ticker_is_the_days_candle(house: House) -> None:
    await answered(house, "GET /api/v3/ping")
    day = (await house.client().ask("GET", "/api/v3/ticker/24hr", symbol="BTCUSDT", type="MINI")).json
    assert (day["openPrice"], day["volume"], day["quoteVolume"]) == ("29500.00000000", "0.25000000", "7375.00000000")
    assert "bidPrice" not in day
