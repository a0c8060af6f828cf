"""Deposits on a real node, through the watcher into the real ledger: credited once, whatever the chain does."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import audit
from exchange.core.transfers import DepositState
from exchange.custody.evm.traces import FLAT, NESTED
from exchange.custody.port import NodeFault, WrongChain
from exchange.custody.rpc import Rpc
from tests.chains.evm.house import ALICE, ATOMS, BOB, DUST, FUNDED, TOKEN, WEI_PER_ATOM, house
from tests.chains.evm.world import ETHER, World, world

SEEN, CONFIRMING, CREDITED, HELD, ORPHANED = (
    DepositState.SEEN,
    DepositState.CONFIRMING,
    DepositState.CREDITED,
    DepositState.HELD,
    DepositState.ORPHANED,
)


async def test_a_deposit_is_seen_then_confirming_then_credited_and_its_dust_kept(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, ETHER + 7)
        await h.follow()
        assert (h.states(txid), h.has()) == ([SEEN], 0)
        await h.mine()
        assert (h.states(txid), h.has()) == ([CONFIRMING], 0)
        await h.mine()
        assert (h.states(txid), h.has(), h.credits()) == ([CREDITED], ATOMS, [CREDITED])
        assert h.rows(txid)[0].dust == "7"
        assert not list(audit.violations(h.sequencer.state))


async def test_a_one_block_reorg_before_the_credit_credits_once(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, ETHER)
        await h.mine()
        raw = await raw_of(evm, txid)
        await evm.rewind(1)
        await h.mine()
        assert (h.states(txid), h.has()) == ([ORPHANED], 0)
        await evm.rpc.call("eth_sendRawTransaction", raw)
        await h.mine(2)
        assert (h.states(txid), h.has(), h.credits()) == ([CREDITED], ATOMS, [CREDITED])


async def raw_of(evm: World, txid: str) -> str:
    return str(await evm.rpc.call("eth_getRawTransactionByHash", txid))


async def test_credited_then_orphaned_then_mined_again_is_one_credit_net(tmp_path: Path, evm: World) -> None:
    """A reorg deeper than the confirmations. The account stays frozen until somebody has looked."""
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, ETHER)
        await h.mine(2)
        raw = await raw_of(evm, txid)
        assert h.has() == ATOMS
        await evm.rewind(2)
        await h.mine(3)
        assert (h.states(txid), h.has(), h.alarms()) == ([ORPHANED], 0, ["deposit_reversed"])
        await evm.rpc.call("eth_sendRawTransaction", raw)
        await h.mine(2)
        assert (h.states(txid), h.has()) == ([CREDITED], ATOMS)
        assert h.credits() == [ORPHANED, CREDITED]
        assert not list(audit.violations(h.sequencer.state))


async def test_mined_again_with_another_log_index_it_is_the_same_deposit(tmp_path: Path, evm: World) -> None:
    """The index in the block changes, the ordinal in the transaction does not."""
    token = await evm.deploy("Token")
    async with house(tmp_path, evm) as h:
        await h.list_token(token)
        txid = await evm.call(token, "mint(address,uint256)", h.alice, 5_000_000)
        await h.mine()
        first = (await evm.rpc.call("eth_getTransactionReceipt", txid))["logs"][0]["logIndex"]
        raw = await raw_of(evm, txid)
        await evm.rewind(1)
        for _ in range(3):
            await evm.call(token, "mint(address,uint256)", evm.people[3], 1, sender=evm.people[1])
        await evm.rpc.call("eth_sendRawTransaction", raw)
        await h.mine(2)
        again = (await evm.rpc.call("eth_getTransactionReceipt", txid))["logs"][0]["logIndex"]
        assert first != again
        (row,) = h.rows(txid)
        assert (row.key, row.state) == (f"{txid}:log:0", CREDITED)
        assert h.has(asset=TOKEN) == 5 * ATOMS
        assert h.credits() == [CREDITED]


async def test_a_double_spend_in_a_reorg_takes_the_first_payment_back(tmp_path: Path, evm: World) -> None:
    """The sender's nonce goes to another transaction on the branch that won."""
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, ETHER, nonce="0x0")
        await h.mine(2)
        assert h.has() == ATOMS
        await evm.rewind(2)
        other = await evm.send(evm.people[5], ETHER, nonce="0x0")
        await h.mine(4)
        assert (await h.chain.find(other)).header is not None
        assert (h.states(txid), h.has(), h.credits()) == ([ORPHANED], 0, [ORPHANED])


async def test_a_head_that_goes_backwards_undoes_nothing_that_stays(tmp_path: Path, evm: World) -> None:
    """A node that is only late for a while, then goes on where it was."""
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, ETHER)
        await h.mine(4)
        late = await evm.evm.header((await evm.evm.tip()).height - 1)
        assert late is not None

        async def tip() -> object:
            return late

        real, h.chain.tip = h.chain.tip, tip  # type: ignore[method-assign,assignment]
        await h.follow()
        assert (h.states(txid), h.has()) == ([CREDITED], ATOMS)
        h.chain.tip = real  # type: ignore[method-assign]
        await h.mine()
        assert h.credits() == [CREDITED]


async def test_a_reorg_deeper_than_the_limit_stops_the_chain(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm, reorg_limit=3) as h:
        txid = await evm.send(h.alice, ETHER)
        await h.mine(6)
        await evm.rewind(6)
        await evm.mine(8)
        with pytest.raises(WrongChain, match="more than 3 blocks"):
            await h.follow()
        assert (h.states(txid), h.has()) == ([CREDITED], ATOMS)


