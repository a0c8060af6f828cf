"""What `evolve` does to orders: accepted, woken, booked, traded, amended, ended; and to the money they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.core import events as ev
from exchange.core import postings
from exchange.core.book import Book
from exchange.core.moving import post, post_all, touch_account, touch_owner
from exchange.core.orders import (
    EXPIRED_IN_MATCH,
    FILLED,
    LIMIT,
    LIMIT_MAKER,
    NEW,
    PARTIALLY_FILLED,
    PENDING_NEW,
    Order,
)
from exchange.core.postings import HELD, KEYS_PER_ACCOUNT
from exchange.core.state import Account
from exchange.core.triggers import reached
from exchange.core.units import Amount, Micros, OrderId, Quantity, Seq, TradeId

if TYPE_CHECKING:
    from exchange.core.state import State


_NO_LOTS: Final = Quantity(0)
_NO_MONEY: Final = Amount(0)
_NEVER: Final = Seq(0)
_NO_TIME: Final = Micros(0)


def order_accepted(state: State, event: ev.OrderAccepted) -> None:
    owner = touch_owner(state, state.accounts[event.account], event.account_seq)
    order_id, market, client_id, changes = event.order, event.market, event.client_id, state.changes
    book = state.books[market]
    kind = event.type
    sleeps = kind is not LIMIT and kind > LIMIT_MAKER
    goes_to_book = event.rests and not sleeps
    order = Order(
        owner,
        order_id,
        event.account,
        market,
        event.side,
        kind,
        event.time_in_force,
        event.self_trade,
        NEW,
        event.price,
        event.stop_price,
        event.quantity,
        _NO_LOTS,
        _NO_MONEY,
        event.quote_quantity,
        event.hold,
        not sleeps,
        state.seq if goes_to_book else _NEVER,
        event.time,
        event.time,
        client_id,
        event.order_list,
        _NO_TIME,
        event.iceberg,
    )
    state.orders[order_id] = changes.fresh[order_id] = order
    state.next_order = order_id + 1  # type: ignore[assignment]
    if client_id:
        owner.open_by_client[client_id] = order_id
    try:
        owner.open_by_market[market][order_id] = order
    except KeyError:
        owner.open_by_market[market] = {order_id: order}
    if event.hold:
        spent = event.account * KEYS_PER_ACCOUNT + (book.quote_bits if event.side == 1 else book.base_bits)
        post(state, spent, spent + HELD, event.hold)  # type: ignore[arg-type]  # see `evolve`
    if event.trailing_delta or event.strategy_id or event.strategy_type:
        order.trailing_delta = event.trailing_delta
        order.strategy_id, order.strategy_type = event.strategy_id, event.strategy_type
    if goes_to_book:
        if event.iceberg:
            order.shown = min(event.iceberg, order.quantity)
        book.add(order)
    elif event.pending:
        order.status, order.working = PENDING_NEW, False
        book.triggers.expect(order)
    elif sleeps:
        sleep(book, order, event.time)


def sleep(book: Book, order: Order, now: Micros) -> None:
    """Put an order to sleep; a trailing one follows the price at once unless its stop price is still to come."""
    last = book.last_price
    if order.trailing_delta and (not order.stop_price or reached(order.type, order.side, order.stop_price, last)):
        order.trailing_time, order.trailing_trade = now, TradeId(book.next_trade - 1)
    book.triggers.add(order, last)


def order_triggered(state: State, event: ev.OrderTriggered) -> None:
    touch_account(state, event.account, event.account_seq)
    order = touch_order(state, event.order)
    order.updated = event.time
    order.working = True
    order.worked = event.worked
    book = state.books[event.market]
    book.triggers.remove(order)
    order.due = _NEVER
    state.changes.special[order.id] = order
    if event.released:
        _release(state, book, order, event.released)
    if event.hold:
        hold(state, book, order, event.hold)


def hold(state: State, book: Book, order: Order, amount: Amount) -> None:
    """Move more of the account's money from available to held."""
    spent = order.account * KEYS_PER_ACCOUNT + (book.quote_bits if order.side == 1 else book.base_bits)
    post(state, spent, spent + HELD, amount)  # type: ignore[arg-type]
    order.hold += amount  # type: ignore[assignment]


