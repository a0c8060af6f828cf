"""What endpoints read of the living state, each in short looks in command order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec
import trio

from exchange.api.rooms import Rooms
from exchange.core.orders import Order, OrderRow
from exchange.core.units import AccountId, Amount, AssetId, MarketId, OrderId

CHUNK: Final = 1_000
"""Orders read in one look: a longer look would keep everybody else's orders waiting."""

TURN: Final = 200
"""Orders put into words before others have their turn."""

R = TypeVar("R")


class Holdings(msgspec.Struct, frozen=True):
    """An account at one moment: its fee tier, whether it is frozen, and (available, held) per listed asset."""

    tier: int
    frozen: bool
    balances: dict[AssetId, tuple[Amount, Amount]]


async def open_order(
    rooms: Rooms, account: AccountId, market: MarketId, order: OrderId, client_id: str
) -> OrderRow | None:
    """The account's open order of that id and client id, as it stands."""
    return await rooms.sequencer.read(lambda state: _row(state.find_open(account, market, order, client_id)))


def _row(order: Order | None) -> OrderRow | None:
    return order.row() if order is not None else None


async def open_orders(rooms: Rooms, account: AccountId, only: MarketId | None) -> list[OrderRow]:
    """The account's open orders in one market or (None) in all, oldest first.

    The first 1,000 are read at one moment; of more, each further 1,000 at another, without those that ended meanwhile.
    """
    read = rooms.sequencer.read
    ids = await read(lambda state: _ids(state.accounts[account].open_by_market, only))
    rows: list[OrderRow] = []
    for first in range(0, len(ids), CHUNK):
        chunk = ids[first : first + CHUNK]
        rows += await read(lambda state, chunk=chunk: _rows(state.orders, chunk))  # type: ignore[misc]
    return rows


def _ids(mine: Mapping[MarketId, Iterable[OrderId]], only: MarketId | None) -> list[OrderId]:
    return sorted(order for market, orders in mine.items() if only in {None, market} for order in orders)


def _rows(orders: Mapping[OrderId, Order], chunk: Iterable[OrderId]) -> list[OrderRow]:
    return [order.row() for number in chunk if (order := orders.get(number)) is not None]


async def in_words(rows: Iterable[OrderRow], word: Callable[[OrderRow], R]) -> list[R]:
    """`word` of every row; however many there are, others have their turn in between."""
    words: list[R] = []
    for number, row in enumerate(rows, 1):
        words.append(word(row))
        if number % TURN == 0:
            await trio.lowlevel.checkpoint()
    return words


async def holdings(rooms: Rooms, account: AccountId) -> Holdings:
    """The account's balances and standing, all as of one moment."""
    return await rooms.sequencer.read(
        lambda state: Holdings(
            state.accounts[account].tier,
            state.accounts[account].frozen,
            {asset: (state.available(account, asset), state.held(account, asset)) for asset in state.assets},
        )
    )
