"""The fast door: where paths lead, what is refused at the door, and how it closes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from exchange.api.door_limits import DoorLimits
from exchange.api.door_routes import Kind, Route, route_of
from exchange.api.errors import Refused
from tests.api.fast import Fast, fast_house


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


async def talk(fast: Fast, raw: bytes) -> tuple[int, Any]:
    """Status and JSON of the answer to these bytes."""
    stream = await trio.open_tcp_stream("127.0.0.1", fast.port)
    answer = b""
    with trio.fail_after(120):
        async with stream:
            await stream.send_all(raw)
            async for part in stream:
                answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), msgspec.json.decode(body) if b"application/json" in head else body


async def refusal(fast: Fast, path: str) -> tuple[int, Any]:
    """Status and JSON with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with fast.reader(path):
            pass
    return caught.value.response.status_code, msgspec.json.decode(bytes(caught.value.response.body or b""))


KEY = "k" * 60


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/ws", Route(Kind.RAW)),
        ("/ws/", Route(Kind.RAW)),
        ("/ws/0", Route(Kind.RAW)),
        ("/ws/stream/7?x=1&y", Route(Kind.RAW)),
        ("/ws/btcusdt@trade", Route(Kind.RAW, ("btcusdt@trade",))),
        ("/ws/btcusdt@trade/ethusdt@depth", Route(Kind.RAW, ("btcusdt@trade", "ethusdt@depth"))),
        ("/ws/%21miniTicker%40arr", Route(Kind.RAW, ("!miniTicker@arr",))),
        (f"/ws/{KEY}", Route(Kind.RAW, (KEY,))),
        ("/stream", Route(Kind.COMBINED)),
        ("/stream/3", Route(Kind.COMBINED)),
        ("/stream?streams=btcusdt@trade/ethusdt@depth", Route(Kind.COMBINED, ("btcusdt@trade", "ethusdt@depth"))),
        ("/stream?streams=a@b&timeUnit=MILLISECOND", Route(Kind.COMBINED, ("a@b",))),
        ("/ws-api/v3", Route(Kind.API)),
        ("/ws-api/v3?returnRateLimits=false", Route(Kind.API, show_limits=False)),
    ],
)
def test_a_path_leads_where_clients_expect(target: str, route: Route) -> None:
    assert route_of(target) == route


@pytest.mark.parametrize("target", ["/", "", "/wss", "/api/v3/depth", "/ws-api", "/ws-api/v4", "/?" + "a&" * 9_999])
def test_other_paths_lead_nowhere(target: str) -> None:
    with pytest.raises(Refused):
        route_of(target)


def test_microseconds_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="timeUnit"):
        route_of("/ws/btcusdt@trade?timeUnit=MICROSECOND")


@pytest.mark.parametrize("name", ["nosuch@trade", "btcusdt@nonsense", "!bookTicker", "!ticker_2h@arr"])
async def test_an_unknown_stream_in_the_path_is_refused_by_name(fast: Fast, name: str) -> None:
    status, body = await refusal(fast, f"/ws/btcusdt@trade/{name}")
    assert (status, body["msg"]) == (400, f"Invalid request: invalid stream {name}")


async def test_a_listen_key_that_nobody_has_is_refused(fast: Fast) -> None:
    assert await refusal(fast, f"/ws/{KEY}") == (400, {"code": -1125, "msg": "This listenKey does not exist."})


async def test_a_path_that_leads_nowhere_is_refused(fast: Fast) -> None:
    status, body = await refusal(fast, "/nowhere")
    assert (status, body["code"]) == (404, -1020)


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /api/v3/ping HTTP/1.1", 200, {}),
        (b"POST /api/v3/ping HTTP/1.1", 405, -1020),
        (b"GET /api/v3/depth?symbol=NOSUCH HTTP/1.1", 400, -1121),
        (b"GET / HTTP/1.1", 404, -1020),
        (b"DELETE /ws HTTP/1.1", 404, -1020),
        (b"nonsense", 400, -1130),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, -1130),
        (b"GET /ws HTTP/2.0", 400, -1130),
    ],
)
async def test_plain_http_is_answered_in_json(fast: Fast, request_line: bytes, status: int, body: Any) -> None:
    found, content = await talk(fast, request_line + b"\r\nHost: test\r\nConnection: close\r\n\r\n")
    assert found == status
    assert content == body if isinstance(body, dict) else content["code"] == body


async def test_the_time_is_told_over_plain_http(fast: Fast) -> None:
    status, content = await talk(fast, b"GET /api/v3/time HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    now = fast.house.rooms.clock.now() // 1000
    assert status == 200
    assert now - 60_000 < content["serverTime"] <= now


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Upgrade: websocket\r\nConnection: Upgrade", 400),
        (b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short", 400),
        (b"Upgrade: h2c\r\nConnection: Upgrade", 426),
        (b"Upgrade: websocket\r\nConnection: Upgrade\r\nX: " + b"x" * 9_000, 431),
        (b"Upgrade: websocket\r\n" + b"A: b\r\n" * 500 + b"Connection: Upgrade", 431),
    ],
)
async def test_a_broken_handshake_is_refused_and_the_door_stays_open(fast: Fast, headers: bytes, status: int) -> None:
    assert (await talk(fast, b"GET /ws HTTP/1.1\r\nHost: test\r\n" + headers + b"\r\n\r\n"))[0] == status
    async with fast.reader("/ws") as reader:
        assert (await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1}))["result"] == []


