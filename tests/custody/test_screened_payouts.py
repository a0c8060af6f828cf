"""Destinations that must not be paid, or not like that, after somebody said yes: asked again until they are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core.transfers import WithdrawalState
from exchange.custody.payouts import withdrawal_rows, withdrawal_store
from exchange.custody.payouts.screening import ScreenLost
from exchange.custody.signing import Refused
from tests.custody.till import FUNDED, POLICY, Till, copied, family, paid, till

FAMILIES = pytest.mark.parametrize("name", ["BTC", "ETH"])
_W = WithdrawalState


def alarms(house: Till, kind: str) -> list[str]:
    return [str(text) for (text,) in house.store.reader.execute("SELECT text FROM alarms WHERE kind = ?", (kind,))]


async def told(house: Till, key: str) -> WithdrawalState:
    return await house.sequencer.read(lambda state: state.withdrawals[key].state)


@FAMILIES
async def test_b36_a_destination_denied_after_approval_is_not_paid_and_waits_for_an_operator(
    tmp_path: Path, name: str
) -> None:
    """B36: the ledger knows that it waits again; rejected, its owner has the money back."""
    async with till(tmp_path, family(name)) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.denied[address] = "stolen funds"
        for _ in range(3):
            await worker.step()
            house.world.mine()
        row = house.withdrawal("w1")
        assert (row.state, row.needs, row.why) == (_W.RISK_HELD, 1, "the destination is denied: stolen funds")
        assert (await told(house, "w1"), paid(house.world, address), house.signer.wishes) == (_W.RISK_HELD, [], [])
        assert len(alarms(house, "destination denied")) == 1
        now = house.clock.now()
        await house.store.write(lambda db: withdrawal_store.end(db, "w1", _W.REJECTED, "stolen", now))
        await house.reports.step()
        assert await house.money() == (FUNDED, 0)


@FAMILIES
async def test_b36_a_destination_denied_while_the_signer_is_locked_is_not_signed(tmp_path: Path, name: str) -> None:
    """B36: it was planned, and a locked signer has signed nothing: the plan is given up."""
    async with till(tmp_path, family(name)) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.signer.refusals = [Refused("locked", locked=True)]
        await worker.step()
        assert house.withdrawal("w1").state == _W.PLANNED
        house.denied[address] = "stolen funds"
        other = await house.approve("w2", 7_000)
        await worker.step()
        assert (house.withdrawal("w1").state, await told(house, "w1")) == (_W.RISK_HELD, _W.RISK_HELD)
        await house.until_final_of("w2")
        assert (paid(house.world, address), paid(house.world, other)) == ([], [7_000])


async def test_b36_who_shared_a_transaction_with_a_denied_destination_is_paid_all_the_same(tmp_path: Path) -> None:
    """B36: one transaction pays many; the others are planned anew."""
    async with till(tmp_path, family("BTC")) as house:
        worker = house.worker(copied(POLICY, batch=2))
        denied, other = await house.approve("w1", 5_000), await house.approve("w2", 7_000)
        house.signer.refusals = [Refused("locked", locked=True)]
        await worker.step()
        house.denied[denied] = "stolen funds"
        await house.until_final_of("w2")
        assert (paid(house.world, denied), paid(house.world, other)) == ([], [7_000])


async def test_b36_a_new_approval_is_needed_once_the_destination_is_denied_no_more(tmp_path: Path) -> None:
    """B36: who approved it before did not know. Then it is paid, once."""
    async with till(tmp_path, family("BTC")) as house:
        address, worker, now = await house.approve("w1", 5_000), house.worker(), house.clock.now()
        approval = ("w1", "tina", bytes(32), bytes(64), now)
        await house.store.write(lambda db: db.execute("INSERT INTO approvals VALUES (?, ?, ?, ?, ?)", approval))
        house.denied[address] = "a mistake"
        await worker.step()
        assert withdrawal_rows.approvals_of(house.store.reader, "w1") == []
        house.denied.clear()
        await worker.step()
        assert house.withdrawal("w1").state == _W.RISK_HELD
        await approve(house)
        await house.until_final_of("w1")
        assert paid(house.world, address) == [5_000]


async def test_b36_bytes_that_no_node_has_seen_are_not_sent_to_a_denied_destination(tmp_path: Path) -> None:
    """B36: what may have been signed is never paid back by itself; nothing is done to send it either."""
    async with till(tmp_path, family("BTC")) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.chain.lose_answer = True
        await worker.step()
        house.world.pool.clear()
        house.denied[address] = "stolen funds"
        for _ in range(8):
            await worker.step()
            house.world.mine()
        assert (paid(house.world, address), list(house.world.pool)) == ([], [])
        assert house.withdrawal("w1").state in (_W.SIGNED, _W.SENT)
        assert (await house.money())[1] == 5_000
        assert len(alarms(house, "destination denied")) == 1


async def test_b36_while_the_list_cannot_be_read_nobody_is_paid_and_nobody_is_held(tmp_path: Path) -> None:
    """B36: what cannot be read is not empty; when it is back, all goes on by itself."""
    async with till(tmp_path, family("BTC")) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.lost = ScreenLost("the deny-list is gone")
        for _ in range(3):
            await worker.step()
            house.world.mine()
        assert (house.withdrawal("w1").state, paid(house.world, address)) == (_W.APPROVED, [])
        assert alarms(house, "payouts wait") == ["the deny-list is gone"]
        house.lost = None
        await house.until_final(worker)
        assert paid(house.world, address) == [5_000]


async def test_what_a_contract_makes_cost_more_than_its_fee_covers_waits_for_an_operator(tmp_path: Path) -> None:
    """Whoever withdraws chooses the contract, and the house pays its gas. Approved, it may cost twice what was seen."""
    async with till(tmp_path, family("ETH")) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        await house.store.write(lambda db: db.execute("UPDATE withdrawals SET fee = 100, atoms = 5100"))
        house.spending.burdened = 101
        await worker.step()
        row = house.withdrawal("w1")
        assert (row.state, row.needs, row.bears, house.signer.wishes) == (_W.RISK_HELD, 1, 202, [])
        assert "101 of the chain's smallest unit more" in row.why
        assert len(alarms(house, "payout too dear")) == 1
        await approve(house)
        house.spending.burdened = 203
        await worker.step()
        assert (house.withdrawal("w1").state, house.withdrawal("w1").bears) == (_W.RISK_HELD, 406)
        await approve(house)
        await house.until_final_of("w1")
        assert paid(house.world, address) == [5_000]


async def test_what_its_fee_covers_is_paid_without_a_word(tmp_path: Path) -> None:
    async with till(tmp_path, family("ETH")) as house:
        address = await house.approve("w1", 5_000)
        await house.store.write(lambda db: db.execute("UPDATE withdrawals SET fee = 100, atoms = 5100"))
        house.spending.burdened = 100
        await house.until_final_of("w1")
        assert paid(house.world, address) == [5_000]


async def approve(house: Till) -> None:
    now = house.clock.now()
    left = await house.store.write(lambda db: withdrawal_store.approve(db, "w1", "tina", bytes(32), bytes(64), now))
    assert left == 0
