"""The referee's assistant, who watches order lists only: of a pair one trades, and nobody goes before his turn."""

from exchange.core.events import (
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderAmended,
    OrderEnded,
    OrderListDone,
    OrderListPlaced,
    OrderReleased,
    OrderTriggered,
    Traded,
)
from exchange.core.order_lists import ListKind
from exchange.core.state import State


class Foul(Exception):
    """Something that must never happen."""


class ListReferee:
    """Keeps its own notes of every order: how large it was, how much is filled, whether it waits or has ended."""

    def __init__(self) -> None:
        self.size: dict[int, int] = {}
        self.filled: dict[int, int] = {}
        self.waiting: set[int] = set()
        self.ended: set[int] = set()
        self.lists: dict[int, OrderListPlaced] = {}
        self.list_of: dict[int, int] = {}
        self.decided: set[int] = set()

    def watch(self, event: Event) -> None:
        """Called after each event, in order."""
        match event:
            case OrderAccepted():
                self.size[event.order], self.filled[event.order] = event.quantity, 0
                if event.pending:
                    self.waiting.add(event.order)
            case OrderListPlaced():
                self.lists[event.list] = event
                self.list_of |= dict.fromkeys(event.orders, event.list)
            case Traded():
                for order in (event.maker_order, event.taker_order):
                    self._trade(order, event)
            case MatchPrevented():
                self._lose(event.maker_order, event.maker_lots)
                self._lose(event.taker_order, event.taker_lots)
            case OrderAmended():
                self._shrink(event)
            case OrderTriggered():
                self._decides(event.order)
            case OrderReleased():
                self._release(event)
            case OrderEnded():
                self.ended.add(event.order)
            case OrderListDone():
                self._done(event)
            case _:
                pass

    def _trade(self, order: int, event: Traded) -> None:
        if order in self.waiting:
            raise Foul("an order traded that should wait", event)
        self.filled[order] += event.quantity
        if self.filled[order] == self.size[order]:
            self.ended.add(order)
        self._decides(order)

    def _lose(self, order: int, lots: int) -> None:
        """Lots lost to self-trade prevention are as good as traded."""
        if not lots:
            return
        self.size[order] -= lots
        if self.filled[order] == self.size[order]:
            self.ended.add(order)
        self._decides(order)

    def _shrink(self, event: OrderAmended) -> None:
        self.size[event.order] -= event.before - event.quantity

    def _decides(self, order: int) -> None:
        """An order of a pair traded or woke: it is the one, for good."""
        pair = self._pair(order)
        if not pair:
            return
        if any(self.filled[other] for other in pair if other != order):
            raise Foul("both of a pair traded", pair)
        if sum(self.filled[one] for one in pair) > self.size[order]:
            raise Foul("a pair traded more than one of it", pair)
        self.decided.add(order)

    def _pair(self, order: int) -> tuple[int, ...]:
        placed = self.lists.get(self.list_of.get(order, 0))
        if placed is None or placed.contingency == ListKind.OTO:
            return ()
        return placed.orders[-2:] if order in placed.orders[-2:] else ()

    def _release(self, event: OrderReleased) -> None:
        working = self.lists[self.list_of[event.order]].orders[0]
        if self.filled[working] < self.size[working]:
            raise Foul("a pending order was placed too early", event)
        self.waiting.remove(event.order)

    def _done(self, event: OrderListDone) -> None:
        left = set(self.lists.pop(event.list).orders) - self.ended
        if left:
            raise Foul("a list is done and some of it is not", left)

    def compare(self, state: State) -> None:
        """After a command and all who woke: no rival is left, no list is left over, nobody waits for nothing."""
        for order in self.decided:
            if any(other not in self.ended for other in self._pair(order) if other != order):
                raise Foul("one of a pair was chosen and the other lives", order)
        self.decided = {order for order in self.decided if self.list_of[order] in self.lists}
        if state.lists.keys() != self.lists.keys():
            raise Foul("open lists differ", state.lists.keys() ^ self.lists.keys())
        for number, placed in self.lists.items():
            left = [order for order in placed.orders if order not in self.ended]
            if not left:
                raise Foul("a list of which nothing is left is not done", number)
            waits = [order for order in left if order in self.waiting]
            if waits and placed.orders[0] in self.ended and not state.books[placed.market].anybody_due:
                raise Foul("an order waits for what has happened already", waits)
