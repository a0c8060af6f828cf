"""Coins found by balances alone, of many addresses: a digest of each group tells whether more happened than is told."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from eth_hash.auto import keccak

from exchange.core.units import AccountId
from exchange.custody.evm.balances import DIGEST_AT_ONCE, digest_program
from exchange.custody.evm.chain import Evm
from exchange.custody.evm.shapes import raw_bytes
from exchange.custody.port import Incoming, NodeFault, Owned, Purpose
from exchange.custody.rpc import Rpc
from tests.chains.evm.lying import lying
from tests.chains.evm.world import CHAIN_ID, ETHER, World

GROUPS = 3


class Counting(Rpc):
    """How many balances were asked for one by one, and how many groups by their digest."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: Counter[str] = Counter()

    async def call(self, method: str, *params: Any) -> Any:
        self.asked[method] += 1
        return await super().call(method, *params)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        self.asked.update(f"batch {method}" for method, _ in calls)
        return await super().batch(calls)


def many(count: int) -> dict[str, Owned]:
    """Addresses that never had anything."""
    dice = random.Random(7)
    made = ["0x" + dice.randbytes(20).hex() for _ in range(count)]
    return {one: Owned(one, Purpose.DEPOSIT, n, AccountId(100 + n)) for n, one in enumerate(made)}


class Untraced:
    """A node that cannot trace, and addresses of ours for some groups."""

    def __init__(self, evm: World) -> None:
        self.world = evm
        self.watched = many(DIGEST_AT_ONCE * (GROUPS - 1) + 5)
        self.keys = list(self.watched)
        self.rpc = Counting(evm.url)
        evm.opened.append(self.rpc)
        self.chain = Evm("ETH", CHAIN_ID, self.rpc, frozenset)
        self.chain.traces.ways = []

    async def mined(self) -> list[Incoming]:
        """What the next block pays us; the counts are those of this block alone."""
        header = await self.world.mine()
        self.rpc.asked.clear()
        return list((await self.chain.block(header, self.watched, frozenset())).incoming)


@pytest.fixture
async def untraced(evm: World) -> Untraced:
    made = Untraced(evm)
    assert await made.mined() == []
    return made


async def test_a_digest_is_that_of_all_balances(evm: World) -> None:
    ours = [one.address.lower() for one in evm.ours]
    for wei, one in enumerate(evm.ours):
        await evm.fund(one, wei * ETHER + 1)
    tip = await evm.mine()
    answer = raw_bytes(await evm.rpc.call("eth_call", {"data": digest_program(ours)}, "latest"))
    words = b"".join(amount.to_bytes(32, "big") for amount in await evm.evm.balances(ours, "", tip))
    assert answer == bytes(32) + keccak(words)


async def test_a_block_that_pays_nobody_costs_a_word_for_each_group(untraced: Untraced) -> None:
    assert await untraced.mined() == []
    assert untraced.rpc.asked["batch eth_call"] == GROUPS
    assert untraced.rpc.asked["eth_call"] == 0


async def test_what_transactions_explain_is_not_looked_at_again(untraced: Untraced) -> None:
    """In this block and in the next one, whose digest is of what this one left."""
    for place in (0, DIGEST_AT_ONCE, len(untraced.keys) - 1):
        await untraced.world.send(untraced.keys[place], ETHER + place)
    found = await untraced.mined()
    assert sorted(one.amount - ETHER for one in found) == [0, DIGEST_AT_ONCE, len(untraced.keys) - 1]
    assert not any(one.doubt for one in found)
    assert untraced.rpc.asked["eth_call"] == 0
    assert await untraced.mined() == []
    assert untraced.rpc.asked["eth_call"] == 0


async def test_coins_that_no_transaction_names_are_found_in_their_group(untraced: Untraced) -> None:
    """Sent by a contract, beside a plain payment to the same group: only that group is read."""
    sender = await untraced.world.deploy("Sender")
    await untraced.mined()
    hidden, plain = untraced.keys[DIGEST_AT_ONCE + 3], untraced.keys[DIGEST_AT_ONCE + 4]
    await untraced.world.call(sender, "sendMany(address[],uint256)", [hidden], 7, value=7)
    await untraced.world.send(plain, 5)
    found = {one.to.address: (one.amount, ":balance:" in one.key) for one in await untraced.mined()}
    assert found == {hidden: (7, True), plain: (5, False)}
    assert untraced.rpc.asked["eth_call"] == DIGEST_AT_ONCE // 700
    assert await untraced.mined() == []


async def test_addresses_that_are_made_meanwhile_are_watched_from_then_on(untraced: Untraced) -> None:
    extra = many(DIGEST_AT_ONCE * GROUPS)
    untraced.watched = {**untraced.watched, **extra}
    late = list(extra)[-1]
    await untraced.world.send(late, 9)
    assert [(one.to.address, one.amount) for one in await untraced.mined()] == [(late, 9)]


async def test_a_node_whose_digest_is_not_that_of_its_balances_is_at_fault(evm: World) -> None:
    def another(answer: str) -> str:
        """Another digest; balances stay what they are."""
        return answer if len(answer) != 2 + 2 * 64 else answer[:-4] + "beef"

    chain = lying(evm, eth_call=another)
    chain.traces.ways = []
    with pytest.raises(NodeFault, match="digest"):
        await chain.block(await evm.mine(), evm.watched, frozenset())


def test_a_program_fits_what_a_node_runs() -> None:
    """EIP-3860: code that creates a contract has 49,152 bytes at most."""
    assert len(raw_bytes(digest_program(["0x" + "11" * 20] * DIGEST_AT_ONCE))) <= 49_152
