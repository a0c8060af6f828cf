"""A slow, obvious trading core to compare the real one with.

Plain lists and sorted scans. Nothing is indexed, nothing is cached: what an account holds is added up anew from its
open orders whenever somebody asks. It shares the commands and the words of orders with `exchange.core`, and no code.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderType, SelfTrade, TimeInForce
from tests.core.naive_lists import Lists
from tests.core.naive_money import Money
from tests.core.naive_promises import Promises
from tests.core.naive_refusals import (
    BUY,
    MILLION,
    PROFITS,
    STOPS,
    Shop,
    Ticket,
    amendment,
    band,
    refusal,
    shrinking,
    touched,
    trailing_stop,
)

Line = tuple[object, ...]
"""What happened, in the words of both twins: ("trade", maker order, taker order, price, lots, fees...), ..."""


@dataclass
class Meeting:
    """A maker and the lots it trades; or, of a trade with oneself, the lots that either side loses instead."""

    maker: Ticket
    lots: int
    maker_loses: int = 0
    taker_loses: int = 0


@dataclass
class Plan:
    """Whom a taker meets, in order, and how it ends."""

    meets: list[Meeting]
    ending: str  # "filled", "left over" or "stopped"


class Naive:
    """The twin. `perform` answers with the name of a refusal or None, and with what happened."""

    def __init__(self) -> None:
        self.money = Money()
        self.shops: dict[int, Shop] = {}
        self.open: list[Ticket] = []
        self.final: dict[int, tuple[str, int, int]] = {}  # status, lots and quote atoms filled
        self.next_order = 1
        self.arrivals = 0
        self.now = 0
        self.promises = Promises(self)
        self.lists = Lists(self)

    # what is asked

    def perform(self, command: co.Command, now: int = 1) -> tuple[str | None, list[Line]]:
        """Do as the command says at `now`, and wake whom it wakes."""
        self.now = now
        reject, lines = self.one(command)
        for number in self.shops:
            while (more := self._next(self.shops[number])) is not None:
                lines += more
        return reject, lines

    def _next(self, shop: Shop) -> list[Line] | None:
        """See to who is due next: a list whose working order was filled, then a sleeper; None: nobody."""
        if shop.phase != MarketPhase.OPEN:
            return None
        released = self.lists.release(shop)
        return released if released is not None or not shop.due else self._wake(shop)

    def one(self, command: co.Command) -> tuple[str | None, list[Line]]:
        """Do as the command says, and wake nobody."""
        answer: str | list[Line]
        match command:
            case co.PlaceOrder():
                answer = self._place(command)
            case co.CancelOrder() | co.CancelAll():
                answer = self._cancel(command)
            case co.PlaceOrderList():
                answer = self.lists.place(command)
            case co.CancelOrderList():
                answer = self.lists.cancel(command)
            case co.AmendOrder():
                answer = self._amend(command)
            case co.CancelReplace():
                return self._replace(command)
            case co.Keyed():
                return self.promises.once(command)
            case co.SetCountdown() | co.FireCountdown() | co.ArmSession() | co.EndSession():
                answer = self.promises.perform(command, self.now)
            case co.SetMarketPhase() | co.SetTierFees() | co.ListMarket():
                answer = self._rule(command)
            case _:
                answer = self.money.perform(command, self.held, self.now)
        return (answer, []) if isinstance(answer, str) else (None, answer)

    def _replace(self, command: co.CancelReplace) -> tuple[str | None, list[Line]]:
        reject, lines = self.one(command.cancel)
        if reject and not command.even_if_cancel_fails:
            return reject, lines
        second, more = self.one(command.place)
        return reject, [*lines, ("then", second), *more]

    def _rule(self, command: co.SetMarketPhase | co.SetTierFees | co.ListMarket) -> str | list[Line]:
        if isinstance(command, co.ListMarket):
            self.shops[len(self.shops) + 1] = Shop(command.rules, command.phase, command.rules.reference, {}, [])
            return []
        shop = self.shops.get(command.market)
        if shop is None:
            return "UNKNOWN_MARKET"
        if isinstance(command, co.SetTierFees):
            shop.tier_fees[command.tier] = (command.maker_fee, command.taker_fee)
        elif shop.phase == command.phase:
            return "SAME_PHASE"
        else:
            shop.phase = command.phase
        return []

    def _cancel(self, command: co.CancelOrder | co.CancelAll) -> str | list[Line]:
        shop = self.shops.get(command.market)
        if shop is None:
            return "UNKNOWN_MARKET"
        if shop.phase == MarketPhase.HALTED:
            return "MARKET_NOT_OPEN"
        mine = [t for t in self.open if (t.wish.account, t.wish.market) == (command.account, command.market)]
        if isinstance(command, co.CancelAll):
            return self.cancel_open(command.account, command.market) or "NO_OPEN_ORDERS"
        if not command.order and not command.client_id:
            return "UNKNOWN_ORDER"
        for ticket in mine:
            if command.order in (0, ticket.id) and command.client_id in ("", ticket.name):
                status = "PENDING_NEW" if ticket.pending else "PARTIALLY_FILLED" if ticket.filled else "NEW"
                if command.only and command.only.name != status:
                    return "CANCEL_RESTRICTED"
                return self.lists.end(ticket.list, "CANCELED") if ticket.list else [self.end(ticket, "CANCELED")]
        return "UNKNOWN_ORDER"

    def cancel_open(self, account: int, market: int) -> list[Line]:
        """End all open orders of an account in a market."""
        mine = [t for t in self.open if (t.wish.account, t.wish.market) == (account, market)]
        lines: list[Line] = []
        for ticket in mine:
            if ticket in self.open:
                lines += self.lists.end(ticket.list, "CANCELED") if ticket.list else [self.end(ticket, "CANCELED")]
        return lines

    def _amend(self, command: co.AmendOrder) -> str | list[Line]:
        shop = self.shops.get(command.market)
        if shop is None:
            return "UNKNOWN_MARKET"
        if shop.phase == MarketPhase.HALTED:
            return "MARKET_NOT_OPEN"
        mine = [t for t in self.open if (t.wish.account, t.wish.market) == (command.account, command.market)]
        by_id = [t for t in mine if t.id == command.order]
        found = [t for t in (by_id if command.order else mine) if command.client_id in ("", t.name)]
        if not found or not (command.order or command.client_id):
            return "AMEND_WRONG_NAME" if by_id else "AMEND_UNKNOWN"
        reject = amendment(shop, found[0], command, self.open)
        if reject:
            return reject
        both, rival = found[:1], self.lists.open[found[0].list].rival(found[0]) if found[0].list else None
        if rival is not None and rival in self.open:
            both.insert(0, rival)
            reject = shrinking(shop, rival, command.quantity)
            if reject:
                return reject
        found[0].name = command.new_client_id
        for ticket in both:
            ticket.shrink(command.quantity)
        return [("amended", ticket.id, int(command.quantity), ticket.name) for ticket in both]

    # what becomes of it

    def _place(self, wish: co.PlaceOrder) -> str | list[Line]:
        place = self.shops.get(wish.market)
        owned = self.money.total(wish.account, place.rules.base) if place else 0
        bought = self._bought(place, wish) if place else 0
        reject = refusal(wish, place, self.money.owners.get(wish.account), self.open, owned, bought)
        if reject:
            return reject
        ticket = Ticket(self.next_order, wish)
        reject = self.may_enter(ticket)
        if reject:
            return reject
        self.next_order += 1
        self.open.append(ticket)
        return [("accepted", ticket.id), *self.enter(ticket)]

    def _bought(self, shop: Shop, wish: co.PlaceOrder) -> int:
        """How many lots a market buy's budget buys."""
        if wish.type != OrderType.MARKET or wish.side != BUY or wish.quote_quantity <= 0:
            return 0
        return sum(one.lots for one in self._plan(shop, wish, 0, self._worst(shop, wish)).meets)

    def may_enter(self, ticket: Ticket) -> str | None:
        """Why not, as far as it depends on whom the order would meet and on what there is to pay with."""
        wish, shop = ticket.wish, self.shops[ticket.wish.market]
        if wish.type == OrderType.LIMIT_MAKER and self.makers(wish, wish.price):
            return "WOULD_TAKE"
        asset = shop.rules.quote if wish.side == BUY else shop.rules.base
        free = self.money.total(wish.account, asset) - self.held(wish.account, asset)
        return "INSUFFICIENT_FUNDS" if free < self._need(shop, wish, self._plan_of(ticket)) else None

    def _plan_of(self, ticket: Ticket) -> Plan:
        if ticket.wish.type in STOPS + PROFITS:
            return Plan([], "left over")
        shop = self.shops[ticket.wish.market]
        return self._plan(shop, ticket.wish, ticket.left, self._worst(shop, ticket.wish))

    def enter(self, ticket: Ticket) -> list[Line]:
        """What a new order does."""
        wish, plan = ticket.wish, self._plan_of(ticket)
        if wish.type in STOPS + PROFITS:
            self.rest(ticket)
            return []
        if wish.type != OrderType.MARKET:
            ticket.worst = wish.price
        keeps = wish.time_in_force if wish.type != OrderType.MARKET else TimeInForce.IOC
        return self._carry_out(self.shops[wish.market], ticket, plan, keeps)

    def rest(self, ticket: Ticket) -> None:
        """An order that is known to meet nobody stands on the book, or sleeps."""
        wish, shop = ticket.wish, self.shops[ticket.wish.market]
        ticket.asleep = wish.type in STOPS + PROFITS
        ticket.worst = int(self._worst(shop, wish))
        if not ticket.asleep:
            self.arrivals += 1
            ticket.show(self.arrivals)
        elif wish.trailing_delta and (not wish.stop_price or touched(wish, shop.last)):
            ticket.trailed = shop.last

    def _wake(self, shop: Shop) -> list[Line]:
        ticket = next(t for t in self.open if t.id == shop.due[0])
        del shop.due[0]
        ticket.asleep = False
        worst = self._worst_awake(shop, ticket)
        plan = self._plan(shop, ticket.wish, ticket.left, worst)
        keeps = ticket.wish.time_in_force if ticket.wish.price else TimeInForce.IOC
        lines = self.lists.decided(ticket)
        lines += [("woke", ticket.id), *self._carry_out(shop, ticket, plan, keeps)]
        return lines + self.lists.after(ticket)

    def _worst(self, shop: Shop, wish: co.PlaceOrder) -> float:
        """The worst price at which such an order trades."""
        if wish.price:
            return wish.price
        if wish.trailing_delta:
            start = wish.stop_price or shop.last
            return self._slack(shop, wish, math.floor(trailing_stop(wish, start)))
        if wish.stop_price:
            return self._slack(shop, wish, wish.stop_price)
        return band(shop)[1 if wish.side == BUY else 0]

    def _worst_awake(self, shop: Shop, ticket: Ticket) -> float:
        wish = ticket.wish
        if wish.price or not wish.trailing_delta:
            return self._worst(shop, wish)
        stop = trailing_stop(wish, ticket.trailed)
        if wish.side != BUY:
            return self._slack(shop, wish, math.ceil(stop))
        paid_for = self._share_of_pair(shop, ticket) // (ticket.left * shop.rules.unit)
        return min(paid_for, self._slack(shop, wish, math.floor(stop)))

    def _slack(self, shop: Shop, wish: co.PlaceOrder, stop: int) -> int:
        slack = stop * shop.rules.slack // MILLION
        return stop + slack if wish.side == BUY else max(1, stop - slack)

    def _need(self, shop: Shop, wish: co.PlaceOrder, plan: Plan) -> int:
        """What must be available: quote to buy, base to sell."""
        rules = shop.rules
        if wish.side != BUY:
            return (int(wish.quantity) or sum(one.lots + one.taker_loses for one in plan.meets)) * rules.lot_atoms
        if wish.type == OrderType.MARKET:
            cost = sum(one.maker.wish.price * one.lots * rules.unit for one in plan.meets)
            return int(wish.quote_quantity) or cost
        return int(self._worst(shop, wish)) * wish.quantity * rules.unit

    def makers(self, wish: co.PlaceOrder, worst: float) -> list[Ticket]:
        """Everybody on the other side at `worst` or better, the best price first, at a price the oldest."""
        resting = [t for t in self.open if t.place and t.wish.market == wish.market and t.wish.side != wish.side]
        if wish.side == BUY:
            good = [t for t in resting if t.wish.price <= worst]
            return sorted(good, key=lambda t: (t.wish.price, t.place))
        good = [t for t in resting if t.wish.price >= worst]
        return sorted(good, key=lambda t: (-t.wish.price, t.place))

    def _plan(self, shop: Shop, wish: co.PlaceOrder, lots_left: int, worst: float) -> Plan:
        """Whom the order would meet: always the first in the queue, which an iceberg joins again with its next part."""
        meets: list[Meeting] = []
        money_left, got = int(wish.quote_quantity), False
        queue = [(maker, maker.visible, maker.left - maker.visible) for maker in self.makers(wish, worst)]
        while queue:
            maker, lots, hidden = queue.pop(0)
            price = maker.wish.price * shop.rules.unit
            wanted = money_left // price if wish.quote_quantity else lots_left
            if not wanted:
                return Plan(meets, "filled" if got else "left over")
            meeting = self._meeting(wish, maker, wanted, lots)
            meets.append(meeting)
            gone = meeting.lots + meeting.taker_loses
            got = got or gone > 0
            money_left -= gone * price
            lots_left -= gone
            if money_left < price if wish.quote_quantity else not lots_left:
                return Plan(meets, "stopped" if meeting.taker_loses else "filled")
            if hidden and (meeting.lots or wish.self_trade == SelfTrade.DECREMENT):
                next_part = min(maker.wish.iceberg, hidden)
                same_price = sum(other.wish.price == maker.wish.price for other, _, _ in queue)
                queue.insert(same_price, (maker, next_part, hidden - next_part))
        return Plan(meets, "left over")

    def _meeting(self, wish: co.PlaceOrder, maker: Ticket, wanted: int, lots: int) -> Meeting:
        if maker.wish.account != wish.account or wish.self_trade == SelfTrade.NONE:
            return Meeting(maker, min(wanted, lots))
        match wish.self_trade:
            case SelfTrade.EXPIRE_MAKER:
                return Meeting(maker, 0, maker.left, 0)
            case SelfTrade.EXPIRE_TAKER:
                return Meeting(maker, 0, 0, wanted)
            case SelfTrade.EXPIRE_BOTH:
                return Meeting(maker, 0, maker.left, wanted)
            case _:
                return Meeting(maker, 0, min(wanted, lots), min(wanted, lots))

    def _carry_out(self, shop: Shop, ticket: Ticket, plan: Plan, keeps: TimeInForce) -> list[Line]:
        if keeps == TimeInForce.FOK and (plan.ending != "filled" or any(one.taker_loses for one in plan.meets)):
            return [self.end(ticket, "EXPIRED")]
        lines: list[Line] = []
        for meeting in plan.meets:
            maker = meeting.maker
            if meeting.lots:
                lines += [self._trade(shop, maker, ticket, meeting.lots), *self.lists.decided(maker)]
            else:
                lines.append(self._prevent(shop, meeting, ticket))
                if meeting.maker_loses and maker in self.open:
                    lines += self.lists.decided(maker)
            lines += self.lists.after(maker)
        if plan.ending == "filled":
            self._forget(ticket, "FILLED")
        elif plan.ending == "stopped":
            self._forget(ticket, "EXPIRED_IN_MATCH")
        elif keeps == TimeInForce.GTC:
            self.arrivals += 1
            ticket.show(self.arrivals)
        else:
            lines.append(self.end(ticket, "EXPIRED"))
        return lines

    def _prevent(self, shop: Shop, meeting: Meeting, taker: Ticket) -> Line:
        """A trade with oneself that does not happen."""
        maker, lost = meeting.maker, (meeting.maker_loses, meeting.taker_loses)
        shop.matches += 1
        taker.prevented += lost[1]
        maker.prevented += lost[0]
        if lost[0] and not maker.left:
            self._forget(maker, "EXPIRED_IN_MATCH")
        elif lost[0]:
            self.arrivals += 1
            maker.give(lost[0], self.arrivals)
        return "prevented", shop.matches, maker.id, taker.id, maker.wish.price, *lost

    def _trade(self, shop: Shop, maker: Ticket, taker: Ticket, lots: int) -> Line:
        """Goods one way, money the other, from each a fee on what it receives, rounded down."""
        rules, price = shop.rules, maker.wish.price
        base, quote = lots * rules.lot_atoms, price * lots * rules.unit
        fees = []
        for ticket, rate in ((maker, self._rates(shop, maker)[0]), (taker, self._rates(shop, taker)[1])):
            who, buys = ticket.wish.account, ticket.wish.side == BUY
            gets, gives = ((rules.base, base), (rules.quote, quote))[:: 1 if buys else -1]
            fees.append(gets[1] * rate // MILLION)
            self.money.move(who, gives[0], -gives[1])
            self.money.move(who, gets[0], gets[1] - fees[-1])
            self.money.move(self.money.FEES, gets[0], fees[-1])
            ticket.filled += lots
            ticket.filled_quote += quote
        self.arrivals += 1
        maker.give(lots, self.arrivals)
        if not maker.left:
            self._forget(maker, "FILLED")
        before, shop.last = shop.last, price
        self._make_due(shop, before)
        return "trade", maker.id, taker.id, price, lots, quote, fees[0], fees[1]

    def _make_due(self, shop: Shop, before: int) -> None:
        """Whoever slept until this price is to be woken, the nearest stop price first, then the oldest."""
        asleep = [t for t in self.open if t.asleep and t.wish.market == shop.rules.id and t.id not in shop.due]
        new = []
        for ticket in asleep:
            wish = ticket.wish
            if not wish.trailing_delta:
                if touched(wish, shop.last):
                    new.append((Fraction(wish.stop_price), ticket.id))
            elif not ticket.trailed:
                ticket.trailed = shop.last if touched(wish, shop.last) else 0
            else:
                ticket.trailed = (min if wish.side == BUY else max)(ticket.trailed, shop.last)
                stop = trailing_stop(wish, ticket.trailed)
                if shop.last >= stop if wish.side == BUY else shop.last <= stop:
                    new.append((stop, ticket.id))
        near = sorted(new, key=lambda one: (abs(one[0] - before), one[1]))
        shop.due += [number for _, number in near]

    def _rates(self, shop: Shop, ticket: Ticket) -> tuple[int, int]:
        tier = self.money.owners[ticket.wish.account].tier
        return shop.tier_fees.get(tier, (shop.rules.maker_fee, shop.rules.taker_fee))

    def _forget(self, ticket: Ticket, status: str) -> None:
        self.open.remove(ticket)
        self.final[ticket.id] = (status, ticket.filled, ticket.filled_quote)
        if status == "FILLED":
            self.lists.filled(ticket)

    def end(self, ticket: Ticket, status: str) -> Line:
        self._forget(ticket, status)
        due = self.shops[ticket.wish.market].due
        if ticket.id in due:
            due.remove(ticket.id)
        return "ended", ticket.id, status

    # what can be seen

    def held(self, account: int, asset: int) -> int:
        """What open orders and living withdrawals of the account hold, added up anew."""
        sum_ = self.money.withdrawing(account, asset)
        for ticket in self.open:
            wish, shop = ticket.wish, self.shops[ticket.wish.market]
            if wish.account != account:
                continue
            if asset == (shop.rules.quote if wish.side == BUY else shop.rules.base):
                sum_ += self._share(shop, ticket)
        return sum_

    def worth(self, shop: Shop, ticket: Ticket) -> int:
        """The most that what is left of an order can cost."""
        if ticket.wish.side != BUY:
            return ticket.left * shop.rules.lot_atoms
        return (ticket.worst or int(self._worst(shop, ticket.wish))) * ticket.left * shop.rules.unit

    def _share(self, shop: Shop, ticket: Ticket) -> int:
        """What an order holds: nothing while it is pending; a pair holds for the dearer of the two, counted once."""
        if ticket.pending:
            return 0
        rival = self.lists.open[ticket.list].rival(ticket) if ticket.list else None
        if rival is None or rival not in self.open or ticket.id < rival.id:
            return self._share_of_pair(shop, ticket)
        return 0

    def _share_of_pair(self, shop: Shop, ticket: Ticket) -> int:
        rival = self.lists.open[ticket.list].rival(ticket) if ticket.list else None
        mine = self.worth(shop, ticket)
        return mine if rival is None or rival not in self.open else max(mine, self.worth(shop, rival))

    def book(self, market: int, side: int) -> list[tuple[int, int, int, int]]:
        """(price, order, lots left, lots to see) of all that rests on one side, in order of priority."""
        mine = [t for t in self.open if t.place and (t.wish.market, t.wish.side) == (market, side)]
        sign = -1 if side == BUY else 1
        mine.sort(key=lambda t: (sign * t.wish.price, t.place))
        return [(t.wish.price, t.id, t.left, t.visible) for t in mine]

    def seen(self, market: int, side: int) -> list[tuple[int, int]]:
        """(price, lots to see) of each price of one side, the best first."""
        rows = self.book(market, side)
        prices = dict.fromkeys(price for price, *_ in rows)
        return [(price, sum(row[3] for row in rows if row[0] == price)) for price in prices]

    def following(self) -> dict[int, int]:
        """The best price so far of everybody asleep who follows the price and is not due."""
        due = [number for shop in self.shops.values() for number in shop.due]
        return {t.id: t.trailed for t in self.open if t.asleep and t.trailed and t.id not in due}
