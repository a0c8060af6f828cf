"""Let it have happened: one event, applied to the state. Never refuses; what cannot be is a bug and raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exchange.core import events as ev
from exchange.core import postings
from exchange.core.book import Book
from exchange.core.countdowns import Armed
from exchange.core.keys import Used
from exchange.core.market import MarketPhase
from exchange.core.order_lists import ListStatus, OrderList
from exchange.core.orders import (
    EXPIRED_IN_MATCH,
    FILLED,
    LIMIT,
    LIMIT_MAKER,
    NEW,
    PARTIALLY_FILLED,
    PENDING_NEW,
    SLEEPING_TYPES,
    Order,
)
from exchange.core.postings import HELD, KEYS_PER_ACCOUNT
from exchange.core.state import Account
from exchange.core.transfers import (
    DEPOSIT_TRANSITIONS,
    WITHDRAWAL_TRANSITIONS,
    Deposit,
    Effect,
    Withdrawal,
)
from exchange.core.triggers import reached
from exchange.core.units import AccountId, Amount, BalanceKey, ListId, Micros, OrderId, Quantity, Seq, TradeId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exchange.core.postings import Movement
    from exchange.core.state import State


_NO_LOTS: Final = Quantity(0)
_NO_MONEY: Final = Amount(0)
_NEVER: Final = Seq(0)
_DISARMED: Final = Micros(0)
_NO_TIME: Final = Micros(0)


class Overdrawn(Exception):
    """A movement would take more than there is: a bug in `decide`, or a damaged journal."""


def evolve(state: State, event: ev.Event) -> None:
    """Apply `event` as number `state.seq + 1`; `state.changes` records all that it touched."""
    state.seq += 1  # type: ignore[assignment]  # NewType calls are left out where every order comes by
    state.changes.events.append(event)
    _EVOLVE[type(event)](state, event)


def _post(state: State, debit: BalanceKey, credit: BalanceKey, amount: Amount) -> None:
    """One movement of money."""
    balances: dict[BalanceKey, int] = state.balances  # type: ignore[assignment]
    left = balances[debit] - amount
    if left < 0 and not postings.may_be_negative(debit):
        raise Overdrawn(state.seq, postings.split_key(debit), amount)
    balances[debit] = left
    balances[credit] += amount
    state.changes.postings.append((state.seq, debit, credit, amount))


def _post_all(state: State, movements: Iterable[Movement]) -> None:
    for debit, credit, amount in movements:
        _post(state, debit, credit, amount)


def _touch_account(state: State, account: AccountId, account_seq: int) -> Account:
    return _touch_owner(state, state.accounts[account], account_seq)


def _touch_owner(state: State, owner: Account, account_seq: int) -> Account:
    account = owner.id
    if account_seq != owner.seq + 1:
        message = f"account {account}: event {account_seq} follows {owner.seq}"
        raise AssertionError(message)
    owner.seq = account_seq
    state.changes.accounts[account] = owner
    return owner


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
    _touch_account(state, event.account, event.account_seq).tier = event.tier


def _account_frozen_set(state: State, event: ev.AccountFrozenSet) -> None:
    _touch_account(state, event.account, event.account_seq).frozen = event.frozen


def _credited(state: State, event: ev.Credited) -> None:
    _touch_account(state, event.account, event.account_seq)
    state.references.add(event.reference)
    _post(state, *postings.credited(event))


def _deposit_moved(state: State, event: ev.DepositMoved) -> None:
    owner = _touch_account(state, event.account, event.account_seq)
    known = state.deposits.get(event.key)
    effect = DEPOSIT_TRANSITIONS[(known.state if known else None, event.state)]
    deposit = Deposit(event.key, event.account, event.asset, event.amount, event.state)
    state.deposits[event.key] = state.changes.deposits[event.key] = deposit
    if effect is Effect.REVERSE:
        owner.frozen = True
    _post_all(state, postings.deposit(event, effect))


def _withdrawal_moved(state: State, event: ev.WithdrawalMoved) -> None:
    _touch_account(state, event.account, event.account_seq)
    known = state.withdrawals.get(event.key)
    effect = WITHDRAWAL_TRANSITIONS[(known.state, event.state)] if known else None
    withdrawal = Withdrawal(event.key, event.account, event.asset, event.amount, event.state)
    state.withdrawals[event.key] = state.changes.withdrawals[event.key] = withdrawal
    _post_all(state, postings.withdrawal(event, effect))


def _order_accepted(state: State, event: ev.OrderAccepted) -> None:
    owner = _touch_owner(state, state.accounts[event.account], event.account_seq)
    order_id, market, client_id, changes = event.order, event.market, event.client_id, state.changes
    book = state.books[market]
    kind = event.type
    sleeps = kind is not LIMIT and kind > LIMIT_MAKER
    goes_to_book = event.rests and not sleeps
    order = Order(
        owner,
        order_id,
        event.account,
        market,
        event.side,
        kind,
        event.time_in_force,
        event.self_trade,
        NEW,
        event.price,
        event.stop_price,
        event.quantity,
        _NO_LOTS,
        _NO_MONEY,
        event.quote_quantity,
        event.hold,
        not sleeps,
        state.seq if goes_to_book else _NEVER,
        event.time,
        event.time,
        client_id,
        event.order_list,
        _NO_TIME,
        event.iceberg,
    )
    state.orders[order_id] = changes.fresh[order_id] = order
    state.next_order = order_id + 1  # type: ignore[assignment]
    if client_id:
        owner.open_by_client[client_id] = order_id
    try:
        owner.open_by_market[market][order_id] = order
    except KeyError:
        owner.open_by_market[market] = {order_id: order}
    if event.hold:
        spent = event.account * KEYS_PER_ACCOUNT + (book.quote_bits if event.side == 1 else book.base_bits)
        _post(state, spent, spent + HELD, event.hold)  # type: ignore[arg-type]  # see `evolve`
    if event.trailing_delta or event.strategy_id or event.strategy_type:
        order.trailing_delta = event.trailing_delta
        order.strategy_id, order.strategy_type = event.strategy_id, event.strategy_type
    if goes_to_book:
        if event.iceberg:
            order.shown = min(event.iceberg, order.quantity)
        book.add(order)
    elif event.pending:
        order.status, order.working = PENDING_NEW, False
        book.triggers.expect(order)
    elif sleeps:
        _sleep(book, order, event.time)


def _sleep(book: Book, order: Order, now: Micros) -> None:
    """Put an order to sleep; a trailing one follows the price at once unless its stop price is still to come."""
    last = book.last_price
    if order.trailing_delta and (not order.stop_price or reached(order.type, order.side, order.stop_price, last)):
        order.trailing_time, order.trailing_trade = now, TradeId(book.next_trade - 1)
    book.triggers.add(order, last)


def _order_triggered(state: State, event: ev.OrderTriggered) -> None:
    _touch_account(state, event.account, event.account_seq)
    order = _touch_order(state, event.order)
    order.updated = event.time
    order.working = True
    order.worked = event.worked
    book = state.books[event.market]
    book.triggers.remove(order)
    order.due = _NEVER
    state.changes.special[order.id] = order
    if event.released:
        _release(state, book, order, event.released)
    if event.hold:
        _hold(state, book, order, event.hold)


def _hold(state: State, book: Book, order: Order, amount: Amount) -> None:
    """Move more of the account's money from available to held."""
    spent = order.account * KEYS_PER_ACCOUNT + (book.quote_bits if order.side == 1 else book.base_bits)
    _post(state, spent, spent + HELD, amount)  # type: ignore[arg-type]
    order.hold += amount  # type: ignore[assignment]


