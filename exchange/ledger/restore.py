"""Start-up: the state, rebuilt from the current rows; `reconcile` proves that the journal says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw
import msgspec

from exchange.core.book import Book
from exchange.core.countdowns import Armed
from exchange.core.keys import Used
from exchange.core.market import Asset, Market, MarketPhase
from exchange.core.networks import Network, TierLimit
from exchange.core.order_lists import ListKind, ListStatus, OrderList, OrderListRow
from exchange.core.orders import (
    PENDING_NEW,
    Order,
    OrderRow,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
    order_from_row,
)
from exchange.core.state import Account, State
from exchange.core.transfers import Deposit, DepositState, Withdrawal, WithdrawalState
from exchange.core.triggers import nearness
from exchange.core.units import AccountId, ListId, MarketId, OrderId, Price, Seq
from exchange.ledger import db
from exchange.ledger.rows import Row, next_mark

ORDER_COLUMNS: Final = ", ".join(field.name for field in msgspec.structs.fields(OrderRow))
LIST_COLUMNS: Final = ", ".join(field.name for field in msgspec.structs.fields(OrderListRow))


def order_row(row: Row) -> OrderRow:
    """A row of `orders`, its columns in the order of `ORDER_COLUMNS`."""
    number, account, market, side, kind, time_in_force, self_trade, status, *amounts = row
    price, stop_price, quantity, filled, filled_quote, quote_quantity, hold, working, *times = amounts
    booked, created, updated, *special = times
    return OrderRow(
        number,
        account,
        market,
        Side(side),
        OrderType(kind),
        TimeInForce(time_in_force),
        SelfTrade(self_trade),
        OrderStatus(status),
        price,
        stop_price,
        quantity,
        filled,
        filled_quote,
        quote_quantity,
        hold,
        bool(working),
        booked,
        created,
        updated,
        *special,
    )


def list_row(row: Row) -> OrderListRow:
    """A row of `order_lists`, its columns in the order of `LIST_COLUMNS`."""
    number, account, market, kind, status, client_id, orders, names, created, updated = row
    return OrderListRow(
        number,
        account,
        market,
        ListKind(kind),
        ListStatus(status),
        client_id,
        tuple(OrderId(int(order)) for order in orders.split(",")),
        tuple(names.split(",")),
        created,
        updated,
    )


def restore(connection: apsw.Connection) -> State:
    """The state as of the last commit, read in one transaction. Raises `LedgerDamaged` where rows make no sense."""
    try:
        return _restored(connection)
    except (apsw.Error, msgspec.MsgspecError, ValueError, KeyError) as error:
        raise db.damaged(Path(connection.filename), error) from error


def _restored(connection: apsw.Connection) -> State:
    state = State()
    with connection:
        last = connection.execute("SELECT max(last_seq) FROM journal").fetchone()
        state.seq = Seq(last[0] if last and last[0] else 0)
        restore_markets(connection, state)
        _accounts(connection, state)
        state.balances.update(connection.execute("SELECT key, amount FROM balances"))
        _transfers(connection, state)
        _networks(connection, state)
        _orders(connection, state)
        _promises(connection, state)
        _lists(connection, state)
    state.take_changes()
    for book in state.books.values():
        book.touched.clear()
    return state


def restore_markets(connection: apsw.Connection, state: State) -> None:
    """Fill in assets and markets, their books still empty."""
    for row in connection.execute("SELECT id, code, decimals FROM assets"):
        state.assets[row[0]] = Asset(*row)
    columns = "rules, phase, last_price, next_trade, next_aggregate"
    for rules, phase, last_price, trade, aggregate in connection.execute(f"SELECT {columns} FROM markets"):
        market = msgspec.json.decode(rules, type=Market)
        book = Book(market, MarketPhase(phase))
        book.last_price, book.next_trade, book.next_aggregate = last_price, trade, aggregate
        state.books[market.id] = book
        state.symbols[market.symbol] = market.id
    newest = "SELECT market, max(id) FROM prevented_matches GROUP BY market"
    for market_id, match in connection.execute(newest):
        state.books[market_id].next_match = match + 1
    for market_id, tier, maker, taker in connection.execute("SELECT market, tier, maker_fee, taker_fee FROM tier_fees"):
        state.books[market_id].tier_fees[tier] = (maker, taker)


def _accounts(connection: apsw.Connection, state: State) -> None:
    for row in connection.execute("SELECT id, name, tier, frozen, seq, created FROM accounts"):
        number, name, tier, frozen, seq, created = row
        state.accounts[number] = Account(number, name, tier, bool(frozen), seq, created, {}, {}, next_mark(seq))
        state.names[name] = number
        state.next_account = AccountId(max(state.next_account, number + 1))


def _transfers(connection: apsw.Connection, state: State) -> None:
    state.references.update(row[0] for row in connection.execute("SELECT reference FROM credits"))
    columns = "key, account, asset, amount, state"
    for key, account, asset, amount, stage in connection.execute(f"SELECT {columns} FROM deposits"):
        state.deposits[key] = Deposit(key, account, asset, amount, DepositState(stage))
    columns += ", network, fee, requested"
    for row in connection.execute(f"SELECT {columns} FROM withdrawals ORDER BY requested, key"):
        key, account, asset, amount, stage, *terms = row
        one = Withdrawal(key, account, asset, amount, WithdrawalState(stage), *terms)
        state.withdrawals[one.key] = one
        if one.counts:
            state.accounts[one.account].withdrawals[one.key] = one


def _networks(connection: apsw.Connection, state: State) -> None:
    for (terms,) in connection.execute("SELECT terms FROM networks"):
        network = msgspec.json.decode(terms, type=Network)
        state.networks[network.key] = network
    for tier, asset, day, month in connection.execute("SELECT tier, asset, day, month FROM tier_limits"):
        state.tier_limits[tier, asset] = TierLimit(day, month)
    state.payouts_shut.update(connection.execute("SELECT asset, reason FROM payouts_shut"))
    for key, asset, amount in connection.execute("SELECT key, asset, amount FROM network_costs"):
        state.costs[key] = (asset, amount)
    newest = connection.execute("SELECT max(number) FROM epochs").fetchone()
    state.epoch = newest[0] if newest and newest[0] else 1


def _orders(connection: apsw.Connection, state: State) -> None:
    """Open orders, back to their places: onto the book in the order in which they were booked, or to sleep."""
    newest = connection.execute("SELECT max(id) FROM orders").fetchone()
    state.next_order = OrderId((newest[0] if newest and newest[0] else 0) + 1)
    rows = connection.execute(f"SELECT {ORDER_COLUMNS} FROM orders WHERE status <= 2 ORDER BY id")
    orders = [_living(state, order_row(row)) for row in rows]
    for order in orders:
        _file(state, order)
        if order.status is PENDING_NEW:
            state.books[order.market].triggers.expect(order)
    asleep = [order for order in orders if not order.working and order.status is not PENDING_NEW]
    for order in sorted(asleep, key=_waking):
        trailed = trailed_price(connection, state.books[order.market], order) if order.trailing_time else Price(0)
        state.books[order.market].triggers.add(order, trailed)
    orders.sort(key=lambda order: order.booked)
    for order in orders:
        if order.working:
            state.books[order.market].add(order)


def _waking(order: Order) -> tuple[int, int, int]:
    """The due in the order in which they became so: by event, then the nearest stop price, then the oldest."""
    return order.due, nearness(order), order.id


def trailed_price(connection: apsw.Connection, book: Book, order: Order) -> Price:
    """The best price since a trailing order began to follow it: of the trades of that minute, and of all bars since.

    Before any trade it begins with the reference price.
    """
    best, start = ("min", "low") if order.side == 1 else ("max", "high")
    row = connection.execute(
        "SELECT price, time / 60000000 FROM trades WHERE market = ? AND id = ?", (order.market, order.trailing_trade)
    ).fetchone()
    found, minute = row or (book.rules.reference, -1)
    rest = f"SELECT {best}({start}) FROM bars WHERE market = ? AND minute > ?"
    same = (
        f"SELECT {best}(price) FROM trades WHERE market = ?1 AND id >= ?2 AND id <="
        " (SELECT last_trade FROM bars WHERE market = ?1 AND minute = ?3)"
    )
    since = [found]
    since += [value for (value,) in connection.execute(rest, (order.market, minute)) if value is not None]
    trades = connection.execute(same, (order.market, order.trailing_trade, minute))
    since += [value for (value,) in trades if value is not None]
    return Price(min(since) if order.side == 1 else max(since))


def _promises(connection: apsw.Connection, state: State) -> None:
    """Idempotency keys and dead man's switches."""
    for account, key, *used in connection.execute(
        "SELECT account, key, seq, time, digest FROM idempotency_keys ORDER BY seq"
    ):
        state.keys.restore(account, key, Used(*used))
    for account, market, due in connection.execute("SELECT account, market, due FROM countdowns"):
        state.countdowns[account, market] = due
    for account, session, since, markets in connection.execute(
        "SELECT account, session, since, markets FROM armed_sessions"
    ):
        state.sessions[account, session] = Armed(since, msgspec.json.decode(markets, type=tuple[MarketId, ...]))


def _lists(connection: apsw.Connection, state: State) -> None:
    """Open order lists; those are due whose working order is gone, for had it not been filled they would be done."""
    newest = connection.execute("SELECT max(id) FROM order_lists").fetchone()
    state.next_list = ListId((newest[0] if newest and newest[0] else 0) + 1)
    for row in connection.execute(f"SELECT {LIST_COLUMNS} FROM order_lists WHERE status = 1 ORDER BY id"):
        one = OrderList(*msgspec.structs.astuple(list_row(row)))
        state.lists[one.id] = state.accounts[one.account].open_lists[one.id] = one
        waiting = any(state.orders[order].status is PENDING_NEW for order in one.orders if order in state.orders)
        if waiting and one.working not in state.orders:
            state.books[one.market].due_lists[one.id] = None


def _living(state: State, row: OrderRow) -> Order:
    return order_from_row(row, state.accounts[row.account])


def _file(state: State, order: Order) -> None:
    state.orders[order.id] = order
    owner = order.owner
    owner.open_by_market.setdefault(order.market, {})[order.id] = order
    if order.client_id:
        owner.open_by_client[order.client_id] = order.id
