"""docs/beyond.md is complete: every endpoint, parameter, kind of event, cause and column has its place there."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange.api.http_routes import EXTENSION, Route, Security, find
from exchange.api.own_words import LedgerRow, kind_of
from exchange.api.parameters import fields_of
from exchange.api.ws_api import BEYOND, METHODS
from exchange.api.ws_beyond import EXTRA, PREFIX, UNDER_EXT, Extra
from exchange.core import events as ev
from exchange.core import keys

TEXT = (Path(__file__).parents[3] / "docs" / "beyond.md").read_text(encoding="utf-8")
KINDS = [kind for kind in ev.Event.__args__ if "account_seq" in kind.__struct_fields__ or kind is ev.Traded]


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", EXTENSION, ids=named)
def test_every_endpoint_and_parameter_is_documented(route: Route) -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith(f"| `{named(route)}` |")]
    assert len(lines) == 1
    for field in fields_of(route.takes):
        assert f"`{field.name}`" in lines[0], field.name
    assert f"| {route.security.name.lower()} |" in lines[0]
    assert (route.call.__doc__ or "").strip() in lines[0]
    assert find(route.method, route.path) is route


@pytest.mark.parametrize("route", EXTENSION, ids=named)
def test_what_is_not_the_dialects_is_kept_apart(route: Route) -> None:
    assert route.path.startswith("/ext/v1/")
    assert route.security in {Security.READ, Security.TRADE, Security.WITHDRAW}


@pytest.mark.parametrize("kind", KINDS, ids=kind_of)
def test_every_kind_of_event_is_documented_once(kind: type[ev.Event]) -> None:
    assert TEXT.count(f"\n| `{kind_of(kind)}` |") == 1


@pytest.mark.parametrize("name", [*EXTRA, *UNDER_EXT])
def test_every_method_beyond_the_dialect_is_documented(name: str) -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(lines) == 1
    method: Extra | Route = BEYOND[name]
    for field in fields_of(method.takes):
        assert f"`{field.name}`" in lines[0], field.name
    assert f"| {'read' if method.security is Security.READ else 'trade'} |" in lines[0]
    if isinstance(method, Extra):
        assert (method.call.__doc__ or "").strip() in lines[0]
        assert f"| {method.weight} |" in lines[0]
    assert name.startswith(PREFIX)
    assert name not in METHODS


def test_every_column_of_the_ledger_is_documented() -> None:
    for field in msgspec.structs.fields(LedgerRow):
        assert f"`{field.encode_name}`" in TEXT, field.encode_name


def test_the_limits_that_are_told_are_those_that_hold() -> None:
    assert f"**{keys.RETENTION // 3_600_000_000} hours**" in TEXT
    assert f"{keys.MAX_KEYS_PER_ACCOUNT:,} keys of one account and {keys.MAX_KEYS:,} in all" in TEXT
