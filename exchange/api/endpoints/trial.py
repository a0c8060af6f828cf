"""Trying an order out: checked, never placed."""

from __future__ import annotations

from exchange.api.amounts import rate_text
from exchange.api.auth import Caller
from exchange.api.endpoints.reading import holdings
from exchange.api.endpoints.sizing import NewOrder, placing
from exchange.api.errors import Refused, refusal_of
from exchange.api.rooms import Rooms
from exchange.api.wire_account import OrderCommission, OrderRates
from exchange.api.wire_market import Empty
from exchange.core.risk import check


class TrialOrder(NewOrder, frozen=True, rename="camel", kw_only=True):
    compute_commission_rates: bool = False


async def test(rooms: Rooms, caller: Caller, request: TrialOrder) -> Empty | OrderCommission:
    """Check an order as far as can be told without placing it: its parameters and the market's rules.

    With `computeCommissionRates` the answer is what its trades would cost.
    """
    market = rooms.catalogue.find(request.symbol)
    command = placing(rooms.clock, caller.account, market, request)
    account = caller.account
    reject = await rooms.sequencer.read(
        lambda state: check(state.accounts.get(account), state.books.get(market.id), command, state.balances)
    )
    if reject is not None:
        raise Refused(refusal_of(reject))
    if not request.compute_commission_rates:
        return Empty()
    maker, taker = rooms.catalogue.fees(market, (await holdings(rooms, account)).tier)
    return OrderCommission(standard_commission_for_order=OrderRates(rate_text(maker), rate_text(taker)))
