"""Following an EVM chain: blocks of a thousand payments read from a real Anvil, with its traces and without any.

Processor time of this process alone: what the node takes is its own. 100,000 addresses are watched, one payment in
fifty is to one of them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Final

import trio
from eth_hash.auto import keccak

from bench.figures import Figure
from bench.following import steps
from exchange.core.units import AccountId
from exchange.custody.evm.chain import Evm
from exchange.custody.port import Header, Owned, Purpose
from exchange.custody.rpc import Rpc
from exchange.demo.nodes import anvil

WATCHED: Final = 100_000
BLOCKS: Final = 6
TRANSACTIONS: Final = 1_000
_CHAIN_ID: Final = 31337
_BATCH: Final = 100


def measure(scale: float) -> Iterator[Figure]:
    """The same blocks, read in one way and in the other."""
    yield from trio.run(_measured, max(2_000, int(WATCHED * scale)), max(3, int(BLOCKS * scale)))


async def _measured(count: int, blocks: int) -> list[Figure]:
    dice = random.Random(1)
    keys = ["0x" + dice.randbytes(20).hex() for _ in range(count)]
    watched = {key: Owned(key, Purpose.DEPOSIT, place, AccountId(100 + place)) for place, key in enumerate(keys)}
    figures: list[Figure] = []
    keccak(b"")  # loads what it needs, as making the first address does in a house
    async with anvil.running(chain_id=_CHAIN_ID) as node:
        with Rpc(node.url) as rpc:
            chain = Evm("ETH", _CHAIN_ID, rpc, frozenset)
            headers = [await _block(rpc, chain, keys, dice) for _ in range(blocks)]
            for what, traced in (("without traces", False), ("with traces", True)):
                reader = Evm("ETH", _CHAIN_ID, rpc, frozenset)
                if not traced:
                    reader.traces.ways = []
                figures += await _read(reader, headers, watched, what)
    return figures


async def _read(chain: Evm, headers: Sequence[Header], watched: dict[str, Owned], what: str) -> list[Figure]:
    """The first block apart: nothing is known of the balances before it."""
    costs: list[float] = []
    with steps() as seen:
        for header in headers:
            begun = time.process_time()
            block = await chain.block(header, watched, frozenset())
            costs.append((time.process_time() - begun) * 1_000)
            assert (block.transactions, len(block.incoming)) == (TRANSACTIONS, TRANSACTIONS // 50)
    name = f"block of {TRANSACTIONS:,}, {len(watched):,} watched, {what}"
    mean = sum(costs[1:]) / len(costs[1:])
    return [
        Figure(name, mean, "ms CPU", 100, at_most=True),
        Figure("  the first one after a start", costs[0], "ms CPU"),
        Figure("  the longest that it keeps the loop", seen.longest * 1e3, "ms CPU", 5, at_most=True),
    ]


async def _block(rpc: Rpc, chain: Evm, keys: Sequence[str], dice: random.Random) -> Header:
    """A thousand payments by one of Anvil's own accounts."""
    (sender, *_) = await rpc.call("eth_accounts")
    await rpc.call("evm_setBlockGasLimit", hex(100_000_000))
    for start in range(0, TRANSACTIONS, _BATCH):
        calls = []
        for number in range(start, start + _BATCH):
            to = dice.choice(keys) if number % 50 == 0 else "0x" + dice.randbytes(20).hex()
            calls.append(("eth_sendTransaction", ({"from": sender, "to": to, "value": "0x1", "gas": "0x5208"},)))
        assert all(isinstance(answer, str) for answer in await rpc.batch(calls))
    await rpc.call("evm_mine")
    return await chain.tip()
