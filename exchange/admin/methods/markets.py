"""Markets: the list, the rules, the book, and the phase."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from exchange.admin import wire
from exchange.admin.house import House, Refused, no
from exchange.admin.printing import price, quantity
from exchange.core.book import Book, BookSide
from exchange.core.commands import SetMarketPhase
from exchange.core.decimals import render
from exchange.core.market import Asset, Market, MarketPhase
from exchange.core.rejects import Reject
from exchange.core.units import AssetId, MarketId

MAX_DEPTH: Final = 500
MAX_REASON: Final = 200

PHASES: Final[dict[MarketPhase, wire.Phase]] = {
    MarketPhase.PRE_OPEN: "PRE_OPEN",
    MarketPhase.OPEN: "OPEN",
    MarketPhase.POST_ONLY: "POST_ONLY",
    MarketPhase.CANCEL_ONLY: "CANCEL_ONLY",
    MarketPhase.HALTED: "HALTED",
}


async def list_markets(house: House, _ask: wire.ListMarkets) -> wire.MarketList:
    """All markets, in the order of their listing."""
    return await house.sequencer.read(
        lambda state: wire.MarketList(
            tuple(market_row(book, state.assets, count_open(book)) for book in state.books.values())
        )
    )


async def show_market(house: House, ask: wire.ShowMarket) -> wire.MarketRules:
    """One market and all its rules."""
    market = await find_market(house, ask.symbol)
    return await house.sequencer.read(lambda state: _rules(state.books[market], state.assets))


async def get_book(house: House, ask: wire.GetBook) -> wire.BookView:
    """The best levels of a market's book."""
    market = await find_market(house, ask.symbol)
    return await read_book(house, market, checked_depth(ask.depth))


async def set_phase(house: House, ask: wire.SetPhase) -> wire.MarketRow:
    """Open, halt or otherwise restrict a market, through the sequencer like any other command."""
    reason = ask.reason.strip()
    if not reason or len(reason) > MAX_REASON or not reason.isprintable():
        raise Refused("bad_reason", f"a reason has 1 to {MAX_REASON} printable characters. Nothing was changed.")
    market = await find_market(house, ask.symbol)
    outcome = await house.sequencer.call(SetMarketPhase(market, MarketPhase[ask.phase], reason))
    if outcome.reject is Reject.SAME_PHASE:
        raise Refused("same_phase", f"{ask.symbol} is {ask.phase} already. Nothing was changed.")
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await house.sequencer.read(lambda state: _row(state.books[market], state.assets))


async def find_market(house: House, symbol: str) -> MarketId:
    """The market of that symbol; refused when there is none."""
    found = await house.sequencer.read(lambda state: state.symbols.get(symbol))
    if found is None:
        raise Refused(
            "not_found", f"no market is called {symbol[:32]}. Nothing was changed; `exchange market list` shows all."
        )
    return found


def checked_depth(depth: int) -> int:
    """A depth that the desk serves; refused when it is none."""
    if not 1 <= depth <= MAX_DEPTH:
        raise Refused("bad_params", f"depth is from 1 to {MAX_DEPTH}. Nothing was changed.")
    return depth


async def read_book(house: House, market: MarketId, depth: int) -> wire.BookView:
    """The best `depth` levels of both sides, as of one event."""
    return await house.sequencer.read(lambda state: _book_view(state.books[market], state.seq, depth))


def _book_view(book: Book, seq: int, depth: int) -> wire.BookView:
    market = book.rules
    return wire.BookView(
        symbol=market.symbol,
        seq=seq,
        phase=PHASES[book.phase],
        last_price=price(market, book.last_price),
        bids=_levels(market, book.bids, depth),
        asks=_levels(market, book.asks, depth),
    )


def _levels(market: Market, half: BookSide, depth: int) -> tuple[wire.Level, ...]:
    return tuple(
        wire.Level(price(market, level.price), quantity(market, level.quantity), level.count)
        for level in islice(half, depth)
    )


def count_open(book: Book) -> int:
    """How many orders rest or sleep in a market: a walk over all its price levels."""
    return sum(level.count for half in (book.bids, book.asks) for level in half) + len(book.triggers)


def _row(book: Book, assets: Mapping[AssetId, Asset]) -> wire.MarketRow:
    return market_row(book, assets, count_open(book))


def market_row(book: Book, assets: Mapping[AssetId, Asset], open_orders: int) -> wire.MarketRow:
    """A market at a glance."""
    market = book.rules
    bid, ask = book.bids.best, book.asks.best
    return wire.MarketRow(
        symbol=market.symbol,
        base=assets[market.base].code,
        quote=assets[market.quote].code,
        phase=PHASES[book.phase],
        tick_size=price(market, 1),
        lot_size=quantity(market, 1),
        last_price=price(market, book.last_price),
        bid=price(market, bid.price) if bid is not None else "",
        ask=price(market, ask.price) if ask is not None else "",
        open_orders=open_orders,
    )


def _rules(book: Book, assets: Mapping[AssetId, Asset]) -> wire.MarketRules:
    market = book.rules
    return wire.MarketRules(
        row=_row(book, assets),
        min_price=price(market, market.min_price),
        max_price=price(market, market.max_price),
        min_quantity=quantity(market, market.min_quantity),
        max_quantity=quantity(market, market.max_quantity),
        max_market_quantity=quantity(market, market.max_market_quantity),
        min_notional=render(market.min_notional, market.quote_decimals),
        max_notional=render(market.max_notional, market.quote_decimals),
        maker_fee_ppm=market.maker_fee,
        taker_fee_ppm=market.taker_fee,
        band_up_ppm=market.band_up,
        band_down_ppm=market.band_down,
        max_orders=market.max_orders,
        max_algo_orders=market.max_algo_orders,
    )
