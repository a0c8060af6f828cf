"""The lives of deposits and withdrawals, as transition tables, and what each step does to money."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

import msgspec

from exchange.core.units import AccountId, Amount, AssetId, Micros


class DepositState(IntEnum):
    """Where a deposit stands. HELD: recorded, not credited (dust, unlisted, screening, over a cap)."""

    SEEN = 1
    CONFIRMING = 2
    CREDITED = 3
    HELD = 4
    ORPHANED = 5
    SWEPT = 6


class WithdrawalState(IntEnum):
    """Where a withdrawal stands; the last four are ends."""

    REQUESTED = 1
    RISK_HELD = 2
    APPROVED = 3
    PLANNED = 4
    SIGNED = 5
    SENT = 6
    CONFIRMED = 7
    FINAL = 8
    REJECTED = 9
    CANCELLED = 10
    FAILED = 11


class Effect(Enum):
    """What a transition does to money."""

    NOTHING = "nothing"
    CREDIT = "credit"
    REVERSE = "reverse"
    SETTLE = "settle"
    RELEASE = "release"


_D = DepositState
DEPOSIT_TRANSITIONS: Final[dict[tuple[DepositState | None, DepositState], Effect]] = {
    (None, _D.SEEN): Effect.NOTHING,
    (None, _D.CONFIRMING): Effect.NOTHING,
    (None, _D.CREDITED): Effect.CREDIT,
    (None, _D.HELD): Effect.NOTHING,
    (_D.SEEN, _D.CONFIRMING): Effect.NOTHING,
    (_D.SEEN, _D.CREDITED): Effect.CREDIT,
    (_D.SEEN, _D.HELD): Effect.NOTHING,
    (_D.SEEN, _D.ORPHANED): Effect.NOTHING,
    (_D.CONFIRMING, _D.CREDITED): Effect.CREDIT,
    (_D.CONFIRMING, _D.HELD): Effect.NOTHING,
    (_D.CONFIRMING, _D.ORPHANED): Effect.NOTHING,
    (_D.HELD, _D.CREDITED): Effect.CREDIT,
    (_D.HELD, _D.ORPHANED): Effect.NOTHING,
    (_D.ORPHANED, _D.CONFIRMING): Effect.NOTHING,
    (_D.ORPHANED, _D.CREDITED): Effect.CREDIT,
    (_D.CREDITED, _D.ORPHANED): Effect.REVERSE,
    (_D.CREDITED, _D.SWEPT): Effect.NOTHING,
    (_D.SWEPT, _D.ORPHANED): Effect.REVERSE,
}

_W = WithdrawalState
WITHDRAWAL_TRANSITIONS: Final[dict[tuple[WithdrawalState, WithdrawalState], Effect]] = {
    (_W.REQUESTED, _W.RISK_HELD): Effect.NOTHING,
    (_W.REQUESTED, _W.APPROVED): Effect.NOTHING,
    (_W.REQUESTED, _W.REJECTED): Effect.RELEASE,
    (_W.REQUESTED, _W.CANCELLED): Effect.RELEASE,
    (_W.RISK_HELD, _W.APPROVED): Effect.NOTHING,
    (_W.RISK_HELD, _W.REJECTED): Effect.RELEASE,
    (_W.RISK_HELD, _W.CANCELLED): Effect.RELEASE,
    (_W.APPROVED, _W.RISK_HELD): Effect.NOTHING,
    (_W.APPROVED, _W.PLANNED): Effect.NOTHING,
    (_W.APPROVED, _W.REJECTED): Effect.RELEASE,
    (_W.APPROVED, _W.CANCELLED): Effect.RELEASE,
    (_W.APPROVED, _W.FINAL): Effect.SETTLE,
    (_W.PLANNED, _W.RISK_HELD): Effect.NOTHING,
    (_W.PLANNED, _W.APPROVED): Effect.NOTHING,
    (_W.PLANNED, _W.SIGNED): Effect.NOTHING,
    (_W.PLANNED, _W.REJECTED): Effect.RELEASE,
    (_W.PLANNED, _W.CANCELLED): Effect.RELEASE,
    (_W.SIGNED, _W.SENT): Effect.NOTHING,
    (_W.SIGNED, _W.FAILED): Effect.RELEASE,
    (_W.SENT, _W.CONFIRMED): Effect.NOTHING,
    (_W.SENT, _W.FAILED): Effect.RELEASE,
    (_W.CONFIRMED, _W.SENT): Effect.NOTHING,
    (_W.CONFIRMED, _W.FINAL): Effect.SETTLE,
}
INSIDE: Final = (_W.APPROVED, _W.FINAL)
"""The one step that `SettleInside` takes and `MoveWithdrawal` does not: no chain sees it."""


def inside_key(withdrawal: str) -> str:
    """What the deposit is called that a withdrawal to one of our own people becomes."""
    return f"inside:{withdrawal}"


class Deposit(msgspec.Struct, gc=False):
    """A deposit as custody last reported it."""

    key: str
    account: AccountId
    asset: AssetId
    amount: Amount
    state: DepositState


class Withdrawal(msgspec.Struct, gc=False):
    """A withdrawal; while it lives, `amount` is held. Of it `fee` is the house's, the rest goes out over `network`.

    `requested` is when it was asked for. Withdrawals of journals that knew no networks have "", 0 and 0.
    """

    key: str
    account: AccountId
    asset: AssetId
    amount: Amount
    state: WithdrawalState
    network: str = ""
    fee: Amount = Amount(0)
    requested: Micros = Micros(0)

    @property
    def holds(self) -> bool:
        """Whether the amount is still held."""
        return self.state < WithdrawalState.FINAL

    @property
    def counts(self) -> bool:
        """Whether it counts against its account's limits: unless the money came back."""
        return self.state <= WithdrawalState.FINAL
