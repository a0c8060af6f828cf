"""One market as the public may see it: rules, levels, trades, candles and the last day."""

from __future__ import annotations

from collections import deque
from typing import Final

from exchange.core.book import Book
from exchange.core.events import Traded
from exchange.core.market import Market, MarketPhase
from exchange.core.units import Micros, Price, Seq
from exchange.ledger.queries import Queries
from exchange.ledger.rows import TradeRow
from exchange.market_data.bars import MINUTE, SECOND, Bar, bar_of_row, bar_of_trade
from exchange.market_data.candles import Candles
from exchange.market_data.depth import Depth
from exchange.market_data.intervals import INTERVALS, LIVE
from exchange.market_data.ticker import DAY, DAY_MINUTES, WINDOWS, RollingWindow, Ticker

KEPT_TRADES: Final = 1_000
"""How many trades are kept for quick answers."""
_PAGE: Final = 1_000
_LONGER: Final = [interval for interval in LIVE if interval.name != "1s"]


class MarketView:
    """A market's public state as of the last commit."""

    __slots__ = ("candles", "day", "depth", "phase", "rules", "tape", "windows")

    def __init__(self, rules: Market, phase: MarketPhase, seq: Seq) -> None:
        """A market just listed, by event `seq`. `tape` holds the last trades, the oldest first."""
        self.rules = rules
        self.phase = phase
        self.depth = Depth(seq)
        self.day = RollingWindow(DAY_MINUTES - 1, DAY)
        self.windows = {name: RollingWindow(minutes) for name, minutes in WINDOWS.items()}
        self.candles = Candles(self.minute_over)
        self.tape: deque[TradeRow] = deque(maxlen=KEPT_TRADES)

    def minute_over(self, minute: Bar) -> None:
        """Count in a minute with trades that is over, later than all others."""
        self.day.add(minute)
        for window in self.windows.values():
            window.add(minute)

    def start_after(self, price: Price) -> None:
        """Say what the last price was before the first minute that is counted in."""
        self.day.start_after(price)
        for window in self.windows.values():
            window.start_after(price)

    def trade(self, row: TradeRow) -> None:
        """Count in the newest trade."""
        self.tape.append(row)
        self.candles.trade(row)

    @property
    def last_price(self) -> Price:
        """The price of the last trade; 0 before the first."""
        return self.tape[-1].price if self.tape else Price(0)

    @property
    def last_time(self) -> Micros:
        """When the last trade was; 0 before the first."""
        return self.tape[-1].time if self.tape else Micros(0)

    def ticker(self, now: Micros) -> Ticker:
        """The 24 hours before `now`."""
        return self.day.ticker(now, self.candles.youngest("1m"))

    def window(self, name: str, now: Micros) -> Ticker:
        """One of the windows that are streamed, up to `now`."""
        return self.windows[name].ticker(now, self.candles.youngest("1m"))

    def average(self, now: Micros) -> tuple[int, int]:
        """(lots, quote atoms) traded in the five minutes before `now`."""
        return self.day.average(now, self.candles.youngest("1m"))


def trade_row(seq: Seq, event: Traded) -> TradeRow:
    """A trade as the ledger keeps it; `seq` is its event's number."""
    return TradeRow(
        event.market,
        event.trade,
        seq,
        event.time,
        event.price,
        event.quantity,
        event.notional,
        event.taker_side,
        event.maker_order,
        event.taker_order,
        event.maker,
        event.taker,
        event.maker_fee,
        event.taker_fee,
        event.aggregate,
    )


def restored_view(book: Book, seq: Seq, queries: Queries) -> MarketView:
    """The view of a market as `book` and the ledger have it at event `seq`.

    Minutes are read from where the longest candle of the last trade began, which is at most a month and a few days.
    """
    view = MarketView(book.rules, book.phase, seq)
    for half in (book.bids, book.asks):
        for level in half:
            view.depth.put(level.side, level.price, level.quantity)
    view.tape.extend(queries.trades(book.rules.id, limit=KEPT_TRADES))
    if view.tape:
        _restore_minutes(view, queries)
        _restore_seconds(view)
    return view


def _restore_minutes(view: MarketView, queries: Queries) -> None:
    last, market = view.last_time, view.rules.id
    starts = [(interval, interval.start(last)) for interval in _LONGER]
    minute, running = min(last - DAY, *(start for _, start in starts)) // MINUTE, last // MINUTE
    before = queries.newest_bar_before(market, minute)
    if before is not None:
        view.start_after(before.close)
    while rows := queries.bars(market, minute, running + 1, _PAGE):
        for row in rows:
            bar = bar_of_row(row)
            if row.minute < running:
                view.minute_over(bar)
            view.candles.merge(bar, [interval for interval, start in starts if bar.start >= start])
        minute = rows[-1].minute + 1


def _restore_seconds(view: MarketView) -> None:
    """One-second candles out of the trades at hand; the oldest second may be incomplete, so it does not count."""
    seconds = [INTERVALS["1s"]]
    for row in view.tape:
        view.candles.merge(bar_of_trade(row, Micros(row.time - row.time % SECOND)), seconds)
    oldest = view.tape[0]
    if oldest.id > 1:
        view.candles.seconds_since = Micros(oldest.time - oldest.time % SECOND + SECOND)
