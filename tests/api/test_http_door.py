"""HTTP/1.1 at the fast door: connections that stay, requests in a row, and everything that is too much."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from exchange.api.door_limits import DoorLimits
from tests.api.fast import Fast, fast_house
from tests.api.house import SetClock, query

HOST = b"Host: a\r\n"
PING = b"GET /api/v3/ping HTTP/1.1\r\n" + HOST + b"\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
LIMITS = DoorLimits(handshake=0.05, body=0.05, idle=0.05, farewell=0.05)


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path, SetClock()) as running:
        yield running


class Wire:
    """Bytes out, whole answers in."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.unread = b""

    async def say(self, raw: bytes) -> None:
        await self.stream.send_all(raw)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer."""
        while b"\r\n\r\n" not in self.unread:
            await self._more()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head)
        size = int(found.group(1)) if found else 0
        while len(self.unread) < size:
            await self._more()
        body, self.unread = self.unread[:size], self.unread[size:]
        return int(head.split()[1]), body

    async def _more(self) -> None:
        with trio.fail_after(120):
            part = await self.stream.receive_some()
        assert part, self.unread
        self.unread += part

    async def ends(self) -> bool:
        """Whether nothing more comes but the end."""
        with trio.fail_after(120):
            return not self.unread and await self.stream.receive_some() == b""


@asynccontextmanager
async def wire(fast: Fast) -> AsyncIterator[Wire]:
    async with await trio.open_tcp_stream("127.0.0.1", fast.port) as stream:
        yield Wire(stream)


def order(fast: Fast, name: str, **more: object) -> bytes:
    """A signed request for a limit order of Alice's."""
    alice = fast.house.client(fast.house.alice)
    assert alice.key is not None
    usual = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    now = fast.house.rooms.clock.now() // 1000
    signed = alice.sign(query({**usual, "price": "29000", "newClientOrderId": name, "timestamp": now, **more}))
    key = f"X-MBX-APIKEY: {alice.key.api_key}\r\n"
    return f"POST /api/v3/order?{signed} HTTP/1.1\r\nHost: a\r\n{key}\r\n".encode()


async def test_one_connection_serves_many_requests(fast: Fast) -> None:
    async with wire(fast) as peer:
        for _ in range(500):
            await peer.say(PING)
            assert await peer.answer() == (200, b"{}")


async def test_requests_in_a_row_are_answered_in_that_row(fast: Fast) -> None:
    slow = b"GET /api/v3/exchangeInfo HTTP/1.1\r\n" + HOST + b"\r\n"
    async with wire(fast) as peer:
        await peer.say((slow + order(fast, "a") + PING + PING.replace(b"ping", b"nowhere")) * 20)
        for _ in range(20):
            assert b"symbols" in (await peer.answer())[1]
            assert (await peer.answer())[0] in {200, 400}  # a client id twice is refused
            assert await peer.answer() == (200, b"{}")
            assert (await peer.answer())[0] == 404


async def test_orders_in_a_row_reach_the_market_in_that_row(fast: Fast) -> None:
    status = b"GET /api/v3/exchangeInfo HTTP/1.1\r\n" + HOST + b"\r\n"
    async with wire(fast) as peer:
        await peer.say(b"".join(order(fast, f"n{number}") + status * (number % 2) for number in range(100)))
        replies = [(await peer.answer())[1] for _ in range(150)]
    ids = [int(found.group(1)) for reply in replies if (found := re.search(rb'"orderId":(\d+)', reply))]
    assert len(ids) == 100
    assert ids == sorted(ids)


async def test_a_request_may_come_in_pieces(fast: Fast) -> None:
    async with wire(fast) as peer:
        for byte in order(fast, "piecemeal"):
            await peer.say(bytes((byte,)))
        assert (await peer.answer())[0] == 200


