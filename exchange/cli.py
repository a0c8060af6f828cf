"""The commands. Each is one short function; what it needs is imported when it runs, so that `--help` is quick.

Exit status: 0 done; 1 refused or failed, with a sentence on stderr that says what was not changed; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exchange import cli_backup, cli_doctor, cli_people, cli_reserves, cli_upgrade, cli_wallet
from exchange.ops.logs import configure

if TYPE_CHECKING:
    import trio

    from exchange.app import House
    from exchange.custody.memory.world import MemoryWorld
    from exchange.serving import Doors
    from exchange.settings import Settings

Command = Callable[[argparse.Namespace], int]

DEFAULT_DIR: Final = "data"


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
    ours = (FolderBusy, FolderMissing, TrailBroken, VaultShut, EnvelopeBroken)
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
    _serve(commands)
    _tui(commands)
    _demo(commands)
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


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Command,
    about: str,
    example: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _dir(command: argparse.ArgumentParser, about: str = "the data folder") -> None:
    command.add_argument("--dir", type=Path, default=Path(DEFAULT_DIR), help=f"{about} (default: {DEFAULT_DIR})")


def _init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Make a new data folder: master key, settings, empty ledger; list assets and markets from presets."
    command = _add(commands, "init", run_init, about, "exchange init --dir data --markets config/markets.toml")
    _dir(command)
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


def _serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Serve a data folder until SIGTERM or ctrl-C; then stop accepting, drain, commit and exit 0."
    command = _add(commands, "serve", run_serve, about, "exchange serve --dir data --port 8080 --fast-port 8081")
    _dir(command)
    command.add_argument("--port", type=int, help="the main door's port (default: from exchange.toml)")
    command.add_argument("--fast-port", type=int, help="the fast door's port (default: from exchange.toml)")


def run_serve(arguments: argparse.Namespace) -> int:
    """`exchange serve`."""
    from exchange.app import dashboard_command
    from exchange.settings import load, with_ports
    from exchange.upgrading import require_current

    settings = with_ports(load(arguments.dir), arguments.port, arguments.fast_port)
    require_current(arguments.dir)

    def ready(doors: Doors) -> None:
        print(f"main door {doors.http}   fast door {doors.fast}   streams {doors.ws}", flush=True)
        print(f"live, ready and metrics {doors.ops}", flush=True)
        print(f"operators: {dashboard_command(arguments.dir)}   stop: ctrl-C or kill {os.getpid()}", flush=True)

    return serve_until_signal(arguments.dir, settings, ready, None)


def _limit_process() -> None:
    """No core dumps, which would hold the master key; as many open sockets as the system grants."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve_until_signal(
    folder: Path,
    settings: Settings,
    ready: Callable[[Doors], None],
    beside: Callable[[House, Doors, trio.Event], object] | None,
    around: Callable[[Settings], AbstractAsyncContextManager[tuple[Settings, Mapping[str, MemoryWorld]]]] | None = None,
) -> int:
    """Serve `folder`; `beside`, a coroutine function, runs along once the doors are open. Returns at a signal.

    `around` is entered before anything is opened, and says with which settings and chains in memory to go on.
    """
    import trio

    from exchange.app import open_house
    from exchange.clock import SystemClock
    from exchange.ops.notify import inherited
    from exchange.serving import serve

    _limit_process()
    sockets = inherited()

    async def run() -> None:
        async with AsyncExitStack() as entered:
            given: tuple[Settings, Mapping[str, MemoryWorld]] = (settings, {})
            if around is not None:
                given = await entered.enter_async_context(around(settings))
            await serve_with(*given)

    async def serve_with(settings: Settings, worlds: Mapping[str, MemoryWorld]) -> None:
        stop = trio.Event()
        opened: list[Doors] = []
        with (
            open_house(folder, settings, SystemClock(), worlds) as house,
            trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals,
        ):

            async def wait_for_signal() -> None:
                async for _ in signals:
                    stop.set()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait_for_signal)

                def opened_doors(doors: Doors) -> None:
                    opened.append(doors)
                    ready(doors)
                    if beside is not None:
                        nursery.start_soon(beside, house, doors, stop)  # type: ignore[arg-type]

                await serve(house, stop, opened_doors, sockets)
                nursery.cancel_scope.cancel()

    trio.run(run)
    return 0


