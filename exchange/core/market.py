"""Assets and markets, and the only rounding in the house: notional (exact) and fee (down)."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from exchange.core.units import (
    MAX_STORED,
    MILLION,
    Amount,
    AssetId,
    MarketId,
    Ppm,
    Price,
    Quantity,
)


class MarketPhase(IntEnum):
    """What a market lets in.

    PRE_OPEN: listed and visible; no orders yet, cancels work. OPEN: everything. POST_ONLY: orders that rest, and
    cancels. CANCEL_ONLY: cancels. HALTED: nothing, the book stands as it is.
    """

    PRE_OPEN = 1
    OPEN = 2
    POST_ONLY = 3
    CANCEL_ONLY = 4
    HALTED = 5


class Asset(msgspec.Struct, frozen=True, gc=False):
    """An asset and its ledger scale: one unit is 10**`decimals` atoms."""

    id: AssetId
    code: str
    decimals: int


class Market(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The rules of one market.

    `tick_atoms`: quote atoms per whole base unit that one tick is worth. `lot_atoms`: base atoms per lot.
    `unit`: quote atoms of one tick times one lot, a whole number (else the market is refused), so that every
    notional is exact. Prices are in ticks, quantities in lots, notionals in quote atoms.
    `band_up` and `band_down` bound a limit price as ppm of the last price (0: no band).
    `slack` is how far, as ppm of the stop price, a triggered market order may walk.
    `iceberg_parts` is into how many parts an iceberg may fall at most, `max_amendments` how often an order may be
    made smaller. Trailing deltas are in basis points. `max_position` is how many lots of base an account's balance
    and its open buys may come to (0: no limit).
    """

    id: MarketId
    symbol: str
    base: AssetId
    quote: AssetId
    base_decimals: int
    quote_decimals: int
    tick_atoms: int
    lot_atoms: int
    unit: int
    min_price: Price
    max_price: Price
    min_quantity: Quantity
    max_quantity: Quantity
    max_market_quantity: Quantity
    min_notional: Amount
    max_notional: Amount
    maker_fee: Ppm
    taker_fee: Ppm
    reference: Price
    band_up: Ppm = Ppm(5_000_000)
    band_down: Ppm = Ppm(200_000)
    slack: Ppm = Ppm(50_000)
    max_orders: int = 200_000
    max_algo_orders: int = 1_000
    max_iceberg_orders: int = 5
    iceberg_parts: int = 10
    max_amendments: int = 10
    max_order_lists: int = 20
    min_trailing_delta: int = 10
    max_trailing_delta: int = 2_000
    max_position: Quantity = Quantity(0)


def tick_unit(tick_atoms: int, lot_atoms: int, base_decimals: int) -> int | None:
    """Quote atoms of one tick times one lot, or None where that is not a whole number."""
    unit, rest = divmod(tick_atoms * lot_atoms, 10**base_decimals)
    return unit if unit and not rest else None


def rules_error(market: Market) -> str | None:
    """Why these rules cannot be listed, or None. Checked once, when a market is listed or changed."""
    if tick_unit(market.tick_atoms, market.lot_atoms, market.base_decimals) != market.unit:
        return "tick size times lot size is finer than the quote asset's smallest unit"
    if market.base == market.quote:
        return "base and quote are the same asset"
    if not 0 < market.min_price <= market.reference <= market.max_price:
        return "the reference price lies outside the price limits"
    if market.max_price > MAX_STORED or min(market.tick_atoms, market.lot_atoms) < 1:
        return "a tick, a lot or a price does not fit the ledger"
    if not 0 < market.min_quantity <= market.max_quantity or market.max_market_quantity < 1:
        return "the quantity limits contradict each other"
    if not 0 <= market.min_notional <= market.max_notional <= MAX_STORED >> 1:
        return "the notional limits contradict each other, or do not fit the ledger"
    if market.max_quantity * market.lot_atoms > MAX_STORED >> 1:
        return "the largest quantity does not fit the ledger"
    if not (0 <= market.maker_fee < MILLION and 0 <= market.taker_fee < MILLION):
        return "a fee must be at least 0 and below 100 %"
    if min(market.band_up, market.band_down, market.slack, market.max_orders, market.max_algo_orders) < 0:
        return "bands, slack and order limits cannot be negative"
    if 0 < market.band_up < MILLION or market.band_down > MILLION:
        return "the price band shuts out the last price"
    return _special_error(market)


def _special_error(market: Market) -> str | None:
    if min(market.max_iceberg_orders, market.max_amendments, market.max_order_lists, market.max_position) < 0:
        return "limits of icebergs, amendments, lists and positions cannot be negative"
    if market.iceberg_parts < 1 or not 0 < market.min_trailing_delta <= market.max_trailing_delta < 10_000:
        return "an iceberg has a part at least, and a trailing delta lies between 0 and 100 %"
    return None


def notional(market: Market, price: Price, quantity: Quantity) -> Amount:
    """What `quantity` lots cost at `price` ticks, in quote atoms: exact."""
    return Amount(price * quantity * market.unit)


def fee(received: int, rate: Ppm) -> Amount:
    """The fee on an amount received, in the same asset, rounded down: nobody pays more than the stated rate."""
    return Amount(received * rate // MILLION)
