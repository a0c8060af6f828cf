"""Decide what concerns money that comes and goes: credits, deposits, withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from exchange.core import commands as co
from exchange.core import events as ev
from exchange.core.networks import DAY, MONTH, limit_of, unit
from exchange.core.postings import CUSTODY, HOUSE_NAMES
from exchange.core.rejects import Reject
from exchange.core.transfers import (
    DEPOSIT_TRANSITIONS,
    INSIDE,
    WITHDRAWAL_TRANSITIONS,
    DepositState,
    Effect,
    Withdrawal,
    WithdrawalState,
    inside_key,
)
from exchange.core.units import MAX_STORED, Amount, AssetId, Micros

if TYPE_CHECKING:
    from exchange.core.networks import Network
    from exchange.core.state import Account, State

Decision = list[ev.Event] | Reject


def fits(amount: Amount) -> bool:
    """Whether money of this size can be moved at all."""
    return 0 < amount <= MAX_STORED >> 4


def credit(state: State, now: Micros, command: co.Credit) -> Decision:
    """Demo money, once per reference."""
    if command.account not in state.accounts:
        return Reject.UNKNOWN_ACCOUNT
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    if command.reference in state.references:
        return Reject.DUPLICATE_REFERENCE
    if not fits(command.amount) or circulating(state, command.asset) + command.amount > MAX_STORED >> 1:
        return Reject.BAD_AMOUNT
    seq = state.accounts[command.account].seq + 1
    return [ev.Credited(now, command.account, seq, command.asset, command.amount, command.reference)]


def circulating(state: State, asset: AssetId) -> int:
    """How many atoms of the asset the house owes in all; bounded, so that every balance fits the ledger."""
    return -sum(state.available(house, asset) for house in HOUSE_NAMES if house != 2)


def report_deposit(state: State, now: Micros, command: co.ReportDeposit) -> Decision:
    """A deposit's next state: credited it repays debts first; undone, what is no longer there becomes one."""
    if command.account not in state.accounts:
        return Reject.UNKNOWN_ACCOUNT
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    known = state.deposits.get(command.key)
    if known is not None:
        if (known.account, known.asset, known.amount) != (command.account, command.asset, command.amount):
            return Reject.DUPLICATE_REFERENCE
        if known.state == command.to:
            return []
    if not fits(command.amount):
        return Reject.BAD_AMOUNT
    effect = DEPOSIT_TRANSITIONS.get((known.state if known else None, command.to))
    if effect is None:
        return Reject.BAD_TRANSITION
    if effect is Effect.CREDIT and circulating(state, command.asset) + command.amount > MAX_STORED >> 1:
        return Reject.BAD_AMOUNT
    recovered = Amount(0)
    if effect is Effect.REVERSE:
        recovered = min(command.amount, state.available(command.account, command.asset))
    elif effect is Effect.CREDIT:
        recovered = min(command.amount, state.owed(command.account, command.asset))
    seq = state.accounts[command.account].seq + 1
    return [
        ev.DepositMoved(
            now,
            command.key,
            command.account,
            seq,
            command.asset,
            command.amount,
            command.to,
            recovered,
        ),
    ]


def request_withdrawal(state: State, now: Micros, command: co.RequestWithdrawal) -> Decision:
    """Hold what is asked for, if there is a way out for it and the account's tier allows it."""
    known = state.withdrawals.get(command.key)
    if known is not None and _same(known, command):
        return []
    account = state.accounts.get(command.account)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if account.frozen:
        return Reject.ACCOUNT_FROZEN
    asset, network = state.assets.get(command.asset), state.networks.get((command.asset, command.network))
    if asset is None:
        return Reject.UNKNOWN_ASSET
    if network is None:
        return Reject.UNKNOWN_NETWORK
    if known is not None:
        return Reject.DUPLICATE_REFERENCE
    refused = (
        _way_out(state, command, network, unit(asset.decimals, network.chain_decimals))
        or _beyond_limits(state, now, account, command)
        or (Reject.INSUFFICIENT_FUNDS if state.available(account.id, asset.id) < command.amount else None)
    )
    if refused is not None:
        return refused
    wish = Withdrawal(
        command.key,
        account.id,
        asset.id,
        command.amount,
        WithdrawalState.REQUESTED,
        network.name,
        network.withdrawal_fee,
        now,
    )
    return [_moved(now, wish, account.seq + 1, wish.state, wish.fee)]


def _same(known: Withdrawal, command: co.RequestWithdrawal) -> bool:
    asked = (command.account, command.asset, command.amount, command.network)
    return (known.account, known.asset, known.amount, known.network) == asked


