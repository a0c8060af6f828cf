"""A real Anvil with people, contracts and us on it. Everything is mined only when told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from exchange.core.units import AccountId
from exchange.custody.evm.chain import Evm
from exchange.custody.port import Block, Header, Incoming, Owned, Purpose
from exchange.custody.rpc import Rpc

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

CONTRACTS: dict[str, Any] = json.loads((Path(__file__).parent / "contracts" / "contracts.json").read_text())
CHAIN_ID = 31337
ETHER = 10**18
NOBODY = Owned("", Purpose.HOT, 0)


def key_pair(number: int) -> LocalAccount:
    """Keys of ours that nobody else has."""
    from eth_account import Account  # slow to import, and not needed by who only pays

    made: LocalAccount = Account.from_key(keccak(b"ours %d" % number))
    return made


def encoded(signature: str, *values: Any) -> str:
    """The data of a call."""
    kinds = signature[signature.index("(") + 1 : -1]
    return "0x" + (keccak(text=signature)[:4] + encode(kinds.split(",") if kinds else [], values)).hex()


class World:
    """`people` are Anvil's own funded accounts; `ours` are the addresses that the chain is watched for."""

    def __init__(self, rpc: Rpc, url: str, people: Sequence[str]) -> None:
        """Without `people` nobody can act here."""
        self.url = url
        self.rpc = rpc
        self.opened = [rpc]
        """Closed at the end."""
        self.people = people
        self.listed: set[str] = set()
        self.evm = Evm("ETH", CHAIN_ID, self.rpc, lambda: frozenset(self.listed))
        self.keys = [key_pair(number) for number in range(5)] if people else []
        purposes = [Purpose.HOT, Purpose.DEPOSIT, Purpose.DEPOSIT, Purpose.DEPOSIT, Purpose.GAS]
        self.ours = [
            Owned(key.address, purpose, place, AccountId(place + 100) if purpose is Purpose.DEPOSIT else None)
            for place, (key, purpose) in enumerate(zip(self.keys, purposes, strict=False))
        ]
        self.watched = {owned.address.lower(): owned for owned in self.ours}
        self.hot, self.deposit = (*self.ours, NOBODY, NOBODY)[:2]

    async def send(self, to: str | None, value: int = 0, data: str = "0x", sender: str = "", **more: str) -> str:
        """A transaction of one of the people, waiting to be mined."""
        call = {"from": sender or self.people[0], "value": hex(value), "data": data, "gas": hex(3_000_000), **more}
        if to is not None:
            call["to"] = to
        return str(await self.rpc.call("eth_sendTransaction", call))

    async def call(self, contract: str, signature: str, *values: Any, value: int = 0, sender: str = "") -> str:
        """A call of a contract, waiting to be mined."""
        return await self.send(contract, value, encoded(signature, *values), sender)

    async def deploy(self, name: str, *, listed: bool = False) -> str:
        """A contract of ours, mined; its address in lower case."""
        txid = await self.send(None, 0, "0x" + CONTRACTS[name]["bytecode"])
        await self.mine()
        address = str((await self.rpc.call("eth_getTransactionReceipt", txid))["contractAddress"]).lower()
        if listed:
            self.listed.add(address)
        return address

    async def spend(self, place: int, to: str, wei: int, nonce: int = 0) -> str:
        """A transaction of one of our own addresses, waiting to be mined."""
        fields: dict[str, Any] = {"type": 2, "chainId": CHAIN_ID, "nonce": nonce, "gas": 21_000, "to": to, "value": wei}
        fields |= {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        signed = self.keys[place].sign_transaction(fields)
        await self.evm.hand(bytes(signed.raw_transaction))
        return "0x" + bytes(signed.hash).hex()

    async def mine(self, blocks: int = 1) -> Header:
        """So many blocks with whatever waits; the last one."""
        for _ in range(blocks):
            await self.rpc.call("evm_mine")
        return await self.evm.tip()

    async def rewind(self, blocks: int) -> None:
        """The last blocks never were, and neither were their transactions."""
        await self.rpc.call("anvil_rollback", blocks)

    async def fund(self, owned: Owned, wei: int = ETHER) -> None:
        """Coins for an address of ours, out of nothing."""
        await self.rpc.call("anvil_setBalance", owned.address, hex(wei))

    async def read(self, ours: Sequence[str] = ()) -> Block:
        """The newest block, as we see it."""
        return await self.evm.block(await self.evm.tip(), self.watched, frozenset(ours))

    async def mined(self) -> list[Incoming]:
        """What a block with all that waits pays us."""
        await self.mine()
        return list((await self.read()).incoming)


@asynccontextmanager
async def world(*options: str) -> AsyncIterator[World]:
    """A fresh one."""
    from exchange.demo.nodes import anvil

    async with anvil.running("--order", "fifo", *options, chain_id=CHAIN_ID) as node:
        rpc = Rpc(node.url)
        made = World(rpc, node.url, await rpc.call("eth_accounts"))
        try:
            yield made
        finally:
            for opened in made.opened:
                opened.close()
