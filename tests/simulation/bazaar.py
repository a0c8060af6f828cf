"""A small exchange with everybody in it, played from one seed: traders of several tempers, custody, and operators.

Nobody here is told what the core thinks; each sees the book and its own orders as a client would. After every command
the referee and the audit look at everything.
"""

import random
from collections.abc import Iterator
from typing import Any

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.market import Market, MarketPhase
from exchange.core.order_lists import ListKind
from exchange.core.orders import Order, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.performing import perform, wake
from exchange.core.state import State
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros, OrderId, Ppm, Price, Quantity
from tests.core.compare import digest
from tests.core.ways import NET, network, ways
from tests.core.world import rules
from tests.simulation.list_referee import Foul
from tests.simulation.referee import Referee

ROADS = {
    "paid": [3, 4, 5, 6, 7, 8],
    "held up": [2, 3, 4, 5, 6, 7, 6, 7, 8],
    "refused": [2, 9],
    "thought better": [3, 10],
    "dead": [3, 4, 5, 6, 11],
}
"""What may become of a withdrawal, as numbers of `WithdrawalState`."""


class Bazaar:
    """One play. `play` runs it to its end and returns the digest of the last state."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.state, self.referee, self.now = State(), Referee(), 1_700_000_000_000_000
        self.underway: list[Iterator[co.Command]] = []
        self.numbers = 0
        self.asked: list[co.Keyed] = []
        self._furnish()

    def play(self, steps: int) -> str:
        """Let everybody act; at the end the market opens again, so that whoever is due has woken."""
        for _ in range(steps):
            self.do(self._next())
        for number in self.state.books:
            self.do(co.SetMarketPhase(number, MarketPhase.OPEN, "closing time"))
            if self.state.books[number].anybody_due:
                raise Foul("somebody who is due still sleeps", number)
        return digest(self.state)

    def do(self, command: co.Command) -> None:
        """One command, everybody it wakes, and a look at everything."""
        self.now += self.random.randrange(1_000)
        outcome = perform(self.state, Micros(self.now), command, self.referee.watch)
        self.referee.judge(command, outcome, self.state)
        for market in self.state.books:
            while wake(self.state, Micros(self.now), market, self.referee.watch):
                pass
        self.referee.compare(self.state)
        for violation in audit.violations(self.state):
            raise Foul(violation, command)

    def _furnish(self) -> None:
        dice = self.random
        for code, decimals in (("BTC", 4), ("ETH", 3), ("USD", 2)):
            self.do(co.ListAsset(code, decimals))
        for command in ways(1, 2, 3):
            self.do(command)
        pairs = [(1, 3, 4, 2), (2, 3, 3, 2), (2, 1, 3, 4)][: dice.randint(1, 3)]
        for number, (base, quote, base_places, quote_places) in enumerate(pairs, 1):
            market = self._market(number, base, quote, base_places, quote_places)
            self.referee.rules[number] = market
            self.do(co.ListMarket(market, MarketPhase.OPEN))
            self.do(co.SetTierFees(MarketId(number), 1, Ppm(dice.randrange(500)), Ppm(dice.randrange(500))))
        for number in range(dice.randint(3, 8)):
            self.do(co.OpenAccount(f"trader {number}", dice.choice([0, 0, 1])))
            account = AccountId(100 + number)
            self.referee.tiers[account] = self.state.accounts[account].tier
            for asset in (1, 2, 3):
                self.do(co.Credit(account, AssetId(asset), Amount(dice.randint(0, 400_000)), f"{number} {asset}"))

    def _market(self, number: int, base: int, quote: int, base_places: int, quote_places: int) -> Market:
        dice = self.random
        unit, lot = dice.randint(1, 9), dice.choice([1, 2, 5])
        return rules(
            id=MarketId(number),
            symbol=f"MARKET{number}",
            base=AssetId(base),
            quote=AssetId(quote),
            base_decimals=base_places,
            quote_decimals=quote_places,
            lot_atoms=lot,
            tick_atoms=unit * 10**base_places,
            unit=unit * lot,
            maker_fee=Ppm(dice.randrange(20_000)),
            taker_fee=Ppm(dice.randrange(40_000)),
            min_notional=Amount(10),
            max_notional=Amount(10**9),
            max_orders=30,
            max_algo_orders=5,
        )

    def _next(self) -> co.Command:
        acts = [self._trade, self._stop, self._list, self._cancel, self._custody, self._operate, self._promise]
        return self.random.choices(acts, [56, 8, 10, 14, 12, 4, 8])[0]()

    # traders

    def _trade(self) -> co.Command:
        """Quotes around the last price, and now and then somebody who takes what is there."""
        dice, parts = self.random, self._order()
        last = self.state.books[parts["market"]].last_price
        temper = dice.random()
        if temper < 0.15:
            by_quote = dice.random() < 0.5
            parts |= {"type": OrderType.MARKET, "price": Price(0)}
            if by_quote:
                parts |= {"quantity": Quantity(0), "quote_quantity": Amount(dice.randint(10, 20_000))}
            return co.PlaceOrder(**parts)
        away = dice.randint(-6, 2) if temper < 0.75 else dice.randint(0, 6)
        parts["price"] = Price(max(1, last + (away if parts["side"] == Side.BUY else -away)))
        if temper > 0.9:
            parts["time_in_force"] = dice.choice([TimeInForce.IOC, TimeInForce.FOK])
        elif temper < 0.25:
            parts["type"] = OrderType.LIMIT_MAKER
        if temper <= 0.9 and dice.random() < 0.25:
            parts["iceberg"] = Quantity(max(1, parts["quantity"] // dice.randint(2, 6)))
        return co.PlaceOrder(**parts)

    def _list(self) -> co.Command:
        """A pair around the last price, or an order with one or two behind it; now and then what cannot be."""
        dice, parts = self.random, self._order()
        kind = dice.choice(list(ListKind))
        parts["client_id"] = ""
        last = self.state.books[parts["market"]].last_price
        parts["price"] = Price(max(1, last + dice.randint(-4, 4)))
        working = co.PlaceOrder(
            **parts | {"type": dice.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT_MAKER])}
        )
        side = dice.choice([Side(3 - parts["side"]), parts["side"]]) if kind != ListKind.OCO else parts["side"]
        pair = self._pair(parts | {"side": side}, last)
        pending = pair[dice.randint(0, 1)] if dice.random() < 0.5 else co.PlaceOrder(**parts | {"side": side})
        orders = {ListKind.OCO: pair, ListKind.OTO: (working, pending), ListKind.OTOCO: (working, *pair)}[kind]
        return co.PlaceOrderList(working.account, working.market, kind, orders, f"l{self.numbers}")

    def _pair(self, parts: dict[str, Any], last: int) -> tuple[co.PlaceOrder, co.PlaceOrder]:
        """Above and below: what profits, and the stop-loss."""
        dice, sign = self.random, 1 if parts["side"] == Side.SELL else -1
        gain, loss = Price(max(1, last + sign * dice.randint(1, 4))), Price(max(1, last - sign * dice.randint(1, 4)))
        limit = parts | {"price": Price(max(1, gain + dice.choice([0, 0, sign])))}
        if dice.random() < 0.3:
            limit["iceberg"] = Quantity(max(1, parts["quantity"] // dice.randint(2, 6)))
        maker = limit | {"type": OrderType.LIMIT_MAKER}
        taking = limit | {"type": OrderType.TAKE_PROFIT_LIMIT, "stop_price": gain}
        market = parts | {"type": OrderType.TAKE_PROFIT, "price": Price(0), "stop_price": gain}
        if dice.random() < 0.2:
            market |= {"trailing_delta": dice.randint(100, 500), "stop_price": Price(gain * dice.randint(0, 1))}
        profit = co.PlaceOrder(**dice.choice([maker, maker, taking, market]))
        stop = parts | {"type": OrderType.STOP_LOSS, "price": Price(0), "stop_price": loss}
        if dice.random() < 0.5:
            stop |= {"type": OrderType.STOP_LOSS_LIMIT, "price": Price(max(1, loss + dice.randint(-3, 3)))}
            stop["iceberg"] = Quantity(max(1, parts["quantity"] // dice.randint(2, 6)) if dice.random() < 0.3 else 0)
        if dice.random() < 0.3:
            stop |= {"trailing_delta": dice.randint(100, 500), "stop_price": stop["stop_price"] * dice.randint(0, 1)}
        other = co.PlaceOrder(**stop)
        return (profit, other) if sign > 0 else (other, profit)

    def _order(self) -> dict[str, Any]:
        dice = self.random
        self.numbers += 1
        return {
            "account": dice.choice(list(self.state.accounts)),
            "market": dice.choice(list(self.state.books)),
            "side": dice.choice(list(Side)),
            "type": OrderType.LIMIT,
            "quantity": Quantity(dice.choice([dice.randint(1, 9), dice.randint(1, 50)])),
            "self_trade": dice.choice(list(SelfTrade)),
            "client_id": f"n{self.numbers}" if dice.random() < 0.3 else "",
        }

    def _stop(self) -> co.Command:
        dice, parts = self.random, self._order()
        last = self.state.books[parts["market"]].last_price
        parts["type"] = OrderType(dice.randint(4, 7))
        rises = (parts["type"] <= OrderType.STOP_LOSS_LIMIT) == (parts["side"] == Side.BUY)
        parts["stop_price"] = Price(max(1, last + (1 if rises else -1) * dice.randint(1, 6)))
        if parts["type"] in {OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}:
            parts["price"] = Price(max(1, parts["stop_price"] + dice.randint(-3, 3)))
            parts["time_in_force"] = dice.choice(list(TimeInForce))
        if dice.random() < 0.4:
            parts |= {"trailing_delta": dice.randint(100, 500), "stop_price": parts["stop_price"] * dice.randint(0, 1)}
        return co.PlaceOrder(**parts)

    def _amend(self, order: Order) -> co.Command:
        """Half of what is left, if there is a half."""
        self.numbers += 1
        quantity = Quantity(order.quantity + order.prevented - (order.quantity - order.filled) // 2)
        return co.AmendOrder(order.account, order.market, quantity, f"a{self.numbers}", order.id)

    def _cancel(self) -> co.Command:
        dice, mine = self.random, list(self.state.orders.values())
        if not mine:
            return self._trade()
        order: Order = dice.choice(mine)
        cancel = co.CancelOrder(order.account, order.market, order.id)
        act = dice.random()
        if self.random.random() < 0.25:
            return self._amend(order)
        if act < 0.1:
            return co.CancelAll(order.account, order.market)
        if act < 0.4:
            parts = {
                **self._order(),
                "account": order.account,
                "market": order.market,
                "price": order.price or Price(99),
            }
            return co.CancelReplace(cancel, co.PlaceOrder(**parts), dice.random() < 0.5)
        if order.order_list and act < 0.7:
            return co.CancelOrderList(order.account, order.market, order.order_list)
        if order.client_id and act < 0.7:
            return co.CancelOrder(order.account, order.market, OrderId(0), order.client_id)
        return cancel

    def _promise(self) -> co.Command:
        """Orders under keys, repeated blindly by whoever got no answer; dead man's switches, and what sets them off."""
        dice, account = self.random, self.random.choice(list(self.state.accounts))
        act = dice.random()
        if act < 0.2 and self.asked:
            return dice.choice(self.asked)
        if act < 0.5:
            wish = co.PlaceOrder(**(self._order() | {"price": Price(dice.randint(90, 110))}))
            self.asked.append(co.Keyed(wish.account, wish.market, f"k{self.numbers}", b"content", wish))
            return self.asked[-1]
        if self.state.countdowns and act < 0.65:
            return co.FireCountdown(*dice.choice(list(self.state.countdowns)))
        if self.state.sessions and act < 0.8:
            return co.EndSession(*dice.choice(list(self.state.sessions)), disarm=dice.random() < 0.2)
        markets = list(self.state.books)
        if act < 0.9:
            return co.SetCountdown(account, dice.choice(markets), Micros(dice.choice([0, 1, 5_000])))
        return co.ArmSession(account, f"s{dice.randrange(3)}", tuple(markets[: dice.randint(0, len(markets))]))

    # custody and operators

    def _custody(self) -> co.Command:
        """Goes on with a deposit or withdrawal that is underway, or starts one."""
        dice = self.random
        while self.underway and dice.random() < 0.8:
            life = dice.choice(self.underway)
            step = next(life, None)
            if step is not None:
                return step
            self.underway.remove(life)
        self.numbers += 1
        life = self._deposit(f"tx {self.numbers}") if dice.random() < 0.5 else self._withdrawal(f"out {self.numbers}")
        self.underway.append(life)
        return next(life)

    def _deposit(self, key: str) -> Iterator[co.Command]:
        """Seen, confirmed, credited; some are orphaned, and some of those are mined again."""
        dice = self.random
        account, asset = dice.choice(list(self.state.accounts)), AssetId(dice.randint(1, 3))
        amount, states = Amount(dice.randint(1, 100_000)), [DepositState.SEEN, DepositState.CONFIRMING]
        states += [DepositState.CREDITED] * (dice.random() < 0.9)
        if dice.random() < 0.4:
            states += [DepositState.ORPHANED, DepositState.CONFIRMING, DepositState.CREDITED][: dice.randint(1, 3)]
        for state in states:
            yield co.ReportDeposit(key, account, asset, amount, state)
        if dice.random() < 0.3:
            yield co.BookNetworkCost(f"sweep of {key}", asset, Amount(dice.randint(1, 9)))
        if self.state.accounts[account].frozen and dice.random() < 0.7:
            yield co.SetAccountFrozen(account, False, "cleared")

    def _withdrawal(self, key: str) -> Iterator[co.Command]:
        dice = self.random
        account, asset = dice.choice(list(self.state.accounts)), AssetId(dice.randint(1, 3))
        most = self.state.available(account, asset)
        if dice.random() < 0.3:
            fee = dice.randint(0, 50)
            yield co.SetNetwork(network(asset, withdrawal_fee=Amount(fee), withdrawal_min=Amount(fee + 1)))
        yield co.RequestWithdrawal(key, account, asset, Amount(dice.randint(1, max(1, most))), NET)
        if dice.random() < 0.2:
            yield co.MoveWithdrawal(key, WithdrawalState.APPROVED)
            yield co.SettleInside(key, dice.choice(list(self.state.accounts)), dice.random() < 0.5)
            return
        for step in ROADS[dice.choice(list(ROADS))]:
            yield co.MoveWithdrawal(key, WithdrawalState(step))

    def _guard(self) -> co.Command:
        """Shuts payouts, mostly not for long; now and then the ledger was restored."""
        dice, shut = self.random, list(self.state.payouts_shut)
        if shut and dice.random() < 0.8:
            return co.SetPayoutsShut(dice.choice(shut), False, "agreed")
        if dice.random() < 0.1:
            return co.OpenEpoch(self.state.epoch + 1, "restored")
        return co.SetPayoutsShut(AssetId(dice.randint(0, 3)), True, "a mismatch")

    def _operate(self) -> co.Command:
        """Halts, and reopens soon; freezes seldom; moves accounts between tiers."""
        dice, market = self.random, self.random.choice(list(self.state.books))
        if dice.random() < 0.2:
            return self._guard()
        closed = [number for number, book in self.state.books.items() if book.phase != MarketPhase.OPEN]
        if closed and dice.random() < 0.7:
            return co.SetMarketPhase(dice.choice(closed), MarketPhase.OPEN, "all is well")
        if dice.random() < 0.6:
            return co.SetMarketPhase(market, dice.choice(list(MarketPhase)), "have a look")
        account = dice.choice(list(self.state.accounts))
        if dice.random() < 0.5:
            return co.SetAccountTier(account, dice.choice([0, 1, 2]))
        return co.SetAccountFrozen(account, dice.random() < 0.3, "asked")