def _way_out(state: State, command: co.RequestWithdrawal, network: Network, smallest: int) -> Reject | None:
    """Why such an amount cannot leave over this network now."""
    if not fits(command.amount):
        return Reject.BAD_AMOUNT
    if not network.withdrawals_open:
        return Reject.WITHDRAWALS_CLOSED
    if state.shut(command.asset) is not None:
        return Reject.PAYOUTS_SHUT
    if command.amount % smallest:
        return Reject.TOO_FINE
    if command.amount < network.withdrawal_min:
        return Reject.BELOW_MINIMUM
    return Reject.FEE_CHANGED if command.fee not in {None, network.withdrawal_fee} else None


def _beyond_limits(state: State, now: Micros, account: Account, command: co.RequestWithdrawal) -> Reject | None:
    """Whether it would be too much within a day, or within a month, for the account's tier."""
    limit = limit_of(state.tier_limits, account.tier, command.asset)
    windows = ((DAY, limit.day, Reject.DAY_LIMIT), (MONTH, limit.month, Reject.MONTH_LIMIT))
    for window, most, reject in windows:
        if state.withdrawn(account.id, command.asset, Micros(now - window)) + command.amount > most:
            return reject
    return None


def move_withdrawal(state: State, now: Micros, command: co.MoveWithdrawal) -> Decision:
    """A withdrawal's next state."""
    known, to = state.withdrawals.get(command.key), command.to
    if known is None:
        return Reject.UNKNOWN_TRANSFER
    if known.state == to:
        return []
    account = state.accounts[known.account]
    if to == WithdrawalState.PLANNED and account.frozen:
        return Reject.ACCOUNT_FROZEN
    if (known.state, to) not in WITHDRAWAL_TRANSITIONS or (known.state, to) == INSIDE:
        return Reject.BAD_TRANSITION
    if to == WithdrawalState.PLANNED and state.shut(known.asset) is not None:
        return Reject.PAYOUTS_SHUT
    return [_moved(now, known, account.seq + 1, to, known.fee)]


def _moved(
    now: Micros,
    one: Withdrawal,
    seq: int,
    to: WithdrawalState,
    fee: Amount,
    refunded: Amount = Amount(0),  # noqa: B008
) -> ev.WithdrawalMoved:
    return ev.WithdrawalMoved(
        now, one.key, one.account, seq, one.asset, one.amount, to, one.network, fee, one.requested, refunded
    )


def settle_inside(state: State, now: Micros, command: co.SettleInside) -> Decision:
    """Two events in one: the withdrawal is final, and a deposit of the other account credited."""
    known, other = state.withdrawals.get(command.key), state.accounts.get(command.to)
    if known is None:
        return Reject.UNKNOWN_TRANSFER
    if other is None:
        return Reject.UNKNOWN_ACCOUNT
    there = state.deposits.get(inside_key(known.key))
    if there is not None:
        return [] if there.account == other.id else Reject.DUPLICATE_REFERENCE
    account = state.accounts[known.account]
    if account.frozen:
        return Reject.ACCOUNT_FROZEN
    if (known.state, WithdrawalState.FINAL) != INSIDE:
        return Reject.BAD_TRANSITION
    if state.shut(known.asset) is not None:
        return Reject.PAYOUTS_SHUT
    refunded = Amount(0 if command.fee_to_recipient else known.fee)
    paid = Amount(known.amount - refunded)
    seq = account.seq + 1
    return [
        _moved(now, known, seq, WithdrawalState.FINAL, Amount(0), refunded),
        ev.DepositMoved(
            now,
            inside_key(known.key),
            other.id,
            (seq if other is account else other.seq) + 1,
            known.asset,
            paid,
            DepositState.CREDITED,
            min(paid, state.owed(other.id, known.asset)),
        ),
    ]


def book_paid(state: State, now: Micros, command: co.BookPaid) -> Decision:
    """What a restored ledger has forgotten: taken from the account, as far as it is there."""
    known = state.withdrawals.get(command.key)
    if known is not None:
        asked = (command.account, command.asset, command.amount, command.network, command.fee)
        same = (known.account, known.asset, known.amount, known.network, known.fee) == asked
        return [] if same and known.state == WithdrawalState.FINAL else Reject.DUPLICATE_REFERENCE
    account = state.accounts.get(command.account)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    if (command.asset, command.network) not in state.networks:
        return Reject.UNKNOWN_NETWORK
    beyond = state.available(CUSTODY, command.asset) + command.amount > MAX_STORED >> 1
    if not fits(command.amount) or not 0 <= command.fee < command.amount or beyond:
        return Reject.BAD_AMOUNT
    paid = Withdrawal(command.key, account.id, command.asset, command.amount, WithdrawalState.FINAL, command.network)
    paid.requested = command.requested
    event = _moved(now, paid, account.seq + 1, paid.state, command.fee)
    there = min(command.amount, state.available(account.id, command.asset))
    return [msgspec.structs.replace(event, owed=Amount(command.amount - there))]
