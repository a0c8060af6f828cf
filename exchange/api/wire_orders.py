"""Replies about orders of one's own. Field names are the dialect's; amounts are plain decimal strings."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api.amounts import base_text, price_text, quantity_text, quote_text, render
from exchange.api.wire_prevented import PreventedHere
from exchange.core.events import Event, Traded
from exchange.core.market import Market
from exchange.core.orders import (
    SLEEPING_TYPES,
    OrderRow,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)

S = TypeVar("S", bound=msgspec.Struct)

_SIDE, _TYPE, _TIME_IN_FORCE, _STATUS, _SELF_TRADE = (
    {member: member.name for member in kind} for kind in (Side, OrderType, TimeInForce, OrderStatus, SelfTrade)
)
# The name of a member of an enum class costs a function call.

NO_LIST = -1
NOT_WORKING = -1
NOT_TRAILING = -1


class Acknowledged(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """ACK: the order is taken on."""

    symbol: str
    order_id: int
    order_list_id: int = NO_LIST
    client_order_id: str
    transact_time: int


class Fill(msgspec.Struct, frozen=True, rename="camel"):
    """One trade of a placed order; the commission is in the asset received."""

    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: int


class Special(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What only orders have that are not plain; `trailing_time` is -1 until the order follows the price."""

    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: str | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET


class Placed(Acknowledged, frozen=True, rename="camel", kw_only=True):
    """RESULT and, with `fills`, FULL: the order as it stood right after it was placed."""

    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    working_time: int
    self_trade_prevention_mode: str
    fills: list[Fill] | UnsetType = UNSET
    prevented_matches: list[PreventedHere] | UnsetType = UNSET
    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: str | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET


class Cancelled(Special, frozen=True, rename="camel", kw_only=True):
    """A cancelled order; `client_order_id` names the cancel, `orig_client_order_id` the order."""

    symbol: str
    orig_client_order_id: str
    order_id: int
    order_list_id: int = NO_LIST
    client_order_id: str
    transact_time: int
    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    self_trade_prevention_mode: str


class Queried(Special, frozen=True, rename="camel", kw_only=True):
    """An order as a query shows it, open or closed."""

    symbol: str
    order_id: int
    order_list_id: int = NO_LIST
    client_order_id: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str
    iceberg_qty: str
    time: int
    update_time: int
    is_working: bool
    working_time: int
    orig_quote_order_qty: str
    self_trade_prevention_mode: str


def list_id(row: OrderRow) -> int:
    """The number of the order's list; -1: it belongs to none."""
    return row.order_list or NO_LIST


def acknowledged(market: Market, row: OrderRow) -> Acknowledged:
    """The shortest answer to a placed order."""
    return Acknowledged(
        symbol=market.symbol,
        order_id=row.id,
        order_list_id=list_id(row),
        client_order_id=row.client_id,
        transact_time=row.updated // 1000,
    )


def placed(
    market: Market, row: OrderRow, fills: list[Fill] | None, prevented: list[PreventedHere] | None = None
) -> Placed:
    """The whole answer to a placed order; `fills` None leaves them out, as does having `prevented` none."""
    lot, base, quote = market.lot_atoms, market.base_decimals, market.quote_decimals
    reply = Placed(
        symbol=market.symbol,
        order_id=row.id,
        order_list_id=row.order_list or NO_LIST,
        client_order_id=row.client_id,
        transact_time=row.updated // 1000,
        price=render(row.price * market.tick_atoms, quote),
        orig_qty=render((row.quantity + row.prevented) * lot, base),
        executed_qty=render(row.filled * lot, base),
        orig_quote_order_qty=render(row.quote_quantity, quote),
        cummulative_quote_qty=render(row.filled_quote, quote),
        status=_STATUS[row.status],
        time_in_force=_TIME_IN_FORCE[row.time_in_force],
        type=_TYPE[row.type],
        side=_SIDE[row.side],
        stop_price=UNSET if row.type not in SLEEPING_TYPES else price_text(market, row.stop_price),
        iceberg_qty=render(row.iceberg * lot, base) if row.iceberg else UNSET,
        working_time=working_time(row),
        self_trade_prevention_mode=_SELF_TRADE[row.self_trade],
        fills=UNSET if fills is None else fills,
        prevented_matches=prevented or UNSET,
    )
    return _with_special(reply, market, row)


