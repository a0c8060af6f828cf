"""What passes over the socket survives the passage, and text from users arrives without teeth."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.admin import wire
from exchange.admin.printing import price, quantity
from exchange.core.listing import MarketPreset, rules_of
from exchange.core.market import Asset
from exchange.core.units import AssetId


@pytest.mark.parametrize("method", sorted(wire.ASKS))
def test_every_question_names_the_type_of_its_answer(method: str) -> None:
    assert issubclass(wire.result_type(wire.ASKS[method]), msgspec.Struct)


@pytest.mark.parametrize("method", sorted(wire.ASKS))
def test_every_question_says_what_it_asks(method: str) -> None:
    """In its own docstring, or by its name alone where it takes no explaining."""
    ask = wire.ASKS[method]
    assert ask.__doc__ or not ask.__struct_fields__ or len(ask.__struct_fields__) <= 3


def test_a_question_survives_the_passage() -> None:
    request = wire.decode_request(wire.request(7, wire.GetBook("BTCUSDT", 5)))
    assert (request.id, request.method) == (7, "book")
    assert msgspec.json.decode(request.params, type=wire.GetBook) == wire.GetBook("BTCUSDT", 5)


def test_an_answer_survives_the_passage() -> None:
    view = wire.TradesView("BTCUSDT", (wire.TradeRow(1, 2, "3.00", "4.0", "BUY"),))
    reply = wire.decode_frame(wire.encode(wire.Reply(7, msgspec.Raw(msgspec.json.encode(view)))))
    assert isinstance(reply, wire.Reply)
    assert wire.decode_result(wire.GetTrades("BTCUSDT"), reply) == view


@pytest.mark.parametrize("kind", [kind for kind in get_args(wire.FromServer) if issubclass(kind, wire.Push)])
def test_every_push_has_a_name_of_its_own(kind: type[wire.Push]) -> None:
    assert kind.__struct_config__.tag


@given(st.text())
def test_b47_clean_text_cannot_steer_a_terminal(text: str) -> None:
    """B47: no control, format, surrogate or private character, no line or paragraph end, no odd space."""
    assert wire.clean(text).isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("Zoë 李", "Zoë 李"),
        ("\x1b[2J", "\\u001b[2J"),
        ("a\nb\tc\r", "a\\u000ab\\u0009c\\u000d"),
        ("\x9b31m", "\\u009b31m"),
        ("\u202egnp", "\\u202egnp"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_b47_what_is_harmless_stays_and_the_rest_is_shown_in_letters(text: str, shown: str) -> None:
    assert wire.clean(text) == shown


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert wire.clean(wire.clean(text)) == wire.clean(text)


@pytest.mark.parametrize("length", [1, 107, 108, 200])
def test_a_socket_at_a_path_of_any_length_is_reachable(tmp_path: Path, length: int) -> None:
    """The kernel takes 107 bytes."""
    folder = tmp_path / ("d" * max(1, length - len(os.fsencode(tmp_path)) - 3))
    folder.mkdir()
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with wire.reachable(path) as address:
            server.bind(address)
        server.listen()
        with wire.reachable(path) as address:
            client.connect(address)
    assert path.is_socket()


@pytest.mark.parametrize(
    ("tick", "lot", "shown"),
    [("0.01", "0.00001", ("1.23", "0.00123")), ("1", "1", ("123", "123")), ("0.5", "0.1", ("61.5", "12.3"))],
)
def test_prices_and_quantities_have_the_places_of_their_step(tick: str, lot: str, shown: tuple[str, str]) -> None:
    assets = Asset(AssetId(1), "BTC", 8), Asset(AssetId(2), "USDT", 8)
    preset = MarketPreset(
        symbol="X",
        base="BTC",
        quote="USDT",
        tick=tick,
        lot=lot,
        reference="100",
        max_price="1000",
        max_quantity="1000",
        max_notional="1000",
    )
    market = rules_of(preset, *assets)
    assert (price(market, 123), quantity(market, 123)) == shown
