"""Batches: each entry answered on its own, in order, with nobody else's between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.settings import Settings
from tests.api.house import Answer, House, SetClock, running_house

PATH = "/ext/v1/batchOrders"


def limit(side: str, quantity: str, price: str, **more: object) -> dict[str, object]:
    plain: dict[str, object] = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}
    return plain | {"side": side, "quantity": quantity, "price": price, "newOrderRespType": "RESULT", **more}


async def batch(house: House, *entries: object) -> Answer:
    text = msgspec.json.encode(list(entries)).decode()
    return await house.client(house.alice).signed("POST", PATH, batchOrders=text)


async def test_each_entry_is_answered_in_its_place(house: House) -> None:
    """Orders, a refusal that stops nobody, a cancel of an order that the same batch placed, a replacement."""
    entries: list[Any] = [
        limit("BUY", "1", "29000", newClientOrderId="a"),
        limit("BUY", "1", "29000.001"),
        {"method": "order.cancel", "symbol": "BTCUSDT", "origClientOrderId": "a"},
        {"method": "order.place"} | limit("BUY", "2", "28000", newClientOrderId="b"),
        {"method": "order.cancelReplace", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "b"}
        | limit("BUY", "3", "28000"),
    ]
    reply = await batch(house, *entries)
    assert reply.status == 200
    assert [one["status"] for one in reply.json] == [200, 400, 200, 200, 200]
    assert reply.json[1]["error"] | {"serverTime": 0} == {
        "code": -1013,
        "msg": "Filter failure: PRICE_FILTER",
        "reason": "PRICE_FILTER",
        "serverTime": 0,
    }
    assert reply.json[2]["result"]["status"] == "CANCELED"
    open_orders = await house.client(house.alice).signed("GET", "/api/v3/openOrders")
    assert [one["origQty"] for one in open_orders.json] == ["3.00000000"]


async def test_a_refusal_of_the_core_has_its_name(house: House) -> None:
    reply = await batch(house, limit("SELL", "200", "30000"))
    error = reply.json[0]["error"]
    assert (error["code"], error["reason"]) == (-2010, "INSUFFICIENT_FUNDS")


async def test_numbers_are_read_as_they_are_written(house: House) -> None:
    """No float on the way: what a JSON number says is what is asked."""
    text = '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":1.10,"price":29000.10}]'
    reply = await house.client(house.alice).signed("POST", PATH, batchOrders=text)
    assert reply.json[0]["status"] == 200, reply.json


async def test_entries_may_have_keys(house: House) -> None:
    """A batch that is sent again blindly does nothing twice."""
    entries = [limit("BUY", "1", "29000", idempotencyKey=f"k{n}") for n in range(3)]
    first = await batch(house, *entries)
    again = await batch(house, *entries)
    assert again.json == first.json
    assert len((await house.client(house.alice).signed("GET", "/api/v3/openOrders")).json) == 3


async def test_every_order_counts(tmp_path: Path) -> None:
    """The third order of a batch is refused where two are allowed; cancels do not count."""
    settings = Settings(order_limit_per_10_seconds=2, weight_limit_per_minute=6_000)
    async with running_house(tmp_path, settings=settings) as house:
        cancel = {"method": "order.cancel", "symbol": "BTCUSDT", "origClientOrderId": "x"}
        reply = await batch(house, *[limit("BUY", "1", "29000")] * 2, cancel, limit("BUY", "1", "29000"))
        assert [one["status"] for one in reply.json] == [200, 200, 400, 429]
        assert reply.json[3]["error"]["reason"] == "TOO_MANY_ORDERS"
        assert reply.headers["x-mbx-order-count-10s"] == "2"
        assert reply.headers["x-mbx-used-weight-1m"] == "4"


async def test_at_the_limit_an_entry_under_its_key_is_answered_again(tmp_path: Path) -> None:
    settings = Settings(order_limit_per_10_seconds=1)
    async with running_house(tmp_path, SetClock(), settings) as house:
        entries = [limit("BUY", "1", "29000", idempotencyKey=key) for key in ("a", "b")]
        cancel = {"method": "order.cancel", "symbol": "BTCUSDT", "origClientOrderId": "x"}
        first, again = [(await batch(house, entries[0], entries[1], cancel)).json for _ in range(2)]
        assert [one["status"] for one in first] == [200, 429, 400]
        assert again == first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[1]",
        '["a"]',
        "[null]",
        "[[]]",
        '[{"symbol":null}]',
        '[{"symbol":{}}]',
        '[{"symbol":[]}]',
        "[{}",
        "[" * 2_000,
        "[" + ",".join(["{}"] * 21) + "]",
        '[{"symbol":"A","symbol":"B"}]',
        '[{"symbol":"\\ud800"}]',
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(house: House, text: str) -> None:
    reply = await house.client(house.alice).signed("POST", PATH, batchOrders=text)
    assert reply.status == 400
    assert reply.json["reason"] in {"INVALID_PARAMETER", "EMPTY_PARAMETER", "MISSING_PARAMETER", "TOO_MANY_PARAMETERS"}


@pytest.mark.parametrize("entry", [{}, {"method": "x"}, {"method": ""}, {"extra": "1"}, {"symbol": 1}])
async def test_an_entry_that_makes_no_sense_is_refused_alone(house: House, entry: dict[str, object]) -> None:
    reply = await batch(house, entry, limit("BUY", "1", "29000"))
    assert [one["status"] for one in reply.json] == [400, 200]
