"""Runs a whole house out of one seed: which task goes first, what time it is, and how long each thread's work takes.

The one place that uses private names of Trio (pinned in pyproject.toml): with `_ALLOW_DETERMINISTIC_SCHEDULING` the
order of tasks comes from `_r`. Threads would bring back chance, so what runs in one in the real house happens here in
the loop, after a while that is thrown. All times lie on a coarse grid, so that much happens at once and races show.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import pytest
import trio
import trio._core._run as internals
import trio.testing

from exchange import sequencer
from exchange.clock import SystemClock
from exchange.core.units import Micros
from exchange.ledger.rows import Frozen
from exchange.ledger.writer import Commit, Told

T = TypeVar("T")

GRID: Final = 0.01
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def run(main: Callable[[random.Random], Awaitable[T]], seed: int) -> T:
    """What `main` returns, the same for the same seed; it is handed the dice that all chance must come from."""
    dice = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(internals, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
        patch.setattr(trio.to_thread, "run_sync", Workers(dice).run_sync)
        patch.setattr(sequencer, "Writer", lambda commit, told: LoopWriter(commit, told, dice))
        internals._r.seed(seed)
        return trio.run(main, dice, clock=trio.testing.MockClock(autojump_threshold=0))


def pause(dice: random.Random, most: int) -> float:
    """So long, on the grid."""
    return dice.randint(0, most) * GRID


class SimulatedClock(SystemClock):
    """The loop's own time as wall clock, and the dice as randomness."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def now(self) -> Micros:
        return Micros(1_700_000_000_000_000 + int(trio.current_time() * 1_000_000))

    def token(self, chars: int) -> str:
        return "".join(self._dice.choices(_LETTERS, k=chars))

    def token_bytes(self, size: int) -> bytes:
        return self._dice.randbytes(size)


class Workers:
    """Instead of Trio's worker threads. Where the process dies meanwhile the work was done, or it was not."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def run_sync(self, work: Callable[..., T], *args: Any, limiter: trio.CapacityLimiter | None = None) -> T:
        """The result of `work`, after a while."""
        if limiter is None:
            return await self._work(work, args)
        async with limiter:
            return await self._work(work, args)

    async def _work(self, work: Callable[..., T], args: tuple[Any, ...]) -> T:
        try:
            await trio.sleep(pause(self._dice, 2))
        except trio.Cancelled:
            if self._dice.random() < 0.5:
                work(*args)
            raise
        return work(*args)


class LoopWriter:
    """Instead of the ledger's thread: a batch is on the disk after a while; if the process dies, perhaps."""

    def __init__(self, commit: Commit, told: Told, dice: random.Random) -> None:
        self._commit = commit
        self._told = told
        self._dice = dice
        self._batch: Frozen | None = None
        self._scope = trio.CancelScope()
        trio.lowlevel.spawn_system_task(self._run)
        self._bell = trio.Event()

    def write(self, frozen: Frozen) -> None:
        """Commit `frozen`, in a while."""
        self._batch = frozen
        self._bell.set()

    async def close(self) -> None:
        """The end of a life: what was being written then is on the disk, or not."""
        self._scope.cancel()
        batch, self._batch = self._batch, None
        if batch is not None and self._dice.random() < 0.5:
            self._commit(batch)
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()

    async def _run(self) -> None:
        with self._scope:
            while True:
                await self._bell.wait()
                self._bell = trio.Event()
                await trio.sleep(pause(self._dice, 3))
                batch, self._batch = self._batch, None
                assert batch is not None
                self._commit(batch)
                self._told(None)
