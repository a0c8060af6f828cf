"""From trades, levels, candles and days to what market streams say of them."""

from __future__ import annotations

from exchange.api.stream_wire import (
    AggregateMessage,
    AverageMessage,
    BookTickerMessage,
    KlineBody,
    KlineMessage,
    MiniTickerMessage,
    Pairs,
    PartialMessage,
    TickerMessage,
    TradeMessage,
    WindowMessage,
)
from exchange.core.market import Market
from exchange.core.orders import Side
from exchange.core.units import Micros, Seq
from exchange.ledger.rows import TradeRow
from exchange.market_data.bars import Bar
from exchange.market_data.depth import Best, DepthSnapshot
from exchange.market_data.intervals import Interval
from exchange.market_data.printing import average_text, notional_text, percent_text, price_text, quantity_text
from exchange.market_data.ticker import Ticker


def milliseconds(time: Micros) -> int:
    """A time as the dialect tells it."""
    return time // 1000


def trade_message(market: Market, row: TradeRow) -> TradeMessage:
    """One fill."""
    time = milliseconds(row.time)
    price, quantity = price_text(market, row.price), quantity_text(market, row.quantity)
    return TradeMessage("trade", time, market.symbol, row.id, price, quantity, time, row.taker_side == Side.SELL)


def aggregate_message(market: Market, rows: list[TradeRow]) -> AggregateMessage:
    """The fills of one taker order at one price, by ascending id."""
    first, last = rows[0], rows[-1]
    time = milliseconds(last.time)
    return AggregateMessage(
        "aggTrade",
        time,
        market.symbol,
        first.aggregate,
        price_text(market, first.price),
        quantity_text(market, sum(row.quantity for row in rows)),
        first.id,
        last.id,
        time,
        first.taker_side == Side.SELL,
    )


def book_ticker_message(market: Market, update: Seq, best: Best) -> BookTickerMessage:
    """The best bid and ask as of that update."""
    return BookTickerMessage(
        update,
        market.symbol,
        price_text(market, best.bid),
        quantity_text(market, best.bid_quantity),
        price_text(market, best.ask),
        quantity_text(market, best.ask_quantity),
    )


def pairs(market: Market, levels: list[tuple[int, int]]) -> Pairs:
    """Levels in ticks and lots as strings."""
    return [(price_text(market, price), quantity_text(market, quantity)) for price, quantity in levels]


def partial_message(market: Market, snapshot: DepthSnapshot) -> PartialMessage:
    """The best levels of each side."""
    bids, asks = pairs(market, snapshot.bids), pairs(market, snapshot.asks)  # type: ignore[arg-type]
    return PartialMessage(snapshot.last_update_id, bids, asks)


def kline_message(market: Market, interval: Interval, bar: Bar, now: Micros, *, over: bool) -> KlineMessage:
    """A candle as it stands at `now`."""
    body = KlineBody(
        milliseconds(bar.start),
        milliseconds(interval.end(bar.start)) - 1,
        market.symbol,
        interval.length,
        bar.first_trade,
        bar.last_trade,
        price_text(market, bar.open),
        price_text(market, bar.close),
        price_text(market, bar.high),
        price_text(market, bar.low),
        quantity_text(market, bar.quantity),
        bar.count,
        over,
        notional_text(market, bar.notional),
        quantity_text(market, bar.taker_buy_quantity),
        notional_text(market, bar.taker_buy_notional),
    )
    return KlineMessage("kline", milliseconds(now), market.symbol, body)


def mini_ticker_message(market: Market, ticker: Ticker) -> MiniTickerMessage:
    """Prices and volumes of the last 24 hours."""
    return MiniTickerMessage(
        "24hrMiniTicker",
        milliseconds(ticker.closed),
        market.symbol,
        price_text(market, ticker.close),
        price_text(market, ticker.open),
        price_text(market, ticker.high),
        price_text(market, ticker.low),
        quantity_text(market, ticker.quantity),
        notional_text(market, ticker.notional),
    )


def ticker_message(market: Market, ticker: Ticker, best: Best, last_quantity: int) -> TickerMessage:
    """The last 24 hours in full; `last_quantity` is that of the last trade."""
    return TickerMessage(
        "24hrTicker",
        milliseconds(ticker.closed),
        market.symbol,
        price_text(market, ticker.close - ticker.open),
        percent_text(ticker.open, ticker.close),
        average_text(market, ticker.quantity, ticker.notional),
        price_text(market, ticker.before),
        price_text(market, ticker.close),
        quantity_text(market, last_quantity),
        price_text(market, best.bid),
        quantity_text(market, best.bid_quantity),
        price_text(market, best.ask),
        quantity_text(market, best.ask_quantity),
        price_text(market, ticker.open),
        price_text(market, ticker.high),
        price_text(market, ticker.low),
        quantity_text(market, ticker.quantity),
        notional_text(market, ticker.notional),
        milliseconds(ticker.opened),
        milliseconds(ticker.closed),
        ticker.first_trade,
        ticker.last_trade,
        ticker.count,
    )


def window_message(market: Market, name: str, window: Ticker) -> WindowMessage:
    """A window of time, from the minute in which it began."""
    return WindowMessage(
        f"{name}Ticker",
        milliseconds(window.closed),
        market.symbol,
        price_text(market, window.close - window.open),
        percent_text(window.open, window.close),
        price_text(market, window.open),
        price_text(market, window.high),
        price_text(market, window.low),
        price_text(market, window.close),
        average_text(market, window.quantity, window.notional),
        quantity_text(market, window.quantity),
        notional_text(market, window.notional),
        milliseconds(window.opened),
        milliseconds(window.closed),
        window.first_trade,
        window.last_trade,
        window.count,
    )


def average_message(market: Market, quantity: int, notional: int, last: TradeRow, now: Micros) -> AverageMessage:
    """The mean price of the last five minutes; without trades in them, the last price."""
    price = average_text(market, quantity, notional, last.price)
    return AverageMessage("avgPrice", milliseconds(now), market.symbol, "5m", price, milliseconds(last.time))