def _order_booked(state: State, event: ev.OrderBooked) -> None:
    _touch_account(state, event.account, event.account_seq)
    order = _touch_order(state, event.order)
    order.booked = state.seq
    order.updated = event.time
    if order.iceberg:
        order.shown = Quantity(min(order.iceberg, order.quantity - order.filled))
        state.changes.special[order.id] = order
    state.books[event.market].add(order)


def _order_ended(state: State, event: ev.OrderEnded) -> None:
    order = _touch_order(state, event.order)
    owner = _touch_owner(state, order.owner, event.account_seq)
    book = state.books[event.market]
    if order.status is PENDING_NEW:
        book.triggers.expect_no_more(order)
        book.due_lists.pop(order.order_list, None)
    elif order.level is not None:
        book.remove(order)
    elif not order.working:
        book.triggers.remove(order)
    order.status = event.status
    order.updated = event.time
    if order.due or order.shown:
        order.due, order.shown = _NEVER, _NO_LOTS
        state.changes.special[order.id] = order
    if event.released:
        _release(state, book, order, event.released)
    _close(state, owner, order)


def _release(state: State, book: Book, order: Order, released: Amount) -> None:
    """What an order held goes back to what its account may spend."""
    spent = order.account * KEYS_PER_ACCOUNT + (book.quote_bits if order.side == 1 else book.base_bits)
    _post(state, spent + HELD, spent, released)  # type: ignore[arg-type]
    order.hold -= released  # type: ignore[assignment]


