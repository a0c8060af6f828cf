"""Our own coins on a real bitcoind: gathered, left where they are not worth it, and always all accounted for."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import msgspec
import pytest

from exchange.core import audit
from exchange.custody.bitcoin.address import script_of
from exchange.custody.payouts.rows import withdrawals
from exchange.custody.port import Handed, Owned, Purpose, Standing, Unaffordable
from exchange.custody.signing import Wish
from tests.chains.bitcoin.house import BOB, FUNDED, NAME, POLICY, House, house
from tests.chains.bitcoin.regtest import COIN, Regtest
from tests.conftest import NIGHTLY

PER_TRANSACTION = 2_500


async def on_chain(h: House) -> int:
    """What the node says all addresses of ours have."""
    return sum(await h.chain.balances([one.address for one in h.pool.watched.values()], "", await h.chain.tip()))


def _rate(quote: bytes, rate: int) -> bytes:
    """After a flood the estimator knows how cheap blocks are; here they are not."""
    return msgspec.json.encode({**msgspec.json.decode(quote), "rate": rate})


async def test_deposits_are_gathered_and_nobodys_balance_moves(tmp_path: Path, regtest: Regtest) -> None:
    """One transaction out of many deposits, to the hot wallet; what it cost is what the chain has less."""
    async with house(tmp_path, regtest) as h:
        for amount in (50_000, 70_000, 90_000):
            regtest.pay(h.alice, amount)
        await h.mine(2)
        before = await on_chain(h)
        quote, to = await h.spending.quote([]), Owned(h.hot, Purpose.HOT, 0)
        coins = await h.books(lambda purse: purse.coins(frozenset({Purpose.DEPOSIT})))
        draft = await h.books(partial(h.spending.gather, "sweep", coins, to, quote))
        signed = await h.sign(Wish(draft.id, NAME, draft.body, ()))
        assert await h.chain.hand(signed.raw) is Handed.ACCEPTED
        await h.mine()
        assert len(draft.claims) == 3
        assert before - await on_chain(h) == draft.fee
        assert h.has() == 210_000
        hot = await h.books(lambda purse: purse.coins(frozenset({Purpose.HOT})))
        assert [coin.amount for coin in hot] == [210_000 - draft.fee]


async def test_a_flood_of_dust_costs_us_nothing_and_stops_nobody(tmp_path: Path, regtest: Regtest) -> None:
    """100,000 coins by night: each is recorded, none is spent at a loss, and payouts go on beside them."""
    count = 100_000 if NIGHTLY else PER_TRANSACTION
    async with house(tmp_path, regtest) as h:
        for _ in range(count // PER_TRANSACTION):
            regtest.send(regtest.craft([(script_of(regtest.network, h.hot), 600)] * PER_TRANSACTION, fee=200_000))
            await h.mine()
        coins = await h.books(lambda purse: purse.coins(frozenset({Purpose.HOT})))
        assert len(coins) == count
        quote, to = _rate(await h.spending.quote([]), 10_000), Owned(h.hot, Purpose.HOT, 0)
        with pytest.raises(Unaffordable, match=f"none of {count} coins"):
            await h.books(partial(h.spending.gather, "sweep", coins, to, quote))
        await h.fill(COIN)
        address = regtest.stranger()
        await h.approve("w1", 10_000, address)
        await h.until_final(h.worker())
        assert regtest.unspent(address) == [10_000]
        assert len(h.attempts()[0].draft.claims) == 1


@pytest.mark.parametrize("seed", range(5 if NIGHTLY else 1))
async def test_chain_and_ledger_agree_to_the_last_unit_after_anything(
    tmp_path: Path, regtest: Regtest, seed: int
) -> None:
    """Random deposits, withdrawals, blocks and reorganisations: what we have is what came less what was paid.

    What came in for the house itself, and for people, less what went out to strangers and what miners took, is what
    the node counts at our addresses; and what people have in the ledger moved by their deposits and withdrawals.
    """
    dice = random.Random(seed)
    operations = 200 if NIGHTLY else 40
    async with house(tmp_path, regtest) as h:
        await h.fill(*[COIN] * 4)
        worker = h.worker(msgspec.structs.replace(POLICY, batch=5, replace_after_blocks=3, final_blocks=4))
        strangers: dict[str, int] = {}
        for number in range(operations):
            await _something(h, dice, number, strangers)
            await worker.step()
        await h.until_final(worker, rounds=60)
        await h.mine(6)
        assert {address: sum(regtest.unspent(address)) for address in strangers} == strangers
        came = sum(int(row.amount) for row in h.rows() if row.height)
        costs = await _costs(h)
        assert await on_chain(h) == 4 * COIN + came - sum(strangers.values()) - costs
        assert h.has() + h.has(BOB) + h.held(BOB) == FUNDED + came - sum(strangers.values())
        assert not list(audit.violations(h.sequencer.state))


async def _costs(h: House) -> int:
    """What miners took for payouts, as the chain says it; of each payout one attempt is mined."""
    numbers = {int(row.payout or 0) for row in withdrawals(h.store.reader, "payout IS NOT NULL")}
    total = 0
    for number in numbers:
        found = [await h.chain.find(one.txid) for one in h.attempts(number) if one.txid]
        (mined,) = [one for one in found if one.standing is Standing.MINED]
        total += mined.cost
    return total


async def _something(h: House, dice: random.Random, number: int, strangers: dict[str, int]) -> None:
    """One operation."""
    outside = h.outside
    match dice.choice(["deposit", "deposit", "withdrawal", "withdrawal", "block", "block", "block", "reorg"]):
        case "deposit":
            outside.pay(h.alice, dice.randint(1_000, COIN // 10))
        case "withdrawal":
            address, amount = outside.stranger(), dice.randint(1_000, COIN // 20)
            strangers[address] = amount
            await h.approve(f"w{number}", amount, address)
        case "block":
            outside.mine()
        case _:
            outside.back(dice.randint(1, 3))
            for _ in range(4):
                if dice.random() < 0.5:
                    outside.mine()
                else:
                    outside.mine_only()
            outside.resend()
    await h.follow()
