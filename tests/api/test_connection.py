"""One WebSocket connection: limits, pings, an orderly end. The peer is the `websockets` library, without its I/O."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from exchange.api.connection import GOING_AWAY, Connection
from exchange.api.door_limits import DoorLimits
from exchange.api.door_link import Link
from exchange.api.door_loop import Loop
from exchange.api.feeds import Message

LIMITS = DoorLimits(buffer_messages=5, burst=2, frame_bytes=64, stall=1_000)
LARGE = b"x" * 500_000
"""More than a socket takes that nobody reads."""


class Peer:
    """The other end: what it sends, and what it has received."""

    def __init__(self, stream: trio.SocketStream, connection: Connection, done: trio.Event) -> None:
        self.stream = stream
        self.connection = connection
        self.protocol = ClientProtocol(parse_uri("ws://test/"), state=OPEN, max_size=None)
        self.heard: list[str] = []
        self.done = done

    async def flush(self) -> None:
        for part in self.protocol.data_to_send():
            if part:
                await self.stream.send_all(part)

    async def say(self, text: str) -> None:
        self.protocol.send_text(text.encode())
        await self.flush()

    async def receive(self) -> list[Frame]:
        """The frames that come in next; nothing once the stream has ended."""
        while data := await self.stream.receive_some(65_536):
            self.protocol.receive_data(data)
            if frames := [event for event in self.protocol.events_received() if isinstance(event, Frame)]:
                return frames
        return []

    async def goodbye(self, *, answers: bool = True) -> tuple[int | None, str | None]:
        """Read to the end; code and reason of the close frame."""
        while frames := await self.receive():
            self.heard += [bytes(frame.data).decode() for frame in frames if frame.opcode is Opcode.TEXT]
            if answers:
                await self.flush()
        self.protocol.receive_eof()
        return self.protocol.close_code, self.protocol.close_reason


class Told:
    """A listener that writes down what it is told, and says so."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.texts: list[str] = []

    def answer(self, text: str) -> None:
        self.texts.append(text)
        self.connection.send(f"you said {text}".encode())

    def busy(self) -> bool:
        return False


@asynccontextmanager
async def connected(limits: DoorLimits = LIMITS, *, metered: bool = True) -> AsyncIterator[tuple[Peer, list[str]]]:
    """A connection that writes down what it is told, and its peer."""
    near, far = socket.socketpair()
    near.setblocking(False)
    loop = Loop()
    link = Link(loop, near, "here", limits, None, lambda _: None)
    done = trio.Event()
    connection = Connection(link, limits, lambda *_: done.set(), combined=False, metered=metered)
    listener = Told(connection)
    connection.open(listener, b"")
    link.start(connection)
    async with trio.SocketStream(trio.socket.from_stdlib_socket(far)) as there, trio.open_nursery() as nursery:
        nursery.start_soon(loop.run)
        yield Peer(there, connection, done), listener.texts
        nursery.cancel_scope.cancel()
    link.abort()
    loop.close()


async def test_a_text_is_answered() -> None:
    async with connected() as (peer, told):
        await peer.say("hello")
        assert [bytes(frame.data) for frame in await peer.receive()] == [b"you said hello"]
        assert told == ["hello"]


async def test_a_text_in_pieces_is_put_together() -> None:
    async with connected() as (peer, told):
        peer.protocol.send_text(b"hel", fin=False)
        peer.protocol.send_continuation(b"lo", fin=True)
        await peer.flush()
        await peer.receive()
        assert told == ["hello"]


async def test_our_goodbye_comes_after_what_was_waiting() -> None:
    async with connected() as (peer, _):
        peer.connection.offer(Message("a", b"1"))
        peer.connection.offer(Message("a", b"2"))
        peer.connection.cut(GOING_AWAY, "done for today")
        assert await peer.goodbye() == (1001, "done for today")
        assert peer.heard == ["1", "2"]


