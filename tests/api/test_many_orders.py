"""An account with very many open orders: listing and cancelling them leaves others their turn."""

from __future__ import annotations

import trio
from msgspec.structs import replace

from exchange.api.auth import Caller
from exchange.api.endpoints import orders
from exchange.api.endpoints.reading import in_words
from exchange.api.parameters import Symbol
from exchange.core import commands as co
from exchange.core.orders import OrderType, Side
from exchange.core.units import MarketId, Price, Quantity
from tests.api.house import House
from tests.ledger.busy import pour

MANY = 4_000
BTC = Symbol("BTCUSDT")


async def test_a_list_of_very_many_orders_leaves_others_their_turn(house: House) -> None:
    sequencer = house.rooms.sequencer
    who = house.alice.account
    for book in sequencer.state.books.values():
        book.rules = replace(book.rules, max_orders=MANY)
    wanted: list[co.Command] = [
        co.PlaceOrder(
            *(who, MarketId(1), Side.BUY, OrderType.LIMIT, Quantity(20), Price(2_900_000 - number)),
            client_id=f"order-{number}",
        )
        for number in range(MANY)
    ]
    assert all(outcome.reject is None for outcome in await pour(sequencer, wanted))
    caller, turns = Caller(who, "", frozenset()), 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        rows = await sequencer.read(lambda state: [order.row() for order in state.orders.values()])
        turns = 0
        words = await in_words(rows, lambda row: row.client_id)
        assert turns >= MANY // 200 - 1
        nursery.cancel_scope.cancel()
    assert words == [row.client_id for row in rows]
    assert len(await orders.list_open(house.rooms, caller, orders.MaybeOneMarket(BTC))) == MANY
    assert len(await orders.cancel_all(house.rooms, caller, orders.OneMarket(BTC))) == MANY


async def test_an_order_that_was_amended_very_often_is_answered_as_any_other(house: House) -> None:
    """Where a market allows for it: the answer to a deed that was done must not be an error."""
    sequencer, who, often = house.rooms.sequencer, house.alice.account, 600
    book = sequencer.state.books[MarketId(1)]
    book.rules = replace(book.rules, max_amendments=often)
    order = co.PlaceOrder(who, MarketId(1), Side.BUY, OrderType.LIMIT, Quantity(2 * often), Price(2_900_000))
    wanted: list[co.Command] = [replace(order, client_id="often")]
    wanted += [
        co.AmendOrder(who, MarketId(1), Quantity(2 * often - n), "often", client_id="often") for n in range(1, often)
    ]
    assert all(outcome.reject is None for outcome in await pour(sequencer, wanted))
    asked = {"symbol": "BTCUSDT", "origClientOrderId": "often", "newQty": "0.00600"}
    reply = await house.client(house.alice).signed("PUT", "/api/v3/order/amend/keepPriority", **asked)
    assert (reply.status, reply.json["amendedOrder"]["origClientOrderId"]) == (200, "often")
    assert reply.json["amendedOrder"]["qty"] == "0.00600000"
