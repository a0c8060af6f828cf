"""Listing assets and markets from presets, and showing what is listed."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from exchange.core import commands as co
from exchange.core.decimals import render
from exchange.core.listing import BadPreset, Presets, phase_of, rules_of
from exchange.core.performing import Outcome
from exchange.core.state import State
from exchange.ledger import db
from exchange.ledger.restore import restore_markets
from exchange.sequencer import Sequencer


def read_presets(path: Path) -> Presets:
    """The presets in a TOML file. Raises `BadPreset` for anything that cannot be understood."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Presets)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadPreset(f"{path}: {error}. Nothing was changed.") from error


async def list_presets(sequencer: Sequencer, presets: Presets) -> None:
    """List every asset and market that is not listed yet. Raises `BadPreset` at the first that cannot be."""
    known = await sequencer.read(lambda state: {asset.code for asset in state.assets.values()} | set(state.symbols))
    for preset in presets.asset:
        if preset.code not in known:
            _listed(preset.code, await sequencer.call(co.ListAsset(preset.code, preset.decimals)))
    assets = await sequencer.read(lambda state: {asset.code: asset for asset in state.assets.values()})
    for market in presets.market:
        if market.symbol in known:
            continue
        if market.base not in assets or market.quote not in assets:
            raise BadPreset(f"{market.symbol}: {market.base} and {market.quote} must both be listed as assets")
        rules = rules_of(market, assets[market.base], assets[market.quote])
        _listed(market.symbol, await sequencer.call(co.ListMarket(rules, phase_of(market))))


def _listed(name: str, outcome: Outcome) -> None:
    if outcome.reject is not None:
        raise BadPreset(f"{name}: {outcome.reject.text} What was listed before it stays listed.")


def read_markets(ledger: Path) -> State:
    """Assets and markets of a ledger, read beside whoever writes to it; nothing else is filled in."""
    connection = db.open_reader(ledger)
    try:
        state = State()
        with connection:  # one moment, whatever is listed meanwhile
            restore_markets(connection, state)
        return state
    finally:
        connection.close()


def market_table(state: State, match: str, *, as_csv: bool) -> str:
    """All markets whose symbol contains `match`, a line each."""
    rows = [("symbol", "phase", "last", "tick", "lot", "maker_ppm", "taker_ppm")]
    rows += [_market_row(state, symbol) for symbol in sorted(state.symbols) if match in symbol]
    if as_csv:
        return _as_csv(rows)
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _as_csv(rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().rstrip("\n")


def _market_row(state: State, symbol: str) -> tuple[str, str, str, str, str, str, str]:
    book = state.books[state.symbols[symbol]]
    rules = book.rules
    return (
        symbol,
        book.phase.name,
        render(book.last_price * rules.tick_atoms, rules.quote_decimals),
        render(rules.tick_atoms, rules.quote_decimals),
        render(rules.lot_atoms, rules.base_decimals),
        str(rules.maker_fee),
        str(rules.taker_fee),
    )


def market_text(state: State, symbol: str) -> str:
    """One market's rules, a line each, in decimal numbers."""
    book = state.books[state.symbols[symbol]]
    rules = book.rules
    base, quote = state.assets[rules.base].code, state.assets[rules.quote].code

    def price(ticks: int) -> str:
        return f"{render(ticks * rules.tick_atoms, rules.quote_decimals)} {quote}"

    def quantity(lots: int) -> str:
        return f"{render(lots * rules.lot_atoms, rules.base_decimals)} {base}"

    def amount(atoms: int) -> str:
        return f"{render(atoms, rules.quote_decimals)} {quote}"

    lines = {
        "symbol": f"{symbol} ({base} for {quote})",
        "phase": book.phase.name,
        "last price": price(book.last_price),
        "tick size": price(1),
        "lot size": quantity(1),
        "price": f"{price(rules.min_price)} to {price(rules.max_price)}",
        "quantity": f"{quantity(rules.min_quantity)} to {quantity(rules.max_quantity)}",
        "market order": f"at most {quantity(rules.max_market_quantity)}",
        "notional": f"{amount(rules.min_notional)} to {amount(rules.max_notional)}",
        "fees": f"maker {rules.maker_fee} ppm, taker {rules.taker_fee} ppm",
        "price band": f"{rules.band_down} to {rules.band_up} ppm of the last price (0: none)",
        "open orders": f"at most {rules.max_orders} an account, {rules.max_algo_orders} of them asleep",
        "tier fees": ", ".join(f"tier {t}: {m}/{k} ppm" for t, (m, k) in sorted(book.tier_fees.items())) or "none",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in lines.items())
