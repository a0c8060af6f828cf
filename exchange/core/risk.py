"""May this order come in? Halts, filters, bands, limits: the checks that need no walk through the book.

The checks stand in the order of `rejects.Reject`, and the first that fails is the answer. Funds, and what depends on
whom the order would meet, are checked in `placing`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exchange.core.market import Market, MarketPhase
from exchange.core.orders import LIMIT, LIMIT_MAKER, PRICED_TYPES, SLEEPING_TYPES, OrderType, TimeInForce
from exchange.core.rejects import Reject
from exchange.core.triggers import reached
from exchange.core.units import MILLION

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.commands import PlaceOrder
    from exchange.core.state import Account

_OPEN: Final = MarketPhase.OPEN
_CLIENT_ID: Final = re.compile(r"[a-zA-Z0-9\-_]{1,36}").fullmatch


def check(account: Account | None, book: Book | None, order: PlaceOrder) -> Reject | None:
    """The first reason to refuse `order`, or None."""
    if book is None:
        return Reject.UNKNOWN_MARKET
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if account.frozen:
        return Reject.ACCOUNT_FROZEN
    if book.phase is not _OPEN or not _is_usual(book, order):
        reject = check_phase(book.phase, order) or check_parts(book, order)
        if reject is not None:
            return reject
    stop_price = order.stop_price
    mine = account.open_by_market.get(order.market)
    if mine is not None:
        if len(mine) >= book.rules.max_orders:
            return Reject.MAX_ORDERS
        if stop_price and book.triggers.of(account.id) >= book.rules.max_algo_orders:
            return Reject.MAX_ALGO_ORDERS
    if order.client_id in account.open_by_client:
        return Reject.DUPLICATE_CLIENT_ID
    if stop_price and reached(order.type, order.side, stop_price, book.last_price):
        return Reject.WOULD_TRIGGER
    return None


def check_phase(phase: MarketPhase, order: PlaceOrder) -> Reject | None:
    """Whether a market in this phase lets the order in."""
    if phase == _OPEN:
        return None
    if phase != MarketPhase.POST_ONLY:
        return Reject.MARKET_NOT_OPEN
    return None if order.type == LIMIT_MAKER else Reject.POST_ONLY


def _is_usual(book: Book, order: PlaceOrder) -> bool:
    """Whether this is a limit order beyond doubt, so that `check_parts`, which asks one by one, need not be asked."""
    price, quantity, client_id = order.price, order.quantity, order.client_id
    if order.type is not LIMIT or order.stop_price or order.quote_quantity:
        return False
    if price < book.lowest or price > book.highest:
        return False
    rules = book.rules
    if quantity < rules.min_quantity or quantity > rules.max_quantity:
        return False
    if not rules.min_notional <= price * quantity * rules.unit <= rules.max_notional:
        return False
    return len(client_id) <= 36 and client_id.isascii() and (client_id.isalnum() or not check_client_id(client_id))


def check_parts(book: Book, order: PlaceOrder) -> Reject | None:
    """Shape, name, size and price of the order, each for itself."""
    return (
        check_shape(order)
        or check_client_id(order.client_id)
        or _check_size(book.rules, order)
        or _check_price(book.rules, book.last_price, order)
    )


def check_shape(order: PlaceOrder) -> Reject | None:
    """Whether the order has just the parts that its type takes."""
    kind = order.type
    if kind == OrderType.LIMIT and order.price and order.quantity and not order.stop_price | order.quote_quantity:
        return None  # the usual order, quickly
    priced, sleeps = kind in PRICED_TYPES, kind in SLEEPING_TYPES
    if priced and not order.price:
        return Reject.MISSING_PRICE
    if sleeps and not order.stop_price:
        return Reject.MISSING_STOP_PRICE
    if not order.quantity and not order.quote_quantity:
        return Reject.MISSING_QUANTITY
    if (order.price and not priced) or (order.stop_price and not sleeps):
        return Reject.BAD_COMBINATION
    if order.quote_quantity and (kind != OrderType.MARKET or order.quantity):
        return Reject.BAD_COMBINATION
    if order.time_in_force != TimeInForce.GTC and kind not in PRICED_TYPES - {OrderType.LIMIT_MAKER}:
        return Reject.BAD_COMBINATION
    return None


def check_client_id(client_id: str) -> Reject | None:
    """Up to 36 letters, digits, hyphens and underscores, or none at all."""
    return Reject.BAD_CLIENT_ID if client_id and not _CLIENT_ID(client_id) else None


def _check_size(rules: Market, order: PlaceOrder) -> Reject | None:
    """Prices and quantities within the market's limits."""
    price, stop_price, quantity = order.price, order.stop_price, order.quantity
    if (price and not rules.min_price <= price <= rules.max_price) or price < 0:
        return Reject.PRICE_FILTER
    if stop_price and not rules.min_price <= stop_price <= rules.max_price:
        return Reject.PRICE_FILTER
    if not order.quote_quantity:
        if not rules.min_quantity <= quantity <= rules.max_quantity:
            return Reject.LOT_SIZE
        if not price and quantity > rules.max_market_quantity:
            return Reject.MARKET_LOT_SIZE
    elif order.quote_quantity < 0:
        return Reject.NOTIONAL
    return None


def _check_price(rules: Market, last_price: int, order: PlaceOrder) -> Reject | None:
    """The notional within its limits (a market order is valued at the last price), the limit price within the band."""
    price = order.price
    value = order.quote_quantity or (price or order.stop_price or last_price) * order.quantity * rules.unit
    if not rules.min_notional <= value <= rules.max_notional:
        return Reject.NOTIONAL
    if price:
        if rules.band_up and price * MILLION > last_price * rules.band_up:
            return Reject.PRICE_BAND
        if rules.band_down and price * MILLION < last_price * rules.band_down:
            return Reject.PRICE_BAND
    return None
