"""What each command about backups does: call the room, and print what it says."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from exchange.backup.archive import verify_archive
from exchange.backup.drill import DRILLS, drill
from exchange.backup.fault import BackupFault
from exchange.backup.jobs import run_job as run_one
from exchange.backup.key import create_backup_key, read_backup_key
from exchange.backup.making import back_up_into, back_up_through
from exchange.backup.names import CopyName, SegmentName, stamp
from exchange.backup.placing import prove, restore_to
from exchange.backup.restoring import Rebuilt, Wanted
from exchange.backup.standing import look, note_done, read_noted
from exchange.backup.until import EVERYTHING, read_until
from exchange.cli_people.tables import date, say, table
from exchange.clock import SystemClock
from exchange.progress import bar
from exchange.settings import load

_NICE: Final = {"segment": 5, "full": 15, "drill": 19}
"""A busy machine may keep a drill waiting for long, and the journal's next piece not at all."""


def run_key(arguments: argparse.Namespace) -> int:
    """`exchange backup-key new`."""
    made = create_backup_key(arguments.out, SystemClock())
    print(f"{arguments.out}: the backup key {made.name}, readable by you alone.")
    print("Keep a copy of it apart: on paper or on a stick, not with the backups, not on this machine alone.")
    print("Without it no backup opens; whoever has it and a backup has everything that is in it.")
    return 0


def run_backup(arguments: argparse.Namespace) -> int:
    """`exchange backup`."""
    key, settings = read_backup_key(arguments.key_file), load(arguments.dir)
    _warn_of_near_key(arguments.key_file, arguments.dir, arguments.to)
    with bar("backing up") as progress:
        common = (arguments.dir, settings, key, SystemClock(), progress, arguments.scratch)
        if arguments.to is None:
            name = back_up_through(arguments.to_command, *common)
        else:
            arguments.to.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = back_up_into(arguments.to, *common)
    note_done(arguments.dir, "full", name.made)
    print(f"backed up as of event {name.seq:,}, sealed with key {key.name}.")
    print(name.text if arguments.to is None else arguments.to / name.text)
    return 0


def _warn_of_near_key(key: Path, data: Path, backups: Path | None) -> None:
    """A key beside what it opens protects nothing."""
    for near in (data, backups):
        if near is not None and key.resolve().is_relative_to(near.resolve()):
            print(f"exchange: warning: the key {key} lies in {near}. Keep it apart.", file=sys.stderr)


def run_restore(arguments: argparse.Namespace) -> int:
    """`exchange restore`."""
    until = EVERYTHING if arguments.until is None else read_until(arguments.until)
    if arguments.source == "-":
        return _restore_from(arguments, Wanted(sys.stdin.buffer, "standard input", arguments.segments, until))
    path = Path(arguments.source)
    segments = path.parent if arguments.segments is None else arguments.segments
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupFault(f"{path}: it cannot be read ({error.strerror}). Nothing was changed.") from error
    with file:
        return _restore_from(arguments, Wanted(file, path.name, segments, until))


def _restore_from(arguments: argparse.Namespace, wanted: Wanted) -> int:
    key = read_backup_key(arguments.key_file)
    with bar("restoring") as progress:
        if arguments.verify_only:
            rebuilt, epoch = prove(wanted, key, progress), 0
        else:
            placed = restore_to(arguments.dir, wanted, key, SystemClock(), progress)
            rebuilt, epoch = placed.rebuilt, placed.epoch
    _tell(rebuilt)
    if epoch:
        print(f"Epoch {epoch} begins: all payouts are shut until you open them (`exchange payouts open`).")
        print("Bring the signer's folder from its own place, never an old copy over a newer one; see docs/backups.md.")
        print(arguments.dir)
    return 0


def _tell(rebuilt: Rebuilt) -> None:
    ledger = rebuilt.ledger
    print(f"restored as of event {ledger.seq:,}, {date(ledger.time)}; {rebuilt.rows:,} batches from segments.")
    if rebuilt.side is not None:
        print(f"People and custody are those of {rebuilt.side.text}.")
    rows = sum(rebuilt.compared.values())
    print(f"Replayed {rebuilt.events:,} events: {rows:,} rows agree, {ledger.open_orders:,} orders are open.")


def run_drill(arguments: argparse.Namespace) -> int:
    """`exchange drill`."""
    key, settings = read_backup_key(arguments.key_file), load(arguments.dir)
    with bar("drill") as progress:
        report = drill(arguments.dir, arguments.source, settings, key, SystemClock(), progress)
    place = arguments.dir / DRILLS / f"drill-{stamp(report.time)}.json"
    if not report.good:
        print(f"exchange: the drill failed: {report.words} The report: {place}", file=sys.stderr)
        return 1
    note_done(arguments.dir, "drill", report.time)
    print(f"{report.backup}: {report.words}. It took {report.took_seconds} s.")
    print(place)
    return 0


def run_status(arguments: argparse.Namespace) -> int:
    """`exchange backup-status`."""
    settings, folder = load(arguments.dir), arguments.dir
    standing = look(folder, settings, read_noted(folder), SystemClock().now())
    files: tuple[CopyName | SegmentName, ...] = (
        *standing.listing.fulls,
        *standing.listing.sides,
        *standing.listing.segments,
    )
    rows = [(date(one.made), one.text) for one in files if arguments.match in one.text]
    table(("made", "file"), rows, as_csv=arguments.csv)
    if not arguments.csv:
        last = standing.last_drill
        say(f"the journal is saved until {date(standing.saved) if standing.saved else '–'}")
        say(f"last drill: {date(last.time)}, {'good' if last.good else 'FAILED'}" if last else "last drill: none")
    for alarm in standing.alarms:
        print(f"exchange: ALARM: {alarm}", file=sys.stderr)
    return 1 if standing.alarms else 0


def run_job(arguments: argparse.Namespace) -> int:
    """`exchange backup-job`."""
    with suppress(PermissionError):  # a service may have to do without
        os.nice(_NICE[arguments.job])  # whoever trades comes first
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that no scratch is left
    with bar(arguments.job) as progress:
        said = run_one(arguments.job, arguments.dir, load(arguments.dir), SystemClock(), progress)
    print(said)
    return 0


def verify_archived(arguments: argparse.Namespace) -> None:
    """The part of `exchange verify` that compares archived journal segments with the ledger. Raises what is wrong."""
    if arguments.key_file is None:
        raise BackupFault("--archive needs --key-file: the segments are sealed. They were not looked at.")
    key = read_backup_key(arguments.key_file)
    with bar("verifying the archive") as progress:
        found = verify_archive(arguments.archive, arguments.dir / "ledger.db", key, progress)
    print(f"archive: {found.segments:,} segments, {found.rows:,} rows, events {found.first:,} to {found.last:,} agree.")


VERBS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "key": run_key,
    "backup": run_backup,
    "restore": run_restore,
    "drill": run_drill,
    "status": run_status,
    "job": run_job,
}
"""By the name that the options give."""
