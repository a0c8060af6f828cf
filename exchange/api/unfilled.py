"""Which open orders have not traded yet, and that the limits on orders are told when one does.

In the dialect those who trade may go on placing orders: the first fill of an order gives back what it counted, and
that of a resting order more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from exchange.core.committed import Committed
from exchange.core.events import MatchPrevented, OrderAccepted, OrderAmended, OrderEnded, Traded
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
        self._waiting: dict[OrderId, int] = {order.id: order.quantity for order in orders if not order.filled}

    def __len__(self) -> int:
        """How many open orders have not traded yet."""
        return len(self._waiting)

    def consume(self, committed: Committed) -> None:
        """Take in one commit."""
        waiting = self._waiting
        for event in committed.events:
            kind = type(event)
            if kind is OrderAccepted:
                waiting[event.order] = event.quantity  # type: ignore[union-attr]
            elif kind is OrderEnded:
                waiting.pop(event.order, None)  # type: ignore[union-attr]
            elif kind is Traded:
                self._traded(event)  # type: ignore[arg-type]
            elif isinstance(event, MatchPrevented):
                self._shrunk(event.maker_order, event.maker_lots)
                self._shrunk(event.taker_order, event.taker_lots)
            elif isinstance(event, OrderAmended):
                self._shrunk(event.order, event.before - event.quantity)

    def _shrunk(self, order: OrderId, lots: int) -> None:
        """The order lost so many lots; whose last ones went to the prevention of a self-trade has ended by that."""
        left = self._waiting.get(order, 0) - lots
        if left > 0:
            self._waiting[order] = left
        else:
            self._waiting.pop(order, None)

    def _traded(self, event: Traded) -> None:
        if self._first(event.taker_order):
            self._limits.forgive(event.taker, FOR_TAKER, event.time)
        if self._first(event.maker_order):
            self._limits.forgive(event.maker, FOR_MAKER, event.time)

    def _first(self, order: OrderId) -> bool:
        """Whether that is the order's first trade."""
        return self._waiting.pop(order, None) is not None
