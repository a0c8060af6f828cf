"""The commands. Each is one short function; what it needs is imported when it runs, so that `--help` is quick.

Exit status: 0 done; 1 refused or failed, with a sentence on stderr that says what was not changed; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from exchange import cli_backup, cli_doctor, cli_people, cli_reserves, cli_serving, cli_upgrade, cli_wallet
from exchange.cli_words import Command, Commands, add, dir_option
from exchange.ops.logs import configure

if TYPE_CHECKING:
    from exchange.app import House


def main(argv: list[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if any(not _is_text(word) for word in argv):
        print("exchange: an argument is not UTF-8. Nothing was changed.", file=sys.stderr)
        return 2
    arguments = parser().parse_args(argv)
    configure()
    run: Command = arguments.run
    try:
        return run(arguments)
    except BaseException as error:
        causes = _leaves(error)
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
            return 130
        if any(isinstance(cause, BrokenPipeError) for cause in causes):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        if not all(_expected(cause) for cause in causes):
            raise
        for cause in causes:
            print(f"exchange: {cause}", file=sys.stderr)
        return 1


def _is_text(word: str) -> bool:
    """Whether it is text all through: other bytes come in as halves of characters, which no file can store."""
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in word)


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors themselves: nurseries hand them over in groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


def _expected(error: BaseException) -> bool:
    """Whether the error is told in a sentence: one of ours, with its own words. Anything else is a bug: show it all."""
    from exchange.app import FolderBusy, FolderMissing
    from exchange.backup.fault import BackupFault
    from exchange.cli_beside import NotStarted
    from exchange.core.listing import BadPreset
    from exchange.custody.store import CustodyDamaged
    from exchange.ledger.db import DiskFailed, LedgerDamaged
    from exchange.office.db import OfficeDamaged
    from exchange.office.trail import TrailBroken
    from exchange.office.vault import EnvelopeBroken, VaultShut
    from exchange.ops.notify import BadHandover
    from exchange.replay import BadRecording
    from exchange.settings import SettingsError
    from exchange.upgrading import UpgradeRefused

    damage = (LedgerDamaged, OfficeDamaged, CustodyDamaged, DiskFailed, BackupFault)
    ours = (FolderBusy, FolderMissing, NotStarted, TrailBroken, VaultShut, EnvelopeBroken)
    return isinstance(
        error, (*damage, *ours, UpgradeRefused, BadHandover, BadPreset, BadRecording, SettingsError, OSError)
    )


class _Version(argparse.Action):
    """Prints the version; what it takes is imported only then."""

    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, command: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"exchange {version('onebox-exchange')}")
        command.exit()


def parser() -> argparse.ArgumentParser:
    """All commands with their options and an example each."""
    top = argparse.ArgumentParser(prog="exchange", description="A crypto exchange in one process on one box.")
    top.add_argument("--version", action=_Version, help="print this program's version and exit")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _init(commands)
    cli_serving.add_commands(commands)
    _verify(commands)
    _market(commands)
    _replay(commands)
    _docs(commands)
    cli_people.add_commands(commands)
    cli_wallet.add_commands(commands)
    cli_reserves.add_commands(commands)
    cli_doctor.add_commands(commands)
    cli_upgrade.add_commands(commands)
    cli_backup.add_commands(commands)
    return top


def _init(commands: Commands) -> None:
    about = "Make a new data folder: master key, settings, empty ledger; list assets and markets from presets."
    command = add(commands, "init", run_init, about, "exchange init --dir data --markets config/markets.toml")
    dir_option(command)
    command.add_argument("--markets", type=Path, help="a file of asset and market presets to list")


def run_init(arguments: argparse.Namespace) -> int:
    """`exchange init`."""
    from exchange.app import init_folder
    from exchange.clock import SystemClock
    from exchange.furnish import list_presets, read_presets

    presets = read_presets(arguments.markets) if arguments.markets else None
    init_folder(arguments.dir, SystemClock())
    if presets is not None:
        _offline(arguments.dir, lambda house: list_presets(house.sequencer, presets))
    print(f"{arguments.dir}: ready. Start it with `exchange serve --dir {arguments.dir}`.")
    print("Back it up, also while it is served: `exchange backup-key new --help`, then `exchange backup --help`.")
    return 0


def _offline(folder: Path, act: Callable[[House], object]) -> None:
    """Run `act`, a coroutine function, in the house of a stopped server."""
    import trio

    from exchange.app import offline
    from exchange.clock import SystemClock
    from exchange.settings import load

    async def run() -> None:
        async with offline(folder, load(folder), SystemClock()) as house:
            await act(house)  # type: ignore[misc]

    trio.run(run)


def _verify(commands: Commands) -> None:
    about = "Replay the journal from genesis and compare every row, read all files through; or name what is wrong."
    command = add(commands, "verify", run_verify, about, "exchange verify --dir data")
    dir_option(command)
    command.add_argument("--archive", type=Path, help="a folder with archived journal segments, to be compared too")
    command.add_argument("--key-file", type=Path, help="the backup key that they are sealed with")


def run_verify(arguments: argparse.Namespace) -> int:
    """`exchange verify`."""
    from exchange.ledger.reconcile import Difference, verify
    from exchange.progress import bar

    try:
        with bar("verifying") as progress:
            verified = verify(arguments.dir / "ledger.db", lambda done, total: progress("verifying", done, total))
    except Difference as difference:
        print(f"exchange: the ledger differs. {difference}", file=sys.stderr)
        print("Nothing was changed. Stop the server, keep the files, and restore a backup.", file=sys.stderr)
        return 1
    rows = ", ".join(f"{count:,} {table}" for table, count in verified.rows.items() if count)
    print(f"verified: {verified.events:,} events; {rows}. Every row agrees, and the hash chain is whole.")
    if arguments.archive is not None:
        cli_backup.verify_archived(arguments)
    if read := _read_through(arguments.dir):
        print(f"read through: {', '.join(read)}. Every page agrees with its checksum, and the trail with its head.")
    return 0


def _read_through(folder: Path) -> list[str]:
    """The names of the folder's other files, every page of which was read and checked. Raises what is wrong."""
    from exchange.app import OFFICE, TRAIL_HEAD
    from exchange.custody.copying import check_custody
    from exchange.custody.custody import CUSTODY
    from exchange.office.copying import check_office

    read = []
    if (folder / OFFICE).exists():
        check_office(folder / OFFICE, folder / TRAIL_HEAD)
        read.append(OFFICE)
    if (folder / CUSTODY).exists():
        check_custody(folder / CUSTODY)
        read.append(CUSTODY)
    return read


