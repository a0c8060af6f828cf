"""`idempotencyKey`: the same again gets the first answer; something else under the same key is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from exchange.settings import Settings
from tests.api.house import House, SetClock, running_house

REUSED = (400, -2401, "That idempotencyKey was used before, for something else.")

PLAIN: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
PLAIN |= {"quantity": "1", "price": "29000"}


async def placed(house: House, **more: object) -> Any:
    reply = await house.client(house.alice).order("BUY", "1", "29000", newOrderRespType="FULL", **more)
    return reply.json


async def test_the_same_again_gets_the_first_answer_whatever_became_of_the_order(house: House) -> None:
    """To the last field, with a new timestamp and signature; and only one order was placed."""
    first = await placed(house, idempotencyKey="k", newClientOrderId="mine")
    await house.client(house.bob).order("SELL", "1", "29000")
    assert await placed(house, idempotencyKey="k", newClientOrderId="mine") == first
    assert (first["status"], first["executedQty"]) == ("NEW", "0.00000000")
    listed = await house.client(house.alice).signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert [one["status"] for one in listed.json] == ["FILLED"]


async def test_fills_are_told_again(house: House) -> None:
    await house.client(house.bob).order("SELL", "0.4", "28000")
    await house.client(house.bob).order("SELL", "0.4", "28500")
    first = await placed(house, idempotencyKey="k")
    assert len(first["fills"]) == 2
    assert await placed(house, idempotencyKey="k") == first


async def test_a_client_order_id_that_we_made_up_is_told_again(house: House) -> None:
    first = await placed(house, idempotencyKey="k")
    assert (await placed(house, idempotencyKey="k"))["clientOrderId"] == first["clientOrderId"]


@pytest.mark.parametrize("other", [{"quantity": "2"}, {"price": "29000.0"}, {"newOrderRespType": "ACK"}])
async def test_other_content_under_the_same_key_is_refused(house: House, other: dict[str, str]) -> None:
    """Content is what was sent, letter by letter."""
    asked: dict[str, Any] = {"side": "BUY", "quantity": "1", "price": "29000", "idempotencyKey": "k"}
    client = house.client(house.alice)
    assert (await client.order(**asked)).status == 200
    assert (await client.order(**(asked | other))).error == REUSED


async def test_another_endpoint_is_other_content(house: House) -> None:
    first = await placed(house, idempotencyKey="k")
    reply = await house.client(house.alice).order("BUY", "1", "29000", idempotencyKey="k", newOrderRespType="FULL")
    assert reply.status == 200
    replaced = await house.client(house.alice).signed(
        "POST",
        "/api/v3/order/cancelReplace",
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="1",
        price="29000",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=first["orderId"],
        idempotencyKey="k",
    )
    assert replaced.error == REUSED


async def test_recv_window_is_not_content(house: House) -> None:
    first = await placed(house, idempotencyKey="k")
    assert await placed(house, idempotencyKey="k", recvWindow=6000) == first


async def test_a_cancel_replace_is_done_once(house: House) -> None:
    """Both halves are told again, the name of the cancel too."""
    old = await placed(house)
    asked: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    asked |= {"quantity": "1", "price": "28000", "cancelReplaceMode": "STOP_ON_FAILURE"}
    asked |= {"cancelOrderId": old["orderId"], "idempotencyKey": "k"}
    client = house.client(house.alice)
    first = await client.signed("POST", "/api/v3/order/cancelReplace", **asked)
    assert first.status == 200
    again = await client.signed("POST", "/api/v3/order/cancelReplace", **asked)
    assert (again.status, again.json) == (200, first.json)
    assert len((await client.signed("GET", "/api/v3/openOrders")).json) == 1


async def test_a_cancel_replace_that_failed_by_half_is_told_again_as_such(house: House) -> None:
    asked: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    asked |= {"quantity": "1", "price": "28000", "cancelReplaceMode": "ALLOW_FAILURE"}
    asked |= {"cancelOrderId": 99, "idempotencyKey": "k"}
    client = house.client(house.alice)
    first = await client.signed("POST", "/api/v3/order/cancelReplace", **asked)
    assert first.error[:2] == (409, -2021)
    again = await client.signed("POST", "/api/v3/order/cancelReplace", **asked)
    assert (again.status, again.json) == (409, first.json)


async def test_a_refusal_is_not_remembered(house: House) -> None:
    client = house.client(house.alice)
    poor: dict[str, Any] = {"side": "BUY", "quantity": "8000", "price": "1000", "idempotencyKey": "k"}
    assert (await client.order(**{**poor, "price": "29000"})).error[1] == -1013
    assert (await client.order("BUY", "1", "29000", idempotencyKey="k")).status == 200


async def test_concurrent_duplicates_are_one_order(house: House) -> None:
    """Twenty at once, over twenty connections: one order, twenty equal answers."""
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await placed(house, idempotencyKey="k"))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask)
    assert all(one == answers[0] for one in answers)
    assert len((await house.client(house.alice).signed("GET", "/api/v3/openOrders")).json) == 1


async def test_the_key_is_part_of_what_is_signed(house: House) -> None:
    client = house.client(house.alice)
    query = client.sign(f"symbol=BTCUSDT&idempotencyKey=k&timestamp={house.rooms.clock.now() // 1000}")
    reply = await client.send("POST", "/api/v3/order", query.replace("=k&", "=l&"))
    assert reply.error[1] == -1022


@pytest.mark.parametrize("key", ["a" * 65, "with space", "é"])
async def test_a_malformed_key_is_refused(house: House, key: str) -> None:
    reply = await house.client(house.alice).order("BUY", "1", "29000", idempotencyKey=key)
    assert reply.error[:2] == (400, -1100)


async def test_the_same_key_of_another_account_is_another_key(house: House) -> None:
    await placed(house, idempotencyKey="k")
    reply = await house.client(house.bob).order("BUY", "2", "29000", idempotencyKey="k")
    assert reply.status == 200


async def test_a_key_lives_for_twenty_five_hours(tmp_path: Path) -> None:
    clock = SetClock()
    async with running_house(tmp_path, clock) as house:
        first = await placed(house, idempotencyKey="k")
        clock.time += 25 * 3_600_000_000 - 1_000_000
        assert (await placed(house, idempotencyKey="k"))["orderId"] == first["orderId"]
        clock.time += 2_000_000
        assert (await placed(house, idempotencyKey="k"))["orderId"] != first["orderId"]


async def test_a_repetition_counts_as_no_order(tmp_path: Path) -> None:
    """Nothing is ordered by it, so it uses up nothing of what an account may order."""
    settings = Settings(order_limit_per_10_seconds=3)
    async with running_house(tmp_path, SetClock(), settings) as house:
        replies = [await placed(house, idempotencyKey="k") for _ in range(5)]
        assert replies == [replies[0]] * 5
        counts = (await house.client(house.alice).signed("GET", "/api/v3/rateLimit/order")).json
        assert [one["count"] for one in counts] == [1, 1]


async def test_at_the_limit_on_orders_the_first_answer_still_comes_back(tmp_path: Path) -> None:
    """Of an order, a cancel-replace and a list alike; what would be new is refused."""
    settings = Settings(order_limit_per_10_seconds=4)
    replace = PLAIN | {"price": "28000", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "mine"}
    pair: dict[str, object] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "1",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "31000",
    }
    pair |= {"belowType": "STOP_LOSS", "belowStopPrice": "28000"}
    asks: list[tuple[str, dict[str, object]]] = [
        ("/api/v3/order", PLAIN | {"newClientOrderId": "mine"}),
        ("/api/v3/order/cancelReplace", replace),
        ("/api/v3/orderList/oco", pair),
    ]
    async with running_house(tmp_path, SetClock(), settings) as house:
        client = house.client(house.alice)
        rounds = [
            [(await client.signed("POST", path, **asked, idempotencyKey=path[-3:])).json for path, asked in asks]
            for _ in range(3)
        ]
        assert all(
            name in one for name, one in zip(("orderId", "newOrderResult", "orderListId"), rounds[0], strict=True)
        )
        assert not [one for one in rounds[0] if "code" in one]
        assert rounds == [rounds[0]] * 3
        assert (await client.signed("POST", "/api/v3/order", **PLAIN, idempotencyKey="new")).error[1] == -1015
        other = PLAIN | {"quantity": "2", "idempotencyKey": "der"}
        assert (await client.signed("POST", "/api/v3/order", **other)).error == REUSED
