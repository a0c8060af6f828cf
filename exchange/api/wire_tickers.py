"""Replies about prices and windows of time: tickers. Amounts are plain decimal strings."""

from __future__ import annotations

from typing import Any

import msgspec

from exchange.api.amounts import price_text, quantity_text, quote_text
from exchange.core.market import Market
from exchange.market_data.depth import Best
from exchange.market_data.printing import average_text, percent_text
from exchange.market_data.ticker import Ticker


class PriceTicker(msgspec.Struct, frozen=True):
    symbol: str
    price: str


class BookTicker(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


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


class WindowTicker(MiniTicker, frozen=True, rename="camel", kw_only=True):
    price_change: str
    price_change_percent: str
    weighted_avg_price: str


class DayTicker(WindowTicker, frozen=True, rename="camel", kw_only=True):
    prev_close_price: str
    last_qty: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


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
    """A window as one candle."""
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


def window_ticker(market: Market, window: Ticker) -> WindowTicker:
    """A window with its change."""
    return WindowTicker(**_changes(market, window))


def day_ticker(market: Market, day: Ticker, best: Best, last_quantity: int) -> DayTicker:
    """The last day with its change, and the best prices now."""
    return DayTicker(
        **_changes(market, day),
        prev_close_price=price_text(market, day.before),
        last_qty=quantity_text(market, last_quantity),
        bid_price=price_text(market, best.bid),
        bid_qty=quantity_text(market, best.bid_quantity),
        ask_price=price_text(market, best.ask),
        ask_qty=quantity_text(market, best.ask_quantity),
    )


def _changes(market: Market, window: Ticker) -> dict[str, Any]:
    """What both of the above tell."""
    return msgspec.structs.asdict(mini_ticker(market, window)) | {
        "price_change": price_text(market, window.close - window.open),
        "price_change_percent": percent_text(window.open, window.close),
        "weighted_avg_price": average_text(market, window.quantity, window.notional),
    }
