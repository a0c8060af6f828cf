"""Who meets whom. Reads the book only: the answer is a list of steps for the caller to turn into events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from exchange.core.orders import Order, SelfTrade
from exchange.core.units import AccountId, Amount, OrderId, Quantity

if TYPE_CHECKING:
    from exchange.core.book import BookSide, Level

UNBOUNDED: Final = 1 << 128
"""More than any walk comes to."""

Step = tuple[Order, int]
"""A maker and the lots it gives. Below 1 their trade is prevented, and costs the taker minus that many lots."""


class Walk(msgspec.Struct, gc=False):
    """What a taker meets: `steps` in order, lots left over, and whether self-trade prevention ends it.

    `cost` is the notional of all trades in units of tick times lot, `prevented` what the taker loses to prevention.
    """

    steps: list[Step]
    left: int
    stopped: bool
    cost: int
    prevented: int = 0


def walk(
    half: BookSide, limit_key: int, lots: Quantity, account: AccountId, mode: SelfTrade, most: int = UNBOUNDED
) -> Walk:
    """Walk from the best price on, no further than `limit_key`, for at most `lots`.

    Within a price the oldest order trades first; every fill is at the maker's price. Once its `cost` is beyond `most`
    the walk breaks off, for whoever has no more will be refused.
    """
    steps: list[Step] = []
    cost, left, rank = 0, int(lots), 0
    level = half.best
    while level is not None and level.key <= limit_key:
        if level.icebergs:
            return _carefully(half, limit_key, int(lots), 0, account, mode, most_cost=most)
        maker = level.first
        while maker is not None:
            if maker.account == account and mode != SelfTrade.NONE:
                return _carefully(half, limit_key, int(lots), 0, account, mode, most_cost=most)
            lots_here = maker.quantity - maker.filled
            if lots_here >= left:
                steps.append((maker, left))
                return Walk(steps, 0, False, cost + left * level.price)
            steps.append((maker, lots_here))
            left -= lots_here
            cost += lots_here * level.price
            if cost > most:
                return Walk(steps, left, False, cost)
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
    most: int = UNBOUNDED,
) -> Walk:
    """Walk as `walk` does, for as many lots as `budget` quote atoms buy (or are got for).

    `left` is 0 when less than one more lot at the last price is left of the budget, else the quote atoms left over.
    Once the steps have more than `most` lots the walk breaks off.
    """
    return _carefully(half, limit_key, budget, unit, account, mode, most_lots=most)


def _carefully(
    half: BookSide,
    limit_key: int,
    left: int,
    unit: int,
    account: AccountId,
    mode: SelfTrade,
    *,
    most_cost: int = UNBOUNDED,
    most_lots: int = UNBOUNDED,
) -> Walk:
    """Either walk, with icebergs that show themselves bit by bit, and own orders that are in the way.

    `left` is in quote atoms, of which a lot at one tick costs `unit`; with a `unit` of 0 it is in lots.
    """
    met, expired, moved = Walk([], left, False, 0), set[OrderId](), 0
    for maker, lots in _offers(half, limit_key):
        each = maker.price * unit or 1
        wanted = met.left // each
        if not wanted:  # the rest of a budget buys no lot here; if the last lots were lost, they were the order's last
            met.stopped = bool(met.steps) and met.steps[-1][1] < 0
            met.left = 0 if met.cost or met.prevented else met.left
            break
        if maker.account != account or mode == SelfTrade.NONE:
            given = min(wanted, lots)
            met.steps.append((maker, given))
            met.cost += given * maker.price
            moved += given
            met.left -= given * each
            if met.left < each:
                met.left = 0
                break
        elif maker.id not in expired:
            lost = _lost(mode, wanted, lots)
            met.steps.append((maker, -lost))
            met.prevented += lost
            moved += lost
            if mode != SelfTrade.DECREMENT:
                expired.add(maker.id)
            met.left -= lost * each
            if met.left < each:
                met.stopped, met.left = True, 0
                break
        if met.cost > most_cost or moved > most_lots:
            break
    return met


def _lost(mode: SelfTrade, wanted: int, lots: int) -> int:
    """What meeting an own order of `lots` costs a taker who still wants so many."""
    if mode == SelfTrade.EXPIRE_MAKER:
        return 0
    return min(wanted, lots) if mode == SelfTrade.DECREMENT else wanted


def _offers(half: BookSide, limit_key: int) -> Iterator[tuple[Order, int]]:
    """Each maker with the lots it shows, from the best price on, in the order in which they would trade."""
    for level in half:
        if level.key > limit_key:
            return
        yield from _slices(level)


def _slices(level: Level) -> Iterator[tuple[Order, int]]:
    """One price: the queue as it stands, then what its icebergs show next, each time at the end of the queue."""
    hidden: deque[tuple[Order, int]] = deque()
    maker = level.first
    while maker is not None:
        lots = maker.quantity - maker.filled
        if maker.iceberg:
            hidden.append((maker, lots - maker.shown))
            lots = maker.shown
        yield maker, lots
        maker = maker.behind
    while hidden:
        maker, rest = hidden.popleft()
        lots = min(maker.iceberg, rest)
        if lots:
            yield maker, lots
            hidden.append((maker, rest - lots))
