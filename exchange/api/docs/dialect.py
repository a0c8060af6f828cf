"""What the dialect has as of November 2026, by name, so that what is not here can be told: facts, and no more."""

from __future__ import annotations

from typing import Final

AS_OF: Final = "2026-11-22"

ROUTES: Final = tuple(
    tuple(line.split())
    for line in """
DELETE /api/v3/openOrders
DELETE /api/v3/order
DELETE /api/v3/orderList
GET /api/v3/account
GET /api/v3/account/commission
GET /api/v3/aggTrades
GET /api/v3/allOrderList
GET /api/v3/allOrders
GET /api/v3/avgPrice
GET /api/v3/depth
GET /api/v3/exchangeInfo
GET /api/v3/executionRules
GET /api/v3/historicalBlockTrades
GET /api/v3/historicalTrades
GET /api/v3/klines
GET /api/v3/myAllocations
GET /api/v3/myFilters
GET /api/v3/myPreventedMatches
GET /api/v3/myTrades
GET /api/v3/openOrderList
GET /api/v3/openOrders
GET /api/v3/order
GET /api/v3/order/amendments
GET /api/v3/orderList
GET /api/v3/ping
GET /api/v3/rateLimit/order
GET /api/v3/referencePrice
GET /api/v3/referencePrice/calculation
GET /api/v3/ticker
GET /api/v3/ticker/24hr
GET /api/v3/ticker/bookTicker
GET /api/v3/ticker/price
GET /api/v3/ticker/tradingDay
GET /api/v3/time
GET /api/v3/trades
GET /api/v3/uiKlines
POST /api/v3/order
POST /api/v3/order/cancelReplace
POST /api/v3/order/oco
POST /api/v3/order/test
POST /api/v3/orderList/oco
POST /api/v3/orderList/opo
POST /api/v3/orderList/opoco
POST /api/v3/orderList/oto
POST /api/v3/orderList/otoco
POST /api/v3/sor/order
POST /api/v3/sor/order/test
PUT /api/v3/order/amend/keepPriority
POST /api/v3/userDataStream
PUT /api/v3/userDataStream
DELETE /api/v3/userDataStream
""".strip().splitlines()
)
"""(method, path) of the spot API."""

METHODS: Final = frozenset(
    [
        "account.commission",
        "account.rateLimits.orders",
        "account.status",
        "allOrderLists",
        "allOrders",
        "avgPrice",
        "blockTrades.historical",
        "depth",
        "exchangeInfo",
        "executionRules",
        "klines",
        "myAllocations",
        "myFilters",
        "myPreventedMatches",
        "myTrades",
        "openOrderLists.status",
        "openOrders.cancelAll",
        "openOrders.status",
        "order.amend.keepPriority",
        "order.amendments",
        "order.cancel",
        "order.cancelReplace",
        "order.place",
        "order.status",
        "order.test",
        "orderList.cancel",
        "orderList.place",
        "orderList.place.oco",
        "orderList.place.opo",
        "orderList.place.opoco",
        "orderList.place.oto",
        "orderList.place.otoco",
        "orderList.status",
        "ping",
        "referencePrice",
        "referencePrice.calculation",
        "session.logon",
        "session.logout",
        "session.status",
        "session.subscriptions",
        "sor.order.place",
        "sor.order.test",
        "ticker",
        "ticker.24hr",
        "ticker.book",
        "ticker.price",
        "ticker.tradingDay",
        "time",
        "trades.aggregate",
        "trades.historical",
        "trades.recent",
        "uiKlines",
        "userDataStream.subscribe",
        "userDataStream.subscribe.signature",
        "userDataStream.unsubscribe",
        "userDataStream.start",
        "userDataStream.ping",
        "userDataStream.stop",
    ]
)

STREAMS: Final = (
    "{symbol}@aggTrade",
    "{symbol}@trade",
    "{symbol}@blockTrade",
    "{symbol}@kline_{interval}",
    "{symbol}@kline_{interval}@+08:00",
    "{symbol}@miniTicker",
    "!miniTicker@arr",
    "{symbol}@ticker",
    "!ticker@arr",
    "{symbol}@ticker_{window}",
    "!ticker_{window}@arr",
    "{symbol}@bookTicker",
    "{symbol}@avgPrice",
    "{symbol}@referencePrice",
    "{symbol}@depth{levels}",
    "{symbol}@depth{levels}@{speed}",
    "{symbol}@depth",
    "{symbol}@depth@{speed}",
)

ORDER_TYPES: Final = (
    *("LIMIT", "MARKET", "LIMIT_MAKER"),
    *("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
)
TIMES_IN_FORCE: Final = ("GTC", "IOC", "FOK")
SELF_TRADE: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
ORDER_PARAMETERS: Final = (
    *("symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "strategyId"),
    *("strategyType", "stopPrice", "trailingDelta", "icebergQty", "newOrderRespType", "selfTradePreventionMode"),
    *("pegPriceType", "pegOffsetValue", "pegOffsetType"),
)
FILTERS: Final = (
    *("PRICE_FILTER", "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE", "LOT_SIZE", "MIN_NOTIONAL", "NOTIONAL"),
    *("ICEBERG_PARTS", "MARKET_LOT_SIZE", "MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS"),
    *("MAX_POSITION", "TRAILING_DELTA", "MAX_NUM_ORDER_AMENDS", "MAX_NUM_ORDER_LISTS"),
)
