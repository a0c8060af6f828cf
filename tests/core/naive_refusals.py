"""The naive twin's rules of entry: one plain question after the other, in the order in which refusals are listed."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from msgspec.structs import replace

from exchange.core import commands as co
from exchange.core.market import Market, MarketPhase
from exchange.core.orders import OrderType, TimeInForce
from exchange.core.units import Quantity
from tests.core.naive_money import Owner

BUY = 1
STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
WITH_PRICE = (OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
MILLION = 1_000_000


@dataclass
class Ticket:
    """An open order. `place` is its place in the order of arrivals on the book (0: not on it).

    `worst` is the price that it holds money for, `trailed` the best price since it follows the price (0: it does not).
    """

    id: int
    wish: co.PlaceOrder
    name: str = ""
    worst: int = 0
    filled: int = 0
    filled_quote: int = 0
    prevented: int = 0
    given_up: int = 0
    amended: int = 0
    place: int = 0
    shown: int = 0
    asleep: bool = False
    trailed: int = 0
    list: int = 0
    pending: bool = False

    def __post_init__(self) -> None:
        self.name = self.wish.client_id

    @property
    def sleeps_or_will(self) -> bool:
        return self.asleep or (self.pending and self.wish.type in STOPS + PROFITS)

    @property
    def left(self) -> int:
        return self.wish.quantity - self.filled - self.prevented - self.given_up

    @property
    def visible(self) -> int:
        return self.shown if self.wish.iceberg else self.left

    def shrink(self, asked: Quantity) -> None:
        """Be as if `asked` lots had been asked for; one that waits is a smaller wish, and shows no more than it is."""
        self.amended += 1
        if self.pending:
            self.wish = replace(self.wish, quantity=asked, iceberg=min(self.wish.iceberg, asked))
        self.given_up += self.left + self.filled + self.prevented - asked
        self.shown = min(self.shown, self.left)

    def show(self, arrival: int) -> None:
        """Come to the end of the queue, showing as much as it may."""
        self.place, self.shown = arrival, min(self.wish.iceberg, self.left)

    def give(self, lots: int, arrival: int) -> None:
        """Of what can be seen, `lots` are gone already; an iceberg that shows nothing comes up at the end."""
        self.shown -= lots
        if self.wish.iceberg and not self.shown and self.left:
            self.show(arrival)


@dataclass
class Shop:
    """One market: its rules, and who is to be woken next."""

    rules: Market
    phase: MarketPhase
    last: int
    tier_fees: dict[int, tuple[int, int]]
    due: list[int]
    matches: int = 0


def waits_for_rise(wish: co.PlaceOrder) -> bool:
    return wish.type in STOPS if wish.side == BUY else wish.type in PROFITS


def touched(wish: co.PlaceOrder, price: int) -> bool:
    return price >= wish.stop_price if waits_for_rise(wish) else price <= wish.stop_price


def trailing_stop(wish: co.PlaceOrder, trailed: int) -> Fraction:
    """What price wakes an order that follows the price and has seen `trailed` as the best."""
    return trailed * (1 + Fraction(wish.trailing_delta, 10_000) * (1 if wish.side == BUY else -1))


def refusal(
    wish: co.PlaceOrder, shop: Shop | None, owner: Owner | None, tickets: list[Ticket], owned: int, bought: int
) -> str | None:
    """The name of the first reason to refuse, or None.

    `tickets` are all open orders, `owned` one's own base atoms, `bought` the lots that a budget would buy.
    """
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
    return parts(wish) or filters(shop, wish) or _limits(shop, wish, tickets, owned, bought)


def parts(wish: co.PlaceOrder) -> str | None:
    sleeps = wish.type in STOPS + PROFITS
    if wish.type in WITH_PRICE and wish.price == 0:
        return "MISSING_PRICE"
    if sleeps and wish.stop_price == 0 and wish.trailing_delta == 0:
        return "MISSING_STOP_PRICE"
    if wish.quantity == 0 and wish.quote_quantity == 0:
        return "MISSING_QUANTITY"
    superfluous = [
        wish.price != 0 and wish.type not in WITH_PRICE,
        wish.stop_price != 0 and not sleeps,
        wish.trailing_delta != 0 and not sleeps,
        wish.quote_quantity != 0 and wish.type != OrderType.MARKET,
        wish.quote_quantity != 0 and wish.quantity != 0,
        wish.time_in_force != TimeInForce.GTC
        and wish.type not in {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT},
    ]
    if any(superfluous):
        return "BAD_COMBINATION"
    if wish.iceberg and (wish.type not in WITH_PRICE or wish.time_in_force != TimeInForce.GTC):
        return "BAD_ICEBERG"
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
    if wish.iceberg != 0:
        if not rules.min_quantity <= wish.iceberg <= rules.max_quantity:
            return "LOT_SIZE"
        if wish.iceberg > wish.quantity:
            return "ICEBERG_EXCEEDS"
        if math.ceil(Fraction(wish.quantity, wish.iceberg)) > rules.iceberg_parts:
            return "ICEBERG_PARTS"
    if wish.trailing_delta and not rules.min_trailing_delta <= wish.trailing_delta <= rules.max_trailing_delta:
        return "TRAILING_DELTA"
    worth = (wish.price or wish.stop_price or shop.last) * wish.quantity * rules.unit
    if not rules.min_notional <= (wish.quote_quantity or worth) <= rules.max_notional:
        return "NOTIONAL"
    low, high = band(shop)
    return "PRICE_BAND" if wish.price and not low <= wish.price <= high else None


def _limits(shop: Shop, wish: co.PlaceOrder, tickets: list[Ticket], owned: int, bought: int) -> str | None:
    mine = [t for t in tickets if t.wish.account == wish.account]
    here = [t for t in mine if t.wish.market == wish.market]
    if len(here) >= shop.rules.max_orders:
        return "MAX_ORDERS"
    if wish.type in STOPS + PROFITS and sum(t.sleeps_or_will for t in here) >= shop.rules.max_algo_orders:
        return "MAX_ALGO_ORDERS"
    if wish.iceberg and sum(t.wish.iceberg > 0 for t in here) >= shop.rules.max_iceberg_orders:
        return "MAX_ICEBERG_ORDERS"
    if shop.rules.max_position and wish.side == BUY:
        coming = sum(t.left for t in here if t.wish.side == BUY) + wish.quantity + bought
        if owned + coming * shop.rules.lot_atoms > shop.rules.max_position * shop.rules.lot_atoms:
            return "MAX_POSITION"
    if wish.client_id and any(t.name == wish.client_id for t in mine):
        return "DUPLICATE_CLIENT_ID"
    if wish.stop_price and not wish.trailing_delta and touched(wish, shop.last):
        return "WOULD_TRIGGER"
    return None


def amendment(shop: Shop, ticket: Ticket, wish: co.AmendOrder, tickets: list[Ticket]) -> str | None:
    """The name of the first reason not to make an order smaller, or None."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,36}", wish.new_client_id) is None:
        return "BAD_CLIENT_ID"
    mine = [t for t in tickets if t.wish.account == wish.account and t is not ticket]
    if any(t.name == wish.new_client_id for t in mine):
        return "DUPLICATE_CLIENT_ID"
    return shrinking(shop, ticket, wish.quantity)


def shrinking(shop: Shop, ticket: Ticket, asked: int) -> str | None:
    """The name of the first reason not to make an order smaller, whatever it is called."""
    now, quantity = ticket.left + ticket.filled, asked - ticket.prevented
    if quantity >= now:
        return "AMEND_NOTHING" if quantity == now else "AMEND_INCREASES"
    if quantity <= ticket.filled:
        return "AMEND_FILLED"
    if quantity < shop.rules.min_quantity:
        return "LOT_SIZE"
    price = ticket.wish.price or ticket.wish.stop_price
    if price and price * quantity * shop.rules.unit < shop.rules.min_notional:
        return "NOTIONAL"
    return "MAX_AMENDMENTS" if ticket.amended >= shop.rules.max_amendments else None


def band(shop: Shop) -> tuple[float, float]:
    """The lowest and the highest price in whole ticks; no band: no limit."""
    up, down = shop.rules.band_up, shop.rules.band_down
    return -(-shop.last * down // MILLION), shop.last * up // MILLION if up else float("inf")
