"""May this order list come in? What is asked of its orders one by one, and of how they go together.

As in `risk`, the first reason in the order of `rejects.Reject` is the answer, whichever of the orders gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.core.order_lists import ListKind
from exchange.core.orders import (
    LIMIT,
    LIMIT_MAKER,
    MARKET,
    PRICED_TYPES,
    SLEEPING_TYPES,
    OrderType,
    Side,
)
from exchange.core.rejects import Reject
from exchange.core.risk import check_client_id, check_parts, check_phase, has_room

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exchange.core.book import Book
    from exchange.core.commands import PlaceOrder, PlaceOrderList
    from exchange.core.state import Account
    from exchange.core.units import Amount, BalanceKey

SIZES: Final = {ListKind.OCO: 2, ListKind.OTO: 2, ListKind.OTOCO: 3}
"""How many orders a list has."""

STOP_LOSSES: Final = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})
_PAIRED: Final = SLEEPING_TYPES | {LIMIT_MAKER}
_WORKING: Final = frozenset({LIMIT, LIMIT_MAKER})

_OUT_OF_PLACE: Final = {
    (Side.BUY, "above", "limit"): Reject.LIMIT_NOT_BELOW,
    (Side.SELL, "below", "limit"): Reject.LIMIT_NOT_ABOVE,
    (Side.BUY, "below", "stop"): Reject.STOP_LOSS_NOT_ABOVE,
    (Side.SELL, "above", "stop"): Reject.STOP_LOSS_NOT_BELOW,
    (Side.BUY, "above", "profit"): Reject.TAKE_PROFIT_NOT_BELOW,
    (Side.SELL, "below", "profit"): Reject.TAKE_PROFIT_NOT_ABOVE,
}
"""Which kind of order must not stand where."""


def check(
    account: Account | None, book: Book | None, wish: PlaceOrderList, balances: Mapping[BalanceKey, Amount]
) -> Reject | None:
    """The first reason to refuse the list, or None. Funds, and whom its orders would meet, are checked in placing."""
    if book is None:
        return Reject.UNKNOWN_MARKET
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if account.frozen:
        return Reject.ACCOUNT_FROZEN
    orders = wish.orders
    reject = _first(check_phase(book.phase, order) for order in orders)
    if reject is not None:
        return reject
    found = [check_parts(book, order) for order in orders]
    found += [_check_name(wish), _check_members(wish) or _check_types(wish)]
    return (
        _first(found)
        or _check_limits(account, book, wish, balances)
        or _check_names(account, wish)
        or _check_prices(book, wish)
    )


def check_release(account: Account, book: Book, orders: Iterable[PlaceOrder]) -> Reject | None:
    """Why pending orders cannot be placed now that their turn has come, or None. They are counted and named already."""
    if account.frozen:
        return Reject.ACCOUNT_FROZEN
    return _first(check_phase(book.phase, order) or check_parts(book, order) for order in orders)


def pair_of(wish: PlaceOrderList) -> tuple[PlaceOrder, PlaceOrder] | None:
    """The orders above and below of an OCO or OTOCO."""
    return None if wish.kind == ListKind.OTO else (wish.orders[-2], wish.orders[-1])


def straddles(pair: tuple[PlaceOrder, PlaceOrder], last_price: int) -> bool:
    """Whether the pair's prices lie on both sides of `last_price`; a trailing order without stop price may start."""
    above, below = pair
    return all(price > last_price for price in _prices(above)) and all(price < last_price for price in _prices(below))


def _first(rejects: Iterable[Reject | None]) -> Reject | None:
    """The one that comes first in `Reject`."""
    return min((reject for reject in rejects if reject is not None), key=lambda one: one.value[0], default=None)


def _check_members(wish: PlaceOrderList) -> Reject | None:
    """As many orders as such a list has, all of this account in this market; a pair on one side, of one quantity."""
    if len(wish.orders) != SIZES[wish.kind]:
        return Reject.BAD_LIST
    if any((order.account, order.market) != (wish.account, wish.market) for order in wish.orders):
        return Reject.BAD_LIST
    pair = pair_of(wish)
    if pair is not None and (pair[0].side, pair[0].quantity) != (pair[1].side, pair[1].quantity):
        return Reject.BAD_LIST
    return None