def fills_of(market: Market, codes: tuple[str, str], row: OrderRow, events: tuple[Event, ...]) -> list[Fill]:
    """The trades that `events` gave a taker; `codes` are the market's base and quote assets."""
    bought = row.side == Side.BUY
    fee_text, asset = (base_text, codes[0]) if bought else (quote_text, codes[1])
    return [
        Fill(
            price_text(market, event.price),
            quantity_text(market, event.quantity),
            fee_text(market, event.taker_fee),
            asset,
            event.trade,
        )
        for event in events
        if type(event) is Traded and event.taker_order == row.id
    ]


def cancelled(market: Market, row: OrderRow, cancel_id: str) -> Cancelled:
    """The answer to a cancel."""
    lot, base, quote = market.lot_atoms, market.base_decimals, market.quote_decimals
    reply = Cancelled(
        symbol=market.symbol,
        orig_client_order_id=row.client_id,
        order_id=row.id,
        order_list_id=row.order_list or NO_LIST,
        client_order_id=cancel_id,
        transact_time=row.updated // 1000,
        price=render(row.price * market.tick_atoms, quote),
        orig_qty=render((row.quantity + row.prevented) * lot, base),
        executed_qty=render(row.filled * lot, base),
        orig_quote_order_qty=render(row.quote_quantity, quote),
        cummulative_quote_qty=render(row.filled_quote, quote),
        status=_STATUS[row.status],
        time_in_force=_TIME_IN_FORCE[row.time_in_force],
        type=_TYPE[row.type],
        side=_SIDE[row.side],
        stop_price=UNSET if row.type not in SLEEPING_TYPES else price_text(market, row.stop_price),
        iceberg_qty=render(row.iceberg * lot, base) if row.iceberg else UNSET,
        self_trade_prevention_mode=_SELF_TRADE[row.self_trade],
    )
    return _with_special(reply, market, row)


def queried(market: Market, row: OrderRow) -> Queried:
    """The answer to a query."""
    reply = Queried(
        symbol=market.symbol,
        order_id=row.id,
        order_list_id=list_id(row),
        client_order_id=row.client_id,
        price=price_text(market, row.price),
        orig_qty=quantity_text(market, original_quantity(row)),
        executed_qty=quantity_text(market, row.filled),
        cummulative_quote_qty=quote_text(market, row.filled_quote),
        status=_STATUS[row.status],
        time_in_force=_TIME_IN_FORCE[row.time_in_force],
        type=_TYPE[row.type],
        side=_SIDE[row.side],
        stop_price=price_text(market, row.stop_price),
        iceberg_qty=quantity_text(market, row.iceberg),
        time=row.created // 1000,
        update_time=row.updated // 1000,
        is_working=row.working,
        working_time=working_time(row),
        orig_quote_order_qty=quote_text(market, row.quote_quantity),
        self_trade_prevention_mode=_SELF_TRADE[row.self_trade],
    )
    return _with_special(reply, market, row)


def _with_special(reply: S, market: Market, row: OrderRow) -> S:
    """The reply with what else there is to say of an order that is not plain."""
    if row.prevented or row.trailing_delta or row.strategy_id or row.strategy_type:
        return msgspec.structs.replace(reply, **special(market, row))
    return reply


def special(market: Market, row: OrderRow) -> dict[str, Any]:
    """The fields of `Special` that this order has; none of a plain order."""
    found: dict[str, Any] = {}
    if row.prevented:
        found["prevented_match_id"] = row.prevented_match
        found["prevented_quantity"] = quantity_text(market, row.prevented)
    if row.trailing_delta:
        found["trailing_delta"] = row.trailing_delta
        found["trailing_time"] = row.trailing_time // 1000 or NOT_TRAILING
    if row.strategy_id:
        found["strategy_id"] = row.strategy_id
    if row.strategy_type:
        found["strategy_type"] = row.strategy_type
    return found


def original_quantity(row: OrderRow) -> int:
    """What was asked for, in lots: what it can trade in all, and what self-trade prevention took from it."""
    return row.quantity + row.prevented


def working_time(row: OrderRow) -> int:
    """Since when it can trade, in milliseconds; -1 while it sleeps or is pending."""
    return row.working_since // 1000 or NOT_WORKING


FULL_BY_DEFAULT = frozenset({OrderType.LIMIT, OrderType.MARKET})
"""Types answered in full unless the request says otherwise; the others are acknowledged."""
