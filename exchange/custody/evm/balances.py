"""Balances of many addresses in one call, and what an address's balance grew by in one block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from exchange.custody.evm import program as evm_program
from exchange.custody.evm.node import Node, at
from exchange.custody.evm.shapes import raw_bytes
from exchange.custody.port import Header, NodeFault
from exchange.custody.rpc import RpcError

COINS_AT_ONCE: Final = 700
"""Bounded by what a contract's code may be: 24,576 bytes, 32 a balance."""
DIGEST_AT_ONCE: Final = 2 * COINS_AT_ONCE
"""Bounded by what code that creates a contract may be: 49,152 bytes, 20 an address; whole groups of the others."""
_CALLS_AT_ONCE: Final = 8
_TOKENS_AT_ONCE: Final = 300
"""Bounded by gas: some 30,000 each."""
_KEPT_BLOCKS: Final = 120
"""An ordinary node can tell the balances of about so many blocks below its tip."""


class Balances:
    """Reads balances at named blocks."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def coins(self, addresses: Sequence[str], block: str) -> list[int]:
        """Wei of each lower-case address at a block, given by its hash. Raises `RpcError` where it cannot be asked."""
        return [
            number
            for start in range(0, len(addresses), COINS_AT_ONCE)
            for number in _numbers(await self.words(addresses[start : start + COINS_AT_ONCE], block))
        ]

    async def tokens(self, contract: str, addresses: Sequence[str], block: str) -> list[int]:
        """The same of a token. Raises `RpcError` as well where the contract fails for one of them."""
        return [
            number
            for start in range(0, len(addresses), _TOKENS_AT_ONCE)
            for number in _numbers(await self.words(addresses[start : start + _TOKENS_AT_ONCE], block, contract))
        ]

    async def words(self, addresses: Sequence[str], block: str, contract: str = "") -> bytes:
        """Balances of not too many addresses as the node gave them, 32 bytes each."""
        data = await self._node.run({"data": "0x" + evm_program.balances(addresses, contract).hex()}, block)
        if len(data) != 32 * (len(addresses) + 1) or any(data[:32]):
            raise NodeFault("the node gave something else for balances")
        return data[32:]

    async def digests(self, programs: Sequence[str], block: str) -> list[bytes]:
        """What each `digest_program` returns: keccak-256 of what `words` would give of all of its addresses."""
        found: list[bytes] = []
        for start in range(0, len(programs), _CALLS_AT_ONCE):
            some = programs[start : start + _CALLS_AT_ONCE]
            for answer in await self._node.answers([("eth_call", ({"data": data}, at(block))) for data in some]):
                word = raw_bytes(answer)
                if len(word) != 64 or any(word[:32]):
                    raise NodeFault("the node gave something else for a digest of balances")
                found.append(word[32:])
        return found

    async def token_growth(self, contract: str, address: str, header: Header) -> int | None:
        """What a token's balance grew by in this block; None where that can no longer be known.

        Raises `NodeFault` where the node should know and does not say: asked again, it may.
        """
        call = {"to": contract, "data": f"0x{evm_program.BALANCE_OF.hex()}{address[2:]:0>64}"}
        answers = await self._node.rpc.batch(
            [("eth_call", (call, at(block))) for block in (header.hash, header.parent)]
        )
        for answer in answers:
            if isinstance(answer, RpcError):
                if answer.code == 3 or "revert" in answer.message.lower() or await self.forgotten(header):
                    return None
                raise answer
        after, before = (raw_bytes(answer) for answer in answers)
        # Before it was created a contract has no code, and returns nothing.
        if len(after) != 32 or len(before) not in {0, 32}:
            return None
        return int.from_bytes(after, "big") - int.from_bytes(before, "big")

    async def forgotten(self, header: Header) -> bool:
        """Whether a block is so old that an ordinary node cannot tell its balances any more."""
        return await self._node.number("eth_blockNumber") - header.height > _KEPT_BLOCKS


def digest_program(addresses: Sequence[str]) -> str:
    """What asks for one digest of the balances of at most `DIGEST_AT_ONCE` addresses, as it goes over the wire."""
    return "0x" + evm_program.digest(addresses).hex()


def _numbers(words: bytes) -> Iterator[int]:
    return (int.from_bytes(words[at : at + 32], "big") for at in range(0, len(words), 32))
