"""What becomes of a new order, and of a sleeping one that wakes: reads the state, answers with events or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.core import matching, risk
from exchange.core.events import Event, OrderAccepted, OrderBooked, OrderEnded, OrderTriggered, Traded
from exchange.core.market import MarketPhase, fee
from exchange.core.orders import Order, OrderStatus, OrderType, Side, TimeInForce
from exchange.core.rejects import Reject
from exchange.core.units import (
    MAX_STORED,
    MILLION,
    AccountId,
    Amount,
    Micros,
    OrderId,
    Price,
    Quantity,
    TradeId,
)

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.commands import PlaceOrder, WakeOrder
    from exchange.core.state import State

_NO_LIMIT: Final = MAX_STORED


def decide_place(state: State, now: Micros, order: PlaceOrder) -> list[Event] | Reject:
    """Take the order on and say all that follows from it, or refuse it."""
    account = state.accounts.get(order.account)
    book = state.books.get(order.market)
    reject = risk.check(account, book, order)
    if reject is not None:
        return reject
    assert account is not None
    assert book is not None
    if order.type > OrderType.LIMIT_MAKER:
        return _sleep(state, now, book, order)
    if order.type == OrderType.MARKET:
        return _market(state, now, book, order)
    price = order.price
    opposite, limit_key = (book.asks, price) if order.side == 1 else (book.bids, -price)
    best = opposite.best
    crosses = best is not None and best.key <= limit_key
    if crosses and order.type == OrderType.LIMIT_MAKER:
        return Reject.WOULD_TAKE
    hold = Amount(
        price * order.quantity * book.rules.unit if order.side == 1 else order.quantity * book.rules.lot_atoms,
    )
    if not _affords(state, book, order, hold):
        return Reject.INSUFFICIENT_FUNDS
    if not crosses and order.time_in_force == TimeInForce.GTC:
        return [_accepted(state, now, order, order.quantity, hold, rests=True)]
    events: list[Event] = [_accepted(state, now, order, order.quantity, hold, rests=False)]
    met = matching.walk(opposite, limit_key, order.quantity, order.account, order.self_trade)
    taker = _Taker(state, now, book, state.next_order, order.account, order.side, account.seq + 1, price)
    taker.finish(events, met, hold, order.time_in_force)
    return events


def decide_wake(state: State, now: Micros, command: WakeOrder) -> list[Event]:
    """Wake the next sleeping order that is due: nothing, or all that follows from it. Only an open market wakes."""
    book = state.books[command.market]
    woken = book.triggers.due()
    if woken is None or book.phase != MarketPhase.OPEN:
        return []
    order = state.orders[woken]
    account = state.accounts[order.account]
    limit = order.price or _protection(book, order.side, order.stop_price)
    opposite, limit_key = (book.asks, limit) if order.side == 1 else (book.bids, -limit)
    events: list[Event] = [OrderTriggered(now, order.id, order.account, account.seq + 1, order.market)]
    met = matching.walk(opposite, limit_key, order.quantity, order.account, order.self_trade)
    taker = _Taker(state, now, book, order.id, order.account, order.side, account.seq + 1, limit)
    time_in_force = order.time_in_force if order.price else TimeInForce.IOC
    taker.finish(events, met, order.hold, time_in_force)
    return events


def _market(state: State, now: Micros, book: Book, order: PlaceOrder) -> list[Event] | Reject:
    """Fill a market order at once, as far as the book and the price band go; the rest expires.

    It holds what it costs (to buy by quantity), the budget (by quote), or the whole quantity (to sell).
    """
    rules, buys = book.rules, order.side == 1
    opposite = book.asks if buys else book.bids
    limit_key = _band_key(book, order.side)
    if order.quote_quantity:
        met = matching.walk_budget(
            opposite,
            limit_key,
            order.quote_quantity,
            rules.unit,
            order.account,
            order.self_trade,
        )
        lots = Quantity(sum(step[1] for step in met.steps))
        hold = order.quote_quantity if buys else Amount(lots * rules.lot_atoms)
        quantity = Quantity(lots + (1 if met.left and lots else 0))
    else:
        met = matching.walk(opposite, limit_key, order.quantity, order.account, order.self_trade)
        hold = Amount(met.cost * rules.unit if buys else order.quantity * rules.lot_atoms)
        quantity = order.quantity
    if not _affords(state, book, order, hold):
        return Reject.INSUFFICIENT_FUNDS
    events: list[Event] = [_accepted(state, now, order, quantity, hold, rests=False)]
    seq = state.accounts[order.account].seq + 1
    taker = _Taker(state, now, book, state.next_order, order.account, order.side, seq, Price(0))
    taker.finish(events, met, hold, TimeInForce.IOC)
    return events


def _sleep(state: State, now: Micros, book: Book, order: PlaceOrder) -> list[Event] | Reject:
    """Put a stop or take-profit order to sleep, holding the most that it can cost when it wakes."""
    rules = book.rules
    if order.side == 1:
        dearest = order.price or _protection(book, order.side, order.stop_price)
        hold = Amount(dearest * order.quantity * rules.unit)
    else:
        hold = Amount(order.quantity * rules.lot_atoms)
    if not _affords(state, book, order, hold):
        return Reject.INSUFFICIENT_FUNDS
    return [_accepted(state, now, order, order.quantity, hold, rests=True)]


def _affords(state: State, book: Book, order: PlaceOrder, hold: Amount) -> bool:
    """Whether the account has `hold` available, in quote to buy and in base to sell."""
    asset = book.rules.quote if order.side == 1 else book.rules.base
    return state.balances.get(order.account << 16 | asset << 4, 0) >= hold  # type: ignore[call-overload,no-any-return]


def _accepted(
    state: State,
    now: Micros,
    order: PlaceOrder,
    quantity: Quantity,
    hold: Amount,
    *,
    rests: bool,
) -> OrderAccepted:
    return OrderAccepted(
        now,
        state.next_order,
        order.account,
        state.accounts[order.account].seq + 1,
        order.market,
        order.side,
        order.type,
        order.time_in_force,
        order.self_trade,
        order.price,
        order.stop_price,
        quantity,
        order.quote_quantity,
        hold,
        order.client_id,
        rests,
    )


def _band_key(book: Book, side: Side) -> int:
    """How far a market order may walk: to the edge of the price band."""
    rules = book.rules
    if side == Side.BUY:
        return book.last_price * rules.band_up // MILLION if rules.band_up else _NO_LIMIT
    return -(-(-book.last_price * rules.band_down // MILLION)) if rules.band_down else 0


def _protection(book: Book, side: Side, stop_price: Price) -> Price:
    """The worst price at which a triggered market order trades: its stop price and the market's slack beyond."""
    slack = stop_price * book.rules.slack // MILLION
    return Price(stop_price + slack if side == Side.BUY else max(1, stop_price - slack))


