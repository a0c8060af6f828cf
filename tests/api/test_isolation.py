"""B53: two traders, every route: nobody sees or moves what is another's. A route without a probe fails."""

from __future__ import annotations

import pytest

from exchange.api.http_routes import ROUTES
from tests.api.house import Answer, Client, House
from tests.api.listed import OCO, OLD_OCO, OTO, OTOCO, place

SYMBOL: dict[str, object] = {"symbol": "BTCUSDT"}
SELL: dict[str, object] = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "40000"}

PROBES: dict[str, dict[str, object]] = {
    "POST /api/v3/order": SYMBOL | SELL | {"newClientOrderId": "hers"},
    "POST /api/v3/order/test": SYMBOL | SELL | {"newClientOrderId": "hers"},
    "GET /api/v3/order": SYMBOL | {"orderId": 1},
    "DELETE /api/v3/order": SYMBOL | {"orderId": 1},
    "POST /api/v3/order/cancelReplace": SYMBOL | SELL | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 1},
    "GET /api/v3/openOrders": SYMBOL,
    "DELETE /api/v3/openOrders": SYMBOL,
    "GET /api/v3/allOrders": SYMBOL | {"orderId": 0},
    "POST /api/v3/orderList/oco": OCO,
    "POST /api/v3/orderList/oto": OTO,
    "POST /api/v3/orderList/otoco": OTOCO,
    "POST /api/v3/order/oco": OLD_OCO,
    "GET /api/v3/orderList": {"orderListId": 1},
    "DELETE /api/v3/orderList": SYMBOL | {"orderListId": 1},
    "GET /api/v3/openOrderList": {},
    "GET /api/v3/allOrderList": {"fromId": 0},
    "GET /api/v3/account": {},
    "GET /api/v3/account/commission": SYMBOL,
    "PUT /api/v3/order/amend/keepPriority": SYMBOL | {"orderId": 1, "newQty": "0.5"},
    "GET /api/v3/order/amendments": SYMBOL | {"orderId": 1},
    "GET /api/v3/myPreventedMatches": SYMBOL | {"orderId": 1},
    "GET /api/v3/myTrades": SYMBOL,
    "GET /api/v3/rateLimit/order": {},
    "GET /api/v3/myAllocations": SYMBOL | {"orderId": 1},
    "GET /api/v3/myFilters": SYMBOL,
    "GET /sapi/v1/capital/deposit/address": {"coin": "BTC"},
    "GET /sapi/v1/capital/deposit/hisrec": {},
    "GET /sapi/v1/capital/withdraw/history": {},
    "POST /sapi/v1/capital/withdraw/apply": {"coin": "BTC", "address": "x", "amount": "1"},
    "GET /sapi/v1/capital/withdraw/address/list": {},
    "GET /sapi/v1/account/status": {},
    "GET /sapi/v1/account/apiTradingStatus": {},
    "GET /sapi/v1/account/apiRestrictions": {},
    "GET /sapi/v1/capital/config/getall": {},
    "GET /sapi/v1/asset/tradeFee": {},
}
"""What bob sends to each signed route, naming alice's order wherever an order can be named."""

LISTEN = ("POST", "PUT", "DELETE")
SIGNED = {f"{route.method} {route.path}" for route in ROUTES if route.scope is not None}


def test_every_signed_route_is_probed() -> None:
    assert set(PROBES) == SIGNED


async def hers(house: House) -> tuple[object, ...]:
    """All of alice's: balances and orders."""
    account = house.alice.account
    balances, orders, _ = await house.fingerprint()
    mine = tuple(balance for balance in balances if balance[0] >> 16 == account)
    return mine, tuple(order for order in orders if order.account == account)


async def furnish(house: House) -> None:
    """An open order and a list of alice's with names, a trade between the two, and an order of bob's."""
    alice, bob = house.client(house.alice), house.client(house.bob)
    assert (await alice.order("BUY", "1", "29000", newClientOrderId="hers")).status == 200
    await alice.order("BUY", "0.5", "29500", newClientOrderId="traded")
    await bob.order("SELL", "0.25", "29500", newClientOrderId="his")
    more = {"belowPrice": "28000", "listClientOrderId": "herlist"}
    assert (await place(house, house.alice, "oco", OCO, **more)).status == 200


@pytest.mark.parametrize("probe", sorted(PROBES))
async def test_bob_neither_sees_nor_moves_what_is_alices(house: House, probe: str) -> None:
    await furnish(house)
    before = await hers(house)
    method, path = probe.split()
    reply = await house.client(house.bob).signed(method, path, **PROBES[probe])
    assert await hers(house) == before
    shown = reply.raw.decode()
    for secret in ('"traded"', house.alice.key.api_key, "9956250.00000000"):
        assert secret not in shown
    if probe != "POST /api/v3/order":  # which may carry the same name for an order of bob's own
        assert '"hers"' not in shown
    assert "herlist" not in shown


async def test_bob_finds_just_his_own(house: House) -> None:
    await furnish(house)
    bob = house.client(house.bob)

    async def ids(path: str) -> list[int]:
        return [one["orderId"] for one in (await bob.signed("GET", path, symbol="BTCUSDT")).json]

    assert await ids("/api/v3/openOrders") == []
    assert await ids("/api/v3/allOrders") == [3]
    assert await ids("/api/v3/myTrades") == [3]
    account = (await bob.signed("GET", "/api/v3/account")).json
    assert (account["uid"], account["balances"][0]["free"]) == (house.bob.account, "99.75000000")


async def test_a_name_finds_only_ones_own_order(house: House) -> None:
    await furnish(house)
    bob = house.client(house.bob)
    for method, code in (("GET", -2013), ("DELETE", -2011)):
        refusal = await bob.signed(method, "/api/v3/order", symbol="BTCUSDT", origClientOrderId="hers")
        assert refusal.error[1] == code


async def test_listen_keys_are_ones_own(house: House) -> None:
    alice, bob = house.client(house.alice), house.client(house.bob)
    path = "/api/v3/userDataStream"
    key = (await alice.ask("POST", path)).json
    assert (await bob.ask("POST", path)).json != key
    for method in ("PUT", "DELETE"):
        assert (await bob.ask(method, path, **key)).error == (400, -1125, "This listenKey does not exist.")
    assert (await alice.ask("PUT", path, **key)).status == 200
    assert (await alice.ask("DELETE", path, **key)).status == 200
    assert (await alice.ask("PUT", path, **key)).error[1] == -1125


@pytest.mark.parametrize("probe", sorted(PROBES))
async def test_a_signed_route_answers_nobody_without_a_signature(house: House, probe: str) -> None:
    before = await house.fingerprint()
    method, path = probe.split()
    stranger, keyed = Client(house, None), house.client(house.alice)
    refusals: list[Answer] = [
        await stranger.ask(method, path, **PROBES[probe]),
        await stranger.ask(
            method, path, **PROBES[probe], timestamp=house.rooms.clock.now() // 1000, signature="0" * 64
        ),
        await keyed.ask(method, path, **PROBES[probe]),
        await keyed.ask(method, path, **PROBES[probe], timestamp=house.rooms.clock.now() // 1000, signature="0" * 64),
    ]
    assert [refusal.error[:2] for refusal in refusals] == [(401, -2014), (401, -2014), (400, -1102), (400, -1022)]
    assert await house.fingerprint() == before


@pytest.mark.parametrize("method", LISTEN)
async def test_a_stream_needs_a_key(house: House, method: str) -> None:
    assert (await house.client().ask(method, "/api/v3/userDataStream", listenKey="x")).error[:2] == (401, -2014)
