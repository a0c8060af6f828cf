"""Folds the WAL into the ledger's file beside the writer, which is then held up for what came meanwhile only.

Folding thousands of pages takes tens of milliseconds, most of them the disk's. So a thread with a connection of its own
does it. Once that has folded all there is, the WAL begins anew by itself; under a load without any pause it never
quite has, so now and then the writer folds the last bit between two commits, and the WAL stays bounded. What makes a
commit durable is not touched: that is the WAL's own sync.
"""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final

import apsw

from exchange.ledger import db

PAGES: Final = 4_000
"""The WAL is folded once it has so many pages, and so many more where a reader keeps it from beginning anew."""

MOST: Final = 16_000
"""From so many pages on (64 MiB) the writer helps."""

_PASSES: Final = 2
"""The second takes what came during the first."""


class Checkpoints:
    """One ledger's. To be told of every commit, by the thread that made it."""

    def __init__(self, path: Path, writer: apsw.Connection) -> None:
        """Takes the place of the checkpoints that SQLite itself makes within commits of `writer`."""
        self._path = path
        self._writer = writer
        self._thread: Thread | None = None
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._folded = Event()
        self._running = False
        self._error: BaseException | None = None
        self._pages = self._before = 0
        self._next = PAGES
        writer.set_wal_hook(self._grown)

    def _grown(self, _: apsw.Connection, __: str, pages: int) -> int:
        """SQLite's word after each commit: the WAL has so many pages."""
        self._pages = pages
        return apsw.SQLITE_OK

    def committed(self) -> None:
        """Do what is due. Raises what the folding thread met, for any error of the ledger ends the process."""
        pages = self._pages
        if pages < self._before:
            self._next = PAGES
        self._before = pages
        if self._running:
            if self._folded.is_set():
                self._finish(pages)
        elif pages >= self._next:
            self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()
        self._running = True
        self._asked.put(True)

    def _finish(self, pages: int) -> None:
        self._running = False
        self._folded.clear()
        self._raise()
        if pages >= MOST:
            _fold(self._writer)
        self._next = pages + PAGES

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            connection = db.open_checkpointer(self._path)
            try:
                while self._asked.get():
                    for _ in range(_PASSES):
                        _fold(connection)
                    self._folded.set()
            finally:
                connection.close()
        except BaseException as error:  # noqa: BLE001  # raised by the next commit, or by `close`
            self._error = error
            self._folded.set()

    def close(self) -> None:
        """Wait for the thread, and raise what it met, if nobody was told yet."""
        if self._thread is not None:
            self._asked.put(False)
            self._thread.join()
            self._thread = None
        self._raise()


def _fold(connection: apsw.Connection) -> None:
    """Fold what no reader stands in the way of. Another process that is folding just now does the same work."""
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.BusyError:
        return
