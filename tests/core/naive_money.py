"""The naive twin's accounts: who owns how much in all, deposits and withdrawals. What is held is not kept."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from exchange.core import commands as co
from tests.core.naive_ways import Ways

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
    "APPROVED": "RISK_HELD PLANNED REJECTED CANCELLED",
    "PLANNED": "RISK_HELD APPROVED SIGNED REJECTED CANCELLED",
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
    network: str = ""
    fee: int = 0
    asked: int = 0


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
        self.ways = Ways()

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

    def perform(self, command: co.Command, held: Callable[[int, int], int], now: int) -> str | list[Line]:
        """Do what concerns people and transfers; the name of the refusal, or nothing to tell."""
        match command:
            case co.ListAsset():
                self.assets += 1
                self.ways.decimals[self.assets] = command.decimals
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
                return self._request(command, held, now)
            case co.MoveWithdrawal():
                return self._withdrawal(command)
            case co.SettleInside():
                return self._inside(command)
            case co.BookPaid():
                return self._booked(command, held)
            case _:
                return self.ways.rule(self, command)

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

    def _request(self, command: co.RequestWithdrawal, held: Callable[[int, int], int], now: int) -> str | list[Line]:
        account, asset, known = command.account, command.asset, self.withdrawals.get(command.key)
        content = (account, asset, command.amount, command.network)
        if known and (known.account, known.asset, known.amount, known.network) == content:
            return []
        owner = self.owners.get(account)
        if owner is None:
            return "UNKNOWN_ACCOUNT"
        if owner.frozen:
            return "ACCOUNT_FROZEN"
        if not 0 < asset <= self.assets:
            return "UNKNOWN_ASSET"
        if (asset, command.network) not in self.ways.networks:
            return "UNKNOWN_NETWORK"
        if known:
            return "DUPLICATE_REFERENCE"
        refused = self.ways.refusal(self, command, now)
        if refused:
            return refused
        if self.total(account, asset) - held(account, asset) < command.amount:
            return "INSUFFICIENT_FUNDS"
        fee = self.ways.networks[asset, command.network].withdrawal_fee
        self.withdrawals[command.key] = Transfer(account, asset, command.amount, "REQUESTED", command.network, fee, now)
        return []

    def _withdrawal(self, command: co.MoveWithdrawal) -> str | list[Line]:
        known, to = self.withdrawals.get(command.key), command.to.name
        if known is None:
            return "UNKNOWN_TRANSFER"
        if known.state == to:
            return []
        if to == "PLANNED" and self.owners[known.account].frozen:
            return "ACCOUNT_FROZEN"
        if to not in WITHDRAWALS.get(known.state, "").split():
            return "BAD_TRANSITION"
        if to == "PLANNED" and self.ways.is_shut(known.asset):
            return "PAYOUTS_SHUT"
        known.state = to
        if to == "FINAL":
            self.move(known.account, known.asset, -known.amount)
            self.move(self.CUSTODY, known.asset, known.amount - known.fee)
            self.move(self.FEES, known.asset, known.fee)
        return []

    def _booked(self, command: co.BookPaid, held: Callable[[int, int], int]) -> str | list[Line]:
        known = self.withdrawals.get(command.key)
        if known is not None:
            told = (known.account, known.asset, known.amount, known.network, known.fee, known.state)
            asked = (command.account, command.asset, command.amount, command.network, command.fee, "FINAL")
            return [] if told == asked else "DUPLICATE_REFERENCE"
        if unknown := self._unknown(command.account, command.asset):
            return unknown
        if (command.asset, command.network) not in self.ways.networks:
            return "UNKNOWN_NETWORK"
        beyond = self.purse[self.CUSTODY, command.asset] + command.amount > MOST // 2
        if not self._fits(command.amount) or not 0 <= command.fee < command.amount or beyond:
            return "BAD_AMOUNT"
        where = command.account, command.asset
        there = min(command.amount, self.total(*where) - held(*where))
        self.move(*where, -there)
        self.debts[where] += command.amount - there
        self.owners[command.account].frozen |= there < command.amount
        self.move(self.CUSTODY, command.asset, command.amount - command.fee)
        self.move(self.FEES, command.asset, command.fee)
        self.withdrawals[command.key] = Transfer(
            *where, command.amount, "FINAL", command.network, command.fee, command.requested
        )
        return []

    def _inside(self, command: co.SettleInside) -> str | list[Line]:
        known = self.withdrawals.get(command.key)
        if known is None:
            return "UNKNOWN_TRANSFER"
        if command.to not in self.owners:
            return "UNKNOWN_ACCOUNT"
        name = f"inside:{command.key}"
        if name in self.deposits:
            return [] if self.deposits[name].account == command.to else "DUPLICATE_REFERENCE"
        if self.owners[known.account].frozen:
            return "ACCOUNT_FROZEN"
        if known.state != "APPROVED":
            return "BAD_TRANSITION"
        if self.ways.is_shut(known.asset):
            return "PAYOUTS_SHUT"
        paid = known.amount if command.fee_to_recipient else known.amount - known.fee
        repaid = min(paid, self.debts[command.to, known.asset])
        self.debts[command.to, known.asset] -= repaid
        self.move(known.account, known.asset, -paid)
        self.move(command.to, known.asset, paid - repaid)
        self.deposits[name] = Transfer(command.to, known.asset, paid, "CREDITED")
        known.state, known.fee = "FINAL", 0
        return []
