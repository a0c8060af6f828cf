"""How much may lie in the hot wallet: pure rules. What a thief of its keys could take is bounded by them (B32)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

_PERCENT = 100


class Act(Enum):
    """What to do about a hot wallet."""

    NOTHING = "nothing"
    REFILL = "refill"
    SPILL = "spill"


class Advice(msgspec.Struct, frozen=True):
    """What to do, and about how much of the asset."""

    act: Act
    amount: int = 0


def target(liabilities: int, outflows: Sequence[int]) -> int:
    """What the hot wallet should hold: 2 % of what is owed, or a busy day's outflow if more; never above 5 %.

    `outflows` are the net outflows of past days; a busy day is their 95th percentile.
    """
    busy = sorted(max(0, one) for one in outflows)
    day = busy[(len(busy) * 95 + 99) // _PERCENT - 1] if busy else 0
    return min(max(liabilities * 2 // _PERCENT, day), most(liabilities))


def most(liabilities: int) -> int:
    """What it must never hold more of for long: 5 % of what is owed."""
    return liabilities * 5 // _PERCENT


def advise(have: int, wanted: int, liabilities: int) -> Advice:
    """Refill below half of what is wanted; spill above one and a half times of it, or above what it may ever hold."""
    if have * 2 < wanted:
        return Advice(Act.REFILL, wanted - have)
    if have * 2 > wanted * 3 or have > most(liabilities):
        return Advice(Act.SPILL, have - wanted) if have > wanted else Advice(Act.NOTHING)
    return Advice(Act.NOTHING)
