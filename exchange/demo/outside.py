"""The world outside the house, in a demo: chains of our own with somebody on them who has coins to send.

Real nodes on loopback (Bitcoin's regtest, Anvil) where they can be had, and a world in memory where not.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import resources
from typing import Any, Final, Protocol

import trio
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from exchange.chain_settings import ChainSettings
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.rpc import Rpc
from exchange.demo.nodes import NoNode, anvil, bitcoind

BTC: Final = "BTC"
ETH: Final = "ETH"
TOKEN: Final = "USDT"  # noqa: S105  # an asset
CHAIN_ID: Final = 31337
_MATURE: Final = 110
_POLL_MILLISECONDS: Final = 500
_STALE_SECONDS: Final = 10**10
"""Blocks come when the visitor wants them, and those in memory have times of their own."""
_WALLET: Final = "demo"
_MEMORY_TOKEN: Final = "0x7e57"  # noqa: S105  # a contract


class Outside(Protocol):
    """Whoever is out there. Amounts are in the chain's smallest unit."""

    @property
    def note(self) -> str:
        """What must be said of it in one line; empty for real nodes."""
        ...

    @property
    def settings(self) -> Mapping[str, ChainSettings]:
        """Of each chain."""
        ...

    @property
    def rpc(self) -> Mapping[str, str]:
        """Where the nodes are, with credentials: a demo's coins are worth nothing."""
        ...

    @property
    def worlds(self) -> Mapping[str, MemoryWorld]:
        """Chains in memory; none with real nodes."""
        ...

    @property
    def token(self) -> str:
        """The contract of the test token."""
        ...

    async def pay(self, asset: str, address: str, amount: int) -> str:
        """Send coins or tokens to an address; it waits to be mined. The transaction's id."""
        ...

    async def address(self, chain: str) -> str:
        """An address out there."""
        ...

    async def mine(self) -> None:
        """A block on each chain."""
        ...


class MemoryOutside:
    """Without nodes."""

    def __init__(self, why: str) -> None:
        """`why` there are none."""
        self.note = f"The chains are in memory, since no real nodes can be had here: {why}"
        self.settings = {
            name: ChainSettings(
                family="memory", poll_milliseconds=_POLL_MILLISECONDS, stale_after_seconds=_STALE_SECONDS
            )
            for name in (BTC, ETH)
        }
        self.rpc: dict[str, str] = {}
        self.worlds = {BTC: MemoryWorld(BTC), ETH: MemoryWorld(ETH, accounts=True)}
        self.token = _MEMORY_TOKEN
        for world in self.worlds.values():
            world.mine(_MATURE)

    async def pay(self, asset: str, address: str, amount: int) -> str:
        """Out of nothing."""
        await trio.lowlevel.checkpoint()
        world = self.worlds[BTC if asset == BTC else ETH]
        return world.pay(address, amount, contract=self.token if asset == TOKEN else "")

    async def address(self, chain: str) -> str:
        """The same each time."""
        await trio.lowlevel.checkpoint()
        return self.worlds[chain].address("somebody outside")

    async def mine(self) -> None:
        """One block each."""
        await trio.lowlevel.checkpoint()
        for world in self.worlds.values():
            world.mine()


class NodesOutside:
    """With a bitcoind on regtest and an Anvil."""

    def __init__(self, bitcoin: bitcoind.Node, ethereum: str, rpc: Rpc) -> None:
        """`rpc` is a client of `ethereum`, the Anvil's URL."""
        self._bitcoin = bitcoin
        self._ethereum = rpc
        self._sender = self._miner = self.token = self.note = ""
        self.worlds: Mapping[str, MemoryWorld] = {}
        self.rpc = {BTC: bitcoin.url_with_login, ETH: ethereum}
        self.settings = {
            BTC: ChainSettings(
                family="bitcoin",
                parameters=bitcoin.kind.parameters,
                rpc_url=bitcoin.url,
                rpc_credentials_file=str(bitcoin.login_file),
                poll_milliseconds=_POLL_MILLISECONDS,
                stale_after_seconds=_STALE_SECONDS,
            ),
            ETH: ChainSettings(
                family="evm",
                chain_id=CHAIN_ID,
                rpc_url=ethereum,
                poll_milliseconds=_POLL_MILLISECONDS,
                stale_after_seconds=_STALE_SECONDS,
            ),
        }

    async def furnish(self) -> None:
        """Coins that can be spent, and a token."""
        await self._call("createwallet", _WALLET)
        self._miner = str(await self._call("getnewaddress", "", "bech32"))
        await self._call("generatetoaddress", _MATURE, self._miner)
        self._sender = str((await self._ethereum.call("eth_accounts"))[0])
        content = resources.files("exchange.demo").joinpath("token.toml").read_text(encoding="utf-8")
        code = "".join(tomllib.loads(content)["bytecode"].split())
        txid = await self._send({"data": f"0x{code}"})
        await self._ethereum.call("evm_mine")
        receipt = await self._ethereum.call("eth_getTransactionReceipt", txid)
        self.token = str(receipt["contractAddress"]).lower()

    async def _call(self, method: str, *params: object) -> Any:  # noqa: ANN401  # JSON
        return await trio.to_thread.run_sync(self._bitcoin.call, method, *params)

    async def _send(self, what: dict[str, str]) -> str:
        call = {"from": self._sender, "gas": hex(3_000_000), **what}
        return str(await self._ethereum.call("eth_sendTransaction", call))

    async def pay(self, asset: str, address: str, amount: int) -> str:
        """From the node's wallet, from Anvil's first account, or minted."""
        if asset == BTC:
            whole, rest = divmod(amount, 10**8)
            return str(await self._call("sendtoaddress", address, f"{whole}.{rest:08}"))
        if asset == ETH:
            return await self._send({"to": address, "value": hex(amount)})
        data = keccak(text="mint(address,uint256)")[:4] + encode(["address", "uint256"], [address, amount])
        return await self._send({"to": self.token, "data": f"0x{data.hex()}"})

    async def address(self, chain: str) -> str:
        """A new one of the node's wallet, or Anvil's second account."""
        if chain == BTC:
            return str(await self._call("getnewaddress", "", "bech32"))
        return str((await self._ethereum.call("eth_accounts"))[1])

    async def mine(self) -> None:
        """One block each."""
        await self._call("generatetoaddress", 1, self._miner)
        await self._ethereum.call("evm_mine")


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Chains that begin anew with each start, gone when the block ends."""
    async with AsyncExitStack() as opened:
        found: Outside
        try:
            found = await _with_nodes(opened)
        except NoNode as error:
            found = MemoryOutside(str(error))
        yield found


async def _with_nodes(opened: AsyncExitStack) -> NodesOutside:
    bitcoin = await opened.enter_async_context(bitcoind.running_beside())
    ethereum = await opened.enter_async_context(anvil.running(chain_id=CHAIN_ID))
    rpc = Rpc(ethereum.url)
    opened.callback(rpc.close)
    found = NodesOutside(bitcoin, ethereum.url, rpc)
    await found.furnish()
    return found
