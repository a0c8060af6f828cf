"""Orders of lists with all that single orders may have: icebergs, trailing stops, amending, prevented matches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange.core.orders import Side
from exchange.ledger.reconcile import verify
from tests.api.fast import Fast, fast_house
from tests.api.house import House
from tests.api.listed import OCO, OLD_OCO, OTO, OTOCO, SYMBOL, place
from tests.api.test_order_lists import listen, told

AMEND = "/api/v3/order/amend/keepPriority"
LIMITED = {"aboveType": "STOP_LOSS_LIMIT", "abovePrice": "31500", "aboveTimeInForce": "GTC", "aboveIcebergQty": "0.5"}


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def order(house: House, number: int) -> dict[str, Any]:
    """One of alice's orders."""
    found: dict[str, Any] = (
        await house.client(house.alice).signed("GET", "/api/v3/order", **SYMBOL, orderId=number)
    ).json
    return found


@pytest.mark.parametrize(
    ("kind", "asked", "more", "expected"),
    [
        (
            "oco",
            OCO,
            LIMITED | {"aboveIcebergQty": "0.5", "belowIcebergQty": "0.2"},
            {1: "0.50000000", 2: "0.20000000"},
        ),
        ("oto", OTO, {"workingIcebergQty": "0.3"}, {1: "0.30000000", 2: "0.00000000"}),
        ("otoco", OTOCO, {"pendingAboveIcebergQty": "0.5"}, {1: "0.00000000", 2: "0.00000000", 3: "0.50000000"}),
    ],
)
async def test_orders_of_a_list_may_be_icebergs(
    house: House, kind: str, asked: dict[str, object], more: dict[str, object], expected: dict[int, str]
) -> None:
    assert (await place(house, house.alice, kind, asked, **more)).status == 200
    assert {number: (await order(house, number))["icebergQty"] for number in expected} == expected


async def test_orders_of_a_list_may_trail_the_price(house: House) -> None:
    """Without a stop price from the start, with one from there on, a waiting one not before it is placed."""
    asked = {name: value for name, value in OCO.items() if name != "aboveStopPrice"}
    assert (await place(house, house.alice, "oco", asked, aboveTrailingDelta=100)).status == 200
    assert (await place(house, house.alice, "oco", OCO, aboveTrailingDelta=100)).status == 200
    asked = {name: value for name, value in OTOCO.items() if name != "pendingBelowStopPrice"}
    assert (await place(house, house.alice, "otoco", asked, pendingBelowTrailingDelta=100)).status == 200
    trails = [await order(house, number) for number in (1, 3, 6)]
    assert [one["trailingDelta"] for one in trails] == [100, 100, 100]
    assert [one["trailingTime"] > 0 for one in trails] == [True, False, False]


async def test_an_oco_of_the_old_kind_has_them_too(house: House) -> None:
    client = house.client(house.alice)
    limited = {"stopLimitPrice": "31500", "stopLimitTimeInForce": "GTC", "trailingDelta": 50}
    shown = {"limitIcebergQty": "0.5", "stopIcebergQty": "0.2"}
    assert (await client.signed("POST", "/api/v3/order/oco", **OLD_OCO | limited | shown)).status == 200
    stop, limit = await order(house, 1), await order(house, 2)
    assert (stop["trailingDelta"], stop["icebergQty"], limit["icebergQty"]) == (50, "0.20000000", "0.50000000")


async def test_an_iceberg_that_its_order_cannot_be_is_refused(house: House) -> None:
    refused = await place(house, house.alice, "oco", OCO, aboveIcebergQty="0.5")
    assert (refused.status, refused.json) == (400, {"code": -2010, "msg": "Unsupported order combination"})


async def test_an_amended_order_answers_with_its_list(house: House) -> None:
    """The dialect's fields, in its order; who waits has no time since which it works."""
    client = house.client(house.alice)
    await place(house, house.alice, "oto", OTO, listClientOrderId="mine", pendingClientOrderId="p")
    asked = SYMBOL | {"origClientOrderId": "p", "newQty": "0.4", "newClientOrderId": "q"}
    answer = (await client.signed("PUT", AMEND, **asked)).json
    assert list(answer) == ["transactTime", "executionId", "amendedOrder", "listStatus"]
    amended = answer["amendedOrder"]
    assert (amended["orderListId"], amended["status"], amended["qty"]) == (1, "PENDING_NEW", "0.40000000")
    assert "workingTime" not in amended
    names = [one.pop("clientOrderId") for one in answer["listStatus"]["orders"]]
    assert names[1] == "q"
    assert answer["listStatus"] == {
        "orderListId": 1,
        "contingencyType": "OTO",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "mine",
        "symbol": "BTCUSDT",
        "orders": [{"symbol": "BTCUSDT", "orderId": 1}, {"symbol": "BTCUSDT", "orderId": 2}],
    }
    found = (await client.signed("GET", "/api/v3/orderList", orderListId=1)).json
    assert [one["clientOrderId"] for one in found["orders"]] == names


