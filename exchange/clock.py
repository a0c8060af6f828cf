"""Where time and chance enter. Every room takes a `Clock`; tests hand it another one."""

from __future__ import annotations

import secrets
import time
from typing import Final, Protocol

from exchange.core.units import Micros

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FAIR: Final = 256 // len(_ALPHABET) * len(_ALPHABET)
_LETTERS: Final = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
_UNFAIR: Final = bytes(range(_FAIR, 256))


class Clock(Protocol):
    """The wall clock and a source of unguessable tokens."""

    def now(self) -> Micros:
        """Microseconds since 1970-01-01 UTC."""
        ...

    def token(self, chars: int) -> str:
        """That many unguessable letters and digits."""
        ...

    def token_bytes(self, size: int) -> bytes:
        """That many unguessable bytes."""
        ...


class SystemClock:
    """The machine's own clock and randomness."""

    def now(self) -> Micros:
        """Microseconds since 1970-01-01 UTC."""
        now: Micros = time.time_ns() // 1000  # type: ignore[assignment]  # a unit's name costs a function call
        return now

    def token(self, chars: int) -> str:
        """That many letters and digits, 5.95 bits each. Bytes that would favour a letter are thrown away."""
        picked = b""
        while len(picked) < chars:
            picked += secrets.token_bytes(chars + 8).translate(_LETTERS, _UNFAIR)
        return picked[:chars].decode()

    def token_bytes(self, size: int) -> bytes:
        """That many bytes."""
        return secrets.token_bytes(size)
