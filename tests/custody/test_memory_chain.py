"""The in-memory family does what the port says, and what tests plant."""

from __future__ import annotations

import pytest

from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld, Output, Transaction
from exchange.custody.port import BadAddress, Handed, NodeFault, OutcomeUnknown, Owned, Purpose, Standing

WORLD = "BTC"


def _owned(world: MemoryWorld) -> tuple[str, dict[str, Owned]]:
    address = world.address("ours")
    return address, {address: Owned(address, Purpose.DEPOSIT, 0)}


async def test_a_payment_waits_and_then_is_in_a_block() -> None:
    """Two equal outputs are two payments."""
    world = MemoryWorld(WORLD)
    chain, (address, watched) = MemoryChain(world), _owned(world)
    txid = world.pay(address, 5, 5)
    assert [one.key for one in await chain.pending(watched)] == [f"{txid}:0", f"{txid}:1"]
    block = await chain.block(world.mine(), watched, frozenset({txid}))
    assert [(one.key, one.amount) for one in block.incoming] == [(f"{txid}:0", 5), (f"{txid}:1", 5)]
    assert [mined.txid for mined in block.mined] == [txid]
    assert not await chain.pending(watched)


async def test_after_a_reorg_what_was_mined_waits_again() -> None:
    """And the old block is not to be had any more."""
    world = MemoryWorld(WORLD)
    chain, (address, watched) = MemoryChain(world), _owned(world)
    txid = world.pay(address, 5)
    old = world.mine()
    assert world.reorg(1).height == old.height + 1
    assert (await chain.find(txid)).standing is Standing.PENDING
    with pytest.raises(NodeFault):
        await chain.block(old, watched, frozenset())


async def test_a_replacement_must_pay_more_and_a_used_claim_is_a_conflict() -> None:
    """The nonces of a sender are used in turn."""
    world = MemoryWorld("ETH", accounts=True)
    chain = MemoryChain(world)

    def draft(nonce: int, fee: int) -> bytes:
        return Transaction((f"hot:{nonce}",), (Output("x", "1"),), fee).raw

    assert await chain.hand(draft(0, 10)) is Handed.ACCEPTED
    assert await chain.hand(draft(0, 10)) is Handed.KNOWN
    assert await chain.hand(draft(0, 9)) is Handed.REFUSED
    assert await chain.hand(draft(2, 9)) is Handed.CONFLICT
    assert await chain.hand(draft(0, 11)) is Handed.ACCEPTED
    world.mine()
    assert await chain.hand(draft(0, 12)) is Handed.CONFLICT
    assert await chain.used("hot:0")
    assert not await chain.used("hot:1")


async def test_an_answer_can_be_lost_and_a_call_can_fail() -> None:
    """The transaction was taken all the same."""
    world = MemoryWorld(WORLD)
    chain = MemoryChain(world)
    chain.lose_answer = True
    one = Transaction((), (), 0, 1)
    with pytest.raises(OutcomeUnknown):
        await chain.hand(one.raw)
    assert await chain.hand(one.raw) is Handed.KNOWN
    chain.faults.append(NodeFault("down"))
    with pytest.raises(NodeFault):
        await chain.tip()
    assert (await chain.tip()).height == 0


def test_a_mistyped_address_is_refused_with_the_reason() -> None:
    """Another network's too."""
    chain = MemoryChain(MemoryWorld(WORLD))
    good = chain.world.address("somebody")
    assert chain.address(good.upper()) == good
    with pytest.raises(BadAddress, match="checksum"):
        chain.address(good[:-1] + ("0" if good[-1] != "0" else "1"))
    with pytest.raises(BadAddress, match="begins with btc1"):
        chain.address(MemoryWorld("LTC").address("somebody"))


def test_what_spends_an_output_that_was_replaced_is_never_mined() -> None:
    world = MemoryWorld("BTC")
    coin = f"{world.pay(world.address('a'), 9)}:0"
    world.mine()
    first = Transaction((coin,), (Output(world.address("b"), "8"),), 1)
    child = Transaction((f"{first.txid}:0",), (Output(world.address("c"), "7"),), 1)
    second = Transaction((coin,), (Output(world.address("b"), "6"),), 3)
    for one in (first, child, second):
        assert world.hand(one.raw) is Handed.ACCEPTED
    world.mine(2)
    assert world.mint_of(second.txid) is not None
    assert world.mint_of(child.txid) is None
    assert not world.pool
