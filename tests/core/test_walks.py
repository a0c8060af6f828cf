"""How far a market order walks through the book: no further than its account can pay for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from exchange.core import commands as co
from exchange.core import matching
from exchange.core.matching import Walk
from exchange.core.orders import OrderType, SelfTrade, Side
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Price, Quantity
from tests.core.world import furnished, run

ANN, EVE, HERE = AccountId(100), AccountId(104), MarketId(1)
BASE, QUOTE = AssetId(1), AssetId(2)
BUY, SELL = Side.BUY, Side.SELL
DEEP = 15


def deep(eve: dict[AssetId, int]) -> State:
    """Orders of Ann's of one lot each, 15 on either side, the farthest an iceberg; and Eve, who has so many atoms."""
    state = furnished()
    state.books[HERE].rules = replace(state.books[HERE].rules, max_orders=50, min_notional=Amount(0))
    wanted: list[co.Command] = [co.OpenAccount("eve")]
    wanted += [co.Credit(EVE, asset, Amount(atoms), f"eve {asset}") for asset, atoms in eve.items()]
    for n in range(DEEP):
        far = n == DEEP - 1
        for side, price in ((SELL, 101 + n), (BUY, 99 - n)):
            lots, shown = (2, 1) if far else (1, 0)
            order = co.PlaceOrder(ANN, HERE, side, OrderType.LIMIT, Quantity(lots), Price(price))
            wanted.append(replace(order, iceberg=Quantity(shown)))
    for command in wanted:
        assert run(state, command)[0].reject is None, command
    return state


def market(side: Side, lots: int = 0, budget: int = 0, mode: SelfTrade = SelfTrade.NONE) -> co.PlaceOrder:
    order = co.PlaceOrder(EVE, HERE, side, OrderType.MARKET, Quantity(lots))
    return replace(order, quote_quantity=Amount(budget), self_trade=mode)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many orders each walk met."""
    found: list[int] = []

    def counting(walk: Callable[..., Walk]) -> Callable[..., Walk]:
        def counted(*args: Any) -> Walk:
            met = walk(*args)
            found.append(len(met.steps))
            return met

        return counted

    for name in ("walk", "walk_budget"):
        monkeypatch.setattr(matching, name, counting(getattr(matching, name)))
    return found


@pytest.mark.parametrize(
    ("eve", "order", "most"),
    [
        ({}, market(BUY, lots=50), 1),
        ({QUOTE: 303 + 305}, market(BUY, lots=50), 3),
        ({}, market(BUY, budget=15_000), 0),
        ({}, market(SELL, lots=50), 0),
        ({BASE: 249}, market(SELL, lots=50), 0),
        ({}, market(SELL, budget=15_000), 1),
        ({BASE: 10}, market(SELL, budget=15_000), 3),
    ],
)
def test_who_cannot_pay_is_refused_before_the_whole_book_is_walked(
    steps: list[int], eve: dict[AssetId, int], order: co.PlaceOrder, most: int
) -> None:
    """A walk through a deep book takes long, and would cost whoever has nothing nothing."""
    state = deep(eve)
    steps.clear()
    assert run(state, order)[0].reject is Reject.INSUFFICIENT_FUNDS
    assert sum(steps) <= most


@pytest.mark.parametrize("near", [1, DEEP + 1])
@pytest.mark.parametrize("more", [0, 1])
def test_the_last_atom_is_enough_and_one_less_is_not(near: int, more: int) -> None:
    """With icebergs (the whole book) and without; whoever can just pay for all that he meets is let in."""
    cost = sum(3 * price for price in [*range(101, 101 + DEEP), 100 + DEEP][:near])
    for short in (0, 1):
        state = deep({QUOTE: cost - short})
        outcome = run(state, market(BUY, lots=near + (more and near > 1)))[0]
        assert outcome.reject is (Reject.INSUFFICIENT_FUNDS if short else None)
