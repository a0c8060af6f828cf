"""Each parameter of each endpoint: left out, empty, malformed, too large, unknown, twice; refused by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from exchange.api.errors import Refused
from exchange.api.http_routes import ROUTES, Route
from exchange.api.parameters import Field, decode, distinct, fields_of
from tests.api.test_isolation import PROBES
from tests.api.test_replies import ASKED

MALFORMED: Final[dict[str, int]] = {
    "Side": -1117,
    "OrderType": -1116,
    "TimeInForce": -1115,
    "Interval": -1120,
    "SymbolStatus": -1122,
    "ResponseType": -1136,
    "TickerType": -1139,
    "CancelRestriction": -1145,
    "SelfTrade": -1130,
    "ReplaceMode": -1130,
    "RateLimitMode": -1130,
}
"""What nonsense is refused with, by kind; whatever is not listed is text that must match a pattern: -1100."""

FREE: Final = {"str", "Permissions"}
"""Kinds that any text is good for."""


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def good(route: Route) -> dict[str, str]:
    """Parameters that the endpoint can read."""
    sent = PROBES.get(named(route)) or ASKED.get(named(route)) or ASKED.get(route.path) or {}
    made = {name: str(value) for name, value in sent.items()}
    for field in fields_of(route.takes):
        if field.mandatory and field.name not in made:
            made[field.name] = SAMPLES[field.kind]
    return made


SAMPLES: Final = {"Symbol": "BTCUSDT", "str": "x", "Count": "1", "Interval": "1m", "Decimal": "1", "Micros": "1"}


def cases() -> Iterator[Any]:
    for route in ROUTES:
        for field in fields_of(route.takes):
            yield pytest.param(route, field, id=f"{named(route)} {field.name}")


def refusal(route: Route, sent: dict[str, str]) -> tuple[int, str]:
    """(code, text)."""
    with pytest.raises(Refused) as caught:
        decode(route.takes, sent)
    return caught.value.refusal.code, caught.value.refusal.text


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_what_is_good_is_read(route: Route) -> None:
    """Else the tables below would prove nothing."""
    assert isinstance(decode(route.takes, good(route)), msgspec.Struct)


@pytest.mark.parametrize(("route", "field"), list(cases()))
def test_a_parameter_left_out_or_empty_is_refused_by_name_unless_it_may_be_left_out(route: Route, field: Field) -> None:
    without = {name: value for name, value in good(route).items() if name != field.name}
    absent = -1102, f"Mandatory parameter '{field.name}' was not sent, was empty/null, or malformed."
    if field.mandatory:
        assert refusal(route, without) == absent
        assert refusal(route, without | {field.name: ""}) == absent
    else:
        decode(route.takes, without)
        assert refusal(route, without | {field.name: ""}) == (-1105, f"Parameter '{field.name}' was empty.")


@pytest.mark.parametrize(("route", "field"), list(cases()))
def test_nonsense_is_refused_with_the_code_for_its_kind(route: Route, field: Field) -> None:
    if field.kind in FREE:
        return
    for nonsense in ("\x01", " ", "💥", "[", "'", "a b"):
        code, text = refusal(route, good(route) | {field.name: nonsense})
        assert code == MALFORMED.get(field.kind, -1100), text
        assert code not in {-1100, -1130} or f"'{field.name}'" in text


@pytest.mark.parametrize(("route", "field"), list(cases()))
def test_a_number_beyond_all_numbers_overflows(route: Route, field: Field) -> None:
    if field.kind in {"Count", "Micros"}:
        told = refusal(route, good(route) | {field.name: "9" * 20})
        assert told == (-1108, f"Parameter '{field.name}' overflowed.")


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_parameter_that_an_endpoint_does_not_have_is_refused_by_name(route: Route) -> None:
    code, text = refusal(route, good(route) | {"noSuch": "1"})
    if fields_of(route.takes):
        assert code == -1104
        assert "'noSuch'" in text
    else:
        assert (code, text) == (-1101, "Too many parameters; expected '0' and received '1'.")


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_parameter_sent_twice_is_refused(route: Route) -> None:
    for name, value in good(route).items():
        with pytest.raises(Refused) as caught:
            distinct([(name, value), (name, value)])
        assert caught.value.refusal.code == -1101
