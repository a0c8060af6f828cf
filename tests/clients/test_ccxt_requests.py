"""Every spot request of ccxt's own fixtures, sent by ccxt to both doors: it works or is refused as the table says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import ccxt
import pytest

from exchange.office.keys import Scope
from tests.api.fast import fast_house
from tests.api.house import House, Person
from tests.api.vaults import open_ways
from tests.clients.ccxt_fixtures.market import furnish
from tests.clients.test_ccxt import ask, bot

TABLE: Final = Path(__file__).parent / "ccxt_fixtures" / "requests.md"
CHANCE: Final = {"timestamp", "recvWindow", "signature", "newClientOrderId"}
"""What ccxt's own comparison leaves out too."""
ROWS: Final = 119
REFUSED: Final = 63
"""How many of the calls are refused as not supported here. Fewer is progress; more wants a reason."""


class Row(NamedTuple):
    """One fixture: ccxt's words for it, the call, what ccxt sends, and what this house answers."""

    words: str
    call: str
    sends: str
    here: str


def rows() -> Iterator[Row]:
    """The rows of all tables of the page."""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "ccxt's words for it":
            yield Row(*cells)


def request(sends: str) -> tuple[str, bool, dict[str, str]]:
    """The path, whether the parameters are in the body, and the parameters of a cell of the table."""
    path, _, body = sends.partition(" {")
    if body or sends.endswith("{}"):
        return path, True, dict(pair.split("=", 1) for pair in body.rstrip("}").split())
    path, _, query = sends.partition("?")
    return path, False, dict(pair.split("=", 1) for pair in query.split("&") if pair)


def sent(exchange: Any) -> tuple[str, bool, dict[str, str]]:
    """The same of the last request that ccxt made."""
    url = urlsplit(exchange.last_request_url)
    body = exchange.last_request_body
    pairs = parse_qsl(url.query if body is None else body)
    return url.path, body is not None, {name: value for name, value in pairs if name not in CHANCE}


def answer(exchange: Any, call: str) -> str:
    """What came of a call: `works`, or the code of the refusal."""
    method, _, arguments = call.partition(" ")
    try:
        getattr(exchange, method)(*json.loads(arguments))
    except ccxt.ExchangeError as error:
        return "".join(re.findall(r'"code":(-\d+),', str(error))[:1]) or str(error)
    return "works"


async def trading(house: House) -> Any:
    """Alice's bot with a key that may do everything, in a house with the markets of the fixtures."""
    await furnish(house)
    await open_ways(house.rooms.desk, house.rooms.sequencer)
    key = house.rooms.keyring.create(house.alice.account, frozenset(Scope), "hmac", addresses=("127.0.0.1",))
    exchange = bot(house, Person("alice", house.alice.account, key))
    exchange.enableRateLimit = False
    await ask(exchange.load_markets)
    return exchange


@pytest.mark.parametrize("door", ["main", "fast"])
async def test_ccxt_sends_what_its_fixtures_say_and_each_request_works_or_is_refused_by_name(
    tmp_path: Path, door: str
) -> None:
    async with fast_house(tmp_path) as fast:
        url = fast.house.url if door == "main" else f"http://127.0.0.1:{fast.port}"
        await try_all(replace(fast.house, url=url))


async def try_all(house: House) -> None:
    """Every call of the table, by one bot, against the door that `house.url` names."""
    alice = await trading(house)
    found, requests = [], []
    for row in rows():
        came = await ask(lambda row=row: answer(alice, row.call))  # type: ignore[misc]
        found.append(row._replace(here=came))
        requests.append((row.call, sent(alice)))
    assert requests == [(row.call, request(row.sends)) for row in rows()]
    assert found == list(rows())


def test_no_more_is_refused_as_not_supported_than_was() -> None:
    told = [row.here for row in rows()]
    assert (told.count("-1020"), len(told)) == (REFUSED, ROWS)
