"""Destinations that nothing is paid to: an operator's file, one address a line, with the reason behind it.

The file is read again when it changes. While it cannot be read nothing passes: a list that is lost is no empty list.
Another source of such knowledge is another function of the same shape.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

Screen = Callable[[str, str], str]
"""Chain and address (as the chain writes it) to why it is denied, or "". Raises `ScreenLost`."""

DENIED: Final = "the destination is denied"
_MOST_BYTES: Final = 64 << 20
_REASON_CHARS: Final = 200


class ScreenLost(Exception):
    """What is denied cannot be known now, so nothing passes. The message says why."""


class DenyList:
    """`deny.txt`: an address, then space and why. Lines that begin with # are remarks."""

    def __init__(self, path: Path) -> None:
        """`path` may not exist yet: then nothing is denied. A file that was there and is gone denies everything."""
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._denied: dict[str, str] = {}
        self._fault = ""

    def __call__(self, chain: str, address: str) -> str:
        """Why nothing may be paid to `address`; "" where nothing is known against it. Raises `ScreenLost`."""
        del chain  # an address that is denied on one chain is not welcome on another
        self._refresh()
        if self._fault:
            raise ScreenLost(self._fault)
        return self._denied.get(address.casefold(), "")

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._denied = self._read()
                self._stamp = stamp
            self._fault = ""
        except FileNotFoundError:
            self._fault = f"the deny-list {self._path} is gone" if self._stamp is not None else ""
        except (OSError, UnicodeDecodeError, ValueError) as error:
            self._fault = f"the deny-list {self._path} cannot be read: {error}"

    def _read(self) -> dict[str, str]:
        with self._path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            message = f"it is larger than {_MOST_BYTES} bytes"
            raise ValueError(message)
        lines = (line.strip() for line in content.decode("utf-8-sig").splitlines())
        parts = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
        return {address.casefold(): (*why, "on the deny-list")[0][:_REASON_CHARS] for address, *why in parts}