async def test_nothing_is_said_after_goodbye() -> None:
    async with connected() as (peer, told):
        peer.connection.cut(GOING_AWAY, "done")
        peer.connection.offer(Message("a", b"1"))
        await peer.say("wait")
        await peer.goodbye()
        assert peer.heard == []
        assert told == []


async def test_the_peers_goodbye_is_answered() -> None:
    async with connected() as (peer, _):
        peer.protocol.send_close(CloseCode.NORMAL_CLOSURE, "bye")
        await peer.flush()
        assert await peer.goodbye() == (1000, "bye")


async def test_pieces_without_content_do_not_pile_up() -> None:
    with trio.fail_after(120):
        async with connected(metered=False) as (peer, told):
            peer.protocol.send_text(b"", fin=False)
            for _ in range(300):
                peer.protocol.send_continuation(b"", fin=False)
            await peer.flush()
            assert (await peer.goodbye())[0] == CloseCode.MESSAGE_TOO_BIG
    assert not told


async def test_a_flood_of_messages_leaves_others_their_turn() -> None:
    seen: list[int] = []
    with trio.fail_after(120):
        async with connected(DoorLimits(), metered=False) as (peer, told):
            for _ in range(100):
                peer.protocol.send_text(b"x")
            await peer.stream.send_all(b"".join(peer.protocol.data_to_send()))
            while len(told) < 100:
                await trio.lowlevel.checkpoint()
                seen.append(len(told))
    assert len(set(seen)) > 2  # looked at in between, not only before and after


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (Frame(Opcode.BINARY, b"\x00"), 1003),
        (Frame(Opcode.TEXT, b"\xff\xfe"), 1007),
        (Frame(Opcode.TEXT, b"x" * 65), 1009),
        (Frame(Opcode.CONT, b"out of nowhere"), 1002),
    ],
)
async def test_a_frame_that_does_not_belong_ends_it_with_the_code_for_it(frame: Frame, code: int) -> None:
    async with connected() as (peer, told):
        await peer.stream.send_all(frame.serialize(mask=True))
        assert (await peer.goodbye())[0] == code
        assert told == []


async def test_an_unmasked_frame_ends_it() -> None:
    async with connected() as (peer, _):
        await peer.stream.send_all(Frame(Opcode.TEXT, b"hi").serialize(mask=False))
        assert (await peer.goodbye())[0] == 1002


async def test_pieces_together_may_not_exceed_the_limit_of_one() -> None:
    async with connected() as (peer, told):
        peer.protocol.send_text(b"x" * 40, fin=False)
        peer.protocol.send_continuation(b"x" * 40, fin=True)
        await peer.flush()
        assert (await peer.goodbye())[0] == 1009
        assert told == []


async def test_more_messages_than_allowed_end_it_with_the_reason(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, told):
        for number in range(30):
            peer.protocol.send_text(str(number).encode())
        await peer.flush()
        assert await peer.goodbye() == (1008, "more than 5 messages per second")
        assert len(told) == 10


async def test_messages_within_the_limit_are_taken_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, told):
        for number in range(100):
            await peer.say(str(number))
            await trio.sleep(0.2)
        assert len(told) == 100


async def test_an_unmetered_connection_may_talk_but_not_ping_without_end() -> None:
    async with connected(DoorLimits(), metered=False) as (peer, told):
        for number in range(50):
            await peer.say(str(number))
        await trio.testing.wait_all_tasks_blocked()
        assert len(told) == 50
        for _ in range(50):
            peer.protocol.send_ping(b"")
        await peer.flush()
        assert (await peer.goodbye())[0] == 1008


async def test_who_answers_pings_stays(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, _):
        pings = 0
        with trio.move_on_after(310):
            while frames := await peer.receive():
                pings += sum(frame.opcode is Opcode.PING for frame in frames)
                await peer.flush()
        assert pings == 15
        assert not peer.connection.ending


async def test_who_answers_no_ping_is_cut_off_after_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, _):
        started = trio.current_time()
        assert await peer.goodbye(answers=False) == (1008, "no pong came back")
        assert 80 <= trio.current_time() - started <= 85


