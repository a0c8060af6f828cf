"""The table of all HTTP endpoints: method, path, who may ask, what it weighs, what it takes, who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, Final

import msgspec

from exchange.api import errors
from exchange.api.endpoints import (
    account,
    allow_list,
    amending,
    batch,
    cancel_replace,
    countdown,
    custody,
    general,
    list_requests,
    market_data,
    order_lists,
    orders,
    records,
    standing,
    tickers,
    trial,
    wallet,
)
from exchange.api.endpoints.account import ListenKeyRequest, MyTrades, Nothing
from exchange.api.endpoints.orders import MaybeOneMarket, NamedOrder, OneMarket
from exchange.api.endpoints.sizing import NewOrder
from exchange.api.errors import Refused
from exchange.api.retiring import Retiring
from exchange.api.submission import Submission
from exchange.office.keys import Scope

Weight = int | Callable[[Any], int]


class Security(Enum):
    """What a request must prove: nothing, a key, or a signature by a key with a scope."""

    NONE = None
    KEY = "key"
    READ = Scope.READ
    TRADE = Scope.TRADE
    WITHDRAW = Scope.WITHDRAW


class Route(msgspec.Struct, frozen=True):
    """One endpoint. `counts_orders`: its answer tells how many orders the account has placed.

    `begin` is the synchronous half of `call`, where it has one.
    A weight that depends on the request is a function whose docstring says it in words, for /docs.
    `retiring`: when it goes, if it does.
    """

    method: str
    path: str
    security: Security
    weight: Weight
    takes: type[msgspec.Struct]
    call: Callable[..., Awaitable[Any]]
    counts_orders: bool = False
    begin: Callable[..., Submission] | None = None
    retiring: Retiring | None = None
    scope: Scope | None = None

    def __post_init__(self) -> None:
        """`scope` is what the caller's key must be allowed, where there must be a caller."""
        value = self.security.value
        msgspec.structs.force_setattr(self, "scope", value if isinstance(value, Scope) else None)

    def weigh(self, request: msgspec.Struct) -> int:
        """What this request costs its address."""
        return self.weight if isinstance(self.weight, int) else self.weight(request)


def _depth_weight(request: market_data.DepthRequest) -> int:
    """5 up to 100 levels, 25 up to 500, 50 up to 1,000, 250 beyond."""
    return next((weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if request.limit <= most), 250)


def _day_weight(request: tickers.DayRequest) -> int:
    """2 for up to 20 markets, 40 for up to 100, 80 for more or all."""
    if request.symbol is not None:
        return 2
    count = len(request.symbols) if request.symbols is not None else 101
    return 2 if count <= 20 else 40 if count <= 100 else 80


def _ticker_weight(request: tickers.TickerRequest) -> int:
    """2 for one market, 4 for several or all."""
    return 2 if request.symbol is not None else 4


def _window_weight(request: tickers.DayRequest) -> int:
    """4 a market, at most 200."""
    return min(4 * len(request.symbols or "1"), 200)


def _rules_weight(request: market_data.RulesRequest) -> int:
    """2 a market, at most 40; 40 for all."""
    if request.symbol is not None:
        return 2
    return min(2 * len(request.symbols), 40) if request.symbols is not None else 40


def _trial_weight(request: trial.TrialOrder) -> int:
    """1, or 20 with `computeCommissionRates`."""
    return 20 if request.compute_commission_rates else 1


def _open_weight(request: MaybeOneMarket) -> int:
    """6 for one market, 80 for all."""
    return 6 if request.symbol is not None else 80


def _prevented_weight(request: amending.PreventedRequest) -> int:
    """2 by number, 20 by order."""
    return 2 if request.prevented_match_id is not None else 20


def _trades_weight(request: MyTrades) -> int:
    """5 for one order's trades, else 20."""
    return 5 if request.order_id is not None else 20


def _batch_weight(request: batch.BatchRequest) -> int:
    """1 for each entry."""
    return len(request.batch_orders)


_NONE, _KEY, _READ, _TRADE = Security.NONE, Security.KEY, Security.READ, Security.TRADE
_WITHDRAW = Security.WITHDRAW

