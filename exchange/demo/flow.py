"""The recorded order flow, played into a market at an adjustable speed, round after round.

Each recorded order is placed by one of a few accounts under a client id that says which round and line it is, so that
a restart finds where the last run stopped and goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import resources
from typing import Final

import trio

from exchange.core import commands as co
from exchange.core.orders import OrderType, SelfTrade
from exchange.core.performing import Outcome
from exchange.core.units import AccountId, MarketId
from exchange.ledger.queries import Queries
from exchange.replay import Row, read_book, read_orders
from exchange.sequencer import Sequencer

_IN_FLIGHT: Final = 200


def recording() -> list[Row]:
    """The recorded book and flow, the book's lines at the time of the first order."""
    with resources.as_file(resources.files("exchange.demo") / "recording") as folder:
        book = read_book(folder / "bitstamp-2015-05-01-book.csv")
        return book + read_orders(folder / "bitstamp-2015-05-01-orders.csv")


class Flow:
    """Plays the recording into one market."""

    def __init__(
        self,
        sequencer: Sequencer,
        queries: Queries,
        accounts: Sequence[AccountId],
        market: MarketId,
        speed: int,
    ) -> None:
        """`speed`: recorded seconds per second."""
        self._sequencer = sequencer
        self._queries = queries
        self._accounts = accounts
        self._market = market
        self._speed = speed
        self._rows = recording()
        self._room = trio.Semaphore(_IN_FLIGHT)

    async def run(self) -> None:
        """Play until cancelled."""
        turn, line = await self._position()
        while True:
            await self._play(turn, line)
            turn, line = turn + 1, 0
            for account in self._accounts:
                await self._sequencer.call(co.CancelAll(account, self._market))

    async def _position(self) -> tuple[int, int]:
        """The round and line to go on with: right after the newest order that an earlier run placed."""
        newest = (1, -1)
        for account in self._accounts:
            found = await self._queries.run(partial(self._queries.orders, account, self._market, limit=1))
            for order in found:
                turn, line = order.client_id.removeprefix("flow-").split("-")
                newest = max(newest, (int(turn), int(line)))
        return newest[0], newest[1] + 1

    async def _play(self, turn: int, line: int) -> None:
        """One round, from `line` on."""
        placed = {row.order: number for number, row in enumerate(self._rows) if not row.cancels}
        start, origin = trio.current_time(), max(1, self._rows[min(line, len(self._rows) - 1)].time)
        for number in range(line, len(self._rows)):
            row = self._rows[number]
            if origin == 1 and row.time:
                start, origin = trio.current_time(), row.time
            await trio.sleep_until(start + max(0, row.time - origin) / 1000 / self._speed)
            if row.cancels:
                if row.order in placed:
                    await self._submit(co.CancelOrder(*self._whose(row), client_id=_client_id(turn, placed[row.order])))
            elif row.amount:
                await self._submit(self._order(row, _client_id(turn, number)))

    def _whose(self, row: Row) -> tuple[AccountId, MarketId]:
        return self._accounts[row.order % len(self._accounts)], self._market

    def _order(self, row: Row, client_id: str) -> co.PlaceOrder:
        return co.PlaceOrder(
            *self._whose(row),
            row.side,
            OrderType.LIMIT,
            row.amount,
            row.price,
            client_id=client_id,
            self_trade=SelfTrade.NONE,
        )

    async def _submit(self, command: co.Command) -> None:
        """Send it on its way, in order; what is refused (a cancel of what was filled) is no concern of ours."""
        await self._room.acquire()

        def done(_: Outcome) -> None:
            self._room.release()

        if not self._sequencer.submit(command, done):
            self._room.release()  # overloaded: what a bot could not place it does without


def _client_id(turn: int, line: int) -> str:
    return f"flow-{turn}-{line}"
