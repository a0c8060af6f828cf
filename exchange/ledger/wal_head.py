"""How far the WAL of a database reached, noted beside it after each commit: a WAL that ends before is damaged.

SQLite takes a damaged frame of a WAL for its end, and what was committed after it for never written. So each commit
notes the WAL's salts, its count of frames and the last one's checksum in a small file, which is not synced: it is never
ahead of the disk. The ledger has its own head, of the journal; this is for the other files.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Final

import apsw

FOLD_PAGES: Final = 1_000
"""The WAL is folded into the file once it has so many pages, as SQLite would do by itself."""

_WAL_HEADER: Final = struct.Struct(">IIII8s8s")
_FRAME_HEADER: Final = 24
_MAGIC: Final = 0x377F0682
_HEAD: Final = struct.Struct(">8sI8s")
_CLOSED: Final = _HEAD.pack(bytes(8), 0, bytes(8))


class Noted(apsw.Connection):
    """The one connection that writes to its file; from `follow` on each of its commits is noted."""

    _head: WalHead | None = None

    def follow(self, path: Path) -> None:
        """To be called once nothing more is set up: it takes the place of SQLite's own checkpoints."""
        self._head = WalHead(path)
        self.set_wal_hook(self._head.committed)

    def close(self, force: bool = False) -> None:  # noqa: FBT002  # as apsw has it
        """Close the file, which folds the WAL and removes it."""
        head, self._head = self._head, None
        if head is not None:
            self.set_wal_hook(None)
            head.close()
        super().close(force)


class WalHead:
    """The small file."""

    def __init__(self, path: Path) -> None:
        """`path` is the database's. What was noted before a crash stays until the next commit."""
        self._wal = path.with_name(f"{path.name}-wal")
        self._file = os.open(head_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def committed(self, connection: apsw.Connection, _: str, pages: int) -> int:
        """SQLite's word after each commit: the WAL has so many pages."""
        descriptor = os.open(self._wal, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _, _, page_size, _, salts, _ = _WAL_HEADER.unpack(os.pread(descriptor, _WAL_HEADER.size, 0))
            last = _WAL_HEADER.size + (pages - 1) * (_FRAME_HEADER + page_size)
            self._note(_HEAD.pack(salts, pages, os.pread(descriptor, 8, last + 16)))
        finally:
            os.close(descriptor)
        if pages >= FOLD_PAGES:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return apsw.SQLITE_OK

    def _note(self, head: bytes) -> None:
        os.pwrite(self._file, head + zlib.crc32(head).to_bytes(4, "big"), 0)

    def close(self) -> None:
        """To be called right before the WAL is folded and removed."""
        self._note(_CLOSED)
        os.close(self._file)


def head_of(path: Path) -> Path:
    """Where that file lies."""
    return path.with_name(f"{path.name}-head")


def shortened(path: Path) -> str:
    """Why the WAL of a closed database does not reach as far as was noted; "" where it does, or nothing was noted."""
    try:
        noted = head_of(path).read_bytes()
    except FileNotFoundError:
        return ""
    head = noted[: _HEAD.size]
    if len(noted) != _HEAD.size + 4 or zlib.crc32(head).to_bytes(4, "big") != noted[_HEAD.size :] or head == _CLOSED:
        return ""
    salts, frames, last = _HEAD.unpack(head)
    try:
        wal = path.with_name(f"{path.name}-wal").read_bytes()
    except FileNotFoundError:
        return "its WAL is gone"
    return _compare(wal, salts, frames, last)


def _compare(wal: bytes, salts: bytes, frames: int, last: bytes) -> str:
    """SQLite's own walk along the checksums: of the header, then of each frame, each on top of the one before."""
    if len(wal) < _WAL_HEADER.size:
        return "its WAL was cut short"
    magic, _, page_size, _, found, total = _WAL_HEADER.unpack(wal[: _WAL_HEADER.size])
    order = ">" if magic & 1 else "<"
    running = _sum(wal[:24], (0, 0), order)
    if magic | 1 != _MAGIC | 1 or struct.pack(">II", *running) != total:
        return "the header of its WAL is damaged"
    if found != salts:
        return ""  # begun anew since, so all that was noted had been folded
    step = _FRAME_HEADER + page_size
    for number in range(frames):
        start = _WAL_HEADER.size + number * step
        frame = wal[start : start + step]
        if len(frame) < step:
            return f"its WAL ends after {number} of {frames} frames"
        running = _sum(frame[_FRAME_HEADER:], _sum(frame[:8], running, order), order)
        if frame[8:16] != salts or struct.pack(">II", *running) != frame[16:24]:
            return f"frame {number + 1} of its WAL is damaged"
    return "" if struct.pack(">II", *running) == last else "its WAL is another one"


def _sum(content: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's checksum of a WAL, going on from `before`."""
    first, second = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for place in range(0, len(words), 2):
        first = (first + words[place] + second) & 0xFFFFFFFF
        second = (second + words[place + 1] + first) & 0xFFFFFFFF
    return first, second