ROUTES: Final = (
    Route("GET", "/api/v3/ping", _NONE, 1, Nothing, general.ping),
    Route("GET", "/api/v3/time", _NONE, 1, Nothing, general.server_time),
    Route("GET", "/api/v3/exchangeInfo", _NONE, 20, general.InfoRequest, general.exchange_info),
    Route("GET", "/api/v3/depth", _NONE, _depth_weight, market_data.DepthRequest, market_data.depth),
    Route("GET", "/api/v3/trades", _NONE, 25, market_data.TradesRequest, market_data.trades),
    Route("GET", "/api/v3/historicalTrades", _NONE, 25, market_data.HistoryRequest, market_data.old_trades),
    Route("GET", "/api/v3/aggTrades", _NONE, 4, market_data.AggregateRequest, market_data.aggregates),
    Route("GET", "/api/v3/klines", _NONE, 2, market_data.KlineRequest, market_data.klines),
    Route("GET", "/api/v3/uiKlines", _NONE, 2, market_data.KlineRequest, market_data.klines),
    Route("GET", "/api/v3/avgPrice", _NONE, 2, OneMarket, market_data.average_price),
    Route("GET", "/api/v3/ticker/24hr", _NONE, _day_weight, tickers.DayRequest, tickers.day_tickers),
    Route("GET", "/api/v3/ticker/price", _NONE, _ticker_weight, tickers.TickerRequest, tickers.prices),
    Route("GET", "/api/v3/ticker/bookTicker", _NONE, _ticker_weight, tickers.TickerRequest, tickers.book_tickers),
    Route("GET", "/api/v3/ticker", _NONE, _window_weight, tickers.WindowRequest, tickers.windows),
    Route("GET", "/api/v3/ticker/tradingDay", _NONE, _window_weight, tickers.TradingDayRequest, tickers.trading_days),
    Route("GET", "/api/v3/historicalBlockTrades", _NONE, 25, market_data.BlockTradesRequest, market_data.block_trades),
    Route("GET", "/api/v3/executionRules", _NONE, _rules_weight, market_data.RulesRequest, market_data.execution_rules),
    Route("GET", "/api/v3/referencePrice", _NONE, 2, OneMarket, market_data.reference_price),
    Route(
        "GET",
        "/api/v3/referencePrice/calculation",
        _NONE,
        2,
        market_data.CalculationRequest,
        market_data.reference_calculation,
    ),
    Route("POST", "/api/v3/order", _TRADE, 1, NewOrder, orders.place, counts_orders=True, begin=orders.placement),
    Route("POST", "/api/v3/order/test", _TRADE, _trial_weight, trial.TrialOrder, trial.test),
    Route("GET", "/api/v3/order", _READ, 4, NamedOrder, orders.query),
    Route("DELETE", "/api/v3/order", _TRADE, 1, orders.CancelRequest, orders.cancel, begin=orders.cancellation),
    Route(
        "POST",
        "/api/v3/order/cancelReplace",
        _TRADE,
        1,
        cancel_replace.ReplaceRequest,
        cancel_replace.cancel_replace,
        counts_orders=True,
        begin=cancel_replace.replacement,
    ),
    Route("GET", "/api/v3/openOrders", _READ, _open_weight, MaybeOneMarket, orders.list_open),
    Route("DELETE", "/api/v3/openOrders", _TRADE, 1, OneMarket, orders.cancel_all),
    Route("PUT", "/api/v3/order/amend/keepPriority", _TRADE, 4, amending.AmendRequest, amending.amend),
    Route("GET", "/api/v3/order/amendments", _READ, 4, amending.AmendmentsRequest, amending.amendments),
    Route(
        "GET",
        "/api/v3/myPreventedMatches",
        _READ,
        _prevented_weight,
        amending.PreventedRequest,
        amending.prevented_matches,
    ),
    Route("GET", "/api/v3/allOrders", _READ, 20, orders.AllOrders, orders.list_all),
    Route(
        "POST",
        "/api/v3/orderList/oco",
        _TRADE,
        1,
        list_requests.NewOco,
        order_lists.place_oco,
        counts_orders=True,
    ),
    Route(
        "POST",
        "/api/v3/orderList/oto",
        _TRADE,
        1,
        list_requests.NewOto,
        order_lists.place_oto,
        counts_orders=True,
    ),
    Route(
        "POST",
        "/api/v3/orderList/otoco",
        _TRADE,
        1,
        list_requests.NewOtoco,
        order_lists.place_otoco,
        counts_orders=True,
    ),
    Route(
        "POST",
        "/api/v3/order/oco",
        _TRADE,
        1,
        list_requests.OldOco,
        order_lists.place_old_oco,
        counts_orders=True,
    ),
    Route("GET", "/api/v3/orderList", _READ, 4, order_lists.NamedList, order_lists.query),
    Route(
        "DELETE",
        "/api/v3/orderList",
        _TRADE,
        1,
        order_lists.CancelList,
        order_lists.cancel,
        begin=order_lists.cancellation,
    ),
    Route("GET", "/api/v3/openOrderList", _READ, 6, Nothing, order_lists.list_open),
    Route("GET", "/api/v3/allOrderList", _READ, 20, order_lists.AllLists, order_lists.list_all),
    Route("GET", "/api/v3/account", _READ, 20, account.AccountRequest, account.account),
    Route("GET", "/api/v3/account/commission", _READ, 20, OneMarket, account.commission),
    Route("GET", "/api/v3/myTrades", _READ, _trades_weight, MyTrades, account.my_trades),
    Route("GET", "/api/v3/myAllocations", _READ, 20, account.AllocationsRequest, account.allocations),
    Route("GET", "/api/v3/myFilters", _READ, 40, OneMarket, general.my_filters),
    Route("GET", "/api/v3/rateLimit/order", _READ, 40, Nothing, account.order_counts),
    Route("POST", "/api/v3/userDataStream", _KEY, 2, Nothing, account.open_stream),
    Route("PUT", "/api/v3/userDataStream", _KEY, 2, ListenKeyRequest, account.keep_stream),
    Route("DELETE", "/api/v3/userDataStream", _KEY, 2, ListenKeyRequest, account.close_stream),
    Route("GET", "/sapi/v1/system/status", _NONE, 1, Nothing, wallet.system_status),
    Route("GET", "/sapi/v1/capital/config/getall", _READ, 10, Nothing, wallet.coins),
    Route("GET", "/sapi/v1/capital/deposit/address", _READ, 10, custody.AddressRequest, custody.deposit_address),
    Route("GET", "/sapi/v1/capital/deposit/hisrec", _READ, 1, custody.DepositsRequest, custody.deposits),
    Route("GET", "/sapi/v1/capital/withdraw/history", _READ, 1, custody.WithdrawalsRequest, custody.withdrawals),
    Route("POST", "/sapi/v1/capital/withdraw/apply", _WITHDRAW, 1, custody.WithdrawRequest, custody.withdraw),
    Route("GET", "/sapi/v1/capital/withdraw/address/list", _READ, 10, Nothing, allow_list.allowed),
    Route("GET", "/sapi/v1/account/status", _READ, 1, Nothing, standing.status),
    Route("GET", "/sapi/v1/account/apiTradingStatus", _READ, 1, Nothing, standing.trading_status),
    Route("GET", "/sapi/v1/account/apiRestrictions", _READ, 1, Nothing, standing.restrictions),
    Route("GET", "/sapi/v1/asset/tradeFee", _READ, 1, wallet.MaybeSymbol, wallet.trade_fees),
    Route("GET", "/sapi/v1/margin/allPairs", _NONE, 1, Nothing, wallet.no_pairs),
    Route("GET", "/sapi/v1/margin/isolated/allPairs", _NONE, 1, Nothing, wallet.no_pairs),
    Route("GET", "/fapi/v1/exchangeInfo", _NONE, 1, Nothing, wallet.no_futures),
    Route("GET", "/dapi/v1/exchangeInfo", _NONE, 1, Nothing, wallet.no_futures),
)

