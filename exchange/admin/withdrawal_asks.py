"""What operators may ask about money that leaves. Part of `wire`."""

from __future__ import annotations

from typing import ClassVar, Literal

from exchange.admin.ask import MAX_ROWS, Ask
from exchange.admin.withdrawal_views import (
    Approved,
    ApproverList,
    ApproverRow,
    Me,
    PayoutsList,
    PayoutsRow,
    VelocityList,
    VelocityRow,
    WithdrawalList,
    WithdrawalRow,
    WithdrawalView,
)

Which = Literal["waiting", "open", "all"]


class ListWithdrawals(Ask[WithdrawalList], frozen=True):
    """Withdrawals with `match` in id, account, asset, address, state or reason, newest first, from after id `after`.

    "waiting": for an operator's approval; "open": those that have not ended.
    """

    method: ClassVar[str] = "withdrawal.list"
    which: Which = "open"
    match: str = ""
    after: str = ""
    limit: int = MAX_ROWS


class ShowWithdrawal(Ask[WithdrawalView], frozen=True):
    method: ClassVar[str] = "withdrawal.show"
    id: str


class ApproveWithdrawal(Ask[Approved], frozen=True):
    """`signature` (hexadecimal): your registered key's, over SHA-256 of the `content` that `withdrawal.show` gave."""

    method: ClassVar[str] = "withdrawal.approve"
    id: str
    signature: str


class RejectWithdrawal(Ask[WithdrawalRow], frozen=True):
    """Say no, and give the money back. Refused once it may be on its way."""

    method: ClassVar[str] = "withdrawal.reject"
    id: str
    reason: str


class SettleWithdrawal(Ask[WithdrawalRow], frozen=True):
    """It was paid, although the chain alone does not say so. Refused unless one of its transactions is in a block."""

    method: ClassVar[str] = "withdrawal.settle"
    id: str
    reason: str


class ReturnWithdrawal(Ask[WithdrawalRow], frozen=True):
    """Give back what was under way. Refused unless it is proven that no transaction of it will ever pay."""

    method: ClassVar[str] = "withdrawal.return"
    id: str
    reason: str


class BookWithdrawal(Ask[WithdrawalRow], frozen=True):
    """It was paid, and a ledger that was restored from an older copy does not know it: its account pays it now.

    Refused unless custody's books, the signer's record and the chain have it. What is no longer there becomes a debt.
    """

    method: ClassVar[str] = "withdrawal.book"
    id: str
    reason: str


class WhoAmI(Ask[Me], frozen=True):
    method: ClassVar[str] = "whoami"


class RegisterApprover(Ask[ApproverRow], frozen=True):
    """From now on this key approves in your name; `proof` is its signature over that (`approvers.registration`)."""

    method: ClassVar[str] = "approver.register"
    public_key: str
    proof: str


class RevokeApprover(Ask[ApproverRow], frozen=True):
    """An operator's key approves nothing more."""

    method: ClassVar[str] = "approver.revoke"
    operator: str


class ListApprovers(Ask[ApproverList], frozen=True):
    method: ClassVar[str] = "approver.list"


class ListPayouts(Ask[PayoutsList], frozen=True):
    method: ClassVar[str] = "payouts.chains"


class StopPayouts(Ask[PayoutsRow], frozen=True):
    """Nothing more is paid on a chain; what was sent already is followed."""

    method: ClassVar[str] = "payouts.stop"
    chain: str
    reason: str


class ResumePayouts(Ask[PayoutsRow], frozen=True):
    """Somebody has looked: payouts go on."""

    method: ClassVar[str] = "payouts.resume"
    chain: str


class ListVelocities(Ask[VelocityList], frozen=True):
    method: ClassVar[str] = "velocity.list"


class SetVelocity(Ask[VelocityRow], frozen=True):
    """How much of an asset may be withdrawn by all together, and by one account; "0": no limit, None: as it was."""

    method: ClassVar[str] = "velocity.set"
    asset: str
    hour: str | None = None
    day: str | None = None
    account_hour: str | None = None
    account_day: str | None = None


WITHDRAWAL_ASKS = (
    *(ListWithdrawals, ShowWithdrawal, ApproveWithdrawal, RejectWithdrawal, SettleWithdrawal, ReturnWithdrawal),
    BookWithdrawal,
    *(WhoAmI, RegisterApprover, RevokeApprover, ListApprovers),
    *(ListPayouts, StopPayouts, ResumePayouts, ListVelocities, SetVelocity),
)
