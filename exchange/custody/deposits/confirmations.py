"""What a payment to us is worth, and when: pure rules, no node and no file.

A deposit of an amount waits for as many blocks as its network's table says, the one that has it counted in. Amounts of
the table's last row wait for the chain's own word as well, where the chain gives one ("finalized"); a table of one row
knows no large amounts. What a miner made out of nothing waits until the chain lets it be spent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from exchange.core.networks import Network, from_chain
from exchange.core.transfers import DepositState
from exchange.core.units import MAX_STORED, AccountId, Amount, AssetId
from exchange.custody.port import Header, Incoming, Purpose

COINBASE_MATURITY: Final = 100
_WORDS: Final = 300
HOUSE: Final = 0
"""The state of a payment to the house itself, which is nobody's deposit. Beside `DepositState`."""


class Terms(msgspec.Struct, frozen=True):
    """On what terms an asset comes in: its network, and how many decimals the ledger gives it."""

    network: Network
    decimals: int


Listed = Mapping[str, Terms]
"""Of one chain: the terms of each contract that is listed; "" is the chain's own coin."""


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a payment: its state while it waits, why it is held, what the ledger will get and when."""

    state: int
    why: str = ""
    asset: AssetId | None = None
    atoms: Amount = Amount(0)
    dust: int = 0
    due: int = 0
    finality: bool = False


def assess(one: Incoming, account: AccountId | None, listed: Listed, height: int) -> Verdict:
    """Judge a payment that a block of this height has. Held ones are recorded, and credited to nobody."""
    if one.to.purpose is not Purpose.DEPOSIT:
        return Verdict(HOUSE)
    terms = listed.get(one.contract)
    if one.doubt:
        return Verdict(DepositState.HELD, f"in doubt: {one.doubt}"[:_WORDS])
    if terms is None:
        return Verdict(DepositState.HELD, "not listed: nobody has looked at this contract")
    network = terms.network
    atoms, dust = from_chain(one.amount, terms.decimals, network.chain_decimals)
    verdict = Verdict(DepositState.HELD, "", network.asset, atoms, dust)
    if why := _held(atoms, account, network):
        # a number of any size may be claimed; what the ledger cannot hold is not put into its columns
        return msgspec.structs.replace(verdict, why=why, atoms=atoms if atoms <= MAX_STORED else Amount(0))
    blocks = network.confirmations_for(atoms)
    if one.coinbase:
        blocks = max(blocks, COINBASE_MATURITY)
    return msgspec.structs.replace(
        verdict, state=DepositState.CONFIRMING, due=height + max(blocks, 1) - 1, finality=is_large(atoms, network)
    )


def _held(atoms: Amount, account: AccountId | None, network: Network) -> str:
    """Why it is not to be credited; "": it is."""
    if account is None:
        return "nobody's address: it was given to nobody yet"
    if atoms < network.deposit_min:
        return "dust: below the smallest deposit"
    if atoms > MAX_STORED >> 4:
        return "more than the ledger can hold"
    if not network.deposits_open:
        return "deposits of this asset are closed"
    return ""


def is_large(atoms: Amount, network: Network) -> bool:
    """Whether the amount falls into the last of several rows of the table."""
    return len(network.confirmations) > 1 and atoms >= network.confirmations[-1][0]


def reference(chain: str, key: str, block: str) -> str:
    """The ledger's name for a deposit: another block, another name, so that each is credited and undone by itself."""
    return f"{chain}:{key}@{block}"


def disagreement(mine: Header, other: Header | None) -> str:
    """What a second node says against a block; "": nothing."""
    if other is None:
        return f"the second node has no block {mine.height} yet"
    if other.hash != mine.hash:
        return f"the nodes disagree on block {mine.height}: {mine.hash} and {other.hash}"
    return ""


def contradiction(mine: Sequence[Incoming], other: Sequence[Incoming]) -> str:
    """What a second node says against the payments of a block; "": nothing.

    The keys of coins moved by calls inside EVM transactions depend on how a node finds them; of these the sums count.
    """
    first, second = _facts(mine), _facts(other)
    if first == second or ((sums := _sums(first - second)) is not None and sums == _sums(second - first)):
        return ""
    keys = ", ".join(sorted(key for key, *_ in first ^ second)[:3])
    return f"the nodes disagree on what a block pays us: {keys}"


def _facts(payments: Sequence[Incoming]) -> set[tuple[str, str, str, int]]:
    return {(one.key, one.to.address, one.contract, one.amount) for one in payments}


def _sums(facts: set[tuple[str, str, str, int]]) -> Counter[str] | None:
    """By address what calls and balances alone say; None if any other payment is among them."""
    sums: Counter[str] = Counter()
    for key, address, contract, amount in facts:
        if contract or not (":call:" in key or ":balance:" in key):
            return None
        sums[address] += amount
    return sums
