"""What sleeps wakes after a restart as it would have without: trailing stops keep their price, the due their turn."""

from pathlib import Path

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderType, SelfTrade, Side, TimeInForce
from exchange.core.state import State
from exchange.core.units import MarketId, Price, Quantity
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import verify
from exchange.ledger.restore import restore
from tests.core.compare import fingerprint, trailing
from tests.core.world import ACCOUNTS, furnishing
from tests.ledger import busy

ANN, BEN = ACCOUNTS[0], ACCOUNTS[1]
MARKET = MarketId(1)


def trade(price: int, lots: int = 3) -> list[co.Command]:
    """Ben trades with himself."""
    parts = {"account": BEN, "market": MARKET, "type": OrderType.LIMIT, "quantity": lots, "price": Price(price)}
    return [
        co.PlaceOrder(**parts, side=Side.SELL),  # type: ignore[arg-type]
        co.PlaceOrder(**parts, side=Side.BUY, self_trade=SelfTrade.NONE, time_in_force=TimeInForce.IOC),  # type: ignore[arg-type]
    ]


def follower(side: Side, stop_price: int = 0, delta: int = 1_000) -> co.PlaceOrder:
    kind = OrderType.STOP_LOSS
    return co.PlaceOrder(ANN, MARKET, side, kind, Quantity(3), stop_price=Price(stop_price), trailing_delta=delta)


async def lived(path: Path, commands: list[co.Command], step: int = 25_000_000) -> State:
    """The state after the commands, a bar's worth of time or less between one and the next."""
    async with busy.sequencing(path, busy.Ticking(step=step)) as sequencer:
        for command in [*furnishing(), *commands]:
            outcome = (await busy.pour(sequencer, [command]))[0]
            assert outcome.reject is None, (command, outcome.reject)
        return sequencer.state


def restored(path: Path) -> State:
    journal = Journal(path)
    state = restore(journal.connection)
    journal.close()
    return state


def followed(state: State) -> dict[int, int]:
    return dict(trailing(state.books[MARKET]))


async def test_a_trailing_stop_keeps_the_best_price_it_has_seen(tmp_path: Path) -> None:
    """Whether that was in the minute in which it began, or in a later one."""
    path = tmp_path / "ledger.db"
    commands = [*trade(100), follower(Side.SELL), *trade(104), *trade(101), follower(Side.BUY), *trade(99), *trade(102)]
    state = await lived(path, commands)
    assert followed(state) == {3: 104, 8: 99}
    assert fingerprint(restored(path)) == fingerprint(state)


async def test_within_one_minute_too(tmp_path: Path) -> None:
    """A better price that was there in that minute, but before it began, does not count."""
    path = tmp_path / "ledger.db"
    state = await lived(path, [*trade(106), *trade(100), follower(Side.SELL), *trade(103), *trade(101)], step=100)
    assert followed(state) == {5: 103}
    assert fingerprint(restored(path)) == fingerprint(state)


async def test_before_any_trade_it_begins_with_the_reference_price(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    state = await lived(path, [follower(Side.SELL), follower(Side.BUY)])
    assert followed(state) == {1: 100, 2: 100}
    assert fingerprint(restored(path)) == fingerprint(state)


async def test_a_stop_price_that_was_reached_stays_reached(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    state = await lived(path, [*trade(100), follower(Side.SELL, stop_price=96), *trade(95), *trade(98)])
    assert followed(state) == {3: 98}
    assert fingerprint(restored(path)) == fingerprint(state)


async def test_who_was_due_when_the_market_was_shut_is_due_after_a_restart(tmp_path: Path) -> None:
    """In the same order, although the last price has moved on."""
    path = tmp_path / "ledger.db"
    async with busy.sequencing(path) as sequencer:
        await busy.pour(sequencer, furnishing())
        stops: list[co.Command] = [
            follower(Side.SELL, delta=500),
            co.PlaceOrder(ACCOUNTS[2], MARKET, Side.SELL, OrderType.STOP_LOSS, Quantity(3), stop_price=Price(96)),
        ]
        await busy.pour(sequencer, stops)
    async with busy.sequencing(path) as sequencer:
        sequencer._wake = lambda *_: None  # type: ignore[method-assign]  # as if the market had been shut in between
        await busy.pour(sequencer, [*trade(94), *trade(99)])
        before = fingerprint(sequencer.state)
        due = list(sequencer.state.books[MARKET].triggers._queue)
    assert due == [2, 1]
    assert fingerprint(restored(path)) == before
    verify(path, lambda _done, _total: None)
    async with busy.sequencing(path) as sequencer:
        shut, opened = (co.SetMarketPhase(MARKET, phase, "") for phase in (MarketPhase.HALTED, MarketPhase.OPEN))
        await busy.pour(sequencer, [shut, opened])
        assert sequencer.state.books[MARKET].triggers.due() is None
