"""Keeps a watcher going: asks again, slower and slower, while a node fails; ends for nothing but a broken disk.

A chain that was stopped waits until an operator lets it go on. Whatever goes wrong in one chain concerns no other.
"""

from __future__ import annotations

from typing import Final

import apsw
import structlog
import trio

from exchange.clock import Clock
from exchange.custody.deposits import chain_rows
from exchange.custody.deposits.watcher import Watcher
from exchange.custody.port import NodeFault, WrongChain
from exchange.custody.status import Following
from exchange.custody.store import Store

_log = structlog.get_logger("exchange.custody")

_SLOWEST_SECONDS: Final = 60.0
_NODE: Final = "node"


class Follower:
    """One chain's watcher, kept going."""

    def __init__(self, watcher: Watcher, store: Store, clock: Clock, poll_seconds: float) -> None:
        """A new block is noticed after `poll_seconds` at the latest, or when `wake` is called."""
        self.watcher = watcher
        self._store = store
        self._clock = clock
        self._poll = poll_seconds
        self._bell = trio.Event()
        self._patience = max(60.0, 10 * poll_seconds)

    def wake(self) -> None:
        """Look now. A WebSocket that tells of new heads does no more than this."""
        self._bell.set()

    async def resume(self) -> None:
        """An operator has looked: a stopped chain goes on."""
        name, now = self.watcher.chain.name, self._clock.now()

        def go_on(db: apsw.Connection) -> None:
            chain_rows.stop(db, name, "")
            chain_rows.close_alarms(db, name, "stopped", now)

        await self._store.write(go_on)
        self.wake()

    async def run(self) -> None:
        """Follow, for ever. Raises only what custody.db's disk raises."""
        pause, failing_since = self._poll, 0.0
        while True:
            try:
                await self._round()
                failing_since = await self._judge(failing_since)
                pause = self._poll
            except WrongChain as error:
                _log.error("chain stopped", chain=self.watcher.chain.name, reason=str(error))
                pause = _SLOWEST_SECONDS
            except apsw.Error:
                raise
            except Exception as error:  # noqa: BLE001  # one chain's trouble, even our own bug, is no other's
                failing_since = failing_since or trio.current_time()
                await self._failed(error, failing_since)
                pause = min(pause * 2, _SLOWEST_SECONDS)
            await self._rest(pause)

    async def _round(self) -> None:
        """Everything there is to read now."""
        await self.watcher.check()
        while await self.watcher.step():
            await trio.lowlevel.checkpoint()

    async def _rest(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._bell.wait()
        self._bell = trio.Event()

    async def _judge(self, failing_since: float) -> float:
        """After a round without a fault: whether the node is late all the same, and since when."""
        status = self.watcher.status
        if status.following is Following.WAITING:
            failing_since = failing_since or trio.current_time()
            await self._perhaps_alarm(status.words, failing_since)
            return failing_since
        if failing_since:
            name, now = self.watcher.chain.name, self._clock.now()
            await self._store.write(lambda db: chain_rows.close_alarms(db, name, _NODE, now))
        return 0.0

    async def _failed(self, error: Exception, failing_since: float) -> None:
        """Say so; after a while it is an alarm."""
        expected = isinstance(error, NodeFault)
        words = str(error) if expected else f"unexpected: {type(error).__name__}: {error}"
        self.watcher.status.say(Following.WAITING, words, self._clock.now())
        if not expected:
            _log.exception("following failed", chain=self.watcher.chain.name)
        await self._perhaps_alarm(words, failing_since)

    async def _perhaps_alarm(self, words: str, failing_since: float) -> None:
        """One alarm for all the time that a node makes us wait, once it has lasted."""
        name, now = self.watcher.chain.name, self._clock.now()
        if trio.current_time() - failing_since < self._patience:
            return
        if any(alarm.kind == _NODE for alarm in chain_rows.alarms(self._store.reader, name)):
            return
        await self._store.write(lambda db: chain_rows.raise_alarm(db, name, _NODE, words, now))
