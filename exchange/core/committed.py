"""What one commit made durable, frozen for those who publish it: events, price levels, account reports."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import msgspec

from exchange.core.events import (
    CountdownFired,
    CountdownSet,
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderAmended,
    OrderListDone,
    OrderListPlaced,
    Traded,
)
from exchange.core.order_lists import OrderListRow
from exchange.core.orders import OrderRow, Side
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros, OrderId, Price, Seq

if TYPE_CHECKING:
    from exchange.core.state import State

_MOVING_NOTHING = frozenset((CountdownFired, CountdownSet))
"""Events of an account and a market that leave every balance as it was."""


class LevelChange(msgspec.Struct, frozen=True, gc=False):
    """The total quantity at one price after a commit, in lots; 0: the level is gone."""

    market: MarketId
    side: Side
    price: Price
    quantity: int


class Report(msgspec.Struct, frozen=True, gc=False):
    """One event as a watched account sees it: its order, or its order list, and the balances the event touched, as
    they stood then. Both: an order of the list goes by another name since.
    """

    seq: Seq
    account: AccountId
    event: Event
    order: OrderRow | None
    balances: tuple[tuple[AssetId, Amount, Amount], ...]
    order_list: OrderListRow | None = None


class Committed(msgspec.Struct, frozen=True, gc=False):
    """What one commit made durable. Event i has number `first` + i."""

    first: Seq
    last: Seq
    time: Micros
    events: tuple[Event, ...]
    levels: tuple[LevelChange, ...]
    reports: tuple[Report, ...]


def take_levels(state: State) -> tuple[LevelChange, ...]:
    """Every price level that changed, as it stands now, in the order of first change."""
    changes = []
    for book in state.books.values():
        if book.touched:
            changes += [LevelChange(lv.market, lv.side, lv.price, lv.quantity) for lv in book.touched]
            book.touched.clear()
    return tuple(changes)


def reports_of(state: State, event: Event, watched: Container[AccountId]) -> list[Report]:
    """What each watched account is told of `event`, the state being just past it.

    An account that trades with itself is told twice: of its maker, then of its taker.
    """
    if type(event) is OrderListPlaced or type(event) is OrderListDone:
        row = state.changes.lists[event.list].row()
        return [Report(state.seq, event.account, event, None, (), row)] if event.account in watched else []
    sides: tuple[tuple[AccountId, OrderId], ...]
    if type(event) is Traded:
        sides = ((event.maker, event.maker_order), (event.taker, event.taker_order))
    elif type(event) is MatchPrevented:
        lost = ((event.maker_lots, event.maker_order), (event.taker_lots, event.taker_order))
        sides = tuple((event.account, order) for lots, order in lost if lots)
    else:
        account = getattr(event, "account", None)
        if not isinstance(account, int):
            return []
        sides = ((AccountId(account), getattr(event, "order", OrderId(0))),)
    return [_report(state, account, order, event) for account, order in sides if account in watched]


def _report(state: State, account: AccountId, order_id: OrderId, event: Event) -> Report:
    changes = state.changes
    order = changes.fresh.get(order_id) or changes.orders.get(order_id)
    balances = tuple(
        (asset, state.available(account, asset), state.held(account, asset)) for asset in _assets_of(state, event)
    )
    row, order_list = order.row() if order is not None else None, None
    if type(event) is OrderAmended and row is not None and row.order_list and event.client_id != event.name_before:
        order_list = changes.lists[row.order_list].row()
    return Report(state.seq, account, event, row, balances, order_list)


def _assets_of(state: State, event: Event) -> tuple[AssetId, ...]:
    """The assets whose balances `event` may have moved."""
    if type(event) in _MOVING_NOTHING:
        return ()
    asset = getattr(event, "asset", None)
    if isinstance(asset, int):
        return (AssetId(asset),)
    market = getattr(event, "market", None)
    if isinstance(market, int) and not (type(event) is OrderAccepted and not event.hold):
        rules = state.books[MarketId(market)].rules
        return (rules.base, rules.quote)
    return ()
