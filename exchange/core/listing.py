"""Market presets in decimal numbers, as people write them -> assets and rules in ticks, lots and atoms."""

from __future__ import annotations

import msgspec

from exchange.core.decimals import Malformed, parse
from exchange.core.market import Asset, Market, MarketPhase, rules_error, tick_unit
from exchange.core.units import Amount, MarketId, Ppm, Price, Quantity


class AssetPreset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An asset to list; `decimals` is its ledger scale."""

    code: str
    decimals: int


class MarketPreset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A market to list. Prices and notionals are in the quote asset, quantities in the base asset, rates in ppm.

    Trailing deltas are in basis points. The limits are each account's in this market; a `max_position` of 0 is none.
    """

    symbol: str
    base: str
    quote: str
    tick: str
    lot: str
    reference: str
    max_price: str
    max_quantity: str
    min_notional: str = "0"
    max_notional: str
    maker_fee_ppm: int = 1_000
    taker_fee_ppm: int = 1_000
    band_up_ppm: int = 5_000_000
    band_down_ppm: int = 200_000
    slack_ppm: int = 50_000
    max_orders: int = 200
    max_algo_orders: int = 5
    max_iceberg_orders: int = 5
    iceberg_parts: int = 10
    max_amendments: int = 10
    max_order_lists: int = 20
    min_trailing_delta: int = 10
    max_trailing_delta: int = 2_000
    max_position: str = "0"
    phase: str = "OPEN"


class Presets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of presets."""

    asset: tuple[AssetPreset, ...] = ()
    market: tuple[MarketPreset, ...] = ()


class BadPreset(Exception):
    """A preset cannot be listed; the message names the market, the field and the fault."""


def check_symbol(symbol: str) -> None:
    """Raise `BadPreset` for a symbol that no client could ask for."""
    if not (1 <= len(symbol) <= 20 and symbol.isascii() and symbol.isalnum() and symbol == symbol.upper()):
        raise BadPreset(
            f"{symbol!r}: a symbol is 1 to 20 capital letters and digits, such as BTCUSDT. It was not listed."
        )


def rules_of(preset: MarketPreset, base: Asset, quote: Asset) -> Market:
    """The rules of a preset, its id still 0. Raises `BadPreset`."""
    check_symbol(preset.symbol)

    def atoms(field: str, asset: Asset) -> int:
        value = parse(getattr(preset, field), asset.decimals)
        if isinstance(value, Malformed):
            raise BadPreset(f"{preset.symbol}: {field} = {getattr(preset, field)!r}: {value.value}")
        return value

    def steps(field: str, asset: Asset, step: int) -> int:
        whole, rest = divmod(atoms(field, asset), step)
        if rest:
            raise BadPreset(f"{preset.symbol}: {field} is not a multiple of its step")
        return whole

    tick, lot = atoms("tick", quote), atoms("lot", base)
    unit = tick_unit(tick, lot, base.decimals) if tick and lot else None
    if unit is None:
        raise BadPreset(f"{preset.symbol}: tick times lot is finer than the smallest unit of {quote.code}")
    rules = Market(
        id=MarketId(0),
        symbol=preset.symbol,
        base=base.id,
        quote=quote.id,
        base_decimals=base.decimals,
        quote_decimals=quote.decimals,
        tick_atoms=tick,
        lot_atoms=lot,
        unit=unit,
        min_price=Price(1),
        max_price=Price(steps("max_price", quote, tick)),
        min_quantity=Quantity(1),
        max_quantity=Quantity(steps("max_quantity", base, lot)),
        max_market_quantity=Quantity(steps("max_quantity", base, lot)),
        min_notional=Amount(atoms("min_notional", quote)),
        max_notional=Amount(atoms("max_notional", quote)),
        maker_fee=Ppm(preset.maker_fee_ppm),
        taker_fee=Ppm(preset.taker_fee_ppm),
        reference=Price(steps("reference", quote, tick)),
        band_up=Ppm(preset.band_up_ppm),
        band_down=Ppm(preset.band_down_ppm),
        slack=Ppm(preset.slack_ppm),
        max_orders=preset.max_orders,
        max_algo_orders=preset.max_algo_orders,
        max_iceberg_orders=preset.max_iceberg_orders,
        iceberg_parts=preset.iceberg_parts,
        max_amendments=preset.max_amendments,
        max_order_lists=preset.max_order_lists,
        min_trailing_delta=preset.min_trailing_delta,
        max_trailing_delta=preset.max_trailing_delta,
        max_position=Quantity(steps("max_position", base, lot)),
    )
    fault = rules_error(rules)
    if fault is not None:
        raise BadPreset(f"{preset.symbol}: {fault}")
    return rules


def phase_of(preset: MarketPreset) -> MarketPhase:
    """The phase in which the market starts. Raises `BadPreset`."""
    if preset.phase not in MarketPhase.__members__:
        raise BadPreset(f"{preset.symbol}: phase {preset.phase!r} is none of {', '.join(MarketPhase.__members__)}")
    return MarketPhase[preset.phase]