async def test_an_endless_path_is_refused(fast: Fast) -> None:
    assert (await talk(fast, b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n"))[0] == 414


async def test_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    async with fast_house(tmp_path, limits=DoorLimits(handshake=0.05)) as fast:
        assert (await talk(fast, b"GET /ws HT"))[0] == 408


async def test_a_peer_that_vanishes_in_the_handshake_harms_nobody(fast: Fast) -> None:
    for sent in (b"", b"GET /ws HTTP/1.1\r\n"):
        stream = await trio.open_tcp_stream("127.0.0.1", fast.port)
        await stream.send_all(sent)
        await stream.aclose()
    async with fast.reader("/ws/btcusdt@trade") as reader:
        await fast.trade(3_000_000, 70)
        assert (await reader.read())["t"] == 1


async def test_one_address_may_keep_so_many_connections_open(tmp_path: Path) -> None:
    limits = DoorLimits(connections_per_address=2)
    async with fast_house(tmp_path, limits=limits) as fast, fast.reader("/ws"), fast.reader("/ws"):
        status, body = await refusal(fast, "/ws")
        assert (status, body["code"]) == (429, -1034)
        assert body["msg"] == "Too many concurrent connections; current limit is '2'."


async def test_all_together_may_keep_so_many_connections_open(tmp_path: Path) -> None:
    async with fast_house(tmp_path, limits=DoorLimits(connections=1)) as fast, fast.reader("/ws"):
        assert (await refusal(fast, "/ws"))[0] == 503


async def test_at_shutdown_readers_are_told_and_sent_away(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        async with fast.reader("/ws") as raw, fast.reader("/stream") as combined, fast.reader("/ws-api/v3") as api:
            fast.stop.set()
            assert (await raw.read())["e"] == "serverShutdown"
            assert (await combined.read())["stream"] == "!serverShutdown"
            assert (await api.read())["event"]["e"] == "serverShutdown"
            for reader in (raw, combined, api):
                with pytest.raises(ConnectionClosed) as caught:
                    await reader.socket.recv()
                assert caught.value.rcvd is not None
                assert caught.value.rcvd.code == 1001
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream("127.0.0.1", fast.port)


async def test_a_reader_that_does_not_read_cannot_delay_the_shutdown(tmp_path: Path) -> None:
    async with fast_house(tmp_path, limits=DoorLimits(farewell=0.1)) as fast:
        stream = await trio.open_tcp_stream("127.0.0.1", fast.port)
        key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        await stream.send_all(b"GET /ws HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key)
        assert (await stream.receive_some(12)).startswith(b"HTTP/1.1 101")
        fast.stop.set()
    await stream.aclose()


async def test_a_frame_larger_than_allowed_ends_the_connection(fast: Fast) -> None:
    async with fast.reader("/ws") as reader:
        await reader.socket.send("x" * 20_000)
        with pytest.raises(ConnectionClosed) as caught:
            await reader.read()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


async def test_a_flood_ends_the_connection_with_the_reason(fast: Fast) -> None:
    async with fast.reader("/ws") as reader:
        with pytest.raises(ConnectionClosed) as caught:
            await reader.flood()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "more than 5 messages per second")


@asynccontextmanager
async def slow_peer(port: int) -> AsyncIterator[tuple[trio.SocketStream, ClientProtocol]]:
    """A reader of three streams whose socket takes very little before it is read; its handshake is done."""
    socket = trio.socket.socket()
    socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4_096)
    await socket.connect(("127.0.0.1", port))
    protocol = ClientProtocol(parse_uri("ws://test/ws/btcusdt@trade/btcusdt@aggTrade/btcusdt@bookTicker"))
    protocol.send_request(protocol.connect())
    async with trio.SocketStream(socket) as stream:
        await stream.send_all(b"".join(protocol.data_to_send()))
        while protocol.state is not OPEN:
            protocol.receive_data(await stream.receive_some())
        yield stream, protocol


async def test_a_reader_that_stops_reading_is_cut_off_with_the_reason_and_the_others_hear_on(tmp_path: Path) -> None:
    limits = DoorLimits(buffer_messages=20, burst=1_000, patience=0, stall=60, mercy=60, farewell=60)
    async with (
        fast_house(tmp_path, limits=limits, send_buffer=4_096) as fast,
        fast.reader("/ws/btcusdt@trade") as good,
        slow_peer(fast.port) as (slow, protocol),
    ):
        for number in range(100):
            await fast.trade(3_000_000 + number, 70)
            assert (await good.read())["t"] == number + 1
        async for data in slow:
            protocol.receive_data(data)
            for goodbye in filter(None, protocol.data_to_send()):
                await slow.send_all(goodbye)
        protocol.receive_eof()
    reason = "you read too slowly: too many messages were waiting"
    assert (protocol.close_code, protocol.close_reason) == (1008, reason)


async def test_who_waits_at_the_door_without_a_word_is_counted_too(tmp_path: Path) -> None:
    async with fast_house(tmp_path, limits=DoorLimits(connections_per_address=1)) as fast:
        waiting = [await trio.open_tcp_stream("127.0.0.1", fast.port) for _ in range(66)]
        with trio.fail_after(120):
            assert await waiting[65].receive_some(1) == b""
        for stream in waiting:
            await stream.aclose()
        async with fast.reader("/ws"):
            pass
