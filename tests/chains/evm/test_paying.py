"""What was approved is paid once on a real node, whatever node and chain do meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from eth_account import Account

from exchange.core.transfers import WithdrawalState
from exchange.custody.evm import body as evm_body
from exchange.custody.payouts import withdrawal_store
from exchange.custody.payouts.clearing import Clearing
from exchange.custody.payouts.rows import payout, stopped
from exchange.custody.port import OutcomeUnknown, Purpose
from tests.chains.evm.house import ATOMS, BOB, FUNDED, NAME, POLICY, TOKEN, house
from tests.chains.evm.world import CHAIN_ID, ETHER, World

_W = WithdrawalState


async def received(evm: World, address: str) -> int:
    return int(await evm.rpc.call("eth_getBalance", address, "latest"), 16)


async def stranger(evm: World, number: int = 0) -> str:
    """An address that never had anything."""
    return evm.evm.address("0x" + f"{0xABCDEF0123456789 + number:040x}")


async def test_a_withdrawal_is_paid_to_the_wei_and_settled(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        to = await stranger(evm)
        await h.approve("w1", 2 * ATOMS, to)
        await h.until_final(h.worker())
        assert await received(evm, to) == 2 * ETHER
        assert (h.has(BOB), h.held()) == (FUNDED - 2 * ATOMS, 0)


@pytest.mark.parametrize("name", ["Token", "Silent"])
async def test_a_token_is_paid_and_settled(tmp_path: Path, evm: World, name: str) -> None:
    token = await evm.deploy(name)
    async with house(tmp_path, evm) as h:
        await h.list_token(token)
        await evm.call(token, "mint(address,uint256)", h.hot.address, 10**9)
        await h.mine()
        to = await stranger(evm)
        await h.approve("w1", ATOMS, to, TOKEN, token)
        await h.until_final(h.worker())
        assert await h.chain.balances([to], token, await h.chain.tip()) == [10**6]


async def test_five_withdrawals_take_five_nonces_in_a_row(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        for number in range(5):
            await h.approve(f"w{number}", ATOMS, await stranger(evm, number))
        await h.until_final(h.worker())
        assert [await received(evm, await stranger(evm, n)) for n in range(5)] == [ETHER] * 5
        nonces = [evm_body.decode(h.attempts(n)[0].draft.body).nonce for n in range(1, 6)]
        assert nonces == list(range(5))


async def test_a_lost_answer_is_no_reason_for_a_second_transaction(tmp_path: Path, evm: World) -> None:
    """The node took it and the connection broke: the same bytes are handed out again."""
    async with house(tmp_path, evm) as h:
        to, hand = await stranger(evm), h.chain.hand

        async def losing(raw: bytes) -> Any:
            await hand(raw)
            raise OutcomeUnknown("the connection broke")

        await h.approve("w1", ATOMS, to)
        h.chain.hand = losing  # type: ignore[method-assign]
        await h.worker().step()
        h.chain.hand = hand  # type: ignore[method-assign]
        await h.until_final(h.worker())
        assert (await received(evm, to), len(h.attempts())) == (ETHER, 1)


async def test_a_dropped_transaction_is_sent_again_with_the_same_bytes(tmp_path: Path, evm: World) -> None:
    """The node lost its pool."""
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await worker.step()
        await evm.rpc.call("anvil_dropAllTransactions")
        await worker.step()
        (txid,) = [one.txid for one in h.attempts()]
        assert list((await pool(evm)).values()) == [txid]
        await h.until_final(worker)
        assert (await received(evm, to), len(h.attempts())) == (ETHER, 1)


async def pool(evm: World) -> dict[int, str]:
    """What waits at the node, of the hot address: ids by nonce."""
    content = (await evm.rpc.call("txpool_content"))["pending"]
    return {int(nonce): one["hash"] for by_nonce in content.values() for nonce, one in by_nonce.items()}


async def test_what_is_not_mined_is_replaced_at_its_own_nonce_and_paid_once(tmp_path: Path, evm: World) -> None:
    """The base fee rises above what was offered; the replacement is mined."""
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await worker.step()
        for _ in range(3):
            await evm.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(40 * 10**9))
            await evm.mine()
            await worker.step()
        assert len(h.attempts()) >= 2
        assert len({one.draft.claims for one in h.attempts()}) == 1
        await h.until_final(worker)
        assert await received(evm, to) == ETHER


async def test_of_two_attempts_the_older_one_is_mined_and_the_books_follow_it(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await worker.step()
        for _ in range(3):
            await evm.rpc.call("anvil_dropAllTransactions")
            await evm.mine()
            await worker.step()
        first, *_, last = h.attempts()
        assert first.txid != last.txid
        await evm.rpc.call("anvil_dropAllTransactions")
        assert first.raw is not None
        await h.chain.hand(first.raw)
        await evm.mine()
        await h.until_final(worker)
        assert await received(evm, to) == ETHER
        assert (await h.chain.find(first.txid)).header is not None


async def test_a_reorg_takes_a_payout_back_and_it_is_paid_once(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await worker.step()
        await evm.mine()
        await worker.step()
        assert h.withdrawal("w1").told == _W.CONFIRMED
        await evm.rewind(1)
        await worker.step()
        assert h.withdrawal("w1").told == _W.SENT
        await h.until_final(worker)
        assert (await received(evm, to), len(h.attempts())) == (ETHER, 1)


async def test_a_nonce_used_elsewhere_stops_the_chain_and_refunds_nobody(tmp_path: Path, evm: World) -> None:
    """Somebody else has the key. An operator gives the money back once that is final."""
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await worker.step()
        await evm.rpc.call("anvil_dropAllTransactions")
        thief = Account.from_key(h.secret(Purpose.HOT, 0))
        fields: dict[str, Any] = {"type": 2, "chainId": CHAIN_ID, "nonce": 0, "gas": 21_000, "value": 5}
        fields |= {"to": bytes(20), "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        await h.chain.hand(bytes(thief.sign_transaction(fields).raw_transaction))
        for _ in range(3):
            await evm.mine()
            await worker.step()
        assert "was used by a transaction that is not ours" in stopped(h.store.reader, NAME)
        assert await received(evm, to) == 0
        assert h.held() == ATOMS
        found, clearing = payout(h.store.reader, 1), Clearing(h.store, h.chain, POLICY, h.clock)
        assert found is not None
        await evm.mine(POLICY.final_blocks)
        assert await clearing.give_back(found, "the key is stolen") == ""
        await worker.step()
        assert (h.withdrawal("w1").told, h.held(), h.has(BOB)) == (_W.FAILED, 0, FUNDED)


async def test_a_destination_that_refuses_waits_unsigned_and_keeps_nobody_up(tmp_path: Path, evm: World) -> None:
    refuser = await evm.deploy("Refuser")
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker(msgspec.structs.replace(POLICY, retry_seconds=10**6))
        await h.approve("w1", ATOMS, h.chain.address(refuser))
        await h.approve("w2", ATOMS, to)
        for _ in range(6):
            await worker.step()
            await evm.mine()
        assert "refuses this payment" in h.withdrawal("w1").why
        assert (h.withdrawal("w1").payout, h.withdrawal("w2").told) == (None, _W.FINAL)
        assert await received(evm, to) == ETHER


async def test_a_destination_that_refuses_only_when_it_is_mined_gets_nothing_and_its_owner_all(
    tmp_path: Path, evm: World
) -> None:
    """The token is blocked between the quote and the block: reverted, failed once final, the hold released."""
    token = await evm.deploy("Silent")
    async with house(tmp_path, evm) as h:
        await h.list_token(token)
        await evm.call(token, "mint(address,uint256)", h.hot.address, 10**9)
        await h.mine()
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to, TOKEN, token)
        await worker.step()
        await evm.rpc.call("anvil_dropAllTransactions")
        await evm.call(token, "ban(address)", to)
        await evm.mine()
        for _ in range(4):
            await evm.mine()
            await worker.step()

        assert h.withdrawal("w1").told == _W.FAILED
        assert (h.has(BOB, TOKEN), h.held(asset=TOKEN)) == (FUNDED, 0)
        assert await h.chain.balances([to], token, await h.chain.tip()) == [0]


async def test_an_empty_gas_tank_makes_a_payout_wait_until_it_is_filled(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        await evm.fund(h.hot, 0)
        await evm.mine()
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await worker.step()
        assert "missing" in h.withdrawal("w1").why
        await evm.fund(h.hot, 5 * ETHER)
        await h.until_final(worker)
        assert await received(evm, to) == ETHER


async def test_a_base_fee_spike_makes_payouts_wait_until_it_is_over(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        to, worker = await stranger(evm), h.worker()
        await h.approve("w1", ATOMS, to)
        await evm.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**12))
        await evm.mine()
        await worker.step()
        assert "the ceiling is" in h.withdrawal("w1").why
        await evm.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        await h.until_final(worker)
        assert await received(evm, to) == ETHER


async def test_a_payout_is_not_final_before_the_chain_says_so(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        worker = h.worker(msgspec.structs.replace(POLICY, wait_finalized=True))
        await h.approve("w1", ATOMS, await stranger(evm))
        await worker.step()
        await evm.mine(64)
        await worker.step()
        assert h.withdrawal("w1").told == _W.CONFIRMED
        await evm.mine()
        await worker.step()
        assert h.withdrawal("w1").told == _W.FINAL


async def test_a_contract_that_burns_gas_of_ours_waits_for_an_operator_with_the_number(
    tmp_path: Path, evm: World
) -> None:
    """It takes 43,000 gas and more, for a fee of nothing; approved, it is paid."""
    thirsty = await evm.deploy("Thirsty")
    async with house(tmp_path, evm) as h:
        await h.approve("w1", ATOMS, h.chain.address(thirsty), bears="0")
        await h.approve("w2", ATOMS, await stranger(evm), bears="0")
        worker = h.worker()
        for _ in range(4):
            await worker.step()
            await h.mine()
        row = h.withdrawal("w1")
        assert (row.state, row.payout, row.needs) == (_W.RISK_HELD, None, 1)
        assert row.bears > 2 * 20_000 * 10**9
        assert h.withdrawal("w2").told == _W.FINAL
        word = ("w1", "tina", bytes(32), bytes(64), h.clock.now())
        assert await h.store.write(lambda db: withdrawal_store.approve(db, *word)) == 0
        await h.until_final(worker)
        assert await received(evm, thirsty) == ETHER
