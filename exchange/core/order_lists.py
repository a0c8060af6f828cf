"""What an order list is: two or three orders of one account in one market that depend on each other.

OCO (one cancels the other): a pair on one side, of which only one is ever to trade; as soon as one does, or is
triggered, the other expires. OTO (one triggers the other): a pending order is placed once the working order is filled.
OTOCO: an OTO whose pending orders are an OCO pair.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec
from msgspec.structs import astuple

from exchange.core.units import AccountId, ListId, MarketId, Micros, OrderId


class ListKind(IntEnum):
    """How the orders of a list depend on each other."""

    OCO = 1
    OTO = 2
    OTOCO = 3


class ListStatus(IntEnum):
    """ALL_DONE: every order of the list is final."""

    EXECUTING = 1
    ALL_DONE = 2


class OrderListRow(msgspec.Struct, frozen=True, gc=False):
    """An order list as it stood at one event.

    `orders` are the ids, `names` the client ids of its orders: the working order first, of an OCO pair the stop-loss
    first. `updated` is when the list was placed or, once it is done, when it ended.
    """

    id: ListId
    account: AccountId
    market: MarketId
    kind: ListKind
    status: ListStatus
    client_id: str
    orders: tuple[OrderId, ...]
    names: tuple[str, ...]
    created: Micros
    updated: Micros


class OrderList(msgspec.Struct, gc=False, eq=False):
    """A living order list: the fields of its `OrderListRow`, in their order. Only `evolve` writes to it."""

    id: ListId
    account: AccountId
    market: MarketId
    kind: ListKind
    status: ListStatus
    client_id: str
    orders: tuple[OrderId, ...]
    names: tuple[str, ...]
    created: Micros
    updated: Micros

    def row(self) -> OrderListRow:
        """The list as it stands now, frozen."""
        return OrderListRow(*astuple(self))

    @property
    def working(self) -> OrderId:
        """The order that the others wait for; 0 in an OCO."""
        return OrderId(0) if self.kind == ListKind.OCO else self.orders[0]

    def others(self, order: OrderId) -> tuple[OrderId, ...]:
        """All orders of the list but this one."""
        return tuple(one for one in self.orders if one != order)

    def rival(self, order: OrderId) -> OrderId | None:
        """The other order of the OCO pair that `order` is one of, or None."""
        if self.kind == ListKind.OTO or order == self.working:
            return None
        pair = self.orders[-2:]
        return pair[1] if order == pair[0] else pair[0]
