"""Let it have happened: one event, applied to the state. Never refuses; what cannot be is a bug and raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exchange.core import events as ev
from exchange.core.book import Book
from exchange.core.countdowns import Armed
from exchange.core.evolving_lists import order_list_done, order_list_placed, order_released
from exchange.core.evolving_orders import (
    match_prevented,
    order_accepted,
    order_amended,
    order_booked,
    order_ended,
    order_triggered,
    traded,
)
from exchange.core.evolving_transfers import (
    credited,
    deposit_moved,
    epoch_opened,
    network_cost_booked,
    network_set,
    payouts_shut_set,
    tier_limit_set,
    withdrawal_moved,
)
from exchange.core.keys import Used
from exchange.core.market import MarketPhase
from exchange.core.moving import Overdrawn, touch_account
from exchange.core.state import Account
from exchange.core.units import AccountId, Micros

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchange.core.state import State


__all__ = ["Overdrawn", "evolve"]

_DISARMED: Final = Micros(0)


def evolve(state: State, event: ev.Event) -> None:
    """Apply `event` as number `state.seq + 1`; `state.changes` records all that it touched."""
    state.seq += 1  # type: ignore[assignment]  # NewType calls are left out where every order comes by
    state.changes.events.append(event)
    _EVOLVE[type(event)](state, event)


def _asset_listed(state: State, event: ev.AssetListed) -> None:
    state.assets[event.asset.id] = event.asset


def _market_listed(state: State, event: ev.MarketListed) -> None:
    book = Book(event.market, event.phase)
    state.books[event.market.id] = book
    state.symbols[event.market.symbol] = event.market.id
    state.changes.markets[event.market.id] = book


def _market_phase_set(state: State, event: ev.MarketPhaseSet) -> None:
    book = state.books[event.market]
    book.phase = MarketPhase(event.phase)
    state.changes.markets[event.market] = book


def _tier_fees_set(state: State, event: ev.TierFeesSet) -> None:
    state.books[event.market].tier_fees[event.tier] = (event.maker_fee, event.taker_fee)


def _account_opened(state: State, event: ev.AccountOpened) -> None:
    account = Account(event.account, event.name, event.tier, False, 0, event.time, {}, {})
    state.accounts[event.account] = account
    state.names[event.name] = event.account
    state.next_account = AccountId(max(state.next_account, event.account + 1))
    state.changes.accounts[event.account] = account


def _account_tier_set(state: State, event: ev.AccountTierSet) -> None:
    touch_account(state, event.account, event.account_seq).tier = event.tier


def _account_frozen_set(state: State, event: ev.AccountFrozenSet) -> None:
    touch_account(state, event.account, event.account_seq).frozen = event.frozen


def _key_used(state: State, event: ev.KeyUsed) -> None:
    touch_account(state, event.account, event.account_seq)
    used = Used(state.seq, event.time, event.digest)
    state.changes.keys_dropped += state.keys.remember(event.account, event.key, used)
    state.changes.keys.append((state.seq, event))


def _countdown_set(state: State, event: ev.CountdownSet) -> None:
    touch_account(state, event.account, event.account_seq)
    name = (event.account, event.market)
    if event.due:
        state.countdowns[name] = event.due
    else:
        state.countdowns.pop(name, None)
    state.changes.countdowns[name] = event.due


def _countdown_fired(state: State, event: ev.CountdownFired) -> None:
    touch_account(state, event.account, event.account_seq)
    name = (event.account, event.market)
    del state.countdowns[name]
    state.changes.countdowns[name] = _DISARMED


def _session_armed(state: State, event: ev.SessionArmed) -> None:
    touch_account(state, event.account, event.account_seq)
    name = (event.account, event.session)
    state.sessions[name] = state.changes.sessions[name] = Armed(event.time, event.markets)


def _session_ended(state: State, event: ev.SessionEnded) -> None:
    touch_account(state, event.account, event.account_seq)
    name = (event.account, event.session)
    del state.sessions[name]
    state.changes.sessions[name] = None


_EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.AssetListed: _asset_listed,
    ev.MarketListed: _market_listed,
    ev.MarketPhaseSet: _market_phase_set,
    ev.TierFeesSet: _tier_fees_set,
    ev.AccountOpened: _account_opened,
    ev.AccountTierSet: _account_tier_set,
    ev.AccountFrozenSet: _account_frozen_set,
    ev.Credited: credited,
    ev.DepositMoved: deposit_moved,
    ev.WithdrawalMoved: withdrawal_moved,
    ev.NetworkSet: network_set,
    ev.TierLimitSet: tier_limit_set,
    ev.PayoutsShutSet: payouts_shut_set,
    ev.NetworkCostBooked: network_cost_booked,
    ev.EpochOpened: epoch_opened,
    ev.OrderAccepted: order_accepted,
    ev.OrderTriggered: order_triggered,
    ev.OrderBooked: order_booked,
    ev.OrderEnded: order_ended,
    ev.Traded: traded,
    ev.KeyUsed: _key_used,
    ev.CountdownSet: _countdown_set,
    ev.CountdownFired: _countdown_fired,
    ev.SessionArmed: _session_armed,
    ev.SessionEnded: _session_ended,
    ev.OrderListPlaced: order_list_placed,
    ev.OrderListDone: order_list_done,
    ev.OrderReleased: order_released,
    ev.MatchPrevented: match_prevented,
    ev.OrderAmended: order_amended,
}
