"""The ledger's own thread: commits one batch after the other, so that a slow disk holds up nobody but who waits for it.

A thread that lives as long as the ledger is written costs a commit far less than borrowing one each time.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

import trio

from exchange.ledger.rows import Frozen

Commit = Callable[[Frozen], None]
Told = Callable[[BaseException | None], None]


class Writer:
    """Runs `commit` in a thread of its own, for one batch at a time."""

    def __init__(self, commit: Commit, told: Told) -> None:
        """`told` is called in the loop of whoever makes this, after each commit: with None, or what it raised.

        After an error nothing more is to be written.
        """
        self._commit = commit
        self._told = told
        self._token = trio.lowlevel.current_trio_token()
        self._batches: SimpleQueue[Frozen | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def write(self, frozen: Frozen) -> None:
        """Commit `frozen` after those before it."""
        self._batches.put(frozen)

    async def close(self) -> None:
        """Wait until all that was handed over is written, or has failed, even if the task is cancelled meanwhile."""
        self._batches.put(None)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._thread.join)

    def _run(self) -> None:
        while (frozen := self._batches.get()) is not None:
            error: BaseException | None = None
            try:
                self._commit(frozen)
            except BaseException as raised:  # noqa: BLE001  # whatever it is, it ends the process, from the loop
                error = raised
            self._token.run_sync_soon(self._told, error)
