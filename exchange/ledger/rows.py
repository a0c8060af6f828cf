"""Rows as they are stored, and how a batch of changes freezes into them.

`freeze` runs while the state stands still and hands the writer nothing that can change under its hands. `reconcile`
uses the very same function to say what the rows should be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.core import events as ev
from exchange.core.committed import Committed, LevelChange, Report
from exchange.core.order_lists import OrderList
from exchange.core.orders import ROW_END, Order, OrderRow, SelfTrade, Side
from exchange.core.postings import Bucket, balance_key
from exchange.core.state import MARK_EVERY
from exchange.core.units import AccountId, Amount, MarketId, Micros, OrderId, Price, Quantity, Seq, TradeId
from exchange.ledger.bars import bar_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchange.core.book import Book
    from exchange.core.countdowns import Armed, SessionName
    from exchange.core.networks import Network
    from exchange.core.state import Account, Changes, State

Row = tuple[Any, ...]

PLAIN_COLUMNS: Final = OrderRow.__struct_fields__[: OrderRow.__struct_fields__.index("client_id") + 1]
"""The columns of `orders` in which plain orders differ; in those behind these they have the default."""
_PLAIN_END: Final = 1 + len(PLAIN_COLUMNS)
_PLAIN: Final = OrderRow.__struct_defaults__


class TradeRow(msgspec.Struct, frozen=True, gc=False):
    """A trade; `seq` is its event, `aggregate` the run of fills of one taker at one price that it belongs to."""

    market: MarketId
    id: TradeId
    seq: Seq
    time: Micros
    price: Price
    quantity: Quantity
    notional: Amount
    taker_side: Side
    maker_order: OrderId
    taker_order: OrderId
    maker: AccountId
    taker: AccountId
    maker_fee: Amount
    taker_fee: Amount
    aggregate: int


class PreventedRow(msgspec.Struct, frozen=True, gc=False):
    """A self-trade that was prevented; `id` counts them in their market, `seq` is its event."""

    seq: Seq
    market: MarketId
    id: int
    time: Micros
    account: AccountId
    mode: SelfTrade
    price: Price
    maker_order: OrderId
    taker_order: OrderId
    maker_lots: Quantity
    taker_lots: Quantity


class AmendmentRow(msgspec.Struct, frozen=True, gc=False):
    """An order made smaller; `seq` is the event. Quantities are as if asked for, what prevention took included."""

    seq: Seq
    order_id: OrderId
    time: Micros
    before: Quantity
    quantity: Quantity
    name_before: str
    client_id: str


class AggregateRow(msgspec.Struct, frozen=True, gc=False):
    """The fills of one taker order at one price, added up."""

    id: int
    price: Price
    quantity: Quantity
    first_trade: TradeId
    last_trade: TradeId
    time: Micros
    taker_side: Side


class Frozen(msgspec.Struct, frozen=True):
    """All rows of one commit, by table, and what is to be published once they are durable."""

    committed: Committed
    postings: list[Row]
    balances: list[Row]
    plain_orders: list[Row]
    fresh_orders: list[Row]
    changed_orders: list[Row]
    special_orders: list[Row]
    trades: list[Row]
    prevented_matches: list[Row]
    amendments: list[Row]
    bars: list[Row]
    accounts: list[Row]
    changed_accounts: list[Row]
    markets: list[Row]
    assets: list[Row]
    tier_fees: list[Row]
    credits: list[Row]
    deposits: list[Row]
    withdrawals: list[Row]
    account_events: list[Row]
    balance_marks: list[Row]
    keys_dropped: list[Row]
    keys: list[Row]
    countdowns: list[Row]
    countdowns_over: list[Row]
    sessions: list[Row]
    sessions_over: list[Row]
    order_lists: list[Row]
    networks: list[Row]
    tier_limits: list[Row]
    payouts_shut: list[Row]
    payouts_open: list[Row]
    network_costs: list[Row]
    epochs: list[Row]


def freeze(
    changes: Changes,
    state: State,
    time: Micros,
    levels: tuple[LevelChange, ...] = (),
    reports: tuple[Report, ...] = (),
) -> Frozen | None:
    """The rows that `changes` come to, `state` being right behind them; None when nothing happened."""
    if not changes.events:
        return None
    first = Seq(state.seq - len(changes.events) + 1)
    touched = {key for posting in changes.postings for key in posting[1:3]}
    balances = state.balances
    rare = _rare_rows(changes.events, first)
    plain, fresh = _fresh_orders(changes.fresh.values())
    return Frozen(
        Committed(first, state.seq, time, tuple(changes.events), levels, reports),
        changes.postings,
        [(key, balances[key]) for key in touched],
        plain,
        fresh,
        [_order_change(order) for order in changes.orders.values()],
        [_special_change(order) for order in changes.special.values() if order.id not in changes.fresh],
        [trade_row(seq, trade) for seq, trade in changes.trades],
        [prevented_row(seq, event) for seq, event in changes.prevented],
        [amendment_row(seq, event) for seq, event in changes.amendments],
        bar_rows(trade for _, trade in changes.trades),
        rare["accounts"],
        [(a.id, a.tier, int(a.frozen), a.seq) for a in changes.accounts.values() if a.seq],
        [market_row(book) for book in changes.markets.values()],
        rare["assets"],
        rare["tier_fees"],
        rare["credits"],
        [msgspec.structs.astuple(deposit) for deposit in changes.deposits.values()],
        [msgspec.structs.astuple(withdrawal) for withdrawal in changes.withdrawals.values()],
        [(a.id, a.seq, first) for a in changes.accounts.values() if a.seq],
        [_mark(state, a, first) for a in changes.accounts.values() if a.seq >= a.next_mark],
        changes.keys_dropped,
        [_key_row(seq, used) for seq, used in changes.keys],
        [(*name, due) for name, due in changes.countdowns.items() if due],
        [name for name, due in changes.countdowns.items() if not due],
        [session_row(name, armed) for name, armed in changes.sessions.items() if armed is not None],
        [name for name, armed in changes.sessions.items() if armed is None],
        [list_row(order_list) for order_list in changes.lists.values()],
        rare["networks"],
        rare["tier_limits"],
        [(asset, reason) for asset, reason in changes.payouts_shut.items() if reason is not None],
        [(asset,) for asset, reason in changes.payouts_shut.items() if reason is None],
        rare["network_costs"],
        rare["epochs"],
    )


def _mark(state: State, account: Account, first: Seq) -> Row:
    """All balances of the account as they stand, and when to note them next."""
    account.next_mark = next_mark(account.seq)
    keys = (balance_key(account.id, asset, bucket) for asset in state.assets for bucket in Bucket)
    balances = [(key, amount) for key in keys if (amount := state.balances.get(key))]
    return (account.id, account.seq, first, msgspec.msgpack.encode(balances))


def next_mark(seq: int) -> int:
    """With which own event an account's balances are to be noted next, `seq` being its last one."""
    return seq - seq % MARK_EVERY + MARK_EVERY