async def test_pongs_that_nobody_asked_for_do_not_help(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, _), trio.open_nursery() as nursery:

        async def pong() -> None:
            while True:
                await trio.sleep(5)
                peer.protocol.send_pong(b"here I am")
                data = peer.protocol.data_to_send()
                await peer.stream.send_all(data[-1])

        nursery.start_soon(pong)
        while frames := await peer.receive():
            peer.protocol.data_to_send()
            if any(frame.opcode is Opcode.CLOSE for frame in frames):
                break
        nursery.cancel_scope.cancel()
        peer.protocol.receive_eof()
        assert peer.protocol.close_reason == "no pong came back"


async def test_a_reader_that_falls_behind_is_cut_off_and_told_why(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, _):
        peer.connection.offer(Message("a", LARGE))
        await trio.sleep(2)
        for number in range(1, 10):
            peer.connection.offer(Message("a", str(number).encode()))
        assert peer.connection.ending == "you read too slowly: too many messages were waiting"
        assert (await peer.goodbye()) == (1008, "you read too slowly: too many messages were waiting")
        assert peer.heard == [LARGE.decode()]


async def test_a_reader_that_takes_nothing_is_cut_off_however_little_waits(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected(DoorLimits()) as (peer, _):
        peer.connection.offer(Message("a", LARGE))
        await trio.sleep(2.3)
        assert (await peer.goodbye()) == (1008, "you read too slowly: nothing was taken")


async def test_a_reader_that_never_reads_is_gone_within_five_seconds(autojump_clock: trio.testing.MockClock) -> None:
    async with connected(DoorLimits()) as (peer, _):
        started = trio.current_time()
        for _number in range(50):
            peer.connection.offer(Message("a", LARGE))
            await trio.sleep(0.01)
        await peer.done.wait()
        assert trio.current_time() - started <= 5


async def test_a_reader_that_never_reads_again_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (peer, _):
        peer.connection.offer(Message("a", LARGE))
        await trio.sleep(2)
        for number in range(10):
            peer.connection.offer(Message("a", str(number).encode()))
        started = trio.current_time()
        await peer.done.wait()
        assert LIMITS.mercy <= trio.current_time() - started <= LIMITS.mercy + 0.5


async def test_a_burst_that_is_read_at_once_harms_nobody() -> None:
    async with connected() as (peer, _):
        for number in range(10):
            peer.connection.offer(Message("a", str(number).encode()))
        assert not peer.connection.ending
        await peer.receive()


async def test_even_a_burst_has_its_limit() -> None:
    async with connected() as (peer, _):
        for number in range(11):
            peer.connection.offer(Message("a", str(number).encode()))
        assert peer.connection.ending


def test_a_message_is_framed_once_for_all_its_readers() -> None:
    message = Message("a@trade", b'{"p":"1"}')
    assert message.raw() is message.raw()
    assert message.combined() is message.combined()
    assert message.combined().endswith(b'{"stream":"a@trade","data":{"p":"1"}}')


async def test_a_frame_begun_is_ended_even_when_all_else_is_dropped() -> None:
    async with connected() as (peer, _):
        peer.connection.offer(Message("a", LARGE))
        await trio.testing.wait_all_tasks_blocked()
        peer.connection.offer(Message("a", b"dropped"))
        peer.connection.cut(GOING_AWAY, "enough", drop=True)
        assert await peer.goodbye() == (1001, "enough")
        assert peer.heard == [LARGE.decode()]


async def test_after_a_day_a_connection_ends_and_that_is_known_before(autojump_clock: trio.testing.MockClock) -> None:
    async with connected(DoorLimits(ping=1_000_000)) as (peer, _):
        await trio.sleep(86_400 - 601)
        assert not peer.connection.retires()
        await trio.sleep(2)
        assert peer.connection.retires()
        assert not peer.connection.retires()
        await trio.sleep(600)
        assert await peer.goodbye() == (1008, "a connection lives for a day")
