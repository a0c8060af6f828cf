"""Ticks, lots and atoms to plain decimal strings and back, by the scales of a market."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from exchange.api import errors
from exchange.api.errors import Refusal, Refused
from exchange.core import decimals
from exchange.core.decimals import Malformed
from exchange.core.market import Market
from exchange.core.units import Amount, Ppm, Price, Quantity

RATE_PLACES: Final = 8
"""Decimal places of a commission rate: 1,000 ppm is "0.00100000"."""


_TEXTS: Final = 16_384
"""So many amounts are remembered with their texts: prices and sizes come again and again."""

render = lru_cache(_TEXTS)(decimals.render)
parse = lru_cache(_TEXTS)(decimals.parse)
"""To be given texts that are bounded already, as parameters are."""


def price_text(market: Market, price: int) -> str:
    """A price in quote per whole base unit."""
    return render(price * market.tick_atoms, market.quote_decimals)


def quantity_text(market: Market, quantity: int) -> str:
    """A quantity of lots in base units."""
    return render(quantity * market.lot_atoms, market.base_decimals)


def base_text(market: Market, amount: int) -> str:
    """Base atoms in base units."""
    return render(amount, market.base_decimals)


def quote_text(market: Market, amount: int) -> str:
    """Quote atoms in quote units."""
    return render(amount, market.quote_decimals)


def rate_text(rate: Ppm) -> str:
    """A fee rate as a fraction of one."""
    return render(rate * 100, RATE_PLACES)


def read_price(market: Market, name: str, text: str) -> Price:
    """A price on the market's grid, above zero; refused otherwise."""
    return Price(_steps(name, text, market.quote_decimals, market.tick_atoms, errors.PRICE_FILTER))


def read_quantity(market: Market, text: str, name: str = "quantity") -> Quantity:
    """A quantity in whole lots, above zero; refused otherwise."""
    return Quantity(_steps(name, text, market.base_decimals, market.lot_atoms, errors.LOT_SIZE))


def read_budget(market: Market, text: str) -> Amount:
    """A market order's size in quote atoms, above zero; refused otherwise."""
    return Amount(_steps("quoteOrderQty", text, market.quote_decimals, 1, errors.NOTIONAL))


def _steps(name: str, text: str, places: int, step: int, off_grid: Refusal) -> int:
    atoms = parse(text, places)
    if isinstance(atoms, Malformed):
        raise Refused(_MALFORMED[atoms](name))
    steps, rest = divmod(atoms, step)
    if rest or not steps:
        raise Refused(off_grid)
    return steps


_MALFORMED: Final = {
    Malformed.SYNTAX: errors.invalid,
    Malformed.TOO_PRECISE: errors.too_precise,
    Malformed.TOO_LARGE: errors.overflowed,
}
