"""The short way of a signed HTTP request: it comes to what the long way comes to, or leaves the request to that."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from exchange.api import answering, http_quick, http_routes
from exchange.api.answering import Reply, Request, answer
from exchange.api.request_log import HEADER
from exchange.core.units import Micros
from exchange.settings import Settings
from tests.api.house import House, SetClock, query, running_house
from tests.api.test_bad_input import GOOD
from tests.api.test_hostile import NAMES, POISON

ORDER = http_routes.find("POST", "/api/v3/order")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path, SetClock()) as running:
        yield running


def stamped(house: House, **sent: object) -> str:
    """Alice's parameters, with the time, not yet signed."""
    return query({**sent, "timestamp": house.rooms.clock.now() // 1000})


def signed(house: House, payload: str) -> bytes:
    """The same with her signature behind it."""
    secret = house.alice.key.secret
    assert secret is not None
    mac = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return f"{payload}&signature={mac}".encode()


def quick(house: House, raw: bytes, body: bytes = b"", late: int = 0) -> http_quick.Usual | None:
    rooms = house.rooms
    now = Micros(rooms.clock.now() + late)
    return http_quick.quick(ORDER, raw, body, house.alice.key.api_key, "127.0.0.1", rooms.keyring, now)


async def test_the_usual_order_goes_the_short_way_in_the_query_or_in_the_body(house: House) -> None:
    raw = signed(house, stamped(house, **GOOD, recvWindow=6_000))
    for found in (quick(house, raw), quick(house, b"", raw)):
        assert found is not None
        assert (found.caller.account, found.request.symbol) == (house.alice.account, "BTCUSDT")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [
        ("symbol=BTCUSDT", "symbol=BTC%55SDT"),
        ("symbol=BTCUSDT", "symbol=BTC+USDT"),
        ("symbol=BTCUSDT", "symbol=BTCUSDT&symbol=BTCUSDT"),
        ("symbol=BTCUSDT", "symbol="),
        ("symbol=BTCUSDT", "symbol"),
        ("symbol=BTCUSDT", "=BTCUSDT"),
        ("symbol=BTCUSDT", "symbol=BTCUSDT&"),
        ("symbol=BTCUSDT", "symbol=BTCUSDT&extra=1"),
        ("symbol=BTCUSDT", "symbol=BTCÜSDT"),
        ("side=BUY", "side=buy"),
        ("side=BUY", "signature=BUY"),
        ("quantity=1", "quantity=1e3"),
        ("quantity=1", "quantity=１"),
        ("timestamp=1", "timestamp=01"),
        ("timestamp=1", "timestamp=-1"),
        ("timestamp=1", "timestamp=1.1"),
        ("timestamp=1", "timestamp=9"),
        ("recvWindow=6000", "recvWindow=60001"),
        ("recvWindow=6000", "recvWindow=6000.5"),
        ("recvWindow=6000", "recvWindow="),
        ("recvWindow=6000", "recvWindow=-1"),
    ],
)
async def test_anything_odd_is_left_to_the_long_way(house: House, change: tuple[str, str]) -> None:
    payload = stamped(house, **GOOD, recvWindow=6_000)
    assert change[0] in payload
    assert quick(house, signed(house, payload)) is not None
    assert quick(house, signed(house, payload.replace(*change, 1))) is None


async def test_a_signature_that_is_wrong_missing_or_not_last_is_left_to_the_long_way(house: House) -> None:
    raw = signed(house, stamped(house, **GOOD))
    assert quick(house, raw) is not None
    assert quick(house, raw[:-1]) is None
    assert quick(house, raw + b"&timeInForce=GTC") is None
    assert quick(house, raw.rpartition(b"&")[0]) is None
    assert quick(house, raw, raw) is None
    assert quick(house, raw + b"&signature=" + raw[-64:]) is None


@pytest.mark.parametrize("late", [-1_000_000, 5_000_001])
async def test_what_was_signed_at_another_time_is_left_to_the_long_way(house: House, late: int) -> None:
    raw = signed(house, stamped(house, **GOOD))
    assert quick(house, raw, late=late + (1 if late < 0 else -1)) is not None
    assert quick(house, raw, late=late) is None


async def test_a_revoked_key_is_dead_at_once(house: House) -> None:
    raw = signed(house, stamped(house, **GOOD))
    assert quick(house, raw) is not None
    house.rooms.keyring.revoke(house.alice.key.api_key)
    assert quick(house, raw) is None


async def test_b22_a_key_for_other_addresses_goes_no_short_way(house: House) -> None:
    raw = signed(house, stamped(house, **GOOD))
    assert quick(house, raw) is not None
    house.rooms.keyring.limit(house.alice.key.api_key, ("203.0.113.0/24",))
    assert quick(house, raw) is None


async def test_names_are_remembered_only_of_those_who_signed(house: House) -> None:
    known = len(http_quick._readings)
    for number in range(20):
        quick(house, stamped(house, **GOOD, **{f"x{number}": 1}).encode() + b"&signature=" + b"0" * 64)
    assert len(http_quick._readings) == known


async def test_both_ways_come_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, taken = [], 0

    def counted(*given: Any) -> http_quick.Usual | None:
        nonlocal taken
        usual = http_quick.quick(*given)
        taken += usual is not None
        return usual

    monkeypatch.setattr(answering, "quick", counted)
    for way in ("short", "long"):
        (tmp_path / way).mkdir()
        async with running_house(tmp_path / way, SetClock(), Settings(weight_limit_per_minute=0)) as running:
            found.append([told(await answer(running.rooms, one)) for one in many(running)])
        monkeypatch.setattr(answering, "quick", lambda *_: None)
    assert found[0] == found[1]
    assert {status for status, _, _ in found[0]} >= {200, 400}
    assert taken > 60


def told(reply: Reply) -> tuple[int, Any, list[tuple[str, str]]]:
    """Status, headers and body; of what an order came to only which fields there are, for ids differ."""
    body = msgspec.json.decode(reply.body)
    worked = reply.status == 200
    headers = [(name, text if name != HEADER else "an id") for name, text in reply.headers]
    return reply.status, sorted(body) if worked and isinstance(body, dict) else worked or body, headers


def many(house: House) -> list[Request]:
    """Requests, good and bad, the same for each house but for keys and signatures."""
    dice = random.Random(5)
    routes = [("POST", "order"), ("POST", "order/test"), ("DELETE", "order"), ("GET", "order"), ("GET", "myTrades")]
    values = ["1", "0.5", "0.00001", "29000.10", "", "x", "-1", "9" * 19, "1e3", "BUY", "true", *POISON]
    found = []
    for _ in range(600):
        method, path = dice.choice(routes)
        sent: dict[str, object] = {**GOOD, "newClientOrderId": f"mine-{dice.randrange(50)}"}
        if method != "POST":
            sent = {"symbol": "BTCUSDT", dice.choice(["orderId", "origClientOrderId", "limit"]): dice.randrange(9)}
        if dice.random() < 0.6:
            name = dice.choice([*sent, *NAMES, "recvWindow", "timestamp", "signature"])
            sent[name] = quote(str(dice.choice(values)), safe=dice.choice(["", "/+&=%", "!~*'()"]))
        found.append(_request(house, dice, method, f"/api/v3/{path}", sent))
    return found


def _request(house: House, dice: random.Random, method: str, path: str, sent: dict[str, object]) -> Request:
    """One request with these parameters: in its query, its body or both, at times without any signature or key."""
    payload = "&".join(
        f"{name}={value}" for name, value in ({"timestamp": house.rooms.clock.now() // 1000} | sent).items()
    )
    raw = signed(house, payload) if dice.random() < 0.9 else payload.encode()
    cut = dice.choice([0, 0, len(raw), len(raw), raw.find(b"&")])
    key = house.alice.key.api_key if dice.random() < 0.95 else dice.choice([None, "x", "ü"])
    form = dice.choice([FORM, FORM, FORM, None, "text/plain"])
    return Request(method, path, raw[:cut], raw[cut:].lstrip(b"&"), "127.0.0.1", key, form)
