"""The commands about backups: how they are called. What they do is in `verbs`, imported only when one runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's commands to the command line."""
    _key(commands)
    _backup(commands)
    _restore(commands)
    _drill(commands)
    _status(commands)
    _job(commands)


def run(arguments: argparse.Namespace) -> int:
    """Run a command of this room; the process's exit status."""
    from exchange.cli_backup.verbs import VERBS  # noqa: PLC0415  # `--help` needs none of it

    return VERBS[arguments.does](arguments)


def verify_archived(arguments: argparse.Namespace) -> None:
    """The part of `exchange verify` that compares archived journal segments with the ledger. Raises what is wrong."""
    from exchange.cli_backup.verbs import verify_archived as verify  # noqa: PLC0415  # the same

    verify(arguments)


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
    new.set_defaults(run=run, does="key")


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
    command.set_defaults(run=run, does="backup")


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
    command.set_defaults(run=run, does="restore")


def _drill(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Prove a backup: restore it to a scratch folder, replay, compare; keep a dated report in the data folder."
    command = _command(commands, "drill", about, "exchange drill --dir data --key-file /etc/exchange/backup.key")
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    command.add_argument(
        "--from", dest="source", type=Path, help="the backup (default: the schedule's newest; without any, a fresh one)"
    )
    _key_file(command)
    command.set_defaults(run=run, does="drill")


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
    command.set_defaults(run=run, does="status")


def _job(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Do now what the schedule of [backup] in exchange.toml does by itself; the server calls this."
    command = _command(commands, "backup-job", about, "exchange backup-job segment --dir data")
    command.add_argument("job", choices=("full", "segment", "drill"), help="which of its jobs")
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    command.set_defaults(run=run, does="job")


def _key_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key-file", type=Path, required=True, help="the backup key (see `exchange backup-key new`)")
