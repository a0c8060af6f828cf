"""What `evolve` does to money that comes and goes, and to the ways it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core import events as ev
from exchange.core import postings
from exchange.core.moving import post, post_all, touch_account
from exchange.core.networks import ALL_ASSETS, TierLimit
from exchange.core.transfers import DEPOSIT_TRANSITIONS, WITHDRAWAL_TRANSITIONS, Deposit, Effect, Withdrawal

if TYPE_CHECKING:
    from exchange.core.state import State


def credited(state: State, event: ev.Credited) -> None:
    """Demo money."""
    touch_account(state, event.account, event.account_seq)
    state.references.add(event.reference)
    post(state, *postings.credited(event))


def deposit_moved(state: State, event: ev.DepositMoved) -> None:
    """A deposit's new state; an account of which a credited one is undone is frozen."""
    owner = touch_account(state, event.account, event.account_seq)
    known = state.deposits.get(event.key)
    effect = DEPOSIT_TRANSITIONS[(known.state if known else None, event.state)]
    deposit = Deposit(event.key, event.account, event.asset, event.amount, event.state)
    state.deposits[event.key] = state.changes.deposits[event.key] = deposit
    if effect is Effect.REVERSE:
        owner.frozen = True
    post_all(state, postings.deposit(event, effect))


def withdrawal_moved(state: State, event: ev.WithdrawalMoved) -> None:
    """A withdrawal's new state; one whose money came back no longer counts against limits."""
    owner = touch_account(state, event.account, event.account_seq)
    known = state.withdrawals.get(event.key)
    effect = WITHDRAWAL_TRANSITIONS[(known.state, event.state)] if known else None
    withdrawal = Withdrawal(
        event.key,
        event.account,
        event.asset,
        event.amount,
        event.state,
        event.network,
        event.fee,
        event.requested,
    )
    state.withdrawals[event.key] = state.changes.withdrawals[event.key] = withdrawal
    if event.owed:
        owner.frozen = True
    if withdrawal.counts:
        owner.withdrawals[event.key] = withdrawal
    else:
        owner.withdrawals.pop(event.key, None)
    post_all(state, postings.withdrawal(event, effect))


def network_set(state: State, event: ev.NetworkSet) -> None:
    """An asset's way in and out."""
    state.networks[event.network.key] = event.network


def tier_limit_set(state: State, event: ev.TierLimitSet) -> None:
    """What a tier may withdraw."""
    state.tier_limits[event.tier, event.asset] = TierLimit(event.day, event.month)


def payouts_shut_set(state: State, event: ev.PayoutsShutSet) -> None:
    """Payouts of an asset, or of all."""
    if event.shut:
        state.payouts_shut[event.asset] = state.changes.payouts_shut[event.asset] = event.reason
    else:
        del state.payouts_shut[event.asset]
        state.changes.payouts_shut[event.asset] = None


def network_cost_booked(state: State, event: ev.NetworkCostBooked) -> None:
    """From fees to the outside."""
    state.costs[event.key] = (event.asset, event.amount)
    post(state, *postings.network_cost(event))


def epoch_opened(state: State, event: ev.EpochOpened) -> None:
    """A restored ledger goes on, with all payouts shut."""
    state.epoch = event.epoch
    state.payouts_shut.setdefault(ALL_ASSETS, event.reason)
    state.changes.payouts_shut[ALL_ASSETS] = state.payouts_shut[ALL_ASSETS]
