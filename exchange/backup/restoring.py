"""From files back to a data folder: decrypted, checked, brought up to date by the journal's segments, and replayed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup.chaining import chain
from exchange.backup.contents import CUSTODY, LEDGER, LEDGER_HEAD, MASTER_KEY, OFFICE, TRAIL_HEAD, Manifest
from exchange.backup.copies import Progress
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey
from exchange.backup.names import CopyName, Listing, SegmentName, list_folder
from exchange.backup.packing import unpack
from exchange.backup.sealing import Source
from exchange.backup.segments import read_segment
from exchange.backup.until import EVERYTHING, Until
from exchange.custody.copying import check_custody
from exchange.ledger.excerpts import Excerpts
from exchange.ledger.fingerprint import Fingerprint, read_fingerprint
from exchange.ledger.journal import JournalRow
from exchange.ledger.reconcile import Difference, Verified, verify
from exchange.ledger.replaying import Replayer
from exchange.office.copying import check_office
from exchange.office.vault import read_master_key
from exchange.settings import load

_NEEDED: Final = (LEDGER, LEDGER_HEAD, OFFICE, TRAIL_HEAD, MASTER_KEY)


class Rebuilt(msgspec.Struct, frozen=True):
    """A folder that was rebuilt and proven. `side` is the newer copy of what lies beside the ledger, if there was one.

    `rows`: how many journal rows came from segments. `compared`: how many rows of the ledger agree with its journal.
    """

    manifest: Manifest
    side: CopyName | None
    ledger: Fingerprint
    rows: int
    events: int
    compared: dict[str, int]


class Wanted(msgspec.Struct, frozen=True):
    """What to rebuild from: an open backup called `name`, the folder with segments (None: none), and how far."""

    source: Source
    name: str
    segments: Path | None
    until: Until = EVERYTHING


def rebuild(wanted: Wanted, key: BackupKey, into: Path, progress: Progress) -> Rebuilt:
    """Build a data folder in the empty folder `into`, and check all of it. Raises `BackupFault` or what a check raises.

    Then what lies in `into` is worth nothing.
    """
    manifest = unpack(wanted.source, wanted.name, key, into, progress)
    _require_full(wanted.name, manifest)
    if read_fingerprint(into / LEDGER) != manifest.ledger:
        raise BackupFault(f"{wanted.name}: its ledger is not the one that it says it has. Nothing was changed.")
    _require_within(wanted, manifest)
    went, side = _Went(0, manifest.ledger.seq, stopped=False), None
    if wanted.segments is not None:
        listing = list_folder(wanted.segments)
        went = _go_on(wanted, listing, key, into / LEDGER, manifest, progress)
        side = _newer_side(wanted, listing, key, into, manifest, progress)
    if wanted.until.seq is not None and went.last < wanted.until.seq and not went.stopped:
        raise BackupFault(
            f"backup and segments end with event {went.last}, before {wanted.until.seq}. Nothing was changed."
        )
    verified = _check(into, progress)
    return Rebuilt(manifest, side, read_fingerprint(into / LEDGER), went.rows, verified.events, verified.rows)


def _require_full(name: str, manifest: Manifest) -> None:
    if manifest.kind != "full":
        raise BackupFault(
            f"{name}: this is a copy of what lies beside the ledger, without it. Nothing was changed. "
            "Restore from a file that begins with full-; the newest of these is taken along by itself."
        )
    if missing := [one for one in _NEEDED if one not in manifest.files]:
        raise BackupFault(f"{name}: {', '.join(missing)} is not in it. Nothing was changed.")


def _require_within(wanted: Wanted, manifest: Manifest) -> None:
    """A backup cannot go back to before it was made."""
    ledger, until = manifest.ledger, wanted.until
    early = until.seq is not None and until.seq < ledger.seq
    if early or (until.time is not None and until.time < ledger.time):
        raise BackupFault(
            f"{wanted.name}: it was made after that, at event {ledger.seq}. Nothing was changed. Take an older one."
        )


class _Went(msgspec.Struct, frozen=True):
    """How far segments led: rows appended, the last event, and whether there would have been more."""

    rows: int
    last: int
    stopped: bool


def _go_on(
    wanted: Wanted, listing: Listing, key: BackupKey, ledger: Path, manifest: Manifest, progress: Progress
) -> _Went:
    """Append what the segments have beyond the ledger."""
    folder, start = wanted.segments, manifest.ledger
    assert folder is not None

    def holds(name: SegmentName) -> bool:
        return any(row.last == start.seq and row.hash.hex() == start.hash for row in _rows(folder, name, key))

    full = CopyName("full", manifest.made, start.seq, start.hash)
    found = chain(listing.segments, full, holds, until=wanted.until.seq)
    went = _append(wanted, found.links, start.seq, key, ledger, progress)
    if found.beyond_gap is not None and not went.stopped:
        raise BackupFault(
            f"{folder}: the journal's events from {went.last + 1} to {found.beyond_gap.first - 1} are in no segment "
            f"here. Nothing was changed. Bring the missing file, or restore --until {went.last}."
        )
    return went


def _append(
    wanted: Wanted, links: tuple[SegmentName, ...], start: int, key: BackupKey, ledger: Path, progress: Progress
) -> _Went:
    replayer = Replayer(ledger)
    try:
        count, total = 0, (links[-1].last if links else start) - start
        for name in links:
            assert wanted.segments is not None
            for row in _rows(wanted.segments, name, key):
                if row.last <= start:
                    continue
                if not wanted.until.covers(row):
                    return _Went(count, replayer.last_seq, stopped=True)
                replayer.append(row)
                count += 1
                progress("replaying the journal", row.last - start, total)
        return _Went(count, replayer.last_seq, stopped=False)
    finally:
        replayer.close()


def _rows(folder: Path, name: SegmentName, key: BackupKey) -> Iterator[JournalRow]:
    with (folder / name.text).open("rb") as file:
        yield from read_segment(file, name.text, key)


def _newer_side(
    wanted: Wanted, listing: Listing, key: BackupKey, into: Path, manifest: Manifest, progress: Progress
) -> CopyName | None:
    """Put the newest fitting copy of what lies beside the ledger in the place of the one in the backup."""
    assert wanted.segments is not None
    time = wanted.until.time
    with closing(Excerpts(into / LEDGER)) as journal:
        last = journal.newest.last if journal.newest is not None else 0
        for name in reversed(listing.sides):
            early = name.made < manifest.made or name.seq > last or (time is not None and name.made > time)
            if early or not (journal.hash_at(name.seq) or b"").hex().startswith(name.hash):
                continue
            break
        else:
            return None
    fresh = into / "side"
    with (wanted.segments / name.text).open("rb") as file:
        newer = unpack(file, name.text, key, fresh, progress)
    for one in newer.files:
        (into / one).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (fresh / one).replace(into / one)
    shutil.rmtree(fresh)
    return name


def _check(folder: Path, progress: Progress) -> Verified:
    """Read every page of every file, recompute the trail, replay the journal and compare every row."""
    read_master_key(folder / MASTER_KEY)
    check_office(folder / OFFICE, folder / TRAIL_HEAD)
    if (folder / CUSTODY).exists():
        check_custody(folder / CUSTODY)
    load(folder)
    try:
        return verify(folder / LEDGER, lambda done, total: progress("verifying", done, total))
    except Difference as difference:
        raise BackupFault(f"the restored ledger differs. {difference}. Nothing was changed.") from difference
