"""Orders through the main door: what is answered, what is held, what is found again."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.core.market import MarketPhase
from tests.api.house import Answer, Client, House

ORDER, REPLACE = "/api/v3/order", "/api/v3/order/cancelReplace"
LIMIT: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}


async def replace(client: Client, **changes: object) -> Answer:
    """Replace by a limit order at 28,000."""
    return await client.signed(
        "POST", REPLACE, **(LIMIT | {"price": "28000", "cancelReplaceMode": "STOP_ON_FAILURE"} | changes)
    )


@pytest.mark.parametrize(
    ("wanted", "more"),
    [("ACK", set()), ("RESULT", {"price", "status", "workingTime"}), ("FULL", {"price", "status", "fills"})],
)
async def test_an_answer_has_as_many_words_as_were_asked_for(house: House, wanted: str, more: set[str]) -> None:
    reply = await house.client(house.alice).order("BUY", "1", "29000", newOrderRespType=wanted)
    assert {"symbol", "orderId", "clientOrderId", "transactTime"} | more <= set(reply.json)
    assert ("price" in reply.json, "fills" in reply.json) == (wanted != "ACK", wanted == "FULL")


async def test_fills_name_price_quantity_and_commission_in_the_asset_received(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    await alice.order("SELL", "0.5", "30000")
    await alice.order("SELL", "0.5", "30001.5")
    bought = (await bob.order("BUY", "0.7", "31000")).json
    assert [(fill["price"], fill["qty"], fill["commission"], fill["commissionAsset"]) for fill in bought["fills"]] == [
        ("30000.00000000", "0.50000000", "0.00075000", "BTC"),
        ("30001.50000000", "0.20000000", "0.00030000", "BTC"),
    ]
    assert (bought["status"], bought["cummulativeQuoteQty"]) == ("FILLED", "21000.30000000")


async def test_a_market_order_sized_in_quote_spends_no_more(house: House) -> None:
    await house.client(house.alice).order("SELL", "1", "30000")
    sent: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"}
    bought = (await house.client(house.bob).signed("POST", ORDER, **sent)).json
    assert (bought["executedQty"], bought["cummulativeQuoteQty"]) == ("0.00333000", "99.90000000")
    assert (bought["origQuoteOrderQty"], bought["status"]) == ("100.00000000", "FILLED")


async def test_an_order_is_found_while_open_when_filled_and_when_cancelled(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    await alice.order("BUY", "1", "29000", newClientOrderId="mine")
    seen = []
    for act in (None, bob.order("SELL", "0.4", "29000"), alice.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=1)):
        if act is not None:
            await act
        by_id = (await alice.signed("GET", ORDER, symbol="BTCUSDT", orderId=1)).json
        by_name = (await alice.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")).json
        assert by_id == by_name
        seen.append((by_id["status"], by_id["executedQty"]))
    assert seen == [("NEW", "0.00000000"), ("PARTIALLY_FILLED", "0.40000000"), ("CANCELED", "0.40000000")]


async def test_a_cancel_has_a_name_of_its_own(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("BUY", "1", "29000", newClientOrderId="mine")
    cancelled = await alice.signed(
        "DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="my-cancel"
    )
    names = (cancelled.json["origClientOrderId"], cancelled.json["clientOrderId"], cancelled.json["status"])
    assert names == ("mine", "my-cancel", "CANCELED")


async def test_a_sleeping_order_says_so_and_wakes(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    stop = LIMIT | {"type": "STOP_LOSS_LIMIT", "price": "30100", "stopPrice": "30050", "newOrderRespType": "RESULT"}
    asleep = (await alice.signed("POST", ORDER, **stop)).json
    assert (asleep["status"], asleep["workingTime"], asleep["stopPrice"]) == ("NEW", -1, "30050.00000000")
    await bob.order("SELL", "0.1", "30060")
    await bob.order("BUY", "0.1", "30060", selfTradePreventionMode="NONE")
    awake = (await alice.signed("GET", ORDER, symbol="BTCUSDT", orderId=asleep["orderId"])).json
    assert (awake["isWorking"], awake["status"]) == (True, "NEW")


async def test_replace_200_when_both_succeed(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("BUY", "1", "29000")
    reply = await replace(alice, cancelOrderId=1, cancelNewClientOrderId="bye", newClientOrderId="hello")
    assert (reply.status, reply.json["cancelResult"], reply.json["newOrderResult"]) == (200, "SUCCESS", "SUCCESS")
    assert reply.json["cancelResponse"]["clientOrderId"] == "bye"
    assert reply.json["newOrderResponse"]["clientOrderId"] == "hello"


async def test_replace_may_use_what_the_old_order_held(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "100", "40000")
    reply = await replace(alice, side="SELL", quantity="100", price="41000", cancelOrderId=1)
    assert reply.status == 200


def halves(reply: Answer) -> tuple[int, int, str, str, Any, Any]:
    """Status, code, both results, and the codes of what was refused."""
    found = reply.json["data"]
    codes = [(found[half] or {}).get("code") for half in ("cancelResponse", "newOrderResponse")]
    return reply.status, reply.json["code"], found["cancelResult"], found["newOrderResult"], codes[0], codes[1]


async def test_replace_400_when_the_cancel_fails_and_stops_it(house: House) -> None:
    before = await house.fingerprint()
    reply = await replace(house.client(house.alice), cancelOrderId=9)
    assert halves(reply) == (400, -2022, "FAILURE", "NOT_ATTEMPTED", -2011, None)
    assert await house.fingerprint() == before


async def test_replace_400_when_both_fail(house: House) -> None:
    reply = await replace(
        house.client(house.alice), cancelOrderId=9, cancelReplaceMode="ALLOW_FAILURE", side="SELL", quantity="101"
    )
    assert halves(reply) == (400, -2022, "FAILURE", "FAILURE", -2011, -2010)


async def test_replace_409_when_only_the_cancel_succeeds(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("BUY", "1", "29000")
    reply = await replace(alice, cancelOrderId=1, side="SELL", quantity="101")
    assert halves(reply) == (409, -2021, "SUCCESS", "FAILURE", None, -2010)


async def test_replace_409_when_only_the_new_order_succeeds(house: House) -> None:
    reply = await replace(house.client(house.alice), cancelOrderId=9, cancelReplaceMode="ALLOW_FAILURE")
    assert halves(reply) == (409, -2021, "FAILURE", "SUCCESS", -2011, None)


async def test_open_orders_are_listed_by_market_and_in_all_oldest_first(house: House) -> None:
    alice = house.client(house.alice)
    for symbol, price in (("ETHUSDT", "1900"), ("BTCUSDT", "29000"), ("ETHUSDT", "1800")):
        await alice.order("BUY", "0.1", price, symbol=symbol)
    every = (await alice.signed("GET", "/api/v3/openOrders")).json
    assert [order["orderId"] for order in every] == [1, 2, 3]
    some = (await alice.signed("GET", "/api/v3/openOrders", symbol="ETHUSDT")).json
    assert [order["orderId"] for order in some] == [1, 3]


async def test_more_open_orders_than_one_look_are_all_listed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.api.endpoints.reading.CHUNK", 2)
    alice = house.client(house.alice)
    for _ in range(5):
        await alice.order("BUY", "0.1", "29000")
    listed = (await alice.signed("GET", "/api/v3/openOrders")).json
    assert [order["orderId"] for order in listed] == [1, 2, 3, 4, 5]


async def test_all_orders_page_by_id_and_limit(house: House) -> None:
    alice = house.client(house.alice)
    for _ in range(4):
        await alice.order("BUY", "0.1", "29000")

    async def ids(**asked: object) -> list[int]:
        reply = await alice.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", **asked)
        return [order["orderId"] for order in reply.json]

    assert await ids() == [1, 2, 3, 4]
    assert await ids(limit=2) == [3, 4]
    assert await ids(orderId=2, limit=2) == [2, 3]
    assert await ids(startTime=house.rooms.clock.now() // 1000 + 60_000) == []


async def test_a_trade_with_oneself_shows_both_sides(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "1", "30000")
    await alice.order("BUY", "1", "30000", selfTradePreventionMode="NONE")
    trades = (await alice.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json
    assert [(trade["orderId"], trade["isBuyer"], trade["isMaker"]) for trade in trades] == [
        (1, False, True),
        (2, True, False),
    ]
    one = (await alice.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=2)).json
    assert [trade["orderId"] for trade in one] == [2]


async def test_a_post_only_market_offers_and_takes_just_that(house: House) -> None:
    await house.set_phase("BTCUSDT", MarketPhase.POST_ONLY)
    alice = house.client(house.alice)
    info = (await alice.ask("GET", "/api/v3/exchangeInfo", symbol="BTCUSDT")).json["symbols"][0]
    assert (info["status"], info["orderTypes"]) == ("TRADING", ["LIMIT_MAKER"])
    assert (await alice.order("BUY", "1", "29000")).error[1] == -2010
    sent: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1"}
    assert (await alice.signed("POST", ORDER, **sent, price="29000")).status == 200


async def test_a_halted_market_is_shown_as_such(house: House) -> None:
    await house.set_phase("BTCUSDT", MarketPhase.HALTED)
    listed = (await house.client().ask("GET", "/api/v3/exchangeInfo", symbolStatus="HALT")).json["symbols"]
    assert [market["symbol"] for market in listed] == ["BTCUSDT"]


async def test_a_tested_order_leaves_nothing_behind(house: House) -> None:
    before = await house.fingerprint()
    reply = await house.client(house.alice).signed("POST", ORDER + "/test", **LIMIT, price="29000")
    assert (reply.status, reply.json) == (200, {})
    assert await house.fingerprint() == before


async def test_zero_balances_can_be_left_out(house: House) -> None:
    alice = house.client(house.alice)
    await alice.signed("POST", ORDER, **(LIMIT | {"side": "SELL", "quantity": "100", "price": "30000"}))
    await house.client(house.bob).order("BUY", "100", "30000")
    every = (await alice.signed("GET", "/api/v3/account")).json["balances"]
    some = (await alice.signed("GET", "/api/v3/account", omitZeroBalances="true")).json["balances"]
    assert ([one["asset"] for one in every], [one["asset"] for one in some]) == (
        ["BTC", "ETH", "USDT"],
        ["ETH", "USDT"],
    )