def _market(commands: Commands) -> None:
    about = "List the markets of a data folder, or show one; works beside a running server."
    market = add(commands, "market", run_market, about, "exchange market list --dir data")
    verbs = market.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")
    every = add(verbs, "list", run_market, "List all markets.", "exchange market list --dir data --match USDT --csv")
    dir_option(every)
    every.add_argument("--match", default="", help="only symbols that contain this")
    every.add_argument("--csv", action="store_true", help="comma-separated, for a spreadsheet")
    one = add(verbs, "show", run_market, "Show one market's rules.", "exchange market show BTCUSDT --dir data")
    one.add_argument("symbol")
    dir_option(one)


def run_market(arguments: argparse.Namespace) -> int:
    """`exchange market`."""
    from exchange.furnish import market_table, market_text, read_markets

    state = read_markets(arguments.dir / "ledger.db")
    if arguments.verb == "show":
        if arguments.symbol not in state.symbols:
            known = ", ".join(state.symbols) or "none"
            print(f"exchange: no market is called {arguments.symbol} (there are: {known}).", file=sys.stderr)
            return 1
        print(market_text(state, arguments.symbol))
    else:
        print(market_table(state, arguments.match, as_csv=arguments.csv))
    return 0


def _replay(commands: Commands) -> None:
    about = "Replay recorded order flow through sequencer and ledger into a fresh folder, and write the trades as CSV."
    files = "--book book.csv --orders orders.csv --trades-out trades.csv"
    command = add(commands, "replay", run_replay, about, f"exchange replay --dir fresh --market BTCUSD {files}")
    dir_option(command, "a folder that is not a data folder yet")
    command.add_argument("--market", required=True, help="symbol of the market to make, base BTC, quote USD")
    command.add_argument("--book", type=Path, required=True, help="orders resting at the start (CSV)")
    command.add_argument("--orders", type=Path, required=True, help="the recorded flow (CSV)")
    command.add_argument("--trades-out", type=Path, required=True, help="where the trades go (CSV)")


def run_replay(arguments: argparse.Namespace) -> int:
    """`exchange replay`."""
    from exchange.app import init_folder
    from exchange.clock import SystemClock
    from exchange.core.listing import check_symbol
    from exchange.progress import bar
    from exchange.replay import BadRecording, Replay, read_book, read_orders, write_trades

    check_symbol(arguments.market)
    if not arguments.trades_out.parent.is_dir():
        raise BadRecording(f"{arguments.trades_out}: there is no such folder to write to. Nothing was changed.")
    rows = read_book(arguments.book) + read_orders(arguments.orders)
    init_folder(arguments.dir, SystemClock())

    async def act(house: House) -> None:
        with bar("replaying") as progress:
            replay = Replay(house, arguments.market, progress)
            done = await replay.run(rows)
        write_trades(arguments.trades_out, replay.trades)
        refused = ", ".join(f"{count:,} {name}" for name, count in done.refused.items()) or "nothing"
        print(f"{done.rows:,} commands, {done.trades:,} trades in {arguments.trades_out}; refused: {refused}")

    _offline(arguments.dir, act)
    return 0


def _docs(commands: Commands) -> None:
    about = "Write what /docs serves into a folder: pages, OpenAPI, AsyncAPI, the list of what is supported."
    command = add(commands, "docs", run_docs, about, "exchange docs --out site --dir data")
    command.add_argument("--out", type=Path, required=True, help="the folder to write to; files in it are overwritten")
    dir_option(command, "the data folder whose limits are told; without one, the defaults")


def run_docs(arguments: argparse.Namespace) -> int:
    """`exchange docs`."""
    from exchange.api.docs.pages import write
    from exchange.settings import load

    names = write(arguments.out, load(arguments.dir))
    print(f"{arguments.out}: {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
