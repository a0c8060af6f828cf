"""What somebody who was answered may rely on, and whether a ledger keeps it."""

from __future__ import annotations

from collections.abc import Iterable

import apsw
import msgspec

from exchange.core.orders import OrderStatus
from exchange.core.performing import Outcome
from exchange.core.state import State
from exchange.core.units import AccountId
from exchange.ledger.backfill import newest_numbers
from exchange.ledger.restore import ORDER_COLUMNS, order_row


class Lost(Exception):
    """What was promised is not there."""


class Promised(msgspec.Struct, tag=True, frozen=True):
    """Somebody was answered: orders (id, status, filled), accounts' own numbers, and events up to `seq` stand."""

    orders: tuple[tuple[int, int, int], ...] = ()
    accounts: dict[int, int] = {}
    seq: int = 0


def promise(outcome: Outcome) -> Promised:
    """What whoever gets this outcome may rely on. One that repeats an earlier answer promises nothing new."""
    orders = tuple((row.id, int(row.status), row.filled) for row in outcome.orders)
    second = promise(outcome.replaced) if outcome.replaced is not None else Promised()
    return Promised(orders + second.orders, newest_numbers(outcome.events) | second.accounts)


def check(promises: Iterable[Promised], ledger: apsw.Connection, state: State) -> None:
    """Orders are at least as far as they were told to be, and so are accounts and journal. Raises `Lost`."""
    rows = (order_row(row) for row in ledger.execute(f"SELECT {ORDER_COLUMNS} FROM orders"))
    there = {int(row.id): row for row in rows}
    for one in promises:
        if state.seq < one.seq:
            raise Lost(f"event {one.seq} was published, {state.seq} is the last one")
        for order, status, filled in one.orders:
            row = there.get(order)
            if row is None or row.filled < filled or (status > OrderStatus.PARTIALLY_FILLED and row.status != status):
                raise Lost(f"order {order} was promised with status {status}, filled {filled}; found {row}")
        for number, seq in one.accounts.items():
            account = state.accounts.get(AccountId(number))
            if account is None or account.seq < seq:
                raise Lost(f"account {number}: its event {seq} was promised, found {account and account.seq}")
