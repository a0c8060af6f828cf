"""Which coins pay, what the network gets, and what comes back: whole numbers, no node, no chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from exchange.custody.bitcoin.psbt import number
from exchange.custody.port import Coin, Unaffordable

MOST_INPUTS: Final = 250
"""Of one transaction: the signer is shown a whole previous transaction for each."""
_WITNESS: Final = 2 + 72 + 1 + 33
"""Weight of a signature with its key, the longest it can be."""
_INPUT: Final = 41 * 4 + _WITNESS
CHANGE: Final = 22
"""Length of the script of our own addresses (P2WPKH)."""


class Choice(msgspec.Struct, frozen=True):
    """Coins to spend, what the network gets, and what comes back (0: nothing does)."""

    coins: tuple[Coin, ...]
    fee: int
    change: int


def vsize(inputs: int, scripts: Iterable[int]) -> int:
    """Virtual bytes of a transaction of ours, its outputs given by the lengths of their scripts."""
    lengths = list(scripts)
    outputs = sum(8 + len(number(length)) + length for length in lengths)
    bare = 4 + len(number(inputs)) + len(number(len(lengths))) + outputs + 4
    return -(-(bare * 4 + 2 + inputs * _INPUT) // 4)


def fee_of(rate: int, size: int) -> int:
    """At a rate per 1,000 virtual bytes, rounded up."""
    return -(-rate * size // 1_000)


def worth(coin: Coin, rate: int) -> int:
    """What a coin brings after paying for itself."""
    return coin.amount - fee_of(rate, -(-_INPUT // 4))


def choose(coins: Sequence[Coin], scripts: Sequence[int], total: int, rate: int, least_change: int) -> Choice:
    """Coins for outputs of `total`: of mined ones if these will do, else of our own change that waits, too.

    The smallest coin that is enough alone, else the largest together, so that there are few. Change that would be less
    than `least_change`, or not worth its own spending, is left to the network. Raises `Unaffordable`.
    """
    useful = [coin for coin in coins if worth(coin, rate) > 0]
    mined = [coin for coin in useful if coin.height > 0]
    for pool in (mined, useful):
        found = _choose(pool, scripts, total, rate, least_change)
        if found is not None:
            return found
    there = sum(coin.amount for coin in coins)
    raise Unaffordable(f"{total} and the network's fee are needed; the hot wallet has {there} in {len(coins)} coins")


def _choose(pool: Sequence[Coin], scripts: Sequence[int], total: int, rate: int, least: int) -> Choice | None:
    enough = [coin for coin in pool if coin.amount >= total + fee_of(rate, vsize(1, scripts))]
    if enough:
        alone = min(enough, key=lambda coin: (coin.amount, coin.outpoint))
        return settle((alone,), scripts, total, rate, least)
    taken: list[Coin] = []
    for coin in sorted(pool, key=lambda coin: (-coin.amount, coin.outpoint))[:MOST_INPUTS]:
        taken.append(coin)
        found = settle(tuple(taken), scripts, total, rate, least)
        if found is not None:
            return found
    return None


def settle(coins: tuple[Coin, ...], scripts: Sequence[int], total: int, rate: int, least: int) -> Choice | None:
    """What these very coins make of it; None if they are not enough."""
    there = sum(coin.amount for coin in coins)
    bare = fee_of(rate, vsize(len(coins), scripts))
    if there < total + bare:
        return None
    fee = fee_of(rate, vsize(len(coins), [*scripts, CHANGE]))
    change = there - total - fee
    if change < max(least, fee_of(rate, -(-_INPUT // 4))):
        return Choice(coins, there - total, 0)
    return Choice(coins, fee, change)
