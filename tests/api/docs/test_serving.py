"""/docs on the main door: the right files, safe headers, and no way to ask for free."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from exchange.api import errors
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
        ("GET", "/docs/nothing", (404, errors.NO_SUCH_ROUTE.code)),
        ("GET", "/docs/../exchange.toml", (404, errors.NO_SUCH_ROUTE.code)),
        ("GET", "/docsx", (404, errors.NO_SUCH_ROUTE.code)),
        ("POST", "/docs/openapi.json", (405, errors.WRONG_METHOD.code)),
    ],
)
async def test_what_is_no_page_is_refused(house: House, method: str, path: str, expected: tuple[int, int]) -> None:
    assert (await house.client().send(method, path)).error[:2] == expected


async def test_reading_weighs_something(tmp_path: Path) -> None:
    async with running_house(tmp_path, settings=Settings(weight_limit_per_minute=2)) as house:
        seen = [(await house.http.get(f"{house.url}/docs/openapi.json")).status_code for _ in range(4)]
    assert seen[0] == 200
    assert seen[-1] in {418, 429}


def test_every_link_of_every_page_leads_somewhere() -> None:
    text = {path: page.body.decode() for path, page in PAGES.items() if page.kind.startswith("text/html")}
    anchors = {path: set(re.findall(r' id="([^"]+)"', body)) for path, body in text.items()}
    for path, body in text.items():
        for link in re.findall(r'href="([^"]+)"', body):
            if link.startswith("https://"):
                continue
            page, _, anchor = link.partition("#")
            assert (page or path) in PAGES, (path, link)
            assert not anchor or anchor in anchors[page or path], (path, link)


def test_a_page_brings_all_it_needs_and_asks_for_nothing_else() -> None:
    for path, page in PAGES.items():
        if page.kind.startswith("text/html"):
            body = page.body.decode()
            assert re.findall(r"<(?:link|img|iframe|object|embed|script src)", body) == [], path
            assert " style=" not in body
            assert not re.search(r" on[a-z]+=", re.sub(r"<pre>.*?</pre>", "", body, flags=re.DOTALL))
