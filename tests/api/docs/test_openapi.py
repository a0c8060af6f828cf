"""OpenAPI: valid, complete, and true of what the running house answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from exchange.api import errors, ws_requests
from exchange.api.docs import openapi, refusals
from exchange.api.docs.advice import ADVICE
from exchange.api.docs.asking import parameters_of
from exchange.api.errors import Refused
from exchange.api.http_routes import ROUTES, Route, find
from exchange.api.parameters import fields_of
from exchange.api.ws_session import OWN
from tests.api.docs.judge import faults, told
from tests.api.house import House
from tests.api.test_bad_input import CASES, GOOD, NOT
from tests.api.test_replies import NAMES, answered

DOCUMENT = openapi.document()


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def test_it_is_openapi() -> None:
    assert [str(fault) for fault in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_stands_there_with_every_parameter(route: Route) -> None:
    asked = {one["name"]: one["required"] for one in operation(route)["parameters"]}
    for field in fields_of(route.takes):
        assert asked.pop(field.name) is field.mandatory
    assert asked in ({}, {"timestamp": True, "recvWindow": False})


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_everything_has_words(route: Route) -> None:
    entry = operation(route)
    assert entry["summary"].endswith((".", ";", ":"))
    assert all(one["description"] for one in entry["parameters"])
    assert re.search(r"\d", entry["description"].rpartition("Weight: ")[2]), "a weight function without words"


@pytest.mark.parametrize("route", [route for route in ROUTES if callable(route.weight)], ids=named)
def test_the_words_for_a_weight_name_its_numbers(route: Route) -> None:
    code = route.weight.__code__  # type: ignore[union-attr]
    constants = [part for one in code.co_consts for part in (one if isinstance(one, tuple) else (one,))]
    numbers = {part for one in constants for part in (one if isinstance(one, tuple) else (one,)) if type(part) is int}
    words = {int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", openapi.weight_of(route))}
    assert words <= numbers | {0}, "the words name numbers that the function does not know"


@pytest.mark.parametrize("name", NAMES)
async def test_a_good_answer_is_what_was_told(house: House, name: str) -> None:
    reply = await answered(house, name)
    assert faults(DOCUMENT, told(DOCUMENT, name, 200), reply.json) == []
    told_headers = DOCUMENT["paths"][name.split()[1]][name.split(maxsplit=1)[0].lower()]["responses"]["200"]["headers"]
    assert all(header in reply.headers for header in told_headers)


WRONG = [case for case in CASES if case[1].get("timestamp") is not NOT]
"""What is signed here always has a timestamp."""


@pytest.mark.parametrize(("what", "changed", "expected"), WRONG, ids=[case[0] for case in WRONG])
async def test_a_refusal_is_one_that_was_told(
    house: House, what: str, changed: dict[str, object], expected: tuple[int, str]
) -> None:
    order = {name: value for name, value in (GOOD | changed).items() if value is not NOT}
    reply = await house.client(house.alice).signed("POST", "/api/v3/order", **order)
    assert reply.json["code"] == expected[0]
    assert faults(DOCUMENT, told(DOCUMENT, "POST /api/v3/order", reply.status), reply.json) == []


def test_every_code_has_advice_and_no_advice_is_stale() -> None:
    possible = {refusal.code for route in ROUTES for refusal in refusals.of_route(route)}
    possible |= {value.code for value in vars(errors).values() if isinstance(value, errors.Refusal)}
    possible |= {refusal.code for method in OWN.values() for refusal in refusals.of_function(method.call)}
    possible |= {refusal.code for refusal in refusals.of_function(ws_requests.parse)}
    assert possible - ADVICE.keys() == set(), "write what to do into exchange/api/docs/advice.py"
    assert ADVICE.keys() - possible == set(), "nobody can be answered so any more: drop it from advice.py"


def test_no_refusal_is_one_for_operators() -> None:
    for route in ROUTES:
        assert [refusal for refusal in refusals.of_route(route) if -1210 < refusal.code <= -1200] == [], named(route)


TRIED = [
    ("BTCUSDT", True), ("A", True), ("A-1_.", True), ("a", False), ("", False), ("A" * 21, False), ("A B", False),
    ("0", True), ("17", True), ("9223372036854775807", True), ("9223372036854775808", False), ("-1", False),
    ("0.5", True), ("1.", False), (".5", False), ("1e5", False), ("0x1", False), ("true", True), ("TRUE", True),
    ("yes", False), ("BUY", True), ("buy", False), ("GTC", True), ("1m", True), ("1M", True), ("1x", False),
    ("LIMIT", True), ("ümlaut", False), ("x" * 36, True), ("x" * 37, False), ("1" * 20, True), ("1" * 21, False),
]  # fmt: skip


def test_what_the_pattern_of_a_parameter_lets_through_is_what_is_read() -> None:
    """Both by the very values: texts, since that is what arrives."""
    for route in ROUTES:
        told_of = {one.name: one for one in parameters_of(route.takes)}
        for field in fields_of(route.takes):
            one = told_of[field.name]
            if one.listed or one.schema["type"] == "boolean":
                continue
            for text, _ in TRIED:
                value: object = text
                if one.schema["type"] == "integer":
                    value = int(text) if text.isascii() and text.isdecimal() else text
                fits = bool(text) and faults({"components": {}}, one.schema, value) == []
                if one.schema == {"type": "string"}:
                    continue
                assert fits is _is_read(field, text), (named(route), field.name, text)


def _is_read(field: Any, text: str) -> bool:
    try:
        if not text:
            return False
        field.read(field.name, text)
    except Refused:
        return False
    return True


def test_a_route_of_the_document_is_a_route_of_the_house() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            assert find(method.upper(), path).path == path
