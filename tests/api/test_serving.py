"""The main door's connections: one peer's trouble is its own, idle ones keep nobody, and each address has its share."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import pytest
import trio

from exchange.api import serving
from exchange.settings import Settings
from tests.api.fast import fast_house
from tests.api.house import House, running_house

PING = b"GET /api/v3/ping HTTP/1.1\r\nHost: a\r\n\r\n"
ENDLESS = b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def connect(house: House) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", int(house.url.rpartition(":")[2]))


async def ping(stream: trio.SocketStream) -> None:
    """One request, answered well."""
    await stream.send_all(PING)
    answer = b""
    while not answer.endswith(b"\r\n\r\n{}"):
        part = await stream.receive_some()
        assert part, answer
        answer += part
    assert answer.startswith(b"HTTP/1.1 200")


async def test_an_idle_connection_does_not_keep_the_door_from_closing(tmp_path: Path) -> None:
    with trio.fail_after(120):
        async with running_house(tmp_path) as house:
            stream = await connect(house)
            await ping(stream)
            started = trio.current_time()
        async with stream:
            assert await stream.receive_some() == b""
        assert trio.current_time() - started < 4  # well within the grace for what is being answered


async def test_one_connection_serves_many_requests(house: House) -> None:
    async with await connect(house) as stream:
        for _ in range(1_200):  # Hypercorn's own limit is 1,000
            await ping(stream)


async def test_who_leaves_is_forgotten_at_once(tmp_path: Path) -> None:
    async with running_house(tmp_path, settings=Settings(connections_per_address=5)) as house:
        for _ in range(20):
            async with await connect(house) as stream:
                await ping(stream)
                await stream.send_eof()
                assert await stream.receive_some() == b""


async def test_an_address_has_its_share_of_connections_and_no_more(tmp_path: Path) -> None:
    few = Settings(connections_per_address=2)
    async with (
        running_house(tmp_path, settings=few) as house,
        await connect(house) as first,
        await connect(house) as second,
    ):
        await ping(first)
        await ping(second)
        async with await connect(house) as third:
            assert await third.receive_some() == b""


async def test_bytes_that_turn_bad_while_answered_stop_nobody_else(house: House) -> None:
    for _ in range(50):
        async with await connect(house) as stream:
            await stream.send_all(ENDLESS)
            await stream.send_all(b"20000\r\n" + b"a" * 70_000 + b"zz\r\n" * 9)
            await stream.send_eof()
            while await stream.receive_some():
                pass
    assert (await house.client().ask("GET", "/api/v3/ping")).status == 200


async def test_http_2_is_not_spoken(house: House) -> None:
    async with await connect(house) as stream:
        upgrade = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        await stream.send_all(PING[:-2] + upgrade)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")


async def deaf(house: House) -> trio.SocketStream:
    """A connection that takes next to nothing of what it is sent."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(peer))
    await stream.socket.connect(("127.0.0.1", int(house.url.rpartition(":")[2])))
    return stream


async def ask_on(stream: trio.SocketStream) -> None:
    """Ask and ask and never read; raises when hung up on."""
    while True:
        await stream.send_all(PING.replace(b"ping", b"exchangeInfo") * 50)


async def refused(house: House) -> bool:
    """Whether the door hangs up on a newcomer."""
    async with await connect(house) as stream:
        try:
            await stream.send_all(PING)
            return await stream.receive_some() == b""
        except trio.BrokenResourceError:
            return True


async def test_who_does_not_read_the_answers_does_not_keep_the_door_from_closing(tmp_path: Path) -> None:
    with trio.fail_after(120):
        async with running_house(tmp_path) as house:
            stream = await deaf(house)
            with trio.move_on_after(1):
                await ask_on(stream)
    await trio.aclose_forcefully(stream)


async def test_who_does_not_read_the_answers_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "PIECE_SECONDS", 0.5)
    one_each = Settings(connections_per_address=1, weight_limit_per_minute=0)
    async with running_house(tmp_path, settings=one_each) as house:
        async with await deaf(house) as stream:
            with trio.fail_after(120), pytest.raises(trio.BrokenResourceError):
                await ask_on(stream)
        with trio.fail_after(120):  # what it had asked is still worked off; then its place is free
            while await refused(house):
                pass


async def test_a_connection_ends_behind_a_body_that_was_too_large_and_says_so(tmp_path: Path) -> None:
    head = b"POST /api/v3/order HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    async with running_house(tmp_path) as house, await connect(house) as stream:
        await stream.send_all(head + b"x" * 100_000)
        with trio.fail_after(120):
            answer = b"".join([part async for part in stream])
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()


TOO_MUCH = [
    (b"GET /api/v3/ping?" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, -1108),
    (PING[:-2] + b"X: " + b"x" * 9_000 + b"\r\n\r\n", 431, -1108),
    (PING[:-2] + b"X: y\r\n" * 200 + b"\r\n", 431, -1108),
    (PING[:-2] + (b"X: " + b"y" * 8_000 + b"\r\n") * 3 + b"\r\n", 431, -1108),
    (PING[:-2] + b"X: " + b"x" * 70_000, 431, -1108),
    (b"\x00" * 100, 400, -1130),
]


@pytest.mark.parametrize(("raw", "status", "code"), TOO_MUCH)
async def test_both_doors_refuse_the_same_heads_in_the_same_words(
    tmp_path: Path, raw: bytes, status: int, code: int
) -> None:
    async with fast_house(tmp_path) as fast:
        main, answers = int(fast.house.url.rpartition(":")[2]), []
        for port in (main, fast.port):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(raw)
                answer = b""
                with trio.fail_after(120):
                    while not answer.endswith(b"}"):
                        part = await stream.receive_some()
                        assert part, answer
                        answer += part
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            answers.append(answer.partition(b"\r\n\r\n")[2])
    assert msgspec.json.decode(answers[0])["code"] == code
    assert answers[0] == answers[1]
