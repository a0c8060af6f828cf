"""A slow, obvious trading core to compare the real one with.

Plain lists and sorted scans. Nothing is indexed, nothing is cached: what an account holds is added up anew from its
open orders whenever somebody asks. It shares the commands and the words of orders with `exchange.core`, and no code.
"""

from dataclasses import dataclass

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderType, SelfTrade, TimeInForce
from tests.core.naive_lists import Lists
from tests.core.naive_money import Money
from tests.core.naive_promises import Promises
from tests.core.naive_refusals import BUY, MILLION, PROFITS, STOPS, Shop, Ticket, band, refusal, touched, waits_for_rise

Line = tuple[object, ...]
"""What happened, in the words of both twins: ("trade", maker order, taker order, price, lots, fees...), ..."""


@dataclass
class Plan:
    """Whom a taker meets, (maker, lots) with 0 lots for a maker that expires; and how it ends."""

    meets: list[tuple[Ticket, int]]
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
            case co.CancelReplace():
                return self._replace(command)
            case co.Keyed():
                return self.promises.once(command)
            case co.SetCountdown() | co.FireCountdown() | co.ArmSession() | co.EndSession():
                answer = self.promises.perform(command, self.now)
            case co.SetMarketPhase() | co.SetTierFees() | co.ListMarket():
                answer = self._rule(command)
            case _:
                answer = self.money.perform(command, self.held)
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
            if command.order in (0, ticket.id) and command.client_id in ("", ticket.wish.client_id):
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

    # what becomes of it

    def _place(self, wish: co.PlaceOrder) -> str | list[Line]:
        reject = refusal(wish, self.shops.get(wish.market), self.money.owners.get(wish.account), self.open)
        if reject:
            return reject
        ticket = Ticket(self.next_order, wish)
        reject = self.may_enter(ticket)
        if reject:
            return reject
        self.next_order += 1
        self.open.append(ticket)
        return [("accepted", ticket.id), *self.enter(ticket)]

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
        return self._plan(shop, ticket.wish, self._worst(shop, ticket.wish))

    def enter(self, ticket: Ticket) -> list[Line]:
        """What a new order does."""
        wish, plan = ticket.wish, self._plan_of(ticket)
        ticket.asleep = wish.type in STOPS + PROFITS
        if ticket.asleep:
            return []
        keeps = wish.time_in_force if wish.type != OrderType.MARKET else TimeInForce.IOC
        return self._carry_out(self.shops[wish.market], ticket, plan, keeps)

    def rest(self, ticket: Ticket) -> None:
        """An order that is known to meet nobody stands on the book, or sleeps."""
        ticket.asleep = ticket.wish.type in STOPS + PROFITS
        if not ticket.asleep:
            self.arrivals += 1
            ticket.place = self.arrivals

    def _wake(self, shop: Shop) -> list[Line]:
        ticket = next(t for t in self.open if t.id == shop.due[0])
        del shop.due[0]
        ticket.asleep = False
        plan = self._plan(shop, ticket.wish, self._worst(shop, ticket.wish))
        keeps = ticket.wish.time_in_force if ticket.wish.price else TimeInForce.IOC
        lines = self.lists.decided(ticket)
        lines += [("woke", ticket.id), *self._carry_out(shop, ticket, plan, keeps)]
        return lines + self.lists.after(ticket)

    def _worst(self, shop: Shop, wish: co.PlaceOrder) -> float:
        """The worst price at which such an order trades."""
        if wish.price:
            return wish.price
        if wish.stop_price:
            slack = wish.stop_price * shop.rules.slack // MILLION
            return wish.stop_price + slack if wish.side == BUY else max(1, wish.stop_price - slack)
        return band(shop)[1 if wish.side == BUY else 0]

    def _need(self, shop: Shop, wish: co.PlaceOrder, plan: Plan) -> int:
        """What must be available: quote to buy, base to sell."""
        rules = shop.rules
        if wish.side != BUY:
            return (int(wish.quantity) or sum(lots for _, lots in plan.meets)) * rules.lot_atoms
        if wish.type == OrderType.MARKET:
            cost = sum(maker.wish.price * lots * rules.unit for maker, lots in plan.meets)
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

    def _plan(self, shop: Shop, wish: co.PlaceOrder, worst: float) -> Plan:
        meets: list[tuple[Ticket, int]] = []
        lots_left, money_left, bought = int(wish.quantity), int(wish.quote_quantity), False
        for maker in self.makers(wish, worst):
            price = maker.wish.price * shop.rules.unit
            if wish.quote_quantity and money_left < price:
                return Plan(meets, "filled" if bought else "left over")
            if maker.wish.account == wish.account and wish.self_trade != SelfTrade.NONE:
                if wish.self_trade in {SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH}:
                    meets.append((maker, 0))
                if wish.self_trade in {SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH}:
                    return Plan(meets, "stopped")
                continue
            wanted = money_left // price if wish.quote_quantity else lots_left
            lots, bought = min(wanted, maker.left), True
            meets.append((maker, lots))
            money_left -= lots * price
            lots_left -= lots
            if money_left < price if wish.quote_quantity else not lots_left:
                return Plan(meets, "filled")
        return Plan(meets, "left over")

    def _carry_out(self, shop: Shop, ticket: Ticket, plan: Plan, keeps: TimeInForce) -> list[Line]:
        if keeps == TimeInForce.FOK and plan.ending != "filled":
            return [self.end(ticket, "EXPIRED")]
        lines: list[Line] = []
        for maker, lots in plan.meets:
            if lots:
                lines += [self._trade(shop, maker, ticket, lots), *self.lists.decided(maker)]
            else:
                lines.append(self.end(maker, "EXPIRED_IN_MATCH"))
            lines += self.lists.after(maker)
        if plan.ending == "filled":
            self._forget(ticket, "FILLED")
        elif plan.ending == "stopped":
            lines.append(self.end(ticket, "EXPIRED_IN_MATCH"))
        elif keeps == TimeInForce.GTC:
            self.arrivals += 1
            ticket.place = self.arrivals
        else:
            lines.append(self.end(ticket, "EXPIRED"))
        return lines

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
        if not maker.left:
            self._forget(maker, "FILLED")
        shop.last = price
        self._make_due(shop)
        return "trade", maker.id, taker.id, price, lots, quote, fees[0], fees[1]

    def _make_due(self, shop: Shop) -> None:
        """Whoever slept until this price is to be woken, the nearest stop price first, then the oldest."""
        asleep = [t for t in self.open if t.asleep and t.wish.market == shop.rules.id and t.id not in shop.due]
        new = [t for t in asleep if touched(t.wish, shop.last)]
        sign = 1 if new and waits_for_rise(new[0].wish) else -1
        shop.due += [t.id for t in sorted(new, key=lambda t: (sign * t.wish.stop_price, t.id))]

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
        return int(self._worst(shop, ticket.wish)) * ticket.left * shop.rules.unit

    def _share(self, shop: Shop, ticket: Ticket) -> int:
        """What an order holds: nothing while it is pending; a pair holds for the dearer of the two, counted once."""
        if ticket.pending:
            return 0
        rival = self.lists.open[ticket.list].rival(ticket) if ticket.list else None
        if rival is None or rival not in self.open:
            return self.worth(shop, ticket)
        return max(self.worth(shop, ticket), self.worth(shop, rival)) if ticket.id < rival.id else 0

    def book(self, market: int, side: int) -> list[tuple[int, int, int]]:
        """(price, order, lots left) of all that rests on one side, in order of priority."""
        mine = [t for t in self.open if t.place and (t.wish.market, t.wish.side) == (market, side)]
        sign = -1 if side == BUY else 1
        return [(t.wish.price, t.id, t.left) for t in sorted(mine, key=lambda t: (sign * t.wish.price, t.place))]
