"""One order meets the book: the steps of a walk become events, one by one, numbered as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from exchange.core import matching
from exchange.core.contingency import Contingency
from exchange.core.events import Event, MatchPrevented, OrderBooked, OrderEnded, Traded
from exchange.core.market import fee
from exchange.core.orders import EXPIRED, FOK, GTC, Order, OrderStatus, SelfTrade, Side, TimeInForce
from exchange.core.units import AccountId, Amount, Micros, OrderId, Price, Quantity

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.state import State


class Taker(msgspec.Struct, gc=False):
    """One order meeting the book: turns the steps of a walk into events, numbering them as it goes.

    `limit` (0: none) is what the hold was priced at. `seqs` has each account's number of its event before.
    """

    state: State
    now: Micros
    book: Book
    order: OrderId
    account: AccountId
    side: Side
    mode: SelfTrade
    limit: Price
    seqs: dict[AccountId, int]
    contingency: Contingency | None = None

    def lists(self) -> Contingency:
        """The order lists that this decision touches; most touch none."""
        if self.contingency is None:
            self.contingency = Contingency(self.state, self.now, self.next_seq)
        return self.contingency

    def finish(self, events: list[Event], met: matching.Walk, hold: int, time_in_force: TimeInForce) -> bool:
        """Append trades and then what becomes of the rest: booked (True), expired, or nothing left."""
        if time_in_force == FOK and (met.left or met.prevented):
            events.append(self._end(self.order, self.account, EXPIRED, hold))
            return False
        spent = self._trade(events, met, hold)
        if met.left:
            if time_in_force == GTC:
                seq = self.next_seq(self.account)
                events.append(OrderBooked(self.now, self.order, self.account, seq, self.book.rules.id))
                return True
            events.append(self._end(self.order, self.account, EXPIRED, hold - spent))
        return False

    def _trade(self, events: list[Event], met: matching.Walk, hold: int) -> int:
        """Append trades and prevented matches; return how much of the hold they use or release."""
        book, rules, limit, buys = self.book, self.book.rules, self.limit, self.side == 1
        trade, aggregate = int(book.next_trade), book.next_aggregate - 1
        match, price_before, spent, released = book.next_match, 0, 0, 0
        last = None if limit or met.left or met.stopped else _last_fill(met)
        for step in met.steps:
            maker, lots = step
            if lots <= 0:
                loss = self._loses(-lots, hold - spent, ends=met.stopped and step is met.steps[-1])
                event = self._prevented(maker, match, -lots, loss)
                events.append(event)
                match += 1
                spent += loss
                if maker.order_list and event.maker_lots:
                    events += self.lists().prevented(maker, event.maker_lots)
                continue
            price = maker.price
            if price != price_before:
                aggregate += 1
                price_before = price
            notional = price * lots * rules.unit
            if not buys:
                spent += lots * rules.lot_atoms
            else:
                if limit:
                    released = (limit - price) * lots * rules.unit
                elif step is last:
                    released = hold - spent - notional
                spent += notional + released
            events.append(self._traded(maker, trade, aggregate, lots, notional, released))
            trade += 1
            if maker.order_list:
                events += self.lists().traded(maker, lots)
        return spent

    def _traded(
        self,
        maker: Order,
        trade: int,
        aggregate: int,
        lots: int,
        notional: int,
        released: int,
    ) -> Traded:
        """One fill at the maker's price, with both fees."""
        book = self.book
        base = lots * book.rules.lot_atoms
        maker_gets, taker_gets = (notional, base) if self.side == 1 else (base, notional)
        fees = book.tier_fees
        maker_rate = fees.get(maker.owner.tier, book.fees)[0]
        taker_rate = fees.get(self.state.accounts[self.account].tier, book.fees)[1]
        return Traded(
            self.now,
            book.rules.id,
            trade,  # type: ignore[arg-type]  # see `placing`
            aggregate,
            maker.price,
            lots,  # type: ignore[arg-type]
            notional,  # type: ignore[arg-type]
            self.side,
            maker.id,
            self.order,
            maker.account,
            self.account,
            self.next_seq(maker.account),
            self.next_seq(self.account),
            fee(maker_gets, maker_rate),
            fee(taker_gets, taker_rate),
            released,  # type: ignore[arg-type]
        )

    def _loses(self, lots: int, left: int, *, ends: bool) -> int:
        """What of its hold the taker gets back for `lots` that it loses; `left` is what it still holds.

        To buy without limit it holds what its trades cost, or its budget, so that the rest comes back with its end.
        """
        if self.side != 1:
            return lots * self.book.rules.lot_atoms
        if self.limit:
            return lots * self.limit * self.book.rules.unit
        return left if ends else 0

    def _prevented(self, maker: Order, match: int, lost: int, released: int) -> MatchPrevented:
        """A trade with oneself that does not happen: who loses what, by the taker's mode."""
        left, rules = maker.quantity - maker.filled, self.book.rules
        given = {SelfTrade.DECREMENT: lost, SelfTrade.EXPIRE_TAKER: 0}.get(self.mode, left)
        back = given * (rules.lot_atoms if maker.side != 1 else maker.price * rules.unit)
        return MatchPrevented(
            self.now,
            rules.id,
            match,
            self.account,
            self.mode,
            maker.price,
            maker.id,
            self.order,
            self.next_seq(self.account) if given else 0,
            self.next_seq(self.account) if lost else 0,
            Quantity(given),
            Quantity(lost),
            Amount(back),
            Amount(released),
        )

    def _end(self, order: OrderId, account: AccountId, status: OrderStatus, released: int) -> OrderEnded:
        seq = self.next_seq(account)
        return OrderEnded(self.now, order, account, seq, self.book.rules.id, status, Amount(released), "")

    def next_seq(self, account: AccountId) -> int:
        """The number of the next event of `account`."""
        seqs = self.seqs
        seq = seqs.get(account)
        seq = (self.state.accounts[account].seq if seq is None else seq) + 1
        seqs[account] = seq
        return seq


def _last_fill(met: matching.Walk) -> matching.Step | None:
    return next((step for step in reversed(met.steps) if step[1]), None)
