"""From command to outcome: decide, let it happen, and wake whom it wakes. What the sequencer calls for each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from exchange.core.commands import CancelAll, CancelOrder, CancelReplace, Command, PlaceOrder, WakeOrder
from exchange.core.deciding import DECIDE, Decision
from exchange.core.events import Event, OrderEnded
from exchange.core.evolving import evolve
from exchange.core.orders import OrderRow
from exchange.core.rejects import Reject
from exchange.core.units import MarketId, Micros

if TYPE_CHECKING:
    from exchange.core.orders import Order
    from exchange.core.state import Changes, State


Observer = Callable[[Event], None]
"""Told of each event right after it was applied, while the state is just past it."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a command: a refusal, or the events it caused (not those of orders it woke).

    `orders` are the order placed, or the orders cancelled, as they stood right afterwards. `replaced` is the second
    half of a `CancelReplace`: None when the new order was not tried.
    """

    reject: Reject | None
    events: tuple[Event, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    replaced: Outcome | None = None


class UndecidedError(Exception):
    """`decide` raised: nothing happened, and the market it concerns (if any) is to be quarantined."""

    def __init__(self, market: MarketId | None) -> None:
        """`market` is the one whose orders were being decided."""
        super().__init__(market)
        self.market = market


def perform(state: State, now: Micros, command: Command, after: Observer | None = None) -> Outcome:
    """Decide and apply one command; `after` is called right after each event has been applied.

    Raises `UndecidedError` before anything of the command has happened to the state.

    (The two halves of a `CancelReplace` are decided one after the other: the first may stand when the second raises.)
    """
    if type(command) is CancelReplace:
        cancelled = perform(state, now, command.cancel, after)
        if cancelled.reject is not None and not command.even_if_cancel_fails:
            return cancelled
        placed = perform(state, now, command.place, after)
        return Outcome(cancelled.reject, cancelled.events, cancelled.orders, placed)
    events = _happen(state, now, command, after)
    if isinstance(events, list):
        return Outcome(None, tuple(events), _named_orders(state.changes, command, events))
    return Outcome(events)


def wake(state: State, now: Micros, market: MarketId, after: Observer | None = None) -> list[Event]:
    """Wake the next order that this market's last price reached; an empty list when there is none.

    Raises `UndecidedError` as `perform` does. Call until nothing is left: those who wake may wake others.
    """
    events = _happen(state, now, WakeOrder(market), after)
    assert not isinstance(events, Reject), events
    return events


def _happen(
    state: State,
    now: Micros,
    command: Command,
    after: Observer | None,
) -> list[Event] | Reject:
    try:
        decision: Decision = DECIDE[type(command)](state, now, command)
    except Exception as error:
        raise UndecidedError(getattr(command, "market", None)) from error
    if type(decision) is list:
        for event in decision:
            evolve(state, event)
            if after is not None:
                after(event)
    return decision


def _named_orders(changes: Changes, command: Command, events: list[Event]) -> tuple[OrderRow, ...]:
    """The rows of the orders that the command itself names: placed or cancelled, not their makers."""
    kind = type(command)
    if kind is PlaceOrder:
        return (changes.fresh[events[0].order].row(),)  # type: ignore[union-attr]  # it begins with `OrderAccepted`
    if kind is CancelOrder:
        return (_ended(changes, events[0]).row(),)
    if kind is CancelAll:
        return tuple([_ended(changes, event).row() for event in events])
    return ()


def _ended(changes: Changes, event: Event) -> Order:
    assert type(event) is OrderEnded
    return changes.fresh.get(event.order) or changes.orders[event.order]
