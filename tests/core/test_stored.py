"""Whatever is asked where sums are as large as they may be, every number in the journal and the rows fits 63 bits."""

from collections.abc import Iterator

import msgspec
import pytest

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.state import State
from exchange.core.units import MAX_STORED, Amount, AssetId, Ppm, Price, Quantity
from tests.core.test_twin import made_up
from tests.core.world import ACCOUNTS, ASSETS, rules, run

MOST = MAX_STORED >> 4
"""The largest sum that is credited at once."""


def furnishing() -> list[co.Command]:
    """As much money as the ledger takes, lots worth 5 × 10^13 atoms, and no limit lower than it must be."""
    large = rules(
        lot_atoms=5 * 10**13,
        unit=3 * 10**13,
        max_quantity=Quantity(90_000),
        max_market_quantity=Quantity(MAX_STORED),
        max_notional=Amount(MAX_STORED >> 1),
        max_price=Price(MAX_STORED),
        band_up=Ppm(0),
        band_down=Ppm(0),
        slack=Ppm(MAX_STORED),
    )
    dear = {"symbol": "CCCAAA", "base": AssetId(3), "quote": AssetId(1), "base_decimals": 3, "tick_atoms": 6 * 10**15}
    return [
        *(co.ListAsset(code, decimals) for code, decimals in (("AAA", 1), ("BBB", 2), ("CCC", 3))),
        co.ListMarket(large, MarketPhase.OPEN),
        co.ListMarket(
            msgspec.structs.replace(large, **dear, quote_decimals=1, lot_atoms=5, unit=3 * 10**13), MarketPhase.OPEN
        ),
        *(co.OpenAccount(name) for name in ("ann", "ben", "cat", "dan")),
        *(co.Credit(who, asset, Amount(MOST), f"{who} {asset}") for who in ACCOUNTS for asset in ASSETS),
    ]


def numbers(value: object) -> Iterator[int]:
    """All whole numbers in a value of lists and dicts."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from numbers(part)


@pytest.mark.parametrize("seed", range(40))
def test_every_stored_number_fits_63_bits(seed: int) -> None:
    state, taken = State(), 0
    for command in furnishing():
        assert run(state, command)[0].reject is None
    for command in made_up(seed):
        taken += run(state, command)[0].reject is None
    assert taken
    assert list(audit.violations(state)) == []
    stored = [msgspec.to_builtins(event) for event in state.changes.events]
    rows = [order.row() for order in (*state.changes.fresh.values(), *state.changes.orders.values())]
    stored += [msgspec.to_builtins(row) for row in rows]
    assert all(-MAX_STORED <= number <= MAX_STORED for number in numbers([stored, dict(state.balances)]))
