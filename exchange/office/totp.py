"""One-time codes by time (RFC 6238: SHA-1, six digits, 30 seconds), as every authenticator app makes them. Pure."""

from __future__ import annotations

import base64
import hmac
from typing import Final

import pyotp

from exchange.core.units import Micros

SECRET_BYTES: Final = 20
STEP_US: Final = 30_000_000
DIGITS: Final = 6
WINDOW: Final = 1
"""How many steps a clock may be ahead or behind."""

FREE_TRIES: Final = 3
"""Wrong codes before the first wait."""

MAX_WAIT_US: Final = 300_000_000
"""The longest wait: nobody is locked out for good."""

ISSUER: Final = "onebox exchange"


def matching_step(secret: bytes, code: str, now: Micros, last_step: int) -> int | None:
    """The step whose code this is, within the window around `now` and newer than `last_step`; None: there is none."""
    totp = pyotp.TOTP(_base32(secret), digits=DIGITS)
    current = now // STEP_US
    found = None
    for step in range(current - WINDOW, current + WINDOW + 1):
        same = hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if same and step > last_step:
            found = step
    return found


def wait_after(wrong: int) -> int:
    """Microseconds to wait after that many wrong codes in a row: 2 s from the fourth on, doubling, up to 5 minutes."""
    if wrong <= FREE_TRIES:
        return 0
    return min(2_000_000 << min(wrong - FREE_TRIES - 1, 20), MAX_WAIT_US)


def provisioning_uri(secret: bytes, name: str) -> str:
    """What an authenticator app reads from a QR code. It contains the secret."""
    return pyotp.TOTP(_base32(secret), digits=DIGITS, name=name, issuer=ISSUER).provisioning_uri()


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode()