def _order_amended(state: State, event: ev.OrderAmended) -> None:
    owner = _touch_account(state, event.account, event.account_seq)
    order, book = _touch_order(state, event.order), state.books[event.market]
    state.changes.special[order.id] = order
    state.changes.amendments.append((state.seq, event))
    less = event.before - event.quantity
    order.quantity -= less  # type: ignore[assignment]
    order.updated = event.time
    order.amendments += 1
    if order.level is not None:
        if order.iceberg:
            less = max(0, order.shown - (order.quantity - order.filled))
            order.shown -= less  # type: ignore[assignment]
        book.reduce(order, less)
    if event.released:
        _release(state, book, order, event.released)
    if event.client_id != order.client_id:
        if order.client_id:
            del owner.open_by_client[order.client_id]
        order.client_id = event.client_id
        owner.open_by_client[event.client_id] = order.id
    if order.order_list:
        _rename_in_list(state, order)


def _rename_in_list(state: State, order: Order) -> None:
    """The order list calls its order as it is called now."""
    mine = state.changes.lists[order.order_list] = state.lists[order.order_list]
    names = zip(mine.orders, mine.names, strict=True)
    mine.names = tuple(order.client_id if number == order.id else name for number, name in names)


def _match_prevented(state: State, event: ev.MatchPrevented) -> None:
    book = state.books[event.market]
    if event.maker_lots:
        maker = state.orders[event.maker_order]
        _lose(state, book, maker, event.maker_seq, event.maker_lots, event.maker_released, event)
    if event.taker_lots:  # who loses nothing may be filled by now: its budget bought all, but for one cheap lot
        taker = state.orders[event.taker_order]
        _lose(state, book, taker, event.taker_seq, event.taker_lots, event.taker_released, event)
    book.next_match = event.match + 1
    state.changes.prevented.append((state.seq, event))


def _lose(
    state: State,
    book: Book,
    order: Order,
    account_seq: int,
    lots: Quantity,
    released: Amount,
    event: ev.MatchPrevented,
) -> None:
    """Take `lots` from an order for good; with nothing left it has expired."""
    _touch_owner(state, order.owner, account_seq)
    state.changes.special[order.id] = _touch_order(state, order.id)
    over = lots == order.quantity - order.filled
    if order.level is not None and over:
        book.remove(order)
    order.quantity -= lots  # type: ignore[assignment]
    order.prevented += lots  # type: ignore[assignment]
    order.prevented_match, order.updated = event.match, event.time
    if order.level is not None:
        book.reduce(order, lots)
        if order.iceberg:
            _turn_over(state, book, order, lots)
    if released:
        _release(state, book, order, released)
    if over:
        order.status, order.shown = EXPIRED_IN_MATCH, _NO_LOTS
        _close(state, order.owner, order)


def _turn_over(state: State, book: Book, order: Order, lots: Quantity) -> None:
    """An iceberg gave `lots` of what it shows; with nothing left to see it shows its next part, behind all others."""
    state.changes.special[order.id] = order
    shown = order.shown - lots
    if not shown and order.level is not None:
        order.shown = Quantity(min(order.iceberg, order.quantity - order.filled))
        order.booked = state.seq
        book.requeue(order)
    else:
        order.shown = Quantity(shown)


def _reach(state: State, book: Book, event: ev.Traded) -> None:
    """A trade makes sleepers due, and sets off trailing ones to follow the price."""
    told = book.triggers.reach(event.price)
    for order in told.following:
        order.trailing_time, order.trailing_trade = event.time, event.trade
        book.triggers.follow(order, event.price)
        state.changes.special[order.id] = _touch_order(state, order.id)
    for order, trailed in told.due:
        order.due, order.trailed = state.seq, trailed
        state.changes.special[order.id] = _touch_order(state, order.id)


def _traded(state: State, event: ev.Traded) -> None:
    book = state.books[event.market]
    maker = _touch_order(state, event.maker_order)
    taker = _touch_order(state, event.taker_order)
    _touch_owner(state, maker.owner, event.maker_seq)
    _touch_owner(state, taker.owner, event.taker_seq)
    _post_all(state, postings.traded(book.rules, event))
    base = event.quantity * book.rules.lot_atoms
    from_taker, from_maker = (event.notional, base) if event.taker_side == 1 else (base, event.notional)
    _fill(maker, event, from_maker)
    _fill(taker, event, from_taker + event.released)
    book.reduce(maker, event.quantity)
    if maker.iceberg:
        _turn_over(state, book, maker, event.quantity)
    if maker.status is FILLED:
        _close(state, maker.owner, maker)
    if taker.status is FILLED:
        _close(state, taker.owner, taker)
    book.last_price = event.price
    if book.triggers.asleep:
        _reach(state, book, event)
    book.next_trade = event.trade + 1  # type: ignore[assignment]
    book.next_aggregate = event.aggregate + 1
    state.changes.trades.append((state.seq, event))
    state.changes.markets[event.market] = book


