"""`exchange upgrade`: brings a data folder up to date, after trying it on a copy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exchange.upgrading import Tried

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's command to the command line."""
    about = "Bring a data folder that an older version wrote up to date: copy, try with a replay, then change it."
    example = "example: exchange upgrade --dir data --dry-run"
    command = commands.add_parser("upgrade", help=about, description=about, epilog=example)
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    help_ = "only try it on a copy, which is removed again; works beside a running server"
    command.add_argument("--dry-run", action="store_true", help=help_)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """`exchange upgrade`."""
    from exchange import upgrading
    from exchange.clock import SystemClock
    from exchange.progress import bar

    folder: Path = arguments.dir
    waiting = upgrading.due(folder)
    for step in waiting:
        print(f"{step.file}: schema {step.seen} becomes {step.newest}")
    if not waiting and not arguments.dry_run:
        print(f"{folder}: up to date. Nothing was changed.")
        return 0
    with bar("upgrading") as progress:
        if arguments.dry_run:
            tried = upgrading.dry_run(folder, SystemClock(), progress)
            kept = None
        else:
            kept, tried = upgrading.upgrade(folder, SystemClock(), progress)
    print(_told(tried))
    if kept is None:
        print("Nothing was changed. Stop the server and run it without --dry-run.")
    else:
        print(f"{kept}: the files as they were. {folder} is up to date: start the server.")
    return 0


def _told(tried: Tried) -> str:
    took = f"copying {_seconds(tried.copied_ms)}, changing {_seconds(tried.migrated_ms)}"
    took += f", replaying {_seconds(tried.replayed_ms)}"
    return f"tried on a copy: {tried.events:,} events replayed, every row agrees ({took})"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1_000:.1f} s"
