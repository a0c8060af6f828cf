"""Thousands of hostile requests: every one is answered, none by a 500, and money and orders stand as they stood."""

from __future__ import annotations

import random

import msgspec
import trio

from exchange.api.http_routes import ROUTES
from tests.api.house import Client, House, query

SEED = 20_261_121
ROUNDS = 60
"""So many requests go to each route."""

POISON = (
    "",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Infinity",
    "9" * 20,
    "9" * 400,
    "0.000000000000000000001",
    "٣",
    "%00",
    "\x00",
    "\r\nX-Injected: 1",
    "'; DROP TABLE orders; --",
    "${jndi:ldap://x}",
    "<script>",
    "../../../etc/passwd",
    "[]",
    "[" * 2_000,
    '["BTCUSDT"' * 3,
    '[["BTCUSDT"]]',
    "{}",
    "null",
    "true",
    "BTCUSDT",
    "BUY",
    "LIMIT",
    "GTC",
    "1",
    "29000",
    "18446744073709551616",
    "9223372036854775807",
    "9223372036854775808",
    "ÿ" * 50,
    "😀",
)
NAMES = sorted(
    {field.encode_name for route in ROUTES for field in msgspec.structs.fields(route.takes)}
    | {"timestamp", "recvWindow", "signature", "", "__proto__", "a b", "symbol[]", "😀"}
)


def parameters(dice: random.Random) -> dict[str, object]:
    """A few parameters, most of them known, with values that are mostly poison."""
    return {dice.choice(NAMES): dice.choice(POISON) for _ in range(dice.randrange(8))}


async def shoot(client: Client, dice: random.Random, method: str, path: str) -> int:
    """One hostile request; its status."""
    sent = parameters(dice)
    if dice.random() < 0.7:
        stamped = sent | {"timestamp": client.house.rooms.clock.now() // 1000}
        return (await client.send(method, path, client.sign(query(stamped)))).status
    body = query(sent).encode() if method != "GET" and dice.random() < 0.5 else b""
    kind = dice.choice(["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
    return (await client.send(method, path, query(sent), body, {"Content-Type": kind})).status


async def test_no_hostile_parameters_cause_a_500_or_move_money(house: House) -> None:
    dice = random.Random(SEED)
    client = house.client(house.alice)
    before = await house.fingerprint()
    statuses = [await shoot(client, dice, route.method, route.path) for _ in range(ROUNDS) for route in ROUTES]
    assert len(statuses) > 2_000
    assert set(statuses) <= {200, 400, 401, 414, 415}
    assert await house.fingerprint() == before


SIX = b"Content-Length: 6\r\n\r\n"
HELLO = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

RAW = (
    b"",
    b"\r\n",
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /api/v3/ping HTTP/1.1\r\n\r\n",
    b"GET /api/v3/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /api/v3/p\xff\xfeng HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%2e%2e/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://elsewhere/api/v3/ping HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /api/v3/ping?" + b"a" * 30_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /api/v3/ping HTTP/1.1\r\nHost: a\r\nX-MBX-APIKEY: \xff\xfe\r\n\r\n",
    b"GET /api/v3/account HTTP/1.1\r\nHost: a\r\nX-MBX-APIKEY: " + b"A" * 9_000 + b"\r\n\r\n",
    b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n",
    b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + b"a" * 0x20000 + b"\r\n",
    b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    + SIX
    + b"\xff=\xfe&\x00",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + HELLO,
    b"GET /api/v3/ping HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nHTTP2-Settings: !\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 50,
)


async def spill(port: int, raw: bytes) -> bytes:
    """Send just these bytes and no more; what comes back."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        try:
            await stream.send_all(raw)
            await stream.send_eof()
            return b"".join([part async for part in stream])
        except (trio.BrokenResourceError, OSError):
            return b""  # hung up on: an answer too


async def test_no_hostile_bytes_cause_a_500_or_stop_the_door(house: House) -> None:
    dice = random.Random(SEED)
    port = int(house.url.rpartition(":")[2])
    before = await house.fingerprint()
    shots = list(RAW)
    for raw in RAW:
        for _ in range(20):
            broken = bytearray(raw or b"GET")
            for _ in range(dice.randrange(1, 6)):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
            shots.append(bytes(broken))
    for raw in shots:
        assert not (await spill(port, raw)).startswith(b"HTTP/1.1 500"), raw[:200]
        assert (await house.client().ask("GET", "/api/v3/ping")).status == 200
    assert await house.fingerprint() == before
