"""How assets travel: the networks over which each can come and go, what they cost, and what tiers may withdraw.

Amounts are atoms of the ledger. A chain may count finer than the ledger (wei: what is less than an atom stays with the
house and is recorded) or coarser (USDT: who withdraws asks for whole units of the chain).
"""

from __future__ import annotations

import itertools
import re
from typing import Final

import msgspec

from exchange.core.units import MAX_STORED, Amount, AssetId, Micros

DAY: Final = Micros(24 * 3_600 * 1_000_000)
MONTH: Final = Micros(30 * DAY)
"""The two windows of a tier's limit; both roll."""
ALL_ASSETS: Final = AssetId(0)
"""In `SetPayoutsShut`: every asset there is, and any listed later."""

MAX_CONFIRMATIONS: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Z0-9]{1,16}")
_CONTRACT: Final = re.compile(r"[!-~]{0,128}")


class Network(msgspec.Struct, frozen=True, gc=False):
    """One way in and out for an asset; `name` is the chain's in `exchange.toml`, and the dialect's `network`.

    `contract` is the token's on that chain, empty for the chain's own coin. `withdrawal_fee` is taken out of what is
    asked for, of which the smallest is `withdrawal_min`. `confirmations` says how many blocks a deposit waits for:
    (from this amount on, so many), ascending, the first from 0. A withdrawal up to `automatic_limit` needs nobody's
    approval, one up to `one_person_limit` one operator's, any other two operators'.
    """

    asset: AssetId
    name: str
    chain_decimals: int
    contract: str = ""
    withdrawal_fee: Amount = Amount(0)
    withdrawal_min: Amount = Amount(1)
    deposit_min: Amount = Amount(1)
    confirmations: tuple[tuple[Amount, int], ...] = ((Amount(0), 1),)
    automatic_limit: Amount = Amount(0)
    one_person_limit: Amount = Amount(0)
    deposits_open: bool = False
    withdrawals_open: bool = False

    @property
    def key(self) -> tuple[AssetId, str]:
        """What it is known by."""
        return self.asset, self.name

    def confirmations_for(self, amount: Amount) -> int:
        """How many blocks a deposit of `amount` waits for, the one that has it counted in."""
        return [blocks for least, blocks in self.confirmations if amount >= least][-1]

    def approvals_for(self, amount: Amount) -> int:
        """How many operators must approve a withdrawal of `amount` (with its fee): none, one or two."""
        return (amount > self.automatic_limit) + (amount > max(self.automatic_limit, self.one_person_limit))


class TierLimit(msgspec.Struct, frozen=True, gc=False):
    """How much of an asset an account of a tier may ask to withdraw in any 24 hours, and in any 30 days."""

    day: Amount
    month: Amount


def _ten_to(exponent: int) -> int:
    return int("1" + "0" * exponent)


def unit(decimals: int, chain_decimals: int) -> int:
    """How many atoms of the ledger make the smallest amount that the chain can carry; at least 1."""
    return _ten_to(max(0, decimals - chain_decimals))


def from_chain(units: int, decimals: int, chain_decimals: int) -> tuple[Amount, int]:
    """A chain's amount in atoms of the ledger, rounded down, and what is left of it, in units of the chain."""
    if chain_decimals <= decimals:
        return Amount(units * _ten_to(decimals - chain_decimals)), 0
    atoms, dust = divmod(units, _ten_to(chain_decimals - decimals))
    return Amount(atoms), dust


def to_chain(atoms: Amount, decimals: int, chain_decimals: int) -> int:
    """An amount of the ledger in units of the chain. Raises ValueError where the chain cannot carry it exactly."""
    if chain_decimals >= decimals:
        return atoms * _ten_to(chain_decimals - decimals)
    units, rest = divmod(atoms, _ten_to(decimals - chain_decimals))
    if rest:
        message = f"{atoms} atoms are no whole number of the chain's units"
        raise ValueError(message)
    return units


def network_error(network: Network, decimals: int) -> str | None:
    """What is wrong with a network of an asset of so many decimals, in words; None: nothing."""
    if not _NAME.fullmatch(network.name):
        return "a network's name is 1 to 16 capital letters and digits"
    if not _CONTRACT.fullmatch(network.contract):
        return "a contract is at most 128 printable characters without spaces"
    if not 0 <= network.chain_decimals <= 36:
        return "a chain has 0 to 36 decimals"
    return _sums_error(network, unit(decimals, network.chain_decimals)) or _confirmations_error(network)


def _sums_error(network: Network, smallest: int) -> str | None:
    sums = (network.withdrawal_fee, network.withdrawal_min, network.deposit_min)
    limits = (network.automatic_limit, network.one_person_limit)
    if not all(0 <= amount <= MAX_STORED >> 4 for amount in (*sums, *limits)):
        return "amounts are at least 0 and fit the ledger"
    if network.withdrawal_fee % smallest or network.withdrawal_min % smallest:
        return "fee and smallest withdrawal have no more decimals than the asset has on that chain"
    if network.withdrawal_min <= network.withdrawal_fee:
        return "the smallest withdrawal is more than its fee"
    if network.deposit_min < 1:
        return "the smallest deposit is more than nothing"
    if network.one_person_limit < network.automatic_limit:
        return "what one operator may approve is no less than what needs no approval"
    return None


def _confirmations_error(network: Network) -> str | None:
    table = network.confirmations
    if not table or len(table) > 8 or table[0][0] != 0:
        return "confirmations are 1 to 8 steps, the first from 0 on"
    for (least, blocks), (more, further) in itertools.pairwise(table):
        if more <= least or further < blocks:
            return "confirmations grow with the amount"
    if not all(0 < blocks <= MAX_CONFIRMATIONS and amount <= MAX_STORED for amount, blocks in table):
        return "a deposit waits for at least one block"
    return None


def limit_of(limits: dict[tuple[int, AssetId], TierLimit], tier: int, asset: AssetId) -> TierLimit:
    """The limit of a tier: its own, else that of tier 0, else nothing may be withdrawn."""
    found = limits.get((tier, asset)) or limits.get((0, asset))
    return found or TierLimit(Amount(0), Amount(0))
