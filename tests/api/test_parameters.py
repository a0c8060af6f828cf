"""Bytes become typed requests or refusals, and never anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.api.endpoints.cancel_replace import ReplaceRequest
from exchange.api.endpoints.general import InfoRequest
from exchange.api.endpoints.market_data import KlineRequest
from exchange.api.endpoints.sizing import NewOrder, placing
from exchange.api.errors import Refusal, Refused
from exchange.api.http_routes import ROUTES
from exchange.api.parameters import decode, distinct, fields_of, pairs, read_time
from exchange.clock import SystemClock
from exchange.core.listing import AssetPreset, MarketPreset, rules_of
from exchange.core.market import Asset
from exchange.core.orders import OrderType, Side
from exchange.core.units import AccountId, AssetId

T = TypeVar("T")
TAKEN = sorted({route.takes for route in ROUTES}, key=lambda one: one.__name__)
NAMES = sorted({field.name for takes in TAKEN for field in fields_of(takes)})
GOOD_WORDS = ["BTCUSDT", "BUY", "LIMIT", "GTC", "1", "0.5", "29000.01", "true", '["BTCUSDT"]', "1m", "1700000000000"]
BTCUSDT = rules_of(
    MarketPreset(
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick="0.01",
        lot="0.00001",
        reference="30000",
        max_price="1000000",
        max_quantity="9000",
        max_notional="9000000",
    ),
    Asset(AssetId(1), AssetPreset("BTC", 8).code, 8),
    Asset(AssetId(2), "USDT", 8),
)


def test_parameters_are_read_in_order_and_decoded() -> None:
    assert pairs(b"a=1&b=%C3%A9+x&c&&d=") == [("a", "1"), ("b", "é x"), ("c", ""), ("d", "")]


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(Refused, match="Duplicate values"):
        distinct([("a", "1"), ("a", "1")])


def test_a_request_is_typed() -> None:
    sent = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "1"}
    order = decode(NewOrder, sent)
    assert (order.side, order.type, order.quantity, order.price) == (Side.SELL, OrderType.MARKET, "1", None)


def test_a_list_of_symbols_is_read_as_json() -> None:
    assert decode(InfoRequest, {"symbols": '["A","B"]'}).symbols == ("A", "B")


def test_times_are_milliseconds_or_microseconds() -> None:
    assert read_time("t", "1700000000123") == read_time("t", "1700000000123000") == 1_700_000_000_123_000


def test_a_candle_length_is_case_sensitive() -> None:
    month = decode(KlineRequest, {"symbol": "A", "interval": "1M"})
    minute = decode(KlineRequest, {"symbol": "A", "interval": "1m"})
    assert month.interval != minute.interval


def tried(act: Callable[[], T]) -> T | Refusal:
    """What `act` yields, or its refusal; anything else it raises is a failure."""
    try:
        return act()
    except Refused as refused:
        return refused.refusal


@given(st.binary(max_size=300))
def test_no_bytes_can_be_more_than_refused(raw: bytes) -> None:
    for takes in TAKEN:
        got = tried(lambda takes=takes: decode(takes, distinct(pairs(raw))))  # type: ignore[misc]
        assert not isinstance(got, Refusal) or (got.status, got.code < -1000) == (400, True)


@given(
    st.sampled_from(TAKEN),
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(), st.sampled_from(GOOD_WORDS) | st.text() | st.from_regex(r"\d+\.?\d*")
    ),
)
def test_no_parameters_can_be_more_than_refused(takes: type[msgspec.Struct], sent: dict[str, str]) -> None:
    got = tried(lambda: decode(takes, sent))
    assert not isinstance(got, Refusal) or got.status == 400


@given(
    st.sampled_from([NewOrder, ReplaceRequest]),
    st.sampled_from(list(OrderType)),
    st.dictionaries(
        st.sampled_from(["timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "icebergQty"]),
        st.from_regex(r"\d{1,24}(\.\d{1,12})?", fullmatch=True) | st.sampled_from(["GTC", "IOC", "FOK"]),
    ),
)
def test_an_order_is_placed_as_asked_to_the_last_digit_or_refused(
    takes: type[NewOrder], kind: OrderType, sent: dict[str, str]
) -> None:
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": kind.name, **sent}
    if takes is ReplaceRequest:
        asked |= {"cancelReplaceMode": "ALLOW_FAILURE"}
    order = tried(lambda: placing(SystemClock(), AccountId(100), BTCUSDT, decode(takes, asked)))
    if isinstance(order, Refusal):
        assert order.status == 400
        return
    exact = {"price": (order.price, 2), "stopPrice": (order.stop_price, 2), "quantity": (order.quantity, 5)}
    for name, (steps, places) in exact.items():
        whole, _, part = sent.get(name, "0").partition(".")
        assert steps == int(whole + part.rstrip("0").ljust(places, "0"))
