"""HTTP/1.1 without I/O, a server's side of it: bytes in, whole requests out, and replies as bytes.

`httptools` reads the protocol; here are the limits, and what is refused before anybody looks at a request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from enum import Enum
from functools import cache
from http import HTTPStatus
from typing import Final

import httptools
import msgspec

from exchange.api import errors
from exchange.api.answering import Reply
from exchange.api.door_limits import DoorLimits
from exchange.api.errors import Refusal
from exchange.core.units import Micros

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_SECOND: Final = 1_000_000


_USUAL: Final = ("Host", "X-MBX-APIKEY", "Content-Length", "Content-Type", "Accept", "Accept-Encoding", "Connection")
_NAMES: Final = {text.encode(): name.lower() for name in (*_USUAL, "User-Agent") for text in (name, name.lower())}
"""Header names as they mostly come."""


class Phase(Enum):
    """What of a request is to come next."""

    IDLE = 1
    HEAD = 2
    BODY = 3


class Heard(msgspec.Struct, gc=False):
    """One request as it came. Header names are in small letters. `upgrade`: what follows is no HTTP if we agree."""

    method: str
    target: bytes
    headers: dict[str, list[str]]
    body: bytes = b""
    keep: bool = True
    upgrade: bool = False

    def first(self, name: str) -> str | None:
        """The first value of that header."""
        values = self.headers.get(name)
        return values[0] if values else None


class _Fault(Exception):
    """Stops the parser; what is wrong is written down already."""


class Requests:
    """Takes in a client's bytes; whole requests are in `heard`, and `fault` says why nothing more will be."""

    def __init__(self, limits: DoorLimits) -> None:
        """Nothing has come yet. `changes` counts the changes of `phase`."""
        self.heard: deque[Heard] = deque()
        self.fault: Refusal | None = None
        self.phase = Phase.IDLE
        self.changes = 0
        self.rest = b""
        self.wants_continue = False
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, list[str]] = {}
        self._count = self._head_size = self._body_size = 0
        self._body: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        if self.fault is not None:
            return
        changes = self.changes
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.rest = data[upgrade.args[0] :]
            return
        except httptools.HttpParserError:
            self._malformed()
            return
        if self.phase is Phase.HEAD and self.changes == changes:
            self._head_size += len(data)  # of a line that is not complete the parser tells nothing
            if self._head_size > self._limits.header_bytes:
                self.fault = errors.HEAD_TOO_LARGE

    def _malformed(self) -> None:
        """Unless something worse is known already, these bytes are no HTTP."""
        if self.fault is None:
            self.fault = errors.MALFORMED

    def decline_upgrade(self) -> None:
        """Go on with HTTP behind a request that asked for another protocol."""
        rest, self.rest = self.rest, b""
        self._parser = httptools.HttpRequestParser(self)
        if rest:
            self.feed(rest)

    def on_message_begin(self) -> None:
        self._turn(Phase.HEAD)
        self._target, self._headers, self._body = b"", {}, []
        self._count = self._head_size = self._body_size = 0

    def on_url(self, part: bytes) -> None:
        self._target += part
        if len(self._target) > self._limits.line_bytes:
            self._fail(errors.TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        self._head_size += len(name) + len(value)
        limits = self._limits
        if self._count > limits.headers or len(value) > limits.line_bytes or self._head_size > limits.header_bytes:
            self._fail(errors.HEAD_TOO_LARGE)
        known = _NAMES.get(name) or name.decode("latin-1").lower()
        self._headers.setdefault(known, []).append(value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self._turn(Phase.BODY)
        headers = self._headers
        if "host" not in headers and self._parser.get_http_version() == "1.1":
            self._fail(errors.MALFORMED)
        if self._parser.get_http_version() not in {"1.0", "1.1"}:
            self._fail(errors.MALFORMED)
        if "expect" in headers:
            if [value.lower() for value in headers["expect"]] != ["100-continue"]:
                self._fail(errors.EXPECTATION_FAILED)
            self.wants_continue = True
        length = headers.get("content-length", ["0"])[0]
        if length.isdigit() and int(length) > self._limits.body_bytes:
            self._fail(errors.BODY_TOO_LARGE)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)
        self._body_size += len(part)
        if self._body_size > self._limits.body_bytes:
            self._fail(errors.BODY_TOO_LARGE)

    def on_message_complete(self) -> None:
        self._turn(Phase.IDLE)
        self.wants_continue = False
        parser = self._parser
        self.heard.append(
            Heard(
                parser.get_method().decode("ascii"),
                self._target,
                self._headers,
                b"".join(self._body),
                keep=parser.should_keep_alive(),
                upgrade=parser.should_upgrade(),
            )
        )

    def _turn(self, phase: Phase) -> None:
        self.phase = phase
        self.changes += 1

    def _fail(self, refusal: Refusal) -> None:
        self.fault = refusal
        raise _Fault


def split_target(target: bytes) -> tuple[str, bytes]:
    """Path and query of a request's target, which may be a whole URL."""
    if not target.startswith(b"/") and b"://" in target[:16]:
        _, slash, rest = target.partition(b"://")[2].partition(b"/")
        target = b"/" + rest if slash else b"/"
    path, _, query = target.partition(b"?")
    return path.decode("ascii", "replace"), query.partition(b"#")[0]


@cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


class Rendering:
    """Replies as bytes."""

    def __init__(self, now: Callable[[], Micros]) -> None:
        """`now` is for the date."""
        self._now = now
        self._second = -1
        self._date = ""

    def render(self, reply: Reply, *, bare: bool, keep: bool) -> bytes:
        """`bare`: without its body, to a HEAD. `keep`: the connection stays open."""
        head = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
        end = f"content-length: {len(reply.body)}\r\ndate: {self._dated()}\r\n{'' if keep else _CLOSES}\r\n"
        raw = (_status_line(reply.status) + head + end).encode("latin-1")
        return raw if bare else raw + reply.body

    def _dated(self) -> str:
        second = self._now() // _SECOND
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date


_CLOSES: Final = "connection: close\r\n"
