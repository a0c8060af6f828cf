"""The table of routes: complete, documented, and each weighed as the dialect weighs it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import trio

from exchange.api.http_routes import NOT_HERE, ROUTES, Route, Security, find
from exchange.api.parameters import decode, fields_of
from tests.api.house import House, query

MUST = """
GET /api/v3/ping, GET /api/v3/time, GET /api/v3/exchangeInfo, GET /api/v3/depth, GET /api/v3/trades,
GET /api/v3/aggTrades, GET /api/v3/klines, GET /api/v3/uiKlines, GET /api/v3/ticker/24hr, GET /api/v3/ticker/price,
GET /api/v3/ticker/bookTicker, GET /api/v3/avgPrice, GET /api/v3/historicalTrades, POST /api/v3/order,
POST /api/v3/order/test, GET /api/v3/order, DELETE /api/v3/order, POST /api/v3/order/cancelReplace,
GET /api/v3/openOrders, DELETE /api/v3/openOrders, GET /api/v3/allOrders, GET /api/v3/account,
POST /api/v3/orderList/oco, POST /api/v3/orderList/oto, POST /api/v3/orderList/otoco, POST /api/v3/order/oco,
GET /api/v3/orderList, DELETE /api/v3/orderList, GET /api/v3/openOrderList, GET /api/v3/allOrderList,
GET /api/v3/ticker, GET /api/v3/ticker/tradingDay, GET /api/v3/historicalBlockTrades, GET /api/v3/executionRules,
GET /api/v3/referencePrice, GET /api/v3/referencePrice/calculation, GET /api/v3/myAllocations, GET /api/v3/myFilters,
GET /sapi/v1/capital/deposit/address, GET /sapi/v1/capital/deposit/hisrec, GET /sapi/v1/capital/withdraw/history,
POST /sapi/v1/capital/withdraw/apply, GET /sapi/v1/account/status, GET /sapi/v1/account/apiTradingStatus,
GET /sapi/v1/account/apiRestrictions,
PUT /api/v3/order/amend/keepPriority, GET /api/v3/order/amendments, GET /api/v3/myPreventedMatches,
GET /api/v3/account/commission, GET /api/v3/myTrades, GET /api/v3/rateLimit/order, POST /api/v3/userDataStream,
PUT /api/v3/userDataStream, DELETE /api/v3/userDataStream, GET /sapi/v1/system/status,
GET /sapi/v1/capital/config/getall, GET /sapi/v1/asset/tradeFee, GET /sapi/v1/margin/allPairs,
GET /sapi/v1/margin/isolated/allPairs, GET /fapi/v1/exchangeInfo, GET /dapi/v1/exchangeInfo
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_the_table_holds_what_bots_ask_for_and_nothing_twice() -> None:
    table = [named(route) for route in ROUTES]
    assert len(set(table)) == len(table)
    assert {part.strip() for part in MUST.split(",")} <= set(table)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_endpoint_says_what_it_does(route: Route) -> None:
    assert route.call.__doc__
    assert find(route.method, route.path) is route


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_endpoint_and_parameter_is_documented(route: Route) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith(f"| `{named(route)}` |")]
    assert len(lines) == 1
    for field in fields_of(route.takes):
        assert f"`{field.name}`" in lines[0], field.name
    security = {Security.NONE: "open", Security.KEY: "key", Security.READ: "read", Security.TRADE: "trade"}
    security[Security.WITHDRAW] = "withdraw"
    assert f"| {security[route.security]} |" in lines[0]


def test_what_changes_something_needs_the_scope_to_trade() -> None:
    for route in ROUTES:
        if route.method != "GET" and "userDataStream" not in route.path:
            assert route.security in {Security.TRADE, Security.WITHDRAW}, named(route)


