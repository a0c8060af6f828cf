"""What an order is: the words of the dialect, the living order of the book, and its frozen row."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import astuple

from exchange.core.units import AccountId, Amount, ListId, MarketId, Micros, OrderId, Price, Quantity, Seq, TradeId

if TYPE_CHECKING:
    from exchange.core.book import Level
    from exchange.core.state import Account


class Side(IntEnum):
    """Which side of the book an order rests on."""

    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """How an order finds its price. The names are the dialect's."""

    LIMIT = 1
    MARKET = 2
    LIMIT_MAKER = 3
    STOP_LOSS = 4
    STOP_LOSS_LIMIT = 5
    TAKE_PROFIT = 6
    TAKE_PROFIT_LIMIT = 7


class TimeInForce(IntEnum):
    """How long an order stands: until cancelled, now or never for the rest, all or nothing."""

    GTC = 1
    IOC = 2
    FOK = 3


class SelfTrade(IntEnum):
    """Self-trade prevention: who expires when an account would trade with itself. The taker's word counts.

    DECREMENT: both lose what they would have traded, so that the smaller one expires.
    """

    NONE = 1
    EXPIRE_TAKER = 2
    EXPIRE_MAKER = 3
    EXPIRE_BOTH = 4
    DECREMENT = 5


class OrderStatus(IntEnum):
    """PENDING_NEW, NEW and PARTIALLY_FILLED orders are open, the others are final.

    PENDING_NEW: part of an order list, waiting for the list's working order. NEW: resting, or asleep until triggered.
    """

    PENDING_NEW = 0
    NEW = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 4
    EXPIRED = 5
    EXPIRED_IN_MATCH = 6


class ExpiryReason(IntEnum):
    """Why an order expired, where its own type and time in force do not say so.

    REJECTED: a pending order could not be placed when its turn came. OCO_TRIGGER: the other order of its pair traded,
    was triggered or ended. OTO_PHASE_ONE_EXPIRED: the working order that it waited for ended unfilled.
    """

    NONE = 0
    REJECTED = 1
    OCO_TRIGGER = 2
    OTO_PHASE_ONE_EXPIRED = 3


# The members by their own names: in CPython 3.11 an attribute of an enum class costs as much as a whole check.
BUY: Final = Side.BUY
SELL: Final = Side.SELL
LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET
LIMIT_MAKER: Final = OrderType.LIMIT_MAKER
GTC: Final = TimeInForce.GTC
IOC: Final = TimeInForce.IOC
FOK: Final = TimeInForce.FOK
PENDING_NEW: Final = OrderStatus.PENDING_NEW
NEW: Final = OrderStatus.NEW
PARTIALLY_FILLED: Final = OrderStatus.PARTIALLY_FILLED
FILLED: Final = OrderStatus.FILLED
CANCELED: Final = OrderStatus.CANCELED
EXPIRED: Final = OrderStatus.EXPIRED
EXPIRED_IN_MATCH: Final = OrderStatus.EXPIRED_IN_MATCH

SLEEPING_TYPES: Final = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    },
)
"""Types that sleep until the last price reaches their stop price."""

PRICED_TYPES: Final = frozenset(
    {
        OrderType.LIMIT,
        OrderType.LIMIT_MAKER,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
    },
)
"""Types that carry a limit price of their own."""


class OrderRow(msgspec.Struct, frozen=True, gc=False):
    """An order as it stood at one event: what the ledger stores and what every reply is made of.

    `price` is 0 for an order without limit; `quote_quantity` is 0 unless the order was sized in quote.
    `quantity` is what it can trade in all: what was asked, less what self-trade prevention took (`prevented`).
    `hold` is what of the account's funds the order still holds (quote atoms to buy, base atoms to sell).
    `working` is false while the order sleeps or is pending. `booked` is the event that gave it its place in the
    queue of its price (0: never on the book), `updated` the time of its last change.

    `order_list` is the list it belongs to (0: none). `worked` is since when it can trade, where that is not since it
    was accepted (0: since then, or not yet; see `working_since`). `iceberg` is how many lots it shows at a time (0:
    all), `shown` how many of an iceberg stand on the book for all to see. `prevented_match` is the last self-trade
    of it that was prevented. `amendments` counts how often it was made smaller.

    A trailing stop has a `trailing_delta` (basis points; 0: not trailing), and once it tracks the price
    `trailing_time`, the time, and `trailing_trade`, the trade from which on it does (0: the reference price before
    any trade). `due` is the event that made a sleeping order due (0: not due, or awake), `trailed` the best price that
    a trailing one had seen by then.
    """

    id: OrderId
    account: AccountId
    market: MarketId
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    self_trade: SelfTrade
    status: OrderStatus
    price: Price
    stop_price: Price
    quantity: Quantity
    filled: Quantity
    filled_quote: Amount
    quote_quantity: Amount
    hold: Amount
    working: bool
    booked: Seq
    created: Micros
    updated: Micros
    client_id: str
    order_list: ListId = ListId(0)
    worked: Micros = Micros(0)
    iceberg: Quantity = Quantity(0)
    shown: Quantity = Quantity(0)
    prevented: Quantity = Quantity(0)
    prevented_match: int = 0
    amendments: int = 0
    trailing_delta: int = 0
    trailing_time: Micros = Micros(0)
    trailing_trade: TradeId = TradeId(0)
    trailed: Price = Price(0)
    due: Seq = Seq(0)
    strategy_id: int = 0
    strategy_type: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the order can still trade or be cancelled."""
        return self.status <= OrderStatus.PARTIALLY_FILLED

    @property
    def working_since(self) -> Micros:
        """Since when the order can trade, or 0 while it cannot yet."""
        return self.worked or (self.created if self.working else Micros(0))


class Order(msgspec.Struct, gc=False, eq=False):
    """A living order: its owner, the fields of its `OrderRow`, in their order, and then its place in the world.

    Mutable: only `evolve` writes to it. Kept out of the garbage collector's sight: the book unlinks it when it leaves,
    so no cycle outlives it.
    """

    owner: Account
    id: OrderId
    account: AccountId
    market: MarketId
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    self_trade: SelfTrade
    status: OrderStatus
    price: Price
    stop_price: Price
    quantity: Quantity
    filled: Quantity
    filled_quote: Amount
    quote_quantity: Amount
    hold: Amount
    working: bool
    booked: Seq
    created: Micros
    updated: Micros
    client_id: str
    order_list: ListId = ListId(0)
    worked: Micros = Micros(0)
    iceberg: Quantity = Quantity(0)
    shown: Quantity = Quantity(0)
    prevented: Quantity = Quantity(0)
    prevented_match: int = 0
    amendments: int = 0
    trailing_delta: int = 0
    trailing_time: Micros = Micros(0)
    trailing_trade: TradeId = TradeId(0)
    trailed: Price = Price(0)
    due: Seq = Seq(0)
    strategy_id: int = 0
    strategy_type: int = 0
    level: Level | None = None
    ahead: Order | None = None
    behind: Order | None = None

    def row(self) -> OrderRow:
        """The order as it stands now, frozen."""
        return OrderRow(*astuple(self)[1:ROW_END])


ROW_END: Final = 1 + len(OrderRow.__struct_fields__)
"""The fields of an `Order` from 1 up to here are those of its row."""


def order_from_row(row: OrderRow, owner: Account) -> Order:
    """The living order that `row` was taken of, not yet on any book."""
    return Order(owner, *astuple(row))
