"""After a restore: one of ledger.db and custody.db is an older copy than the other."""

from __future__ import annotations

from pathlib import Path

from exchange.core import commands as co
from exchange.core.networks import ALL_ASSETS
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount
from exchange.custody.payouts.withdrawals import Withdrawals
from tests.core.ways import NET
from tests.custody.test_withdrawals import desk, wanted
from tests.custody.till import ASSET, FUNDED, WHO, Till, family, till

_W = WithdrawalState


async def _shut(house: Till) -> str | None:
    return await house.sequencer.read(lambda state: state.shut(ASSET))


async def _differs(house: Till) -> int:
    ((count,),) = house.store.reader.execute("SELECT count(*) FROM alarms WHERE kind = 'withdrawal differs'")
    return int(count)


async def _paid(house: Till, folder: Path) -> Withdrawals:
    room = await desk(house, folder)
    await room.ask(wanted(house, 5_000))
    await house.until_final(house.worker())
    return room


async def test_a_paid_withdrawal_that_the_ledger_does_not_know_shuts_all_payouts_once(tmp_path: Path) -> None:
    """Its owner has the money a second time; an operator who opened them again is not overruled at the next start."""
    async with till(tmp_path, family("BTC")) as house:
        room = await _paid(house, tmp_path)
        await house.store.write(lambda db: db.execute("UPDATE withdrawals SET id = 'lost'"))
        await room.recover()
        assert await _shut(house) == "the ledger does not know 1 withdrawals that custody.db has"
        assert await _differs(house) == 1
        await house.sequencer.call(co.SetPayoutsShut(ALL_ASSETS, shut=False, reason=""))
        await room.recover()
        assert await _shut(house) is None


async def test_what_the_ledger_has_forgotten_of_the_way_it_is_told_again(tmp_path: Path) -> None:
    """It was final, and the restored ledger holds the money still."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        row = await room.ask(wanted(house, 5_000))
        await house.store.write(lambda db: db.execute("UPDATE withdrawals SET state = 8, told = 8"))
        await room.recover()
        assert await house.reports.step()
        assert await house.money() == (FUNDED - 5_000, 0)
        assert (house.withdrawal(row.id).told, await _shut(house)) == (_W.FINAL, None)


async def test_what_was_settled_inside_is_settled_again_once(tmp_path: Path) -> None:
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        assert (await house.sequencer.call(co.OpenAccount("bob"))).reject is None
        await house.give(house.world.address("bob"), AccountId(101))
        await room.ask(wanted(house, 5_000, "bob"))
        await house.store.write(lambda db: db.execute("UPDATE withdrawals SET state = 8, told = 8"))
        for _ in range(2):
            await room.recover()
            await house.reports.step()
            await room.settle_inside()
        assert await house.money() == (FUNDED - 5_000 + 10, 0)
        assert not await _differs(house)


async def test_money_that_the_ledger_holds_for_a_withdrawal_that_is_not_here_is_an_alarm(tmp_path: Path) -> None:
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        assert (await house.sequencer.call(co.RequestWithdrawal("w", WHO, ASSET, Amount(100), NET))).reject is None
        for _ in range(2):
            await room.recover()
        assert await _differs(house) == 1
