"""The WebSocket API's methods: the same answers as over HTTP, from the same functions, and for the same people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.api.http_routes import ROUTES, Route, Security
from exchange.api.parameters import fields_of
from exchange.api.ws_api import METHODS
from exchange.api.ws_methods import ENDPOINTS, LATER
from exchange.api.ws_session import Own
from exchange.core.orders import Side
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import READ, Person
from tests.api.listed import OCO, OLD_OCO, OTO, OTOCO, place
from tests.api.test_bad_input import CASES, GOOD, NOT

PATH = "/ws-api/v3?returnRateLimits=false"
DOCUMENT = Path(__file__).parents[2] / "docs" / "websocket-api.md"
SYMBOL: dict[str, object] = {"symbol": "BTCUSDT"}
SELL: dict[str, object] = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "40000"}

LOOKS: dict[str, dict[str, object]] = {
    "ping": {},
    "exchangeInfo": {"symbols": ["BTCUSDT", "ETHUSDT"]},
    "depth": SYMBOL | {"limit": 5},
    "trades.recent": SYMBOL | {"limit": 1},
    "trades.historical": SYMBOL | {"fromId": 1, "limit": 1},
    "trades.aggregate": SYMBOL,
    "klines": SYMBOL | {"interval": "1m", "limit": 2},
    "uiKlines": SYMBOL | {"interval": "1h"},
    "avgPrice": SYMBOL,
    "ticker.24hr": {"symbols": ["BTCUSDT"], "type": "MINI"},
    "ticker.price": {},
    "ticker.book": SYMBOL,
    "ticker": SYMBOL | {"windowSize": "2h"},
    "ticker.tradingDay": {"symbols": ["BTCUSDT"], "timeZone": "-3:30", "type": "MINI"},
    "blockTrades.historical": SYMBOL | {"fromId": 1},
    "executionRules": {"symbols": ["BTCUSDT"]},
    "order.test": SYMBOL | SELL | {"computeCommissionRates": "true"},
    "myAllocations": SYMBOL,
    "myFilters": SYMBOL,
    "order.status": SYMBOL | {"origClientOrderId": "hers"},
    "openOrders.status": {},
    "allOrders": SYMBOL | {"orderId": "1"},
    "orderList.status": {"origClientOrderId": "herlist"},
    "openOrderLists.status": {},
    "allOrderLists": {"fromId": 1},
    "order.amendments": SYMBOL | {"orderId": 1},
    "myPreventedMatches": SYMBOL | {"orderId": 1},
    "myTrades": SYMBOL,
    "account.status": {"omitZeroBalances": "true"},
    "account.commission": SYMBOL,
    "account.rateLimits.orders": {},
}
"""A request of each method that changes nothing."""

ACTS: dict[str, dict[str, object]] = {
    "order.place": SYMBOL | SELL | {"newClientOrderId": "hers"},
    "order.cancel": SYMBOL | {"orderId": 1},
    "order.amend.keepPriority": SYMBOL | {"orderId": 1, "newQty": "0.5"},
    "order.cancelReplace": SYMBOL | SELL | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 1},
    "openOrders.cancelAll": SYMBOL,
    "orderList.place": OLD_OCO,
    "orderList.place.oco": OCO,
    "orderList.place.oto": OTO,
    "orderList.place.otoco": OTOCO,
    "orderList.cancel": SYMBOL | {"orderListId": 1},
}
"""A request of each method that changes something, naming Alice's order where it can."""


REFUSED = {"referencePrice", "referencePrice.calculation"}
LISTEN = {"userDataStream.start", "userDataStream.ping", "userDataStream.stop"}
"""Tried below."""


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def furnish(fast: Fast) -> None:
    """An open order and an order list of Alice's with names, and a trade between the two."""
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 100_000, client_id="hers")
    await fast.trade(3_000_000, 50_000)
    await place(fast.house, fast.house.alice, "oco", OCO, listClientOrderId="herlist")


async def call(fast: Fast, reader: Reader, person: Person | None, method: str, **params: object) -> Any:
    """A request, signed as far as the method wants it, and its reply."""
    entry = METHODS[method]
    assert isinstance(entry, Route)
    if person is not None and entry.security is not Security.NONE:
        params = signed(person, fast.house.rooms.clock.now(), **params)
    return await reader.ask({"id": method, "method": method, "params": params})


