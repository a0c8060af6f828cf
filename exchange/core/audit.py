"""What must always be true of a state. Each check yields a sentence per violation; silence is health."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from exchange.core.order_lists import ListKind
from exchange.core.orders import PENDING_NEW
from exchange.core.placing import dearest_stop, most, protection
from exchange.core.postings import CUSTODY, Bucket, balance_key, may_be_negative, split_key
from exchange.core.transfers import DepositState, WithdrawalState, inside_key
from exchange.core.units import AssetId, BalanceKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exchange.core.book import Book, BookSide
    from exchange.core.order_lists import OrderList
    from exchange.core.orders import Order
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
    yield from _lists(state)
    yield from outside(state)
    yield from _withdrawals(state)


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
        if order.order_list and not order.working:
            continue
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


def outside(state: State) -> Iterator[str]:
    """What the world outside holds of an asset: what left it over networks or for them, less what came in."""
    expected: Counter[AssetId] = Counter()
    for deposit in state.deposits.values():
        if deposit.state in {DepositState.CREDITED, DepositState.SWEPT}:
            expected[deposit.asset] -= deposit.amount
    for one in state.withdrawals.values():
        if one.state == WithdrawalState.FINAL:
            within = state.deposits.get(inside_key(one.key))
            expected[one.asset] += within.amount if within else one.amount - one.fee
    for asset, amount in state.costs.values():
        expected[asset] += amount
    for asset in state.assets:
        have = state.available(CUSTODY, asset)
        if have != expected[asset]:
            yield f"asset {asset}: {have} outside, but deposits, withdrawals and costs make {expected[asset]}"


def _withdrawals(state: State) -> Iterator[str]:
    """Just those that count stand under their accounts; no fee is more than what it is taken from."""
    filed = {key: one for account in state.accounts.values() for key, one in account.withdrawals.items()}
    counting = {key: one for key, one in state.withdrawals.items() if one.counts}
    if filed != counting or any(one.account not in state.accounts for one in counting.values()):
        yield f"{len(counting)} withdrawals count against limits, {len(filed)} stand under accounts"
    for one in state.withdrawals.values():
        if not 0 <= one.fee < one.amount:
            yield f"withdrawal {one.key} pays {one.fee} of {one.amount} as its fee"


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
        lots, count, icebergs, arrived, order = 0, 0, 0, 0, level.first
        while order is not None:
            left = order.quantity - order.filled
            lots += order.shown if order.iceberg else left
            count += 1
            icebergs += order.iceberg > 0
            if order.iceberg and not 0 < order.shown <= min(order.iceberg, left):
                yield f"{name}: iceberg {order.id} shows {order.shown} of {left}, by {order.iceberg}"
            if order.booked <= arrived or order.price != level.price or order.level is not level:
                yield f"{name}: order {order.id} is out of place at {level.price}"
            arrived, order = order.booked, order.behind
        if (lots, count, icebergs) != (level.quantity, level.count, level.icebergs) or not count:
            yield f"{name}: level {level.price} counts {level.quantity} in {level.count}, holds {lots} in {count}"


def _indexes(state: State) -> Iterator[str]:
    """Every open order is found under its account, its client id and in its book or among the sleepers; no other is."""
    for order in state.orders.values():
        account = state.accounts[order.account]
        if account.open_by_market.get(order.market, {}).get(order.id) is not order:
            yield f"order {order.id} is not among its account's open orders"
        if order.client_id and account.open_by_client.get(order.client_id) != order.id:
            yield f"order {order.id} is not found by its client id"
        if not order.quantity > order.filled:
            yield f"order {order.id} is open with nothing left of it"
        if (order.level is None) == order.working:
            yield f"order {order.id} is neither on the book nor asleep, or both"
        if order.order_list and order.id not in state.lists[order.order_list].orders:
            yield f"order {order.id} is not in its list {order.order_list}"
    listed = sum(len(mine) for a in state.accounts.values() for mine in a.open_by_market.values())
    resting = sum(level.count for book in state.books.values() for half in (book.bids, book.asks) for level in half)
    asleep = sum(len(book.triggers) for book in state.books.values())
    pending = sum(order.status == PENDING_NEW for order in state.orders.values())
    if not len(state.orders) == listed == resting + asleep + pending:
        kinds = f"{resting} resting, {asleep} asleep and {pending} pending"
        yield f"{len(state.orders)} open orders, {listed} under accounts, {kinds}"


def _promises(state: State) -> Iterator[str]:
    """Idempotency keys are counted right; a dead man's switch belongs to an account and to markets that exist."""
    yield from state.keys.violations()
    for account, market in state.countdowns:
        if account not in state.accounts or market not in state.books:
            yield f"a countdown of account {account} in market {market}"
    for (account, session), armed in state.sessions.items():
        if account not in state.accounts or not state.books.keys() >= set(armed.markets):
            yield f"session {session} of account {account} is armed for markets {armed.markets}"


def _lists(state: State) -> Iterator[str]:
    """A list is open as long as one of its orders is, waits for its working order or is due, and has its money."""
    filed = sum(len(account.open_lists) for account in state.accounts.values())
    if filed != len(state.lists):
        yield f"{len(state.lists)} open order lists, {filed} under accounts"
    for one in state.lists.values():
        left = [state.orders[number] for number in one.orders if number in state.orders]
        if not left or state.accounts[one.account].open_lists.get(one.id) is not one:
            yield f"order list {one.id} has no open order, or is not its account's"
        pending = [order for order in left if order.status == PENDING_NEW]
        due = one.id in state.books[one.market].due_lists
        if due != bool(pending and one.working not in state.orders):
            yield f"order list {one.id}: {len(pending)} orders pending, its working order filled or not, due {due}"
        if any(order.hold for order in pending):
            yield f"order list {one.id}: an order holds money while it is pending"
        pair = [order for order in left if order.status != PENDING_NEW and order.id != one.working]
        yield from _pair(state, one, pair)


def _pair(state: State, one: OrderList, pair: list[Order]) -> Iterator[str]:
    """What a pair holds together is what the dearer of the two can cost; of a single one, what it can cost itself."""
    if one.kind != ListKind.OTO and len(pair) == 2 and (pair[0].filled or pair[1].filled):
        yield f"order list {one.id}: one of a pair has traded, and the other is still open"
    book = state.books[one.market]
    costs = [_most(book, order) for order in pair if not _began_somewhere(order)]
    held = sum(order.hold for order in pair)
    if (held != max(costs)) if len(costs) == len(pair) > 0 else (held < max(costs, default=0)):
        yield f"order list {one.id}: its orders hold {[order.hold for order in pair]} and may cost {costs}"


def _most(book: Book, order: Order) -> int:
    limit = order.price or protection(book, order.side, dearest_stop(book, order))
    return most(book, order.side, limit, order.quantity - order.filled)


def _began_somewhere(order: Order) -> bool:
    """Whether what it can cost depends on the price from which it trails, which nobody keeps."""
    return order.side == 1 and not order.price and order.trailing_delta > 0 and not order.stop_price
