"""What is done about keys once in a while, beside what people ask for."""

from __future__ import annotations

from typing import Final

import apsw
import structlog
import trio

from exchange.office.keys import KeyRing

EVERY_SECONDS: Final = 60

_log = structlog.get_logger(__name__)


async def tend(keyring: KeyRing) -> None:
    """Note which keys are used and drop those that are not, every minute until cancelled, and then once more."""
    try:
        while True:
            await trio.sleep(EVERY_SECONDS)
            _keep(keyring)
    finally:
        _keep(keyring)


def _keep(keyring: KeyRing) -> None:
    """A day of use that cannot be written now is written later: no reason for anything to end."""
    try:
        keyring.keep()
    except apsw.Error:
        _log.exception("the use of keys could not be noted")
