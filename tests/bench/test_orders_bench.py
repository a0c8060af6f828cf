"""The requests of the end-to-end bench are what they say they are. No times are asserted."""

from __future__ import annotations

import hmac
from collections import Counter
from urllib.parse import parse_qs

import msgspec
import pytest

from bench import orders
from bench.server import Key
from exchange.core.units import AccountId

KEY = Key(AccountId(100), "name", b"secret")


def test_the_mix_is_as_promised_and_the_same_each_time() -> None:
    made = orders.make(4, 5_000, "case")
    assert made == orders.make(4, 5_000, "case")
    kinds = Counter(request.kind for own in made for request in own)
    assert [kinds[kind] / 20_000 for kind in (orders.PLACE, orders.CANCEL, orders.CROSS)] == pytest.approx(
        [0.60, 0.35, 0.05], abs=0.02
    )


def test_a_connection_cancels_only_orders_that_it_placed_before_and_that_no_crossing_order_reaches() -> None:
    for own in orders.make(4, 2_000, "case"):
        standing: dict[str, orders.Request] = {}
        for request in own:
            if request.kind == orders.CANCEL:
                cancelled = standing.pop(request.name)
                assert abs(cancelled.price - 3_000_000) >= 10
            elif request.kind == orders.PLACE:
                standing[request.name] = request
            else:
                assert abs(request.price - 3_000_000) == 3


def test_websocket_requests_are_signed_over_their_sorted_parameters() -> None:
    [[frame]] = orders.websocket([[orders.Request(orders.PLACE, "a", "BUY", 3_000_001, 1_234)]], [KEY])
    params = msgspec.json.decode(frame)["params"]
    signature = params.pop("signature")
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    assert signature == hmac.digest(b"secret", payload.encode(), "sha256").hex()
    assert (params["price"], params["quantity"]) == ("30000.01", "0.01234")


def test_http_requests_are_signed_over_their_query() -> None:
    [[request]] = orders.http([[orders.Request(orders.CANCEL, "a")]], [KEY], 80)
    query, _, signature = request.split(b" ")[1].partition(b"?")[2].rpartition(b"&signature=")
    assert signature.decode() == hmac.digest(b"secret", query, "sha256").hex()
    assert request.startswith(b"DELETE /api/v3/order?")
    assert parse_qs(query)[b"origClientOrderId"] == [b"a"]
