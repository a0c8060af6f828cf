"""Making an order smaller without losing its place, what was amended so far, and self-trades that were prevented."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api import errors
from exchange.api.amounts import price_text, quantity_text, quote_text, read_quantity
from exchange.api.auth import Caller
from exchange.api.endpoints.orders import NamedOrder, named, page
from exchange.api.endpoints.sizing import CLIENT_ID_CHARS
from exchange.api.errors import Refused, refusal_of
from exchange.api.parameters import ClientId, Count, Decimal, Symbol
from exchange.api.rooms import Rooms
from exchange.api.wire_lists import AmendedList, amended_list
from exchange.api.wire_orders import NO_LIST, NOT_WORKING, Special, list_id, original_quantity, special, working_time
from exchange.api.wire_prevented import PreventedMatch, prevented_match
from exchange.core.commands import AmendOrder
from exchange.core.market import Market
from exchange.core.orders import OrderRow
from exchange.core.units import OrderId
from exchange.ledger.rows import AmendmentRow


class AmendRequest(NamedOrder, frozen=True, rename="camel", kw_only=True):
    """`new_client_order_id` is what the order is called from then on; without it, by a name made up for it."""

    new_qty: Decimal
    new_client_order_id: ClientId | None = None


class AmendmentsRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: Symbol
    order_id: Count
    from_execution_id: Count = Count(0)
    limit: Count = Count(500)


class PreventedRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One by its number, or those of an order."""

    symbol: Symbol
    prevented_match_id: Count | None = None
    order_id: Count | None = None
    from_prevented_match_id: Count | None = None
    limit: Count | None = None


class AmendedOrder(Special, frozen=True, rename="camel", kw_only=True):
    """The order as it stands since. The dialect calls its parts otherwise here than elsewhere."""

    symbol: str
    order_id: int
    order_list_id: int = NO_LIST
    orig_client_order_id: str
    client_order_id: str
    price: str
    qty: str
    executed_qty: str
    prevented_qty: str
    quote_order_qty: str
    cumulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    working_time: int | UnsetType = UNSET
    self_trade_prevention_mode: str


class Amended(msgspec.Struct, frozen=True, rename="camel"):
    """`execution_id` numbers the amendment among all events, `list_status` is there if the order is one of a list."""

    transact_time: int
    execution_id: int
    amended_order: AmendedOrder
    list_status: AmendedList | UnsetType = UNSET


class Amendment(msgspec.Struct, frozen=True, rename="camel"):
    """One time that an order was made smaller."""

    symbol: str
    order_id: int
    execution_id: int
    orig_client_order_id: str
    new_client_order_id: str
    orig_qty: str
    new_qty: str
    time: int


async def amend(rooms: Rooms, caller: Caller, request: AmendRequest) -> Amended:
    """Make an open order smaller; it keeps its place in the queue of its price."""
    market = rooms.catalogue.find(request.symbol)
    order, client_id = named(request, "orderId", "origClientOrderId")
    quantity = read_quantity(market, request.new_qty, "newQty")
    name = request.new_client_order_id or rooms.clock.token(CLIENT_ID_CHARS)
    outcome = await rooms.sequencer.call(AmendOrder(caller.account, market.id, quantity, name, order, client_id))
    if outcome.reject is not None:
        raise Refused(refusal_of(outcome.reject))
    row, queries = outcome.orders[-1], rooms.queries
    this = (await queries.run(lambda: queries.amendments(row.id, limit=row.amendments)))[-1]
    amended, lists = _amended(market, row, this.name_before), outcome.lists
    standing = amended_list(market, lists[0]) if lists else UNSET
    return Amended(this.time // 1000, execution_id(this.seq), amended, standing)


async def amendments(rooms: Rooms, caller: Caller, request: AmendmentsRequest) -> list[Amendment]:
    """Every time that one of one's own orders was made smaller, by ascending number."""
    market = rooms.catalogue.find(request.symbol)
    order, limit = OrderId(request.order_id), page(request.limit)
    first, queries = -(-request.from_execution_id // 2), rooms.queries
    rows = await queries.run(
        lambda: queries.amendments(order, first, limit) if queries.order(caller.account, market.id, order) else []
    )
    return [_amendment(market, row) for row in rows]


async def prevented_matches(rooms: Rooms, caller: Caller, request: PreventedRequest) -> list[PreventedMatch]:
    """One's own prevented self-trades: one by its number, or those of an order."""
    market = rooms.catalogue.find(request.symbol)
    match, order, first = request.prevented_match_id, request.order_id, request.from_prevented_match_id
    if match is None and order is None:
        raise Refused(errors.neither("preventedMatchId", "orderId"))
    if match is not None and (order, first, request.limit) != (None, None, None):
        raise Refused(errors.BAD_COMBINATION)
    limit, queries = page(500 if request.limit is None else request.limit), rooms.queries
    number = OrderId(order) if order is not None else None
    rows = await queries.run(
        lambda: queries.prevented_matches(caller.account, market.id, match, number, first or 0, limit)
    )
    return [prevented_match(market, row) for row in rows]


def execution_id(seq: int) -> int:
    """The number of an event as execution reports have it."""
    return 2 * seq


def _amended(market: Market, row: OrderRow, name_before: str) -> AmendedOrder:
    return AmendedOrder(
        symbol=market.symbol,
        order_id=row.id,
        order_list_id=list_id(row),
        orig_client_order_id=name_before,
        client_order_id=row.client_id,
        price=price_text(market, row.price),
        qty=quantity_text(market, original_quantity(row)),
        executed_qty=quantity_text(market, row.filled),
        prevented_qty=quantity_text(market, row.prevented),
        quote_order_qty=quote_text(market, row.quote_quantity),
        cumulative_quote_qty=quote_text(market, row.filled_quote),
        status=row.status.name,
        time_in_force=row.time_in_force.name,
        type=row.type.name,
        side=row.side.name,
        stop_price=price_text(market, row.stop_price) if row.stop_price else UNSET,
        iceberg_qty=quantity_text(market, row.iceberg) if row.iceberg else UNSET,
        working_time=UNSET if working_time(row) == NOT_WORKING else working_time(row),
        self_trade_prevention_mode=row.self_trade.name,
        **special(market, row),
    )


def _amendment(market: Market, row: AmendmentRow) -> Amendment:
    return Amendment(
        symbol=market.symbol,
        order_id=row.order_id,
        execution_id=execution_id(row.seq),
        orig_client_order_id=row.name_before,
        new_client_order_id=row.client_id,
        orig_qty=quantity_text(market, row.before),
        new_qty=quantity_text(market, row.quantity),
        time=row.time // 1000,
    )
