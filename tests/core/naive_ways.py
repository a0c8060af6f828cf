"""The naive twin's ways in and out: networks, limits, what is shut, what networks cost; everything looked up anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exchange.core import commands as co

if TYPE_CHECKING:
    from exchange.core.networks import Network
    from tests.core.naive_money import Line, Money, Transfer

MOST = (1 << 63) - 1
DAY = 86_400 * 10**6
WITHDRAWABLE = ["REQUESTED", "RISK_HELD", "APPROVED", "PLANNED", "SIGNED", "SENT", "CONFIRMED"]


@dataclass
class Ways:
    """What `Money` asks before money leaves."""

    decimals: dict[int, int] = field(default_factory=dict)
    networks: dict[tuple[int, str], Network] = field(default_factory=dict)
    limits: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    shut: dict[int, str] = field(default_factory=dict)
    costs: dict[str, tuple[int, int]] = field(default_factory=dict)
    epoch: int = 1

    def is_shut(self, asset: int) -> bool:
        return bool({0, asset} & set(self.shut))

    def set_network(self, wish: Network, withdrawals: dict[str, Transfer]) -> str | list[Line]:
        if wish.asset not in self.decimals:
            return "UNKNOWN_ASSET"
        for asset, name in self.networks:
            if asset != wish.asset and (name, self.networks[asset, name].contract) == (wish.name, wish.contract):
                return "NAME_TAKEN"
        if self._wrong(wish):
            return "BAD_RULES"
        known = self.networks.get((wish.asset, wish.name))
        if known and (known.contract, known.chain_decimals) != (wish.contract, wish.chain_decimals):
            alive = [w for w in withdrawals.values() if w.state in WITHDRAWABLE]
            underway = [w for w in alive if (w.asset, w.network) == (wish.asset, wish.name)]
            if known.deposits_open or known.withdrawals_open or underway:
                return "NETWORK_IN_USE"
        self.networks[wish.asset, wish.name] = wish
        return []

    def _wrong(self, wish: Network) -> bool:
        step = self.step(wish)
        steps = list(wish.confirmations)
        return not (
            wish.name.isalnum()
            and wish.name == wish.name.upper()
            and 0 <= wish.withdrawal_fee < wish.withdrawal_min <= MOST // 16
            and wish.withdrawal_fee % step == wish.withdrawal_min % step == 0
            and 1 <= wish.deposit_min <= MOST // 16
            and 0 <= wish.automatic_limit <= wish.one_person_limit <= MOST // 16
            and steps[:1]
            and steps[0][0] == 0
            and steps == sorted(steps)
            and [n for _, n in steps] == sorted(n for _, n in steps)
            and len({a for a, _ in steps}) == len(steps)
            and all(n > 0 for _, n in steps)
        )

    def step(self, network: Network) -> int:
        """How many atoms the chain can carry at the least."""
        step = 1
        for _ in range(network.chain_decimals, self.decimals[network.asset]):
            step *= 10
        return step

    def refusal(self, money: Money, command: co.RequestWithdrawal, now: int) -> str | None:
        """Why this cannot leave, as far as networks and limits go."""
        network = self.networks[command.asset, command.network]
        if not 0 < command.amount <= MOST // 16:
            return "BAD_AMOUNT"
        if not network.withdrawals_open:
            return "WITHDRAWALS_CLOSED"
        if self.is_shut(command.asset):
            return "PAYOUTS_SHUT"
        if command.amount % self.step(network):
            return "TOO_FINE"
        if command.amount < network.withdrawal_min:
            return "BELOW_MINIMUM"
        if command.fee is not None and command.fee != network.withdrawal_fee:
            return "FEE_CHANGED"
        tier = money.owners[command.account].tier
        most = self.limits.get((tier, command.asset), self.limits.get((0, command.asset), (0, 0)))
        for window, limit, name in ((DAY, most[0], "DAY"), (30 * DAY, most[1], "MONTH")):
            asked = [
                w.amount
                for w in money.withdrawals.values()
                if (w.account, w.asset) == (command.account, command.asset)
                and w.state in [*WITHDRAWABLE, "FINAL"]
                and w.asked > now - window
            ]
            if sum(asked) + command.amount > limit:
                return f"{name}_LIMIT"
        return None

    def rule(self, money: Money, command: co.Command) -> str | list[Line]:
        """Do what sets a rule, or shuts something."""
        match command:
            case co.SetNetwork():
                return self.set_network(command.network, money.withdrawals)
            case co.SetTierLimit():
                return self._limit(command)
            case co.SetPayoutsShut():
                return self._shut(command)
            case co.OpenEpoch():
                return self._epoch(command)
            case co.BookNetworkCost():
                return self._cost(money, command)
            case _:
                raise AssertionError(command)

    def _limit(self, command: co.SetTierLimit) -> str | list[Line]:
        if command.asset not in self.decimals:
            return "UNKNOWN_ASSET"
        if command.tier < 0 or not 0 <= command.day <= command.month <= MOST:
            return "BAD_RULES"
        self.limits[command.tier, command.asset] = (command.day, command.month)
        return []

    def _shut(self, command: co.SetPayoutsShut) -> str | list[Line]:
        if command.asset not in {0, *self.decimals}:
            return "UNKNOWN_ASSET"
        if command.shut:
            self.shut.setdefault(command.asset, command.reason)
        else:
            self.shut.pop(command.asset, None)
        return []

    def _epoch(self, command: co.OpenEpoch) -> str | list[Line]:
        if command.epoch not in {self.epoch, self.epoch + 1}:
            return "BAD_TRANSITION"
        if command.epoch != self.epoch:
            self.epoch = command.epoch
            self.shut.setdefault(0, command.reason)
        return []

    def _cost(self, money: Money, command: co.BookNetworkCost) -> str | list[Line]:
        asked = (command.asset, command.amount)
        if command.asset not in self.decimals:
            return "UNKNOWN_ASSET"
        if command.key in self.costs:
            return [] if self.costs[command.key] == asked else "DUPLICATE_REFERENCE"
        if not 0 < command.amount <= MOST // 16 or money.total(money.FEES, command.asset) - command.amount < -MOST // 2:
            return "BAD_AMOUNT"
        self.costs[command.key] = asked
        money.move(money.FEES, command.asset, -command.amount)
        money.move(money.CUSTODY, command.asset, command.amount)
        return []
