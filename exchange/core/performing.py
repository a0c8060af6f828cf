"""From command to outcome: decide, let it happen, and wake whom it wakes. What the sequencer calls for each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from exchange.core.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    CancelOrderList,
    CancelReplace,
    Command,
    Keyed,
    PlaceOrder,
    PlaceOrderList,
    WakeOrder,
)
from exchange.core.deciding import DECIDE, Decision
from exchange.core.events import Event, KeyUsed, OrderAccepted, OrderAmended, OrderEnded, OrderListDone, OrderListPlaced
from exchange.core.evolving import evolve
from exchange.core.keys import Remembered
from exchange.core.order_lists import OrderListRow
from exchange.core.orders import OrderRow
from exchange.core.rejects import Reject
from exchange.core.units import MarketId, Micros, OrderId

if TYPE_CHECKING:
    from exchange.core.state import Changes, State


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Remembered).decode

Observer = Callable[[Event], None]
"""Told of each event right after it was applied, while the state is just past it."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a command: a refusal, or the events it caused (not those of orders it woke).

    `orders` are the order placed or amended (behind its rival, if it is one of a pair), or those cancelled, as they
    stood right afterwards, `lists` the order lists placed or cancelled, or whose order was amended. `replaced` is the
    second half of a `CancelReplace`: None when the new order was not tried. `repeats`: nothing was done, for it had
    been done under the same idempotency key before, and the ledger has the answer.
    """

    reject: Reject | None
    events: tuple[Event, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    replaced: Outcome | None = None
    repeats: bool = False
    lists: tuple[OrderListRow, ...] = ()


class UndecidedError(Exception):
    """`decide` raised: nothing happened, and the market it concerns (if any) is to be quarantined."""

    def __init__(self, market: MarketId | None) -> None:
        """`market` is the one whose orders were being decided; `happened` what stands of a `CancelReplace`."""
        super().__init__(market)
        self.market = market
        self.happened: Outcome | None = None


def perform(state: State, now: Micros, command: Command, after: Observer | None = None) -> Outcome:
    """Decide and apply one command; `after` is called right after each event has been applied.

    Raises `UndecidedError` before anything of the command has happened to the state.

    (The two halves of a `CancelReplace` are decided one after the other: the first may stand when the second raises.)
    """
    if type(command) is CancelReplace:
        cancelled = perform(state, now, command.cancel, after)
        if cancelled.reject is not None and not command.even_if_cancel_fails:
            return cancelled
        try:
            placed = perform(state, now, command.place, after)
        except UndecidedError as error:
            error.happened = msgspec.structs.replace(cancelled, replaced=Outcome(Reject.INTERNAL))
            raise
        return msgspec.structs.replace(cancelled, replaced=placed)
    if type(command) is Keyed:
        return _once(state, now, command, after)
    try:
        events: Decision = DECIDE[type(command)](state, now, command)
    except Exception as error:
        raise UndecidedError(getattr(command, "market", None)) from error
    if not isinstance(events, list):
        return Outcome(events)
    for event in events:
        evolve(state, event)
        if after is not None:
            after(event)
    kind = type(command)
    if kind is PlaceOrder or (kind is CancelOrder and len(events) == 1):
        return Outcome(None, tuple(events), (_row(state.changes, events[0]),))
    orders, lists = _named(state.changes, kind, events)
    return Outcome(None, tuple(events), orders, lists=lists)


def _once(state: State, now: Micros, keyed: Keyed, after: Observer | None) -> Outcome:
    """Perform a command under its idempotency key, and remember what came of it unless nothing did."""
    used = state.keys.find(keyed.account, keyed.key, now)
    if used is not None:
        return Outcome(None, repeats=True) if used.digest == keyed.digest else Outcome(Reject.KEY_REUSED)
    if state.keys.full(keyed.account, now):
        return Outcome(Reject.TOO_MANY_KEYS)
    try:
        outcome = perform(state, now, keyed.command, after)
    except UndecidedError as error:
        if error.happened is not None:
            _remember(state, now, keyed, error.happened, after)
        raise
    _remember(state, now, keyed, outcome, after)
    return outcome


def _remember(state: State, now: Micros, keyed: Keyed, outcome: Outcome, after: Observer | None) -> None:
    answer = _kept(outcome)
    if not (answer.events or (answer.replaced and answer.replaced.events)):
        return
    seq = state.accounts[keyed.account].seq + 1
    event = KeyUsed(now, keyed.account, seq, keyed.key, keyed.digest, _encode(answer))
    evolve(state, event)
    if after is not None:
        after(event)


def _kept(outcome: Outcome) -> Remembered:
    reject = outcome.reject.name if outcome.reject is not None else ""
    second = _kept(outcome.replaced) if outcome.replaced is not None else None
    return Remembered(reject, len(outcome.events), outcome.orders, second, outcome.lists)


def first_outcome(answer: bytes, before: tuple[Event, ...]) -> Outcome:
    """The outcome that a `KeyUsed` with that answer remembers, given the events `before` it (at least its own)."""
    kept = _decode(answer)
    second = kept.replaced.events if kept.replaced is not None else 0
    first = len(before) - second - kept.events
    assert first >= 0, "events are missing"
    replaced = None
    if kept.replaced is not None:
        replaced = _outcome(kept.replaced, before[first + kept.events :])
    return msgspec.structs.replace(_outcome(kept, before[first : first + kept.events]), replaced=replaced)


def _outcome(kept: Remembered, events: tuple[Event, ...]) -> Outcome:
    return Outcome(Reject[kept.reject] if kept.reject else None, events, kept.orders, lists=kept.lists)


def wake(state: State, now: Micros, market: MarketId, after: Observer | None = None) -> tuple[Event, ...]:
    """Wake the next order that this market's last price reached; nothing happens when there is none.

    Raises `UndecidedError` as `perform` does. Call until nothing is left: those who wake may wake others.
    """
    outcome = perform(state, now, WakeOrder(market), after)
    assert outcome.reject is None, outcome
    return outcome.events


_NAMING: Final[dict[type, tuple[type, type]]] = {
    PlaceOrderList: (OrderAccepted, OrderListPlaced),
    AmendOrder: (OrderAmended, OrderAmended),
    CancelOrder: (OrderEnded, OrderListDone),
    CancelAll: (OrderEnded, OrderListDone),
    CancelOrderList: (OrderEnded, OrderListDone),
}
"""By command, the events that name the orders and the lists which it placed, amended or cancelled."""


def _named(changes: Changes, kind: type, events: list[Event]) -> tuple[tuple[OrderRow, ...], tuple[OrderListRow, ...]]:
    """The rows of the orders and lists that the command itself names: placed or cancelled, not their makers."""
    names = _NAMING.get(kind)
    if names is None:
        return (), ()
    orders = tuple([_row(changes, event) for event in events if type(event) is names[0]])
    if kind is AmendOrder:
        return orders, tuple([changes.lists[row.order_list].row() for row in orders[-1:] if row.order_list])
    lists = [event.list for event in events if type(event) is names[1]]  # type: ignore[union-attr]
    return orders, tuple([changes.lists[number].row() for number in lists])


def _row(changes: Changes, event: Event) -> OrderRow:
    """The row of the order whose acceptance, amendment or end this event is."""
    order: OrderId = event.order  # type: ignore[union-attr]
    return (changes.fresh.get(order) or changes.orders[order]).row()
