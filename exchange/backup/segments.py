"""Journal segments: the rows that came since the last one, encrypted, beside the full backups.

A segment is frames within sealed chunks: each a length and MessagePack; the first says what it is, the others are rows.
Rows are links of the ledger's hash chain, so a missing, doubled or altered one is found when they are put to use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey
from exchange.backup.names import HASH_DIGITS, Listing, SegmentName, list_folder
from exchange.backup.outlet import Write, into_file
from exchange.backup.sealing import Opener, Sealer, Source
from exchange.clock import Clock
from exchange.core.units import Seq
from exchange.ledger.excerpts import Excerpts
from exchange.ledger.journal import JournalRow

_KIND: Final = "journal segment 1"
_LENGTH: Final = 4
_FRAME_AT_MOST: Final = 256 << 20
_encode: Final = msgspec.msgpack.Encoder().encode


class NothingToGoOnFrom(BackupFault):
    """There is no full backup of this ledger that a segment could lead on from."""


class _Head(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    first: Seq
    before: bytes


_head: Final = msgspec.msgpack.Decoder(_Head).decode
_row: Final = msgspec.msgpack.Decoder(JournalRow).decode


def write_segment(ledger: Path, folder: Path, key: BackupKey, clock: Clock) -> SegmentName | None:
    """Write what the files in `folder` lack of the journal as of now; None when they lack nothing.

    Raises `BackupFault` when there is nothing in the folder to go on from, or what a damaged ledger raises.
    """
    with closing(Excerpts(ledger)) as journal:
        reached = reach(list_folder(folder), journal)
        if reached is None:
            raise NothingToGoOnFrom(
                f"{folder}: no full backup of this ledger is here to go on from. No segment was written."
            )
        seq, before = reached
        if journal.newest is None or journal.newest.last == seq:
            return None
        newest = journal.newest
        name = SegmentName(clock.now(), Seq(seq + 1), newest.last, before.hex(), newest.hash.hex())
        with into_file(folder / name.text) as write:
            _write(_Head(_KIND, name.first, before), journal.rows_after(seq), key, write)
        return name


def reach(listing: Listing, journal: Excerpts) -> tuple[Seq, bytes] | None:
    """Where the next segment begins: behind the newest one of this ledger's history; its last event and hash.

    Without any, behind the newest full backup. (Not behind a full backup that is newer than the newest segment: then
    the journal would have a gap for whoever restores an older one.) Files of another history, of a ledger that was
    given up for an older copy of itself, do not count.
    """
    segments = {(one.last, one.hash) for one in listing.segments}
    return _newest(segments, journal) or _newest({(one.seq, one.hash) for one in listing.fulls}, journal)


def _newest(ends: set[tuple[Seq, str]], journal: Excerpts) -> tuple[Seq, bytes] | None:
    for seq, digits in sorted(ends, reverse=True):
        found = journal.hash_at(seq)
        if found is not None and found.hex().startswith(digits[:HASH_DIGITS]):
            return seq, found
    return None


def _write(head: _Head, rows: Iterator[JournalRow], key: BackupKey, out: Write) -> None:
    sealer = Sealer(key, out)
    _frame(sealer, _encode(head))
    for row in rows:
        _frame(sealer, _encode(row))
    sealer.finish()


def _frame(sealer: Sealer, content: bytes) -> None:
    sealer.write(len(content).to_bytes(_LENGTH, "big") + content)


def read_segment(source: Source, name: str, key: BackupKey) -> Iterator[JournalRow]:
    """The rows of a segment, in order. Raises `BackupFault`, at the latest after the last one."""
    opener = Opener(key, source, name)
    try:
        head = _head(_content(opener, name))
        if head.kind != _KIND:
            raise BackupFault(f"{name}: this is no journal segment. Nothing was changed.")
        while content := _content(opener, name):
            yield _row(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupFault(f"{name}: it opens, and another program wrote it ({error}). Nothing was changed.") from error
    opener.finish()


def _content(opener: Opener, name: str) -> bytes:
    """The next frame; empty at the end."""
    length = int.from_bytes(opener.read(_LENGTH), "big")
    if length > _FRAME_AT_MOST:
        raise BackupFault(f"{name}: it opens, and another program wrote it. Nothing was changed.")
    return opener.read(length)