def _tui(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "The operators' dashboard: attaches to a running server, and reattaches when it returns."
    command = _add(commands, "tui", run_tui, about, "exchange tui --dir data")
    _dir(command)
    command.add_argument("--socket", help="the admin socket (default: the one in the data folder)")


def run_tui(arguments: argparse.Namespace) -> int:
    """`exchange tui`."""
    from tui.app import main as attach

    return attach(arguments.socket or str(arguments.dir / "admin.sock"))


def _demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "A furnished exchange to look at: two funded traders, three markets, a house maker, recorded order flow."
    command = _add(commands, "demo", run_demo, about, "exchange demo --dir data/demo --port 8080 --fast-port 8081")
    _dir(command)
    command.add_argument("--port", type=int, help="the main door's port; 0: any free one (default: 8080)")
    command.add_argument("--fast-port", type=int, help="the fast door's port; 0: any free one (default: 8081)")
    command.add_argument("--ready-json", action="store_true", help="print one JSON object when ready, and nothing else")
    command.add_argument("--quiet-market", action="store_true", help="leave out the recorded order flow")
    command.add_argument("--bare", action="store_true", help="leave out house maker and flow: empty books, two traders")
    command.add_argument(
        "--chains", action="store_true", help="with blockchains of its own: a Bitcoin regtest, an Anvil, a test token"
    )
    command.add_argument("--no-mining", action="store_true", help="leave the mining of those to you")
    command.add_argument(
        "--speed", type=int, default=30, help="how much faster than in 2015 the flow runs (default: 30)"
    )
    command.add_argument(
        "--weight-limit",
        type=int,
        help="request weight per minute and address (default: 6000); 0 lifts it and the order limits",
    )


def run_demo(arguments: argparse.Namespace) -> int:
    """`exchange demo`."""
    from exchange.demo import Demo

    if not 1 <= arguments.speed <= 10_000 or (arguments.weight_limit or 0) < 0:
        print("exchange: --speed is 1 to 10000, --weight-limit at least 0. Nothing was started.", file=sys.stderr)
        return 2
    demo = Demo(
        folder=arguments.dir,
        bare=arguments.bare,
        flow=not (arguments.quiet_market or arguments.bare),
        speed=arguments.speed,
        as_json=arguments.ready_json,
        chains=arguments.chains,
        mining=not arguments.no_mining,
    )
    settings = demo.settings(arguments.port, arguments.fast_port, arguments.weight_limit)
    demo.prepare(settings)
    around = demo.around if arguments.chains else None
    return serve_until_signal(arguments.dir, settings, lambda _: None, demo.run, around)


def _verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Replay the journal from genesis and compare every row, read all files through; or name what is wrong."
    command = _add(commands, "verify", run_verify, about, "exchange verify --dir data")
    _dir(command)


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


def _market(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "List the markets of a data folder, or show one; works beside a running server."
    market = _add(commands, "market", run_market, about, "exchange market list --dir data")
    verbs = market.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")
    every = _add(verbs, "list", run_market, "List all markets.", "exchange market list --dir data --match USDT --csv")
    _dir(every)
    every.add_argument("--match", default="", help="only symbols that contain this")
    every.add_argument("--csv", action="store_true", help="comma-separated, for a spreadsheet")
    one = _add(verbs, "show", run_market, "Show one market's rules.", "exchange market show BTCUSDT --dir data")
    one.add_argument("symbol")
    _dir(one)


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


def _replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Replay recorded order flow through sequencer and ledger into a fresh folder, and write the trades as CSV."
    files = "--book book.csv --orders orders.csv --trades-out trades.csv"
    command = _add(commands, "replay", run_replay, about, f"exchange replay --dir fresh --market BTCUSD {files}")
    _dir(command, "a folder that is not a data folder yet")
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


def _docs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "Write what /docs serves into a folder: pages, OpenAPI, AsyncAPI, the list of what is supported."
    command = _add(commands, "docs", run_docs, about, "exchange docs --out site --dir data")
    command.add_argument("--out", type=Path, required=True, help="the folder to write to; files in it are overwritten")
    _dir(command, "the data folder whose limits are told; without one, the defaults")


def run_docs(arguments: argparse.Namespace) -> int:
    """`exchange docs`."""
    from exchange.api.docs.pages import write
    from exchange.settings import load

    names = write(arguments.out, load(arguments.dir))
    print(f"{arguments.out}: {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
