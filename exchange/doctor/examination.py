"""All checks of a data folder, in the order in which an operator would want to know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trio

from exchange.app import LEDGER, MASTER_KEY
from exchange.clock import Clock
from exchange.doctor import contents, machine, nodes
from exchange.doctor.finding import Finding, fault, ok
from exchange.doctor.server import server
from exchange.settings import SettingsError, load

UNITS: Final = tuple(Path(place) / "exchange.service" for place in ("/etc/systemd/system", "/lib/systemd/system"))


async def examine(folder: Path, clock: Clock, units: tuple[Path, ...] = UNITS) -> list[Finding]:
    """Every finding. Nothing is changed, and a server that is running is not disturbed."""
    if not (folder / LEDGER).exists() and not (folder / MASTER_KEY).exists():
        return [fault("folder", f"{folder} is not a data folder", f"exchange init --dir {folder}")]
    try:
        settings = load(folder)
    except SettingsError as error:
        broken = fault("settings", str(error), "Mend exchange.toml; `exchange init` in a new folder writes an example.")
        return [broken, *_without_settings(folder, clock, units)]
    found = [ok("settings", "exchange.toml can be read, and every key in it is known")]
    found += _without_settings(folder, clock, units)
    found += contents.backups(folder, settings, clock.now())
    found += await trio.to_thread.run_sync(lambda: list(server(settings)))
    found += machine.disk(folder, settings)
    found += contents.signer(folder, settings)
    found += contents.certificate(folder, settings, clock.now())
    found += nodes.none_set(settings)
    found += await nodes.nodes(folder, settings)
    return found


def _without_settings(folder: Path, clock: Clock, units: tuple[Path, ...]) -> Iterator[Finding]:
    now = clock.now()
    yield from contents.ledger(folder, clock)
    yield from contents.permissions(folder)
    yield from contents.keys(folder, now)
    yield from machine.ntp()
    yield from machine.filesystem(folder)
    yield from machine.sync_speed(folder)
    yield from machine.limits()
    yield from machine.watchdog(units)