class _Taker:
    """One order meeting the book: turns the steps of a walk into events, numbering them as it goes."""

    __slots__ = ("account", "book", "buys", "limit", "now", "order", "seqs", "state")

    def __init__(
        self,
        state: State,
        now: Micros,
        book: Book,
        order: OrderId,
        account: AccountId,
        side: Side,
        seq: int,
        limit: Price,
    ) -> None:
        """`seq` is the account's number of the event before; `limit` (0: none) is what the hold was priced at."""
        self.state = state
        self.now = now
        self.book = book
        self.order = order
        self.account = account
        self.buys = side == Side.BUY
        self.limit = limit
        self.seqs = {account: seq}

    def finish(self, events: list[Event], met: matching.Walk, hold: Amount, time_in_force: TimeInForce) -> None:
        """Append trades and then what becomes of the rest: booked, expired, or nothing left."""
        if time_in_force == TimeInForce.FOK and (met.left or met.stopped):
            events.append(self._end(self.order, self.account, OrderStatus.EXPIRED, hold))
            return
        spent = self._trade(events, met, hold)
        if met.stopped:
            events.append(self._end(self.order, self.account, OrderStatus.EXPIRED_IN_MATCH, Amount(hold - spent)))
        elif met.left:
            if time_in_force == TimeInForce.GTC:
                seq = self._next_seq(self.account)
                events.append(OrderBooked(self.now, self.order, self.account, seq, self.book.rules.id))
            else:
                events.append(self._end(self.order, self.account, OrderStatus.EXPIRED, Amount(hold - spent)))

    def _trade(self, events: list[Event], met: matching.Walk, hold: Amount) -> int:
        """Append the trades (and makers expired on the way); return how much of the hold they use or release."""
        book, rules = self.book, self.book.rules
        trade, aggregate = int(book.next_trade), book.next_aggregate - 1
        price_before, spent = Price(0), 0
        last = None if met.left or met.stopped else next((step for step in reversed(met.steps) if step[1]), None)
        for step in met.steps:
            maker, quantity = step
            if not quantity:
                events.append(self._end(maker.id, maker.account, OrderStatus.EXPIRED_IN_MATCH, maker.hold))
                continue
            price = maker.price
            if price != price_before:
                aggregate += 1
                price_before = price
            notional = price * quantity * rules.unit
            if not self.buys:
                released = 0
                spent += quantity * rules.lot_atoms
            elif self.limit:
                released = (self.limit - price) * quantity * rules.unit
                spent += notional + released
            else:
                released = hold - spent - notional if step is last else 0
                spent += notional + released
            events.append(
                self._traded(maker, TradeId(trade), aggregate, quantity, Amount(notional), Amount(released)),
            )
            trade += 1
        return spent

    def _traded(
        self,
        maker: Order,
        trade: TradeId,
        aggregate: int,
        quantity: Quantity,
        notional: Amount,
        released: Amount,
    ) -> Traded:
        """One fill at the maker's price, with both fees."""
        book, accounts = self.book, self.state.accounts
        base = Amount(quantity * book.rules.lot_atoms)
        maker_gets, taker_gets = (notional, base) if self.buys else (base, notional)
        fees = book.tier_fees
        maker_rate = fees.get(accounts[maker.account].tier, book.fees)[0]
        taker_rate = fees.get(accounts[self.account].tier, book.fees)[1]
        return Traded(
            self.now,
            book.rules.id,
            trade,
            aggregate,
            maker.price,
            quantity,
            notional,
            Side.BUY if self.buys else Side.SELL,
            maker.id,
            self.order,
            maker.account,
            self.account,
            self._next_seq(maker.account),
            self._next_seq(self.account),
            fee(maker_gets, maker_rate),
            fee(taker_gets, taker_rate),
            released,
        )

    def _end(self, order: OrderId, account: AccountId, status: OrderStatus, released: Amount) -> OrderEnded:
        seq = self._next_seq(account)
        return OrderEnded(self.now, order, account, seq, self.book.rules.id, status, released, "")

    def _next_seq(self, account: AccountId) -> int:
        seqs = self.seqs
        seq = seqs.get(account)
        seq = (self.state.accounts[account].seq if seq is None else seq) + 1
        seqs[account] = seq
        return seq
