"""What an EVM transaction offers to pay (EIP-1559): within the house's ceilings; enough more when it replaces one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.custody.evm.body import Body
from exchange.custody.port import FeeTooHigh

PLAIN_GAS: Final = 21_000
"""What a transfer of the chain's own coin to a person costs."""
TOKEN_GAS: Final = 120_000
"""What a token's transfer may take without anybody looking: usual ones take 35,000 to 80,000."""
CEILING: Final = 300 * 10**9
"""Wei per gas, where the settings name no other."""
_TIP_PART: Final = 4
"""Of the ceiling, what may go to whoever makes the block: a node that names a high tip cannot have more."""
_GAS_AT_MOST: Final = 1_000_000


class Market(msgspec.Struct, frozen=True):
    """What the network asks now: wei per gas that is burnt in the next block, and wei per gas for its maker."""

    base: int
    tip: int


def fresh(market: Market, ceiling: int) -> tuple[int, int]:
    """Tip and price of a first attempt: room for the base fee to double, and below the ceiling for replacements.

    Raises `FeeTooHigh`.
    """
    tip = min(market.tip, ceiling // _TIP_PART)
    if market.base + tip > ceiling:
        raise FeeTooHigh(f"the network asks {market.base + tip} wei per gas, the ceiling is {ceiling}")
    return tip, _roomy(market, tip, ceiling)


def dearer(earlier: Sequence[Body], market: Market, ceiling: int) -> tuple[int, int]:
    """Tip and price that every node takes in place of all earlier attempts: both at least 12.5 % above the highest.

    Raises `FeeTooHigh` where that or the market's own price is above the ceiling.
    """
    least_tip = _bumped(max(body.tip for body in earlier))
    least_price = _bumped(max(body.price for body in earlier))
    tip = max(least_tip, min(market.tip, ceiling // _TIP_PART))
    if max(least_price, market.base + tip) > ceiling:
        raise FeeTooHigh(
            f"to replace it costs {max(least_price, market.base + tip)} wei per gas, the ceiling is {ceiling}"
        )
    return tip, max(least_price, _roomy(market, tip, ceiling))


def gas_limit(estimate: int) -> int:
    """Gas to send along for an estimate: a fifth more for contracts, whose state may change until then."""
    if estimate == PLAIN_GAS:
        return PLAIN_GAS
    limit = max(estimate, PLAIN_GAS) * 6 // 5
    if limit > _GAS_AT_MOST:
        raise FeeTooHigh(f"this payment would take {estimate} gas, more than any that we make")
    return limit


def _roomy(market: Market, tip: int, ceiling: int) -> int:
    """A price with room above the base fee of the moment, and itself room for a replacement below the ceiling."""
    return min(2 * market.base + tip, max(market.base + tip, ceiling * 2 // 3))


def _bumped(price: int) -> int:
    return price * 9 // 8 + 1