def test_every_method_of_an_endpoint_is_tried() -> None:
    assert set(LOOKS) | set(ACTS) | {"time"} | REFUSED | LISTEN == set(ENDPOINTS)
    assert not LATER & METHODS.keys()


@pytest.mark.parametrize("method", sorted(LOOKS))
async def test_the_result_is_what_http_answers(fast: Fast, method: str) -> None:
    await furnish(fast)
    route, params = ENDPOINTS[method], LOOKS[method]
    async with fast.reader(PATH) as reader:
        reply = await call(fast, reader, fast.house.alice, method, **params)
    client = fast.house.client(fast.house.alice)
    ask = client.ask if route.security is Security.NONE else client.signed
    over_http = await ask(
        route.method,
        route.path,
        **{name: _in_a_query(value) for name, value in params.items()},
    )
    assert (reply["id"], reply["status"], over_http.status) == (method, 200, 200)
    assert without_time(reply["result"]) == without_time(over_http.json)


def _in_a_query(value: object) -> object:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def without_time(result: Any) -> Any:
    """A result without what differs from one moment to the next."""
    if isinstance(result, list):
        return [without_time(one) for one in result]
    if not isinstance(result, dict):
        return result
    return {name: without_time(value) for name, value in result.items() if name not in MOVING}


MOVING = {"serverTime", "updateTime", "closeTime", "openTime"}


@pytest.mark.parametrize("method", sorted(REFUSED))
async def test_what_no_market_has_is_refused_as_over_http(fast: Fast, method: str) -> None:
    async with fast.reader(PATH) as reader:
        reply = await call(fast, reader, None, method, **SYMBOL)
    over_http = await fast.house.client().ask("GET", ENDPOINTS[method].path, **SYMBOL)
    assert reply["error"] == over_http.json == {"code": -2043, "msg": "This symbol doesn't have a reference price."}


async def test_a_listen_key_lives_and_ends_over_the_websocket_api_too(fast: Fast) -> None:
    alice, bob = fast.house.alice.key.api_key, fast.house.bob.key.api_key
    async with fast.reader(PATH) as reader:

        async def ask(method: str, **params: object) -> Any:
            return await reader.ask({"id": 1, "method": f"userDataStream.{method}", "params": params})

        listen_key = (await ask("start", apiKey=alice))["result"]["listenKey"]
        assert (await ask("start", apiKey=alice))["result"]["listenKey"] == listen_key
        assert (await ask("ping", apiKey=alice, listenKey=listen_key))["result"] == {}
        for method in ("ping", "stop"):
            refusal = await ask(method, apiKey=bob, listenKey=listen_key)
            assert refusal["error"] == {"code": -1125, "msg": "This listenKey does not exist."}
        assert (await ask("stop", apiKey=alice, listenKey=listen_key))["result"] == {}
        assert (await ask("ping", apiKey=alice, listenKey=listen_key))["error"]["code"] == -1125
        assert (await ask("start"))["error"]["code"] == -2014
        assert (await ask("start", apiKey="A" * 64))["error"]["code"] == -2015


