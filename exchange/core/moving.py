"""How `evolve` moves money and counts an account's events: one movement at a time, no number left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core import postings
from exchange.core.state import Account
from exchange.core.units import AccountId, Amount, BalanceKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchange.core.postings import Movement
    from exchange.core.state import State


class Overdrawn(Exception):
    """A movement would take more than there is: a bug in `decide`, or a damaged journal."""


def post(state: State, debit: BalanceKey, credit: BalanceKey, amount: Amount) -> None:
    """One movement of money."""
    balances: dict[BalanceKey, int] = state.balances  # type: ignore[assignment]
    left = balances[debit] - amount
    if left < 0 and not postings.may_be_negative(debit):
        raise Overdrawn(state.seq, postings.split_key(debit), amount)
    balances[debit] = left
    balances[credit] += amount
    state.changes.postings.append((state.seq, debit, credit, amount))


def post_all(state: State, movements: Iterable[Movement]) -> None:
    for debit, credit, amount in movements:
        post(state, debit, credit, amount)


def touch_account(state: State, account: AccountId, account_seq: int) -> Account:
    return touch_owner(state, state.accounts[account], account_seq)


def touch_owner(state: State, owner: Account, account_seq: int) -> Account:
    account = owner.id
    if account_seq != owner.seq + 1:
        message = f"account {account}: event {account_seq} follows {owner.seq}"
        raise AssertionError(message)
    owner.seq = account_seq
    state.changes.accounts[account] = owner
    return owner
