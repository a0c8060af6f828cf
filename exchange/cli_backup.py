"""The commands about backups: make one, restore one, prove one, and see how they stand."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exchange.backup.names import CopyName, SegmentName
    from exchange.backup.restoring import Rebuilt, Wanted

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")
_NICE: Final = {"segment": 5, "full": 15, "drill": 19}
"""A busy machine may keep a drill waiting for long, and the journal's next piece not at all."""


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's commands to the command line."""
    _key(commands)
    _backup(commands)
    _restore(commands)
    _drill(commands)
    _status(commands)
    _job(commands)


def _command(
    commands: Subparsers[argparse.ArgumentParser], name: str, about: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=about, description=about, epilog=f"example: {example}")


def _key(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Make the key that backups are sealed with; keep a copy of it apart from them and from this machine."
    group = _command(commands, "backup-key", about, "exchange backup-key new --out /etc/exchange/backup.key")
    verbs = group.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")
    about = "Make a new key, readable by you alone. It never overwrites a file."
    new = _command(verbs, "new", about, "exchange backup-key new --out /etc/exchange/backup.key")
    new.add_argument("--out", type=Path, required=True, help="the file to make, outside data folder and backups")
    new.set_defaults(run=run_key)


def _backup(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Back a data folder up, encrypted, beside a running server or without one; prints the file's path last."
    example = "exchange backup --dir data --to /mnt/backups --key-file /etc/exchange/backup.key"
    command = _command(commands, "backup", about, example)
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", type=Path, help="the folder that the backup goes to; made if it is missing")
    where.add_argument(
        "--to-command",
        metavar="CMD",
        help="a command that takes it on its standard input and finds its name in $EXCHANGE_BACKUP_NAME",
    )
    _key_file(command)
    command.add_argument(
        "--scratch", type=Path, help="where the copies lie until they are sealed (default: the data folder)"
    )
    command.set_defaults(run=run_backup)


def _restore(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Restore a backup to a new folder: decrypt, bring up to date from journal segments, replay and compare all."
    example = "exchange restore --from full-20261130T040000.000000Z-000000012345-0123456789ab.backup --key-file K"
    command = _command(commands, "restore", about, f"{example} --dir restored")
    command.add_argument("--from", dest="source", required=True, help="the full backup; - reads standard input")
    _key_file(command)
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--dir", type=Path, help="the folder to make; there must be nothing at that place")
    where.add_argument("--verify-only", action="store_true", help="prove that it could be restored, and keep nothing")
    command.add_argument(
        "--segments", type=Path, help="the folder with journal segments (default: the one that the backup lies in)"
    )
    command.add_argument(
        "--until", metavar="SEQ|TIME", help="no further than this event, or this time (UTC), such as 2026-11-30T20:15"
    )
    command.set_defaults(run=run_restore)


def _drill(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Prove a backup: restore it to a scratch folder, replay, compare; keep a dated report in the data folder."
    command = _command(commands, "drill", about, "exchange drill --dir data --key-file /etc/exchange/backup.key")
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    command.add_argument(
        "--from", dest="source", type=Path, help="the backup (default: the schedule's newest; without any, a fresh one)"
    )
    _key_file(command)
    command.set_defaults(run=run_drill)


def _status(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = (
        "How backups stand: the newest, until when the journal is saved, the last drill, alarms. Exit 1 with alarms."
    )
    command = _command(commands, "backup-status", about, "exchange backup-status --dir data")
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    command.add_argument("--match", default="", help="list only files with this in their names")
    command.add_argument(
        "--csv", action="store_true", help="only the list of files, comma-separated, for a spreadsheet"
    )
    command.set_defaults(run=run_status)


def _job(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Do now what the schedule of [backup] in exchange.toml does by itself; the server calls this."
    command = _command(commands, "backup-job", about, "exchange backup-job segment --dir data")
    command.add_argument("job", choices=("full", "segment", "drill"), help="which of its jobs")
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    command.set_defaults(run=run_job)


def _key_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key-file", type=Path, required=True, help="the backup key (see `exchange backup-key new`)")


def run_key(arguments: argparse.Namespace) -> int:
    """`exchange backup-key new`."""
    from exchange.backup.key import create_backup_key
    from exchange.clock import SystemClock

    made = create_backup_key(arguments.out, SystemClock())
    print(f"{arguments.out}: the backup key {made.name}, readable by you alone.")
    print("Keep a copy of it apart: on paper or on a stick, not with the backups, not on this machine alone.")
    print("Without it no backup opens; whoever has it and a backup has everything that is in it.")
    return 0


def run_backup(arguments: argparse.Namespace) -> int:
    """`exchange backup`."""
    from exchange.backup.key import read_backup_key
    from exchange.backup.making import back_up_into, back_up_through
    from exchange.backup.standing import note_done
    from exchange.clock import SystemClock
    from exchange.progress import bar
    from exchange.settings import load

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
    from exchange.backup.fault import BackupFault
    from exchange.backup.restoring import Wanted
    from exchange.backup.until import EVERYTHING, read_until

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
    from exchange.backup.key import read_backup_key
    from exchange.backup.placing import prove, restore_to
    from exchange.clock import SystemClock
    from exchange.progress import bar

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
    from exchange.cli_people.tables import date

    ledger = rebuilt.ledger
    print(f"restored as of event {ledger.seq:,}, {date(ledger.time)}; {rebuilt.rows:,} batches from segments.")
    if rebuilt.side is not None:
        print(f"People and custody are those of {rebuilt.side.text}.")
    rows = sum(rebuilt.compared.values())
    print(f"Replayed {rebuilt.events:,} events: {rows:,} rows agree, {ledger.open_orders:,} orders are open.")


def run_drill(arguments: argparse.Namespace) -> int:
    """`exchange drill`."""
    from exchange.backup.drill import DRILLS, drill
    from exchange.backup.key import read_backup_key
    from exchange.backup.names import stamp
    from exchange.backup.standing import note_done
    from exchange.clock import SystemClock
    from exchange.progress import bar
    from exchange.settings import load

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
    from exchange.backup.standing import look, read_noted
    from exchange.cli_people.tables import date, say, table
    from exchange.clock import SystemClock
    from exchange.settings import load

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
        drill = standing.last_drill
        say(f"the journal is saved until {date(standing.saved) if standing.saved else '–'}")
        say(f"last drill: {date(drill.time)}, {'good' if drill.good else 'FAILED'}" if drill else "last drill: none")
    for alarm in standing.alarms:
        print(f"exchange: ALARM: {alarm}", file=sys.stderr)
    return 1 if standing.alarms else 0


def run_job(arguments: argparse.Namespace) -> int:
    """`exchange backup-job`."""
    import os
    import signal

    from exchange.backup.jobs import run_job as do
    from exchange.clock import SystemClock
    from exchange.progress import bar
    from exchange.settings import load

    with suppress(PermissionError):  # a service may have to do without
        os.nice(_NICE[arguments.job])  # whoever trades comes first
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that no scratch is left
    with bar(arguments.job) as progress:
        said = do(arguments.job, arguments.dir, load(arguments.dir), SystemClock(), progress)
    print(said)
    return 0


def verify_archived(arguments: argparse.Namespace) -> None:
    """The part of `exchange verify` that compares archived journal segments with the ledger. Raises what is wrong."""
    from exchange.backup.archive import verify_archive
    from exchange.backup.fault import BackupFault
    from exchange.backup.key import read_backup_key
    from exchange.progress import bar

    if arguments.key_file is None:
        raise BackupFault("--archive needs --key-file: the segments are sealed. They were not looked at.")
    key = read_backup_key(arguments.key_file)
    with bar("verifying the archive") as progress:
        found = verify_archive(arguments.archive, arguments.dir / "ledger.db", key, progress)
    print(f"archive: {found.segments:,} segments, {found.rows:,} rows, events {found.first:,} to {found.last:,} agree.")
