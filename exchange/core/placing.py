"""What becomes of a new order, and of a sleeping one that wakes: reads the state, answers with events or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.core import matching, risk
from exchange.core.events import Event, OrderAccepted, OrderEnded, OrderTriggered
from exchange.core.market import MarketPhase
from exchange.core.orders import GTC, IOC, LIMIT, LIMIT_MAKER, MARKET, Side
from exchange.core.postings import KEYS_PER_ACCOUNT
from exchange.core.rejects import Reject
from exchange.core.taking import Taker
from exchange.core.trailing import BIPS, mark
from exchange.core.triggers import woken_at
from exchange.core.units import MILLION, Amount, ListId, Micros, OrderId, Price, Quantity

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.commands import PlaceOrder, WakeOrder
    from exchange.core.orders import Order
    from exchange.core.state import Account, State

_NO_LIST: Final = ListId(0)


def decide_place(state: State, now: Micros, order: PlaceOrder) -> list[Event] | Reject:
    """Take the order on and say all that follows from it, or refuse it."""
    account = state.accounts.get(order.account)
    book = state.books.get(order.market)
    reject = risk.check(account, book, order, state.balances)
    if reject is not None:
        return reject
    assert account is not None
    assert book is not None
    return enter(state, now, book, account, order, state.next_order)


def enter(
    state: State,
    now: Micros,
    book: Book,
    account: Account,
    order: PlaceOrder,
    number: OrderId,
    order_list: ListId = _NO_LIST,
    beside: tuple[Event, ...] = (),
) -> list[Event] | Reject:
    """What an order that passed `risk` does as `number`: its acceptance first, or why it must not be.

    `beside` are other events of the account that stand right behind its acceptance.
    """
    kind = order.type
    if kind is not LIMIT:
        if kind > LIMIT_MAKER:
            return _sleep(state, now, book, account, order, number, order_list)
        if kind == MARKET:
            return _market(state, now, book, account, order, number, order_list)
    price, lots = order.price, order.quantity
    if order.side == 1:
        opposite, limit_key = book.asks, int(price)
        hold, funds = price * lots * book.rules.unit, order.account * KEYS_PER_ACCOUNT + book.quote_bits
    else:
        opposite, limit_key = book.bids, -price
        hold, funds = lots * book.rules.lot_atoms, order.account * KEYS_PER_ACCOUNT + book.base_bits
    best = opposite.best
    crosses = best is not None and best.key <= limit_key
    if crosses and kind == LIMIT_MAKER:
        return Reject.WOULD_TAKE
    if state.balances.get(funds, 0) < hold:  # type: ignore[call-overload]
        return Reject.INSUFFICIENT_FUNDS
    rests = not crosses and order.time_in_force == GTC
    events: list[Event] = [accepted(number, now, account.seq + 1, order, lots, hold, rests, order_list)]
    if beside:
        events += beside
    if rests:
        return events
    met = matching.walk(opposite, limit_key, lots, order.account, order.self_trade)
    seqs = {account.id: account.seq + len(events)}
    taker = Taker(state, now, book, number, order.account, order.side, order.self_trade, price, seqs)
    taker.finish(events, met, hold, order.time_in_force)
    return events


def decide_wake(state: State, now: Micros, command: WakeOrder) -> list[Event]:
    """Wake the next sleeping order that is due: nothing, or all that follows from it. Only an open market wakes.

    If it is one of an OCO pair the other order expires first, and what that held is there for this one to take over.
    """
    book = state.books[command.market]
    woken = book.triggers.due()
    if woken is None or book.phase != MarketPhase.OPEN:
        return []
    order = state.orders[woken]
    account = order.owner
    limit = order.price or protection(book, order.side, woken_at(order))
    seqs = {account.id: account.seq}
    taker = Taker(state, now, book, order.id, order.account, order.side, order.self_trade, limit, seqs)
    events: list[Event] = []
    funds = int(order.hold)
    if order.order_list:
        events += taker.lists().outlive_rival(order)
        funds += sum(event.released for event in events if type(event) is OrderEnded)
    if order.trailing_delta and order.side == 1 and not order.price:  # it may wake higher than it could know
        taker.limit = limit = Price(min(limit, funds // (order.quantity * book.rules.unit)))
    hold = most(book, order.side, limit, order.quantity)
    more, less = max(0, hold - order.hold), max(0, order.hold - hold)
    seq = taker.next_seq(account.id)
    events.append(
        OrderTriggered(now, order.id, order.account, seq, order.market, now, released=Amount(less), hold=Amount(more))
    )
    opposite, limit_key = (book.asks, limit) if order.side == 1 else (book.bids, -limit)
    met = matching.walk(opposite, limit_key, order.quantity, order.account, order.self_trade)
    time_in_force = order.time_in_force if order.price else IOC
    stays = taker.finish(events, met, hold, time_in_force)
    if order.order_list and not stays:
        events.append(taker.lists().done(state.lists[order.order_list]))
    return events


def _market(
    state: State,
    now: Micros,
    book: Book,
    account: Account,
    order: PlaceOrder,
    number: OrderId,
    order_list: ListId,
) -> list[Event] | Reject:
    """Fill a market order at once, as far as the book and the price band go; the rest expires.

    It holds what it costs (to buy by quantity), the budget (by quote), or the whole quantity (to sell). It walks no
    further than its account can pay for, lest who has nothing could keep everybody waiting.
    """
    rules, buys = book.rules, order.side == 1
    opposite, limit_key = (book.asks, book.highest) if buys else (book.bids, -book.lowest)
    budget, lots = order.quote_quantity, order.quantity
    funds = state.available(account.id, rules.quote if buys else rules.base)
    if funds < (budget if buys else lots * rules.lot_atoms):
        return Reject.INSUFFICIENT_FUNDS
    if budget:
        most = matching.UNBOUNDED if buys else funds // rules.lot_atoms
        met = matching.walk_budget(opposite, limit_key, budget, rules.unit, account.id, order.self_trade, most)
        bought = sum(abs(step[1]) for step in met.steps)
        hold = budget if buys else bought * rules.lot_atoms
        lots = Quantity(bought + (1 if met.left and bought else 0))
    else:
        most = funds // rules.unit if buys else matching.UNBOUNDED
        met = matching.walk(opposite, limit_key, lots, account.id, order.self_trade, most)
        hold = met.cost * rules.unit if buys else lots * rules.lot_atoms
    if funds < hold:
        return Reject.INSUFFICIENT_FUNDS
    events: list[Event] = [accepted(number, now, account.seq + 1, order, lots, hold, False, order_list)]
    seqs = {account.id: account.seq + 1}
    taker = Taker(state, now, book, number, order.account, order.side, order.self_trade, Price(0), seqs)
    taker.finish(events, met, hold, IOC)
    return events


def _sleep(
    state: State,
    now: Micros,
    book: Book,
    account: Account,
    order: PlaceOrder,
    number: OrderId,
    order_list: ListId,
) -> list[Event] | Reject:
    """Put a stop or take-profit order to sleep, holding the most that it can cost when it wakes."""
    hold = dearest(book, order)
    if not _affords(state, book, order, hold):
        return Reject.INSUFFICIENT_FUNDS
    return [accepted(number, now, account.seq + 1, order, order.quantity, hold, True, order_list)]


def dearest(book: Book, order: PlaceOrder) -> int:
    """The most that an order with a limit or a stop price can cost: quote atoms to buy, base atoms to sell."""
    limit = order.price or protection(book, order.side, dearest_stop(book, order))
    return most(book, order.side, limit, order.quantity)


def dearest_stop(book: Book, order: PlaceOrder | Order) -> Price:
    """The highest price that a buy waits for: one that trails the price down from its start waits for less later."""
    if not order.trailing_delta:
        return order.stop_price
    start = order.stop_price or book.last_price
    return Price(mark(order.side, start, order.trailing_delta) // BIPS)


def most(book: Book, side: Side, limit: int, lots: int) -> int:
    """The most that `lots` can cost at `limit`: quote atoms to buy, base atoms to sell."""
    return limit * lots * book.rules.unit if side == 1 else lots * book.rules.lot_atoms


def _affords(state: State, book: Book, order: PlaceOrder, hold: int) -> bool:
    """Whether the account has `hold` available, in quote to buy and in base to sell."""
    return state.available(order.account, book.rules.quote if order.side == 1 else book.rules.base) >= hold


def accepted(
    number: OrderId,
    now: Micros,
    seq: int,
    order: PlaceOrder,
    quantity: Quantity,
    hold: int,
    rests: bool,
    order_list: ListId,
) -> OrderAccepted:
    """`order` is taken on as `number`; `seq` numbers the event within the account."""
    return OrderAccepted(
        now,
        number,
        order.account,
        seq,
        order.market,
        order.side,
        order.type,
        order.time_in_force,
        order.self_trade,
        order.price,
        order.stop_price,
        quantity,
        order.quote_quantity,
        hold,  # type: ignore[arg-type]  # in atoms: a NewType call for each order is dearer than it is worth
        order.client_id,
        rests,
        order_list,
        order.iceberg,
        order.trailing_delta,
        order.strategy_id,
        order.strategy_type,
    )


def protection(book: Book, side: Side, stop_price: Price) -> Price:
    """The worst price at which a triggered market order trades: its stop price and the market's slack beyond."""
    slack = stop_price * book.rules.slack // MILLION
    return Price(stop_price + slack if side == 1 else max(1, stop_price - slack))
