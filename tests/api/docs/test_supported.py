"""The list of what is supported, held to the house: what it names works, what it calls refused is refused so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.api.docs import dialect, supported
from exchange.api.http_routes import ROUTES
from exchange.api.parameters import fields_of
from exchange.api.ws_api import METHODS
from exchange.settings import Settings
from tests.api.fast import Fast, fast_house
from tests.api.test_bad_input import GOOD

LIST = supported.document(Settings())
REFUSED = LIST["refused"]
CHANGELOG = Path(__file__).parents[3] / "docs" / "changelog.md"


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


def test_it_names_every_endpoint_parameter_and_method() -> None:
    told = {(one["method"], one["path"]): {*one["mandatory"], *one["optional"]} for one in LIST["endpoints"]}
    assert told == {(route.method, route.path): {field.name for field in fields_of(route.takes)} for route in ROUTES}
    assert [one["name"] for one in LIST["methods"]] == list(METHODS)


def test_the_limits_are_those_that_the_operator_has_set() -> None:
    changed = supported.limits(Settings(weight_limit_per_minute=77, stream_buffer_messages=88))
    assert (changed["weightPerMinuteAndAddress"], changed["websocket"]["buffer_messages"]) == (77, 88)


def test_what_is_refused_is_of_the_dialect_and_not_also_supported() -> None:
    assert {one["name"] for one in REFUSED["methods"]}.isdisjoint(METHODS)
    assert {one["name"] for one in REFUSED["endpoints"]} <= {" ".join(route) for route in dialect.ROUTES}
    assert set(LIST["filters"]) <= set(dialect.FILTERS)


async def test_exchange_info_names_no_filter_or_type_that_is_not_listed(fast: Fast) -> None:
    for market in (await fast.house.client().ask("GET", "/api/v3/exchangeInfo")).json["symbols"]:
        assert {one["filterType"] for one in market["filters"]} <= set(LIST["filters"])
        assert set(market["orderTypes"]) <= set(LIST["orderTypes"])
        assert set(market["allowedSelfTradePreventionModes"]) <= set(LIST["selfTradePreventionModes"])


async def test_each_refused_endpoint_is_refused_by_that_code(fast: Fast) -> None:
    for one in REFUSED["endpoints"]:
        reply = await fast.house.client(fast.house.alice).signed(*one["name"].split())
        assert reply.json["code"] in {one["code"], -1020}, one


async def test_each_refused_method_and_stream_is_refused_by_that_code(fast: Fast) -> None:
    room = {"symbol": "btcusdt", "window": "1h", "interval": "1m", "levels": "5", "speed": "100ms"}
    async with fast.reader("/ws-api/v3") as reader:
        for one in REFUSED["methods"]:
            reply = await reader.ask({"id": 1, "method": one["name"], "params": {}})
            assert reply["error"]["code"] == one["code"], one
    async with fast.reader("/ws") as reader:
        for one in REFUSED["streams"]:
            reply = await reader.ask({"id": 1, "method": "SUBSCRIBE", "params": [one["name"].format(**room)]})
            assert reply["error"]["code"] == one["code"], one


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [("selfTradePreventionModes", "selfTradePreventionMode"), ("orderTypes", "type"), ("timeInForce", "timeInForce")],
)
async def test_each_refused_value_is_refused_by_that_code(fast: Fast, kind: str, parameter: str) -> None:
    for one in REFUSED[kind]:
        order: dict[str, Any] = GOOD | {parameter: one["name"]}
        reply = await fast.house.client(fast.house.alice).signed("POST", "/api/v3/order", **order)
        assert reply.json["code"] == one["code"], one


async def test_each_refused_parameter_is_refused_by_that_code(fast: Fast) -> None:
    for one in REFUSED["orderParameters"]:
        reply = await fast.house.client(fast.house.alice).signed("POST", "/api/v3/order", **GOOD, **{one["name"]: "1"})
        assert reply.json["code"] == one["code"], one


def test_what_is_new_stands_in_the_changelog() -> None:
    changelog = " ".join(CHANGELOG.read_text(encoding="utf-8").split())
    names = [f"{one['method']} {one['path']}" for one in LIST["endpoints"]]
    names += [one["name"] for kind in ("methods", "streams") for one in LIST[kind]]
    new = [name for name in names if f"`{name}`" not in changelog]
    assert new == [], "write a line for each of these into docs/changelog.md, under the day it comes into force"


def test_every_entry_of_the_changelog_has_its_day_the_newest_first() -> None:
    days = re.findall(r"^## (.+)$", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    assert days
    assert days == sorted((str(date.fromisoformat(day)) for day in days), reverse=True)
