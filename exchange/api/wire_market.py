"""Replies about markets: depth, trades, candles, rules of execution. Amounts are plain decimal strings."""

from __future__ import annotations

import msgspec

from exchange.api.amounts import price_text, quantity_text, quote_text
from exchange.core.market import Market
from exchange.core.orders import Side
from exchange.core.units import Micros
from exchange.ledger.rows import AggregateRow, TradeRow
from exchange.market_data.bars import Bar
from exchange.market_data.depth import DepthSnapshot, PriceLevel

Level = tuple[str, str]
"""(price, quantity)."""


class Empty(msgspec.Struct, frozen=True):
    """Nothing more to say than: yes."""


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    server_time: int


class SymbolRules(msgspec.Struct, frozen=True):
    """Rules by which trades of a market are held back. There are none here: the filters are all there is."""

    symbol: str
    rules: list[object] = []


class ExecutionRules(msgspec.Struct, frozen=True, rename="camel"):
    symbol_rules: list[SymbolRules]


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


class AveragePrice(msgspec.Struct, frozen=True, rename="camel"):
    mins: int
    price: str
    close_time: int


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
