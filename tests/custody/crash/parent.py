"""The world outside a payer that dies: the chain it pays on, and who starts it again."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from exchange.custody.memory.chain import MemoryChain
from exchange.custody.port import Found, Handed, Header

HOUSE = Path(__file__).parents[3]
LIMIT_SECONDS = 180
"""How long a payer may take on the busiest machine before the test gives up."""


class Parent:
    """Answers for the chain, and kills the payer at the question of that number, before or after it is answered."""

    def __init__(self, chain: MemoryChain) -> None:
        self.chain = chain
        self.asked = 0
        self.kill_at = 0
        self.lose_answer = False
        self._kill: Callable[[], None] = lambda: None

    async def serve(self, stream: trio.SocketStream) -> None:
        """One payer's questions, until it is gone."""
        said = b""
        async with stream:
            while True:
                try:
                    piece = await stream.receive_some()
                except trio.BrokenResourceError:
                    return
                if not piece:
                    return
                said += piece
                if said.endswith(b"\n"):
                    method, values = msgspec.json.decode(said, type=tuple[str, list[str]])
                    said = b""
                    if not await self._answer(stream, method, values):
                        return

    async def _answer(self, stream: trio.SocketStream, method: str, values: list[str]) -> bool:
        self.asked += 1
        dies = self.asked == self.kill_at
        if dies and not self.lose_answer:
            self._kill()
            return False
        answer: Found | Handed | Header | bool | None
        match method, values:
            case "hand", [raw]:
                answer = await self.chain.hand(bytes.fromhex(raw))
            case "find", [txid]:
                answer = await self.chain.find(txid)
            case "used", [claim]:
                answer = await self.chain.used(claim)
            case "tip", _:
                answer = await self.chain.tip()
            case _:
                self.chain.world.mine()
                answer = None
        if dies:
            self._kill()
            return False
        try:
            await stream.send_all(msgspec.json.encode(answer) + b"\n")
        except trio.BrokenResourceError:
            return False
        return True

    async def run(self, folder: Path, point: str = "none", times: int = 1, workers: int = 1) -> int:
        """Let a payer work until it ends or is killed; its exit status."""
        options = (str(folder), str(folder / "chain.sock"), self.chain.name, point, str(times), str(workers))
        argv = [sys.executable, "-m", "tests.custody.crash.payer", *options]
        with (folder / "stderr.txt").open("ab") as errors, trio.fail_after(LIMIT_SECONDS):
            environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
            process = await trio.lowlevel.open_process(argv, stderr=errors, env=environment, cwd=HOUSE)
            self._kill = process.kill
            try:
                return await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()


@asynccontextmanager
async def parent(folder: Path, chain: MemoryChain) -> AsyncIterator[Parent]:
    """The chain behind a socket in `folder`."""
    made = Parent(chain)
    with trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM) as socket:
        await socket.bind(str(folder / "chain.sock"))
        socket.listen()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, made.serve, [trio.SocketListener(socket)])
            yield made
            nursery.cancel_scope.cancel()


def said(folder: Path) -> str:
    """What payers wrote on stderr."""
    return (folder / "stderr.txt").read_text()
