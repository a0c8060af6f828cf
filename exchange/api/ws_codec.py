"""The WebSocket protocol's frames (RFC 6455), a server's side of it, without I/O: bytes in, events out, and back.

No extension is spoken and no binary data is taken, so reserved bits and binary frames end a connection.
"""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

try:
    from websockets.speedups import apply_mask  # in C
except ImportError:  # where the library came without its compiled part
    from websockets.utils import apply_mask

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL: Final = 1002
NOT_TEXT: Final = 1003
NO_STATUS: Final = 1005
NOT_UTF8: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009

MAX_PARTS: Final = 256
"""A message comes in so many frames at most: frames without content would else pile up without an end."""

_WHOLE_TEXT: Final = 0x80 | TEXT
_MASKED: Final = 0x80
_MAX_CONTROL: Final = 125
_SENDABLE: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
_UTF8: Final = codecs.getincrementaldecoder("utf-8")


class Broken(Exception):
    """The peer broke the protocol or a limit of ours: the connection is to be ended with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Event(NamedTuple):
    """A ping or pong with its payload, a close with its code and reason, or a piece that does not complete its text.

    `kind` is the opcode, that of such a piece `CONTINUATION`.
    """

    kind: int
    payload: bytes = b""
    code: int = NO_STATUS
    reason: str = ""


class Incoming:
    """Takes in a client's bytes and gives the events that they complete, in order."""

    __slots__ = ("_at", "_buffer", "_decoder", "_limit", "_parts", "_size", "_texts")

    def __init__(self, limit: int) -> None:
        """A text has at most `limit` bytes, in one frame or many."""
        self._limit = limit
        self._buffer = b""
        self._at = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._texts: list[str] = []
        self._parts = 0
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        rest = self._buffer[self._at :] if self._at else self._buffer
        self._buffer = rest + data if rest else data
        self._at = 0

    def take(self) -> str | Event | None:
        """The next whole text or other event; None when more bytes are needed.

        Raises `Broken`, and is not to be called after that.
        """
        buffer, at = self._buffer, self._at
        have = len(buffer) - at
        if have < 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        opcode, length = first & 0x0F, second & 0x7F
        if first != _WHOLE_TEXT or second < _MASKED:
            _check(first, second, opcode, length)
        mask_at = at + 2
        if length > _MAX_CONTROL:
            size = 2 if length == 126 else 8
            mask_at += size
            if have < 2 + size:
                return None
            length = int.from_bytes(buffer[at + 2 : mask_at], "big")
            if length >> 63 or length < (126 if size == 2 else 65_536):
                raise Broken(PROTOCOL, "a length that is written wrongly")
        if length + self._size > self._limit and opcode < CLOSE:
            raise Broken(TOO_BIG, f"a message has at most {self._limit} bytes")
        start = mask_at + 4
        end = start + length
        if at + have < end:
            return None
        self._at = end
        payload = apply_mask(buffer[start:end], buffer[mask_at:start])
        if first == _WHOLE_TEXT and self._decoder is None:
            try:
                return payload.decode()
            except UnicodeDecodeError:
                raise Broken(NOT_UTF8, "not UTF-8") from None
        return self._event(opcode, bool(first & 0x80), payload)

    def _event(self, opcode: int, last: bool, payload: bytes) -> str | Event:
        if opcode == CLOSE:
            return _farewell(payload)
        if opcode > CLOSE:
            return Event(opcode, payload)
        return self._piece(opcode, last, payload)

    def _piece(self, opcode: int, last: bool, payload: bytes) -> str | Event:
        """One frame of a text in several; what is no UTF-8 is noticed as soon as it comes."""
        if opcode == CONTINUATION:
            if self._decoder is None:
                raise Broken(PROTOCOL, "a continuation of nothing")
        elif self._decoder is not None:
            raise Broken(PROTOCOL, "a text inside another")
        else:
            self._decoder = _UTF8()
        self._parts += 1
        self._size += len(payload)
        try:
            self._texts.append(self._decoder.decode(payload, last))
        except UnicodeDecodeError:
            raise Broken(NOT_UTF8, "not UTF-8") from None
        if not last:
            if self._parts >= MAX_PARTS:
                raise Broken(TOO_BIG, f"a message has at most {MAX_PARTS} frames")
            return Event(CONTINUATION)
        text = "".join(self._texts)
        self._decoder, self._texts, self._parts, self._size = None, [], 0, 0
        return text


def _check(first: int, second: int, opcode: int, length: int) -> None:
    """Refuse what no frame of a client may look like, as far as its first two bytes tell."""
    if first & 0x70:
        raise Broken(PROTOCOL, "reserved bits are set")
    if not second & 0x80:
        raise Broken(PROTOCOL, "a client's frames are masked")
    if opcode >= CLOSE:
        if opcode > PONG:
            raise Broken(PROTOCOL, "an unknown kind of frame")
        if not first & 0x80:
            raise Broken(PROTOCOL, "a control frame in pieces")
        if length > _MAX_CONTROL:
            raise Broken(PROTOCOL, "a control frame has at most 125 bytes")
    elif opcode == BINARY:
        raise Broken(NOT_TEXT, "only text frames are understood here")
    elif opcode > BINARY:
        raise Broken(PROTOCOL, "an unknown kind of frame")


def _decoded(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Broken(NOT_UTF8, "not UTF-8") from None


def _farewell(payload: bytes) -> Event:
    """A close frame: nothing, or a code that may be sent and a reason in UTF-8."""
    if not payload:
        return Event(CLOSE)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _SENDABLE or 3000 <= code < 5000):
        raise Broken(PROTOCOL, "not a code to close with")
    return Event(CLOSE, code=code, reason=_decoded(payload[2:]))


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return bytes((0x80 | opcode, 126, size >> 8, size & 0xFF)) + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; that for `NO_STATUS` is empty. A reason that is too long is cut short."""
    if code == NO_STATUS:
        return frame(CLOSE, b"")
    short = reason.encode()[: _MAX_CONTROL - 2].decode(errors="ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + short)
