"""The frames of the WebSocket protocol, held against two libraries that know it, and against hostile bytes."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
import wsproto.events
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri
from websockets.utils import apply_mask
from wsproto.connection import Connection, ConnectionType

from exchange.api.ws_codec import (
    CLOSE,
    CONTINUATION,
    MAX_PARTS,
    NO_STATUS,
    PING,
    PONG,
    TEXT,
    Broken,
    Event,
    Incoming,
    close_frame,
    frame,
)

LIMIT = 100_000
TEXTS = ["", "a", "héllo – 世界 😀", "x" * 125, "x" * 126, "x" * 127, "é" * 32_767, "x" * 65_535, "x" * 65_536]
KEY = b"\x01\x80\xff\x7f"


def masked(first: int, payload: bytes, *, length: bytes | None = None) -> bytes:
    """A client's frame with any first byte and, if wanted, any length."""
    size = len(payload)
    if length is None and size < 126:
        length = bytes((0x80 | size,))
    elif length is None:
        length = b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")
    return bytes((first,)) + length + KEY + apply_mask(payload, KEY)


def taken(data: bytes, limit: int = LIMIT) -> list[str | Event]:
    """All events in `data`; raises `Broken`."""
    incoming = Incoming(limit)
    incoming.feed(data)
    found = []
    while (event := incoming.take()) is not None:
        found.append(event)
    return found


def websockets_client() -> ClientProtocol:
    return ClientProtocol(parse_uri("ws://test/"), state=OPEN, max_size=None)


def wsproto_client() -> Connection:
    return Connection(ConnectionType.CLIENT)


@pytest.mark.parametrize("text", TEXTS, ids=len)
def test_what_websockets_sends_is_understood(text: str) -> None:
    client = websockets_client()
    client.send_text(text.encode())
    assert taken(b"".join(client.data_to_send())) == [text]


@pytest.mark.parametrize("text", TEXTS, ids=len)
def test_what_wsproto_sends_is_understood(text: str) -> None:
    assert taken(wsproto_client().send(wsproto.events.TextMessage(text))) == [text]


@pytest.mark.parametrize("text", TEXTS, ids=len)
def test_what_we_send_is_understood_by_both(text: str) -> None:
    sent = frame(TEXT, text.encode())
    client, second = websockets_client(), wsproto_client()
    client.receive_data(sent)
    [heard] = client.events_received()
    assert isinstance(heard, Frame)
    assert bytes(heard.data).decode() == text
    second.receive_data(sent)
    parts = [event for event in second.events() if isinstance(event, wsproto.events.TextMessage)]
    assert "".join(part.data for part in parts) == text


def test_pieces_with_pings_between_them_make_one_text() -> None:
    client = websockets_client()
    word = "é世😀".encode()
    client.send_text(word[:1], fin=False)
    client.send_ping(b"are you there")
    for at in range(1, len(word) - 1):
        client.send_continuation(word[at : at + 1], fin=False)
    client.send_continuation(word[-1:], fin=True)
    events = taken(b"".join(client.data_to_send()))
    assert [event for event in events if isinstance(event, str)] == ["é世😀"]
    assert Event(PING, b"are you there") in events


def test_pieces_of_wsproto_make_one_text() -> None:
    client = wsproto_client()
    sent = [client.send(wsproto.events.TextMessage(part, message_finished=part == "c")) for part in "abc"]
    assert taken(b"".join(sent))[-1] == "abc"


def test_bytes_may_come_one_at_a_time() -> None:
    incoming, found = Incoming(LIMIT), []
    for byte in masked(0x81, b"x" * 200) + masked(0x8A, b"pong") + masked(0x81, "é".encode()):
        incoming.feed(bytes((byte,)))
        while (event := incoming.take()) is not None:
            found.append(event)
    assert found == ["x" * 200, Event(PONG, b"pong"), "é"]


def test_any_cut_of_a_long_talk_is_the_same_talk() -> None:
    dice = random.Random(7)
    texts = ["x" * dice.randrange(400) for _ in range(200)]
    talk = b"".join(masked(0x81, text.encode()) for text in texts)
    incoming, found = Incoming(LIMIT), []
    while talk:
        size = dice.randrange(1, 2_000)
        incoming.feed(talk[:size])
        talk = talk[size:]
        while (event := incoming.take()) is not None:
            found.append(event)
    assert found == texts