NOT_HERE: Final = {
    "/api/v3/sor/order": "smart order routing",
    "/api/v3/sor/order/test": "smart order routing",
    "/api/v3/orderList/opo": "one-pays-the-other lists",
    "/api/v3/orderList/opoco": "one-pays-the-other lists",
}
"""Paths of the dialect that are refused by name."""

EXTENSION: Final = (
    Route("GET", "/ext/v1/events", _READ, 10, records.Numbered, records.events),
    Route("GET", "/ext/v1/ledger", _READ, 20, records.LedgerRequest, records.ledger),
    Route("GET", "/ext/v1/deposit/explain", _READ, 5, allow_list.OneTransaction, allow_list.explain_deposit),
    Route("POST", "/ext/v1/withdraw/address", _WITHDRAW, 5, allow_list.NewAddress, allow_list.allow),
    Route("DELETE", "/ext/v1/withdraw/address", _WITHDRAW, 5, allow_list.OldAddress, allow_list.forbid),
    Route("DELETE", "/ext/v1/withdraw", _WITHDRAW, 1, allow_list.OneWithdrawal, allow_list.take_back),
    Route("POST", "/ext/v1/account/freeze", _TRADE, 1, Nothing, allow_list.freeze),
    Route("POST", "/ext/v1/batchOrders", _TRADE, _batch_weight, batch.BatchRequest, batch.batch, counts_orders=True),
    Route(
        "POST",
        "/ext/v1/countdownCancelAll",
        _TRADE,
        1,
        countdown.CountdownRequest,
        countdown.countdown_cancel_all,
    ),
)
"""What the dialect has not; see docs/beyond.md."""

_BY_PATH: Final[dict[str, dict[str, Route]]] = {}
for _route in (*ROUTES, *EXTENSION):
    _BY_PATH.setdefault(_route.path, {})[_route.method] = _route


def find(method: str, path: str) -> Route:
    """The route of that method and path; refused when there is none."""
    methods = _BY_PATH.get(path)
    if methods is None:
        missing = NOT_HERE.get(path)
        raise Refused(errors.NO_SUCH_ROUTE if missing is None else errors.not_here(missing))
    route = methods.get(method)
    if route is None:
        raise Refused(errors.WRONG_METHOD)
    return route
