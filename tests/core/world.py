"""A small exchange to try things on, and dice that make up commands for it: sensible ones, odd ones and wrong ones."""

import random
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from exchange.core import commands as co
from exchange.core.events import Event
from exchange.core.market import Market, MarketPhase
from exchange.core.networks import Network
from exchange.core.order_lists import ListKind
from exchange.core.orders import OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.performing import Outcome, perform, wake
from exchange.core.state import State
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import (
    AccountId,
    Amount,
    AssetId,
    ListId,
    MarketId,
    Micros,
    OrderId,
    Ppm,
    Price,
    Quantity,
)
from tests.core.ways import NET, network, ways

ACCOUNTS = [AccountId(100 + n) for n in range(4)]
ASSETS = [AssetId(n) for n in (1, 2, 3)]
MARKETS = [MarketId(1), MarketId(2)]
LIMITED = (OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


def rules(**changed: Any) -> Market:
    """AAA-BBB: 5 base atoms a lot, 3 quote atoms per lot and tick, last price 100 ticks, a band of ±20 %."""
    given: dict[str, Any] = {
        "id": MarketId(1),
        "symbol": "AAABBB",
        "base": AssetId(1),
        "quote": AssetId(2),
        "base_decimals": 1,
        "quote_decimals": 2,
        "tick_atoms": 6,
        "lot_atoms": 5,
        "unit": 3,
        "min_price": Price(1),
        "max_price": Price(1_000),
        "min_quantity": Quantity(1),
        "max_quantity": Quantity(60),
        "max_market_quantity": Quantity(50),
        "min_notional": Amount(200),
        "max_notional": Amount(20_000),
        "maker_fee": Ppm(12_345),
        "taker_fee": Ppm(23_456),
        "reference": Price(100),
        "band_up": Ppm(1_200_000),
        "band_down": Ppm(800_000),
        "slack": Ppm(25_000),
        "max_orders": 5,
        "max_order_lists": 2,
        "max_algo_orders": 2,
        "max_iceberg_orders": 2,
        "iceberg_parts": 5,
        "max_amendments": 1,
        "min_trailing_delta": 100,
        "max_trailing_delta": 1_000,
    }
    return Market(**{**given, **changed})


PURSE = dict(zip(ASSETS, (3_000, 30_000, 120), strict=True))
"""What everybody starts with: enough for a handful of orders."""


def furnishing() -> list[co.Command]:
    """Three assets, two markets (the second without bands, priced in the first's base), four accounts with money."""
    second = rules(
        id=MarketId(2),
        symbol="CCCAAA",
        base=AssetId(3),
        quote=AssetId(1),
        base_decimals=3,
        quote_decimals=1,
        tick_atoms=1_000,
        lot_atoms=2,
        unit=2,
        band_up=Ppm(0),
        band_down=Ppm(0),
        maker_fee=Ppm(0),
        max_order_lists=1,
        max_position=Quantity(100),
    )
    setup: list[co.Command] = [
        *(co.ListAsset(code, decimals) for code, decimals in (("AAA", 1), ("BBB", 2), ("CCC", 3))),
        *(co.ListMarket(market, MarketPhase.OPEN) for market in (rules(), second)),
        *(co.OpenAccount(name) for name in ("ann", "ben", "cat", "dan")),
        co.SetTierFees(MarketId(1), 1, Ppm(0), Ppm(999_999)),
        co.SetAccountTier(AccountId(103), 1),
    ]
    purses = [(account, asset) for account in ACCOUNTS for asset in ASSETS]
    setup += [co.Credit(who, asset, Amount(PURSE[asset]), f"start {who} {asset}") for who, asset in purses]
    coarse = {"name": "OTHER", "chain_decimals": 0, "withdrawal_min": Amount(1_000)}
    return setup + ways(*ASSETS) + [co.SetNetwork(network(asset, **coarse)) for asset in ASSETS]


def run(state: State, command: co.Command, now: int = 1) -> tuple[Outcome, list[Event]]:
    """Perform a command and wake everybody it wakes, in every market; the outcome and the events of the woken."""
    outcome = perform(state, Micros(now), command)
    woken: list[Event] = []
    for market in state.books:
        while events := wake(state, Micros(now), market):
            woken += events
    return outcome, woken


def furnished(commands: Iterable[co.Command] | None = None) -> State:
    """A state with the furnishing, and then `commands`, done."""
    state = State()
    for command in [*furnishing(), *(commands or [])]:
        run(state, command)
    state.take_changes()
    return state


class Dice:
    """Commands from a seed, weighted towards what meets: prices near the last, ids of recent orders."""

    def __init__(self, seed: int | random.Random) -> None:
        self.random = seed if isinstance(seed, random.Random) else random.Random(seed)
        self.references = 0
        self.newest_order = 10

    def command(self) -> co.Command:
        """The next one."""
        makers: list[tuple[Callable[[], co.Command], int]] = [
            (self.place, 70),
            (self.cancel, 10),
            (self.cancel_all, 2),
            (self.replace, 5),
            (self.amend, 14),
            (self.money, 10),
            (self.rule, 3),
            (self.way, 8),
            (self.promise, 8),
            (self.order_list, 14),
            (self.cancel_list, 2),
        ]
        make = self.random.choices([m for m, _ in makers], [w for _, w in makers])[0]
        return make()

    def _account(self) -> AccountId:
        return AccountId(999) if self.random.random() < 0.01 else self.random.choice(ACCOUNTS)

    def _market(self) -> MarketId:
        return MarketId(9) if self.random.random() < 0.005 else self.random.choices(MARKETS, [3, 1])[0]

    def _client_id(self) -> str:
        if self.random.random() < 0.65:
            return ""
        names: list[str] = [*"aabbccdd", "d-1", "e_2", "not allowed", "x" * 37]
        return str(self.random.choice(names))

    def _price(self) -> Price:
        spread = 4 if self.random.random() < 0.95 else 30
        return Price(max(1, round(self.random.gauss(100, spread))))

    def place(self) -> co.PlaceOrder:
        """An order: mostly one that its type takes, sometimes one with a part too many, too few or absurd."""
        dice = self.random
        kind = dice.choices(list(OrderType), [40, 12, 6, 4, 6, 4, 6])[0]
        sleeps = kind >= OrderType.STOP_LOSS
        order: dict[str, Any] = {
            "account": self._account(),
            "market": self._market(),
            "side": dice.choice(list(Side)),
            "type": kind,
            "quantity": Quantity(dice.choice([dice.randint(1, 20), dice.randint(1, 60), 30])),
            "price": self._price() if kind in LIMITED else Price(0),
            "stop_price": Price(0),
            "client_id": self._client_id(),
            "self_trade": dice.choice(list(SelfTrade)),
        }
        if sleeps:  # on the side where it mostly sleeps, if the price has not gone far
            rises = (kind <= OrderType.STOP_LOSS_LIMIT) == (order["side"] == Side.BUY)
            order["stop_price"] = Price(100 + (1 if rises else -1) * dice.randint(-1, 8))
        if kind in LIMITED and kind != OrderType.LIMIT_MAKER:
            order["time_in_force"] = dice.choices(list(TimeInForce), [6, 2, 2])[0]
            if dice.random() < 0.4:
                order |= {
                    "trailing_delta": dice.randint(80, 400),
                    "stop_price": order["stop_price"] * dice.randint(0, 1),
                }
        if kind in LIMITED and dice.random() < 0.3:
            order["iceberg"] = Quantity(max(1, order["quantity"] // dice.randint(1, 5)) + (dice.random() < 0.05))
        if kind == OrderType.MARKET and dice.random() < 0.5:
            order |= {"quantity": Quantity(0), "quote_quantity": Amount(dice.randint(100, 9_000))}
        if dice.random() < 0.06:
            order |= self._spoiled()
        return co.PlaceOrder(**order)

    def _spoiled(self) -> dict[str, Any]:
        odd = self.random.choice([-(1 << 70), -1, 0, 0, 0, 1, 51, 61, 1_001, 1 << 63, 1 << 70])
        parts = [
            "quantity",
            "price",
            "stop_price",
            "quote_quantity",
            "time_in_force",
            "iceberg",
            "iceberg",
            "trailing_delta",
        ]
        name = self.random.choice(parts)
        return {name: odd if name != "time_in_force" else TimeInForce.IOC}

    def order_list(self) -> co.PlaceOrderList:
        """A pair around 100, or an order with one or two behind it; sometimes with a part that does not fit."""
        dice, kind = self.random, self.random.choice(list(ListKind))
        one = self.place()
        same: dict[str, Any] = {"account": one.account, "market": one.market, "client_id": ""}
        working = msgspec.structs.replace(self._plain(same), price=Price(dice.randint(97, 103)))
        pair = self._pair(same | {"side": dice.choice(list(Side)), "quantity": Quantity(dice.randint(1, 9))})
        pending = dice.choice([self._plain(same), *pair, msgspec.structs.replace(one, client_id="")])
        orders = {ListKind.OCO: pair, ListKind.OTO: (working, pending), ListKind.OTOCO: (working, *pair)}[kind]
        if dice.random() < 0.15:
            odd = dice.choice([self.place(), msgspec.structs.replace(self.place(), **same)])
            place = dice.randrange(len(orders))
            orders = (*orders[:place], odd, *orders[place + 1 :])
        if dice.random() < 0.02:
            orders = orders[:1]
        if dice.random() < 0.1:
            orders = tuple(msgspec.structs.replace(order, client_id=self._client_id()) for order in orders)
        return co.PlaceOrderList(one.account, one.market, kind, orders, dice.choice(["", "", "a", "l", "not allowed"]))

    def _plain(self, same: dict[str, Any]) -> co.PlaceOrder:
        dice = self.random
        kind = dice.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT_MAKER])
        keeps = dice.choice(list(TimeInForce)) if kind == OrderType.LIMIT and dice.random() < 0.3 else TimeInForce.GTC
        sides, lots = dice.choice(list(Side)), Quantity(dice.randint(1, 9))
        return co.PlaceOrder(**same, side=sides, type=kind, quantity=lots, price=self._price(), time_in_force=keeps)

    def _pair(self, same: dict[str, Any]) -> tuple[co.PlaceOrder, co.PlaceOrder]:
        """The orders above and below, mostly in their places."""
        dice, sells = self.random, same["side"] == Side.SELL
        gain, loss = dice.randint(1, 6), dice.randint(1, 6)
        up, down = Price(100 + (gain if sells else loss)), Price(100 - (loss if sells else gain))
        profit, stop = (up, down) if sells else (down, up)
        kinds = [OrderType.LIMIT_MAKER, OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT]
        one = self._of_pair(same, dice.choice(kinds), profit)
        other = self._of_pair(same, dice.choice([OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT]), stop)
        if dice.random() < 0.06:
            one, other = other, one
        if dice.random() < 0.06:
            one = other = dice.choice([one, other])
        return (one, other) if sells else (other, one)

    def _of_pair(self, same: dict[str, Any], kind: OrderType, price: Price) -> co.PlaceOrder:
        limit = Price(price + self.random.randint(-2, 2)) if kind in LIMITED else Price(0)
        stop, delta, shown = price if kind >= OrderType.STOP_LOSS else Price(0), 0, Quantity(0)
        if stop and self.random.random() < 0.3:
            stop, delta = Price(stop * self.random.randint(0, 1)), self.random.randint(90, 400)
        if limit and self.random.random() < 0.3:
            shown = Quantity(max(1, same.get("quantity", 1) // self.random.randint(1, 4)))
        return co.PlaceOrder(
            **same,
            type=kind,
            price=limit,
            stop_price=stop,
            self_trade=self.random.choice(list(SelfTrade)),
            iceberg=shown,
            trailing_delta=delta,
        )

    def cancel_list(self) -> co.CancelOrderList:
        dice = self.random
        name = dice.choice(["", "a", "l"])
        return co.CancelOrderList(self._account(), self._market(), ListId(dice.choice([0, 0, 1, 2, 3])), name)

    def _recent(self) -> OrderId:
        return OrderId(self.newest_order - self.random.randint(0, 25))

    def cancel(self) -> co.CancelOrder:
        """By id, by client id, by both, or by nothing."""
        order, client_id = self._recent(), self.random.choice(["", "", "a", "b", "c", "zz"])
        if self.random.random() < 0.3:
            order = OrderId(0)
        only = self.random.choice([None, None, None, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED])
        return co.CancelOrder(self._account(), self._market(), order, client_id, self.random.choice(["", "bye"]), only)

    def amend(self) -> co.AmendOrder:
        """Mostly ann's order called a, which is less each time, or any by id; now and then by a wrong name."""
        dice = self.random
        name = dice.choice(["a", "a", "a", "b", "c", f"new{dice.randrange(9)}", "", "not allowed"])
        if dice.random() < 0.6:
            quantity = Quantity(dice.choice([dice.randint(0, 29), 30, 30]))
            return co.AmendOrder(ACCOUNTS[0], MARKETS[0], quantity, name, OrderId(0), "a")
        order, client_id = dice.choice([(self._recent(), ""), (self._recent(), "b"), (OrderId(0), "")])
        quantity = Quantity(dice.choice([dice.randint(0, 20), 30, -1]))
        return co.AmendOrder(self._account(), self._market(), quantity, name, order, client_id)

    def cancel_all(self) -> co.CancelAll:
        return co.CancelAll(self._account(), self._market())

    def replace(self) -> co.CancelReplace:
        """Mostly within one account and market, as the doors see to."""
        cancel, place = self.cancel(), self.place()
        return co.CancelReplace(cancel, place, self.random.random() < 0.5)

    def money(self) -> co.Command:
        """A credit, a deposit's or a withdrawal's next step, which may well be out of turn."""
        dice = self.random
        account, asset = self._account(), dice.choice([*ASSETS, *ASSETS, *ASSETS, AssetId(7)])
        amount = Amount(dice.choice([dice.randint(1, 3_000), 500, 500, 0, -5, 1 << 59, 1 << 70]))
        match dice.randrange(5):
            case 0:
                self.references += 1
                return co.Credit(account, asset, amount, f"gift {self.references // 2}")
            case 1 | 2:
                number = dice.randrange(6)
                owner, coin = ACCOUNTS[number % 4], ASSETS[number % 3]
                size = Amount(500 * number + 500) if dice.random() < 0.95 else amount
                return co.ReportDeposit(f"tx{number}", owner, coin, size, dice.choice(list(DepositState)))
            case 3:
                net = dice.choice([NET, NET, "OTHER", "MARS"])
                return co.RequestWithdrawal(f"out{dice.randrange(8)}", account, asset, amount, net)
            case _:
                return co.MoveWithdrawal(f"out{dice.randrange(8)}", dice.choice(list(WithdrawalState)))

    def way(self) -> co.Command:
        """What concerns the ways in and out: terms, limits, shut or not, costs, settlements among ourselves."""
        dice, asset = self.random, self.random.choice([*ASSETS, *ASSETS, AssetId(7)])
        match dice.choices(range(10), [9, 6, 2, 1, 1, 1, 1, 1, 1, 1])[0]:
            case 0:
                key, sums = f"out{dice.randrange(8)}", [15, 100, 500, 1_000, 2_000]
                over = dice.choice([NET, "OTHER"])
                fee = dice.choice([None, None, None, Amount(10)])
                return co.RequestWithdrawal(key, self._account(), asset, Amount(dice.choice(sums)), over, fee)
            case 1:
                return co.SetNetwork(self._network(asset))
            case 2:
                day, month = dice.choice([0, 600, 3_000, 1 << 62]), dice.choice([600, 4_000, 1 << 62])
                return co.SetTierLimit(dice.choice([-1, 0, 0, 1]), asset, Amount(day), Amount(month))
            case 3:
                return co.BookNetworkCost(f"gas{dice.randrange(5)}", asset, Amount(dice.choice([7, 7, 8, 0, 1 << 70])))
            case 4:
                one = dice.choice([AssetId(0), asset])
                return co.SetPayoutsShut(one, dice.random() < 0.3, dice.choice(["a mismatch", "a drill"]))
            case 5 if dice.random() < 0.2:
                return co.OpenEpoch(dice.choice([1, 2, 2, 3, 9]), "restored")
            case 9:
                sum_, fee = Amount(dice.choice([0, 20, 20, 900, 1 << 70])), Amount(dice.choice([0, 3, 20, 25]))
                over, key = dice.choice([NET, "OTHER"]), f"out{dice.randrange(12)}"
                return co.BookPaid(key, self._account(), asset, sum_, over, fee, Micros(0))
            case _:
                return co.SettleInside(f"out{dice.randrange(8)}", self._account(), dice.random() < 0.3)

    def _network(self, asset: AssetId) -> Network:
        """Mostly the one there is, on other terms; now and then terms that cannot be."""
        dice = self.random
        fee, name = dice.choice([0, 0, 10, 400]), dice.choice([NET, "OTHER"])
        usual = (f"0x{asset}", 18 if name == NET else 0)
        contract, decimals = usual if dice.random() < 0.8 else dice.choice([("0x1", usual[1]), (usual[0], 1)])
        terms: dict[str, Any] = {
            "name": name,
            "contract": contract,
            "chain_decimals": decimals,
            "withdrawal_fee": Amount(fee),
            "withdrawal_min": Amount(dice.choice([fee + 1_000, fee + 1_000, fee + 1_000, fee + 1, 0])),
            "withdrawals_open": dice.random() < 0.4,
            "deposits_open": dice.random() < 0.3,
            "confirmations": dice.choice([((0, 1),)] * 4 + [((0, 2), (50, 6)), ((0, 2), (50, 1))]),
        }
        return network(asset, **terms)

    def promise(self) -> co.Command:
        """An order under an idempotency key, mostly one that was used before; or a dead man's switch."""
        dice, account, market = self.random, self._account(), self._market()
        session = dice.choice(["one", "two"])
        match dice.randrange(9):
            case 0:
                return co.SetCountdown(account, market, Micros(dice.choice([0, 1, 5, 3_000_000])))
            case 1 | 2:
                return co.FireCountdown(account, market)
            case 3:
                return co.ArmSession(account, session, dice.choice([(), (market,), (MarketId(2), MarketId(1))]))
            case 4:
                return co.EndSession(account, session, dice.random() < 0.3)
            case _:
                return self.keyed()

    def keyed(self) -> co.Keyed:
        """The same key may come with the same content or another."""
        asked = self.place() if self.random.random() < 0.8 else self.replace()
        place = asked.place if isinstance(asked, co.CancelReplace) else asked
        digest = self.random.choice([b"a", b"a", b"a", b"b"])
        return co.Keyed(place.account, place.market, self.random.choice("klmnop"), digest, asked)

    def rule(self) -> co.Command:
        """An operator's act; markets open again more often than they close."""
        dice = self.random
        match dice.randrange(6):
            case 0:
                return co.SetAccountTier(self._account(), dice.choice([0, 0, 1, 2]))
            case 1:
                return co.SetAccountFrozen(self._account(), dice.random() < 0.1, "asked")
            case 2:
                return co.SetTierFees(self._market(), 2, Ppm(dice.randrange(1_000)), Ppm(dice.randrange(500_000)))
            case _:
                phases = [MarketPhase.OPEN] * 12 + list(MarketPhase)
                return co.SetMarketPhase(self._market(), dice.choice(phases), "asked")
