"""What `evolve` does to order lists: placed, a pending order released, done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core import events as ev
from exchange.core.evolving_orders import hold, sleep, touch_order
from exchange.core.moving import touch_account
from exchange.core.order_lists import ListStatus, OrderList
from exchange.core.orders import (
    NEW,
    SLEEPING_TYPES,
)
from exchange.core.units import ListId

if TYPE_CHECKING:
    from exchange.core.state import State


def order_list_placed(state: State, event: ev.OrderListPlaced) -> None:
    owner = touch_account(state, event.account, event.account_seq)
    number, time = event.list, event.time
    names = tuple(state.orders[order].client_id for order in event.orders)
    placed = OrderList(
        number,
        event.account,
        event.market,
        event.contingency,
        ListStatus.EXECUTING,
        event.client_id,
        event.orders,
        names,
        time,
        time,
    )
    state.lists[number] = owner.open_lists[number] = state.changes.lists[number] = placed
    state.next_list = ListId(number + 1)


def order_list_done(state: State, event: ev.OrderListDone) -> None:
    owner = touch_account(state, event.account, event.account_seq)
    done = state.lists.pop(event.list)
    left = [order for order in done.orders if order in state.orders]
    if left:
        message = f"order list {done.id} is done, but orders {left} are open"
        raise AssertionError(message)
    del owner.open_lists[event.list]
    done.status, done.updated = ListStatus.ALL_DONE, event.time
    state.changes.lists[event.list] = done


def order_released(state: State, event: ev.OrderReleased) -> None:
    touch_account(state, event.account, event.account_seq)
    order = touch_order(state, event.order)
    state.changes.special[order.id] = order
    book = state.books[event.market]
    book.due_lists.pop(order.order_list, None)
    book.triggers.expect_no_more(order)
    order.status, order.updated = NEW, event.time
    if event.hold:
        hold(state, book, order, event.hold)
    if order.type in SLEEPING_TYPES:
        sleep(book, order, event.time)
        return
    order.working, order.worked = True, event.time
    if event.rests:
        order.booked = state.seq
        order.shown = min(order.iceberg, order.quantity)
        book.add(order)