async def test_an_order_from_birth_to_end(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        placed = await call(fast, reader, fast.house.alice, "order.place", **GOOD, newClientOrderId="mine")
        assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
        assert (placed["result"]["price"], placed["result"]["fills"]) == ("29000.00000000", [])
        number = placed["result"]["orderId"]
        new = SYMBOL | SELL | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": number}
        replaced = (await call(fast, reader, fast.house.alice, "order.cancelReplace", **new))["result"]
        assert (replaced["cancelResult"], replaced["newOrderResult"]) == ("SUCCESS", "SUCCESS")
        found = await call(fast, reader, fast.house.alice, "order.status", **SYMBOL, orderId=number)
        assert found["result"]["status"] == "CANCELED"
        last = replaced["newOrderResponse"]["orderId"]
        ended = await call(fast, reader, fast.house.alice, "order.cancel", **SYMBOL, orderId=str(last))
        assert (ended["result"]["orderId"], ended["result"]["status"]) == (last, "CANCELED")
        none_left = await call(fast, reader, fast.house.alice, "openOrders.cancelAll", **SYMBOL)
        assert none_left["error"] == {"code": -2011, "msg": "Unknown order sent."}


@pytest.mark.parametrize(("mode", "status", "code"), [("STOP_ON_FAILURE", 400, -2022), ("ALLOW_FAILURE", 409, -2021)])
async def test_half_a_cancel_replace_says_which_half(fast: Fast, mode: str, status: int, code: int) -> None:
    new = SYMBOL | SELL | {"cancelReplaceMode": mode, "cancelOrderId": 77}
    async with fast.reader(PATH) as reader:
        reply = await call(fast, reader, fast.house.alice, "order.cancelReplace", **new)
    assert (reply["status"], reply["error"]["code"]) == (status, code)
    assert reply["error"]["data"]["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}


WRONG = [case for case in CASES if case[1].get("timestamp") is not NOT]
"""What is signed here always has a timestamp."""


@pytest.mark.parametrize(("what", "changed", "expected"), WRONG, ids=[case[0] for case in WRONG])
async def test_a_wrong_order_is_refused_as_over_http(
    fast: Fast, what: str, changed: dict[str, object], expected: tuple[int, str]
) -> None:
    order = {name: value for name, value in (GOOD | changed).items() if value is not NOT}
    before = await fast.house.fingerprint()
    async with fast.reader(PATH) as reader:
        reply = await call(fast, reader, fast.house.alice, "order.place", **order)
    assert (reply["error"]["code"], reply["error"]["msg"]) == expected, what
    assert await fast.house.fingerprint() == before


INVALID = "Data sent for parameter '{}' is not valid."


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"symbol": 5}, -1130, INVALID.format("symbol")),
        ({"symbol": None}, -1102, "Mandatory parameter 'symbol'"),
        ({"symbol": ["BTCUSDT"]}, -1130, INVALID.format("symbol")),
        ({"symbol": {"x": 1}}, -1130, INVALID.format("symbol")),
        ({"side": True}, -1130, INVALID.format("side")),
        ({"newClientOrderId": 5}, -1130, INVALID.format("newClientOrderId")),
        ({"quantity": 1e-9}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": -1}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": False}, -1130, INVALID.format("quantity")),
        ({"quantity": 0.1 + 0.2}, -1111, "Parameter 'quantity' has too much precision."),
        ({"price": None}, -1105, "Parameter 'price' was empty."),
        ({"recvWindow": 60_001}, -1131, "recvWindow must be less than 60000"),
        ({"nosuch\n": "1"}, -1104, "Not all sent parameters were read"),
    ],
)
async def test_json_that_is_no_order_is_refused(fast: Fast, changed: Any, code: int, words: str) -> None:
    before = await fast.house.fingerprint()
    sent = GOOD | changed
    as_text = {name: "" if value is None else _in_a_query(value) for name, value in sent.items()}
    params = signed(fast.house.alice, fast.house.rooms.clock.now(), **as_text)
    async with fast.reader(PATH) as reader:
        reply = await reader.ask({"id": 1, "method": "order.place", "params": params | sent})
        assert (reply["status"], reply["error"]["code"]) == (400, code)
        assert reply["error"]["msg"].startswith(words)
        assert (await reader.ask({"id": 2, "method": "ping"}))["status"] == 200
    assert await fast.house.fingerprint() == before


@pytest.mark.parametrize(("text", "quantity"), [("0.30000", "0.30000000"), ("1", "1.00000000"), ("2.5", "2.50000000")])
async def test_a_json_number_is_taken_digit_by_digit(fast: Fast, text: str, quantity: str) -> None:
    params = signed(fast.house.alice, fast.house.rooms.clock.now(), **GOOD | {"quantity": text, "price": "29000.10"})
    request = msgspec.json.encode({"id": 1, "method": "order.place", "params": params}).decode()
    async with fast.reader(PATH) as reader:
        await reader.socket.send(request.replace(f'"{text}"', text).replace('"29000.10"', "29000.10"))
        placed = (await reader.read())["result"]
    assert (placed["origQty"], placed["price"]) == (quantity, "29000.10000000")


