"""Replies about orders and trades of one's own. Field names are the dialect's; amounts are plain decimal strings."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api.amounts import base_text, price_text, quantity_text, quote_text, render
from exchange.core.events import Event, MatchPrevented, Traded
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
from exchange.core.units import AccountId, ListId, OrderId
from exchange.ledger.rows import PreventedRow, TradeRow

S = TypeVar("S", bound=msgspec.Struct)

_SIDE, _TYPE, _TIME_IN_FORCE, _STATUS, _SELF_TRADE = (
    {member: member.name for member in kind} for kind in (Side, OrderType, TimeInForce, OrderStatus, SelfTrade)
)
# The name of a member of an enum class costs a function call.

NO_LIST = -1
NOT_WORKING = -1
NOT_TRAILING = -1
NO_GROUP = -1
"""Accounts are not grouped: self-trade prevention is each account's own affair."""


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


class PreventedHere(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A trade with oneself that a new order was kept from."""

    prevented_match_id: int
    maker_order_id: int
    price: str
    taker_prevented_quantity: str | UnsetType = UNSET
    maker_prevented_quantity: str | UnsetType = UNSET


class PreventedMatch(PreventedHere, frozen=True, rename="camel", kw_only=True):
    """The same as a query shows it, with both orders."""

    symbol: str
    taker_order_id: int
    maker_symbol: str
    trade_group_id: int = NO_GROUP
    self_trade_prevention_mode: str
    transact_time: int


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


class OwnTrade(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A trade as one of its two sides sees it."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int = NO_LIST
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool = True


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


def prevented_here(market: Market, event: MatchPrevented) -> PreventedHere:
    """A prevented match in the answer to the order that was the taker."""
    return PreventedHere(
        prevented_match_id=event.match,
        maker_order_id=event.maker_order,
        price=price_text(market, event.price),
        taker_prevented_quantity=_lost(market, event.taker_lots),
        maker_prevented_quantity=_lost(market, event.maker_lots),
    )


def prevented_match(market: Market, row: PreventedRow) -> PreventedMatch:
    """A prevented match as a query shows it."""
    return PreventedMatch(
        prevented_match_id=row.id,
        maker_order_id=row.maker_order,
        price=price_text(market, row.price),
        taker_prevented_quantity=_lost(market, row.taker_lots),
        maker_prevented_quantity=_lost(market, row.maker_lots),
        symbol=market.symbol,
        taker_order_id=row.taker_order,
        maker_symbol=market.symbol,
        self_trade_prevention_mode=row.mode.name,
        transact_time=row.time // 1000,
    )


def _lost(market: Market, lots: int) -> str | UnsetType:
    return quantity_text(market, lots) if lots else UNSET


def working_time(row: OrderRow) -> int:
    """Since when it can trade, in milliseconds; -1 while it sleeps or is pending."""
    return row.working_since // 1000 or NOT_WORKING


def own_trades(
    market: Market,
    codes: tuple[str, str],
    row: TradeRow,
    account: AccountId,
    order: OrderId | None,
    lists: dict[OrderId, ListId],
) -> list[OwnTrade]:
    """The account's sides of a trade: one, or both when it traded with itself. `order` keeps to one order's side.

    `lists` has the order list of each order that belongs to one.
    """
    return [
        _own_trade(market, codes, row, lists.get(owned, NO_LIST), is_maker=is_maker)
        for is_maker, owner, owned in ((True, row.maker, row.maker_order), (False, row.taker, row.taker_order))
        if owner == account and order in {None, owned}
    ]


def _own_trade(market: Market, codes: tuple[str, str], row: TradeRow, order_list: int, *, is_maker: bool) -> OwnTrade:
    bought = (row.taker_side == Side.BUY) != is_maker
    fee = row.maker_fee if is_maker else row.taker_fee
    return OwnTrade(
        symbol=market.symbol,
        id=row.id,
        order_id=row.maker_order if is_maker else row.taker_order,
        order_list_id=order_list,
        price=price_text(market, row.price),
        qty=quantity_text(market, row.quantity),
        quote_qty=quote_text(market, row.notional),
        commission=base_text(market, fee) if bought else quote_text(market, fee),
        commission_asset=codes[0] if bought else codes[1],
        time=row.time // 1000,
        is_buyer=bought,
        is_maker=is_maker,
    )


FULL_BY_DEFAULT = frozenset({OrderType.LIMIT, OrderType.MARKET})
"""Types answered in full unless the request says otherwise; the others are acknowledged."""
