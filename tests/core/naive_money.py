"""The naive twin's accounts: who owns how much in all, deposits and withdrawals. What is held is not kept."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from exchange.core import commands as co

Line = tuple[object, ...]
MOST = (1 << 63) - 1

DEPOSITS = {
    None: "SEEN CONFIRMING CREDITED HELD",
    "SEEN": "CONFIRMING CREDITED HELD ORPHANED",
    "CONFIRMING": "CREDITED HELD ORPHANED",
    "HELD": "CREDITED ORPHANED",
    "ORPHANED": "CONFIRMING CREDITED",
    "CREDITED": "ORPHANED SWEPT",
    "SWEPT": "ORPHANED",
}
WITHDRAWALS = {
    "REQUESTED": "RISK_HELD APPROVED REJECTED CANCELLED",
    "RISK_HELD": "APPROVED REJECTED CANCELLED",
    "APPROVED": "PLANNED REJECTED CANCELLED",
    "PLANNED": "SIGNED CANCELLED",
    "SIGNED": "SENT FAILED",
    "SENT": "CONFIRMED FAILED",
    "CONFIRMED": "SENT FINAL",
}
"""From each state, the states that may follow; what is not listed is an end."""


@dataclass
class Owner:
    name: str
    tier: int
    frozen: bool = False


@dataclass
class Transfer:
    account: int
    asset: int
    amount: int
    state: str


class Money:
    """Owners and what they have in all, held or not; what they owe stands apart."""

    GENESIS: ClassVar = 1
    FEES: ClassVar = 2
    CUSTODY: ClassVar = 3

    def __init__(self) -> None:
        self.owners: dict[int, Owner] = {}
        self.assets = 0
        self.purse: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.debts: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.deposits: dict[str, Transfer] = {}
        self.withdrawals: dict[str, Transfer] = {}
        self.references: set[str] = set()

    def total(self, account: int, asset: int) -> int:
        return self.purse[account, asset]

    def move(self, account: int, asset: int, amount: int) -> None:
        self.purse[account, asset] += amount

    def withdrawing(self, account: int, asset: int) -> int:
        """What withdrawals hold that have not ended."""
        return sum(
            w.amount
            for w in self.withdrawals.values()
            if (w.account, w.asset) == (account, asset) and w.state in WITHDRAWALS
        )

    def perform(self, command: co.Command, held: Callable[[int, int], int]) -> str | list[Line]:
        """Do what concerns people and transfers; the name of the refusal, or nothing to tell."""
        match command:
            case co.ListAsset():
                self.assets += 1
                return []
            case co.OpenAccount():
                if command.name in {owner.name for owner in self.owners.values()} | {"genesis", "fees", "custody"}:
                    return "NAME_TAKEN"
                self.owners[100 + len(self.owners)] = Owner(command.name, command.tier)
                return []
            case co.SetAccountTier() | co.SetAccountFrozen():
                return self._owner(command)
            case co.Credit():
                return self._credit(command)
            case co.ReportDeposit():
                return self._deposit(command, held)
            case co.RequestWithdrawal():
                return self._request(command, held)
            case co.MoveWithdrawal():
                return self._withdrawal(command)
            case _:
                raise AssertionError(command)

    def _owner(self, command: co.SetAccountTier | co.SetAccountFrozen) -> str | list[Line]:
        owner = self.owners.get(command.account)
        if owner is None:
            return "UNKNOWN_ACCOUNT"
        if isinstance(command, co.SetAccountTier):
            owner.tier = command.tier
        else:
            owner.frozen = command.frozen
        return []

    def _unknown(self, account: int, asset: int) -> str | None:
        if account not in self.owners:
            return "UNKNOWN_ACCOUNT"
        return None if 0 < asset <= self.assets else "UNKNOWN_ASSET"

    def _credit(self, command: co.Credit) -> str | list[Line]:
        unknown = self._unknown(command.account, command.asset)
        if unknown:
            return unknown
        if command.reference in self.references:
            return "DUPLICATE_REFERENCE"
        if not self._fits(command.amount) or self._overflows(command.asset, command.amount):
            return "BAD_AMOUNT"
        self.references.add(command.reference)
        self.move(command.account, command.asset, command.amount)
        self.move(self.GENESIS, command.asset, -command.amount)
        return []

    @staticmethod
    def _fits(amount: int) -> bool:
        return 0 < amount <= MOST // 16

    def _overflows(self, asset: int, more: int) -> bool:
        outside = self.purse[self.GENESIS, asset] + self.purse[self.CUSTODY, asset]
        return more - outside > MOST // 2

    def _deposit(self, command: co.ReportDeposit, held: Callable[[int, int], int]) -> str | list[Line]:
        unknown = self._unknown(command.account, command.asset)
        if unknown:
            return unknown
        account, asset, amount, to = command.account, command.asset, command.amount, command.to.name
        known = self.deposits.get(command.key)
        if known is not None:
            if (known.account, known.asset, known.amount) != (account, asset, amount):
                return "DUPLICATE_REFERENCE"
            if known.state == to:
                return []
        if not self._fits(amount):
            return "BAD_AMOUNT"
        if to not in DEPOSITS[known.state if known else None].split():
            return "BAD_TRANSITION"
        if to == "CREDITED":
            if self._overflows(asset, amount):
                return "BAD_AMOUNT"
            repaid = min(amount, self.debts[account, asset])
            self.debts[account, asset] -= repaid
            self.move(account, asset, amount - repaid)
            self.move(self.CUSTODY, asset, -amount)
        elif known and known.state in {"CREDITED", "SWEPT"} and to == "ORPHANED":
            there = min(amount, self.total(account, asset) - held(account, asset))
            self.debts[account, asset] += amount - there
            self.move(account, asset, -there)
            self.move(self.CUSTODY, asset, amount)
            self.owners[account].frozen = True
        self.deposits[command.key] = Transfer(account, asset, amount, to)
        return []

    def _request(self, command: co.RequestWithdrawal, held: Callable[[int, int], int]) -> str | list[Line]:
        owner = self.owners.get(command.account)
        if owner is None:
            return "UNKNOWN_ACCOUNT"
        if owner.frozen:
            return "ACCOUNT_FROZEN"
        if not 0 < command.asset <= self.assets:
            return "UNKNOWN_ASSET"
        if command.key in self.withdrawals:
            return "DUPLICATE_REFERENCE"
        if not self._fits(command.amount):
            return "BAD_AMOUNT"
        if self.total(command.account, command.asset) - held(command.account, command.asset) < command.amount:
            return "INSUFFICIENT_FUNDS"
        self.withdrawals[command.key] = Transfer(command.account, command.asset, command.amount, "REQUESTED")
        return []

    def _withdrawal(self, command: co.MoveWithdrawal) -> str | list[Line]:
        known, to = self.withdrawals.get(command.key), command.to.name
        if known is None:
            return "UNKNOWN_TRANSFER"
        if known.state == to:
            return []
        if to not in WITHDRAWALS.get(known.state, "").split():
            return "BAD_TRANSITION"
        known.state = to
        if to == "FINAL":
            self.move(known.account, known.asset, -known.amount)
            self.move(self.CUSTODY, known.asset, known.amount)
        return []
