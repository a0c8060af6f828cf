"""A day's order flow in small: the same operations for every book that is measured, from a fixed seed.

60 % of the operations add an order near the touch, 35 % cancel one, 5 % cross the spread. Nine cancels of ten take a
young order and one takes any, however old: in the three hours of a real venue that the project replays, half of all
cancels came within 25 operations of their order and nine of ten within 218; here it is half within about 90.

A plain book runs along while they are made, so that every cancel meets an order that still stands and every crossing
order meets somebody: no operation is cheap because it was refused.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Final, NamedTuple

from bench.plain_book import PlainBook
from exchange.core.units import AccountId, OrderId, Price, Quantity

SEED: Final = 20_260_101
ACCOUNTS: Final = 100
FIRST_ACCOUNT: Final = 100
MIDDLE: Final = 3_000_000
"""30,000.00 in ticks of 0.01."""
DEPTH: Final = 60
"""Adds fall on this many prices a side, the nearer the more."""
LARGEST_ADD: Final = 10_000
LARGEST_CROSS: Final = 4_000
"""Lots of 0.00001. Crossing orders are smaller than what waits, so that most meet one maker."""
YOUNG: Final = 100
"""Mean age of a young order at its cancel, in orders placed since."""

ADD, CANCEL, CROSS = 0, 1, 2


class Operation(NamedTuple):
    """`order` is the id of the order added, cancelled or crossing: ids count up from 1 without gaps."""

    kind: int
    order: OrderId
    account: AccountId
    side: int
    price: Price
    quantity: Quantity


class Workload(NamedTuple):
    """The operations, and what the plain book saw happen: how often each kind, how many fills."""

    operations: list[Operation]
    kinds: Counter[int]
    fills: int


def make(size: int) -> Workload:
    """`size` operations, always the same ones."""
    dice = random.Random(SEED)
    book = PlainBook()
    operations: list[Operation] = []
    placed: list[tuple[int, int]] = []
    kinds: Counter[int] = Counter()
    fills, next_order = 0, 1
    while len(operations) < size:
        chance = dice.random()
        if chance < 0.35:
            found = _take_living(dice, book, placed)
            if found is None:
                continue
            order, account = found
            book.cancel(order)
            made = Operation(CANCEL, OrderId(order), AccountId(account), 0, Price(0), Quantity(0))
        else:
            account, side = FIRST_ACCOUNT + dice.randrange(ACCOUNTS), 1 + dice.randrange(2)
            order, sign = next_order, 1 if side == 1 else -1
            if chance < 0.40:
                best = book.best(3 - side)
                if best is None:
                    continue
                price, lots = best + 5 * sign, 1 + dice.randrange(LARGEST_CROSS)
                fills += book.cross(side, price, lots)
                made = Operation(CROSS, OrderId(order), AccountId(account), side, Price(price), Quantity(lots))
            else:
                price = MIDDLE - sign * (1 + int(dice.random() ** 2 * DEPTH))
                lots = LARGEST_ADD // 100 + dice.randrange(LARGEST_ADD)
                book.add(order, side, price, lots)
                placed.append((order, account))
                made = Operation(ADD, OrderId(order), AccountId(account), side, Price(price), Quantity(lots))
            next_order += 1
        kinds[made.kind] += 1
        operations.append(made)
    return Workload(operations, kinds, fills)


def _take_living(dice: random.Random, book: PlainBook, placed: list[tuple[int, int]]) -> tuple[int, int] | None:
    """An order that still stands, more likely a young one."""
    while book.orders:
        age = dice.expovariate(1 / YOUNG) if dice.random() < 0.9 else dice.random() * len(placed)
        found = placed[-1 - int(min(age, len(placed) - 1))]
        if found[0] in book.orders:
            return found
    return None
