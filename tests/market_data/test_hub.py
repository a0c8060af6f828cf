"""The public book, the tape, and what becomes of them at a restart."""

import random
from pathlib import Path

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderRow, Side
from exchange.core.units import Micros, OrderId, Price
from exchange.market_data.depth import Best
from exchange.market_data.hub import Change, Hub
from tests.market_data.market import BTC, BUYER, NOON, SECOND, SELLER, Venue, venue


async def stir(house: Venue, count: int, seed: int) -> None:
    """Orders around one price, some meeting, some cancelled."""
    dice, resting = random.Random(seed), list[OrderRow]()
    for _ in range(count):
        house.clock.time = Micros(house.clock.now() + dice.randrange(SECOND))
        if resting and dice.random() < 0.3:
            order = resting.pop(dice.randrange(len(resting)))
            await house.sequencer.call(co.CancelOrder(order.account, BTC, order.id))
        else:
            side = dice.choice(list(Side))
            offset = dice.randint(-3, 12)
            outcome = await house.rest(side, 1_000 - offset if side is Side.BUY else 1_000 + offset, dice.randint(1, 9))
            resting += outcome.orders


async def book_of(house: Venue) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Bids and asks as the matching engine has them."""
    return await house.sequencer.read(
        lambda state: (
            [(int(level.price), level.quantity) for level in state.books[BTC].bids],
            [(int(level.price), level.quantity) for level in state.books[BTC].asks],
        )
    )


async def test_the_public_book_is_the_matching_engines(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for seed in range(10):
            await stir(house, 12, seed)
            snapshot = house.hub.depth(BTC, 5_000)
            assert (snapshot.bids, snapshot.asks) == await book_of(house)


async def test_the_update_id_is_that_of_the_last_commit_that_changed_the_book(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.rest(Side.BUY, 900, 1)
        seen = house.hub.depth(BTC, 5).last_update_id
        assert seen == house.hub.seq
        await house.call(co.OpenAccount("somebody"))
        assert house.hub.depth(BTC, 5).last_update_id == seen < house.hub.seq


async def test_a_snapshot_is_cut_at_its_limit_from_the_best_price_on(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for price in (900, 920, 910):
            await house.rest(Side.BUY, price, 1)
        for price in (1_100, 1_080, 1_090):
            await house.rest(Side.SELL, price, 2)
        snapshot = house.hub.depth(BTC, 2)
        assert snapshot.bids == [(920, 1), (910, 1)]
        assert snapshot.asks == [(1_080, 2), (1_090, 2)]
        assert house.hub.best(BTC) == Best(Price(920), 1, Price(1_080), 2)


async def test_an_empty_side_has_no_best_price(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        assert house.hub.best(BTC) == Best()


async def test_book_and_tape_survive_a_restart(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await stir(house, 80, seed=11)
        book, trades = house.hub.depth(BTC, 5_000), house.hub.last_trades(BTC, 1_000)
        assert trades
        assert trades == house.all_trades()
    async with venue(tmp_path) as again:
        restored = again.hub.depth(BTC, 5_000)
        assert (restored.bids, restored.asks) == (book.bids, book.asks)
        assert restored.last_update_id >= book.last_update_id
        assert again.hub.last_trades(BTC, 1_000) == trades
        assert again.hub.last_price(BTC) == trades[-1].price
        await stir(again, 20, seed=12)
        assert again.hub.last_trades(BTC, 1_000) == again.all_trades()[-1_000:]


async def test_the_tape_gives_the_newest_trades_oldest_first(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        for number in range(5):
            await house.trade(NOON + number * SECOND, 1_000 + number)
        assert [trade.id for trade in house.hub.last_trades(BTC, 2)] == [4, 5]
        assert house.hub.last_trades(BTC, 0) == []


async def test_a_halt_is_seen(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.call(co.SetMarketPhase(BTC, MarketPhase.HALTED, "test"))
        assert house.hub.phase(BTC) is MarketPhase.HALTED


async def test_listeners_hear_of_each_change_once_with_the_view_up_to_date(tmp_path: Path) -> None:
    heard: list[tuple[int, list[int], int]] = []

    def listener(change: Change) -> None:
        told = [int(row.id) for row in change.trades]
        heard.append((len(change.levels), told, change.view.depth.at(Side.SELL, Price(1_000))))

    async with venue(tmp_path) as house:
        house.hub.listen(listener)
        await house.rest(Side.SELL, 1_000, 5)
        await house.rest(Side.BUY, 1_000, 2)
        await house.call(co.OpenAccount("somebody"))
    assert heard == [(1, [], 5), (1, [1], 3)]


async def test_an_unknown_market_is_a_key_error(tmp_path: Path) -> None:
    assert Hub().symbols == {}
    async with venue(tmp_path) as house:
        assert house.hub.symbols == {"BTCUSDT": BTC}


async def test_both_traders_orders_stand_in_the_book_together(tmp_path: Path) -> None:
    async with venue(tmp_path) as house:
        await house.rest(Side.BUY, 990, 3)
        await house.rest(Side.BUY, 990, 4)
        assert house.hub.depth(BTC, 1).bids == [(990, 7)]
        first = await house.sequencer.call(co.CancelOrder(BUYER, BTC, OrderId(1)))
        assert first.reject is None
        assert house.hub.depth(BTC, 1).bids == [(990, 4)]
        assert (await house.sequencer.call(co.CancelOrder(SELLER, BTC, OrderId(2)))).reject is not None
