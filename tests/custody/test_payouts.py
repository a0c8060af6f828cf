"""What was approved is paid once, whatever the chain does meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core.transfers import WithdrawalState
from exchange.custody.memory.world import Output, Transaction
from exchange.custody.payouts.rows import attempts, stopped
from exchange.custody.signing import Refused
from tests.custody.till import FUNDED, POLICY, copied, family, paid, till

FAMILIES = pytest.mark.parametrize("name", ["BTC", "ETH"])
_W = WithdrawalState


@FAMILIES
async def test_an_approved_withdrawal_is_paid_once_and_settled(tmp_path: Path, name: str) -> None:
    """The hold goes with it."""
    async with till(tmp_path, family(name)) as house:
        address = await house.approve("w1", 5_000)
        await house.until_final(house.worker())
        assert paid(house.world, address) == [5_000]
        assert await house.money() == (FUNDED - 5_000, 0)


@FAMILIES
async def test_a_lost_answer_is_no_reason_for_a_second_transaction(tmp_path: Path, name: str) -> None:
    """The node took it and the connection broke: the same bytes are handed out again."""
    async with till(tmp_path, family(name)) as house:
        address = await house.approve("w1", 5_000)
        house.chain.lose_answer = True
        await house.until_final(house.worker())
        assert paid(house.world, address) == [5_000]
        assert len(attempts(house.store.reader, 1)) == 1


@FAMILIES
async def test_a_dropped_transaction_is_sent_again_with_the_same_bytes(tmp_path: Path, name: str) -> None:
    """Every node forgot it."""
    async with till(tmp_path, family(name)) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        await worker.step()
        (txid,) = house.world.pool
        house.world.drop(txid)
        await worker.step()
        assert list(house.world.pool) == [txid]
        await house.until_final(worker)
        assert paid(house.world, address) == [5_000]


@FAMILIES
async def test_a_transaction_that_is_not_mined_is_replaced_by_one_that_excludes_it(tmp_path: Path, name: str) -> None:
    """Then the first one is mined after all: nobody is paid twice, and the books follow the one that was mined."""
    async with till(tmp_path, family(name)) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        await worker.step()
        (first,) = house.world.pool.values()
        for _ in range(3):
            house.world.mine(only=())
            await worker.step()
        tried = attempts(house.store.reader, 1)
        assert len(tried) == 2
        assert set(tried[0].draft.claims) & set(tried[1].draft.claims)
        assert list(house.world.pool) == [tried[1].txid]
        house.world.pool.clear()
        house.world.pool[first.txid] = first
        house.world.mine()
        await house.until_final(worker)
        assert paid(house.world, address) == [5_000]
        assert house.payouts()[0].winner == tried[0].id


@FAMILIES
async def test_a_reorg_takes_a_payout_back_to_sent_and_it_is_paid_once(tmp_path: Path, name: str) -> None:
    """The block that had it is gone, and so is the transaction."""
    async with till(tmp_path, family(name)) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        await worker.step()
        house.world.mine()
        await worker.step()
        assert house.withdrawal("w1").told == _W.CONFIRMED
        house.world.reorg(1)
        house.world.pool.clear()
        await worker.step()
        assert house.withdrawal("w1").told == _W.SENT
        await house.until_final(worker)
        assert paid(house.world, address) == [5_000]


async def test_a_nonce_used_elsewhere_stops_the_chain_and_refunds_nobody(tmp_path: Path) -> None:
    """Somebody else has the key: an alarm says so, the money stays held, the next withdrawal is not begun."""
    async with till(tmp_path, family("ETH")) as house:
        await house.approve("w1", 5_000)
        worker = house.worker()
        await worker.step()
        house.world.pool.clear()
        thief = Transaction(("hot:0",), (Output("elsewhere", "1"),), 5)
        house.world.pool[thief.txid] = thief
        for _ in range(3):
            house.world.mine()
            await worker.step()
        assert "hot:0 was used by a transaction that is not ours" in stopped(house.store.reader, "ETH")
        assert house.store.reader.execute("SELECT count(*) FROM alarms WHERE closed = 0").fetchone() == (1,)
        await house.approve("w2", 7_000)
        await worker.step()
        assert house.withdrawal("w2").payout is None
        assert await house.money() == (FUNDED - 12_000, 12_000)


async def test_a_payout_that_was_mined_and_paid_nothing_fails_once_it_is_final(tmp_path: Path) -> None:
    """Its nonce is used up, so that no attempt can pay any more: the hold is released."""
    async with till(tmp_path, family("ETH")) as house:
        await house.approve("w1", 5_000)
        worker = house.worker()
        await worker.step()
        (one,) = house.world.pool.values()
        mint = house.world.mine()
        house.world.best[-1].transactions[one.txid] = Transaction(one.claims, one.outputs, one.fee, reverts=True)
        await worker.step()
        assert (house.withdrawal("w1").state, mint.height) == (_W.CONFIRMED, 2)
        assert await house.money() == (FUNDED - 5_000, 5_000)
        house.world.mine()
        await worker.step()
        assert house.withdrawal("w1").told == _W.FAILED
        assert await house.money() == (FUNDED, 0)


@FAMILIES
async def test_what_the_signer_refuses_waits_and_leaves_no_gap(tmp_path: Path, name: str) -> None:
    """No bytes exist, so its nonce or coins go to the next; its own turn comes again later."""
    async with till(tmp_path, family(name)) as house:
        await house.approve("w1", 5_000)
        other = await house.approve("w2", 7_000)
        house.signer.refusals = [Refused("over the day's limit")]
        worker = house.worker()
        await worker.step()
        assert (house.withdrawal("w1").state, house.withdrawal("w1").why) == (_W.APPROVED, "over the day's limit")
        for _ in range(4):
            await worker.step()
            house.world.mine()
        assert paid(house.world, other) == [7_000]
        assert house.withdrawal("w1").payout is None


async def test_a_locked_signer_holds_everything_up_and_loses_nothing(tmp_path: Path) -> None:
    """It goes on with the very same draft once the vault is unlocked."""
    async with till(tmp_path, family("ETH")) as house:
        address = await house.approve("w1", 5_000)
        house.signer.refusals = [Refused("locked", locked=True)] * 2
        worker = house.worker()
        for _ in range(2):
            await worker.step()
        assert house.payouts()[0].note == "locked"
        await house.until_final(worker)
        assert paid(house.world, address) == [5_000]
        assert len({wish.id for wish in house.signer.wishes}) == 1


async def test_a_batch_pays_several_with_one_transaction(tmp_path: Path) -> None:
    """Each its own amount."""
    async with till(tmp_path, family("BTC")) as house:
        addresses = [await house.approve(f"w{n}", 1_000 + n) for n in range(3)]
        await house.until_final(house.worker(copied(POLICY, batch=10)))
        assert [paid(house.world, address) for address in addresses] == [[1_000], [1_001], [1_002]]
        assert len(house.payouts()) == 1


async def test_what_the_wallet_cannot_pay_keeps_nobody_else_up(tmp_path: Path) -> None:
    """It waits for the wallet to be filled."""
    async with till(tmp_path, family("BTC"), coins=1) as house:
        await house.approve("large", 200_000)
        address = await house.approve("small", 1_000)
        worker = house.worker(copied(POLICY, batch=10))
        for _ in range(6):
            await worker.step()
            house.world.mine()
        assert paid(house.world, address) == [1_000]
        assert house.withdrawal("large").state == _W.APPROVED
        assert "the hot wallet has" in house.withdrawal("large").why


async def test_two_workers_on_one_file_pay_once(tmp_path: Path) -> None:
    """Of two that make the same step one finds it made."""
    async with till(tmp_path, family("ETH")) as house:
        addresses = [await house.approve(f"w{n}", 1_000) for n in range(4)]
        await house.until_final(house.worker(), house.worker())
        assert [paid(house.world, address) for address in addresses] == [[1_000]] * 4
