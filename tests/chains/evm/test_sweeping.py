"""Our own coins on a real Anvil: coins and tokens swept into the hot address, gas first; the signer judges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from eth_account import Account

from exchange.core.transfers import DepositState, WithdrawalState
from exchange.custody import history
from exchange.custody.deposits.explainer import explain
from exchange.custody.evm import body as evm_body
from exchange.custody.payouts.rows import payouts
from exchange.custody.port import Purpose
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.judged import No
from exchange.custody.signer.record import Record, create_record
from exchange.custody.signer.rules import read_rules
from exchange.custody.signing import Refused, Signed, Wish
from exchange.custody.treasury.cold import cold_keys
from exchange.custody.treasury.sweep_evm import EvmMoves
from exchange.custody.treasury.sweep_rows import first
from exchange.custody.treasury.sweeping import Hot, Plans, Sweeper
from tests.chains.evm.house import ALICE, COIN, NAME, TOKEN, TREE, House, house
from tests.chains.evm.world import ETHER, World
from tests.custody.signing_kit import RULES, USDT

COLD = Account.from_key(b"\x07" * 32).address
_TOKENS = 10**6


class Moved:
    """A house with a token, gas to give away, a sweeper, and a worker whose signer judges."""

    def __init__(self, made: House, folder: Path, token: str) -> None:
        self.house = made
        self.token = token
        self.wanted = 10 * ETHER
        rules = read_rules(RULES.replace(USDT, token))
        create_record(folder / "record.db")
        record = Record(folder / "record.db", bytes(32), made.clock)
        self.judge = Judge(rules, {}, cold_keys(rules, {"ETH": (COLD,)}), TREE, record)
        made.signer = self
        gas = first(made.store.reader, NAME, Purpose.GAS)
        assert gas is not None
        moves = EvmMoves(made.chain, made.spending, gas)
        plans = Plans(
            least={"": ETHER // 10, token: _TOKENS}, hot=lambda: {"": Hot(self.wanted, 1_000 * ETHER)}, cold=COLD
        )
        self.sweeper = Sweeper(made.store, made.chain, moves, plans, made.clock)
        self.worker = made.worker()

    async def sign(self, wish: Wish) -> Signed | Refused:
        try:
            return self.judge.sign(wish)
        except No as no:
            return Refused(str(no))

    async def until_settled(self) -> list[WithdrawalState]:
        """Sweep and follow until nothing moves any more; how each move ended."""
        for _ in range(16):
            await self.sweeper.step()
            await self.worker.step()
            await self.house.mine()
        return [row.state for row in payouts(self.house.store.reader, "1 ORDER BY number")]

    def bodies(self) -> list[evm_body.Body]:
        rows = payouts(self.house.store.reader, "1 ORDER BY number")
        return [evm_body.decode(self.house.attempts(row.number)[-1].draft.body) for row in rows]

    async def has(self, address: str, contract: str = "") -> int:
        (amount,) = await self.house.chain.balances([address], contract, await self.house.chain.tip())
        return amount


@pytest.fixture
async def moved(tmp_path: Path, evm: World) -> AsyncIterator[Moved]:
    token = await evm.deploy("Token")
    async with house(tmp_path, evm) as made:
        await made.list_token(token)
        await made.pool.add_wallet(Purpose.GAS, made.xpub(Purpose.GAS))
        gas = first(made.store.reader, NAME, Purpose.GAS)
        assert gas is not None
        await evm.fund(gas, ETHER)
        yield Moved(made, tmp_path, token)


async def test_coins_are_swept_less_the_cost_and_nobodys_balance_moves(moved: Moved) -> None:
    made = moved.house
    await made.outside.send(made.alice, ETHER)
    await made.mine(3)
    before, hot = made.has(), await moved.has(made.hot.address)
    assert before > 0
    assert await moved.until_settled() == [WithdrawalState.FINAL]
    assert made.has() == before
    assert made.states() == [DepositState.SWEPT]
    assert hot + ETHER * 99 // 100 < await moved.has(made.hot.address) < hot + ETHER
    assert await moved.has(made.alice) < ETHER // 1_000


async def test_a_token_is_swept_after_gas_was_sent_and_the_gas_is_nobodys_deposit(moved: Moved) -> None:
    made = moved.house
    await made.outside.call(moved.token, "mint(address,uint256)", made.alice, 5 * _TOKENS)
    await made.mine(3)
    before = made.has(ALICE, TOKEN)
    assert before > 0
    assert await moved.until_settled() == [WithdrawalState.FINAL, WithdrawalState.FINAL]
    assert [body.purpose for body in moved.bodies()] == [Purpose.GAS, Purpose.DEPOSIT]
    assert await moved.has(made.hot.address, moved.token) == 5 * _TOKENS
    assert made.has(ALICE, TOKEN) == before
    assert made.has(ALICE, COIN) == 0
    assert sorted(made.states()) == [0, DepositState.SWEPT]
    (shown,) = history.deposits(made.store.reader, account=ALICE)
    assert shown.row.contract == moved.token.lower()
    (gas,) = [row for row in made.rows() if row.state == 0]
    (said,) = explain(made.store.reader, gas.txid)
    assert "house" in said.why


async def test_an_empty_gas_tank_is_one_alarm_that_ends_with_it_and_nothing_moves(moved: Moved) -> None:
    """What is missing is another number at each step; operators read one line."""
    made = moved.house
    gas = first(made.store.reader, NAME, Purpose.GAS)
    assert gas is not None
    await made.outside.fund(gas, 0)
    await made.outside.call(moved.token, "mint(address,uint256)", made.alice, 5 * _TOKENS)
    await made.mine(3)
    for _ in range(3):
        await moved.sweeper.step()
        await made.mine()
    assert payouts(made.store.reader, "1") == []
    assert made.alarms() == ["gas tank empty"]
    await made.outside.fund(gas, ETHER)
    await moved.sweeper.step()
    assert made.alarms() == []


async def test_two_deposits_on_one_address_are_one_sweep(moved: Moved) -> None:
    made = moved.house
    for _ in range(2):
        await made.outside.send(made.alice, ETHER)
    await made.mine(3)
    assert await moved.until_settled() == [WithdrawalState.FINAL]
    assert made.states() == [DepositState.SWEPT, DepositState.SWEPT]


async def test_too_much_in_the_hot_address_goes_to_cold(moved: Moved) -> None:
    moved.wanted = 4 * ETHER
    assert await moved.until_settled() == [WithdrawalState.FINAL]
    assert await moved.has(COLD) == 6 * ETHER