async def test_a_pair_is_amended_together_and_its_money_comes_back(house: House) -> None:
    client = house.client(house.alice)
    before = (await client.balances())["USDT"]
    await place(house, house.alice, "oco", OCO, belowClientOrderId="low")
    asked = SYMBOL | {"origClientOrderId": "low", "newQty": "0.5", "newClientOrderId": "low"}
    await client.signed("PUT", AMEND, **asked)
    assert [(await order(house, number))["origQty"] for number in (1, 2)] == ["0.50000000", "0.50000000"]
    held = (await client.balances())["USDT"][1]
    assert held == "16275.00000000"  # half of the stop price and its slack
    assert len((await client.signed("GET", "/api/v3/order/amendments", **SYMBOL, orderId=1)).json) == 1
    await client.signed("DELETE", "/api/v3/orderList", **SYMBOL, orderListId=1)
    assert (await client.balances())["USDT"] == before


async def test_the_stream_tells_of_the_list_when_its_order_has_another_name(fast: Fast) -> None:
    client = fast.house.client(fast.house.alice)
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as mine:
        await listen(fast, mine)
        await place(fast.house, fast.house.alice, "oco", OCO, belowClientOrderId="low")
        for name in ("low", "lower"):
            quantity = "0.5" if name == "low" else "0.2"
            asked = SYMBOL | {"orderId": 2, "newQty": quantity, "newClientOrderId": name}
            await client.signed("PUT", AMEND, **asked)
        assert (await told(mine, 8))[3:] == [
            (1, 1, "REPLACED", "NEW", None),
            (2, 1, "REPLACED", "NEW", None),
            (1, 1, "REPLACED", "NEW", None),
            (2, 1, "REPLACED", "NEW", None),
            ("list", 1, "OCO", "UPDATED", "EXECUTING", [1, 2]),
        ]


async def test_losing_by_size_ends_the_rival_and_is_found_among_prevented_matches(house: House) -> None:
    client = house.client(house.alice)
    await place(house, house.alice, "oco", OCO)
    more = {"selfTradePreventionMode": "DECREMENT"}
    await client.order("SELL", "0.4", "29000", **more)
    stop, limit = await order(house, 1), await order(house, 2)
    assert (stop["status"], limit["status"], limit["preventedQuantity"]) == ("EXPIRED", "NEW", "0.40000000")
    matches = (await client.signed("GET", "/api/v3/myPreventedMatches", **SYMBOL, orderId=2)).json
    assert [(one["makerOrderId"], one["makerPreventedQuantity"]) for one in matches] == [(2, "0.40000000")]
    assert (await client.balances())["USDT"][1] == "17400.00000000"


async def test_one_of_a_list_is_cancelled_only_in_the_status_that_it_must_have(house: House) -> None:
    client = house.client(house.alice)
    await place(house, house.alice, "oto", OTO)
    asked = SYMBOL | {"orderId": 2, "cancelRestrictions": "ONLY_NEW"}
    refused = (await client.signed("DELETE", "/api/v3/order", **asked)).json
    assert refused["code"] == -2011
    gone = (await client.signed("DELETE", "/api/v3/order", **asked | {"orderId": 1})).json
    assert [one["status"] for one in gone["orderReports"]] == ["CANCELED", "CANCELED"]


async def test_the_ledger_agrees_about_amended_lists(tmp_path: Path) -> None:
    """Open ones, and one that is done since."""
    async with fast_house(tmp_path) as fast:
        client = fast.house.client(fast.house.alice)
        for kind, asked in (("oco", OCO), ("otoco", OTOCO | {"workingPrice": "28500"})):
            await place(fast.house, fast.house.alice, kind, asked)
        for number, name in ((1, "a"), (4, "b")):
            await client.signed("PUT", AMEND, **SYMBOL, orderId=number, newQty="0.5", newClientOrderId=name)
        await fast.limit(fast.house.bob, Side.SELL, 2_900_000, 100_000)
    assert verify(tmp_path / "ledger.db", lambda done, total: None).rows["order_lists"] == 2