@pytest.mark.parametrize(
    ("asked", "weight"),
    [
        ("GET /api/v3/depth?symbol=A", 5),
        ("GET /api/v3/depth?symbol=A&limit=100", 5),
        ("GET /api/v3/depth?symbol=A&limit=101", 25),
        ("GET /api/v3/depth?symbol=A&limit=501", 50),
        ("GET /api/v3/depth?symbol=A&limit=9999", 250),
        ("GET /api/v3/ticker/24hr?symbol=A", 2),
        ('GET /api/v3/ticker/24hr?symbols=["A","B"]', 2),
        ("GET /api/v3/ticker/24hr?", 80),
        ("GET /api/v3/ticker/price?", 4),
        ("GET /api/v3/ticker/price?symbol=A", 2),
        ("GET /api/v3/openOrders?", 80),
        ("GET /api/v3/openOrders?symbol=A", 6),
        ("GET /api/v3/myTrades?symbol=A", 20),
        ("GET /api/v3/myTrades?symbol=A&orderId=1", 5),
        ("GET /api/v3/exchangeInfo?", 20),
        ("GET /api/v3/ticker?symbol=A", 4),
        ('GET /api/v3/ticker?symbols=["A","B"]', 8),
        ("GET /api/v3/ticker/tradingDay?symbol=A", 4),
        ("GET /api/v3/executionRules?", 40),
        ("GET /api/v3/executionRules?symbol=A", 2),
        ('GET /api/v3/executionRules?symbols=["A","B"]', 4),
        ("GET /api/v3/myFilters?symbol=A", 40),
        ("GET /api/v3/myAllocations?symbol=A", 20),
        ("POST /api/v3/order/test?symbol=A&side=BUY&type=MARKET", 1),
        ("POST /api/v3/order/test?symbol=A&side=BUY&type=MARKET&computeCommissionRates=true", 20),
        ("GET /api/v3/rateLimit/order?", 40),
    ],
)
def test_a_request_weighs_what_the_dialect_says(asked: str, weight: int) -> None:
    name, _, parameters = asked.partition("?")
    route = find(*name.split())
    sent = dict(part.split("=", 1) for part in parameters.split("&") if part)
    assert route.weigh(decode(route.takes, sent)) == weight


def test_the_weight_of_many_tickers_has_an_end() -> None:
    names = [f"M{number}" for number in range(60)]
    route = find("GET", "/api/v3/ticker")
    assert route.weigh(decode(route.takes, {"symbols": msgspec.json.encode(names).decode()})) == 200


@pytest.mark.parametrize("path", sorted(NOT_HERE))
async def test_what_the_dialect_has_and_we_have_not_is_refused_by_name(house: House, path: str) -> None:
    refusal = await house.client(house.alice).signed("POST", path, symbol="BTCUSDT")
    assert refusal.error == (400, -1020, f"This operation is not supported. Not here: {NOT_HERE[path]}.")
    assert f"`POST {path}`" in DOCUMENT.read_text(encoding="utf-8")


async def test_a_bug_in_an_endpoint_is_answered_as_such_and_stops_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.rooms.hub, "depth", lambda *_: 1 // 0)
    reply = await house.client().ask("GET", "/api/v3/depth", symbol="BTCUSDT")
    assert reply.error == (500, -1000, "An unknown error occurred while processing the request.")
    assert (await house.client().ask("GET", "/api/v3/ping")).status == 200


async def test_an_order_stands_though_its_client_is_gone(house: House) -> None:
    alice = house.client(house.alice)
    sent: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    sent |= {
        "quantity": "1",
        "price": "29000",
        "newClientOrderId": "lost",
        "timestamp": house.rooms.clock.now() // 1000,
    }
    stream = await trio.open_tcp_stream("127.0.0.1", int(house.url.rpartition(":")[2]))
    async with stream:
        head = f"POST /api/v3/order?{alice.sign(query(sent))} HTTP/1.1\r\nHost: a\r\n"
        await stream.send_all(f"{head}X-MBX-APIKEY: {house.alice.key.api_key}\r\n\r\n".encode())
    with trio.fail_after(120):
        while not (await alice.signed("GET", "/api/v3/openOrders")).json:
            await trio.lowlevel.checkpoint()
    found = await alice.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="lost")
    assert found.json["status"] == "NEW"
