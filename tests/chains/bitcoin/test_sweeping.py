"""Our own coins on a real node: deposits swept into the hot wallet, too much of that to cold; the signer judges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.core.transfers import DepositState, WithdrawalState
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.rows import payouts
from exchange.custody.port import Purpose
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.judged import No
from exchange.custody.signer.record import Record, create_record
from exchange.custody.signer.rules import read_rules
from exchange.custody.signing import Refused, Signed, Wish
from exchange.custody.treasury.cold import cold_keys
from exchange.custody.treasury.hot_limits import target
from exchange.custody.treasury.rescue_bitcoin import BitcoinRescue
from exchange.custody.treasury.sweep_bitcoin import BitcoinMoves
from exchange.custody.treasury.sweep_rows import first
from exchange.custody.treasury.sweeping import Hot, Plans, Sweeper
from tests.chains.bitcoin.house import ALICE, NAME, POLICY, House, house
from tests.chains.bitcoin.regtest import COIN, Regtest
from tests.custody.signing_kit import RULES


class Vaulted:
    """The signer's own judgement, with the house's keys and limits of its own."""

    def __init__(self, made: House, folder: Path, cold: str) -> None:
        rules = read_rules(RULES)
        create_record(folder / "record.db")
        record = Record(folder / "record.db", bytes(32), made.clock)
        self.judge = Judge(rules, {}, cold_keys(rules, {"BTC": (cold,)}), made.tree, record)

    async def sign(self, wish: Wish) -> Signed | Refused:
        try:
            return self.judge.sign(wish)
        except No as no:
            return Refused(str(no))


def moves_of(made: House) -> BitcoinMoves:
    """What waits to be mined is helped at once."""
    hot = first(made.store.reader, NAME, Purpose.HOT)
    assert hot is not None
    children = BitcoinRescue(made.store, NAME, made.spending, made.clock, after_seconds=0)
    return BitcoinMoves(made.store, NAME, made.spending, hot, children)


class Moved:
    """A house, its sweeper, its worker, and a cold address outside."""

    def __init__(self, made: House, folder: Path, wanted: int) -> None:
        self.house = made
        self.cold = made.outside.address()
        self.wanted = wanted
        moves = moves_of(made)
        plans = Plans(least={"": COIN // 10}, hot=lambda: {"": Hot(self.wanted, 100 * COIN)}, cold=self.cold)
        self.sweeper = Sweeper(made.store, made.chain, moves, plans, made.clock)
        signer = Vaulted(made, folder, self.cold)
        one = (made.store, made.chain, made.spending, signer, made.reports, made.clock)
        self.worker = Payouts(*one, POLICY, screen=lambda *_: "")

    async def until_settled(self) -> list[WithdrawalState]:
        """Sweep and follow until nothing moves any more; how each move ended."""
        for _ in range(12):
            await self.sweeper.step()
            await self.worker.step()
            await self.house.mine()
        return [row.state for row in payouts(self.house.store.reader, "1 ORDER BY number")]

    def hot(self) -> int:
        rows = self.house.store.reader.execute(
            "SELECT amount FROM incoming WHERE purpose IN (2, 3) AND height > 0 AND spent_by = ''"
        )
        return sum(int(amount) for (amount,) in rows)


@pytest.fixture
async def moved(tmp_path: Path, regtest: Regtest) -> AsyncIterator[Moved]:
    async with house(tmp_path, regtest) as made:
        yield Moved(made, tmp_path, wanted=2 * COIN)


async def test_deposits_are_swept_into_the_hot_wallet_and_nobodys_balance_moves(moved: Moved) -> None:
    made = moved.house
    for amount in (COIN, COIN // 2):
        made.outside.pay(made.alice, amount)
    await made.mine(4)
    before = made.has(ALICE)
    assert await moved.until_settled() == [WithdrawalState.FINAL]
    assert made.has(ALICE) == before == 3 * COIN // 2
    assert set(made.states()) == {DepositState.SWEPT}
    assert 3 * COIN // 2 - 10_000 < moved.hot() < 3 * COIN // 2


async def test_what_is_not_worth_it_or_not_credited_stays_where_it_is(moved: Moved) -> None:
    made = moved.house
    made.outside.pay(made.alice, COIN // 20)
    await made.mine(4)
    made.outside.pay(made.alice, COIN)
    await moved.sweeper.step()
    assert payouts(made.store.reader, "1") == []


async def test_too_much_in_the_hot_wallet_goes_to_cold(moved: Moved) -> None:
    made = moved.house
    await made.fill(2 * COIN, 2 * COIN)
    assert await moved.until_settled() == [WithdrawalState.FINAL]
    assert made.outside.wallet("getreceivedbyaddress", moved.cold) == 2
    assert 2 * COIN - 10_000 < moved.hot() < 2 * COIN


async def test_b32_a_hot_wallet_that_is_too_empty_is_an_alarm_until_it_is_filled(moved: Moved) -> None:
    await moved.house.fill(COIN // 2)
    await moved.sweeper.step()
    assert moved.house.alarms() == ["hot wallet low"]
    await moved.house.fill(COIN * 3 // 2)
    await moved.sweeper.step()
    assert moved.house.alarms() == []
    assert target(100 * COIN, ()) == 2 * COIN


async def test_the_signer_lets_no_sweep_go_elsewhere(moved: Moved) -> None:
    """The sweeper is told of a thief's address as cold; the signer was told of another one."""
    made = moved.house
    await made.fill(4 * COIN)
    thief = made.outside.address()
    plans = Plans(least={}, hot=lambda: {"": Hot(COIN, 100 * COIN)}, cold=thief)
    await Sweeper(made.store, made.chain, moves_of(made), plans, made.clock).step()
    await moved.worker.step()
    assert [row.state for row in payouts(made.store.reader, "1")] == [WithdrawalState.CANCELLED]
    assert "signer refused" in made.alarms()