def _fill(order: Order, event: ev.Traded, paid: int) -> None:
    """Count a trade in one of its two orders, which pays for it from its hold."""
    filled = order.filled + event.quantity
    order.filled = filled  # type: ignore[assignment]
    order.filled_quote += event.notional  # type: ignore[assignment]
    order.hold -= paid  # type: ignore[assignment]
    order.updated = event.time
    order.status = FILLED if filled == order.quantity else PARTIALLY_FILLED


def _touch_order(state: State, order_id: OrderId) -> Order:
    order = state.orders[order_id]
    if order_id not in state.changes.fresh:
        state.changes.orders[order_id] = order
    return order


def _close(state: State, owner: Account, order: Order) -> None:
    """An order is final: forget it; its row tells the rest."""
    order_id, client_id = order.id, order.client_id
    if order.hold:
        message = f"order {order_id} ends holding {order.hold}"
        raise AssertionError(message)
    del state.orders[order_id]
    del owner.open_by_market[order.market][order_id]
    if client_id:
        del owner.open_by_client[client_id]
    if order.order_list and order.status is FILLED and state.lists[order.order_list].working == order_id:
        state.books[order.market].due_lists[order.order_list] = None


def _order_list_placed(state: State, event: ev.OrderListPlaced) -> None:
    owner = _touch_account(state, event.account, event.account_seq)
    number, time = event.list, event.time
    names = tuple(state.orders[order].client_id for order in event.orders)
    placed = OrderList(
        number,
        event.account,
        event.market,
        event.contingency,
        ListStatus.EXECUTING,
        event.client_id,
        event.orders,
        names,
        time,
        time,
    )
    state.lists[number] = owner.open_lists[number] = state.changes.lists[number] = placed
    state.next_list = ListId(number + 1)


def _order_list_done(state: State, event: ev.OrderListDone) -> None:
    owner = _touch_account(state, event.account, event.account_seq)
    done = state.lists.pop(event.list)
    left = [order for order in done.orders if order in state.orders]
    if left:
        message = f"order list {done.id} is done, but orders {left} are open"
        raise AssertionError(message)
    del owner.open_lists[event.list]
    done.status, done.updated = ListStatus.ALL_DONE, event.time
    state.changes.lists[event.list] = done


def _order_released(state: State, event: ev.OrderReleased) -> None:
    _touch_account(state, event.account, event.account_seq)
    order = _touch_order(state, event.order)
    state.changes.special[order.id] = order
    book = state.books[event.market]
    book.due_lists.pop(order.order_list, None)
    book.triggers.expect_no_more(order)
    order.status, order.updated = NEW, event.time
    if event.hold:
        _hold(state, book, order, event.hold)
    if order.type in SLEEPING_TYPES:
        _sleep(book, order, event.time)
        return
    order.working, order.worked = True, event.time
    if event.rests:
        order.booked = state.seq
        order.shown = min(order.iceberg, order.quantity)
        book.add(order)


def _key_used(state: State, event: ev.KeyUsed) -> None:
    _touch_account(state, event.account, event.account_seq)
    used = Used(state.seq, event.time, event.digest)
    state.changes.keys_dropped += state.keys.remember(event.account, event.key, used)
    state.changes.keys.append((state.seq, event))


def _countdown_set(state: State, event: ev.CountdownSet) -> None:
    _touch_account(state, event.account, event.account_seq)
    name = (event.account, event.market)
    if event.due:
        state.countdowns[name] = event.due
    else:
        state.countdowns.pop(name, None)
    state.changes.countdowns[name] = event.due


def _countdown_fired(state: State, event: ev.CountdownFired) -> None:
    _touch_account(state, event.account, event.account_seq)
    name = (event.account, event.market)
    del state.countdowns[name]
    state.changes.countdowns[name] = _DISARMED


def _session_armed(state: State, event: ev.SessionArmed) -> None:
    _touch_account(state, event.account, event.account_seq)
    name = (event.account, event.session)
    state.sessions[name] = state.changes.sessions[name] = Armed(event.time, event.markets)


def _session_ended(state: State, event: ev.SessionEnded) -> None:
    _touch_account(state, event.account, event.account_seq)
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
    ev.Credited: _credited,
    ev.DepositMoved: _deposit_moved,
    ev.WithdrawalMoved: _withdrawal_moved,
    ev.OrderAccepted: _order_accepted,
    ev.OrderTriggered: _order_triggered,
    ev.OrderBooked: _order_booked,
    ev.OrderEnded: _order_ended,
    ev.Traded: _traded,
    ev.KeyUsed: _key_used,
    ev.CountdownSet: _countdown_set,
    ev.CountdownFired: _countdown_fired,
    ev.SessionArmed: _session_armed,
    ev.SessionEnded: _session_ended,
    ev.OrderListPlaced: _order_list_placed,
    ev.OrderListDone: _order_list_done,
    ev.OrderReleased: _order_released,
    ev.MatchPrevented: _match_prevented,
    ev.OrderAmended: _order_amended,
}
