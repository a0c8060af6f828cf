"""Markets at the desk: list, rules, book, trades, phases."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.house import Refused
from exchange.core.commands import Credit
from exchange.core.orders import Side
from exchange.core.units import Amount, AssetId
from tests.admin.furnished import ALICE, BOB, House, attached, done, furnished, order


async def fund(house: House) -> None:
    """One thousand of each asset for alice and bob."""
    for account in (ALICE, BOB):
        for asset in (AssetId(1), AssetId(2)):
            amount = Amount(1_000_000 * 10**8)
            await done(house.sequencer, Credit(account, asset, amount, f"{account}-{asset}"))


async def test_a_market_at_a_glance(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await fund(house)
        await done(house.sequencer, order(ALICE, Side.BUY, 2_999_900, 150))
        (row,) = (await client.call(wire.ListMarkets())).rows
        assert row == wire.MarketRow(
            symbol="BTCUSDT",
            base="BTC",
            quote="USDT",
            phase="OPEN",
            tick_size="0.01",
            lot_size="0.00001",
            last_price="30000.00",
            bid="29999.00",
            ask="",
            open_orders=1,
        )


async def test_the_book_best_first(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await fund(house)
        for price in (3_000_100, 3_000_200, 3_000_100):
            await done(house.sequencer, order(ALICE, Side.SELL, price, 100))
        book = await client.call(wire.GetBook("BTCUSDT", depth=1))
        assert (book.bids, book.asks) == ((), (wire.Level("30001.00", "0.00200", 2),))


async def test_the_newest_trade_first(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await fund(house)
        await done(house.sequencer, order(ALICE, Side.SELL, 3_000_100, 100))
        await done(house.sequencer, order(BOB, Side.BUY, 3_000_100, 40))
        await done(house.sequencer, order(BOB, Side.BUY, 3_000_100, 60))
        told = await client.call(wire.GetTrades("BTCUSDT", limit=1))
        assert [(trade.id, trade.quantity, trade.side) for trade in told.trades] == [(2, "0.00060", "BUY")]


async def test_a_halt_goes_through_the_sequencer(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        told = await client.call(wire.SetPhase("BTCUSDT", "HALTED", "a drill"))
        (row,) = (await client.call(wire.ListMarkets())).rows
        assert (told.phase, row.phase) == ("HALTED", "HALTED")


async def test_a_halted_market_is_not_halted_twice(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        with pytest.raises(Refused) as refused:
            await client.call(wire.SetPhase("BTCUSDT", "OPEN", "a drill"))
        assert refused.value.code == "same_phase"


async def test_the_rules_are_shown_in_whole_units(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        rules = await client.call(wire.ShowMarket("BTCUSDT"))
        assert (rules.min_notional, rules.max_quantity) == ("5.00000000", "9000.00000")


@pytest.mark.parametrize(
    "ask", [wire.GetBook("NONE"), wire.ShowMarket("NONE"), wire.GetTrades("NONE"), wire.Watch(symbol="NONE")]
)
async def test_an_unknown_market_is_refused(tmp_path: Path, ask: wire.Ask[object]) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        with pytest.raises(Refused) as refused:
            await client.call(ask)
        assert refused.value.code == "not_found"