def slow(made: House, to: str, amount: int = COIN, fee: int = 300) -> str:
    """A payment by a stranger who pays the network next to nothing."""
    return made.outside.send(made.outside.craft([(bytes.fromhex(made.chain.key_of(to)), amount)], fee=fee))


@pytest.mark.parametrize("deposit", [True, False])
async def test_a_stuck_payment_to_us_gets_a_child_that_pays_for_both(moved: Moved, deposit: bool) -> None:
    """A deposit, or a refill of the hot wallet. It is credited all the same, and counts as swept."""
    made = moved.house
    await made.fill(2 * COIN)
    stuck = slow(made, made.alice if deposit else made.hot)
    await made.follow()
    await moved.sweeper.step()
    await moved.worker.step()
    (child,) = [txid for txid in made.outside.waiting() if txid != stuck]
    entry = made.outside.call("getmempoolentry", child)
    assert (entry["ancestorcount"], entry["fees"]["ancestor"] * COIN > 1_000) == (2, True)
    assert await moved.until_settled() == [WithdrawalState.FINAL]
    assert made.has(ALICE) == (COIN if deposit else 0)
    assert set(made.states()) == ({DepositState.SWEPT} if deposit else set())


async def test_what_pays_enough_or_is_worth_too_little_gets_no_child(moved: Moved) -> None:
    """A stranger decides how large his transaction is: of a small deposit we pay no more than a hundredth for it."""
    made = moved.house
    await made.fill(2 * COIN)
    made.outside.pay(made.alice, COIN)
    slow(made, made.bob, amount=20_000)
    await made.follow()
    await moved.sweeper.step()
    assert payouts(made.store.reader, "1") == []


async def test_a_child_of_a_payment_that_was_replaced_is_forgotten_once_that_is_final(moved: Moved) -> None:
    """Its sender paid somebody else instead: nothing of ours was in it, and payouts go on meanwhile."""
    made = moved.house
    await made.fill(2 * COIN)
    stuck = slow(made, made.alice)
    rival = made.outside.craft([(bytes.fromhex(made.chain.key_of(made.outside.address())), COIN)], stuck, fee=90_000)
    await made.follow()
    await moved.sweeper.step()
    await moved.worker.step()
    assert len(made.outside.waiting()) == 2
    made.outside.mine_only(rival.hex())
    await made.follow()
    shop = made.outside.stranger()
    await moved.worker.step()
    await made.approve("w1", 20_000, shop)
    for _ in range(POLICY.final_blocks + 3):
        await moved.worker.step()
        await made.mine()
    states = [row.state for row in payouts(made.store.reader, "1 ORDER BY number")]
    assert states == [WithdrawalState.FAILED, WithdrawalState.FINAL]
    assert made.outside.unspent(shop) == [20_000]
    assert made.has(ALICE) == 0
