"""Methods of the WebSocket API that are endpoints of the main door under another name, and those not here yet."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.api.endpoints import general
from exchange.api.http_routes import Route, find

ENDPOINTS: Final[dict[str, Route]] = {
    "ping": find("GET", "/api/v3/ping"),
    "time": find("GET", "/api/v3/time"),
    "exchangeInfo": msgspec.structs.replace(find("GET", "/api/v3/exchangeInfo"), call=general.exchange_info_to_sockets),
    "depth": find("GET", "/api/v3/depth"),
    "trades.recent": find("GET", "/api/v3/trades"),
    "trades.historical": find("GET", "/api/v3/historicalTrades"),
    "trades.aggregate": find("GET", "/api/v3/aggTrades"),
    "klines": find("GET", "/api/v3/klines"),
    "uiKlines": find("GET", "/api/v3/uiKlines"),
    "avgPrice": find("GET", "/api/v3/avgPrice"),
    "ticker.24hr": find("GET", "/api/v3/ticker/24hr"),
    "ticker.price": find("GET", "/api/v3/ticker/price"),
    "ticker.book": find("GET", "/api/v3/ticker/bookTicker"),
    "ticker": find("GET", "/api/v3/ticker"),
    "ticker.tradingDay": find("GET", "/api/v3/ticker/tradingDay"),
    "blockTrades.historical": find("GET", "/api/v3/historicalBlockTrades"),
    "executionRules": find("GET", "/api/v3/executionRules"),
    "referencePrice": find("GET", "/api/v3/referencePrice"),
    "referencePrice.calculation": find("GET", "/api/v3/referencePrice/calculation"),
    "order.place": find("POST", "/api/v3/order"),
    "order.test": find("POST", "/api/v3/order/test"),
    "order.status": find("GET", "/api/v3/order"),
    "order.cancel": find("DELETE", "/api/v3/order"),
    "order.cancelReplace": find("POST", "/api/v3/order/cancelReplace"),
    "order.amend.keepPriority": find("PUT", "/api/v3/order/amend/keepPriority"),
    "order.amendments": find("GET", "/api/v3/order/amendments"),
    "myPreventedMatches": find("GET", "/api/v3/myPreventedMatches"),
    "openOrders.status": find("GET", "/api/v3/openOrders"),
    "openOrders.cancelAll": find("DELETE", "/api/v3/openOrders"),
    "allOrders": find("GET", "/api/v3/allOrders"),
    "orderList.place": find("POST", "/api/v3/order/oco"),
    "orderList.place.oco": find("POST", "/api/v3/orderList/oco"),
    "orderList.place.oto": find("POST", "/api/v3/orderList/oto"),
    "orderList.place.otoco": find("POST", "/api/v3/orderList/otoco"),
    "orderList.status": find("GET", "/api/v3/orderList"),
    "orderList.cancel": find("DELETE", "/api/v3/orderList"),
    "openOrderLists.status": find("GET", "/api/v3/openOrderList"),
    "allOrderLists": find("GET", "/api/v3/allOrderList"),
    "myTrades": find("GET", "/api/v3/myTrades"),
    "account.status": find("GET", "/api/v3/account"),
    "account.commission": find("GET", "/api/v3/account/commission"),
    "myAllocations": find("GET", "/api/v3/myAllocations"),
    "myFilters": find("GET", "/api/v3/myFilters"),
    "userDataStream.start": find("POST", "/api/v3/userDataStream"),
    "userDataStream.ping": find("PUT", "/api/v3/userDataStream"),
    "userDataStream.stop": find("DELETE", "/api/v3/userDataStream"),
    "account.rateLimits.orders": find("GET", "/api/v3/rateLimit/order"),
}
"""What each weighs, takes and asks of its caller, and who answers it, is the endpoint's affair."""

LATER: Final = frozenset(
    [
        "orderList.place.opo",
        "orderList.place.opoco",
        "sor.order.place",
        "sor.order.test",
    ]
)
"""Methods of the dialect that are not here yet: refused by name."""
