"""Replies about markets: rules, depth, trades, candles, tickers. Amounts are plain decimal strings."""

from __future__ import annotations

import msgspec

from exchange.api.amounts import average_text, percent_text, price_text, quantity_text, quote_text
from exchange.core.market import Market
from exchange.core.orders import Side
from exchange.core.units import Micros
from exchange.ledger.rows import AggregateRow, TradeRow
from exchange.market_data.bars import Bar
from exchange.market_data.depth import Best, DepthSnapshot, PriceLevel
from exchange.market_data.ticker import Ticker

Level = tuple[str, str]
"""(price, quantity)."""


class Empty(msgspec.Struct, frozen=True):
    """Nothing more to say than: yes."""


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    server_time: int


class Depth(msgspec.Struct, frozen=True, rename="camel"):
    """Never with a time: a client that sees one expects a stream without overlap."""

    last_update_id: int
    bids: list[Level]
    asks: list[Level]


class PublicTrade(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    price: str
    qty: str
    quote_qty: str
    time: int
    is_buyer_maker: bool
    is_best_match: bool = True


class AggregateTrade(msgspec.Struct, frozen=True):
    """One taker's fills at one price: id, price, quantity, first and last trade, time, was the buyer the maker."""

    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741  # the dialect's letter
    T: int
    m: bool
    M: bool = True


class PriceTicker(msgspec.Struct, frozen=True):
    symbol: str
    price: str


class BookTicker(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


class AveragePrice(msgspec.Struct, frozen=True, rename="camel"):
    mins: int
    price: str
    close_time: int


class MiniTicker(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: str
    open_price: str
    high_price: str
    low_price: str
    last_price: str
    volume: str
    quote_volume: str
    open_time: int
    close_time: int
    first_id: int
    last_id: int
    count: int


class DayTicker(MiniTicker, frozen=True, rename="camel", kw_only=True):
    price_change: str
    price_change_percent: str
    weighted_avg_price: str
    prev_close_price: str
    last_qty: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


Kline = tuple[int, str, str, str, str, str, int, str, int, str, str, str]
"""Open time, open, high, low, close, volume, close time, quote volume, trades, taker bought base and quote, unused."""


def depth(market: Market, snapshot: DepthSnapshot) -> Depth:
    """Both sides of the book, best prices first."""
    return Depth(snapshot.last_update_id, _levels(market, snapshot.bids), _levels(market, snapshot.asks))


def _levels(market: Market, levels: list[PriceLevel]) -> list[Level]:
    return [(price_text(market, price), quantity_text(market, quantity)) for price, quantity in levels]


def public_trade(market: Market, row: TradeRow) -> PublicTrade:
    """A trade without its traders."""
    return PublicTrade(
        row.id,
        price_text(market, row.price),
        quantity_text(market, row.quantity),
        quote_text(market, row.notional),
        row.time // 1000,
        row.taker_side == Side.SELL,
    )


def aggregate_trade(market: Market, row: AggregateRow) -> AggregateTrade:
    """An aggregate without its traders."""
    return AggregateTrade(
        row.id,
        price_text(market, row.price),
        quantity_text(market, row.quantity),
        row.first_trade,
        row.last_trade,
        row.time // 1000,
        row.taker_side == Side.SELL,
    )


def kline(market: Market, bar: Bar, end: Micros) -> Kline:
    """A candle; `end` is when the next one begins."""
    return (
        bar.start // 1000,
        price_text(market, bar.open),
        price_text(market, bar.high),
        price_text(market, bar.low),
        price_text(market, bar.close),
        quantity_text(market, bar.quantity),
        end // 1000 - 1,
        quote_text(market, bar.notional),
        bar.count,
        quantity_text(market, bar.taker_buy_quantity),
        quote_text(market, bar.taker_buy_notional),
        "0",
    )


def book_ticker(market: Market, best: Best) -> BookTicker:
    """The best prices; zeros where a side is empty."""
    return BookTicker(
        market.symbol,
        price_text(market, best.bid),
        quantity_text(market, best.bid_quantity),
        price_text(market, best.ask),
        quantity_text(market, best.ask_quantity),
    )


def mini_ticker(market: Market, day: Ticker) -> MiniTicker:
    """The last day as one candle."""
    return MiniTicker(
        symbol=market.symbol,
        open_price=price_text(market, day.open),
        high_price=price_text(market, day.high),
        low_price=price_text(market, day.low),
        last_price=price_text(market, day.close),
        volume=quantity_text(market, day.quantity),
        quote_volume=quote_text(market, day.notional),
        open_time=day.opened // 1000,
        close_time=day.closed // 1000,
        first_id=day.first_trade,
        last_id=day.last_trade,
        count=day.count,
    )


def day_ticker(market: Market, day: Ticker, best: Best, last_quantity: int) -> DayTicker:
    """The last day with its change, and the best prices now."""
    return DayTicker(
        **msgspec.structs.asdict(mini_ticker(market, day)),
        price_change=price_text(market, day.close - day.open),
        price_change_percent=percent_text(day.close - day.open, day.open),
        weighted_avg_price=average_text(market, day.notional, day.quantity),
        prev_close_price=price_text(market, day.before),
        last_qty=quantity_text(market, last_quantity),
        bid_price=price_text(market, best.bid),
        bid_qty=quantity_text(market, best.bid_quantity),
        ask_price=price_text(market, best.ask),
        ask_qty=quantity_text(market, best.ask_quantity),
    )
