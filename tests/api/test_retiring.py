"""An endpoint that will go says so in every answer, in the description, and in the changelog, half a year before."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange.api import http_routes
from exchange.api.docs import openapi
from exchange.api.docs.schemas import Schemas
from exchange.api.http_routes import ROUTES, Route, find
from exchange.api.retiring import NOTICE_DAYS, Retiring
from tests.api.house import House

CHANGELOG = Path(__file__).parents[2] / "docs" / "changelog.md"
GOING = Retiring("2027-01-01", "2027-07-01")


@pytest.fixture
def going(monkeypatch: pytest.MonkeyPatch) -> Route:
    """The endpoint for the time, as if it were to go."""
    route = msgspec.structs.replace(find("GET", "/api/v3/time"), retiring=GOING)
    monkeypatch.setitem(http_routes._BY_PATH["/api/v3/time"], "GET", route)
    return route


async def test_every_answer_of_a_retiring_endpoint_says_when_it_goes(house: House, going: Route) -> None:
    for asked in ({}, {"nosuch": "1"}):
        headers = (await house.client().ask("GET", going.path, **asked)).headers
        assert headers["deprecation"] == "@1798761600"
        assert headers["sunset"] == "Thu, 01 Jul 2027 00:00:00 GMT"
        assert headers["link"] == '</docs/changelog>; rel="sunset"'
    assert "sunset" not in (await house.client().ask("GET", "/api/v3/ping")).headers


def test_it_is_marked_in_the_description(going: Route) -> None:
    assert openapi.operation(going, Schemas())["deprecated"] is True
    assert "deprecated" not in openapi.operation(find("GET", "/api/v3/ping"), Schemas())


def test_what_goes_is_announced_in_the_changelog_half_a_year_before() -> None:
    assert GOING.notice >= NOTICE_DAYS
    for route in ROUTES:
        if route.retiring is not None:
            assert route.retiring.notice >= NOTICE_DAYS
            assert f"`{route.method} {route.path}`" in CHANGELOG.read_text(encoding="utf-8")
