"""What the desk pushes: status each second, phases as they change, the watched books and their trades.

Fed by commits, so it shows nothing that is not durable. A watcher that does not keep up is cut off, never awaited.
"""

from __future__ import annotations

import traceback
from collections import defaultdict, deque
from itertools import count, islice
from typing import Final, Protocol

import msgspec
import structlog
import trio

from exchange.admin import wire
from exchange.admin.gauges import Check, OpenOrders, Rate
from exchange.admin.house import House, Refused
from exchange.admin.methods.chains import alarm_sentences
from exchange.admin.methods.markets import PHASES, find_market, market_row, read_book
from exchange.admin.printing import price, quantity
from exchange.admin.quarantine import Quarantine
from exchange.core.committed import Committed
from exchange.core.events import MarketListed, MarketPhaseSet, OrderAccepted, Traded
from exchange.core.market import Market
from exchange.core.orders import Side
from exchange.core.units import MAX_STORED, MarketId

BOOK_SECONDS: Final = 0.2
"""Pause between two pushes of a watched book."""

STATUS_TICKS: Final = 5
"""Status comes with every fifth of those."""

KEPT_TRADES: Final = 100
"""Newest trades kept per market."""

_log = structlog.get_logger("exchange.admin")

_Print = tuple[int, int, int, int, Side]
"""A trade as it happened: number, time, price in ticks, quantity in lots, the taker's side."""


class Watcher(Protocol):
    """A session that is pushed to. `market` 0: no book wanted."""

    status: bool
    market: MarketId
    depth: int

    def push(self, frame: wire.FromServer) -> None:
        """Take the frame or be cut off; never block, never raise."""
        ...

    def end(self, why: str) -> None:
        """Say why and hang up."""
        ...


