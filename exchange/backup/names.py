"""What the files of a backup folder are called: when they were made, and which piece of the journal they hold.

Names end in the first digits of the hash of their last journal row (and of the row before their first), so that files
of one history can be told from those of another without opening them. Contents are checked in any case.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from exchange.core.units import Micros, Seq

HASH_DIGITS: Final = 12
_TIME: Final = "%Y%m%dT%H%M%S.%fZ"
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COPY: Final = re.compile(r"(full|side)-(\d{8}T\d{6}\.\d{6}Z)-(\d{1,19})-([0-9a-f]{12})\.backup")
_SEGMENT: Final = re.compile(
    r"journal-(\d{8}T\d{6}\.\d{6}Z)-(\d{1,19})-(\d{1,19})-([0-9a-f]{12})-([0-9a-f]{12})\.segment"
)


class CopyName(msgspec.Struct, frozen=True):
    """A copy of the folder: `full`, or `side`, without the ledger. `seq`, `hash`: where the ledger's journal ended."""

    kind: str
    made: Micros
    seq: Seq
    hash: str

    @property
    def text(self) -> str:
        """The file's name."""
        return f"{self.kind}-{stamp(self.made)}-{self.seq:012d}-{self.hash[:HASH_DIGITS]}.backup"


class SegmentName(msgspec.Struct, frozen=True):
    """Journal rows from event `first` to event `last`; `before` is the hash of the row before them."""

    made: Micros
    first: Seq
    last: Seq
    before: str
    hash: str

    @property
    def text(self) -> str:
        """The file's name."""
        hashes = f"{self.before[:HASH_DIGITS]}-{self.hash[:HASH_DIGITS]}"
        return f"journal-{stamp(self.made)}-{self.first:012d}-{self.last:012d}-{hashes}.segment"


class Listing(msgspec.Struct, frozen=True):
    """What of ours a backup folder holds, oldest first. What else lies there is not our business."""

    fulls: tuple[CopyName, ...]
    sides: tuple[CopyName, ...]
    segments: tuple[SegmentName, ...]

    @property
    def newest(self) -> CopyName | None:
        """The last full backup."""
        return self.fulls[-1] if self.fulls else None


def stamp(time: Micros) -> str:
    """A time as names have it: UTC, to the microsecond."""
    return (_START + timedelta(microseconds=time)).strftime(_TIME)


def list_folder(folder: Path) -> Listing:
    """The files in `folder` by their names. Raises `OSError`."""
    copies: list[CopyName] = []
    segments: list[SegmentName] = []
    for path in folder.iterdir():
        if found := _COPY.fullmatch(path.name):
            copies.append(_copy(found))
        elif found := _SEGMENT.fullmatch(path.name):
            made, first, last, before, digest = found.groups()
            segments.append(SegmentName(_time(made), Seq(int(first)), Seq(int(last)), before, digest))
    copies.sort(key=lambda one: (one.made, one.seq))
    return Listing(
        tuple(one for one in copies if one.kind == "full"),
        tuple(one for one in copies if one.kind == "side"),
        tuple(sorted(segments, key=lambda one: (one.made, one.first))),
    )


def _copy(found: re.Match[str]) -> CopyName:
    kind, made, seq, digest = found.groups()
    return CopyName(kind, _time(made), Seq(int(seq)), digest)


def _time(text: str) -> Micros:
    since = datetime.strptime(text, _TIME).replace(tzinfo=UTC) - _START
    return Micros(since // timedelta(microseconds=1))
