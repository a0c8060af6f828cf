"""Two users × every route beyond the dialect: nobody sees or moves what is another's (B53)."""

from __future__ import annotations

import random

import msgspec
import pytest

from exchange.api.http_routes import EXTENSION, Route, Security
from exchange.core import commands as co
from exchange.office.keys import Scope
from tests.api.house import READ, House, query

CANCEL = {"method": "order.cancel", "symbol": "BTCUSDT", "origClientOrderId": "hers"}
ASKED: dict[str, dict[str, object]] = {
    "/ext/v1/events": {},
    "/ext/v1/ledger": {},
    "/ext/v1/batchOrders": {"batchOrders": msgspec.json.encode([CANCEL]).decode()},
    "/ext/v1/deposit/explain": {"txId": "hers"},
    "/ext/v1/withdraw/address": {"coin": "BTC", "address": "nobodys"},
    "/ext/v1/withdraw": {"id": "hers"},
    "/ext/v1/account/freeze": {},
    "/ext/v1/countdownCancelAll": {"symbol": "BTCUSDT", "countdownTime": 1000},
}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", EXTENSION, ids=named)
async def test_nothing_of_anothers_is_told_or_moved(house: House, route: Route) -> None:
    placed = await house.client(house.alice).order("BUY", "1", "29000", newClientOrderId="hers", idempotencyKey="hers")
    assert placed.status == 200
    his = house.rooms.keyring.create(house.bob.account, frozenset(Scope), "hmac", roaming=True)
    reply = await house.client(key=his).signed(route.method, route.path, **ASKED[route.path])
    assert reply.status == (400 if route.security is Security.WITHDRAW else 200)
    assert b"hers" not in reply.raw
    market = house.rooms.catalogue.find("BTCUSDT").id
    await house.rooms.sequencer.call(co.FireCountdown(house.bob.account, market))
    assert len((await house.client(house.alice).signed("GET", "/api/v3/openOrders")).json) == 1


@pytest.mark.parametrize("route", EXTENSION, ids=named)
async def test_who_has_not_signed_or_may_not_is_refused(house: House, route: Route) -> None:
    before = await house.fingerprint()
    unsigned = await house.client(house.alice).ask(route.method, route.path, **ASKED[route.path])
    assert unsigned.status in {400, 401}
    reading = house.rooms.keyring.create(house.alice.account, READ, "hmac", label="reads")
    reply = await house.client(key=reading).signed(route.method, route.path, **ASKED[route.path])
    assert reply.status == (200 if route.security is Security.READ else 401)
    assert await house.fingerprint() == before


async def test_hostile_requests_change_nothing_and_break_nothing(house: House) -> None:
    """Parameters of every shape, signed as they should be: refusals, never a fault of ours."""
    dice, client = random.Random(7), house.client(house.alice)
    words = ["", "0", "-1", "1", "9" * 30, "NaN", "null", "[]", "[{}]", '[{"symbol":1e999}]', "é", "\x00", "A" * 500]
    words += ['[{"quantity":{"a":[1]}}]', '[[["x"]]]', "[" * 500, '{"a":1}', "CSV", "JSON", "BTCUSDT", str(1 << 64)]
    before = await house.fingerprint()
    for _ in range(300):
        route = dice.choice(EXTENSION)
        names = ["from", "limit", "format", "batchOrders", "symbol", "countdownTime", "idempotencyKey"]
        sent: dict[str, object] = {name: dice.choice(words) for name in dice.sample(names, dice.randint(0, 3))}
        stamped = {"timestamp": house.rooms.clock.now() // 1000, **sent}
        reply = await client.send(route.method, route.path, client.sign(query(stamped)))
        assert reply.status < 500, (route.path, sent, reply.raw)
    assert await house.fingerprint() == before
