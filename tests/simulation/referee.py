"""A referee who sees only commands' answers and events, keeps a book of its own, and blows the whistle."""

from collections import Counter
from dataclasses import dataclass

from exchange.core import commands as co
from exchange.core.events import (
    AccountTierSet,
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderAmended,
    OrderBooked,
    OrderEnded,
    OrderReleased,
    TierFeesSet,
    Traded,
)
from exchange.core.market import Market
from exchange.core.orders import OrderStatus, OrderType, Side
from exchange.core.performing import Outcome
from exchange.core.state import State
from exchange.core.units import MarketId, OrderId
from tests.simulation.list_referee import Foul, ListReferee

MILLION = 1_000_000


@dataclass
class Entry:
    """An open order as the referee wrote it down; `arrived` is 0 until it stands on the book.

    An iceberg shows `shown` lots of `part` at a time; all others show what is left of them.
    """

    account: int
    side: Side
    price: int
    left: int
    arrived: int = 0
    sleeps: bool = False
    part: int = 0
    shown: int = 0

    def arrive(self, number: int) -> None:
        """It comes to the end of the queue."""
        self.arrived, self.shown = number, min(self.part, self.left) if self.part else self.left

    def give(self, lots: int, number: int) -> None:
        """It gives lots away; an iceberg that shows nothing any more goes to the end of the queue."""
        self.left -= lots
        self.shown -= lots
        if self.arrived and self.left and not self.shown:
            self.arrive(number)


