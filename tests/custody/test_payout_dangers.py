"""Ways in which a payout could be made although it must not be, or wait for ever without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import commands as co
from exchange.core.networks import ALL_ASSETS
from exchange.core.transfers import WithdrawalState
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.rows import attempts
from exchange.custody.port import Purpose
from exchange.custody.signing import Refused
from tests.custody.till import POLICY, WHO, Till, copied, family, paid, till

_W = WithdrawalState
STOPS = pytest.mark.parametrize(
    "stop",
    [
        co.SetAccountFrozen(WHO, frozen=True, reason="stolen"),
        co.SetPayoutsShut(ALL_ASSETS, shut=True, reason="mismatch"),
    ],
)


async def alarms(house: Till, kind: str) -> int:
    ((count,),) = house.store.reader.execute("SELECT count(*) FROM alarms WHERE kind = ?", (kind,))
    return int(count)


@STOPS
async def test_what_waits_for_a_locked_signer_is_not_signed_once_the_ledger_objects(
    tmp_path: Path, stop: co.Command
) -> None:
    """The ledger agreed to the plan; then the account was frozen, or a mismatch was found; then came the passphrase."""
    async with till(tmp_path, family("BTC")) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.signer.refusals = [Refused("locked", locked=True)]
        await worker.step()
        assert (await house.sequencer.call(stop)).reject is None
        for _ in range(3):
            await worker.step()
            house.world.mine()
        assert (len(house.signer.wishes), paid(house.world, address)) == (1, [])


@STOPS
async def test_what_the_signer_refused_is_not_signed_later_once_the_ledger_objects(
    tmp_path: Path, stop: co.Command
) -> None:
    """It is planned a second time, of which the ledger thinks that it has agreed already."""
    async with till(tmp_path, family("BTC")) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.signer.refusals = [Refused("over the day's limit")]
        await worker.step()
        assert (await house.sequencer.call(stop)).reject is None
        for _ in range(3):
            await house.store.write(lambda db: db.execute("UPDATE withdrawals SET not_before = 0"))
            await worker.step()
            house.world.mine()
        assert (len(house.signer.wishes), paid(house.world, address)) == (1, [])
        assert house.withdrawal("w1").state == _W.APPROVED


async def test_what_the_ledger_knows_nothing_of_is_not_signed(tmp_path: Path) -> None:
    """The ledger was restored from an older copy: its owner has the money back already."""
    async with till(tmp_path, family("BTC")) as house:
        address, worker = await house.approve("w1", 5_000), house.worker()
        house.signer.refusals = [Refused("locked", locked=True)]
        await worker.step()
        await house.sequencer.call(co.MoveWithdrawal("w1", _W.CANCELLED))
        for _ in range(3):
            await worker.step()
            house.world.mine()
        assert (len(house.signer.wishes), paid(house.world, address)) == (1, [])


async def test_a_payout_that_is_in_no_block_for_long_is_an_alarm(tmp_path: Path) -> None:
    """The coin that it spends went away in a reorg, and nobody sends it again: nothing that we do will pay it."""
    async with till(tmp_path, family("BTC"), coins=1) as house:
        await house.approve("w1", 5_000)
        worker = house.worker()
        await worker.step()
        await house.store.write(lambda db: db.execute("UPDATE incoming SET height = 0"))
        house.world.reorg(len(house.world.best) - 1)
        house.world.pool.clear()
        for _ in range(POLICY.replace_after_blocks * POLICY.max_attempts + 3):
            await worker.step()
            house.world.mine(only=())
        assert await alarms(house, "payout stuck") == 1
        assert house.withdrawal("w1").state in (_W.SIGNED, _W.SENT)


async def _expect_change(house: Till, txid: str) -> None:
    """What the watcher writes of change that waits to be mined."""
    await house.store.write(
        lambda db: db.execute(
            "INSERT INTO incoming (chain, key, txid, to_key, purpose, place, contract, amount, coinbase, sender, state,"
            " height, seen, changed) SELECT chain, ?, ?, key, purpose, place, '', '80000', 0, '', 0, 0, 0, 0"
            " FROM addresses WHERE purpose = ? AND given > 0 LIMIT 1",
            (f"{txid}:1", txid, Purpose.CHANGE),
        )
    )


def _unmined(house: Till) -> list[str]:
    coins = Books(house.store.reader, "BTC", house.clock.now()).coins(frozenset({Purpose.HOT, Purpose.CHANGE}))
    return [coin.outpoint for coin in coins if coin.height == 0]


async def test_the_change_of_a_replaced_transaction_is_no_coin(tmp_path: Path) -> None:
    """Only one of the two will ever be mined: whoever builds on the other's change is never paid."""
    async with till(tmp_path, family("BTC")) as house:
        await house.approve("w1", 5_000)
        worker = house.worker()
        await worker.step()
        (first,) = attempts(house.store.reader, 1)
        await _expect_change(house, first.txid)
        assert _unmined(house) == [f"{first.txid}:1"]
        for _ in range(3):
            house.world.mine(only=())
            await worker.step()
        assert len(attempts(house.store.reader, 1)) == 2
        assert _unmined(house) == []


async def test_a_transaction_whose_change_is_spent_is_not_replaced(tmp_path: Path) -> None:
    """The one that spends it would be worth nothing. That one is replaced instead, which pays for both."""
    async with till(tmp_path, family("BTC")) as house:
        await house.approve("w1", 5_000)
        worker = house.worker(copied(POLICY, replace_after_blocks=2))
        await worker.step()
        await _expect_change(house, attempts(house.store.reader, 1)[0].txid)
        await house.approve("w2", 750_000)
        await worker.step()
        assert house.payouts()[1].state in (_W.SIGNED, _W.SENT)
        for _ in range(4):
            house.world.mine(only=())
            await worker.step()
        assert len(attempts(house.store.reader, 1)) == 1
