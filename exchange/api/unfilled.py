"""Which open orders have not traded yet, and that the limits on orders are told when one does.

In the dialect those who trade may go on placing orders: the first fill of an order gives back what it counted, and
that of a resting order more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from exchange.core.committed import Committed
from exchange.core.events import OrderAccepted, OrderEnded, Traded
from exchange.core.units import Micros, OrderId
from exchange.ledger.activity import Deed, Done

if TYPE_CHECKING:
    from exchange.api.limits import Limits
    from exchange.core.orders import Order

FOR_TAKER: Final = 1
FOR_MAKER: Final = 5
"""So many orders fewer count once an order trades for the first time: as it comes in, or while it rests."""


_CHANGES: Final = {Deed.PLACED: 1, Deed.TOOK: -FOR_TAKER, Deed.MADE: -FOR_MAKER}


def recall(limits: Limits, deeds: Iterable[Done], now: Micros) -> None:
    """Count what accounts did before a restart: `deeds` are those since the day of `now` began.

    Orders that were refused are in no ledger, and so count no longer.
    """
    for time, deed, account in deeds:
        limits.recall(account, _CHANGES[deed], time, now)


class Unfilled:
    """Follows the committed events; to be subscribed at the sequencer."""

    def __init__(self, limits: Limits, orders: Iterable[Order]) -> None:
        """`orders` are those open already."""
        self._limits = limits
        self._waiting = {order.id for order in orders if not order.filled}

    def consume(self, committed: Committed) -> None:
        """Take in one commit."""
        waiting = self._waiting
        for event in committed.events:
            kind = type(event)
            if kind is OrderAccepted:
                waiting.add(event.order)  # type: ignore[union-attr]
            elif kind is OrderEnded:
                waiting.discard(event.order)  # type: ignore[union-attr]
            elif kind is Traded:
                self._traded(event)  # type: ignore[arg-type]

    def _traded(self, event: Traded) -> None:
        if self._first(event.taker_order):
            self._limits.forgive(event.taker, FOR_TAKER, event.time)
        if self._first(event.maker_order):
            self._limits.forgive(event.maker, FOR_MAKER, event.time)

    def _first(self, order: OrderId) -> bool:
        """Whether that is the order's first trade."""
        if order not in self._waiting:
            return False
        self._waiting.remove(order)
        return True
