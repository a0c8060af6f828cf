"""The reply of `exchangeInfo`: limits, markets and their filters. Only what the core enforces is listed."""

from __future__ import annotations

import msgspec

from exchange.api.amounts import price_text, quantity_text, quote_text
from exchange.api.limits import Limits
from exchange.api.parameters import SymbolStatus
from exchange.core.decimals import render
from exchange.core.market import Market
from exchange.core.orders import OrderType, SelfTrade

_RATIO_PLACES = 6


class PriceFilter(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="PRICE_FILTER"):
    min_price: str
    max_price: str
    tick_size: str


class LotSize(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="LOT_SIZE"):
    min_qty: str
    max_qty: str
    step_size: str


class MarketLotSize(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MARKET_LOT_SIZE"):
    min_qty: str
    max_qty: str
    step_size: str


class Notional(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="NOTIONAL"):
    min_notional: str
    max_notional: str
    apply_min_to_market: bool = True
    apply_max_to_market: bool = True
    avg_price_mins: int = 0


class PercentPrice(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="PERCENT_PRICE_BY_SIDE"):
    """Bounds of a limit price as multiples of the last price (0 minutes of averaging)."""

    bid_multiplier_up: str
    bid_multiplier_down: str
    ask_multiplier_up: str
    ask_multiplier_down: str
    avg_price_mins: int = 0


class MaxOrders(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MAX_NUM_ORDERS"):
    max_num_orders: int


class MaxAlgoOrders(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MAX_NUM_ALGO_ORDERS"):
    max_num_algo_orders: int


class IcebergParts(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="ICEBERG_PARTS"):
    limit: int


class MaxIcebergs(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MAX_NUM_ICEBERG_ORDERS"):
    max_num_iceberg_orders: int


class TrailingDelta(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="TRAILING_DELTA"):
    """In basis points; the same whether the market has to come up or down to the order."""

    min_trailing_above_delta: int
    max_trailing_above_delta: int
    min_trailing_below_delta: int
    max_trailing_below_delta: int


class MaxAmends(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MAX_NUM_ORDER_AMENDS"):
    max_num_order_amends: int


class MaxOrderLists(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MAX_NUM_ORDER_LISTS"):
    max_num_order_lists: int


class MaxPosition(msgspec.Struct, frozen=True, rename="camel", tag_field="filterType", tag="MAX_POSITION"):
    max_position: str


Filter = (
    PriceFilter
    | LotSize
    | IcebergParts
    | MarketLotSize
    | Notional
    | PercentPrice
    | TrailingDelta
    | MaxOrders
    | MaxAlgoOrders
    | MaxIcebergs
    | MaxAmends
    | MaxOrderLists
    | MaxPosition
)


class RateLimit(msgspec.Struct, frozen=True, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int


class SymbolInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One market. `filters[0]` is the price filter: there is a client that counts on it."""

    symbol: str
    status: str
    base_asset: str
    base_asset_precision: int
    quote_asset: str
    quote_precision: int
    quote_asset_precision: int
    base_commission_precision: int
    quote_commission_precision: int
    order_types: list[str]
    iceberg_allowed: bool = True
    oco_allowed: bool = True
    oto_allowed: bool = True
    opo_allowed: bool = False
    quote_order_qty_market_allowed: bool = True
    allow_trailing_stop: bool = True
    cancel_replace_allowed: bool = True
    amend_allowed: bool = True
    peg_instructions_allowed: bool = False
    is_spot_trading_allowed: bool = True
    is_margin_trading_allowed: bool = False
    filters: list[Filter]
    permissions: list[str]
    permission_sets: list[list[str]]
    default_self_trade_prevention_mode: str
    allowed_self_trade_prevention_modes: list[str]


class MyFilters(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    exchange_filters: list[object] = []
    symbol_filters: list[Filter]
    asset_filters: list[object] = []


class ExchangeInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    timezone: str = "UTC"
    server_time: int
    rate_limits: list[RateLimit]
    exchange_filters: list[object] = []
    symbols: list[SymbolInfo]


def rate_limits(limits: Limits) -> list[RateLimit]:
    """The limits in force; none when they are lifted."""
    if not limits.weight_limit:
        return []
    orders = [RateLimit("ORDERS", one.interval, one.number, one.limit) for one in limits.order_limits if one.limit]
    return [RateLimit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_limit), *orders]


def connection_limits(limits: Limits) -> list[RateLimit]:
    """How often an address may try to open a WebSocket; nothing when that is lifted."""
    return [RateLimit("CONNECTIONS", "MINUTE", 5, limits.attempt_limit)] if limits.attempt_limit else []


def symbol_info(
    market: Market, codes: tuple[str, str], status: SymbolStatus, *, post_only: bool, with_sets: bool
) -> SymbolInfo:
    """The rules of one market as they stand; `codes` are its base and quote assets."""
    types = [OrderType.LIMIT_MAKER] if post_only else list(OrderType)
    return SymbolInfo(
        symbol=market.symbol,
        status=status.name,
        base_asset=codes[0],
        base_asset_precision=market.base_decimals,
        quote_asset=codes[1],
        quote_precision=market.quote_decimals,
        quote_asset_precision=market.quote_decimals,
        base_commission_precision=market.base_decimals,
        quote_commission_precision=market.quote_decimals,
        order_types=[kind.name for kind in types],
        filters=filters_of(market),
        permissions=["SPOT"],
        permission_sets=[["SPOT"]] if with_sets else [],
        default_self_trade_prevention_mode=SelfTrade.EXPIRE_MAKER.name,
        allowed_self_trade_prevention_modes=[mode.name for mode in SelfTrade],
    )


def filters_of(market: Market) -> list[Filter]:
    """The market's rules as filters, the price filter first."""
    lot = quantity_text(market, 1)
    least = quantity_text(market, market.min_quantity)
    most_at_market = quantity_text(market, min(market.max_quantity, market.max_market_quantity))
    found: list[Filter] = [
        PriceFilter(price_text(market, market.min_price), price_text(market, market.max_price), price_text(market, 1)),
        LotSize(least, quantity_text(market, market.max_quantity), lot),
        MarketLotSize(least, most_at_market, lot),
        Notional(quote_text(market, market.min_notional), quote_text(market, market.max_notional)),
    ]
    if market.band_up or market.band_down:
        # Without an upper band the highest price is the bound; its multiple of one tick is beyond any last price.
        up = render(market.band_up or market.max_price * 10**_RATIO_PLACES, _RATIO_PLACES)
        down = render(market.band_down, _RATIO_PLACES)
        found.append(PercentPrice(up, down, up, down))
    nearest, farthest = market.min_trailing_delta, market.max_trailing_delta
    found += [
        IcebergParts(market.iceberg_parts),
        TrailingDelta(nearest, farthest, nearest, farthest),
        MaxOrders(market.max_orders),
        MaxAlgoOrders(market.max_algo_orders),
        MaxIcebergs(market.max_iceberg_orders),
        MaxAmends(market.max_amendments),
        MaxOrderLists(market.max_order_lists),
    ]
    if market.max_position:
        found.append(MaxPosition(quantity_text(market, market.max_position)))
    return found
