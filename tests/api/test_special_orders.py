"""Icebergs, trailing stops, amendments, prevented matches and restricted cancels, as a client meets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import Answer, Client, House

ORDER, REPLACE = "/api/v3/order", "/api/v3/order/cancelReplace"
AMEND, AMENDMENTS = "/api/v3/order/amend/keepPriority", "/api/v3/order/amendments"
PREVENTED = "/api/v3/myPreventedMatches"
BTC: dict[str, object] = {"symbol": "BTCUSDT"}


async def asked(client: Client, **parts: object) -> Answer:
    """An order in BTCUSDT, answered as in RESULT."""
    return await client.signed("POST", ORDER, **(BTC | {"newOrderRespType": "FULL"} | parts))


async def stop(client: Client, **parts: object) -> Any:
    """A stop to sell 1 BTC at market."""
    placed = await asked(client, side="SELL", type="STOP_LOSS", quantity="1", **parts)
    assert placed.status == 200, placed.json
    return placed.json


async def traded(house: House, price: str, quantity: str = "0.01") -> None:
    """Bob trades with himself at a price."""
    bob = house.client(house.bob)
    await bob.order("SELL", quantity, price)
    await bob.order("BUY", quantity, price, selfTradePreventionMode="NONE", timeInForce="IOC")


async def found(client: Client, order: int) -> Any:
    return (await client.signed("GET", ORDER, **BTC, orderId=order)).json


# icebergs


async def test_depth_counts_what_an_iceberg_shows(house: House) -> None:
    await house.client(house.alice).order("SELL", "2", "31000", icebergQty="0.5")
    depth = (await house.client(house.bob).ask("GET", "/api/v3/depth", symbol="BTCUSDT")).json
    assert depth["asks"] == [["31000.00000000", "0.50000000"]]


async def test_an_iceberg_tells_its_part_in_every_answer(house: House) -> None:
    alice = house.client(house.alice)
    placed = (await asked(alice, side="SELL", type="LIMIT_MAKER", quantity="2", price="31000", icebergQty="0.5")).json
    assert (placed["icebergQty"], (await found(alice, 1))["icebergQty"]) == ("0.50000000", "0.50000000")
    gone = (await alice.signed("DELETE", ORDER, **BTC, orderId=1)).json
    assert (gone["icebergQty"], gone["origQty"]) == ("0.50000000", "2.00000000")


async def test_a_plain_order_tells_nothing_of_what_is_special(house: House) -> None:
    placed = (
        await house.client(house.alice).order("SELL", "2", "31000", icebergQty="0.00", newOrderRespType="FULL")
    ).json
    special = {"icebergQty", "trailingDelta", "trailingTime", "preventedMatchId", "preventedQuantity", "strategyId"}
    assert not special & set(placed)


async def test_a_strategy_is_told_back(house: House) -> None:
    alice = house.client(house.alice)
    placed = (
        await alice.order("SELL", "2", "31000", strategyId=7, strategyType=1000001, newOrderRespType="RESULT")
    ).json
    assert (placed["strategyId"], placed["strategyType"]) == (7, 1000001)
    asked_for = await found(alice, 1)
    assert (asked_for["strategyId"], asked_for["strategyType"]) == (7, 1000001)


# trailing stops


async def test_a_trailing_stop_follows_from_the_start_and_says_since_when(house: House) -> None:
    placed = await stop(house.client(house.alice), trailingDelta="100")
    assert (placed["trailingDelta"], placed["stopPrice"]) == (100, "0.00000000")
    assert placed["trailingTime"] == placed["transactTime"]
    assert placed["workingTime"] == -1


async def test_with_a_stop_price_it_follows_once_that_was_reached(house: House) -> None:
    alice = house.client(house.alice)
    assert (await stop(alice, trailingDelta="100", stopPrice="29500"))["trailingTime"] == -1
    await traded(house, "29500")
    assert (await found(alice, 1))["trailingTime"] > 0


async def test_it_sells_when_the_price_has_come_back_by_its_delta(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    await stop(alice, trailingDelta="1000")
    await traded(house, "32000")
    await bob.order("BUY", "1", "28500")
    await traded(house, "28800")
    sold = await found(alice, 1)
    assert (sold["status"], sold["cummulativeQuoteQty"]) == ("FILLED", "28500.00000000")
    assert sold["workingTime"] == sold["updateTime"] > sold["time"] - 1


async def test_working_time_is_when_it_woke_whatever_happens_later(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    sent: dict[str, object] = {"side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "quantity": "1"}
    await asked(alice, **sent, price="31000", stopPrice="29000")
    await traded(house, "29000")
    woke = (await found(alice, 1))["workingTime"]
    await bob.order("BUY", "0.5", "31000")
    later = await found(alice, 1)
    assert (later["status"], later["workingTime"]) == ("PARTIALLY_FILLED", woke)


@pytest.mark.parametrize(("delta", "code"), [("9", -1013), ("2001", -1013), ("1.5", -1100)])
async def test_a_delta_outside_the_filter_is_refused(house: House, delta: str, code: int) -> None:
    sent = {"side": "SELL", "type": "STOP_LOSS", "quantity": "1", "trailingDelta": delta}
    assert (await asked(house.client(house.alice), **sent)).json["code"] == code


async def test_without_stop_price_and_delta_a_stop_is_refused_even_after_one_that_trails(house: House) -> None:
    alice = house.client(house.alice)
    await stop(alice, trailingDelta="100")
    refused = await asked(alice, side="SELL", type="STOP_LOSS", quantity="1")
    assert refused.json["msg"].startswith("Mandatory parameter 'stopPrice'")


# amending


async def test_an_amended_order_is_smaller_has_a_new_name_and_keeps_its_place(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    await alice.order("SELL", "2", "31000", newClientOrderId="before")
    await bob.order("SELL", "1", "31000")
    reply = (await alice.signed("PUT", AMEND, **BTC, orderId=1, newQty="0.5", newClientOrderId="after")).json
    order = reply["amendedOrder"]
    assert (order["origClientOrderId"], order["clientOrderId"], order["qty"]) == ("before", "after", "0.50000000")
    assert (order["status"], order["preventedQty"], order["executedQty"]) == ("NEW", "0.00000000", "0.00000000")
    await bob.order("BUY", "0.5", "31000")
    assert (await found(alice, 1))["status"] == "FILLED"


async def test_every_amendment_is_remembered(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000", newClientOrderId="a")
    done = [
        (await alice.signed("PUT", AMEND, **BTC, origClientOrderId=old, newQty=size, newClientOrderId=new)).json
        for old, size, new in (("a", "1.5", "b"), ("b", "1", "b"))
    ]
    told = (await alice.signed("GET", AMENDMENTS, **BTC, orderId=1)).json
    assert [(one["origQty"], one["newQty"], one["newClientOrderId"]) for one in told] == [
        ("2.00000000", "1.50000000", "b"),
        ("1.50000000", "1.00000000", "b"),
    ]
    assert [one["executionId"] for one in told] == [one["executionId"] for one in done]
    later = (await alice.signed("GET", AMENDMENTS, **BTC, orderId=1, fromExecutionId=done[1]["executionId"])).json
    assert later == told[1:]
    assert (await alice.signed("GET", AMENDMENTS, **BTC, orderId=1, limit=1)).json == told[:1]


async def test_nobody_sees_anothers_amendments(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000")
    await alice.signed("PUT", AMEND, **BTC, orderId=1, newQty="1")
    assert (await house.client(house.bob).signed("GET", AMENDMENTS, **BTC, orderId=1)).json == []


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        ({"orderId": 1, "newQty": "3"}, -2038, "Order amend (quantity increase) is not supported."),
        ({"orderId": 1, "newQty": "2"}, -2038, "The requested action would change no state; rejecting"),
        ({"orderId": 7, "newQty": "1"}, -2038, "Unknown order sent."),
        (
            {"orderId": 1, "origClientOrderId": "other", "newQty": "1"},
            -2039,
            "Client order ID is not correct for this order ID.",
        ),
        ({"orderId": 1, "newQty": "0"}, -1013, "Filter failure: LOT_SIZE"),
        ({"newQty": "1"}, -1102, "Param 'orderId' or 'origClientOrderId' must be sent, but both were empty/null!"),
    ],
)
async def test_what_cannot_be_amended_is_refused(house: House, sent: dict[str, object], code: int, text: str) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000")
    refused = (await alice.signed("PUT", AMEND, **BTC, **sent)).json
    assert (refused["code"], refused["msg"]) == (code, text)


async def test_an_order_is_amended_ten_times_at_most(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000")
    for tenths in range(10):
        reply = await alice.signed("PUT", AMEND, **BTC, orderId=1, newQty=f"1.{9 - tenths}")
        assert reply.status == 200, reply.json
    refused = (await alice.signed("PUT", AMEND, **BTC, orderId=1, newQty="0.5")).json
    assert refused == {"code": -2038, "msg": "Filter failure: MAX_NUM_ORDER_AMENDS"}


# self-trade prevention


async def test_decrement_takes_from_both_and_the_answer_says_what(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000")
    mode = {"selfTradePreventionMode": "DECREMENT", "newOrderRespType": "FULL"}
    bought = (await alice.order("BUY", "0.5", "31000", **mode)).json
    assert (bought["status"], bought["origQty"], bought["preventedQuantity"]) == (
        "EXPIRED_IN_MATCH",
        "0.50000000",
        "0.50000000",
    )
    assert bought["preventedMatches"] == [
        {
            "preventedMatchId": 1,
            "makerOrderId": 1,
            "price": "31000.00000000",
            "takerPreventedQuantity": "0.50000000",
            "makerPreventedQuantity": "0.50000000",
        }
    ]
    left = await found(alice, 1)
    assert (left["status"], left["origQty"], left["preventedQuantity"]) == ("NEW", "2.00000000", "0.50000000")
    assert left["preventedMatchId"] == 1


async def test_prevented_matches_are_found_by_number_and_by_either_order(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000")
    for mode in ("DECREMENT", "EXPIRE_TAKER", "EXPIRE_MAKER"):
        await alice.order("BUY", "0.5", "31000", selfTradePreventionMode=mode)

    async def ask(**sent: object) -> Any:
        return (await alice.signed("GET", PREVENTED, **BTC, **sent)).json

    by_maker = await ask(orderId=1)
    assert [(one["preventedMatchId"], one["takerOrderId"], one["selfTradePreventionMode"]) for one in by_maker] == [
        (1, 2, "DECREMENT"),
        (2, 3, "EXPIRE_TAKER"),
        (3, 4, "EXPIRE_MAKER"),
    ]
    assert (by_maker[1]["takerPreventedQuantity"], "makerPreventedQuantity" in by_maker[1]) == ("0.50000000", False)
    assert (by_maker[2]["makerPreventedQuantity"], "takerPreventedQuantity" in by_maker[2]) == ("1.50000000", False)
    assert (by_maker[0]["makerSymbol"], by_maker[0]["tradeGroupId"]) == ("BTCUSDT", -1)
    assert await ask(orderId=3) == await ask(preventedMatchId=2) == by_maker[1:2]
    assert await ask(orderId=1, fromPreventedMatchId=2, limit=1) == by_maker[1:2]
    assert await ask(preventedMatchId=9) == []


async def test_prevented_matches_are_ones_own(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "2", "31000")
    await alice.order("BUY", "0.5", "31000", selfTradePreventionMode="DECREMENT")
    for sent in ({"preventedMatchId": 1}, {"orderId": 1}):
        assert (await house.client(house.bob).signed("GET", PREVENTED, **BTC, **sent)).json == []


@pytest.mark.parametrize("sent", [{}, {"preventedMatchId": 1, "orderId": 1}, {"preventedMatchId": 1, "limit": 5}])
async def test_other_combinations_are_refused(house: House, sent: dict[str, object]) -> None:
    assert (await house.client(house.alice).signed("GET", PREVENTED, **BTC, **sent)).json["code"] in {-1102, -1128}


# cancels of orders in one status


async def test_a_cancel_may_be_for_one_status_only(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("BUY", "1", "29000")
    refused = await alice.signed("DELETE", ORDER, **BTC, orderId=1, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert refused.json == {"code": -2011, "msg": "Order was not canceled due to cancel restrictions."}
    done = await alice.signed("DELETE", ORDER, **BTC, orderId=1, cancelRestrictions="ONLY_NEW")
    assert done.json["status"] == "CANCELED"


async def test_so_may_a_cancel_replace(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("BUY", "1", "29000")
    new = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "28000"}
    mode = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 1, "cancelRestrictions": "ONLY_PARTIALLY_FILLED"}
    reply = (await alice.signed("POST", REPLACE, **(BTC | new | mode))).json
    assert (reply["code"], reply["data"]["cancelResponse"]["code"]) == (-2022, -2011)


async def test_another_restriction_is_refused(house: House) -> None:
    refused = await house.client(house.alice).signed("DELETE", ORDER, **BTC, orderId=1, cancelRestrictions="ONLY_OLD")
    assert refused.json == {"code": -1145, "msg": "Invalid cancelRestrictions"}


# what a market tells


async def test_every_filter_of_a_market_is_listed(house: House) -> None:
    info = (await house.client(house.alice).ask("GET", "/api/v3/exchangeInfo", symbol="BTCUSDT")).json["symbols"][0]
    assert [one["filterType"] for one in info["filters"]] == [
        "PRICE_FILTER",
        "LOT_SIZE",
        "MARKET_LOT_SIZE",
        "NOTIONAL",
        "PERCENT_PRICE_BY_SIDE",
        "ICEBERG_PARTS",
        "TRAILING_DELTA",
        "MAX_NUM_ORDERS",
        "MAX_NUM_ALGO_ORDERS",
        "MAX_NUM_ICEBERG_ORDERS",
        "MAX_NUM_ORDER_AMENDS",
        "MAX_NUM_ORDER_LISTS",
    ]
    assert (info["icebergAllowed"], info["allowTrailingStop"], info["amendAllowed"]) == (True, True, True)
    assert "DECREMENT" in info["allowedSelfTradePreventionModes"]
