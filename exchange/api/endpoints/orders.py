"""Placing, cancelling and looking up orders."""

from __future__ import annotations

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints.reading import in_words, open_order, open_orders
from exchange.api.endpoints.sizing import NewOrder, placing
from exchange.api.errors import Refused, refusal_of
from exchange.api.limits import DAY
from exchange.api.once import counted, submitted_once
from exchange.api.parameters import CancelRestriction, ClientId, Count, ResponseType, Symbol
from exchange.api.rooms import Rooms
from exchange.api.submission import Submission, submitted
from exchange.api.wire_lists import CancelledList, cancelled_list
from exchange.api.wire_orders import (
    FULL_BY_DEFAULT,
    Acknowledged,
    Cancelled,
    Placed,
    Queried,
    acknowledged,
    cancelled,
    fills_of,
    placed,
    queried,
)
from exchange.api.wire_prevented import prevented_here
from exchange.core.commands import CancelAll, CancelOrder
from exchange.core.events import Event, MatchPrevented
from exchange.core.market import Market
from exchange.core.orders import OrderRow, OrderStatus
from exchange.core.performing import Outcome
from exchange.core.units import ListId, Micros, OrderId

CANCEL_ID_CHARS = 22
MAX_ROWS = 1_000


class NamedOrder(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One of one's own orders, by id, by client id, or by both, which then must belong together."""

    symbol: Symbol
    order_id: Count | None = None
    orig_client_order_id: ClientId | None = None


class CancelRequest(NamedOrder, frozen=True, rename="camel", kw_only=True):
    """`new_client_order_id` names the cancel itself."""

    new_client_order_id: ClientId | None = None
    cancel_restrictions: CancelRestriction | None = None


class OneMarket(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol


class MaybeOneMarket(msgspec.Struct, frozen=True, rename="camel"):
    symbol: Symbol | None = None


class AllOrders(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: Symbol
    order_id: Count | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    limit: Count = Count(500)


async def place(rooms: Rooms, caller: Caller, request: NewOrder) -> Acknowledged | Placed:
    """Place an order; answered once it is durable."""
    begun = placement(rooms, caller, request)
    answer: Acknowledged | Placed = await submitted_once(rooms, caller, "order.place", request, begun)
    return answer


def placement(rooms: Rooms, caller: Caller, request: NewOrder) -> Submission:
    """The synchronous half of `place`."""
    market = rooms.catalogue.find(request.symbol)
    command = placing(rooms.clock, caller.account, market, request)
    over = counted(rooms, caller, request)
    wanted = request.new_order_resp_type

    def word(outcome: Outcome) -> Acknowledged | Placed:
        if outcome.reject is not None:
            raise Refused(refusal_of(outcome.reject))
        return answer_to(rooms, market, outcome, wanted)

    return Submission(command, word, over)


def answer_to(rooms: Rooms, market: Market, outcome: Outcome, wanted: ResponseType | None) -> Acknowledged | Placed:
    """A placed order in as many words as the client wants."""
    row = outcome.orders[0]
    usual = ResponseType.FULL if row.type in FULL_BY_DEFAULT else ResponseType.ACK
    return report(rooms, market, row, outcome.events, wanted or usual)


def report(
    rooms: Rooms, market: Market, row: OrderRow, events: tuple[Event, ...], words: ResponseType
) -> Acknowledged | Placed:
    """A placed order in so many words; `events` have its trades."""
    if words is ResponseType.ACK:
        return acknowledged(market, row)
    if words is ResponseType.RESULT:
        return placed(market, row, None)
    codes = rooms.catalogue.base_and_quote(market)
    prevented = [prevented_here(market, event) for event in events if type(event) is MatchPrevented]
    return placed(market, row, fills_of(market, codes, row, events), prevented)


async def cancel(rooms: Rooms, caller: Caller, request: CancelRequest) -> Cancelled | CancelledList:
    """Cancel one open order; if it belongs to an order list, all of that."""
    answer: Cancelled | CancelledList = await submitted(rooms, cancellation(rooms, caller, request))
    return answer


def cancellation(rooms: Rooms, caller: Caller, request: CancelRequest) -> Submission:
    """The synchronous half of `cancel`."""
    market = rooms.catalogue.find(request.symbol)
    order, client_id = named(request, "orderId", "origClientOrderId")
    cancel_id = request.new_client_order_id or rooms.clock.token(CANCEL_ID_CHARS)

    def word(outcome: Outcome) -> Cancelled | CancelledList:
        if outcome.reject is not None:
            raise Refused(refusal_of(outcome.reject))
        return cancel_answer(market, outcome, cancel_id)

    only = only_in(request.cancel_restrictions)
    return Submission(CancelOrder(caller.account, market.id, order, client_id, cancel_id, only), word)


def only_in(restriction: CancelRestriction | None) -> OrderStatus | None:
    """The one status in which an order is to be cancelled, if there is such a wish."""
    return None if restriction is None else OrderStatus(restriction.value)


def cancel_answer(market: Market, outcome: Outcome, cancel_id: str) -> Cancelled | CancelledList:
    """What a cancel named `cancel_id` has cancelled: an order, or the list it belonged to."""
    if outcome.lists:
        return cancelled_list(market, outcome.lists[0], list(outcome.orders), cancel_id)
    return cancelled(market, outcome.orders[0], cancel_id)


def named(request: NamedOrder, id_name: str, client_id_name: str) -> tuple[OrderId, str]:
    """The order's id (0: not given) and client id ("": not given); refused when neither was sent."""
    order, client_id = request.order_id or 0, request.orig_client_order_id or ""
    if not order and not client_id:
        raise Refused(errors.neither(id_name, client_id_name))
    return OrderId(order), client_id


async def cancel_all(rooms: Rooms, caller: Caller, request: OneMarket) -> list[Cancelled | CancelledList]:
    """Cancel all open orders and order lists in one market; refused when there are none."""
    market = rooms.catalogue.find(request.symbol)
    cancel_id = rooms.clock.token(CANCEL_ID_CHARS)
    outcome = await rooms.sequencer.call(CancelAll(caller.account, market.id, cancel_id))
    if outcome.reject is not None:
        raise Refused(refusal_of(outcome.reject))
    words = await in_words(
        [row for row in outcome.orders if not row.order_list], lambda row: cancelled(market, row, cancel_id)
    )
    members: dict[ListId, list[OrderRow]] = {one.id: [] for one in outcome.lists}
    for row in outcome.orders:
        if row.order_list:
            members[row.order_list].append(row)
    return [*words, *(cancelled_list(market, one, members[one.id], cancel_id) for one in outcome.lists)]


async def query(rooms: Rooms, caller: Caller, request: NamedOrder) -> Queried:
    """One order, open or closed.

    Open orders are looked for first: one that ends between the two looks is in the ledger by then.
    """
    market = rooms.catalogue.find(request.symbol)
    order, client_id = named(request, "orderId", "origClientOrderId")
    row = await open_order(rooms, caller.account, market.id, order, client_id)
    if row is None:
        queries = rooms.queries
        row = await queries.run(lambda: queries.order(caller.account, market.id, order, client_id))
    if row is None:
        raise Refused(errors.NO_SUCH_ORDER)
    return queried(market, row)


async def list_open(rooms: Rooms, caller: Caller, request: MaybeOneMarket) -> list[Queried]:
    """Open orders of one market or of all, oldest first."""
    only = rooms.catalogue.find(request.symbol).id if request.symbol is not None else None
    rows = await open_orders(rooms, caller.account, only)
    return await in_words(rows, lambda row: queried(rooms.catalogue.markets[row.market], row))


async def list_all(rooms: Rooms, caller: Caller, request: AllOrders) -> list[Queried]:
    """Orders of one market, open and closed, by ascending id."""
    market = rooms.catalogue.find(request.symbol)
    check_span(request.start_time, request.end_time)
    from_id = OrderId(request.order_id) if request.order_id is not None else None
    limit = page(request.limit)
    queries = rooms.queries
    rows = await queries.run(
        lambda: queries.orders(caller.account, market.id, from_id, request.start_time, request.end_time, limit)
    )
    return [queried(market, row) for row in rows]


def page(limit: int) -> int:
    """How many rows a list may have: as many as asked for, at most 1,000, as in the dialect."""
    if not limit:
        raise Refused(errors.invalid("limit"))
    return min(limit, MAX_ROWS)


def check_span(start: int | None, end: int | None) -> None:
    """A stretch of time between two bounds may last a day at most."""
    if start is not None and end is not None and end - start > DAY:
        raise Refused(errors.TOO_LONG_AGO)
