"""Whether each chain's nodes answer, and follow the chain that the settings mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trio

from exchange.chain_settings import ChainSettings
from exchange.custody.deposits.watcher import Contracts
from exchange.custody.families import build
from exchange.custody.port import Chain, NodeFault, WrongChain
from exchange.doctor.finding import Finding, fault, ok, warning
from exchange.settings import Settings

SECONDS: Final = 30
"""Longest wait for a node."""


async def nodes(folder: Path, settings: Settings) -> list[Finding]:
    """A finding for each node; none where no chain is set up."""
    found: list[Finding] = []
    for name, chain in settings.chains.items():
        found += await _chain(name, chain, folder)
    return found


async def _chain(name: str, settings: ChainSettings, folder: Path) -> list[Finding]:
    if settings.family == "memory":
        return [warning(f"node {name}", "this chain is in memory: for demos alone", "Name a real node.")]
    try:
        built = build(name, settings, folder, Contracts(), {})
    except (KeyError, ValueError, OSError) as error:
        return [fault(f"node {name}", f"its settings cannot be used: {error}", "See [chains] in exchange.toml.")]
    try:
        found = [await _node(f"node {name}", built.chain)]
        if built.second is not None:
            found.append(await _node(f"second node {name}", built.second))
    finally:
        for rpc in built.rpcs:
            rpc.close()
    return found


async def _node(check: str, node: Chain) -> Finding:
    try:
        with trio.fail_after(SECONDS):
            await node.check()
            height = (await node.tip()).height
    except WrongChain as error:
        return fault(check, str(error), "Point rpc_url to a node of the right chain; nothing is credited meanwhile.")
    except (NodeFault, OSError, trio.TooSlowError) as error:
        said = f"it does not answer: {str(error) or type(error).__name__}"
        return fault(check, said, "Start it, or mend rpc_url; deposits and withdrawals of this chain wait.")
    return ok(check, f"it follows the right chain and is at block {height:,}")


def none_set(settings: Settings) -> Iterator[Finding]:
    """Where no chain is set up, that is said."""
    if not settings.chains:
        yield ok("nodes", "no chain is set up, so money cannot come or go over one")
