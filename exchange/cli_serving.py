"""The commands that open doors: the server, the demo, and the dashboard, which is a process of its own."""

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

from exchange.cli_words import Commands, add, dir_option

if TYPE_CHECKING:
    import trio

    from exchange.app import House
    from exchange.custody.memory.world import MemoryWorld
    from exchange.serving import Doors
    from exchange.settings import Settings


_SPEED: Final = 30
"""Of the demo's recorded flow, unless another is asked for."""
_SOCKET: Final = "admin.sock"


def add_commands(commands: Commands) -> None:
    """`exchange serve`, `tui` and `demo`."""
    _serve(commands)
    _tui(commands)
    _demo(commands)


def _serve(commands: Commands) -> None:
    about = "Serve a data folder until SIGTERM or ctrl-C; then stop accepting, drain, commit and exit 0."
    command = add(commands, "serve", run_serve, about, "exchange serve --dir data --port 8080 --fast-port 8081")
    dir_option(command)
    command.add_argument("--port", type=int, help="the main door's port (default: from exchange.toml)")
    command.add_argument("--fast-port", type=int, help="the fast door's port (default: from exchange.toml)")
    command.add_argument(
        "--tui", action="store_true", help="start it as a process of its own and show the dashboard; it outlives that"
    )


def run_serve(arguments: argparse.Namespace) -> int:
    """`exchange serve`."""
    if arguments.tui:
        return _serve_beside(arguments)
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


def _serve_beside(arguments: argparse.Namespace) -> int:
    """`exchange serve --tui`."""
    from exchange.cli_beside import LOG, start

    given = {"--port": arguments.port, "--fast-port": arguments.fast_port}
    server = start(
        arguments.dir, [word for name, port in given.items() if port is not None for word in (name, str(port))]
    )
    status = _attach(arguments.dir / _SOCKET)
    print(f"The exchange runs on as process {server}, and writes to {arguments.dir / LOG}.")
    print(f"Look again: exchange tui --dir {arguments.dir}   stop it: kill {server}")
    return status


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


def _tui(commands: Commands) -> None:
    about = "The operators' dashboard: attaches to a running server, and reattaches when it returns."
    command = add(commands, "tui", run_tui, about, "exchange tui --dir data")
    dir_option(command)
    command.add_argument("--socket", help="the admin socket (default: the one in the data folder)")


def run_tui(arguments: argparse.Namespace) -> int:
    """`exchange tui`."""
    return _attach(arguments.socket or arguments.dir / _SOCKET)


def _attach(socket: str | Path) -> int:
    from tui.app import main as attach

    return attach(str(socket))


def _demo(commands: Commands) -> None:
    about = "A furnished exchange to look at: two funded traders, three markets, a house maker, recorded order flow."
    command = add(commands, "demo", run_demo, about, "exchange demo --dir data/demo --port 8080 --fast-port 8081")
    dir_option(command)
    command.add_argument("--port", type=int, help="the main door's port; 0: any free one (default: 8080)")
    command.add_argument("--fast-port", type=int, help="the fast door's port; 0: any free one (default: 8081)")
    command.add_argument("--ready-json", action="store_true", help="print one JSON object when ready, and nothing else")
    command.add_argument("--quiet-market", action="store_true", help="leave out the recorded order flow")
    command.add_argument("--bare", action="store_true", help="leave out house maker and flow: empty books, two traders")
    command.add_argument(
        "--chains", action="store_true", help="with blockchains of its own: a Bitcoin regtest, an Anvil, a test token"
    )
    command.add_argument("--no-mining", action="store_true", help="leave the mining of those to you")
    command.add_argument("--speed", type=int, help=f"how much faster than in 2015 the flow runs (default: {_SPEED})")
    command.add_argument(
        "--weight-limit",
        type=int,
        help="request weight per minute and address (default: 6000); 0 lifts it and the order limits",
    )


def run_demo(arguments: argparse.Namespace) -> int:
    """`exchange demo`."""
    from exchange.demo import Demo

    fault = _fault_of_demo(arguments)
    if fault:
        print(f"exchange: {fault}. Nothing was started.", file=sys.stderr)
        return 2
    demo = Demo(
        folder=arguments.dir,
        bare=arguments.bare,
        flow=not (arguments.quiet_market or arguments.bare),
        speed=arguments.speed or _SPEED,
        as_json=arguments.ready_json,
        chains=arguments.chains,
        mining=not arguments.no_mining,
    )
    settings = demo.settings(arguments.port, arguments.fast_port, arguments.weight_limit)
    demo.prepare(settings)
    around = demo.around if arguments.chains else None
    return serve_until_signal(arguments.dir, settings, lambda _: None, demo.run, around)


def _fault_of_demo(arguments: argparse.Namespace) -> str:
    """What cannot be done as it is asked for, or would be asked for in vain; "": nothing."""
    if arguments.speed is not None and not 1 <= arguments.speed <= 10_000:
        return "--speed is 1 to 10000"
    if (arguments.weight_limit or 0) < 0:
        return "--weight-limit is at least 0"
    if arguments.speed is not None and (arguments.quiet_market or arguments.bare):
        return "--speed is that of the recorded flow, which --quiet-market and --bare leave out"
    if arguments.no_mining and not arguments.chains:
        return "--no-mining is about the blockchains of --chains, which was not asked for"
    return ""
