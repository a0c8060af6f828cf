"""What becomes of a new order list, and of pending orders whose turn has come.

An OCO pair is paid for once. The order that is no stop-loss holds all that it can cost itself; the stop-loss holds
only what it could cost beyond that, and takes over what the other gives back when it wakes: both in one decision, so
that nobody can spend it in between. Whichever trades has its money, and no more than the dearer of the two is held.
Pending orders hold nothing: they are placed with what the account has when their turn comes, and expire if that is not
enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core import risk_lists
from exchange.core.commands import PlaceOrder, PlaceOrderList, WakeOrder
from exchange.core.contingency import Contingency, Numbers, has_died, last_of, unborn
from exchange.core.events import Event, OrderAccepted, OrderBooked, OrderListPlaced, OrderReleased
from exchange.core.market import MarketPhase
from exchange.core.order_lists import ListKind
from exchange.core.orders import LIMIT_MAKER, Order
from exchange.core.placing import accepted, dearest, decide_wake, enter
from exchange.core.rejects import Reject
from exchange.core.triggers import reached
from exchange.core.units import Amount, ListId, Micros, OrderId

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.order_lists import OrderList
    from exchange.core.state import Account, State

_NOTHING = Amount(0)


def decide_place_list(state: State, now: Micros, wish: PlaceOrderList) -> list[Event] | Reject:
    """Take all orders of the list on and say what follows from it, or refuse it whole."""
    account = state.accounts.get(wish.account)
    book = state.books.get(wish.market)
    reject = risk_lists.check(account, book, wish, state.balances)
    if reject is not None:
        return reject
    assert account is not None
    assert book is not None
    if wish.kind == ListKind.OCO:
        return _place_pair(state, now, book, account, wish)
    return _place_working(state, now, book, account, wish)


def decide_due(state: State, now: Micros, command: WakeOrder) -> list[Event]:
    """See to who is due next: a list whose working order was filled, or else a sleeping order. Nothing: nobody is."""
    book = state.books[command.market]
    if book.due_lists and book.phase == MarketPhase.OPEN:
        return _release(state, now, book, state.lists[next(iter(book.due_lists))])
    return decide_wake(state, now, command)


def _place_pair(state: State, now: Micros, book: Book, account: Account, wish: PlaceOrderList) -> list[Event] | Reject:
    """Both orders of an OCO, the stop-loss first."""
    pair = _stop_first(wish.orders)
    holds = _holds(state, book, account, pair)
    if isinstance(holds, Reject):
        return holds
    number, first = state.next_list, state.next_order
    events: list[Event] = [
        accepted(OrderId(first + n), now, account.seq + 1 + n, order, order.quantity, hold, True, number)
        for n, (order, hold) in enumerate(zip(pair, holds, strict=True))
    ]
    events.append(_placed(state, now, account.seq + 3, wish))
    return events


def _place_working(
    state: State, now: Micros, book: Book, account: Account, wish: PlaceOrderList
) -> list[Event] | Reject:
    """The working order of an OTO or OTOCO, and behind it those that wait for it."""
    working, *rest = wish.orders
    waiting = _stop_first(tuple(rest))
    first, number = state.next_order, state.next_list
    beside: list[Event] = [
        _pending(OrderId(first + n), now, account.seq + 1 + n, order, number) for n, order in enumerate(waiting, 1)
    ]
    beside.append(_placed(state, now, account.seq + 2 + len(waiting), wish))
    events = enter(state, now, book, account, working, first, number, tuple(beside))
    if isinstance(events, Reject):
        return events
    if has_died(events, first, working.quantity):
        pending = tuple(OrderId(first + n) for n in range(1, len(waiting) + 1))
        events += unborn(now, number, account.id, last_of(account, events), wish.market, pending, _NOTHING)
    return events


def _pending(number: OrderId, now: Micros, seq: int, order: PlaceOrder, order_list: ListId) -> OrderAccepted:
    """`order` is taken on, and waits."""
    event = accepted(number, now, seq, order, order.quantity, 0, False, order_list)
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return OrderAccepted(**{**fields, "pending": True})


def _placed(state: State, now: Micros, seq: int, wish: PlaceOrderList) -> OrderListPlaced:
    first = state.next_order
    numbers = tuple(OrderId(first + n) for n in range(len(wish.orders)))
    return OrderListPlaced(now, state.next_list, wish.account, seq, wish.market, wish.kind, wish.client_id, numbers)


def _stop_first(orders: tuple[PlaceOrder, ...]) -> tuple[PlaceOrder, ...]:
    """The stop-loss of a pair before the other: so they are numbered, told and held for."""
    return tuple(sorted(orders, key=lambda order: order.type not in risk_lists.STOP_LOSSES))


def _holds(state: State, book: Book, account: Account, pair: tuple[PlaceOrder, ...]) -> tuple[int, int] | Reject:
    """What the stop-loss and the other order hold, or why the pair cannot be placed."""
    stop, other = pair
    if other.type == LIMIT_MAKER and _would_take(book, other):
        return Reject.WOULD_TAKE
    own = dearest(book, other)
    beyond = max(0, dearest(book, stop) - own)
    asset = book.rules.quote if stop.side == 1 else book.rules.base
    return Reject.INSUFFICIENT_FUNDS if state.available(account.id, asset) < own + beyond else (beyond, own)


def _would_take(book: Book, order: PlaceOrder) -> bool:
    """Whether somebody on the other side would trade at this limit."""
    best = book.asks.best if order.side == 1 else book.bids.best
    return best is not None and best.key <= (order.price if order.side == 1 else -order.price)


def _release(state: State, now: Micros, book: Book, order_list: OrderList) -> list[Event]:
    """Place the pending orders of a list whose working order was filled; if they cannot be, they expire."""
    account = state.accounts[order_list.account]
    waiting = [state.orders[number] for number in order_list.others(order_list.working) if number in state.orders]
    wishes = tuple(_wish(order) for order in waiting)
    reject = risk_lists.check_release(account, book, wishes)
    events: list[Event] | Reject
    if reject is not None:
        events = reject
    elif len(waiting) == 1:
        events = _release_one(state, now, book, waiting[0], wishes[0])
    else:
        events = _release_pair(state, now, book, waiting, wishes)
    if isinstance(events, Reject):
        return Contingency(state, now, Numbers(account.seq).next).rejected(order_list)
    return events


def _release_pair(
    state: State, now: Micros, book: Book, waiting: list[Order], wishes: tuple[PlaceOrder, ...]
) -> list[Event] | Reject:
    """The two of an OTOCO become an OCO."""
    account = waiting[0].owner
    above_first = wishes if (wishes[0].side == 1) else wishes[::-1]
    if not risk_lists.straddles((above_first[0], above_first[1]), book.last_price):
        return Reject.LIST_PRICES
    holds = _holds(state, book, account, wishes)
    if isinstance(holds, Reject):
        return holds
    return [
        OrderReleased(now, order.id, account.id, account.seq + n, order.market, Amount(hold), True)
        for n, (order, hold) in enumerate(zip(waiting, holds, strict=True), 1)
    ]


def _release_one(state: State, now: Micros, book: Book, order: Order, wish: PlaceOrder) -> list[Event] | Reject:
    """The pending order of an OTO does what a new one would."""
    account = order.owner
    if (
        wish.stop_price
        and not wish.trailing_delta
        and reached(order.type, order.side, order.stop_price, book.last_price)
    ):
        return Reject.WOULD_TRIGGER
    events = enter(state, now, book, account, wish, order.id, order.order_list)
    if isinstance(events, Reject):
        return events
    entry = events[0]
    assert type(entry) is OrderAccepted
    events[0] = OrderReleased(now, order.id, account.id, entry.account_seq, order.market, entry.hold, entry.rests)
    stays = entry.rests or any(type(event) is OrderBooked and event.order == order.id for event in events)
    if not stays:
        lists = Contingency(state, now, Numbers(last_of(account, events)).next)
        events.append(lists.done(state.lists[order.order_list]))
    return events


def _wish(order: Order) -> PlaceOrder:
    """What is asked for by a pending order; made smaller than its part to be seen, it shows all of itself."""
    return PlaceOrder(
        order.account,
        order.market,
        order.side,
        order.type,
        order.quantity,
        order.price,
        order.time_in_force,
        order.client_id,
        order.stop_price,
        order.quote_quantity,
        order.self_trade,
        min(order.iceberg, order.quantity),
        order.trailing_delta,
        order.strategy_id,
        order.strategy_type,
    )
