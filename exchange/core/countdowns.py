"""Dead man's switches: open orders that are cancelled when their owner falls silent.

A countdown cancels at a time, a session when its connection ends. Both are part of the state, so that a switch that was
set before a crash still works after it. What a switch of a halted market would cancel waits until the halt is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from exchange.core import events as ev
from exchange.core.contingency import Contingency, Numbers
from exchange.core.market import MarketPhase
from exchange.core.orders import CANCELED
from exchange.core.rejects import Reject
from exchange.core.units import AccountId, MarketId, Micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchange.core import commands as co
    from exchange.core.orders import Order
    from exchange.core.state import Account, State

CountdownName = tuple[AccountId, MarketId]
SessionName = tuple[AccountId, str]

MAX_SESSIONS: Final = 100
"""So many connections of one account may be armed at a time."""
_NEVER: Final = Micros(0)


class Armed(msgspec.Struct, frozen=True, gc=False):
    """A connection that cancels when it ends: armed when, and for which markets (none: for all)."""

    since: Micros
    markets: tuple[MarketId, ...]


def set_countdown(state: State, now: Micros, command: co.SetCountdown) -> list[ev.Event] | Reject:
    """Set, set anew, or disarm."""
    account, name = state.accounts.get(command.account), (command.account, command.market)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if command.market not in state.books:
        return Reject.UNKNOWN_MARKET
    if not command.countdown and name not in state.countdowns:
        return []
    due = Micros(now + command.countdown) if command.countdown else _NEVER
    return [ev.CountdownSet(now, account.id, account.seq + 1, command.market, due)]


def fire_countdown(state: State, now: Micros, command: co.FireCountdown) -> list[ev.Event] | Reject:
    """Cancel what a countdown was set for; nothing when it is not due (any more)."""
    due = state.countdowns.get((command.account, command.market))
    if due is None or due > now:
        return []
    if state.books[command.market].phase == MarketPhase.HALTED:
        return Reject.MARKET_NOT_OPEN
    account = state.accounts[command.account]
    fired = ev.CountdownFired(now, account.id, account.seq + 1, command.market)
    return [fired, *cancels(state, now, account, command.market, account.seq + 1)]


def arm_session(state: State, now: Micros, command: co.ArmSession) -> list[ev.Event] | Reject:
    """Arm a connection, or change for which markets it is."""
    account, name = state.accounts.get(command.account), (command.account, command.session)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if any(market not in state.books for market in command.markets):
        return Reject.UNKNOWN_MARKET
    if name not in state.sessions and sum(owner == account.id for owner, _ in state.sessions) >= MAX_SESSIONS:
        return Reject.TOO_MANY_SESSIONS
    return [ev.SessionArmed(now, account.id, account.seq + 1, command.session, command.markets)]


def end_session(state: State, now: Micros, command: co.EndSession) -> list[ev.Event] | Reject:
    """Cancel what the connection was armed for, or disarm it. A halted market's orders get a countdown that is due."""
    armed = state.sessions.get((command.account, command.session))
    if armed is None:
        return Reject.NOT_ARMED
    account = state.accounts[command.account]
    seq = account.seq + 1
    events: list[ev.Event] = [ev.SessionEnded(now, account.id, seq, command.session, command.disarm)]
    if command.disarm:
        return events
    for market in armed.markets or sorted(account.open_by_market):
        if not account.open_by_market.get(market):
            continue
        if state.books[market].phase == MarketPhase.HALTED:
            events.append(ev.CountdownSet(now, account.id, seq + len(events), market, now))
        else:
            events += cancels(state, now, account, market, seq + len(events) - 1)
    return events


def cancels(
    state: State, now: Micros, account: Account, market: MarketId, seq: int, cancel_id: str = ""
) -> list[ev.Event]:
    """The ends of all open orders and order lists of the account in a market; `seq` is its event before."""
    mine: Iterable[Order] = account.open_by_market.get(market, {}).values()
    if not account.open_lists:
        return [cancelled(now, order, seq + n, cancel_id) for n, order in enumerate(mine, 1)]
    numbers = Numbers(seq)
    lists = Contingency(state, now, numbers.next)
    events: list[ev.Event] = []
    for order in mine:
        if not order.order_list:
            events.append(cancelled(now, order, numbers.next(account.id), cancel_id))
        elif not lists.has_ended(order):
            events += lists.cancelled(state.lists[order.order_list], cancel_id)
    return events


def cancelled(now: Micros, order: Order, seq: int, cancel_id: str) -> ev.Event:
    """The end of one order by its owner's will."""
    return ev.OrderEnded(now, order.id, order.account, seq, order.market, CANCELED, order.hold, cancel_id)
