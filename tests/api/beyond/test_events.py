"""One's own events by number: none missing, none twice, nothing of others."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.api.own_words import kind_of
from exchange.core import events as ev
from tests.api.house import House, Person


async def events_of(house: House, person: Person, start: int = 1, limit: int = 1_000) -> Any:
    return (await house.client(person).signed("GET", "/ext/v1/events", **{"from": start, "limit": limit})).json


async def trade(house: House) -> None:
    """Bob sells half of what Alice asks for, who then cancels."""
    bought = await house.client(house.alice).order("BUY", "1", "29000", newClientOrderId="mine", idempotencyKey="k")
    await house.client(house.bob).order("SELL", "0.5", "28000")
    await house.client(house.alice).signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=bought.json["orderId"])


async def test_every_event_has_the_number_after_the_one_before(house: House) -> None:
    await trade(house)
    reply = await events_of(house, house.alice)
    assert [one["number"] for one in reply["events"]] == list(range(1, 8))
    assert (reply["next"], reply["last"]) == (8, 7)
    kinds = [one["kind"] for one in reply["events"]]
    assert kinds == ["credited"] * 3 + ["orderAccepted", "keyUsed", "traded", "orderEnded"]


async def test_an_event_tells_all_that_is_ones_own_in_plain_decimals(house: House) -> None:
    await trade(house)
    *_, accepted, _, traded, ended = (await events_of(house, house.alice))["events"]
    assert {name: accepted[name] for name in ("symbol", "side", "price", "quantity", "hold", "clientId")} == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "price": "29000.00000000",
        "quantity": "1.00000000",
        "hold": "29000.00000000",
        "clientId": "mine",
    }
    assert {name: traded[name] for name in ("role", "side", "price", "quantity", "quoteQuantity", "fee")} == {
        "role": "maker",
        "side": "BUY",
        "price": "29000.00000000",
        "quantity": "0.50000000",
        "quoteQuantity": "14500.00000000",
        "fee": "0.00050000",
    }
    assert ended["status"] == "CANCELED"
    assert accepted["orderId"] == traded["orderId"] == ended["orderId"]


async def test_nothing_is_told_of_the_other_side_of_a_trade(house: House) -> None:
    await trade(house)
    alice, bob = await events_of(house, house.alice), await events_of(house, house.bob)
    mine = next(one for one in alice["events"] if one["kind"] == "traded")
    theirs = next(one for one in bob["events"] if one["kind"] == "traded")
    assert mine["tradeId"] == theirs["tradeId"]
    assert mine["orderId"] != theirs["orderId"]
    assert set(mine) == set(theirs)
    assert not {"maker", "taker", "makerOrder", "takerOrder"} & set(mine)


async def test_a_trade_with_oneself_is_two_events(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "1", "30000")
    await alice.order("BUY", "1", "30000", selfTradePreventionMode="NONE")
    told = [one for one in (await events_of(house, house.alice))["events"] if one["kind"] == "traded"]
    assert [(one["role"], one["side"]) for one in told] == [("maker", "SELL"), ("taker", "BUY")]
    assert told[1]["number"] == told[0]["number"] + 1


async def test_a_prevented_match_tells_quantities_by_their_names(house: House) -> None:
    alice = house.client(house.alice)
    await alice.order("SELL", "0.7", "30000")
    await alice.order("BUY", "0.5", "30000", selfTradePreventionMode="DECREMENT")
    told = [one for one in (await events_of(house, house.alice))["events"] if one["kind"] == "matchPrevented"]
    lost = [(one["makerPreventedQuantity"], one["takerPreventedQuantity"]) for one in told]
    assert set(lost) == {("0.50000000", "0.50000000")}
    assert not [name for one in told for name in one if "ots" in name]


@pytest.mark.parametrize("limit", [1, 2, 3, 1_000])
async def test_pages_join_without_a_gap_or_a_repetition(house: House, limit: int) -> None:
    await trade(house)
    whole, start, found = (await events_of(house, house.alice))["events"], 1, []
    while page := (await events_of(house, house.alice, start, limit))["events"]:
        found += page
        start = page[-1]["number"] + 1
    assert found == whole


async def test_asking_beyond_the_last_event_gets_none(house: House) -> None:
    reply = await events_of(house, house.alice, 99)
    assert reply == {"events": [], "next": 99, "last": 3}


def test_every_event_of_an_account_can_be_worded() -> None:
    """No event class shares its name in words with another, and each has a number of the account's own."""
    kinds = [kind for kind in ev.Event.__args__ if "account_seq" in kind.__struct_fields__ or kind is ev.Traded]
    assert len({kind_of(kind) for kind in kinds}) == len(kinds) >= 14
