"""The naive twin's order lists: who depends on whom is looked up anew each time, in plain lists of tickets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.order_lists import ListKind
from exchange.core.orders import OrderType
from exchange.core.rejects import Reject
from tests.core.naive_refusals import BUY, PROFITS, STOPS, WITH_PRICE, Shop, Ticket, filters, parts, touched

if TYPE_CHECKING:
    from tests.core.naive import Line, Naive

ORDER = [reject.name for reject in Reject]


@dataclass
class Listed:
    """An open list; `members` in the order of their numbers, of which the first is awaited unless it is an OCO."""

    id: int
    wish: co.PlaceOrderList
    members: list[Ticket]

    def rival(self, ticket: Ticket) -> Ticket | None:
        if self.wish.kind == ListKind.OTO or (self.wish.kind == ListKind.OTOCO and ticket is self.members[0]):
            return None
        return next(other for other in self.members[-2:] if other is not ticket)

    def awaits(self, ticket: Ticket) -> bool:
        return self.wish.kind != ListKind.OCO and ticket is self.members[0]


class Lists:
    """What `Naive` asks about lists."""

    def __init__(self, naive: Naive) -> None:
        self.naive = naive
        self.open: dict[int, Listed] = {}
        self.next = 1
        self.waiting: list[int] = []

    # what is asked

    def place(self, wish: co.PlaceOrderList) -> str | list[Line]:
        naive = self.naive
        reject = self._refusal(wish)
        if reject:
            return reject
        shop = naive.shops[wish.market]
        first = [] if wish.kind == ListKind.OCO else [wish.orders[0]]
        rest = list(wish.orders[len(first) :])
        rest.sort(key=lambda one: one.type not in STOPS)
        members = [Ticket(naive.next_order + n, one, list=self.next) for n, one in enumerate([*first, *rest])]
        new = Listed(self.next, wish, members)
        refused = self._cannot_pay(shop, members) if not first else naive.may_enter(members[0])
        if refused:
            return refused
        naive.next_order += len(members)
        self.next += 1
        self.open[new.id] = new
        for ticket in members:
            ticket.pending = bool(first) and ticket is not members[0]
            naive.open.append(ticket)
        lines: list[Line] = [*(("accepted", ticket.id) for ticket in members), ("listed", new.id)]
        if not first:
            for ticket in members:
                naive.rest(ticket)
            return lines
        lines += naive.enter(members[0])
        return lines + self.after(members[0])

    def cancel(self, command: co.CancelOrderList) -> str | list[Line]:
        shop = self.naive.shops.get(command.market)
        if shop is None:
            return "UNKNOWN_MARKET"
        if shop.phase == MarketPhase.HALTED:
            return "MARKET_NOT_OPEN"
        for one in self.open.values():
            mine = (one.wish.account, one.wish.market) == (command.account, command.market)
            named = command.list in (0, one.id) and command.client_id in ("", one.wish.client_id)
            if mine and named and (command.list or command.client_id):
                return self.end(one.id, "CANCELED")
        return "UNKNOWN_LIST"

    # what follows from what

    def end(self, number: int, status: str) -> list[Line]:
        """All that is left of a list ends."""
        listed = self.open[number]
        return [*(self.naive.end(one, status) for one in listed.members if one in self.naive.open), self._done(number)]

    def after(self, ticket: Ticket) -> list[Line]:
        """What follows once `ticket` has done what it could: nothing, or its list is done with it."""
        if not ticket.list or ticket in self.naive.open or ticket.list not in self.open:
            return []
        if self.naive.final[ticket.id][0] == "FILLED":
            return [] if self.open[ticket.list].awaits(ticket) else [self._done(ticket.list)]
        return self.end(ticket.list, "EXPIRED")

    def decided(self, ticket: Ticket) -> list[Line]:
        """`ticket` trades or wakes: its rival expires."""
        rival = self.open[ticket.list].rival(ticket) if ticket.list else None
        return [self.naive.end(rival, "EXPIRED")] if rival in self.naive.open and rival is not None else []

    def filled(self, ticket: Ticket) -> None:
        """If others wait for this one, their turn comes."""
        if ticket.list and self.open[ticket.list].awaits(ticket):
            self.waiting.append(ticket.list)

    def release(self, shop: Shop) -> list[Line] | None:
        """Place those whose turn it is in this market, if any."""
        here = [number for number in self.waiting if self.open[number].wish.market == shop.rules.id]
        if not here:
            return None
        self.waiting.remove(here[0])
        listed = self.open[here[0]]
        members = [one for one in listed.members if one in self.naive.open]
        reject = self._too_late(shop, listed, members)
        if reject:
            return self.end(listed.id, "EXPIRED")
        lines: list[Line] = []
        for ticket in members:
            ticket.pending = False
            lines.append(("released", ticket.id))
        if len(members) > 1:
            for ticket in members:
                self.naive.rest(ticket)
            return lines
        return [*lines, *self.naive.enter(members[0]), *self.after(members[0])]

    def _done(self, number: int) -> Line:
        del self.open[number]
        if number in self.waiting:
            self.waiting.remove(number)
        return "done", number

    # why not

    def _too_late(self, shop: Shop, listed: Listed, members: list[Ticket]) -> str | None:
        if self.naive.money.owners[listed.wish.account].frozen:
            return "ACCOUNT_FROZEN"
        if any(parts(one.wish) or filters(shop, one.wish) for one in members):
            return "FILTER"
        if len(members) == 1:
            wish = members[0].wish
            if wish.stop_price and not wish.trailing_delta and touched(wish, shop.last):
                return "WOULD_TRIGGER"
            return self.naive.may_enter(members[0])
        above, below = listed.wish.orders[-2:]
        if not _around(above, below, shop.last):
            return "LIST_PRICES"
        return self._cannot_pay(shop, members)

    def _cannot_pay(self, shop: Shop, pair: list[Ticket]) -> str | None:
        naive = self.naive
        for ticket in pair:
            if ticket.wish.type == OrderType.LIMIT_MAKER and naive.makers(ticket.wish, ticket.wish.price):
                return "WOULD_TAKE"
        wish = pair[0].wish
        asset = shop.rules.quote if wish.side == BUY else shop.rules.base
        free = naive.money.total(wish.account, asset) - naive.held(wish.account, asset)
        return "INSUFFICIENT_FUNDS" if free < max(naive.worth(shop, ticket) for ticket in pair) else None

    def _refusal(self, wish: co.PlaceOrderList) -> str | None:
        naive = self.naive
        shop, owner = naive.shops.get(wish.market), naive.money.owners.get(wish.account)
        if shop is None:
            return "UNKNOWN_MARKET"
        if owner is None:
            return "UNKNOWN_ACCOUNT"
        if owner.frozen:
            return "ACCOUNT_FROZEN"
        if shop.phase not in {MarketPhase.OPEN, MarketPhase.POST_ONLY}:
            return "MARKET_NOT_OPEN"
        if shop.phase == MarketPhase.POST_ONLY and any(one.type != OrderType.LIMIT_MAKER for one in wish.orders):
            return "POST_ONLY"
        found = [parts(one) or filters(shop, one) for one in wish.orders]
        found += [_shape(wish), "BAD_LIST_CLIENT_ID" if _badly_named(wish) else None]
        given = [name for name in found if name]
        if given:
            return min(given, key=ORDER.index)
        return self._limits(shop, wish) or self._prices(shop, wish)

    def _limits(self, shop: Shop, wish: co.PlaceOrderList) -> str | None:
        mine = [t for t in self.naive.open if t.wish.account == wish.account]
        here = [t for t in mine if t.wish.market == wish.market]
        if len(here) + len(wish.orders) > shop.rules.max_orders:
            return "MAX_ORDERS"
        sleepers = sum(one.type in STOPS + PROFITS for one in wish.orders)
        if sleepers and sum(t.sleeps_or_will for t in here) + sleepers > shop.rules.max_algo_orders:
            return "MAX_ALGO_ORDERS"
        icebergs = sum(one.iceberg > 0 for one in wish.orders)
        if icebergs and sum(t.wish.iceberg > 0 for t in here) + icebergs > shop.rules.max_iceberg_orders:
            return "MAX_ICEBERG_ORDERS"
        buys = [t.left for t in here if t.wish.side == BUY]
        new = [one.quantity for one in wish.orders if one.side == BUY]
        owned = self.naive.money.total(wish.account, shop.rules.base)
        most = shop.rules.max_position * shop.rules.lot_atoms
        if new and most and owned + (sum(buys) + sum(new)) * shop.rules.lot_atoms > most:
            return "MAX_POSITION"
        lists = [one for one in self.open.values() if one.wish.account == wish.account]
        if sum(one.wish.market == wish.market for one in lists) >= shop.rules.max_order_lists:
            return "MAX_ORDER_LISTS"
        names = [one.client_id for one in wish.orders if one.client_id]
        if len(names) > len(set(names)) or {t.name for t in mine} & set(names):
            return "DUPLICATE_CLIENT_ID"
        return (
            "DUPLICATE_LIST_ID" if wish.client_id and wish.client_id in {one.wish.client_id for one in lists} else None
        )

    def _prices(self, shop: Shop, wish: co.PlaceOrderList) -> str | None:
        if wish.kind == ListKind.OTO:
            return None
        above, below = wish.orders[-2:]
        if wish.kind == ListKind.OCO:
            return None if _around(above, below, shop.last) else "LIST_PRICES"
        return None if all(a > b for a in _marks(above) for b in _marks(below)) else "LIST_PRICES"


def _badly_named(wish: co.PlaceOrderList) -> bool:
    return len(wish.client_id) > 36 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in wish.client_id)


def _shape(wish: co.PlaceOrderList) -> str | None:
    """How many, whose, which types, and where."""
    if len(wish.orders) != (3 if wish.kind == ListKind.OTOCO else 2):
        return "BAD_LIST"
    if any((one.account, one.market) != (wish.account, wish.market) for one in wish.orders):
        return "BAD_LIST"
    above, below = wish.orders[-2:]
    if wish.kind != ListKind.OTO and (above.side != below.side or above.quantity != below.quantity):
        return "BAD_LIST"
    if wish.kind != ListKind.OCO and wish.orders[0].type not in {OrderType.LIMIT, OrderType.LIMIT_MAKER}:
        return "WORKING_ORDER_TYPE"
    if wish.kind == ListKind.OTO:
        return "BAD_COMBINATION" if below.quote_quantity and below.type == OrderType.MARKET else None
    limits = [one.type == OrderType.LIMIT_MAKER for one in (above, below)]
    if any(one.type not in {OrderType.LIMIT_MAKER, *STOPS, *PROFITS} for one in (above, below)):
        return "LIST_ORDER_TYPE"
    if all(limits):
        return "BOTH_ARE_LIMITS"
    gains, loses = (below, above) if above.side == BUY else (above, below)
    wrong = []
    if loses.type == OrderType.LIMIT_MAKER:
        wrong.append("LIMIT_NOT_BELOW" if above.side == BUY else "LIMIT_NOT_ABOVE")
    if gains.type in STOPS:
        wrong.append("STOP_LOSS_NOT_ABOVE" if above.side == BUY else "STOP_LOSS_NOT_BELOW")
    if loses.type in PROFITS:
        wrong.append("TAKE_PROFIT_NOT_BELOW" if above.side == BUY else "TAKE_PROFIT_NOT_ABOVE")
    return min(wrong, key=ORDER.index, default=None)


def _marks(wish: co.PlaceOrder) -> list[int]:
    """The prices by which an order of a pair stands above or below."""
    return [int(wish.stop_price)] * bool(wish.stop_price) + [int(wish.price)] * (
        wish.type in WITH_PRICE and wish.type not in STOPS
    )


def _around(above: co.PlaceOrder, below: co.PlaceOrder, last: int) -> bool:
    return all(mark > last for mark in _marks(above)) and all(mark < last for mark in _marks(below))
