"""A node may be broken or hostile: whatever it answers, we neither fall nor credit. Each lie raises `NodeFault`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from exchange.custody.evm.traces import FLAT, NESTED
from exchange.custody.port import NodeFault, WrongChain
from tests.chains.evm.lying import Change, lying, refuse
from tests.chains.evm.world import World

NONSENSE: list[Any] = [
    *(None, True, 7, -1, "", "0x", "zz", [], {}, [None], [[]], [{}], {"hash": 5}, {"transactions": {}}),
    *("0x" + "f" * 65, "0x" + "f" * 100_000, 10**400, {"number": "0x" + "f" * 64}),
]
METHODS = [
    *("eth_getBlockByHash", "eth_getLogs", "eth_getTransactionReceipt", "eth_call"),
    *("trace_block", "debug_traceBlockByHash", "eth_blockNumber", "eth_getBlockByNumber"),
]
OTHER = "0x" + "ab" * 32


async def with_deposits(evm: World) -> list[int]:
    """A block with one deposit of each kind: plain, by a call, of a token."""
    token, sender = await evm.deploy("Token", listed=True), await evm.deploy("Sender")
    await evm.send(evm.deposit.address, 5)
    await evm.call(sender, "send(address,uint256)", evm.deposit.address, 9, value=9)
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 60)
    await evm.mine()
    return sorted(one.amount for one in (await evm.read()).incoming)


async def test_nonsense_in_any_answer_credits_no_more_than_the_truth(evm: World) -> None:
    truth = await with_deposits(evm)
    tip = await evm.evm.tip()
    for method in METHODS:
        for nonsense in NONSENSE:
            chain = lying(evm, **{method: constant(nonsense)})
            chain.traces.ways = [NESTED] if method == NESTED else [FLAT]
            try:
                block = await chain.block(tip, evm.watched, frozenset())
            except NodeFault:
                continue
            credited = [one.amount for one in block.incoming if not one.doubt]
            assert not Counter(credited) - Counter(truth), (method, nonsense)


async def test_nonsense_about_the_chain_itself_is_a_fault(evm: World) -> None:
    for nonsense in NONSENSE:
        chain = lying(evm, eth_getBlockByNumber=constant(nonsense), eth_chainId=constant(nonsense))
        with pytest.raises((NodeFault, WrongChain)):
            await chain.check()
        with pytest.raises(NodeFault):
            await chain.tip()
        if nonsense is not None:
            with pytest.raises(NodeFault):
                await chain.header(1)


def constant(value: Any) -> Change:
    return lambda _: value


def in_blocks(change: Callable[[dict[str, Any]], object]) -> dict[str, Change]:
    return {"eth_getBlockByHash": changing(change)}


def in_logs(change: Callable[[list[dict[str, Any]]], object]) -> dict[str, Change]:
    return {"eth_getLogs": changing(change)}


def in_receipts(change: Callable[[dict[str, Any]], object]) -> dict[str, Change]:
    return {"eth_getTransactionReceipt": changing(change)}


def changing(change: Callable[[Any], object]) -> Change:
    """A change made in place."""

    def changed(answer: Any) -> Any:
        change(answer)
        return answer

    return changed


def repeat_logs(receipt: dict[str, Any]) -> None:
    receipt["logs"] *= 2


LIES = {
    "another block's hash": in_blocks(lambda b: b.update(hash=OTHER)),
    "another parent": in_blocks(lambda b: b.update(parentHash=OTHER)),
    "another height": in_blocks(lambda b: b.update(number="0x1")),
    "a transaction twice": in_blocks(lambda b: b["transactions"].append(b["transactions"][0])),
    "a transaction that is not in the block": in_blocks(lambda b: b["transactions"][0].update(hash=OTHER)),
    "a deposit that never was": in_blocks(
        lambda b: b["transactions"].append({**b["transactions"][0], "hash": OTHER, "value": hex(10**24)})
    ),
    "logs of another block": in_logs(lambda logs: logs[0].update(blockHash=OTHER)),
    "logs that were taken back": in_logs(lambda logs: logs[0].update(removed=True)),
    "a log of a transaction of another block": in_logs(lambda logs: logs[0].update(transactionHash=OTHER)),
    "a receipt of another transaction": in_receipts(lambda r: r.update(transactionHash=OTHER)),
    "a receipt of another block": in_receipts(lambda r: r.update(blockHash=OTHER)),
    "a receipt with a status of its own": in_receipts(lambda r: r.update(status="0x2")),
    "a receipt without a status": in_receipts(lambda r: r.pop("status")),
    "a receipt with its logs twice": in_receipts(repeat_logs),
    "a receipt with a log of another transaction": in_receipts(
        lambda r: [log.update(transactionHash=OTHER) for log in r["logs"]]
    ),
    "a receipt with bytes that are none": in_receipts(lambda r: [log.update(data="0xzz") for log in r["logs"]]),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_fault(evm: World, lie: str) -> None:
    await with_deposits(evm)
    chain = lying(evm, **LIES[lie])
    with pytest.raises(NodeFault):
        await chain.block(await evm.evm.tip(), evm.watched, frozenset())


DOUBTFUL = {
    "a larger value": in_blocks(lambda b: [t.update(value=hex(10**24)) for t in b["transactions"]]),
    "a larger amount in the log": in_receipts(
        lambda r: [log.update(data="0x" + f"{10**24:064x}") for log in r["logs"]]
    ),
    "a larger amount inside a call": {
        FLAT: changing(lambda calls: [call["action"].update(value=hex(10**24)) for call in calls])
    },
    "a larger amount inside a nested call": {
        FLAT: refuse(-32601, "no such method"),
        NESTED: changing(
            lambda traces: [call.update(value=hex(10**24)) for t in traces for call in t["result"].get("calls", ())]
        ),
    },
}


@pytest.mark.parametrize("lie", DOUBTFUL)
async def test_what_balances_do_not_bear_out_is_in_doubt(evm: World, lie: str) -> None:
    await with_deposits(evm)
    chain = lying(evm, **DOUBTFUL[lie])
    block = await chain.block(await evm.evm.tip(), evm.watched, frozenset())
    assert all(one.doubt for one in block.incoming if one.amount >= 10**24)
    assert any(one.doubt for one in block.incoming)


MISFITS = {
    "of another block": lambda calls: [call.update(blockHash=OTHER) for call in calls],
    "of another transaction": lambda calls: calls[0].update(transactionHash=OTHER),
    "of one transaction twice": lambda calls: calls.append(calls[0]),
    "without those of a transaction": lambda calls: calls.pop(0),
    "without their places": lambda calls: [call.pop("traceAddress") for call in calls],
    "with places that are none": lambda calls: calls[0].update(traceAddress=[-1, "x"]),
}


@pytest.mark.parametrize("misfit", MISFITS)
async def test_traces_that_do_not_fit_the_block_are_made_up_for_by_balances(evm: World, misfit: str) -> None:
    truth = await with_deposits(evm)
    chain = lying(evm, **{FLAT: changing(MISFITS[misfit])})
    block = await chain.block(await evm.evm.tip(), evm.watched, frozenset())
    assert sorted(one.amount for one in block.incoming) == truth
    assert sum(":balance:" in one.key for one in block.incoming) == 1


async def test_a_log_that_is_told_twice_is_one_deposit(evm: World) -> None:
    """Logs only point at transactions; what counts is the receipt."""
    truth = await with_deposits(evm)
    chain = lying(evm, eth_getLogs=lambda logs: logs * 3)
    block = await chain.block(await evm.evm.tip(), evm.watched, frozenset())
    assert sorted(one.amount for one in block.incoming) == truth


async def test_a_log_that_no_receipt_bears_out_pays_nothing(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[3], 60)
    ours = "0x" + "0" * 24 + evm.deposit.address[2:].lower()
    chain = lying(evm, **in_logs(lambda logs: [log["topics"].__setitem__(2, ours) for log in logs]))
    assert (await chain.block(await evm.mine(), evm.watched, frozenset())).incoming == []


async def test_a_node_that_lost_the_block_is_asked_again(evm: World) -> None:
    tip = await evm.mine()
    with pytest.raises(NodeFault, match="no longer has block"):
        await lying(evm, eth_getBlockByHash=constant(None)).block(tip, evm.watched, frozenset())


async def test_a_node_that_refuses_everything_is_at_fault_and_no_more(evm: World) -> None:
    await with_deposits(evm)
    for method in METHODS[:4]:
        chain = lying(evm, **{method: refuse(-32005, "limit exceeded")})
        with pytest.raises(NodeFault):
            await chain.block(await evm.evm.tip(), evm.watched, frozenset())