def _check_name(wish: PlaceOrderList) -> Reject | None:
    return Reject.BAD_LIST_CLIENT_ID if check_client_id(wish.client_id) else None


def _check_types(wish: PlaceOrderList) -> Reject | None:
    """Whether each order may have the role that it has."""
    if wish.kind != ListKind.OCO and wish.orders[0].type not in _WORKING:
        return Reject.WORKING_ORDER_TYPE
    pair = pair_of(wish)
    if pair is None:
        pending = wish.orders[1]
        return Reject.BAD_COMBINATION if pending.type == MARKET and pending.quote_quantity else None
    above, below = pair
    if above.type not in _PAIRED or below.type not in _PAIRED:
        return Reject.LIST_ORDER_TYPE
    if above.type == below.type == LIMIT_MAKER:
        return Reject.BOTH_ARE_LIMITS
    places = ((above, "above"), (below, "below"))
    return _first(_OUT_OF_PLACE.get((order.side, place, _sort(order.type))) for order, place in places)


def _sort(kind: OrderType) -> str:
    if kind == LIMIT_MAKER:
        return "limit"
    return "stop" if kind in STOP_LOSSES else "profit"


def _check_limits(
    account: Account, book: Book, wish: PlaceOrderList, balances: Mapping[BalanceKey, Amount]
) -> Reject | None:
    """Each order of the list counts as one, and the list as one."""
    mine = account.open_by_market.get(wish.market, {})
    if len(mine) + len(wish.orders) > book.rules.max_orders:
        return Reject.MAX_ORDERS
    sleepers = sum(order.type in SLEEPING_TYPES for order in wish.orders)
    if sleepers and book.triggers.of(account.id) + sleepers > book.rules.max_algo_orders:
        return Reject.MAX_ALGO_ORDERS
    icebergs = sum(order.iceberg > 0 for order in wish.orders)
    if icebergs and icebergs + sum(one.iceberg > 0 for one in mine.values()) > book.rules.max_iceberg_orders:
        return Reject.MAX_ICEBERG_ORDERS
    buying = sum(order.quantity for order in wish.orders if order.side == 1)
    if buying and book.rules.max_position and not has_room(account, book, buying, balances):
        return Reject.MAX_POSITION
    lists = sum(one.market == wish.market for one in account.open_lists.values())
    return Reject.MAX_ORDER_LISTS if lists >= book.rules.max_order_lists else None


def _check_names(account: Account, wish: PlaceOrderList) -> Reject | None:
    """No client id may be in use, nor twice in the list; the list's own id is among those of lists."""
    names = [order.client_id for order in wish.orders if order.client_id]
    if len(set(names)) < len(names) or any(name in account.open_by_client for name in names):
        return Reject.DUPLICATE_CLIENT_ID
    if wish.client_id and any(one.client_id == wish.client_id for one in account.open_lists.values()):
        return Reject.DUPLICATE_LIST_ID
    return None


def _check_prices(book: Book, wish: PlaceOrderList) -> Reject | None:
    """An OCO's prices lie around the last one; those of an OTOCO only around each other, until their turn comes."""
    pair = pair_of(wish)
    if pair is None:
        return None
    if wish.kind == ListKind.OCO:
        return None if straddles(pair, book.last_price) else Reject.LIST_PRICES
    above, below = (_prices(order) for order in pair)
    return None if all(high > low for high in above for low in below) else Reject.LIST_PRICES


def _prices(order: PlaceOrder) -> list[int]:
    """The prices of one of a pair that count: of a stop-loss where it wakes, of the others also where they trade."""
    prices = [int(order.stop_price)] if order.stop_price else []
    if order.type in PRICED_TYPES and order.type not in STOP_LOSSES:
        prices.append(order.price)
    return prices
