"""The order book of one market: resting orders in price-time priority.

Price levels stand in a `SortedDict` whose first key is the best price: asks by price, bids by minus price. Each level
is a linked first-in-first-out queue threaded through the orders themselves, so that adding, cancelling and filling are
O(1) but for the making and removing of a level. Nothing here decides anything; only `evolve` and `restore` call what
writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sortedcontainers import SortedDict

from exchange.core.market import Market, MarketPhase
from exchange.core.orders import Order, Side
from exchange.core.postings import ASSET_SHIFT
from exchange.core.triggers import Triggers
from exchange.core.units import MILLION, ListId, MarketId, Ppm, Price, TradeId

if TYPE_CHECKING:
    from collections.abc import Iterator


class Level:
    """All orders resting at one price, the oldest `first`. `key` sorts levels from the best price on.

    `quantity` is what is shown of all, `icebergs` how many of the `count` orders show only a part.
    """

    __slots__ = ("count", "first", "icebergs", "key", "last", "market", "price", "quantity", "side")

    def __init__(self, market: MarketId, side: Side, price: Price, key: int) -> None:
        """Nobody here yet."""
        self.market = market
        self.side = side
        self.price = price
        self.key = key
        self.quantity = 0
        self.count = 0
        self.icebergs = 0
        self.first: Order | None = None
        self.last: Order | None = None


class BookSide:
    """The bids or the asks."""

    __slots__ = ("best", "levels", "side", "sign")

    def __init__(self, side: Side) -> None:
        """An empty side."""
        self.side = side
        self.sign = 1 if side is Side.SELL else -1
        self.levels: SortedDict[int, Level] = SortedDict()
        self.best: Level | None = None

    def worse(self, rank: int) -> Level | None:
        """The level of `rank`, 0 being the best price."""
        return self.levels.peekitem(rank)[1] if rank < len(self.levels) else None

    def __iter__(self) -> Iterator[Level]:
        """The levels from the best price on."""
        return iter(self.levels.values())


class Book:
    """One market at work: its rules and phase, both sides, sleeping orders, last price and counters.

    Between `lowest` and `highest`, which follow the last price, a limit price is within the market's limits and bands.
    `base_bits` and `quote_bits` are the assets' part of a balance key.
    `due_lists` are the order lists whose working order was filled and whose pending orders are to be placed, in order.
    `touched` collects the levels whose quantity changed since the sequencer last took them, oldest change first.
    """

    __slots__ = (
        "_last_price",
        "asks",
        "base_bits",
        "bids",
        "due_lists",
        "fees",
        "highest",
        "lowest",
        "next_aggregate",
        "next_match",
        "next_trade",
        "phase",
        "quote_bits",
        "rules",
        "tier_fees",
        "touched",
        "triggers",
    )

    def __init__(self, rules: Market, phase: MarketPhase) -> None:
        """An empty book; until the first trade the last price is the reference price of the rules."""
        self.rules = rules
        self.phase = phase
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.triggers = Triggers()
        self.base_bits, self.quote_bits = rules.base << ASSET_SHIFT, rules.quote << ASSET_SHIFT
        self._last_price = Price(0)
        self.last_price = rules.reference
        self.next_trade = TradeId(1)
        self.next_aggregate = 1
        self.next_match = 1
        self.fees: tuple[Ppm, Ppm] = (rules.maker_fee, rules.taker_fee)
        self.tier_fees: dict[int, tuple[Ppm, Ppm]] = {}
        self.due_lists: dict[ListId, None] = {}
        self.touched: dict[Level, None] = {}

    @property
    def anybody_due(self) -> bool:
        """Whether a sleeping order is to wake, or a list's pending orders are to be placed."""
        return bool(self.due_lists) or self.triggers.due() is not None

    @property
    def last_price(self) -> Price:
        """The price of the last trade, or the reference price before the first."""
        return self._last_price

    @last_price.setter
    def last_price(self, price: Price) -> None:
        if price == self._last_price:
            return
        rules = self.rules
        self._last_price = price
        up, down = price * rules.band_up // MILLION, -(-price * rules.band_down // MILLION)
        self.lowest = max(rules.min_price, down)
        self.highest = min(rules.max_price, up) if rules.band_up else int(rules.max_price)

    def add(self, order: Order) -> None:
        """Put what is left of `order` at the end of the queue of its price. Of an iceberg only `shown` counts."""
        half = self.bids if order.side == 1 else self.asks
        key = order.price * half.sign
        level: Level | None = half.levels.get(key)
        if level is None:
            level = Level(order.market, half.side, order.price, key)
            half.levels[key] = level
            best = half.best
            if best is None or key < best.key:
                half.best = level
        last = level.last
        if last is None:
            level.first = order
        else:
            last.behind = order
            order.ahead = last
        level.last = order
        order.level = level
        if order.iceberg:
            level.icebergs += 1
            level.quantity += order.shown
        else:
            level.quantity += order.quantity - order.filled
        level.count += 1
        self.touched[level] = None

    def requeue(self, order: Order) -> None:
        """An iceberg shows its next part, `shown`, at the end of the queue of its price."""
        level = order.level
        assert level is not None, order
        level.quantity += order.shown
        ahead, behind, last = order.ahead, order.behind, level.last
        if behind is None or last is None:
            return
        behind.ahead = ahead
        if ahead is None:
            level.first = behind
        else:
            ahead.behind = behind
        last.behind = level.last = order
        order.ahead, order.behind = last, None

    def reduce(self, order: Order, quantity: int) -> None:
        """Take `quantity` lots that were shown from a resting order's level; the order leaves when nothing is left.

        `order` must already count the fill, or its smaller quantity.
        """
        level = order.level
        assert level is not None, order
        level.quantity -= quantity
        self.touched[level] = None
        if order.filled == order.quantity:
            self._unlink(order, level)

    def remove(self, order: Order) -> None:
        """Take a resting order off the book."""
        level = order.level
        assert level is not None, order
        level.quantity -= order.shown if order.iceberg else order.quantity - order.filled
        self.touched[level] = None
        self._unlink(order, level)

    def _unlink(self, order: Order, level: Level) -> None:
        """Take `order` out of its queue, and an empty level out of its side."""
        ahead, behind = order.ahead, order.behind
        if ahead is None:
            level.first = behind
        else:
            ahead.behind = behind
        if behind is None:
            level.last = ahead
        else:
            behind.ahead = ahead
        order.level = order.ahead = order.behind = None
        level.count -= 1
        if order.iceberg:
            level.icebergs -= 1
        if not level.count:
            half = self.bids if level.side == 1 else self.asks
            del half.levels[level.key]
            if half.best is level:
                half.best = half.worse(0)
