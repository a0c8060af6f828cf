"""Two nodes of one chain: what they must agree on, and in what they may differ. And a node that is ill for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.custody.port import NodeFault
from tests.chains.evm.house import ALICE, ATOMS, house
from tests.chains.evm.lying import lying, refuse
from tests.chains.evm.test_lies import in_blocks
from tests.chains.evm.world import ETHER, World


async def test_a_second_node_that_says_the_same_changes_nothing(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm, second=lying(evm)) as h:
        await evm.send(h.alice, ETHER)
        await h.mine(2)
        assert h.has() == ATOMS


async def test_a_second_node_that_does_not_trace_agrees_on_internal_transfers(tmp_path: Path, evm: World) -> None:
    second = lying(evm)
    second.traces.ways = []
    sender = await evm.deploy("Sender")
    async with house(tmp_path, evm, second=second) as h:
        await evm.call(sender, "send(address,uint256)", h.alice, ETHER, value=ETHER)
        await h.mine(2)
        assert h.has() == ATOMS


async def test_two_nodes_that_disagree_on_a_payment_credit_nobody(tmp_path: Path, evm: World) -> None:
    second = lying(evm, **in_blocks(lambda b: [one.update(value="0x1") for one in b["transactions"]]))
    async with house(tmp_path, evm, second=second) as h:
        await evm.send(h.alice, ETHER)
        with pytest.raises(NodeFault, match="disagree"):
            await h.mine(2)
        assert (h.has(), h.rows()) == (0, [])


async def test_a_second_node_that_lags_is_waited_for(tmp_path: Path, evm: World) -> None:
    behind = 1
    second = lying(evm)
    header = second.header

    async def lagging(height: int) -> object:
        return await header(height) if height <= (await evm.evm.tip()).height - behind else None

    second.header = lagging  # type: ignore[method-assign,assignment]
    async with house(tmp_path, evm, second=second) as h:
        await evm.send(h.alice, ETHER)
        with pytest.raises(NodeFault, match="has no block"):
            await h.mine(2)
        assert h.has() == 0
        behind = 0
        await h.follow()
        assert h.has(ALICE) == ATOMS


@pytest.mark.parametrize("method", ["eth_getBlockByHash", "eth_getLogs", "eth_getTransactionReceipt", "eth_call"])
async def test_a_node_that_refuses_for_a_while_delays_a_deposit_and_no_more(
    tmp_path: Path, evm: World, method: str
) -> None:
    async with house(tmp_path, evm) as h:
        await evm.send(h.alice, ETHER)
        well, h.watcher.chain = h.chain, lying(evm, **{method: refuse(-32005, "limit exceeded, try again")})
        with pytest.raises(NodeFault):
            await h.mine(2)
        assert (h.has(), h.rows()) == (0, [])
        h.watcher.chain = well
        await h.follow()
        assert h.has() == ATOMS
