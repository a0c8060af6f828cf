"""What becomes of a list's other orders when one of them trades or ends: said in the very same decision.

Only deciding is done here; the events are let happen by `evolve` as all others are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core.events import Event, MatchPrevented, OrderEnded, OrderListDone, Traded
from exchange.core.orders import CANCELED, EXPIRED, ExpiryReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exchange.core.order_lists import OrderList
    from exchange.core.orders import Order, OrderStatus
    from exchange.core.state import Account, State
    from exchange.core.units import AccountId, Amount, ListId, MarketId, Micros, OrderId


class Contingency:
    """The order lists that one decision touches. It sees to it that nobody ends twice.

    `next_seq` numbers the events of an account.
    """

    __slots__ = ("_ended", "_next_seq", "_now", "_state", "_traded")

    def __init__(self, state: State, now: Micros, next_seq: Callable[[AccountId], int]) -> None:
        """Nothing has happened yet."""
        self._state = state
        self._now = now
        self._next_seq = next_seq
        self._ended: set[OrderId] = set()
        self._traded: dict[OrderId, int] = {}

    def traded(self, order: Order, lots: int) -> list[Event]:
        """`order` gave `lots` as a maker: its rival expires, and a list with nothing left to fill is done."""
        filled = self._traded[order.id] = self._traded.get(order.id, order.filled) + lots
        order_list = self._state.lists[order.order_list]
        events = self.outlive_rival(order)
        if filled == order.quantity and order.id != order_list.working:
            events.append(self.done(order_list))
        return events

    def prevented(self, order: Order, lots: int) -> list[Event]:
        """`order` lost `lots` as it would have traded with its own account: as if traded, unless nothing is left."""
        gone = self._traded[order.id] = self._traded.get(order.id, order.filled) + lots
        return self.ended(order) if gone == order.quantity else self.outlive_rival(order)

    def outlive_rival(self, order: Order) -> list[Event]:
        """The other order of the pair, if it is still open, expires."""
        rival = self._state.rival(order)
        if rival is None or rival.id in self._ended:
            return []
        return [self._end(rival, EXPIRED, ExpiryReason.OCO_TRIGGER)]

    def ended(self, order: Order) -> list[Event]:
        """`order` ended unfilled, and not because somebody asked: what is left of its list expires."""
        self._ended.add(order.id)
        order_list = self._state.lists[order.order_list]
        was_awaited = order.id == order_list.working
        reason = ExpiryReason.OTO_PHASE_ONE_EXPIRED if was_awaited else ExpiryReason.OCO_TRIGGER
        return [*(self._end(one, EXPIRED, reason) for one in self._open(order_list)), self.done(order_list)]

    def rejected(self, order_list: OrderList) -> list[Event]:
        """The pending orders cannot be placed now that their turn has come."""
        ends = [self._end(one, EXPIRED, ExpiryReason.REJECTED) for one in self._open(order_list)]
        return [*ends, self.done(order_list)]

    def cancelled(self, order_list: OrderList, cancel_id: str) -> list[Event]:
        """The account cancels the list: all of it that is open."""
        ends = [self._end(one, CANCELED, ExpiryReason.NONE, cancel_id) for one in self._open(order_list)]
        return [*ends, self.done(order_list)]

    def has_ended(self, order: Order) -> bool:
        """Whether this decision has ended the order already."""
        return order.id in self._ended

    def done(self, order_list: OrderList) -> OrderListDone:
        """Every order of the list is final."""
        account = order_list.account
        return OrderListDone(self._now, order_list.id, account, self._next_seq(account), order_list.market)

    def _open(self, order_list: OrderList) -> list[Order]:
        known = (self._state.orders.get(number) for number in order_list.orders)
        return [order for order in known if order is not None and order.id not in self._ended]

    def _end(self, order: Order, status: OrderStatus, reason: ExpiryReason, cancel_id: str = "") -> OrderEnded:
        self._ended.add(order.id)
        seq = self._next_seq(order.account)
        return OrderEnded(self._now, order.id, order.account, seq, order.market, status, order.hold, cancel_id, reason)


class Numbers:
    """Numbers further events of the one account that a decision is about."""

    __slots__ = ("_last",)

    def __init__(self, last: int) -> None:
        """`last` is the number of the account's event before."""
        self._last = last

    def next(self, _: AccountId) -> int:
        """The number of the next event."""
        self._last += 1
        return self._last


def last_of(account: Account, events: Iterable[Event]) -> int:
    """The number of the account's last event once `events` have happened."""
    last = account.seq
    for event in events:
        if type(event) is Traded:
            last += (event.maker == account.id) + (event.taker == account.id)
        elif type(event) is MatchPrevented:
            last += (event.maker_seq > 0) + (event.taker_seq > 0) if event.account == account.id else 0
        else:
            last += getattr(event, "account", None) == account.id
    return last


def has_died(events: Iterable[Event], order: OrderId, lots: int) -> bool:
    """Whether a taker of `lots` ends in `events` without having been filled: it expired, or lost all that was left."""
    for event in events:
        if type(event) is OrderEnded and event.order == order:
            return True
        if type(event) is Traded and event.taker_order == order:
            lots -= event.quantity
        elif type(event) is MatchPrevented and event.taker_order == order:
            lots -= event.taker_lots
            if not lots:
                return True
    return False


def unborn(
    now: Micros,
    number: ListId,
    account: AccountId,
    seq: int,
    market: MarketId,
    pending: tuple[OrderId, ...],
    nothing: Amount,
) -> list[Event]:
    """The working order of a new list ended at once: its pending orders, holding `nothing`, go with it.

    `seq` is the number of the account's last event before.
    """
    reason = ExpiryReason.OTO_PHASE_ONE_EXPIRED
    ends: list[Event] = [
        OrderEnded(now, order, account, seq + n, market, EXPIRED, nothing, "", reason)
        for n, order in enumerate(pending, 1)
    ]
    return [*ends, OrderListDone(now, number, account, seq + len(ends) + 1, market)]
