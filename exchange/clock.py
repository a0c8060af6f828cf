"""Where time and chance enter. Every room takes a `Clock`; tests hand it another one."""

from __future__ import annotations

import secrets
import time
from typing import Final, Protocol

from exchange.core.units import Micros

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


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
        return Micros(time.time_ns() // 1000)

    def token(self, chars: int) -> str:
        """That many letters and digits, 5.95 bits each."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(chars))

    def token_bytes(self, size: int) -> bytes:
        """That many bytes."""
        return secrets.token_bytes(size)
