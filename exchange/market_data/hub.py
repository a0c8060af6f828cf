"""Market data as of the last commit: fed by the sequencer, read by the doors, told on to whoever listens.

Everything here can be rebuilt from the ledger, and is, at start-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from exchange.core.committed import Committed, LevelChange
from exchange.core.events import MarketListed, MarketPhaseSet, Traded
from exchange.core.market import Market, MarketPhase
from exchange.core.units import MarketId, Micros, Price, Seq
from exchange.ledger.rows import TradeRow
from exchange.market_data.bars import Bar
from exchange.market_data.depth import Best, DepthSnapshot
from exchange.market_data.history import History
from exchange.market_data.ticker import Ticker, ticker_of
from exchange.market_data.view import MarketView, restored_view, trade_row

if TYPE_CHECKING:
    from exchange.core.state import State
    from exchange.ledger.queries import Queries
    from exchange.market_data.intervals import Interval


class Change(msgspec.Struct, gc=False):
    """What one commit changed in one market, for those who publish it. `view` is already up to date."""

    view: MarketView
    time: Micros
    trades: list[TradeRow]
    levels: list[LevelChange]


class Hub:
    """All markets as the public may see them. Readings are those of the last commit; unknown markets raise KeyError."""

    def __init__(self) -> None:
        """No market yet; `consume` and `restore` bring them."""
        self.seq = Seq(0)
        self.views: dict[MarketId, MarketView] = {}
        self.symbols: dict[str, MarketId] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._history: History | None = None

    def restore(self, state: State, queries: Queries) -> None:
        """Take on what `state` and the ledger behind `queries` hold. Call once, before any commit is consumed."""
        self.seq = state.seq
        self._history = History(queries)
        for book in state.books.values():
            self._put(restored_view(book, state.seq, queries))

    def _put(self, view: MarketView) -> None:
        self.views[view.rules.id] = view
        self.symbols[view.rules.symbol] = view.rules.id

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` for each market that a commit changed. It must be quick and must not raise."""
        self._listeners.append(listener)

    def consume(self, committed: Committed) -> None:
        """Take in one commit, then tell the listeners. What `Sequencer.subscribe` calls."""
        changes: dict[MarketId, Change] = {}
        for seq, event in enumerate(committed.events, committed.first):
            if type(event) is Traded:
                row = trade_row(Seq(seq), event)
                self.views[event.market].trade(row)
                self._change(changes, event.market, committed.time).trades.append(row)
            elif type(event) is MarketListed:
                self._put(MarketView(event.market, event.phase, Seq(seq)))
            elif type(event) is MarketPhaseSet:
                self.views[event.market].phase = event.phase
        for level in committed.levels:
            change = self._change(changes, level.market, committed.time)
            change.view.depth.put(level.side, level.price, level.quantity)
            change.levels.append(level)
        self.seq = committed.last
        for change in changes.values():
            if change.levels:
                change.view.depth.last_update_id = committed.last
            for listener in self._listeners:
                listener(change)

    def _change(self, changes: dict[MarketId, Change], market: MarketId, time: Micros) -> Change:
        change = changes.get(market)
        if change is None:
            change = changes[market] = Change(self.views[market], time, [], [])
        return change

    def rules(self, market: MarketId) -> Market:
        """The market's rules."""
        return self.views[market].rules

    def phase(self, market: MarketId) -> MarketPhase:
        """What the market lets in."""
        return self.views[market].phase

    def depth(self, market: MarketId, limit: int) -> DepthSnapshot:
        """The best `limit` levels of each side, in ticks and lots."""
        return self.views[market].depth.snapshot(limit)

    def best(self, market: MarketId) -> Best:
        """The best bid and ask."""
        return self.views[market].depth.best()

    def last_price(self, market: MarketId) -> Price:
        """The price of the last trade in ticks; 0 before the first."""
        return self.views[market].last_price

    def last_trades(self, market: MarketId, limit: int) -> list[TradeRow]:
        """The newest trades, at most `limit` and at most `KEPT_TRADES`, by ascending id."""
        tape = self.views[market].tape
        return list(tape)[-limit:] if limit else []

    def ticker(self, market: MarketId, now: Micros) -> Ticker:
        """The 24 hours before `now`."""
        return self.views[market].ticker(now)

    async def window(self, market: MarketId, opened: Micros, now: Micros) -> Ticker:
        """All from `opened`, which begins a minute, up to `now`, out of the ledger: exact, however long ago it was."""
        assert self._history is not None
        before = await self._history.last_before(market, opened)
        whole: Bar | None = None
        for bar in await self._history.since(market, opened, now):
            if whole is None:
                whole = bar.starting(opened)
            else:
                whole.add(bar)
        price = before.close if before is not None else Price(0)
        return ticker_of(whole, opened, now, price, price)

    def average(self, market: MarketId, now: Micros) -> tuple[int, int]:
        """(lots, quote atoms) traded in the five minutes before `now`: the current one and the four before it."""
        return self.views[market].average(now)

    async def klines(
        self,
        market: MarketId,
        interval: Interval,
        now: Micros,
        start: Micros | None = None,
        end: Micros | None = None,
        limit: int = 500,
    ) -> list[Bar]:
        """Candles that begin from `start` on (inclusive) up to `end` or `now`, without gaps, by ascending start.

        With `start` the oldest `limit` of them, else the newest. None lie before the market's first trade. Each
        `Bar.start` is when the candle begins, `interval.end(bar.start)` when the next one does. The list may end
        early where one-second candles would take too many trades to add up: a caller goes on from where it ends.
        """
        assert self._history is not None
        return await self._history.klines(self.views[market], interval, now, start, end, limit)