@pytest.mark.parametrize("size", [*range(20), 125, 126, 127, 1_000])
def test_masking_is_that_of_the_protocol(size: int) -> None:
    payload = random.Random(size).randbytes(size)
    assert apply_mask(payload, KEY) == bytes(byte ^ KEY[at % 4] for at, byte in enumerate(payload))


HOSTILE = {
    "first reserved bit": (masked(0xC1, b"x"), 1002),
    "second reserved bit": (masked(0xA1, b"x"), 1002),
    "third reserved bit": (masked(0x91, b"x"), 1002),
    "unmasked text": (b"\x81\x01x", 1002),
    "unmasked ping": (b"\x89\x00", 1002),
    "unknown kind": (masked(0x83, b"x"), 1002),
    "unknown control": (masked(0x8B, b"x"), 1002),
    "binary": (masked(0x82, b"x"), 1003),
    "ping in pieces": (masked(0x09, b"x"), 1002),
    "close in pieces": (masked(0x08, b""), 1002),
    "long ping": (masked(0x89, b"x" * 126), 1002),
    "ping with 64 bits of length": (masked(0x89, b"", length=b"\xff" + bytes(8)), 1002),
    "text that is too long": (masked(0x81, b"x" * (LIMIT + 1)), 1009),
    "only announced too long": (b"\x81\xff" + (1 << 40).to_bytes(8, "big"), 1009),
    "negative length": (b"\x81\xff" + b"\xff" * 8, 1002),
    "short length in 16 bits": (masked(0x81, b"x", length=b"\xfe\x00\x01"), 1002),
    "short length in 64 bits": (masked(0x81, b"x" * 126, length=b"\xff" + (126).to_bytes(8, "big")), 1002),
    "continuation of nothing": (masked(0x80, b"x"), 1002),
    "text inside a text": (masked(0x01, b"x") + masked(0x81, b"x"), 1002),
    "text begun inside a text": (masked(0x01, b"x") + masked(0x01, b"x"), 1002),
    "pieces too long together": (masked(0x01, b"x" * 60_000) + masked(0x80, b"x" * 60_000), 1009),
    "too many pieces": (masked(0x01, b"") + masked(0x00, b"") * MAX_PARTS, 1009),
    "no UTF-8": (masked(0x81, b"\xff"), 1007),
    "half a letter": (masked(0x81, "é".encode()[:1]), 1007),
    "surrogate": (masked(0x81, b"\xed\xa0\x80"), 1007),
    "overlong": (masked(0x81, b"\xc0\x80"), 1007),
    "no UTF-8 in a piece": (masked(0x01, b"\xff"), 1007),
    "half a letter in the last piece": (masked(0x01, b"x") + masked(0x80, b"\xc3"), 1007),
    "close with half a code": (masked(0x88, b"\x03"), 1002),
    "close with no UTF-8": (masked(0x88, b"\x03\xe8\xff"), 1007),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_end_it_with_the_code_for_it(name: str) -> None:
    data, code = HOSTILE[name]
    with pytest.raises(Broken) as caught:
        taken(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "good"),
    [
        *((code, True) for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 4999)),
        *((code, False) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)),
    ],
)
def test_a_close_has_a_code_that_may_be_sent(code: int, good: bool) -> None:
    sent = masked(0x88, code.to_bytes(2, "big") + b"weil")
    if good:
        assert taken(sent) == [Event(CLOSE, code=code, reason="weil")]
    else:
        with pytest.raises(Broken) as caught:
            taken(sent)
        assert caught.value.code == 1002


def test_a_close_may_say_nothing() -> None:
    assert taken(masked(0x88, b"")) == [Event(CLOSE, code=NO_STATUS)]
    assert close_frame(NO_STATUS) == b"\x88\x00"


def test_a_reason_that_is_too_long_is_cut_between_letters() -> None:
    client = websockets_client()
    client.receive_data(close_frame(1008, "é" * 100))
    client.receive_eof()
    assert client.close_code == 1008
    assert client.close_reason == "é" * 61


def test_a_piece_that_completes_nothing_is_told_as_such() -> None:
    assert taken(masked(0x01, b"a")) == [Event(CONTINUATION)]


def test_random_bytes_break_nothing_but_the_connection() -> None:
    dice = random.Random(11)
    for _ in range(3_000):
        data = bytearray(masked(0x81, b'{"id":1}') * 3)
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        incoming = Incoming(1_000)
        incoming.feed(bytes(data))
        with suppress(Broken):
            while incoming.take() is not None:
                pass