def order_booked(state: State, event: ev.OrderBooked) -> None:
    touch_account(state, event.account, event.account_seq)
    order = touch_order(state, event.order)
    order.booked = state.seq
    order.updated = event.time
    if order.iceberg:
        order.shown = Quantity(min(order.iceberg, order.quantity - order.filled))
        state.changes.special[order.id] = order
    state.books[event.market].add(order)


def order_ended(state: State, event: ev.OrderEnded) -> None:
    order = touch_order(state, event.order)
    owner = touch_owner(state, order.owner, event.account_seq)
    book = state.books[event.market]
    if order.status is PENDING_NEW:
        book.triggers.expect_no_more(order)
        book.due_lists.pop(order.order_list, None)
    elif order.level is not None:
        book.remove(order)
    elif not order.working:
        book.triggers.remove(order)
    order.status = event.status
    order.updated = event.time
    if order.due or order.shown:
        order.due, order.shown = _NEVER, _NO_LOTS
        state.changes.special[order.id] = order
    if event.released:
        _release(state, book, order, event.released)
    _close(state, owner, order)


def _release(state: State, book: Book, order: Order, released: Amount) -> None:
    """What an order held goes back to what its account may spend."""
    spent = order.account * KEYS_PER_ACCOUNT + (book.quote_bits if order.side == 1 else book.base_bits)
    post(state, spent + HELD, spent, released)  # type: ignore[arg-type]
    order.hold -= released  # type: ignore[assignment]


def order_amended(state: State, event: ev.OrderAmended) -> None:
    owner = touch_account(state, event.account, event.account_seq)
    order, book = touch_order(state, event.order), state.books[event.market]
    state.changes.special[order.id] = order
    state.changes.amendments.append((state.seq, event))
    less = event.before - event.quantity
    order.quantity -= less  # type: ignore[assignment]
    order.updated = event.time
    order.amendments += 1
    if order.level is not None:
        if order.iceberg:
            less = max(0, order.shown - (order.quantity - order.filled))
            order.shown -= less  # type: ignore[assignment]
        book.reduce(order, less)
    if event.released:
        _release(state, book, order, event.released)
    if event.client_id != order.client_id:
        if order.client_id:
            del owner.open_by_client[order.client_id]
        order.client_id = event.client_id
        owner.open_by_client[event.client_id] = order.id
    if order.order_list:
        _rename_in_list(state, order)


def _rename_in_list(state: State, order: Order) -> None:
    """The order list calls its order as it is called now."""
    mine = state.changes.lists[order.order_list] = state.lists[order.order_list]
    names = zip(mine.orders, mine.names, strict=True)
    mine.names = tuple(order.client_id if number == order.id else name for number, name in names)


def match_prevented(state: State, event: ev.MatchPrevented) -> None:
    book = state.books[event.market]
    if event.maker_lots:
        maker = state.orders[event.maker_order]
        _lose(state, book, maker, event.maker_seq, event.maker_lots, event.maker_released, event)
    if event.taker_lots:  # who loses nothing may be filled by now: its budget bought all, but for one cheap lot
        taker = state.orders[event.taker_order]
        _lose(state, book, taker, event.taker_seq, event.taker_lots, event.taker_released, event)
    book.next_match = event.match + 1
    state.changes.prevented.append((state.seq, event))


