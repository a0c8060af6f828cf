"""Placing, cancelling and looking up order lists."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints import list_requests as asked
from exchange.api.endpoints.account import Nothing
from exchange.api.endpoints.list_requests import NewList, NewOco, NewOto, NewOtoco, OldOco, member, old_pair
from exchange.api.endpoints.orders import CANCEL_ID_CHARS, check_span, page, report
from exchange.api.endpoints.sizing import CLIENT_ID_CHARS
from exchange.api.errors import Refused, refusal_of
from exchange.api.once import counted, submitted_once
from exchange.api.parameters import ClientId, Count, ResponseType, Symbol
from exchange.api.rooms import Rooms
from exchange.api.submission import Submission, submitted
from exchange.api.wire_lists import CancelledList, PlacedList, QueriedList, cancelled_list, placed_list, queried_list
from exchange.core.commands import CancelOrderList, PlaceOrder, PlaceOrderList
from exchange.core.market import Market
from exchange.core.order_lists import ListKind, OrderList, OrderListRow
from exchange.core.performing import Outcome
from exchange.core.units import ListId, Micros


class CancelList(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A list by id, by its client id, or by both; `new_client_order_id` names the cancel itself."""

    symbol: Symbol
    order_list_id: Count | None = None
    list_client_order_id: ClientId | None = None
    new_client_order_id: ClientId | None = None


class NamedList(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One of one's own order lists; `orig_client_order_id` is the list's client id."""

    order_list_id: Count | None = None
    orig_client_order_id: ClientId | None = None


class AllLists(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    from_id: Count | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    limit: Count = Count(500)


async def place_oco(rooms: Rooms, caller: Caller, request: NewOco) -> PlacedList:
    """Place two orders of which one is to trade; answered once they are durable."""
    market = rooms.catalogue.find(request.symbol)
    pair = (
        member(rooms.clock, caller.account, market, request, asked.ABOVE),
        member(rooms.clock, caller.account, market, request, asked.BELOW),
    )
    return await _place(rooms, caller, market, request, ListKind.OCO, pair)


async def place_old_oco(rooms: Rooms, caller: Caller, request: OldOco) -> PlacedList:
    """The same in its older words: a limit and a stop-loss."""
    market = rooms.catalogue.find(request.symbol)
    pair = old_pair(rooms.clock, caller.account, market, request)
    return await _place(rooms, caller, market, request, ListKind.OCO, pair)


async def place_oto(rooms: Rooms, caller: Caller, request: NewOto) -> PlacedList:
    """Place an order, and another one to be placed once it is filled."""
    market = rooms.catalogue.find(request.symbol)
    orders = (
        member(rooms.clock, caller.account, market, request, asked.WORKING),
        member(rooms.clock, caller.account, market, request, asked.PENDING),
    )
    return await _place(rooms, caller, market, request, ListKind.OTO, orders)


async def place_otoco(rooms: Rooms, caller: Caller, request: NewOtoco) -> PlacedList:
    """Place an order, and a pair to be placed once it is filled."""
    market = rooms.catalogue.find(request.symbol)
    orders = (
        member(rooms.clock, caller.account, market, request, asked.WORKING),
        member(rooms.clock, caller.account, market, request, asked.PENDING_ABOVE),
        member(rooms.clock, caller.account, market, request, asked.PENDING_BELOW),
    )
    return await _place(rooms, caller, market, request, ListKind.OTOCO, orders)


async def _place(
    rooms: Rooms, caller: Caller, market: Market, request: NewList, kind: ListKind, orders: tuple[PlaceOrder, ...]
) -> PlacedList:
    """Each order of the list counts as one."""
    name = request.list_client_order_id or rooms.clock.token(CLIENT_ID_CHARS)
    over = counted(rooms, caller, request, len(orders))
    words = request.new_order_resp_type or ResponseType.FULL

    def word(outcome: Outcome) -> PlacedList:
        if outcome.reject is not None:
            raise Refused(refusal_of(outcome.reject))
        reports = [report(rooms, market, row, outcome.events, words) for row in outcome.orders]
        return placed_list(market, outcome.lists[0], reports)

    begun = Submission(PlaceOrderList(caller.account, market.id, kind, orders, name), word, over)
    answer: PlacedList = await submitted_once(rooms, caller, f"orderList.{kind.name}", request, begun)
    return answer


async def cancel(rooms: Rooms, caller: Caller, request: CancelList) -> CancelledList:
    """Cancel all of a list that is still open."""
    answer: CancelledList = await submitted(rooms, cancellation(rooms, caller, request))
    return answer


def cancellation(rooms: Rooms, caller: Caller, request: CancelList) -> Submission:
    """The synchronous half of `cancel`."""
    market = rooms.catalogue.find(request.symbol)
    number, name = ListId(request.order_list_id or 0), request.list_client_order_id or ""
    if not number and not name:
        raise Refused(errors.neither("orderListId", "listClientOrderId"))
    cancel_id = request.new_client_order_id or rooms.clock.token(CANCEL_ID_CHARS)

    def word(outcome: Outcome) -> CancelledList:
        if outcome.reject is not None:
            raise Refused(refusal_of(outcome.reject))
        return cancelled_list(market, outcome.lists[0], list(outcome.orders), cancel_id)

    return Submission(CancelOrderList(caller.account, market.id, number, name, cancel_id), word)


async def query(rooms: Rooms, caller: Caller, request: NamedList) -> QueriedList:
    """One order list, open or done."""
    number, name = ListId(request.order_list_id or 0), request.orig_client_order_id or ""
    if not number and not name:
        raise Refused(errors.neither("orderListId", "origClientOrderId"))
    queries = rooms.queries
    row = await queries.run(lambda: queries.order_list(caller.account, number, name))
    if row is None:
        raise Refused(errors.NO_SUCH_LIST)
    return queried_list(rooms.catalogue.markets[row.market], row)


async def list_all(rooms: Rooms, caller: Caller, request: AllLists) -> list[QueriedList]:
    """Order lists of all markets, open and done, by ascending id."""
    start, end = request.start_time, request.end_time
    if request.from_id is not None and (start is not None or end is not None):
        raise Refused(errors.BAD_COMBINATION)
    check_span(start, end)
    from_id = ListId(request.from_id) if request.from_id is not None else None
    limit = page(request.limit)
    queries = rooms.queries
    rows = await queries.run(lambda: queries.order_lists(caller.account, from_id, start, end, limit))
    return [queried_list(rooms.catalogue.markets[row.market], row) for row in rows]


async def list_open(rooms: Rooms, caller: Caller, request: Nothing) -> list[QueriedList]:
    """Open order lists of all markets, oldest first."""
    rows = await rooms.sequencer.read(lambda state: _rows(state.accounts[caller.account].open_lists.values()))
    return [queried_list(rooms.catalogue.markets[row.market], row) for row in rows]


def _rows(lists: Iterable[OrderList]) -> list[OrderListRow]:
    return sorted((one.row() for one in lists), key=lambda row: row.id)
