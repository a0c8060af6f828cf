"""The naive twin's rules of entry: one plain question after the other, in the order in which refusals are listed."""

import re
from dataclasses import dataclass

from exchange.core import commands as co
from exchange.core.market import Market, MarketPhase
from exchange.core.orders import OrderType, TimeInForce
from tests.core.naive_money import Owner

BUY = 1
STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
WITH_PRICE = (OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
MILLION = 1_000_000


@dataclass
class Ticket:
    """An open order. `place` is its place in the order of arrivals on the book (0: not on it)."""

    id: int
    wish: co.PlaceOrder
    filled: int = 0
    filled_quote: int = 0
    place: int = 0
    asleep: bool = False
    list: int = 0
    pending: bool = False

    @property
    def sleeps_or_will(self) -> bool:
        return self.asleep or (self.pending and self.wish.stop_price != 0)

    @property
    def left(self) -> int:
        return self.wish.quantity - self.filled


@dataclass
class Shop:
    """One market: its rules, and who is to be woken next."""

    rules: Market
    phase: MarketPhase
    last: int
    tier_fees: dict[int, tuple[int, int]]
    due: list[int]


def waits_for_rise(wish: co.PlaceOrder) -> bool:
    return wish.type in STOPS if wish.side == BUY else wish.type in PROFITS


def touched(wish: co.PlaceOrder, price: int) -> bool:
    return price >= wish.stop_price if waits_for_rise(wish) else price <= wish.stop_price


def refusal(wish: co.PlaceOrder, shop: Shop | None, owner: Owner | None, tickets: list[Ticket]) -> str | None:
    """The name of the first reason to refuse, or None; `tickets` are all open orders of everybody."""
    if shop is None:
        return "UNKNOWN_MARKET"
    if owner is None:
        return "UNKNOWN_ACCOUNT"
    if owner.frozen:
        return "ACCOUNT_FROZEN"
    if shop.phase not in {MarketPhase.OPEN, MarketPhase.POST_ONLY}:
        return "MARKET_NOT_OPEN"
    if shop.phase == MarketPhase.POST_ONLY and wish.type != OrderType.LIMIT_MAKER:
        return "POST_ONLY"
    return parts(wish) or filters(shop, wish) or _limits(shop, wish, tickets)


def parts(wish: co.PlaceOrder) -> str | None:
    sleeps = wish.type in STOPS + PROFITS
    if wish.type in WITH_PRICE and wish.price == 0:
        return "MISSING_PRICE"
    if sleeps and wish.stop_price == 0:
        return "MISSING_STOP_PRICE"
    if wish.quantity == 0 and wish.quote_quantity == 0:
        return "MISSING_QUANTITY"
    superfluous = [
        wish.price != 0 and wish.type not in WITH_PRICE,
        wish.stop_price != 0 and not sleeps,
        wish.quote_quantity != 0 and wish.type != OrderType.MARKET,
        wish.quote_quantity != 0 and wish.quantity != 0,
        wish.time_in_force != TimeInForce.GTC
        and wish.type not in {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT},
    ]
    if any(superfluous):
        return "BAD_COMBINATION"
    return "BAD_CLIENT_ID" if re.fullmatch(r"[A-Za-z0-9_-]{0,36}", wish.client_id) is None else None


def filters(shop: Shop, wish: co.PlaceOrder) -> str | None:
    rules = shop.rules
    for price in (wish.price, wish.stop_price):
        if price != 0 and not rules.min_price <= price <= rules.max_price:
            return "PRICE_FILTER"
    if not wish.quote_quantity:
        if not rules.min_quantity <= wish.quantity <= rules.max_quantity:
            return "LOT_SIZE"
        if wish.type not in WITH_PRICE and wish.quantity > rules.max_market_quantity:
            return "MARKET_LOT_SIZE"
    worth = (wish.price or wish.stop_price or shop.last) * wish.quantity * rules.unit
    if not rules.min_notional <= (wish.quote_quantity or worth) <= rules.max_notional:
        return "NOTIONAL"
    low, high = band(shop)
    return "PRICE_BAND" if wish.price and not low <= wish.price <= high else None


def _limits(shop: Shop, wish: co.PlaceOrder, tickets: list[Ticket]) -> str | None:
    mine = [t for t in tickets if t.wish.account == wish.account]
    here = [t for t in mine if t.wish.market == wish.market]
    if len(here) >= shop.rules.max_orders:
        return "MAX_ORDERS"
    if wish.stop_price and sum(t.sleeps_or_will for t in here) >= shop.rules.max_algo_orders:
        return "MAX_ALGO_ORDERS"
    if wish.client_id and any(t.wish.client_id == wish.client_id for t in mine):
        return "DUPLICATE_CLIENT_ID"
    if wish.stop_price and touched(wish, shop.last):
        return "WOULD_TRIGGER"
    return None


def band(shop: Shop) -> tuple[float, float]:
    """The lowest and the highest price in whole ticks; no band: no limit."""
    up, down = shop.rules.band_up, shop.rules.band_down
    return -(-shop.last * down // MILLION), shop.last * up // MILLION if up else float("inf")
