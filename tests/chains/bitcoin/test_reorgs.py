"""The chain goes back: what it took is taken back, once, and what it mines again is credited again, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.core import audit
from exchange.core.transfers import DepositState
from exchange.core.units import AccountId
from exchange.custody.bitcoin.address import script_of
from exchange.custody.bitcoin.chain import BitcoinChain
from exchange.custody.port import NodeFault, Standing, WrongChain
from exchange.custody.rpc import Rpc
from exchange.demo.nodes.bitcoind import running
from tests.chains.bitcoin.house import ALICE, NAME, House, house
from tests.chains.bitcoin.regtest import Regtest

CONFIRMING, CREDITED, ORPHANED = DepositState.CONFIRMING, DepositState.CREDITED, DepositState.ORPHANED
AMOUNT = 7_654_321


def frozen(h: House, account: AccountId = ALICE) -> bool:
    """Whether an account may take nothing out."""
    return h.sequencer.state.accounts[account].frozen


@contextmanager
def twin(first: Regtest) -> Iterator[Regtest]:
    """A second node with the same blocks that never hears of the first: what they tell each other is up to us."""
    with running(first.node.kind) as node:
        second = Regtest(node)
        carry(first, second)
        second.call("createwallet", "miner")
        yield second


def carry(source: Regtest, target: Regtest) -> None:
    """The partition ends, one way: blocks of `source` that `target` does not have."""
    for height in range(1, source.height() + 1):
        name = source.call("getblockhash", height)
        if height > target.height() or target.call("getblockhash", height) != name:
            target.call("submitblock", source.call("getblock", name, 0))


async def test_a_reorg_of_one_block_before_the_credit_credits_once(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        txid = regtest.pay(h.alice, AMOUNT)
        await h.mine()
        regtest.back(1)
        regtest.mine_only()
        regtest.mine_only()
        await h.follow()
        assert (h.has(), h.credits(), h.alarms()) == (0, [], [])
        await h.mine()
        assert (h.states(txid), h.has()) == ([CONFIRMING], 0)
        await h.mine()
        assert (h.states(txid), h.has(), h.credits()) == ([CREDITED], AMOUNT, [CREDITED])


async def test_a_reorg_deeper_than_the_confirmations_takes_the_credit_back(tmp_path: Path, regtest: Regtest) -> None:
    """The account is frozen, and an alarm says why."""
    async with house(tmp_path, regtest) as h:
        txid = regtest.pay(h.alice, AMOUNT)
        await h.mine(3)
        assert h.has() == AMOUNT
        regtest.back(3)
        for _ in range(4):
            regtest.mine_only()
        await h.follow()
        assert (h.has(), h.credits()) == (0, [ORPHANED])
        assert h.states(txid) != [CREDITED]
        assert h.alarms() == ["deposit_reversed"]
        assert frozen(h)
        assert not list(audit.violations(h.sequencer.state))


async def test_credited_then_orphaned_then_mined_again_is_one_credit(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        txid = regtest.pay(h.alice, AMOUNT)
        await h.mine(3)
        regtest.back(3)
        for _ in range(4):
            regtest.mine_only()
        await h.follow()
        await h.mine(2)
        assert (h.states(txid), h.has()) == ([CREDITED], AMOUNT)
        assert sorted(h.credits()) == sorted([ORPHANED, CREDITED])
        assert not list(audit.violations(h.sequencer.state))


async def test_back_and_forth_between_two_branches_ends_in_one_credit(tmp_path: Path, regtest: Regtest) -> None:
    """The first branch wins after all, with the very same blocks."""
    async with house(tmp_path, regtest) as h:
        regtest.pay(h.alice, AMOUNT)
        await h.mine(2)
        gone = regtest.back(2)
        for _ in range(3):
            regtest.mine_only()
        await h.follow()
        assert h.has() == 0
        other = regtest.call("getblockhash", regtest.height() - 2)
        regtest.call("reconsiderblock", gone)
        regtest.call("invalidateblock", other)
        await h.mine(2)
        assert h.has() == AMOUNT
        assert h.credits().count(CREDITED) == 1


async def test_a_head_that_goes_backwards_for_a_moment_changes_nothing(tmp_path: Path, regtest: Regtest) -> None:
    """A load balancer asks another node, which is two blocks late."""
    async with house(tmp_path, regtest) as h:
        regtest.pay(h.alice, AMOUNT)
        await h.mine(3)
        gone = regtest.back(2)
        await h.follow()
        assert (h.has(), h.alarms()) == (AMOUNT, [])
        regtest.call("reconsiderblock", gone)
        await h.mine()
        assert (h.has(), h.credits(), h.alarms()) == (AMOUNT, [CREDITED], [])


async def test_a_reorg_deeper_than_the_limit_stops_the_chain_and_undoes_nothing(
    tmp_path: Path, regtest: Regtest
) -> None:
    async with house(tmp_path, regtest, reorg_limit=3) as h:
        regtest.pay(h.alice, AMOUNT)
        await h.mine(5)
        regtest.back(5)
        for _ in range(6):
            regtest.mine_only()
        with pytest.raises(WrongChain, match="more than 3 blocks"):
            await h.follow()
        assert (h.has(), h.credits(), h.alarms()) == (AMOUNT, [CREDITED], ["stopped"])
        with pytest.raises(WrongChain):
            await h.follow()


async def test_a_double_spend_mined_by_a_node_behind_a_partition_is_taken_back(
    tmp_path: Path, regtest: Regtest
) -> None:
    """Both sides mine; the longer side has another transaction with the same coin, and nothing ever pays us again."""
    async with house(tmp_path, regtest) as h:
        with twin(regtest) as second:
            honest = regtest.send(regtest.craft([(script_of(regtest.network, h.alice), AMOUNT)]))
            thief = regtest.craft([], spending=honest)
            await h.mine(2)
            assert h.has() == AMOUNT
            second.send(thief)
            second.mine(4)
            carry(second, regtest)
            await h.follow()
        assert (h.has(), h.credits()) == (0, [ORPHANED])
        assert frozen(h)
        assert (await h.chain.find(honest)).standing is Standing.UNKNOWN
        await h.mine(3)
        assert (h.states(honest), h.has()) == ([ORPHANED], 0)


async def test_two_nodes_that_disagree_halt_the_chain_until_they_agree(tmp_path: Path, regtest: Regtest) -> None:
    """Nothing is credited that the second node does not say too."""
    with twin(regtest) as second, Rpc(second.node.url, login_file=second.node.login_file) as rpc:
        doubter = BitcoinChain(NAME, second.network, rpc)
        async with house(tmp_path, regtest, second=doubter) as h:
            regtest.pay(h.alice, AMOUNT)
            regtest.mine(2)
            second.mine(1)
            with pytest.raises(NodeFault, match="disagree"):
                await h.follow()
            assert h.has() == 0
            carry(regtest, second)
            await h.follow()
            assert h.has() == AMOUNT


async def test_a_node_restarted_empty_undoes_nothing(tmp_path: Path, regtest: Regtest) -> None:
    """It is waited for, however long it takes."""
    async with house(tmp_path, regtest) as h:
        regtest.pay(h.alice, AMOUNT)
        await h.mine(2)
        with running(regtest.node.kind) as empty, Rpc(empty.url, login_file=empty.login_file) as rpc:
            h.watcher.chain = BitcoinChain(NAME, regtest.network, rpc)
            with pytest.raises(NodeFault, match="has it lost its data"):
                await h.follow()
        h.watcher.chain = h.chain
        await h.mine()
        assert (h.has(), h.credits(), h.alarms()) == (AMOUNT, [CREDITED], [])
