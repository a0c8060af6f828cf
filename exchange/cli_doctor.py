"""`exchange doctor`: looks an installation over and says what to do."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exchange.doctor.finding import Finding

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")
_MARKS: Final = {"ok": "  ok     ", "warning": "  warning", "fault": "  FAULT  "}


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's command to the command line."""
    about = "Look an installation over: clock, disk, permissions, ledger, keys, nodes, backups; say what to do."
    command = commands.add_parser("doctor", help=about, description=about, epilog="example: exchange doctor --dir data")
    command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    command.add_argument("--json", action="store_true", help="one JSON list of findings, for programs")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """`exchange doctor`: exit status 1 where there is a fault."""
    import msgspec
    import trio

    from exchange.clock import SystemClock
    from exchange.doctor.examination import examine

    found = trio.run(examine, arguments.dir, SystemClock())
    print(msgspec.json.encode(found).decode() if arguments.json else _text(found))
    return int(any(one.verdict == "fault" for one in found))


def _text(found: list[Finding]) -> str:
    width = max(len(one.check) for one in found)
    lines = []
    for one in found:
        lines.append(f"{_MARKS[one.verdict]}  {one.check:<{width}}  {one.said}")
        if one.todo:
            lines.append(f"{'':<{width + 13}}→ {one.todo}")
    counts = [sum(one.verdict == verdict for one in found) for verdict in ("fault", "warning", "ok")]
    lines.append(f"{counts[0]} faults, {counts[1]} warnings, {counts[2]} well. Nothing was changed.")
    return "\n".join(lines)
