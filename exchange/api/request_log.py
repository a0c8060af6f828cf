"""Requests that were refused, failed or took long: counted, and written to the log under an id that the answer carries.

A request that goes well costs nothing here. Nothing of what was sent stands in the log but method, known path, and the
sender's address: no query, no header, no text of the refusal, in which a parameter's name may be a misplaced secret.
"""

from __future__ import annotations

import itertools
import secrets
from typing import Any, Final

import structlog

from exchange.api.errors import Refusal
from exchange.core.units import Micros
from exchange.ops.door_counts import DoorCounts

HEADER: Final = "x-request-id"
LINES_PER_SECOND: Final = 20
"""Refusals and slow requests beyond are counted and not written: a flood must not fill the disk with words on it."""

_METHODS: Final = frozenset({"", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "WS"})
_SECOND: Final = 1_000_000
_DEFAULT_SLOW_US: Final = 1_000_000
_log = structlog.get_logger("exchange.requests")


class RequestLog:
    """One process's. Ids are `start-number`, unique among processes and in the order of the log."""

    def __init__(self, counts: DoorCounts | None = None, slow_us: int = _DEFAULT_SLOW_US) -> None:
        """A request that took more than `slow_us` microseconds is slow."""
        self.counts = counts or DoorCounts()
        self.slow_us = slow_us
        self._start = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._second = 0
        self._lines = self._left_out = 0

    def refused(self, refusal: Refusal, method: str, path: str, address: str, now: Micros) -> str:
        """The id of a request that was refused. `path` is a known one, or ""."""
        self.counts.refused[refusal.code] += 1
        id_ = self._id()
        if self._may_write(now):
            said = {"code": refusal.code, "status": refusal.status, "reason": refusal.reason or None}
            _log.info("refused", request=id_, **_place(method, path, address), **said)
        return id_

    def slow(self, took_us: int, method: str, path: str, address: str, now: Micros) -> str:
        """The id of a request that took long."""
        self.counts.slow += 1
        id_ = self._id()
        if self._may_write(now):
            _log.warning("slow", request=id_, **_place(method, path, address), milliseconds=took_us // 1_000)
        return id_

    def failed(self, method: str, path: str, address: str) -> str:
        """The id of a request that met a bug of ours, which is being handled: its trace goes to the log."""
        self.counts.failed += 1
        id_ = self._id()
        _log.exception("failed", request=id_, **_place(method, path, address))
        return id_

    def _id(self) -> str:
        return f"{self._start}-{next(self._numbers)}"

    def _may_write(self, now: Micros) -> bool:
        second = now // _SECOND
        if second != self._second:
            if self._left_out:
                _log.warning("too many to write down", left_out=self._left_out)
            self._second, self._lines, self._left_out = second, 0, 0
        self._lines += 1
        if self._lines <= LINES_PER_SECOND:
            return True
        self._left_out += 1
        return False


def _place(method: str, path: str, address: str) -> dict[str, Any]:
    """Where and by whom it was asked; a word that is no method of ours is not repeated."""
    return {"method": method if method in _METHODS else "other", "path": path or None, "address": address}
