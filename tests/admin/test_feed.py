"""What the desk pushes, and what becomes of a client that does not read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from exchange.admin import wire
from exchange.admin.client import AdminClient, Disconnected, connect
from exchange.admin.feed import Feed
from exchange.admin.session import Session
from exchange.core.commands import Credit, SetMarketPhase
from exchange.core.market import MarketPhase
from exchange.core.orders import Side
from exchange.core.postings import balance_key
from exchange.core.units import Amount, AssetId
from tests.admin.furnished import ALICE, BOB, MARKET, House, attached, done, furnished, order, served

T = TypeVar("T")


async def pushed(client: AdminClient, kind: type[T]) -> T:
    """The next push of that kind; a test that waits in vain is a failed one."""
    with trio.fail_after(120):
        while True:
            frame = await client.push()
            if isinstance(frame, kind):
                return frame


async def flood(client: AdminClient) -> None:
    """Ask and ask, and never read an answer."""
    with trio.fail_after(120):
        while True:
            await client._stream.send_all(wire.request(1, wire.ListMarkets()) * 50)


async def fund(house: House) -> None:
    for account in (ALICE, BOB):
        for asset in (AssetId(1), AssetId(2)):
            await done(house.sequencer, Credit(account, asset, Amount(10**14), f"{account}-{asset}"))


async def test_status_counts_what_there_is(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await fund(house)
        await done(house.sequencer, order(ALICE, Side.BUY, 2_999_900, 150))
        status = await client.call(wire.GetStatus())
        assert (status.accounts, status.open_orders, status.violations, status.demo) == (2, 1, (), False)


async def test_status_is_pushed_to_whoever_watches(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await client.call(wire.Watch())
        assert (await pushed(client, wire.Status)).accounts == 2


async def test_a_broken_invariant_is_shown(tmp_path: Path) -> None:
    """Money out of nowhere, planted behind the sequencer's back, is seen by the desk's own check."""
    async with furnished(tmp_path) as house:
        house.sequencer.state.balances[balance_key(ALICE, AssetId(1))] = Amount(1)
        async with attached(house) as client:
            await client.call(wire.Watch())
            while not (status := await pushed(client, wire.Status)).violations:
                pass
        assert status.violations == ("asset 1: balances add up to 1, not 0",)
        house.sequencer.state.balances.clear()


async def test_the_watched_book_comes_at_once_and_when_it_changes(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await fund(house)
        await client.call(wire.Watch(status=False, symbol="BTCUSDT"))
        before = await pushed(client, wire.BookView)
        await done(house.sequencer, order(ALICE, Side.BUY, 2_999_900, 150))
        after = await pushed(client, wire.BookView)
        assert (before.bids, after.bids) == ((), (wire.Level("29999.00", "0.00150", 1),))


async def test_new_trades_come_with_their_book(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        await fund(house)
        await client.call(wire.Watch(status=False, symbol="BTCUSDT"))
        await pushed(client, wire.TradesView)
        await done(house.sequencer, order(ALICE, Side.SELL, 3_000_100, 100))
        await done(house.sequencer, order(BOB, Side.BUY, 3_000_100, 40))
        assert [trade.quantity for trade in (await pushed(client, wire.TradesView)).trades] == ["0.00040"]


async def test_trades_from_before_the_start_are_shown(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await fund(house)
        await done(house.sequencer, order(ALICE, Side.SELL, 3_000_100, 100))
        await done(house.sequencer, order(BOB, Side.BUY, 3_000_100, 40))
        await done(house.sequencer, order(BOB, Side.BUY, 3_000_100, 60))
        async with attached(house) as client:
            told = await client.call(wire.GetTrades("BTCUSDT"))
        assert [trade.id for trade in told.trades] == [2, 1]


async def test_b47_a_phase_change_is_pushed_with_its_reason_made_harmless(tmp_path: Path) -> None:
    """B47: a reason that another door let through cannot move the operator's cursor."""
    async with furnished(tmp_path) as house, attached(house) as client:
        await client.call(wire.Watch(status=False))
        await done(house.sequencer, SetMarketPhase(MARKET, MarketPhase.HALTED, "\x1b[2Jgone"))
        change = await pushed(client, wire.PhaseChanged)
        assert (change.symbol, change.phase, change.reason) == ("BTCUSDT", "HALTED", "\\u001b[2Jgone")


async def test_who_does_not_watch_is_not_pushed_to(tmp_path: Path) -> None:
    """A command of the command line gets its answer and nothing else."""
    async with furnished(tmp_path) as house, attached(house) as client, connect(house.socket) as other:
        await done(house.sequencer, SetMarketPhase(MARKET, MarketPhase.HALTED, "a drill"))
        await client.call(wire.GetStatus())
        assert not client._pushes
        assert not other._pushes


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_served(tmp_path: Path) -> None:
    """Its answers pile up to a limit; the server waits for nobody."""
    async with furnished(tmp_path, demo=True) as house, served(house), connect(house.socket) as client:
        await client.call(wire.Attach())
        async with connect(house.socket) as deaf:
            with pytest.raises(trio.BrokenResourceError):
                await flood(deaf)
        assert (await client.call(wire.GetStatus())).accounts == 2


async def test_a_bug_in_what_is_pushed_ends_sessions_and_not_the_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(feed: Feed) -> wire.Status:
        raise ZeroDivisionError

    async with furnished(tmp_path, demo=True) as house, served(house):
        async with connect(house.socket) as client:
            await client.call(wire.Attach())
            await client.call(wire.Watch())
            monkeypatch.setattr(Feed, "status", fail)
            with pytest.raises(Disconnected, match="a bug stopped the pushes"):
                await pushed(client, wire.BookView)
        async with connect(house.socket) as client:
            assert (await client.call(wire.Attach())).operator == "demo"
    assert "ZeroDivisionError" in "".join(capsys.readouterr())


async def test_a_state_that_cannot_be_checked_is_a_violation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(state: object) -> Iterator[str]:
        yield str(1 // 0)

    monkeypatch.setattr("exchange.admin.gauges.violations", fail)
    async with furnished(tmp_path) as house, attached(house) as client:
        await client.call(wire.Watch())
        while not (status := await pushed(client, wire.Status)).violations:
            pass
    assert status.violations == ("the check itself failed: ZeroDivisionError",)


async def test_a_bug_in_a_session_ends_it_and_not_the_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(session: Session) -> str:
        raise ZeroDivisionError

    async with furnished(tmp_path, demo=True) as house, served(house):
        with monkeypatch.context() as patch:
            patch.setattr(Session, "_read", fail)
            async with connect(house.socket) as client:
                with pytest.raises(Disconnected):
                    await client.push()
        async with connect(house.socket) as client:
            assert (await client.call(wire.Attach())).operator == "demo"
    assert "a session failed" in "".join(capsys.readouterr())


async def test_an_idle_session_ends(tmp_path: Path) -> None:
    """Pushes do not count: only questions show that somebody is there."""
    async with furnished(tmp_path, demo=True, idle=1) as house, served(house), connect(house.socket) as client:
        await client.call(wire.Attach())
        await client.call(wire.Watch())
        with pytest.raises(Disconnected, match="no question for too long"):
            await pushed(client, wire.BookView)
