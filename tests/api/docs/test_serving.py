"""/docs on the main door: the right files, safe headers, and no way to ask for free."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange.api.docs import openapi
from exchange.api.docs.pages import pages
from exchange.settings import Settings
from tests.api.house import House, running_house

PAGES = pages(Settings(weight_limit_per_minute=0))


@pytest.mark.parametrize("path", sorted(PAGES))
async def test_every_page_is_served_with_a_strict_policy(house: House, path: str) -> None:
    reply = await house.http.get(f"{house.url}{path}")
    assert reply.status_code == 200
    assert reply.content == PAGES[path].body
    assert reply.headers["content-type"] == PAGES[path].kind
    assert reply.headers["content-security-policy"].startswith("default-src 'none';")
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_the_description_served_is_the_one_generated(house: House) -> None:
    reply = await house.http.get(f"{house.url}/docs/openapi.json")
    assert reply.json() == msgspec.json.decode(msgspec.json.encode(openapi.document()))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/docs/nothing", (404, -1099)),
        ("GET", "/docs/../exchange.toml", (404, -1099)),
        ("GET", "/docsx", (404, -1099)),
        ("POST", "/docs/openapi.json", (405, -1020)),
    ],
)
async def test_what_is_no_page_is_refused(house: House, method: str, path: str, expected: tuple[int, int]) -> None:
    assert (await house.client().send(method, path)).error[:2] == expected


async def test_reading_weighs_something(tmp_path: Path) -> None:
    async with running_house(tmp_path, settings=Settings(weight_limit_per_minute=2)) as house:
        seen = [(await house.http.get(f"{house.url}/docs/openapi.json")).status_code for _ in range(4)]
    assert seen[0] == 200
    assert seen[-1] in {418, 429}
