"""Event -> debits and credits.

One movement takes from one account and gives to another, so an unbalanced entry cannot be written. A hold is a
movement from `available` to `held`. Accounts below 100 belong to the house.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from exchange.core.events import Credited, DepositMoved, NetworkCostBooked, Traded, WithdrawalMoved
from exchange.core.market import Market
from exchange.core.transfers import Effect, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, BalanceKey

Movement = tuple[BalanceKey, BalanceKey, Amount]
"""(debit, credit, amount): `amount` > 0 goes from the first to the second, both of one asset."""

GENESIS: Final = AccountId(1)
"""Where demo money comes from; its balance is minus all that was credited."""
FEES: Final = AccountId(2)
"""Where fees go."""
CUSTODY: Final = AccountId(3)
"""The outside world: minus what was deposited, plus what was withdrawn."""
FIRST_TRADER: Final = AccountId(100)

HOUSE_NAMES: Final = {GENESIS: "genesis", FEES: "fees", CUSTODY: "custody"}


class Bucket(IntEnum):
    """The parts of an account's balance in one asset. RECEIVABLE is what it owes after a deposit was undone."""

    AVAILABLE = 0
    HELD = 1
    RECEIVABLE = 2


HELD: Final = 1
"""`Bucket.HELD` as a plain bit: a balance key or HELD is the key of what is held of it.

A hold, for which there is no function below, is one movement from a key to it, a release one movement back.
"""

ACCOUNT_SHIFT: Final = 16
KEYS_PER_ACCOUNT: Final = 1 << ACCOUNT_SHIFT
"""Multiplying and adding is quicker in CPython 3.11 than shifting and joining."""
ASSET_SHIFT: Final = 4
MAX_ASSETS: Final = 1 << (ACCOUNT_SHIFT - ASSET_SHIFT)
_FEES_KEY: Final = FEES << ACCOUNT_SHIFT
FIRST_TRADER_KEY: Final = BalanceKey(FIRST_TRADER << ACCOUNT_SHIFT)


def balance_key(account: AccountId, asset: AssetId, bucket: Bucket = Bucket.AVAILABLE) -> BalanceKey:
    """Account, asset and bucket in one integer: account × 65,536 + asset × 16 + bucket."""
    return BalanceKey(account << ACCOUNT_SHIFT | asset << ASSET_SHIFT | bucket)


def split_key(key: BalanceKey) -> tuple[AccountId, AssetId, Bucket]:
    """The parts of `balance_key`."""
    asset = (key >> ASSET_SHIFT) & (MAX_ASSETS - 1)
    return AccountId(key >> ACCOUNT_SHIFT), AssetId(asset), Bucket(key & 15)


def may_be_negative(key: BalanceKey) -> bool:
    """Only the house's own accounts and what traders owe may fall below zero."""
    return key < FIRST_TRADER_KEY or key & 15 == Bucket.RECEIVABLE


def traded(market: Market, event: Traded) -> list[Movement]:
    """Base to the buyer, quote to the seller, a fee from what each received, price improvement back to the taker."""
    base, quote, lots = market.base << ASSET_SHIFT, market.quote << ASSET_SHIFT, event.quantity
    if event.taker_side == 1:
        buyer, seller = event.taker * KEYS_PER_ACCOUNT, event.maker * KEYS_PER_ACCOUNT
        base_fee, quote_fee = event.taker_fee, event.maker_fee
    else:
        buyer, seller = event.maker * KEYS_PER_ACCOUNT, event.taker * KEYS_PER_ACCOUNT
        base_fee, quote_fee = event.maker_fee, event.taker_fee
    moves = [
        (seller + base + HELD, buyer + base, lots * market.lot_atoms),
        (buyer + quote + HELD, seller + quote, event.notional),
    ]
    if base_fee:
        moves.append((buyer + base, _FEES_KEY + base, base_fee))
    if quote_fee:
        moves.append((seller + quote, _FEES_KEY + quote, quote_fee))
    if event.released:
        moves.append((buyer + quote + HELD, buyer + quote, event.released))
    return moves  # type: ignore[return-value]  # plain ints, kept so for speed: each is a key or an amount by position


def credited(event: Credited) -> Movement:
    """Demo money, out of genesis."""
    return balance_key(GENESIS, event.asset), balance_key(event.account, event.asset), event.amount


def deposit(event: DepositMoved, effect: Effect) -> list[Movement]:
    """A deposit's credit, less what repays a debt; or its reversal: what is no longer there becomes a debt."""
    outside = balance_key(CUSTODY, event.asset)
    available = balance_key(event.account, event.asset)
    owed = balance_key(event.account, event.asset, Bucket.RECEIVABLE)
    rest = Amount(event.amount - event.recovered)
    if effect is Effect.CREDIT:
        moves = [(outside, owed, event.recovered), (outside, available, rest)]
    elif effect is Effect.REVERSE:
        moves = [(available, outside, event.recovered), (owed, outside, rest)]
    else:
        return []
    return [move for move in moves if move[2]]


def withdrawal(event: WithdrawalMoved, effect: Effect | None) -> list[Movement]:
    """A withdrawal's hold when it is requested (`effect` None), then its settlement or release.

    Settled, what was held goes outside, less the fee, which is the house's, and what is refunded. One that is final as
    the first that is heard of it was never held: it is taken from what there is, and from a debt.
    """
    available = balance_key(event.account, event.asset)
    held = balance_key(event.account, event.asset, Bucket.HELD)
    if effect is None and event.state == WithdrawalState.FINAL:
        return _forgotten(event)
    if effect is None:
        return [(available, held, event.amount)]
    if effect is Effect.SETTLE:
        paid = Amount(event.amount - event.fee - event.refunded)
        outside, fees = balance_key(CUSTODY, event.asset), balance_key(FEES, event.asset)
        moves = [(held, outside, paid), (held, fees, event.fee), (held, available, event.refunded)]
        return [move for move in moves if move[2]]
    if effect is Effect.RELEASE:
        return [(held, available, event.amount)]
    return []


def _forgotten(event: WithdrawalMoved) -> list[Movement]:
    """What was paid goes outside and the fee to the house: first out of what is there, the rest out of a debt."""
    outside, fees = balance_key(CUSTODY, event.asset), balance_key(FEES, event.asset)
    available = balance_key(event.account, event.asset)
    owed = balance_key(event.account, event.asset, Bucket.RECEIVABLE)
    there = Amount(event.amount - event.owed)
    paid = min(there, Amount(event.amount - event.fee))
    fee = Amount(there - paid)
    moves = [(available, outside, paid), (available, fees, fee)]
    moves += [(owed, outside, Amount(event.amount - event.fee - paid)), (owed, fees, Amount(event.fee - fee))]
    return [move for move in moves if move[2]]


def network_cost(event: NetworkCostBooked) -> Movement:
    """What the house paid a network, out of the fees that it took."""
    return balance_key(FEES, event.asset), balance_key(CUSTODY, event.asset), event.amount
