"""May this order come in? Halts, filters, bands, limits.

The checks stand in the order of `rejects.Reject`, and the first that fails is the answer. They need no walk through
the book, but for a budget where positions are limited. Funds, and whether an order takes, are checked in `placing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from exchange.core.market import Market, MarketPhase
from exchange.core.matching import walk_budget
from exchange.core.orders import LIMIT, LIMIT_MAKER, PRICED_TYPES, SLEEPING_TYPES, OrderType, TimeInForce
from exchange.core.postings import HELD, balance_key
from exchange.core.rejects import Reject
from exchange.core.triggers import reached
from exchange.core.units import MILLION, Amount, BalanceKey

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.commands import AmendOrder, PlaceOrder
    from exchange.core.orders import Order
    from exchange.core.state import Account

_OPEN: Final = MarketPhase.OPEN
_CLIENT_ID: Final = re.compile(r"[a-zA-Z0-9\-_]{1,36}").fullmatch


def check(
    account: Account | None, book: Book | None, order: PlaceOrder, balances: Mapping[BalanceKey, Amount]
) -> Reject | None:
    """The first reason to refuse `order`, or None. `balances` are everybody's, as `State` has them."""
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
    reject = _check_limits(account, book, order, balances)
    if reject is not None:
        return reject
    if order.client_id in account.open_by_client:
        return Reject.DUPLICATE_CLIENT_ID
    stop_price = order.stop_price
    if stop_price and not order.trailing_delta and reached(order.type, order.side, stop_price, book.last_price):
        return Reject.WOULD_TRIGGER
    return None


def _check_limits(
    account: Account, book: Book, order: PlaceOrder, balances: Mapping[BalanceKey, Amount]
) -> Reject | None:
    """How many orders of a kind an account may have open in one market, and how much of base it may come to own."""
    rules = book.rules
    mine = account.open_by_market.get(order.market)
    if mine is not None:
        if len(mine) >= rules.max_orders:
            return Reject.MAX_ORDERS
        if order.type > LIMIT_MAKER and book.triggers.of(account.id) >= rules.max_algo_orders:
            return Reject.MAX_ALGO_ORDERS
        if order.iceberg and sum(one.iceberg > 0 for one in mine.values()) >= rules.max_iceberg_orders:
            return Reject.MAX_ICEBERG_ORDERS
    if rules.max_position and order.side == 1:
        lots = int(order.quantity) or _bought(book, order)
        if not has_room(account, book, lots, balances):
            return Reject.MAX_POSITION
    return None


def _bought(book: Book, order: PlaceOrder) -> int:
    """How many lots the budget of a market buy would buy from the book as it stands."""
    budget, unit = order.quote_quantity, book.rules.unit
    met = walk_budget(book.asks, int(book.highest), budget, unit, order.account, order.self_trade)
    return sum(lots for _, lots in met.steps if lots > 0)


def has_room(account: Account, book: Book, lots: int, balances: Mapping[BalanceKey, Amount]) -> bool:
    """Whether what the account has of the base asset, all that its open buys buy, and `lots` more, is allowed."""
    rules = book.rules
    key = balance_key(account.id, rules.base)
    owned = balances.get(key, 0) + balances.get(BalanceKey(key | HELD), 0)
    mine = account.open_by_market.get(rules.id, {}).values()
    buying = sum(one.quantity - one.filled for one in mine if one.side == 1) + lots
    return owned + buying * rules.lot_atoms <= rules.max_position * rules.lot_atoms


def check_amendment(account: Account, rules: Market, order: Order, command: AmendOrder) -> Reject | None:
    """The first reason not to make `order` smaller, or to call it by its new name, or None."""
    name = command.new_client_id
    if not name or check_client_id(name):
        return Reject.BAD_CLIENT_ID
    if account.open_by_client.get(name, order.id) != order.id:
        return Reject.DUPLICATE_CLIENT_ID
    return check_smaller(rules, order, command.quantity)


def check_smaller(rules: Market, order: Order, asked: int) -> Reject | None:
    """The first reason not to make `order` as small as if `asked` lots had been asked for, or None."""
    quantity = asked - order.prevented
    if quantity > order.quantity:
        return Reject.AMEND_INCREASES
    if quantity == order.quantity:
        return Reject.AMEND_NOTHING
    if quantity <= order.filled:
        return Reject.AMEND_FILLED
    if quantity < rules.min_quantity:
        return Reject.LOT_SIZE
    price = order.price or order.stop_price
    if price and price * quantity * rules.unit < rules.min_notional:
        return Reject.NOTIONAL
    return Reject.MAX_AMENDMENTS if order.amendments >= rules.max_amendments else None


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
    if order.type is not LIMIT or order.stop_price or order.quote_quantity or order.iceberg or order.trailing_delta:
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
        or _check_special(book.rules, order)
        or _check_price(book.rules, book.last_price, order)
    )


def check_shape(order: PlaceOrder) -> Reject | None:
    """Whether the order has just the parts that its type takes."""
    kind = order.type
    priced, sleeps = kind in PRICED_TYPES, kind in SLEEPING_TYPES
    if priced and not order.price:
        return Reject.MISSING_PRICE
    if sleeps and not order.stop_price and not order.trailing_delta:
        return Reject.MISSING_STOP_PRICE
    if not order.quantity and not order.quote_quantity:
        return Reject.MISSING_QUANTITY
    if (order.price and not priced) or (order.stop_price and not sleeps):
        return Reject.BAD_COMBINATION
    if order.trailing_delta and not sleeps:
        return Reject.BAD_COMBINATION
    if order.quote_quantity and (kind != OrderType.MARKET or order.quantity):
        return Reject.BAD_COMBINATION
    if order.time_in_force != TimeInForce.GTC and kind not in PRICED_TYPES - {OrderType.LIMIT_MAKER}:
        return Reject.BAD_COMBINATION
    if order.iceberg and (not priced or order.time_in_force != TimeInForce.GTC):
        return Reject.BAD_ICEBERG
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


def _check_special(rules: Market, order: PlaceOrder) -> Reject | None:
    """What an iceberg shows, and how far a trailing stop stays behind."""
    shown, delta = order.iceberg, order.trailing_delta
    if shown:
        if not rules.min_quantity <= shown <= rules.max_quantity:
            return Reject.LOT_SIZE
        if shown > order.quantity:
            return Reject.ICEBERG_EXCEEDS
        if -(-order.quantity // shown) > rules.iceberg_parts:
            return Reject.ICEBERG_PARTS
    if delta and not rules.min_trailing_delta <= delta <= rules.max_trailing_delta:
        return Reject.TRAILING_DELTA
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
