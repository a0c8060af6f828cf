"""Pays as a process of its own, so that it can be killed: at a point of `crash_points` by itself, or by its parent.

`python -m tests.custody.crash.payer FOLDER SOCKET CHAIN POINT TIMES WORKERS`: dies when POINT is passed for the
TIMESth time ("none": never), and otherwise ends when the ledger has settled all. The chain is the parent's, behind
SOCKET: it outlives us, as a chain does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import trio

from exchange.core.transfers import WithdrawalState
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.crash_points import Point
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.rows import withdrawals
from exchange.custody.port import Found, Handed, Header
from tests.custody.till import POLICY, till


class RemoteChain(MemoryChain):
    """The parent's chain."""

    def __init__(self, name: str, stream: trio.SocketStream) -> None:
        super().__init__(MemoryWorld(name, accounts=name == "ETH"))
        self._stream = stream
        self._turn = trio.Lock()

    async def _ask(self, method: str, answer: Any, *values: str) -> Any:
        async with self._turn:
            await self._stream.send_all(msgspec.json.encode((method, values)) + b"\n")
            said = b""
            while not said.endswith(b"\n"):
                piece = await self._stream.receive_some()
                if not piece:
                    raise SystemExit("the parent has gone")
                said += piece
            return msgspec.json.decode(said, type=answer)

    async def tip(self) -> Header:
        """The newest block."""
        header: Header = await self._ask("tip", Header)
        return header

    async def find(self, txid: str) -> Found:
        """Where a transaction stands."""
        found: Found = await self._ask("find", Found, txid)
        return found

    async def hand(self, raw: bytes) -> Handed:
        """Broadcast."""
        return Handed(await self._ask("hand", int, raw.hex()))

    async def used(self, claim: str) -> bool:
        """Whether a claim is used up."""
        return bool(await self._ask("used", bool, claim))

    async def mine(self) -> None:
        """Ask for a block."""
        await self._ask("mine", None)


def killer(point: str, times: int) -> Callable[[Point], None]:
    """Ends this process, as a power cut does, when `point` is passed for so many a time."""
    passed = 0

    def at(here: Point) -> None:
        nonlocal passed
        passed += here == point
        if here == point and passed == times:
            os.kill(os.getpid(), signal.SIGKILL)

    return at


async def pay(folder: Path, socket: str, name: str, at: Callable[[Point], None], workers: int) -> None:
    """Work, each worker at its own pace, until nothing is left to be paid."""
    chain = RemoteChain(name, await trio.open_unix_socket(socket))
    async with till(folder, chain) as house:

        async def work(worker: Payouts) -> None:
            while withdrawals(house.store.reader, "told <> ? LIMIT 1", WithdrawalState.FINAL):
                await worker.step()
                await chain.mine()

        async with trio.open_nursery() as nursery:
            for _ in range(workers):
                one = (house.store, chain, house.spending, house.signer, house.reports, house.clock)
                nursery.start_soon(work, Payouts(*one, POLICY, at, screen=house.screen))


def main(folder: str, socket: str, name: str, point: str, times: str, workers: str) -> None:
    """The command line."""
    trio.run(pay, Path(folder), socket, name, killer(point, int(times)), int(workers))


if __name__ == "__main__":
    main(*sys.argv[1:])
