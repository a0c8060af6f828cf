"""Lines out of a stream, however it is cut."""

from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair

from exchange.admin.lines import Lines, LineTooLong


async def test_lines_in_one_piece_are_told_apart() -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(b"one\ntwo\n")
    lines = Lines(ours, 10)
    assert [await lines.next(), await lines.next()] == [b"one", b"two"]


async def test_a_line_in_pieces_is_put_together() -> None:
    ours, theirs = memory_stream_pair()
    lines = Lines(ours, 10)
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            for piece in (b"o", b"n", b"e", b"\n"):
                await theirs.send_all(piece)

        nursery.start_soon(send)
        assert await lines.next() == b"one"


@pytest.mark.parametrize("sent", [b"12345678901", b"12345678901\n", b"123456789012345\n"])
async def test_a_line_longer_than_the_limit_is_refused(sent: bytes) -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(sent)
    with pytest.raises(LineTooLong):
        await Lines(ours, 10).next()


async def test_a_line_as_long_as_the_limit_is_read() -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(b"1234567890\n")
    assert await Lines(ours, 10).next() == b"1234567890"


async def test_the_end_is_none_and_half_a_line_is_no_line() -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(b"hal")
    await theirs.aclose()
    assert await Lines(ours, 10).next() is None


async def test_cancelled_half_way_nothing_is_lost() -> None:
    ours, theirs = memory_stream_pair()
    lines = Lines(ours, 10)
    await theirs.send_all(b"on")
    with trio.move_on_after(0.01):
        await lines.next()
    await theirs.send_all(b"e\n")
    assert await lines.next() == b"one"
