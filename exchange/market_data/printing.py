"""Ticks, lots and atoms of a market as the public reads them: plain decimal strings with all their places.

Averages and percentages are rounded as the dialect does it, halves away from zero.
"""

from __future__ import annotations

from exchange.core.decimals import render
from exchange.core.market import Market

_PERCENT_PLACES = 3


def price_text(market: Market, ticks: int) -> str:
    """A price, in quote asset per whole base unit."""
    return render(ticks * market.tick_atoms, market.quote_decimals)


def quantity_text(market: Market, lots: int) -> str:
    """A quantity of the base asset."""
    return render(lots * market.lot_atoms, market.base_decimals)


def notional_text(market: Market, atoms: int) -> str:
    """An amount of the quote asset."""
    return render(atoms, market.quote_decimals)


def average_text(market: Market, quantity: int, notional: int, otherwise: int = 0) -> str:
    """The mean price at which `quantity` lots cost `notional` atoms, halves up; `otherwise` ticks without lots."""
    if not quantity:
        return price_text(market, otherwise)
    base = quantity * market.lot_atoms
    return render((2 * notional * 10**market.base_decimals + base) // (2 * base), market.quote_decimals)


def percent_text(before: int, after: int) -> str:
    """The change from `before` to `after` in percent, rounded to three places, halves up; "0.000" from nothing."""
    if not before:
        return render(0, _PERCENT_PLACES)
    change = (abs(after - before) * 200 * 10**_PERCENT_PLACES + before) // (2 * before)
    return render(change if after >= before else -change, _PERCENT_PLACES)