class Referee:
    """Checks each event against the rules of the game and each answer against what then is so."""

    def __init__(self) -> None:
        self.rules: dict[int, Market] = {}
        self.entries: dict[int, dict[int, Entry]] = {}
        self.tiers: dict[int, int] = {}
        self.tier_fees: dict[tuple[int, int], tuple[int, int]] = {}
        self.keys: set[tuple[int, str]] = set()
        self.seen = 0
        self.trades = 0
        self.lists = ListReferee()

    def watch(self, event: Event) -> None:
        """Called after each event, in order."""
        self.seen += 1
        self.lists.watch(event)
        match event:
            case OrderAccepted():
                kind = OrderType(event.type)
                entry = Entry(event.account, event.side, event.price, event.quantity)
                entry.sleeps, entry.part = kind >= OrderType.STOP_LOSS, event.iceberg
                if event.rests and not entry.sleeps:
                    entry.arrive(self.seen)
                self.entries.setdefault(event.market, {})[event.order] = entry
            case OrderBooked():
                self.entries[event.market][event.order].arrive(self.seen)
            case OrderReleased():
                entry = self.entries[event.market][event.order]
                if event.rests and not entry.sleeps:
                    entry.arrive(self.seen)
            case OrderAmended():
                self._amend(event)
            case MatchPrevented():
                self._prevent(event)
            case OrderEnded():
                del self.entries[event.market][event.order]
            case Traded():
                self._trade(event)
            case AccountTierSet():
                self.tiers[event.account] = event.tier
            case TierFeesSet():
                self.tier_fees[event.market, event.tier] = (event.maker_fee, event.taker_fee)
            case _:
                pass

    def _trade(self, event: Traded) -> None:
        self.trades += 1
        entries, rules = self.entries[event.market], self.rules[event.market]
        maker, taker = entries[event.maker_order], entries[event.taker_order]
        sign = 1 if maker.side == Side.SELL else -1
        resting = [one for one in entries.values() if one.arrived and one.side == maker.side]
        if maker is not min(resting, key=lambda one: (sign * one.price, one.arrived)):
            raise Foul("somebody was overtaken", event)
        if event.price != maker.price or event.notional != event.price * event.quantity * rules.unit:
            raise Foul("not the maker's price", event)
        if taker.price and sign * event.price > sign * taker.price:
            raise Foul("worse than the taker's limit", event)
        if min(maker.shown, taker.left) < event.quantity or event.quantity < 1:
            raise Foul("more than there was", event)
        self._fees(event, rules)
        for number, entry in ((event.maker_order, maker), (event.taker_order, taker)):
            entry.give(event.quantity, self.seen)
            if not entry.left:
                del entries[number]

    def _prevent(self, event: MatchPrevented) -> None:
        """Nobody loses who is not the same account's, and nobody gives way to an own order that is not first."""
        entries = self.entries[event.market]
        maker, taker = entries[event.maker_order], entries.get(event.taker_order)
        if maker.account != event.account or not maker.arrived:
            raise Foul("nothing to prevent", event)
        if taker is not None and (taker.account != event.account or taker.side == maker.side or taker.arrived):
            raise Foul("a taker that is none", event)
        sign = 1 if maker.side == Side.SELL else -1
        resting = [one for one in entries.values() if one.arrived and one.side == maker.side]
        if maker is not min(resting, key=lambda one: (sign * one.price, one.arrived)):
            raise Foul("somebody was skipped", event)
        lost = ((event.maker_order, event.maker_lots), (event.taker_order, event.taker_lots))
        for number, lots in lost:
            if not lots:
                continue
            entry = entries[number]
            if not 0 < lots <= entry.left:
                raise Foul("more was lost than there was", event)
            entry.give(lots, self.seen)
            if not entry.left:
                del entries[number]

    def _amend(self, event: OrderAmended) -> None:
        """Smaller, not gone, and in its old place."""
        entry = self.entries[event.market][event.order]
        less = event.before - event.quantity
        if not 0 < less < entry.left:
            raise Foul("not smaller, or nothing left", event)
        entry.left -= less
        entry.shown = min(entry.shown, entry.left)

    def _fees(self, event: Traded, rules: Market) -> None:
        base, quote = event.quantity * rules.lot_atoms, event.notional
        maker_gets, taker_gets = (quote, base) if event.taker_side == Side.BUY else (base, quote)
        plain = (rules.maker_fee, rules.taker_fee)
        maker_rate = self.tier_fees.get((event.market, self.tiers.get(event.maker, 0)), plain)[0]
        taker_rate = self.tier_fees.get((event.market, self.tiers.get(event.taker, 0)), plain)[1]
        for paid, gets, rate in ((event.maker_fee, maker_gets, maker_rate), (event.taker_fee, taker_gets, taker_rate)):
            if not paid * MILLION <= gets * rate < (paid + 1) * MILLION:
                raise Foul("a fee is not its rate rounded down", event)

    def judge(self, command: co.Command, outcome: Outcome, state: State) -> None:
        """Whether an answer holds: what is cancelled is gone, what is placed is there, and its row says the truth."""
        if isinstance(command, co.CancelReplace):
            if outcome.replaced is not None:
                self.judge(command.place, outcome.replaced, state)
            return
        if isinstance(command, co.Keyed):
            if outcome.repeats and (command.account, command.key) not in self.keys:
                raise Foul("somebody was told that it had been done before", command)
            if not outcome.repeats:
                self.keys.add((command.account, command.key))
                self.judge(command.command, outcome, state)
            return
        if outcome.reject is not None:
            return
        if isinstance(command, co.CancelOrder) and not outcome.orders:
            raise Foul("a cancel was acknowledged and cancelled nothing", command)
        for row in outcome.orders:
            known = any(row.id in entries for entries in self.entries.values())
            if row.is_open != known and row.status != OrderStatus.NEW:
                raise Foul("the answer says otherwise than the events", row)
        if isinstance(command, co.CancelAll) and state.accounts[command.account].open_by_market[command.market]:
            raise Foul("all were cancelled and some are open", command)

    def compare(self, state: State) -> None:
        """The referee's open orders are the exchange's, and nobody who is due still sleeps in an open market."""
        self.lists.compare(state)
        mine = {OrderId(number) for entries in self.entries.values() for number in entries}
        if mine != state.orders.keys():
            raise Foul("open orders differ", mine ^ state.orders.keys())
        for number, entries in self.entries.items():
            for order, entry in entries.items():
                real = state.orders[OrderId(order)]
                if (real.quantity - real.filled, real.market) != (entry.left, number):
                    raise Foul("an order differs", order)
            self._see(state, number)

    def _see(self, state: State, number: int) -> None:
        """What everybody sees at each price is what the referee counts there."""
        book = state.books[MarketId(number)]
        real = {(half.side, level.price): level.quantity for half in (book.bids, book.asks) for level in half}
        mine: Counter[tuple[Side, int]] = Counter()
        for entry in self.entries[number].values():
            if entry.arrived:
                mine[entry.side, entry.price] += entry.shown
        if real != dict(mine):
            raise Foul("the depth is not what is shown", number)
