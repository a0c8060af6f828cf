"""Payouts that are stuck: an operator's word is believed as far as the chain bears it out, and no further."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange.core.transfers import WithdrawalState
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld, Output, Transaction
from exchange.custody.payouts.clearing import Clearing
from exchange.custody.port import Found, Purpose, Standing
from tests.custody.till import FUNDED, POLICY, Till, family, paid, till

FINAL = POLICY.final_blocks
FAMILIES = pytest.mark.parametrize("name", ["BTC", "ETH"])
_W = WithdrawalState


class Unclear(MemoryChain):
    """Whatever is mined moved something else than it was to."""

    async def find(self, txid: str) -> Found:
        found = await super().find(txid)
        mined = found.standing is Standing.MINED
        return msgspec.structs.replace(found, standing=Standing.UNCLEAR) if mined else found


def clearing(house: Till) -> Clearing:
    return Clearing(house.store, house.chain, POLICY, house.clock)


async def settle(house: Till) -> str:
    return await clearing(house).settle(house.payouts()[0])


async def give_back(house: Till) -> str:
    return await clearing(house).give_back(house.payouts()[0], "gone")


async def rounds(house: Till, count: int) -> None:
    """The worker works, a block after each time."""
    worker = house.worker()
    for _ in range(count):
        await worker.step()
        house.world.mine()
    await worker.step()


async def test_an_unclear_payout_is_settled_once_it_is_final(tmp_path: Path) -> None:
    async with till(tmp_path, Unclear(MemoryWorld("ETH", accounts=True))) as house:
        await house.approve("w1", 5_000)
        await rounds(house, 1)
        assert "not deep enough" in await settle(house)
        await rounds(house, FINAL)
        assert await house.money() == (FUNDED - 5_000, 5_000)
        assert await settle(house) == ""
        await house.reports.step()
        assert (house.withdrawal("w1").told, await house.money()) == (_W.FINAL, (FUNDED - 5_000, 0))


async def test_an_unclear_payout_is_given_back_once_it_is_final(tmp_path: Path) -> None:
    async with till(tmp_path, Unclear(MemoryWorld("ETH", accounts=True))) as house:
        await house.approve("w1", 5_000)
        await rounds(house, 1)
        assert "not deep enough" in await give_back(house)
        await rounds(house, FINAL)
        assert await give_back(house) == ""
        await rounds(house, 3)
        assert (house.withdrawal("w1").told, await house.money()) == (_W.FAILED, (FUNDED, 0))


@FAMILIES
async def test_what_was_paid_is_never_given_back(tmp_path: Path, name: str) -> None:
    async with till(tmp_path, family(name)) as house:
        await house.approve("w1", 5_000)
        await rounds(house, 1)
        assert "it was paid" in await give_back(house)
        assert (await house.money())[1] == 5_000


@FAMILIES
async def test_what_may_still_be_mined_is_neither_settled_nor_given_back(tmp_path: Path, name: str) -> None:
    """It waits in a pool; or every node has forgotten it, and anybody who has it may send it again."""
    async with till(tmp_path, family(name)) as house:
        await house.approve("w1", 5_000)
        await house.worker().step()
        for _ in range(FINAL + 2):
            assert "may be on its way" in await give_back(house)
            assert "in a block" in await settle(house)
            house.world.pool.clear()
            house.world.mine()
        assert (await house.money())[1] == 5_000


async def test_a_nonce_used_elsewhere_gives_the_money_back_once_that_is_final(tmp_path: Path) -> None:
    async with till(tmp_path, family("ETH")) as house:
        await house.approve("w1", 5_000)
        worker = house.worker()
        await worker.step()
        house.world.pool.clear()
        thief = Transaction(("hot:0",), (Output("elsewhere", "1"),), 5)
        house.world.pool[thief.txid] = thief
        house.world.mine()
        assert f"in {FINAL} blocks" in await give_back(house)
        house.world.mine(FINAL)
        assert await give_back(house) == ""
        await house.reports.step()
        assert await house.money() == (FUNDED, 0)


async def vanished(house: Till) -> tuple[str, Transaction]:
    """A payout whose only coin came out of a transaction that a reorganisation has put out of its block.

    What it pays to, and another transaction, not mined yet, that excludes the coin's own.
    """
    world = house.world
    await house.store.write(lambda db: db.execute("UPDATE incoming SET spent_by = 'another', spent_at = 1"))
    world.pay(world.address("stranger"), 90_000)
    (source,) = world.pool
    world.mine()
    hot = world.address("hot")
    funding = Transaction((f"{source}:0",), (Output(hot, "80000"),), 10)
    world.hand(funding.raw)
    world.mine()
    columns = (
        "chain, key, txid, to_key, purpose, place, contract, amount, coinbase, sender, state, height, seen, changed"
    )
    row = (house.chain.name, f"{funding.txid}:0", funding.txid, hot, Purpose.HOT, world.tip.height)
    await house.store.write(
        lambda db: db.execute(
            f"INSERT INTO incoming ({columns}) VALUES (?, ?, ?, ?, ?, 0, '', '80000', 0, '', 6, ?, 0, 0)", row
        )
    )
    await house.store.write(
        lambda db: db.execute("INSERT INTO raw_transactions VALUES ('BTC', ?, ?)", (funding.txid, funding.raw))
    )
    address = await house.approve("w1", 70_000)
    await house.worker().step()
    world.reorg(1)
    world.pool.clear()
    await house.store.write(lambda db: db.execute("UPDATE incoming SET height = 0, state = 5"))
    return address, Transaction((f"{source}:0",), (Output("elsewhere", "1"),), 20)


async def test_a_coin_that_may_come_back_gives_nothing_back(tmp_path: Path) -> None:
    """Its transaction is in no block and no pool, and nothing excludes it: whoever has it may send it again."""
    async with till(tmp_path, family("BTC"), coins=1) as house:
        address, _ = await vanished(house)
        await rounds(house, FINAL + 2)
        assert "may be on its way" in await give_back(house)
        assert (await house.money())[1] == 70_000
        assert paid(house.world, address) == []


async def test_a_coin_that_is_gone_for_good_gives_the_money_back_once_that_is_final(tmp_path: Path) -> None:
    """What its own transaction needs was used up by another, deep enough; and it is not paid after all."""
    async with till(tmp_path, family("BTC"), coins=1) as house:
        address, rival = await vanished(house)
        house.world.hand(rival.raw)
        house.world.mine()
        assert f"in {FINAL} blocks" in await give_back(house)
        house.world.mine(FINAL)
        assert await give_back(house) == ""
        await rounds(house, 3)
        assert (house.withdrawal("w1").told, await house.money()) == (_W.FAILED, (FUNDED, 0))
        assert paid(house.world, address) == []


async def test_what_excluded_it_and_was_orphaned_itself_proves_nothing(tmp_path: Path) -> None:
    """The count begins anew."""
    async with till(tmp_path, family("BTC"), coins=1) as house:
        _, rival = await vanished(house)
        house.world.hand(rival.raw)
        house.world.mine()
        assert f"in {FINAL} blocks" in await give_back(house)
        house.world.reorg(1)
        house.world.pool.clear()
        house.world.mine(FINAL)
        assert "may be on its way" in await give_back(house)
        assert house.payouts()[0].conflict == 0