def _key_row(seq: Seq, used: ev.KeyUsed) -> Row:
    return (used.account, used.key, seq, used.time, used.digest, used.answer)


def session_row(name: SessionName, armed: Armed) -> Row:
    """An armed connection as a row of `armed_sessions`."""
    return (*name, armed.since, msgspec.json.encode(armed.markets).decode())


def _fresh_orders(orders: Iterable[Order]) -> tuple[list[Row], list[Row]]:
    """Rows of new orders: of plain ones the first columns, for the others are as the table has them anyway."""
    plain, fresh = [], []
    for order in orders:
        row = msgspec.structs.astuple(order)
        if row[_PLAIN_END:ROW_END] == _PLAIN:
            plain.append(row[1:_PLAIN_END])
        else:
            fresh.append(row[1:ROW_END])
    return plain, fresh


def order_row(order: Order) -> Row:
    """An order as a row of `orders`, in the order of `OrderRow`."""
    return msgspec.structs.astuple(order)[1:ROW_END]


def _order_change(order: Order) -> Row:
    """What can change of a plain order after it was accepted, after its id."""
    return (
        order.id,
        order.status,
        order.filled,
        order.filled_quote,
        order.hold,
        order.working,
        order.booked,
        order.updated,
    )


def _special_change(order: Order) -> Row:
    """What else can change of an order that is not plain, after its id."""
    return (
        order.id,
        order.client_id,
        order.quantity,
        order.worked,
        order.shown,
        order.prevented,
        order.prevented_match,
        order.amendments,
        order.trailing_time,
        order.trailing_trade,
        order.trailed,
        order.due,
    )


