"""Minutes whose sums do not fit the ledger: nobody may stop the exchange by trading with himself."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import commands as co
from exchange.core.market import Market, MarketPhase
from exchange.core.orders import OrderType, SelfTrade, Side
from exchange.core.units import MAX_STORED, AccountId, Amount, AssetId, MarketId, Ppm, Price, Quantity
from exchange.ledger.queries import Queries
from exchange.ledger.reconcile import verify
from tests.ledger import busy

DEAR = 1 << 58
"""The price of one lot: 32 trades of it in a minute are more than 63 bits."""

RULES = Market(
    id=MarketId(0),
    symbol="AB",
    base=AssetId(1),
    quote=AssetId(2),
    base_decimals=0,
    quote_decimals=0,
    tick_atoms=1,
    lot_atoms=1,
    unit=1,
    min_price=Price(1),
    max_price=Price(1 << 61),
    min_quantity=Quantity(1),
    max_quantity=Quantity(10),
    max_market_quantity=Quantity(10),
    min_notional=Amount(0),
    max_notional=Amount(1 << 61),
    maker_fee=Ppm(0),
    taker_fee=Ppm(0),
    reference=Price(DEAR),
)


@pytest.mark.parametrize("at_once", [True, False])
async def test_sums_of_a_minute_stop_at_the_largest_number(tmp_path: Path, at_once: bool) -> None:
    path, who = tmp_path / "ledger.db", AccountId(100)
    furniture: list[co.Command] = [co.ListAsset("A", 0), co.ListAsset("B", 0), co.ListMarket(RULES, MarketPhase.OPEN)]
    furniture += [co.OpenAccount("washer"), co.Credit(who, AssetId(1), Amount(100), "1")]
    furniture += [co.Credit(who, AssetId(2), Amount(DEAR), "2")]
    orders: list[co.Command] = [
        co.PlaceOrder(
            *(who, MarketId(1), side, OrderType.LIMIT, Quantity(1), Price(DEAR)),
            client_id=f"{side.name}-{number}",
            self_trade=SelfTrade.NONE,
        )
        for number in range(40)
        for side in (Side.SELL, Side.BUY)
    ]
    async with busy.sequencing(path, busy.Ticking(step=1)) as sequencer:
        await busy.pour(sequencer, furniture)
        for part in [orders] if at_once else [[order] for order in orders]:
            outcomes = await busy.pour(sequencer, part)
            assert all(outcome.reject is None for outcome in outcomes)
    queries = Queries(path)
    (bar,) = queries.bars(MarketId(1), 0, MAX_STORED)
    queries.close()
    assert (bar.count, bar.quantity, bar.taker_buy_quantity) == (40, 40, 40)
    assert (bar.notional, bar.taker_buy_notional) == (MAX_STORED, MAX_STORED)
    verify(path, lambda done, total: None)
