"""What must always be true of a state. Each check yields a sentence per violation; silence is health."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from exchange.core.postings import Bucket, balance_key, may_be_negative, split_key
from exchange.core.units import AssetId, BalanceKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exchange.core.book import Book, BookSide
    from exchange.core.state import State


def violations(state: State) -> Iterator[str]:
    """Every rule that `state` breaks, in words."""
    yield from conservation(state)
    yield from non_negative(state)
    yield from holds(state)
    for book in state.books.values():
        yield from _book(book)
    yield from _indexes(state)
    yield from _promises(state)


def conservation(state: State) -> Iterator[str]:
    """Per asset, all balances add up to 0: what traders and the house have came from genesis or custody."""
    sums: Counter[AssetId] = Counter()
    for key, amount in state.balances.items():
        asset = split_key(key)[1]
        sums[asset] += amount
    for asset, total in sums.items():
        if total:
            yield f"asset {asset}: balances add up to {total}, not 0"


def non_negative(state: State) -> Iterator[str]:
    """Nobody has less than nothing."""
    for key, amount in state.balances.items():
        if amount < 0 and not may_be_negative(key):
            yield f"balance {split_key(key)} is {amount}"


def holds(state: State) -> Iterator[str]:
    """What is held is just what open orders and living withdrawals hold."""
    expected: dict[BalanceKey, int] = defaultdict(int)
    for order in state.orders.values():
        rules = state.books[order.market].rules
        asset = rules.quote if order.side == 1 else rules.base
        expected[balance_key(order.account, asset, Bucket.HELD)] += order.hold
        left = order.quantity - order.filled
        if order.side == 2 and order.hold != left * rules.lot_atoms:
            yield f"order {order.id} holds {order.hold} for {left} lots to sell"
        if order.side == 1 and order.working and order.hold != left * order.price * rules.unit:
            yield f"order {order.id} holds {order.hold} for {left} lots to buy at {order.price}"
    for withdrawal in state.withdrawals.values():
        if withdrawal.holds:
            key = balance_key(withdrawal.account, withdrawal.asset, Bucket.HELD)
            expected[key] += withdrawal.amount
    for key in expected.keys() | {key for key in state.balances if key & 15 == Bucket.HELD}:
        have = state.balances.get(key, 0)
        if have != expected.get(key, 0):
            yield f"held {split_key(key)}: {have}, but orders and withdrawals hold {expected.get(key, 0)}"


def _book(book: Book) -> Iterator[str]:
    """Levels add up, queues are in order of arrival, and the best bid is below the best ask."""
    for half in (book.bids, book.asks):
        yield from _half(book, half)
    bid, ask = book.bids.best, book.asks.best
    if bid is not None and ask is not None and bid.price >= ask.price:
        yield f"{book.rules.symbol}: the book is crossed, {bid.price} against {ask.price}"


def _half(book: Book, half: BookSide) -> Iterator[str]:
    name = f"{book.rules.symbol} {half.side.name}"
    if half.best is not half.worse(0):
        yield f"{name}: the best level is not the first"
    for level in half:
        lots, count, arrived, order = 0, 0, 0, level.first
        while order is not None:
            lots += order.quantity - order.filled
            count += 1
            if order.booked <= arrived or order.price != level.price or order.level is not level:
                yield f"{name}: order {order.id} is out of place at {level.price}"
            arrived, order = order.booked, order.behind
        if (lots, count) != (level.quantity, level.count) or not count:
            yield f"{name}: level {level.price} counts {level.quantity} in {level.count}, holds {lots} in {count}"


def _indexes(state: State) -> Iterator[str]:
    """Every open order is found under its account, its client id and in its book or among the sleepers; no other is."""
    for order in state.orders.values():
        account = state.accounts[order.account]
        if account.open_by_market.get(order.market, {}).get(order.id) is not order:
            yield f"order {order.id} is not among its account's open orders"
        if order.client_id and account.open_by_client.get(order.client_id) != order.id:
            yield f"order {order.id} is not found by its client id"
        if (order.level is None) == order.working:
            yield f"order {order.id} is neither on the book nor asleep, or both"
    listed = sum(len(mine) for a in state.accounts.values() for mine in a.open_by_market.values())
    resting = sum(level.count for book in state.books.values() for half in (book.bids, book.asks) for level in half)
    asleep = sum(len(book.triggers) for book in state.books.values())
    if not len(state.orders) == listed == resting + asleep:
        yield f"{len(state.orders)} open orders, {listed} under accounts, {resting} resting and {asleep} asleep"


def _promises(state: State) -> Iterator[str]:
    """Idempotency keys are counted right; a dead man's switch belongs to an account and to markets that exist."""
    yield from state.keys.violations()
    for account, market in state.countdowns:
        if account not in state.accounts or market not in state.books:
            yield f"a countdown of account {account} in market {market}"
    for (account, session), armed in state.sessions.items():
        if account not in state.accounts or not state.books.keys() >= set(armed.markets):
            yield f"session {session} of account {account} is armed for markets {armed.markets}"