def list_row(order_list: OrderList) -> Row:
    """An order list as a row of `order_lists`."""
    *head, orders, names, created, updated = msgspec.structs.astuple(order_list)
    return (*head, ",".join(map(str, orders)), ",".join(names), created, updated)


def trade_row(seq: Seq, trade: ev.Traded) -> Row:
    """A trade as a row of `trades`, in the order of `TradeRow`."""
    return (
        trade.market,
        trade.trade,
        seq,
        trade.time,
        trade.price,
        trade.quantity,
        trade.notional,
        trade.taker_side,
        trade.maker_order,
        trade.taker_order,
        trade.maker,
        trade.taker,
        trade.maker_fee,
        trade.taker_fee,
        trade.aggregate,
    )


def prevented_row(seq: Seq, event: ev.MatchPrevented) -> Row:
    """A self-trade that was prevented as a row of `prevented_matches`, in the order of `PreventedRow`."""
    return (
        seq,
        event.market,
        event.match,
        event.time,
        event.account,
        event.mode,
        event.price,
        event.maker_order,
        event.taker_order,
        event.maker_lots,
        event.taker_lots,
    )


def amendment_row(seq: Seq, event: ev.OrderAmended) -> Row:
    """An amendment as a row of `amendments`, in the order of `AmendmentRow`."""
    return (
        seq,
        event.order,
        event.time,
        event.before,
        event.quantity,
        event.name_before,
        event.client_id,
    )


def market_row(book: Book) -> Row:
    """A market as a row of `markets`."""
    rules = msgspec.json.encode(book.rules).decode()
    counters = (book.last_price, book.next_trade, book.next_aggregate)
    return (book.rules.id, book.rules.symbol, rules, int(book.phase), *counters)


def network_row(network: Network) -> Row:
    """A network as a row of `networks`."""
    return (*network.key, msgspec.json.encode(network).decode())


_RARE: Final[dict[type, tuple[str, Callable[[Any, Seq], Row]]]] = {
    ev.AssetListed: ("assets", lambda event, _: msgspec.structs.astuple(event.asset)),
    ev.AccountOpened: ("accounts", lambda event, _: (event.account, event.name, event.tier, 0, 0, event.time)),
    ev.TierFeesSet: ("tier_fees", lambda event, _: msgspec.structs.astuple(event)[1:]),
    ev.Credited: ("credits", lambda event, seq: (event.reference, seq)),
    ev.NetworkSet: ("networks", lambda event, _: network_row(event.network)),
    ev.TierLimitSet: ("tier_limits", lambda event, _: msgspec.structs.astuple(event)[1:]),
    ev.NetworkCostBooked: ("network_costs", lambda event, _: (event.key, event.asset, event.amount)),
    ev.EpochOpened: ("epochs", lambda event, seq: (event.epoch, seq, event.reason)),
}
"""What happens seldom: its table, and its row from the event and the event's number."""


def _rare_rows(events: list[ev.Event], first: Seq) -> dict[str, list[Row]]:
    """Rows of what happens seldom, made from the events themselves."""
    rows: dict[str, list[Row]] = {table: [] for table, _ in _RARE.values()}
    for seq, event in enumerate(events, first):
        found = _RARE.get(type(event))
        if found is not None:
            rows[found[0]].append(found[1](event, Seq(seq)))
    return rows
