"""Ticks, lots and atoms as an operator reads them: exact, with as many places as the market's own step has."""

from __future__ import annotations

from exchange.core.decimals import render
from exchange.core.market import Market


def price(market: Market, ticks: int) -> str:
    """A price in the quote asset, with the places of the tick."""
    return _step(ticks, market.tick_atoms, market.quote_decimals)


def quantity(market: Market, lots: int) -> str:
    """A quantity in the base asset, with the places of the lot."""
    return _step(lots, market.lot_atoms, market.base_decimals)


def _step(count: int, step: int, places: int) -> str:
    """`count` steps of `step` atoms, without the zeros that every multiple of the step ends in."""
    while places and step % 10 == 0:
        step //= 10
        places -= 1
    return render(count * step, places)