@pytest.mark.parametrize("method", sorted(name for name, one in ENDPOINTS.items() if one.security is Security.TRADE))
async def test_a_key_that_may_only_read_changes_nothing(fast: Fast, method: str) -> None:
    await furnish(fast)
    before = await fast.house.fingerprint()
    alice = fast.house.alice
    reading = Person("alice", alice.account, fast.house.rooms.keyring.create(alice.account, READ, "hmac"))
    async with fast.reader(PATH) as reader:
        reply = await call(fast, reader, reading, method, **ACTS.get(method) or LOOKS[method])
    assert (reply["status"], reply["error"]["code"]) == (401, -2015)
    assert await fast.house.fingerprint() == before


PRIVATE = sorted(name for name, one in ENDPOINTS.items() if one.security not in {Security.NONE, Security.KEY})


@pytest.mark.parametrize("method", PRIVATE)
async def test_bob_neither_sees_nor_moves_what_is_alices(fast: Fast, method: str) -> None:
    """B53."""
    await furnish(fast)
    before = await hers(fast)
    params = ACTS.get(method) or LOOKS[method]
    async with fast.reader(PATH) as reader:
        await reader.socket.send(
            msgspec.json.encode(
                {"id": 1, "method": method, "params": signed(fast.house.bob, fast.house.rooms.clock.now(), **params)}
            ).decode()
        )
        shown = await reader.socket.recv()
    assert await hers(fast) == before
    assert fast.house.alice.key.api_key not in shown
    if method != "order.place":  # which may carry the same name for an order of Bob's own
        assert '"hers"' not in shown
    assert "herlist" not in shown


async def hers(fast: Fast) -> tuple[object, ...]:
    """All of Alice's: balances and orders."""
    account = fast.house.alice.account
    balances, orders, _ = await fast.house.fingerprint()
    mine = tuple(balance for balance in balances if balance[0] >> 16 == account)
    return mine, tuple(order for order in orders if order.account == account)


@pytest.mark.parametrize("method", PRIVATE)
async def test_a_private_method_answers_nobody_without_a_signature(fast: Fast, method: str) -> None:
    await furnish(fast)
    before = await fast.house.fingerprint()
    params = ACTS.get(method) or LOOKS[method]
    now, key = fast.house.rooms.clock.now() // 1000, {"apiKey": fast.house.alice.key.api_key}
    async with fast.reader(PATH) as reader:
        replies = [
            await reader.ask({"id": 1, "method": method, "params": params | more})
            for more in ({}, {"timestamp": now}, key, key | {"timestamp": now, "signature": "0" * 64})
        ]
    refusals = [(reply["status"], reply["error"]["code"]) for reply in replies]
    assert refusals == [(401, -2014), (401, -2014), (400, -1102), (400, -1022)]
    assert await fast.house.fingerprint() == before


async def test_a_key_sent_with_an_open_method_is_checked(fast: Fast) -> None:
    async with fast.reader(PATH) as reader:
        known = await reader.ask({"id": 1, "method": "ping", "params": {"apiKey": fast.house.alice.key.api_key}})
        unknown = await reader.ask({"id": 1, "method": "ping", "params": {"apiKey": "x"}})
    assert (known["status"], unknown["error"]["code"]) == (200, -2015)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_and_parameter_is_documented(name: str) -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    assert len(lines) == 1
    entry = METHODS[name]
    if isinstance(entry, Own):
        who, takes = entry.who, entry.takes
    else:
        who = {Security.NONE: "open", Security.KEY: "key", Security.READ: "read", Security.TRADE: "trade"}[
            entry.security
        ]
        takes = tuple(field.name for field in fields_of(entry.takes))
        assert f"`{entry.method} {entry.path}`" in lines[0]
    assert f"| {who} |" in lines[0]
    for parameter in takes:
        assert f"`{parameter}`" in lines[0]
    assert entry.call.__doc__


def test_every_method_that_is_missing_is_named_as_missing() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in sorted(LATER) if f"`{name}`" not in text] == []


def test_what_http_has_for_spot_accounts_the_sockets_have_too() -> None:
    here = {(route.method, route.path) for route in ENDPOINTS.values()}
    spot = [route for route in ROUTES if route.path.startswith("/api/v3")]
    missing = {route.path for route in spot if (route.method, route.path) not in here}
    assert missing == set()