class Feed:
    """Collects from commits and publishes to watchers."""

    def __init__(self, house: House) -> None:
        """Subscribe to commits."""
        self.watchers: set[Watcher] = set()
        self._house = house
        self._started = house.clock.now()
        self._markets: dict[MarketId, Market] = {}
        self._trades: defaultdict[MarketId, deque[_Print]] = defaultdict(lambda: deque(maxlen=KEPT_TRADES))
        self._changed: set[MarketId] = set()
        self._traded: set[MarketId] = set()
        self._phases: deque[MarketPhaseSet] = deque(maxlen=KEPT_TRADES)
        self._rate = Rate(house.clock)
        self._check = Check(house)
        self._open = OpenOrders(house)
        self._quarantine = Quarantine(house)
        house.sequencer.subscribe(self.consume)

    def consume(self, committed: Committed) -> None:
        """Note what a commit changed. Called by the sequencer, in order."""
        for event in committed.events:
            kind = type(event)
            if kind is OrderAccepted:
                self._rate.count += 1
            elif isinstance(event, Traded):
                self._note_trade(event)
            elif isinstance(event, MarketPhaseSet):
                self._phases.append(event)
                self._quarantine.take(event)
                self._changed.add(event.market)
            elif isinstance(event, MarketListed):
                self._markets[event.market.id] = event.market
        self._changed.update(level.market for level in committed.levels)

    def _note_trade(self, event: Traded) -> None:
        trade = (event.trade, event.time, event.price, event.quantity, event.taker_side)
        self._trades[event.market].appendleft(trade)
        self._traded.add(event.market)
        self._changed.add(event.market)

    async def restore(self) -> None:
        """Learn the markets, and the newest trades from before the start. Trading may have begun."""
        rules = await self._house.sequencer.read(lambda state: [book.rules for book in state.books.values()])
        for market in rules:
            self._markets[market.id] = market
            await self._restore_trades(market)
        await self._quarantine.restore()

    async def _restore_trades(self, market: Market) -> None:
        queries = self._house.queries
        rows = await queries.run(lambda: queries.trades(market.id, limit=KEPT_TRADES))
        seen = list(self._trades[market.id])
        oldest = seen[-1][0] if seen else MAX_STORED
        before = [(row.id, row.time, row.price, row.quantity, row.taker_side) for row in rows if row.id < oldest]
        self._trades[market.id] = deque([*seen, *reversed(before)][:KEPT_TRADES], maxlen=KEPT_TRADES)

    async def run(self) -> None:
        """Publish for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._check.run)
            for tick in count(1):
                await trio.sleep(BOOK_SECONDS)
                try:
                    await self._publish(tick)
                except Exception:  # noqa: BLE001  # what is only shown must not end the exchange; it is logged and told
                    _log.error("pushing failed", trace=traceback.format_exc())
                    for watcher in tuple(self.watchers):
                        watcher.end("failed")

    async def _publish(self, tick: int) -> None:
        self._publish_phases()
        await self._publish_books()
        if tick % STATUS_TICKS == 0:
            self._rate.measure()
            await self._publish_status()

    async def status(self) -> wire.Status:
        """How the exchange is now."""
        sequencer = self._house.sequencer
        accounts, open_orders, seq = await sequencer.read(lambda s: (len(s.accounts), len(s.orders), s.seq))
        stats, now = sequencer.stats, self._house.clock.now()
        return wire.Status(
            time=now,
            uptime_s=(now - self._started) // 1_000_000,
            demo=self._house.settings.demo,
            journal_seq=seq,
            orders_per_second=self._rate.per_second,
            ack_p50_us=stats.percentile(50) or 0,
            ack_p99_us=stats.percentile(99) or 0,
            queue_length=sequencer.waiting,
            queue_limit=self._house.settings.queue_limit_commands,
            last_commit=stats.last_commit,
            last_batch=stats.last_batch,
            accounts=accounts,
            open_orders=open_orders,
            checked=self._check.time,
            violations=self._check.found,
            quarantined=await self._quarantine.sentences(),
            alarms=(*alarm_sentences(self._house), *_backup_alarms(self._house)),
        )

    async def markets(self) -> wire.MarketList:
        """All markets at a glance. Dashboards ask this each second, so large books are not counted each time."""
        counts = await self._open.counts()
        return await self._house.sequencer.read(
            lambda state: wire.MarketList(
                tuple(market_row(book, state.assets, counts.get(key, 0)) for key, book in state.books.items())
            )
        )

    async def trades(self, ask: wire.GetTrades) -> wire.TradesView:
        """The newest trades of a market, newest first."""
        if not 1 <= ask.limit <= KEPT_TRADES:
            raise Refused("bad_params", f"limit is from 1 to {KEPT_TRADES}. Nothing was changed.")
        return self._trades_view(await find_market(self._house, ask.symbol), ask.symbol, ask.limit)

    async def show(self, watcher: Watcher) -> None:
        """Push the watcher's book and trades once, for a beginning."""
        if watcher.market:
            await self._push_book(watcher.market, [watcher])
            self._push_trades(watcher.market, [watcher])

    def _trades_view(self, market: MarketId, symbol: str, limit: int) -> wire.TradesView:
        rules = self._markets[market]
        return wire.TradesView(
            symbol, tuple(_trade_row(rules, *trade) for trade in islice(self._trades[market], limit))
        )

    def _publish_phases(self) -> None:
        while self._phases:
            event = self._phases.popleft()
            market = self._markets[event.market]
            frame = wire.PhaseChanged(market.symbol, PHASES[event.phase], wire.clean(event.reason), event.time)
            for watcher in tuple(self.watchers):
                watcher.push(frame)

    async def _publish_books(self) -> None:
        changed, self._changed = self._changed, set()
        traded, self._traded = self._traded, set()
        audiences: defaultdict[MarketId, list[Watcher]] = defaultdict(list)
        for watcher in self.watchers:
            if watcher.market in changed:
                audiences[watcher.market].append(watcher)
        for market, audience in audiences.items():
            await self._push_book(market, audience)
            if market in traded:
                self._push_trades(market, audience)

    async def _push_book(self, market: MarketId, audience: list[Watcher]) -> None:
        view = await read_book(self._house, market, max(watcher.depth for watcher in audience))
        for watcher in audience:
            watcher.push(_cut(view, watcher.depth))

    def _push_trades(self, market: MarketId, audience: list[Watcher]) -> None:
        view = self._trades_view(market, self._markets[market].symbol, KEPT_TRADES // 2)
        for watcher in audience:
            watcher.push(view)

    async def _publish_status(self) -> None:
        audience = [watcher for watcher in self.watchers if watcher.status]
        if audience:
            frame = await self.status()
            for watcher in audience:
                watcher.push(frame)


def _backup_alarms(house: House) -> tuple[str, ...]:
    """What the keeper of backups has to say, as of its last look."""
    standing = house.keeper.standing
    return tuple(wire.clean(f"backups: {alarm}") for alarm in standing.alarms) if standing is not None else ()


def _cut(view: wire.BookView, depth: int) -> wire.BookView:
    return msgspec.structs.replace(view, bids=view.bids[:depth], asks=view.asks[:depth])


def _trade_row(market: Market, number: int, time: int, ticks: int, lots: int, side: Side) -> wire.TradeRow:
    taker: wire.SideName = "BUY" if side == Side.BUY else "SELL"
    return wire.TradeRow(number, time, price(market, ticks), quantity(market, lots), taker)
