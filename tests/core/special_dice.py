"""Dice that make up little else than special orders, for two accounts that keep meeting themselves."""

from typing import Any

import msgspec

from exchange.core import commands as co
from exchange.core.orders import OrderType, SelfTrade, TimeInForce
from exchange.core.units import AccountId, Amount, MarketId, OrderId, Price, Quantity
from tests.core.world import ACCOUNTS, LIMITED, MARKETS, Dice


class SpecialDice(Dice):
    """Icebergs, trailing stops, amendments, order lists, and self-trade prevention by decrement."""

    def _account(self) -> AccountId:
        return self.random.choice(ACCOUNTS[:2])

    def _market(self) -> MarketId:
        return MARKETS[0]

    def _price(self) -> Price:
        return Price(100 + self.random.randint(-4, 4))

    def command(self) -> co.Command:
        luck = self.random.random()
        if luck < 0.1:
            return self.amend() if luck < 0.07 else self.cancel()
        return self.order_list() if luck < 0.25 else self.place()

    def place(self) -> co.PlaceOrder:
        order = super().place()
        if order.type == OrderType.MARKET and 0 < order.quantity < 100 and self.random.random() < 0.5:
            budget = Amount(self.random.randint(200, 6_000))
            order = msgspec.structs.replace(order, quantity=Quantity(0), quote_quantity=budget)
        return self._preventing(order)

    def amend(self) -> co.AmendOrder:
        quantity, name = Quantity(self.random.randint(1, 25)), f"n{self.random.randrange(999)}"
        return co.AmendOrder(self._account(), self._market(), quantity, name, OrderId(self._recent()))

    def _plain(self, same: dict[str, Any]) -> co.PlaceOrder:
        order = super()._plain(same)
        return self._preventing(self._hiding(order) if order.time_in_force == TimeInForce.GTC else order)

    def _of_pair(self, same: dict[str, Any], kind: OrderType, price: Price) -> co.PlaceOrder:
        dice, order = self.random, super()._of_pair(same, kind, price)
        if kind >= OrderType.STOP_LOSS and dice.random() < 0.6:
            stop = order.stop_price if dice.random() < 0.4 else Price(0)
            order = msgspec.structs.replace(order, trailing_delta=dice.randint(100, 500), stop_price=stop)
        return self._preventing(self._hiding(order) if kind in LIMITED else order)

    def _hiding(self, order: co.PlaceOrder) -> co.PlaceOrder:
        if self.random.random() < 0.5:
            return order
        part = Quantity(max(1, order.quantity // self.random.randint(1, 4)))
        return msgspec.structs.replace(order, iceberg=part)

    def _preventing(self, order: co.PlaceOrder) -> co.PlaceOrder:
        if self.random.random() < 0.5:
            return order
        return msgspec.structs.replace(order, self_trade=SelfTrade.DECREMENT)