async def test_a_body_may_come_in_chunks(fast: Fast) -> None:
    asked = order(fast, "chunked").replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n" + FORM + b"\r\n")
    path, _, body = asked.partition(b"?")
    body, _, rest = body.partition(b" ")
    async with wire(fast) as peer:
        await peer.say(path + b" " + rest + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert (await peer.answer())[0] == 200


async def test_a_head_is_answered_without_a_body(fast: Fast) -> None:
    async with wire(fast) as peer:
        await peer.say(PING.replace(b"GET", b"HEAD") + PING)
        head = await peer.stream.receive_some()
        assert head.startswith(b"HTTP/1.1 405")
        assert b"\r\n\r\nHTTP/1.1 200" in head or head.endswith(b"\r\n\r\n")


async def test_who_expects_to_be_told_to_go_on_is_told(fast: Fast) -> None:
    async with wire(fast) as peer:
        body = b"a=b"
        head = b"POST /api/v3/order HTTP/1.1\r\n" + HOST + FORM + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        await peer.say(head)
        assert await peer.answer() == (100, b"")
        await peer.say(body)
        assert (await peer.answer())[0] == 401


async def test_who_is_old_is_served_and_hung_up_on(fast: Fast) -> None:
    async with wire(fast) as peer:
        await peer.say(b"GET /api/v3/ping HTTP/1.0\r\n\r\n")
        assert await peer.answer() == (200, b"{}")
        assert await peer.ends()


async def test_who_says_goodbye_at_once_is_still_answered(fast: Fast) -> None:
    async with wire(fast) as peer:
        await peer.say(PING * 3)
        await peer.stream.send_eof()
        for _ in range(3):
            assert await peer.answer() == (200, b"{}")
        assert await peer.ends()


async def test_an_offer_of_http_2_is_not_taken_up(fast: Fast) -> None:
    upgrade = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    async with wire(fast) as peer:
        await peer.say(PING[:-2] + upgrade + PING)
        assert [await peer.answer(), await peer.answer()] == [(200, b"{}")] * 2


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
        (PING[:-2] + b"X: " + b"x" * 9_000 + b"\r\n\r\n", 431),
        (PING[:-2] + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET /api/v3/ping HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/v3/ping HTTP/3.7\r\n" + HOST + b"\r\n", 400),
        (b"\x00" * 100, 400),
        (PING[:-2] + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (PING[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (PING[:-2] + b"Content-Length: -1\r\n\r\n", 400),
        (PING[:-2] + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (PING[:-2] + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (PING[:-2] + b"Content-Length: 70000\r\n\r\n", 413),
        (PING[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + (b"2000\r\n" + b"x" * 8_192 + b"\r\n") * 9, 413),
        (PING[:-2] + b"Expect: the unexpected\r\n\r\n", 417),
    ],
)
async def test_what_is_too_much_or_no_http_is_refused_behind_what_was_good(fast: Fast, raw: bytes, status: int) -> None:
    async with wire(fast) as peer:
        await peer.say(PING + raw)
        assert await peer.answer() == (200, b"{}")
        assert (await peer.answer())[0] == status
        assert await peer.ends()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /api/v3/ping HT", 408),
        (PING[:-2], 408),
        (PING[:-2] + b"Content-Length: 5\r\n\r\nab", 408),
    ],
)
async def test_who_is_too_slow_is_told(tmp_path: Path, raw: bytes, status: int) -> None:
    async with fast_house(tmp_path, limits=LIMITS) as fast, wire(fast) as peer:
        await peer.say(raw)
        assert (await peer.answer())[0] == status
        assert await peer.ends()


@pytest.mark.parametrize("raw", [b"", PING])
async def test_who_has_nothing_to_ask_is_let_go(tmp_path: Path, raw: bytes) -> None:
    async with fast_house(tmp_path, limits=LIMITS) as fast, wire(fast) as peer:
        if raw:
            await peer.say(raw)
            assert (await peer.answer())[0] == 200
        assert await peer.ends()


async def test_so_many_requests_of_a_row_are_in_hand_and_no_more_are_read(tmp_path: Path) -> None:
    limits = DoorLimits(requests_in_flight=2)
    async with fast_house(tmp_path, SetClock(), limits=limits) as fast, wire(fast) as peer:
        await peer.say(b"".join(order(fast, f"n{number}") for number in range(50)))
        assert {(await peer.answer())[0] for _ in range(50)} == {200}


async def test_who_never_reads_answers_is_cut_off(tmp_path: Path) -> None:
    limits = DoorLimits(body=0.05, farewell=0.05)
    big = b"GET /api/v3/exchangeInfo HTTP/1.1\r\n" + HOST + b"\r\n"
    async with fast_house(tmp_path, limits=limits, send_buffer=4_096) as fast:
        stream = await trio.open_tcp_stream("127.0.0.1", fast.port)
        with trio.fail_after(120), pytest.raises(trio.BrokenResourceError):
            await stream.send_all(big * 100_000)
        await trio.aclose_forcefully(stream)
