"""Who meets whom. Reads the book only: the answer is a list of steps for the caller to turn into events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from exchange.core.orders import Order, SelfTrade
from exchange.core.units import AccountId, Amount, Quantity

if TYPE_CHECKING:
    from exchange.core.book import BookSide

Step = tuple[Order, Quantity]
"""A maker and the lots it gives; 0 lots: the maker expires, to prevent a self-trade."""


_EXPIRES: Final = Quantity(0)


class Walk(msgspec.Struct, gc=False):
    """What a taker meets: `steps` in order, lots left over, and whether self-trade prevention stops it.

    `cost` is the notional of all steps in units of tick times lot.
    """

    steps: list[Step]
    left: int
    stopped: bool
    cost: int


def walk(half: BookSide, limit_key: int, lots: Quantity, account: AccountId, mode: SelfTrade) -> Walk:
    """Walk from the best price on, no further than `limit_key`, for at most `lots`.

    Within a price the oldest order trades first; every fill is at the maker's price.
    """
    steps: list[Step] = []
    cost, left, rank = 0, int(lots), 0
    level = half.best
    while level is not None and level.key <= limit_key:
        maker = level.first
        while maker is not None:
            if maker.account == account and mode != SelfTrade.NONE:
                if mode != SelfTrade.EXPIRE_TAKER:
                    steps.append((maker, _EXPIRES))
                if mode != SelfTrade.EXPIRE_MAKER:
                    return Walk(steps, left, True, cost)
            else:
                lots_here = maker.quantity - maker.filled
                if lots_here >= left:
                    steps.append((maker, left))  # type: ignore[arg-type]  # lots of `Quantity`, subtracted
                    return Walk(steps, 0, False, cost + left * level.price)
                steps.append((maker, lots_here))  # type: ignore[arg-type]
                left -= lots_here
                cost += lots_here * level.price
            maker = maker.behind
        rank += 1
        level = half.worse(rank)
    return Walk(steps, left, False, cost)


def walk_budget(
    half: BookSide,
    limit_key: int,
    budget: Amount,
    unit: int,
    account: AccountId,
    mode: SelfTrade,
) -> Walk:
    """Walk as `walk` does, for as many lots as `budget` quote atoms buy (or are got for).

    `left` is 0 when less than one more lot at the last price is left of the budget, else the quote atoms left over.
    """
    steps: list[Step] = []
    cost, money, rank = 0, int(budget), 0
    level = half.best
    while level is not None and level.key <= limit_key:
        lot_cost = level.price * unit
        maker = level.first
        while maker is not None and money >= lot_cost:
            if maker.account == account and mode != SelfTrade.NONE:
                if mode != SelfTrade.EXPIRE_TAKER:
                    steps.append((maker, _EXPIRES))
                if mode != SelfTrade.EXPIRE_MAKER:
                    return Walk(steps, money, True, cost)
            else:
                lots = min(money // lot_cost, maker.quantity - maker.filled)
                steps.append((maker, Quantity(lots)))
                money -= lots * lot_cost
                cost += lots * level.price
            maker = maker.behind
        if money < lot_cost:
            return Walk(steps, 0 if cost else money, False, cost)
        rank += 1
        level = half.worse(rank)
    return Walk(steps, money, False, cost)