def _lose(
    state: State,
    book: Book,
    order: Order,
    account_seq: int,
    lots: Quantity,
    released: Amount,
    event: ev.MatchPrevented,
) -> None:
    """Take `lots` from an order for good; with nothing left it has expired."""
    touch_owner(state, order.owner, account_seq)
    state.changes.special[order.id] = touch_order(state, order.id)
    over = lots == order.quantity - order.filled
    if order.level is not None and over:
        book.remove(order)
    order.quantity -= lots  # type: ignore[assignment]
    order.prevented += lots  # type: ignore[assignment]
    order.prevented_match, order.updated = event.match, event.time
    if order.level is not None:
        book.reduce(order, lots)
        if order.iceberg:
            _turn_over(state, book, order, lots)
    if released:
        _release(state, book, order, released)
    if over:
        order.status, order.shown = EXPIRED_IN_MATCH, _NO_LOTS
        _close(state, order.owner, order)


def _turn_over(state: State, book: Book, order: Order, lots: Quantity) -> None:
    """An iceberg gave `lots` of what it shows; with nothing left to see it shows its next part, behind all others."""
    state.changes.special[order.id] = order
    shown = order.shown - lots
    if not shown and order.level is not None:
        order.shown = Quantity(min(order.iceberg, order.quantity - order.filled))
        order.booked = state.seq
        book.requeue(order)
    else:
        order.shown = Quantity(shown)


def _reach(state: State, book: Book, event: ev.Traded) -> None:
    """A trade makes sleepers due, and sets off trailing ones to follow the price."""
    told = book.triggers.reach(event.price)
    for order in told.following:
        order.trailing_time, order.trailing_trade = event.time, event.trade
        book.triggers.follow(order, event.price)
        state.changes.special[order.id] = touch_order(state, order.id)
    for order, trailed in told.due:
        order.due, order.trailed = state.seq, trailed
        state.changes.special[order.id] = touch_order(state, order.id)


def traded(state: State, event: ev.Traded) -> None:
    book = state.books[event.market]
    maker = touch_order(state, event.maker_order)
    taker = touch_order(state, event.taker_order)
    touch_owner(state, maker.owner, event.maker_seq)
    touch_owner(state, taker.owner, event.taker_seq)
    post_all(state, postings.traded(book.rules, event))
    base = event.quantity * book.rules.lot_atoms
    from_taker, from_maker = (event.notional, base) if event.taker_side == 1 else (base, event.notional)
    _fill(maker, event, from_maker)
    _fill(taker, event, from_taker + event.released)
    book.reduce(maker, event.quantity)
    if maker.iceberg:
        _turn_over(state, book, maker, event.quantity)
    if maker.status is FILLED:
        _close(state, maker.owner, maker)
    if taker.status is FILLED:
        _close(state, taker.owner, taker)
    book.last_price = event.price
    if book.triggers.asleep:
        _reach(state, book, event)
    book.next_trade = event.trade + 1  # type: ignore[assignment]
    book.next_aggregate = event.aggregate + 1
    state.changes.trades.append((state.seq, event))
    state.changes.markets[event.market] = book


def _fill(order: Order, event: ev.Traded, paid: int) -> None:
    """Count a trade in one of its two orders, which pays for it from its hold."""
    filled = order.filled + event.quantity
    order.filled = filled  # type: ignore[assignment]
    order.filled_quote += event.notional  # type: ignore[assignment]
    order.hold -= paid  # type: ignore[assignment]
    order.updated = event.time
    order.status = FILLED if filled == order.quantity else PARTIALLY_FILLED


def touch_order(state: State, order_id: OrderId) -> Order:
    order = state.orders[order_id]
    if order_id not in state.changes.fresh:
        state.changes.orders[order_id] = order
    return order


def _close(state: State, owner: Account, order: Order) -> None:
    """An order is final: forget it; its row tells the rest."""
    order_id, client_id = order.id, order.client_id
    if order.hold:
        message = f"order {order_id} ends holding {order.hold}"
        raise AssertionError(message)
    del state.orders[order_id]
    del owner.open_by_market[order.market][order_id]
    if client_id:
        del owner.open_by_client[client_id]
    if order.order_list and order.status is FILLED and state.lists[order.order_list].working == order_id:
        state.books[order.market].due_lists[order.order_list] = None
