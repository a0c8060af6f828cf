"""Order lists as a trader meets them: over REST, over the WebSocket API, and in his own stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange.core.orders import Side
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import House
from tests.api.listed import OCO, OLD_OCO, OTO, OTOCO, SYMBOL, place


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


def short(reports: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["type"], one["status"]) for one in reports]


LIST_FIELDS = [
    "orderListId", "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId", "transactionTime",
    "symbol", "orders",
]  # fmt: skip


async def test_an_oco_is_answered_as_the_dialect_does(house: House) -> None:
    """The stop-loss first; each order as it stands, in full."""
    placed = (await place(house, house.alice, "oco", OCO, listClientOrderId="mine", belowClientOrderId="low")).json
    assert list(placed) == [*LIST_FIELDS, "orderReports"]
    told = [placed[name] for name in LIST_FIELDS if name not in {"transactionTime", "orders"}]
    assert told == [1, "OCO", "EXEC_STARTED", "EXECUTING", "mine", "BTCUSDT"]
    assert [one["orderId"] for one in placed["orders"]] == [1, 2]
    assert placed["orders"][1] == {"symbol": "BTCUSDT", "orderId": 2, "clientOrderId": "low"}
    stop, limit = placed["orderReports"]
    assert short([stop, limit]) == [("STOP_LOSS", "NEW"), ("LIMIT_MAKER", "NEW")]
    assert (stop["orderListId"], stop["stopPrice"], stop["workingTime"], stop["fills"]) == (1, "31000.00000000", -1, [])
    assert (limit["orderListId"], limit["price"], limit["origQty"]) == (1, "29000.00000000", "1.00000000")


@pytest.mark.parametrize(("words", "fields"), [("ACK", 5), ("RESULT", 15)])
async def test_the_client_says_how_much_it_wants_to_hear(house: House, words: str, fields: int) -> None:
    placed = (await place(house, house.alice, "oto", OTO, newOrderRespType=words)).json
    assert [len(report) >= fields for report in placed["orderReports"]] == [True, True]
    assert ["price" in report for report in placed["orderReports"]] == [words == "RESULT"] * 2


async def test_an_oco_of_the_old_kind_is_the_same(house: House) -> None:
    client = house.client(house.alice)
    more = {"stopLimitPrice": "31500", "stopLimitTimeInForce": "GTC", "limitClientOrderId": "low"}
    placed = (await client.signed("POST", "/api/v3/order/oco", **OLD_OCO | more)).json
    assert short(placed["orderReports"]) == [("STOP_LOSS_LIMIT", "NEW"), ("LIMIT_MAKER", "NEW")]
    assert placed["orderReports"][0]["price"] == "31500.00000000"
    assert placed["orders"][1]["clientOrderId"] == "low"


@pytest.mark.parametrize(
    ("kind", "asked", "reports"),
    [
        ("oto", OTO, [("LIMIT_MAKER", "NEW"), ("MARKET", "PENDING_NEW")]),
        ("otoco", OTOCO, [("LIMIT_MAKER", "NEW"), ("STOP_LOSS", "PENDING_NEW"), ("LIMIT_MAKER", "PENDING_NEW")]),
    ],
)
async def test_pending_orders_wait_and_are_counted(
    house: House, kind: str, asked: dict[str, object], reports: list[tuple[str, str]]
) -> None:
    answer = await place(house, house.alice, kind, asked)
    assert (answer.json["contingencyType"], short(answer.json["orderReports"])) == ("OTO", reports)
    assert answer.headers["x-mbx-order-count-10s"] == str(len(reports))
    waiting = (await house.client(house.alice).signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=2)).json
    assert (waiting["status"], waiting["isWorking"], waiting["orderListId"]) == ("PENDING_NEW", False, 1)


async def test_a_filled_working_order_brings_the_pair_to_the_book(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    await place(house, house.alice, "otoco", OTOCO)
    assert (await bob.order("SELL", "1", "29000")).json["status"] == "FILLED"
    orders = (await alice.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).json
    assert [one["status"] for one in orders] == ["FILLED", "NEW", "NEW"]
    trades = (await alice.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json
    assert [(one["orderId"], one["orderListId"]) for one in trades] == [(1, 1)]
    assert (await bob.order("BUY", "0.25", "31000")).json["status"] == "FILLED"
    orders = (await alice.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).json
    assert [one["status"] for one in orders] == ["FILLED", "EXPIRED", "PARTIALLY_FILLED"]


async def test_lists_are_found_while_open_and_when_done(house: House) -> None:
    client = house.client(house.alice)
    for number in range(1, 4):
        await place(house, house.alice, "oco", OCO, listClientOrderId=f"l{number}")
    await client.signed("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=2)

    async def ids(path: str, **more: object) -> list[int]:
        return [one["orderListId"] for one in (await client.signed("GET", path, **more)).json]

    assert await ids("/api/v3/openOrderList") == [1, 3]
    assert await ids("/api/v3/allOrderList") == [1, 2, 3]
    assert await ids("/api/v3/allOrderList", fromId=2, limit=1) == [2]
    done = (await client.signed("GET", "/api/v3/orderList", origClientOrderId="l2")).json
    assert (done["orderListId"], done["listStatusType"], done["listOrderStatus"]) == (2, "ALL_DONE", "ALL_DONE")
    start = done["transactionTime"]
    assert await ids("/api/v3/allOrderList", startTime=start - 10_000, endTime=start + 10_000) == [1, 2, 3]
    assert await ids("/api/v3/allOrderList", endTime=start - 86_000_000) == []


async def test_cancelling_a_list_or_one_of_its_orders_answers_with_the_list(house: House) -> None:
    client = house.client(house.alice)
    for asked in ({"orderId": 1}, {"orderId": 4}):
        await place(house, house.alice, "oco", OCO)
        gone = (await client.signed("DELETE", "/api/v3/order", **SYMBOL | asked, newClientOrderId="bye")).json
        assert list(gone) == [*LIST_FIELDS, "orderReports"]
        assert short(gone["orderReports"]) == [("STOP_LOSS", "CANCELED"), ("LIMIT_MAKER", "CANCELED")]
        assert {one["clientOrderId"] for one in gone["orderReports"]} == {"bye"}
    await place(house, house.alice, "oto", OTO, listClientOrderId="mine")
    gone = (await client.signed("DELETE", "/api/v3/orderList", **SYMBOL, listClientOrderId="mine")).json
    assert short(gone["orderReports"]) == [("LIMIT_MAKER", "CANCELED"), ("MARKET", "CANCELED")]
    assert (await client.balances())["USDT"][1] == "0.00000000"


async def test_cancelling_all_tells_of_orders_and_of_lists(house: House) -> None:
    client = house.client(house.alice)
    await client.order("BUY", "1", "20000")
    await place(house, house.alice, "oco", OCO)
    single, listed = (await client.signed("DELETE", "/api/v3/openOrders", **SYMBOL)).json
    assert (single["orderListId"], single["status"]) == (-1, "CANCELED")
    assert (listed["orderListId"], len(listed["orderReports"])) == (1, 2)


async def test_cancelling_all_gives_every_report_the_name_of_the_cancel(house: House) -> None:
    client = house.client(house.alice)
    await client.order("BUY", "1", "20000", newClientOrderId="mine-1")
    await place(house, house.alice, "oco", OCO)
    single, listed = (await client.signed("DELETE", "/api/v3/openOrders", **SYMBOL)).json
    names = {one["clientOrderId"] for one in (single, *listed["orderReports"])}
    assert len(names) == 1
    assert "mine-1" not in names


async def test_a_cancel_replace_of_one_of_a_pair_has_both_funds(house: House) -> None:
    client = house.client(house.alice)
    await place(house, house.alice, "oco", OCO)
    new = SYMBOL | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "29000"}
    both = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 2}
    replaced = (await client.signed("POST", "/api/v3/order/cancelReplace", **new | both)).json
    assert (replaced["cancelResult"], replaced["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert len(replaced["cancelResponse"]["orderReports"]) == 2


WRONG: list[tuple[str, str, dict[str, object], dict[str, object], int, str]] = [
    ("prices", "oco", OCO, {"belowPrice": "40000"}, -2010,
     "The relationship of the prices for the orders is not correct."),
    ("type", "oco", OCO, {"aboveType": "MARKET", "aboveStopPrice": None}, -1158, "Order type not supported in OCO."),
    ("no stop price", "oco", OCO, {"aboveStopPrice": None}, -1102,
     "Mandatory parameter 'aboveStopPrice' was not sent, was empty/null, or malformed."),
    ("a price too many", "oco", OCO, {"abovePrice": "1"}, -1106, "Parameter 'abovePrice' sent when not required."),
    ("too precise", "oco", OCO, {"belowPrice": "29000.123456789"}, -1111,
     "Parameter 'belowPrice' has too much precision."),
    ("pegged", "oto", OTO, {"workingPegPriceType": "PRIMARY_PEG"}, -2010,
     "Pegged orders are not supported for this symbol."),
    ("by quote", "oto", OTO, {"pendingQuantity": None}, -1102,
     "Mandatory parameter 'pendingQuantity' was not sent, was empty/null, or malformed."),
    ("unknown", "otoco", OTOCO, {"pendingPrice": "1"}, -1104, ""),
    ("name", "oto", OTO, {"listClientOrderId": "a b"}, -1100, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kind", "asked", "changed", "code", "text"), WRONG, ids=[case[0] for case in WRONG])
async def test_what_is_wrong_is_refused_by_its_own_name(
    house: House, what: str, kind: str, asked: dict[str, object], changed: dict[str, object], code: int, text: str
) -> None:
    sent = {name: value for name, value in (asked | changed).items() if value is not None}
    before = await house.fingerprint()
    error = (await place(house, house.alice, kind, sent)).error
    assert error[:2] == (400, code), what
    assert error[2].startswith(text), what
    assert await house.fingerprint() == before


async def test_what_is_not_there_is_said_so(house: House) -> None:
    client = house.client(house.alice)
    unknown = await client.signed("GET", "/api/v3/orderList", orderListId=7)
    assert unknown.error == (400, -2013, "Order list does not exist.")
    gone = await client.signed("DELETE", "/api/v3/orderList", **SYMBOL, orderListId=7)
    assert gone.error == (400, -2011, "Unknown order list sent.")
    assert (await client.signed("GET", "/api/v3/orderList")).error[1] == -1102
    both = await client.signed("GET", "/api/v3/allOrderList", fromId=1, startTime=1)
    assert both.error[1] == -1128
    for path in ("opo", "opoco"):
        assert (await client.signed("POST", f"/api/v3/orderList/{path}", **SYMBOL)).error[1] == -1020


async def test_the_same_key_places_a_list_once(house: House) -> None:
    first = await place(house, house.alice, "oto", OTO, idempotencyKey="once")
    again = await place(house, house.alice, "oto", OTO, idempotencyKey="once")
    assert again.json == first.json
    assert len((await house.client(house.alice).signed("GET", "/api/v3/openOrderList")).json) == 1


async def listen(fast: Fast, reader: Reader) -> None:
    params = signed(fast.house.alice, fast.house.rooms.clock.now())
    await reader.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})


async def told(reader: Reader, events: int) -> list[tuple[object, ...]]:
    """The next reports on orders and lists: what happened to which, in order."""
    seen: list[tuple[object, ...]] = []
    while len(seen) < events:
        event = (await reader.read())["event"]
        if event["e"] == "executionReport":
            seen.append((event["i"], event["g"], event["x"], event["X"], event.get("eR")))
        elif event["e"] == "listStatus":
            seen.append(("list", event["g"], event["c"], event["l"], event["L"], [one["i"] for one in event["O"]]))
    return seen


async def test_a_pair_in_ones_own_stream(fast: Fast) -> None:
    """Reports of the orders first, then of their list; a rival expires right behind the trade."""
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as mine:
        await listen(fast, mine)
        await place(fast.house, fast.house.alice, "oco", OCO)
        await fast.limit(fast.house.bob, Side.SELL, 2_900_000, 100_000)
        assert await told(mine, 6) == [
            (1, 1, "NEW", "NEW", None),
            (2, 1, "NEW", "NEW", None),
            ("list", 1, "OCO", "EXEC_STARTED", "EXECUTING", [1, 2]),
            (2, 1, "TRADE", "FILLED", None),
            (1, 1, "EXPIRED", "EXPIRED", "OCO_TRIGGER"),
            ("list", 1, "OCO", "ALL_DONE", "ALL_DONE", [1, 2]),
        ]


async def test_a_chain_in_ones_own_stream(fast: Fast) -> None:
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as mine:
        await listen(fast, mine)
        stop = {"pendingType": "STOP_LOSS", "pendingStopPrice": "28000"}
        await place(fast.house, fast.house.alice, "oto", OTO | stop)
        await fast.limit(fast.house.bob, Side.SELL, 2_900_000, 100_000)
        await fast.house.client(fast.house.alice).signed("DELETE", "/api/v3/order", **SYMBOL, orderId=2)
        assert await told(mine, 7) == [
            (1, 1, "NEW", "NEW", None),
            (2, 1, "NEW", "PENDING_NEW", None),
            ("list", 1, "OTO", "EXEC_STARTED", "EXECUTING", [1, 2]),
            (1, 1, "TRADE", "FILLED", None),
            (2, 1, "NEW", "NEW", None),
            (2, 1, "CANCELED", "CANCELED", None),
            ("list", 1, "OTO", "ALL_DONE", "ALL_DONE", [1, 2]),
        ]


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("orderList.place.oco", OCO),
        ("orderList.place.oto", OTO),
        ("orderList.place.otoco", OTOCO),
        ("orderList.place", OLD_OCO),
    ],
)
async def test_the_websocket_api_places_finds_and_cancels(fast: Fast, method: str, asked: dict[str, object]) -> None:
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as reader:

        async def ask(name: str, **params: object) -> Any:
            person, now = fast.house.alice, fast.house.rooms.clock.now()
            return (await reader.ask({"id": 1, "method": name, "params": signed(person, now, **params)}))["result"]

        placed = await ask(method, **asked)
        assert placed["listOrderStatus"] == "EXECUTING"
        found = await ask("orderList.status", orderListId=placed["orderListId"])
        assert found == {name: placed[name] for name in LIST_FIELDS}
        assert await ask("openOrderLists.status") == [found]
        cancelled = await ask("orderList.cancel", symbol="BTCUSDT", orderListId=placed["orderListId"])
        assert {one["status"] for one in cancelled["orderReports"]} == {"CANCELED"}
        assert [one["listOrderStatus"] for one in await ask("allOrderLists")] == ["ALL_DONE"]
