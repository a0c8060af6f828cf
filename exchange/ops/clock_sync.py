"""Whether the kernel's clock is kept by somebody (NTP, PTP), as the kernel itself says: adjtimex(2), only asked."""

from __future__ import annotations

import ctypes
from typing import Final

_UNSYNCHRONISED: Final = 0x0040
"""STA_UNSYNC."""
_WORDS: Final = 32
"""struct timex has 208 bytes on 64-bit Linux; `modes` is its first word, `status` lies at byte 40."""
_STATUS_AT: Final = 40


def synchronised() -> bool | None:
    """True or False, or None where the kernel does not tell (a sandbox may forbid the question)."""
    library = ctypes.CDLL(None, use_errno=True)
    timex = (ctypes.c_long * _WORDS)()  # modes = 0: nothing is changed
    if library.adjtimex(ctypes.byref(timex)) == -1:
        return None
    status = ctypes.c_int.from_buffer(timex, _STATUS_AT).value
    return not status & _UNSYNCHRONISED
