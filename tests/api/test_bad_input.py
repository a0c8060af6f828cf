"""What is wrong is refused with the dialect's status, code and text, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exchange.core.market import MarketPhase
from exchange.core.rejects import Reject
from tests.api.house import READ, Client, House, query

ORDER = "/api/v3/order"
GOOD: dict[str, object] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "29000",
}
DECIMAL = r"legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."


def illegal(name: str, legal: str = DECIMAL) -> tuple[int, str]:
    return -1100, f"Illegal characters found in parameter '{name}'; {legal}"


def missing(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def filtered(name: str) -> tuple[int, str]:
    return -1013, f"Filter failure: {name}"


def not_required(name: str) -> tuple[int, str]:
    return -1106, f"Parameter '{name}' sent when not required."


UNREAD = "Not all sent parameters were read; read '6' parameter(s) but was sent '7'. "

NOT = object()
"""Marks a parameter that is left out."""

CASES: list[tuple[str, dict[str, object], tuple[int, str]]] = [
    ("unknown symbol", {"symbol": "DOGEUSDT"}, (-1121, "Invalid symbol.")),
    ("symbol in small letters", {"symbol": "btcusdt"}, illegal("symbol", "legal range is '^[A-Z0-9-_.]{1,20}$'.")),
    ("no symbol", {"symbol": NOT}, missing("symbol")),
    ("empty symbol", {"symbol": ""}, missing("symbol")),
    ("off-tick price", {"price": "29000.005"}, filtered("PRICE_FILTER")),
    ("price finer than an atom", {"price": "29000.123456789"}, (-1111, "Parameter 'price' has too much precision.")),
    ("price of zero", {"price": "0"}, filtered("PRICE_FILTER")),
    ("price above the highest", {"price": "1000000.01"}, filtered("PRICE_FILTER")),
    ("price out of the band", {"price": "160000", "quantity": "0.01"}, filtered("PERCENT_PRICE_BY_SIDE")),
    ("negative price", {"price": "-1"}, illegal("price")),
    ("signed price", {"price": "+29000"}, illegal("price")),
    ("price with exponent", {"price": "1e4"}, illegal("price")),
    ("price NaN", {"price": "NaN"}, illegal("price")),
    ("price infinite", {"price": "Infinity"}, illegal("price")),
    ("price in hexadecimal", {"price": "0x10"}, illegal("price")),
    ("price with a comma", {"price": "29,000"}, illegal("price")),
    ("price with a space", {"price": " 29000"}, illegal("price")),
    ("price in Arabic digits", {"price": "٢٩٠٠٠"}, illegal("price")),
    ("huge price", {"price": "9" * 20}, (-1108, "Parameter 'price' overflowed.")),
    ("enormous price", {"price": "9" * 400}, illegal("price")),
    ("empty price", {"price": ""}, (-1105, "Parameter 'price' was empty.")),
    ("no price", {"price": NOT}, missing("price")),
    ("off-lot quantity", {"quantity": "1.000001"}, filtered("LOT_SIZE")),
    ("quantity of zero", {"quantity": "0.00000"}, filtered("LOT_SIZE")),
    ("negative quantity", {"quantity": "-1"}, illegal("quantity")),
    ("quantity NaN", {"quantity": "nan"}, illegal("quantity")),
    ("huge quantity", {"quantity": "9001"}, filtered("LOT_SIZE")),
    ("overflowing quantity", {"quantity": "92233720369"}, (-1108, "Parameter 'quantity' overflowed.")),
    ("no quantity", {"quantity": NOT}, missing("quantity")),
    ("too small a notional", {"quantity": "0.00001"}, filtered("NOTIONAL")),
    ("too large a notional", {"quantity": "8000"}, filtered("NOTIONAL")),
    ("no timeInForce", {"timeInForce": NOT}, missing("timeInForce")),
    ("unknown timeInForce", {"timeInForce": "GTD"}, (-1115, "Invalid timeInForce.")),
    ("unknown type", {"type": "ICEBERG"}, (-1116, "Invalid orderType.")),
    ("unknown side", {"side": "HOLD"}, (-1117, "Invalid side.")),
    ("side in small letters", {"side": "buy"}, (-1117, "Invalid side.")),
    ("market order with a price", {"type": "MARKET", "timeInForce": NOT}, not_required("price")),
    ("limit order with a stop price", {"stopPrice": "1"}, not_required("stopPrice")),
    ("limit order sized in quote", {"quoteOrderQty": "100"}, not_required("quoteOrderQty")),
    ("post-only with timeInForce", {"type": "LIMIT_MAKER"}, not_required("timeInForce")),
    (
        "market order of no size",
        {"type": "MARKET", "timeInForce": NOT, "price": NOT, "quantity": NOT},
        (-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
    ),
    (
        "market order of two sizes",
        {"type": "MARKET", "timeInForce": NOT, "price": NOT, "quoteOrderQty": "100"},
        not_required("quantity"),
    ),
    ("stop without its price", {"type": "STOP_LOSS_LIMIT"}, missing("stopPrice")),
    (
        "stop that would trigger",
        {"type": "STOP_LOSS_LIMIT", "stopPrice": "29000"},
        (-2010, Reject.WOULD_TRIGGER.text),
    ),
    ("iceberg", {"icebergQty": "0.1", "timeInForce": "IOC"}, (-2010, "Unsupported order combination")),
    ("iceberg off the grid", {"icebergQty": "0.0000001"}, (-1013, "Filter failure: LOT_SIZE")),
    ("trailing", {"trailingDelta": "100"}, (-1106, "Parameter 'trailingDelta' sent when not required.")),
    ("trailing by nothing", {"trailingDelta": "0"}, (-1130, "Data sent for parameter 'trailingDelta' is not valid.")),
    ("no strategy", {"strategyId": "0"}, (-1130, "Data sent for parameter 'strategyId' is not valid.")),
    ("not your strategies", {"strategyType": "7"}, (-1130, "Data sent for parameter 'strategyType' is not valid.")),
    ("pegged by", {"pegOffsetValue": "1"}, (-2010, "Pegged orders are not supported for this symbol.")),
    ("pegged", {"pegPriceType": "PRIMARY_PEG"}, (-2010, "Pegged orders are not supported for this symbol.")),
    (
        "an unsupported parameter",
        {"strategyName": "7"},
        (
            -1104,
            UNREAD + "Unknown or not supported: 'strategyName'.",
        ),
    ),
    (
        "self-trade prevention that moves money",
        {"selfTradePreventionMode": "TRANSFER"},
        (-1013, "This symbol does not allow the specified self-trade prevention mode."),
    ),
    (
        "unknown self-trade prevention",
        {"selfTradePreventionMode": "INCREMENT"},
        (-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."),
    ),
    ("unknown reply type", {"newOrderRespType": "ALL"}, (-1136, "Invalid newOrderRespType.")),
    (
        "bad client id",
        {"newClientOrderId": "a b"},
        illegal("newClientOrderId", "legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
    ),
    (
        "long client id",
        {"newClientOrderId": "a" * 37},
        illegal("newClientOrderId", "legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
    ),
    (
        "insufficient funds",
        {"side": "SELL", "quantity": "101"},
        (-2010, "Account has insufficient balance for requested action."),
    ),
    ("timestamp of words", {"timestamp": "now"}, illegal("timestamp", "legal range is '^[0-9]{1,20}$'.")),
    ("no timestamp", {"timestamp": NOT}, missing("timestamp")),
    ("recvWindow too long", {"recvWindow": "60001"}, (-1131, "recvWindow must be less than 60000")),
    (
        "recvWindow negative",
        {"recvWindow": "-1"},
        illegal("recvWindow", r"legal range is '^([0-9]{1,8})(\.[0-9]{1,3})?$'."),
    ),
]


@pytest.mark.parametrize(("changes", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_a_bad_order_is_refused_and_changes_nothing(
    house: House, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    alice = house.client(house.alice)
    before = await house.fingerprint()
    stamped = {"timestamp": house.rooms.clock.now() // 1000}
    sent = {name: value for name, value in (GOOD | stamped | changes).items() if value is not NOT}
    reply = await alice.send("POST", ORDER, alice.sign(query(sent)))
    assert reply.error == (400, *expected)
    assert await house.fingerprint() == before
    if expected[1] != Reject.INSUFFICIENT_FUNDS.text:  # which a test of an order does not look at
        tested = await alice.send("POST", ORDER + "/test", alice.sign(query(sent)))
        assert tested.error == (400, *expected)


async def test_the_good_order_is_good(house: House) -> None:
    """Else the table above would prove nothing."""
    reply = await house.client(house.alice).signed("POST", ORDER, **GOOD)
    assert (reply.status, reply.json["status"]) == (200, "NEW")


def wrong_signature(client: Client) -> dict[str, Any]:
    signed = client.sign(_stamped(client))
    return {"query_string": signed[:-4] + "0000"}


def old_timestamp(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client, ahead=-5_100))}


def future_timestamp(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client, ahead=1_500))}


def no_signature(client: Client) -> dict[str, Any]:
    return {"query_string": _stamped(client)}


def missing_key(client: Client) -> dict[str, Any]:
    query_string = client.sign(_stamped(client))
    client.key = None
    return {"query_string": query_string}


def malformed_key(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client)), "headers": {"X-MBX-APIKEY": "not a key!"}}


def unknown_key(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client)), "headers": {"X-MBX-APIKEY": "A" * 64}}


def revoked_key(client: Client) -> dict[str, Any]:
    assert client.key is not None
    client.house.rooms.keyring.revoke(client.key.api_key)
    return {"query_string": client.sign(_stamped(client))}


def read_only_key(client: Client) -> dict[str, Any]:
    client.key = client.house.rooms.keyring.create(client.house.alice.account, READ, "hmac")
    return {"query_string": client.sign(_stamped(client))}


def duplicated_parameter(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client) + "&price=29001")}


def duplicated_in_the_body(client: Client) -> dict[str, Any]:
    body, query_string = b"price=29000", _stamped(client)
    signature = client.sign(query_string + body.decode()).rpartition("&")[2]
    return {"query_string": f"{query_string}&{signature}", "body": body, "headers": FORM}


def altered_body(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client)), "body": b"recvWindow=60000", "headers": FORM}


def json_body(client: Client) -> dict[str, Any]:
    return {"body": b'{"symbol":"BTCUSDT"}', "headers": {"Content-Type": "application/json"}}


def oversized_body(client: Client) -> dict[str, Any]:
    return {"body": b"a=" + b"b" * 70_000, "headers": FORM}


def many_parameters(client: Client) -> dict[str, Any]:
    return {"query_string": "&".join(f"p{n}=1" for n in range(70))}


def broken_encoding(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign("symbol=%ff%fe&timestamp=1")}


def microseconds_wanted(client: Client) -> dict[str, Any]:
    return {"query_string": client.sign(_stamped(client)), "headers": {"X-MBX-TIME-UNIT": "MICROSECOND"}}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}

BAD_KEY = (401, -2015, "Invalid API-key, IP, or permissions for action.")
REQUESTS: list[tuple[Callable[[Client], dict[str, Any]], tuple[int, int, str]]] = [
    (wrong_signature, (400, -1022, "Signature for this request is not valid.")),
    (altered_body, (400, -1022, "Signature for this request is not valid.")),
    (old_timestamp, (400, -1021, "Timestamp for this request is outside of the recvWindow.")),
    (future_timestamp, (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")),
    (no_signature, (400, *missing("signature"))),
    (missing_key, (401, -2014, "API-key format invalid.")),
    (malformed_key, (401, -2014, "API-key format invalid.")),
    (unknown_key, BAD_KEY),
    (revoked_key, BAD_KEY),
    (read_only_key, BAD_KEY),
    (duplicated_parameter, (400, -1101, "Duplicate values for a parameter detected.")),
    (duplicated_in_the_body, (400, -1101, "Duplicate values for a parameter detected.")),
    (json_body, (415, -1130, "Data sent for parameter 'Content-Type' is not valid.")),
    (oversized_body, (413, -1108, "Parameter 'body' overflowed.")),
    (many_parameters, (400, -1101, "Too many parameters sent for this endpoint.")),
    (broken_encoding, (400, -1100, "Illegal characters found in a parameter.")),
    (microseconds_wanted, (400, -1020, "X-MBX-TIME-UNIT: MICROSECOND is not supported.")),
]


def _stamped(client: Client, ahead: int = 0) -> str:
    return query(GOOD | {"timestamp": client.house.rooms.clock.now() // 1000 + ahead})


@pytest.mark.parametrize(("spoil", "expected"), REQUESTS, ids=[case[0].__name__ for case in REQUESTS])
async def test_a_bad_request_is_refused_and_changes_nothing(
    house: House, spoil: Callable[[Client], dict[str, Any]], expected: tuple[int, int, str]
) -> None:
    alice = house.client(house.alice)
    before = await house.fingerprint()
    reply = await alice.send("POST", ORDER, **spoil(alice))
    assert reply.error == expected
    assert await house.fingerprint() == before


async def test_a_client_id_is_refused_twice_and_free_again_once_its_order_is_done(house: House) -> None:
    alice = house.client(house.alice)
    assert (await alice.order("BUY", "1", "29000", newClientOrderId="mine")).status == 200
    assert (await alice.order("BUY", "1", "29000", newClientOrderId="mine")).error == (
        400,
        -2010,
        "Duplicate order sent.",
    )
    assert (await alice.signed("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="mine")).status == 200
    assert (await alice.order("BUY", "1", "29000", newClientOrderId="mine")).status == 200


async def test_post_only_that_would_take_is_refused(house: House) -> None:
    await house.client(house.bob).order("SELL", "1", "30000")
    reply = await house.client(house.alice).signed(
        "POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="1", price="30000"
    )
    assert reply.error == (400, -2010, "Order would immediately match and take.")


@pytest.mark.parametrize("phase", [MarketPhase.PRE_OPEN, MarketPhase.CANCEL_ONLY, MarketPhase.HALTED])
async def test_a_market_that_is_not_open_takes_no_orders(house: House, phase: MarketPhase) -> None:
    await house.set_phase("BTCUSDT", phase)
    assert (await house.client(house.alice).order("BUY", "1", "29000")).error == (400, -1013, "Market is closed.")


NO_ORDER = (400, -2013, "Order does not exist.")
UNKNOWN = (400, -2011, "Unknown order sent.")


async def test_orders_that_do_not_exist_are_not_found(house: House) -> None:
    alice = house.client(house.alice)
    for name, value in (("orderId", 99), ("origClientOrderId", "nobody")):
        sent: dict[str, object] = {"symbol": "BTCUSDT", name: value}
        assert (await alice.signed("GET", ORDER, **sent)).error == NO_ORDER
        assert (await alice.signed("DELETE", ORDER, **sent)).error == UNKNOWN
    either = (400, -1102, "Param 'orderId' or 'origClientOrderId' must be sent, but both were empty/null!")
    assert (await alice.signed("GET", ORDER, symbol="BTCUSDT")).error == either
    assert (await alice.signed("DELETE", ORDER, symbol="BTCUSDT")).error == either
    assert (await alice.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")).error == UNKNOWN


async def test_an_id_and_a_client_id_must_belong_together(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("BUY", "1", "29000", newClientOrderId="one")
    mixed: dict[str, object] = {"symbol": "BTCUSDT", "orderId": 1, "origClientOrderId": "two"}
    assert (await alice.signed("GET", ORDER, **mixed)).error == NO_ORDER
    assert (await alice.signed("DELETE", ORDER, **mixed)).error == UNKNOWN


OPEN: list[tuple[str, str, tuple[int, int, str]]] = [
    ("/api/v3/ping", "x=1", (400, -1101, "Too many parameters; expected '0' and received '1'.")),
    ("/api/v3/depth", "", (400, *missing("symbol"))),
    ("/api/v3/depth", "symbol=BTCUSDT&limit=0", (400, -1130, "Data sent for parameter 'limit' is not valid.")),
    ("/api/v3/depth", "symbol=BTCUSDT&limit=-1", (400, *illegal("limit", "legal range is '^[0-9]{1,20}$'."))),
    ("/api/v3/klines", "symbol=BTCUSDT&interval=7m", (400, -1120, "Invalid interval.")),
    ("/api/v3/klines", "symbol=BTCUSDT", (400, *missing("interval"))),
    ("/api/v3/ticker/24hr", "type=BIG", (400, -1139, "Invalid ticker type.")),
    (
        "/api/v3/ticker/price",
        'symbols=["BTCUSDT","BTCUSDT"]',
        (400, -1151, "Symbol is present multiple times in the list."),
    ),
    (
        "/api/v3/ticker/price",
        'symbol=BTCUSDT&symbols=["ETHUSDT"]',
        (400, -1128, "Combination of optional parameters invalid."),
    ),
    ("/api/v3/exchangeInfo", 'symbols=["BTCUSDT","NO"]', (400, -1121, "Invalid symbol.")),
    ("/api/v3/exchangeInfo", "symbolStatus=OPEN", (400, -1122, "Invalid symbolStatus.")),
    ("/api/v3/nothing", "", (404, -1020, "This operation is not supported.")),
    ("/", "", (404, -1020, "This operation is not supported.")),
    ("/api/v3//ping", "", (404, -1020, "This operation is not supported.")),
]


@pytest.mark.parametrize(("path", "query_string", "expected"), OPEN)
async def test_a_bad_question_is_refused(
    house: House, path: str, query_string: str, expected: tuple[int, int, str]
) -> None:
    assert (await house.client().send("GET", path, query_string)).error == expected


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "DELETE"])
async def test_a_method_that_a_path_does_not_have_is_refused(house: House, method: str) -> None:
    assert (await house.client().send(method, "/api/v3/ping")).error == (405, -1020, "This operation is not supported.")
