"""`exchange reserves`: prove what is owed, check such a proof, and show whether chains and ledger agree."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exchange.cli_people.desk import Desk
    from exchange.custody.proof.reserves import PathFile

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")
_ABOUT: Final = "Prove what the house owes its people, check a proof, or see whether chains and ledger agree."
_TERMS: Final = ("house", "waiting", "held", "dust", "leaving", "ledger_people", "ledger_fees", "ledger_demo")


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's commands to the command line."""
    example = "example: exchange reserves make --out root.json"
    group = commands.add_parser("reserves", help=_ABOUT, description=_ABOUT, epilog=example)
    verbs = group.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")
    _make(verbs)
    _check(verbs)
    _status(verbs)


def _verb(verbs: Subparsers[argparse.ArgumentParser], name: str, about: str, example: str) -> argparse.ArgumentParser:
    command = verbs.add_parser(name, help=about, description=about, epilog=f"example: {example}")
    command.set_defaults(run=run)
    return command


def _make(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Write the root of all that is owed, to be published, and each person's own path."
    make = _verb(verbs, "make", about, "exchange reserves make --dir data --out root.json --paths paths")
    make.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    make.add_argument("--out", type=Path, required=True, help="the root's file: publish it")
    help_ = "a folder for a file per account, which is for its owner alone; this cannot be made up for later"
    make.add_argument("--paths", type=Path, help=help_)


def _check(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Check a path file, with no server: whether its owner's money is counted in the root."
    check = _verb(verbs, "check", about, "exchange reserves check 100.json --root root.json")
    check.add_argument("file", type=Path, help="the path file")
    check.add_argument("--root", type=Path, help="the root as it was published; without, the one in the file is shown")


def _status(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Show the last comparison of chains, custody's books and ledger for each asset; asks the running server."
    status = _verb(verbs, "status", about, "exchange reserves status --dir data --csv")
    status.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    status.add_argument("--match", default="", help="only assets that contain this")
    status.add_argument("--csv", action="store_true", help="comma-separated, for a spreadsheet")


def run(arguments: argparse.Namespace) -> int:
    """Run a command of this room; the process's exit status."""
    if arguments.verb == "make":
        return run_make(arguments)
    if arguments.verb == "status":
        from exchange.cli_people.desk import run_at_desk

        return run_at_desk(show_status, arguments)
    return run_check(arguments)


async def show_status(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange reserves status`."""
    from exchange.admin import wire
    from exchange.cli_people.tables import date, say, table

    rows = [row for row in (await desk.call(wire.ShowReserves())).rows if arguments.match in row.asset]
    heads = ("asset", "chain", "block", "compared", "node has", "books have", *_TERMS, "verdict")
    lines = [
        (
            *(row.asset, row.chain, row.height, date(row.time), row.node, row.own),
            *(row.terms[name] for name in _TERMS),
            row.verdict or "agrees",
        )
        for row in rows
    ]
    table(heads, lines, as_csv=arguments.csv)
    if not rows and not arguments.csv:
        say("nothing was compared yet: a chain is compared while it is followed, every so many blocks.")


def run_make(arguments: argparse.Namespace) -> int:
    """`exchange reserves make`."""
    import msgspec

    from exchange.clock import SystemClock
    from exchange.core.decimals import render
    from exchange.custody.proof import reserves
    from exchange.ledger.liabilities import read_liabilities

    if arguments.paths is not None:
        arguments.paths.mkdir(mode=0o700, parents=True, exist_ok=True)
    owed = read_liabilities(arguments.dir / "ledger.db")
    proof = reserves.make(owed, SystemClock())
    if arguments.paths is not None:
        for file in reserves.path_files(owed, proof):
            _write_private(arguments.paths / f"{file.account}.json", msgspec.json.encode(file))
        print(f"{arguments.paths}: a file per account, named by its number; give each to its owner alone")
    arguments.out.write_bytes(msgspec.json.format(msgspec.json.encode(proof.root), indent=1) + b"\n")
    for code, root in proof.root.assets.items():
        print(f"{code}: {render(int(root.sum), root.decimals)} owed to {root.accounts:,} accounts")
    print(f"{arguments.out}: as of event {proof.root.sequence}, fingerprint {proof.root.fingerprint}")
    return 0


def _write_private(path: Path, content: bytes) -> None:
    """A file that its maker alone can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def run_check(arguments: argparse.Namespace) -> int:
    """`exchange reserves check`."""
    from exchange.custody.proof import merkle, reserves

    published = arguments.root.read_bytes() if arguments.root is not None else None
    try:
        file = reserves.check(arguments.file.read_bytes(), published)
    except merkle.BadTree as error:
        print(f"exchange: {arguments.file} proves nothing: {error}.", file=sys.stderr)
        return 1
    _tell(file, compared=published is not None)
    return 0


def _tell(file: PathFile, *, compared: bool) -> None:
    from exchange.core.decimals import render

    for code, share in file.assets.items():
        root = file.root.assets[code]
        mine = render(int(share.available) + int(share.held), root.decimals)
        print(f"{_plain(code)}: {mine} of {_plain(file.name)} is counted in {render(int(root.sum), root.decimals)}")
    where = "the published root" if compared else "the root in the file (compare its fingerprint with the published)"
    print(f"checked against {where}. As of event {file.root.sequence}, fingerprint {file.root.fingerprint}")


def _plain(text: str) -> str:
    """Text of somebody's file, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