async def test_a_node_that_restarted_empty_changes_nothing(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        await evm.send(h.alice, ETHER)
        await h.mine(12)
        async with world() as other:
            h.watcher.chain = other.evm
            with pytest.raises((NodeFault, WrongChain)):
                await h.follow()
            await other.mine(60)
            with pytest.raises(WrongChain):
                await h.follow()
        assert h.has() == ATOMS


async def test_after_an_outage_longer_than_any_window_every_block_is_read(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        alice = h.alice
    first = await evm.send(alice, ETHER)
    await evm.mine(150)
    second = await evm.send(alice, ETHER)
    await evm.mine(3)
    async with house(tmp_path, evm) as h:
        assert (h.states(first), h.states(second), h.has()) == ([CREDITED], [CREDITED], 2 * ATOMS)


async def test_a_large_deposit_waits_for_the_chains_own_word(tmp_path: Path, evm: World) -> None:
    """Anvil calls a block final when 64 more are on it."""
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, 10 * ETHER)
        await h.mine(64)
        assert (h.states(txid), h.has()) == ([CONFIRMING], 0)
        await h.mine()
        assert (h.states(txid), h.has()) == ([CREDITED], 10 * ATOMS)


@pytest.mark.parametrize("ways", [[FLAT], [NESTED], []])
async def test_an_internal_transfer_is_credited_once(tmp_path: Path, evm: World, ways: list[str]) -> None:
    sender = await evm.deploy("Sender")
    async with house(tmp_path, evm) as h:
        h.chain.traces.ways = ways
        await evm.call(sender, "sendMany(address[],uint256)", [h.alice, h.bob], ETHER, value=2 * ETHER)
        await h.mine(4)
        assert (h.has(), h.has(BOB)) == (ATOMS, FUNDED + ATOMS)
        assert h.credits() == [CREDITED, CREDITED]


async def test_an_internal_transfer_found_by_balance_survives_a_reorg_as_one_credit(tmp_path: Path, evm: World) -> None:
    """Its key has the block's hash in it, so the second block's is another deposit, and the first is taken back."""
    sender = await evm.deploy("Sender")
    async with house(tmp_path, evm) as h:
        h.chain.traces.ways = []
        txid = await evm.call(sender, "send(address,uint256)", h.alice, ETHER, value=ETHER)
        await h.mine(2)
        raw = await raw_of(evm, txid)
        await evm.rewind(2)
        await h.mine(3)
        assert h.has() == 0
        await evm.rpc.call("eth_sendRawTransaction", raw)
        await h.mine(2)
        assert (h.has(), h.credits()) == (ATOMS, [ORPHANED, CREDITED])


async def test_dust_is_recorded_and_not_credited(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h:
        txid = await evm.send(h.alice, (DUST - 1) * WEI_PER_ATOM)
        await h.mine(4)
        assert (h.states(txid), h.has()) == ([HELD], 0)


async def test_a_token_is_credited_in_the_ledgers_own_unit(tmp_path: Path, evm: World) -> None:
    token = await evm.deploy("Silent")
    async with house(tmp_path, evm) as h:
        await h.list_token(token)
        await evm.call(token, "mint(address,uint256)", h.alice, 1_234_567)
        await h.mine(4)
        assert (h.has(asset=TOKEN), h.credits()) == (123_456_700, [CREDITED])


@pytest.mark.parametrize("name", ["Feeing", "Forger"])
async def test_a_token_whose_events_and_balances_disagree_is_held(tmp_path: Path, evm: World, name: str) -> None:
    token = await evm.deploy(name)
    async with house(tmp_path, evm) as h:
        await h.list_token(token)
        if name == "Feeing":
            await evm.call(token, "mint(address,uint256)", evm.people[0], 10**9)
            await evm.call(token, "transfer(address,uint256)", h.alice, 10**9)
        else:
            await evm.call(token, "say(address,address,uint256)", evm.people[0], h.alice, 10**9)
        await h.mine(6)
        (row,) = h.rows()
        assert (row.state, h.has(asset=TOKEN), h.credits()) == (HELD, 0, [])
        assert "events say" in row.why


@pytest.mark.parametrize("amount", [60, 2**256 - 1])
async def test_a_fake_token_is_recorded_and_held(tmp_path: Path, evm: World, amount: int) -> None:
    forger = await evm.deploy("Forger")
    async with house(tmp_path, evm) as h:
        await evm.call(forger, "say(address,address,uint256)", evm.people[0], h.alice, amount)
        await h.mine(6)
        assert (h.states(), h.rows()[0].amount, h.has(), h.credits()) == ([HELD], str(amount), 0, [])


async def test_an_empty_node_with_another_chain_id_is_refused_at_the_door(tmp_path: Path, evm: World) -> None:
    from exchange.demo.nodes import anvil

    async with house(tmp_path, evm) as h, anvil.running(chain_id=5) as other:
        with Rpc(other.url) as rpc:
            h.chain._node.rpc = rpc  # type: ignore[misc]
            with pytest.raises(WrongChain, match="follows chain 5, not 31337"):
                await h.watcher.check()


async def test_every_account_and_the_chain_agree_to_the_last_wei(tmp_path: Path, evm: World) -> None:
    """What all our addresses hold is what the ledger owes for it, with the dust."""
    async with house(tmp_path, evm) as h:
        for wei in (ETHER + 7, 3 * ETHER + 9):
            await evm.send(h.alice, wei)
        await h.mine(3)
        (held,) = await h.chain.balances([h.alice], "", await h.chain.tip())
        assert held == h.has(ALICE) * WEI_PER_ATOM + sum(int(row.dust) for row in h.rows())
