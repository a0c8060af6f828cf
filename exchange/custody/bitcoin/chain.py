"""Reading Bitcoin's family: blocks from a node of Core's kind, checked by their own hashes.

The node must keep all blocks and an index of transactions (`txindex=1`): after a crash we look for what we sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio

from exchange.custody.bitcoin import address as bitcoin_address
from exchange.custody.bitcoin import raw as bitcoin_raw
from exchange.custody.bitcoin.answers import a_count, a_hash, an_object, atoms, some_bytes
from exchange.custody.bitcoin.networks import Network
from exchange.custody.bitcoin.raw import Malformed, Transaction
from exchange.custody.port import (
    Block,
    Found,
    Handed,
    Header,
    Incoming,
    Mined,
    NodeFault,
    Standing,
    Watched,
    WrongChain,
)
from exchange.custody.rpc import Rpc, RpcError

_BETWEEN_REST: Final = 50
"""Transactions read before other tasks have their turn."""
_MEMPOOL: Final = 50_000
"""Waiting transactions that are looked through; of a node that has more, none is: `pending` may leave some out."""
_MEMPOOL_AT_ONCE: Final = 500
_SCAN_SECONDS: Final = 600

_NOT_THERE: Final = -5
_NO_SUCH_HEIGHT: Final = -8
_IN_A_BLOCK: Final = -27
_KNOWN: Final = ("already-in-mempool", "already-known", "already in block chain", "already in utxo set")
_CONFLICT: Final = ("missingorspent", "missing inputs", "missing-inputs", "mempool-conflict")


class BitcoinChain:
    """One chain of the family as one node sees it: a `Chain`."""

    def __init__(self, name: str, network: Network, rpc: Rpc) -> None:
        """`name` is ours, of `exchange.toml`."""
        self.name = name
        self.identity = network.genesis
        self.network = network
        self._rpc = rpc
        self._waiting: dict[str, Sequence[Incoming]] = {}

    async def check(self) -> None:
        """The genesis block is the one that we mean, nothing is cut away, and transactions can be found."""
        genesis = await self._rpc.call("getblockhash", 0)
        if genesis != self.network.genesis:
            raise WrongChain(
                f"{self.name}: the node's genesis block is {str(genesis)[:64]}, not {self.network.genesis}"
            )
        if an_object(await self._rpc.call("getblockchaininfo")).get("pruned") is not False:
            raise NodeFault(f"{self.name}: the node is pruned; it must keep all blocks")
        if "txindex" not in an_object(await self._rpc.call("getindexinfo")):
            raise NodeFault(f"{self.name}: the node has no index of transactions; start it with txindex=1")

    async def tip(self) -> Header:
        """The newest block that the node has."""
        info = an_object(await self._rpc.call("getblockchaininfo"))
        return await self._header(a_hash(info.get("bestblockhash")), a_count(info.get("blocks")))

    async def finalized(self) -> None:
        """This family never promises."""
        return None  # noqa: RET501  # the port says so

    async def header(self, height: int) -> Header | None:
        """The block at a height of the best chain."""
        try:
            named = await self._rpc.call("getblockhash", height)
        except RpcError as error:
            if error.code == _NO_SUCH_HEIGHT:
                return None
            raise
        return await self._header(a_hash(named), height)

    async def _header(self, hash: str, height: int) -> Header:
        """Read from its bytes: a node can name a block, it cannot say what is in it."""
        raw = some_bytes(await self._rpc.call("getblockheader", hash, False))
        try:
            header = bitcoin_raw.read_header(raw)
        except Malformed as error:
            raise NodeFault(f"{self.name}: {error}") from error
        if header.hash != hash:
            raise NodeFault(f"{self.name}: the header of block {height} does not hash to its name")
        return Header(height, hash, header.parent, header.time)

    async def block(self, header: Header, watched: Watched, ours: frozenset[str]) -> Block:
        """This very block. All but signatures is hashed: no payment can be added, left out or changed on the way."""
        raw = some_bytes(await self._rpc.call("getblock", header.hash, 0))
        await trio.lowlevel.checkpoint()
        incoming: list[Incoming] = []
        spent: list[tuple[str, str]] = []
        kept: dict[str, bytes] = {}
        totals: dict[str, int] = {}
        mined: list[Transaction] = []
        txids: list[str] = []
        try:
            told = bitcoin_raw.read_header(raw)
            for transaction in bitcoin_raw.read_transactions(raw):
                txids.append(transaction.txid)
                paid = self._incoming(transaction, watched)
                if paid:
                    incoming += paid
                    kept[transaction.txid] = transaction.stripped
                    totals[transaction.txid] = sum(amount for amount, _ in transaction.outputs)
                if not transaction.coinbase:
                    spent += [(outpoint, transaction.txid) for outpoint in transaction.spends()]
                if transaction.txid in ours:
                    mined.append(transaction)
                if len(txids) % _BETWEEN_REST == 0:
                    await trio.lowlevel.checkpoint()
        except Malformed as error:
            raise NodeFault(f"{self.name}: block {header.height} cannot be read: {error}") from error
        await trio.lowlevel.checkpoint()
        root = bitcoin_raw.merkle_root(txids)
        await trio.lowlevel.checkpoint()
        if told.hash != header.hash or root != told.root or len(set(txids)) != len(txids):
            raise NodeFault(f"{self.name}: what the node gives for block {header.height} is not that block")
        costs = [Mined(one.txid, True, await self._cost(one)) for one in mined]
        return Block(header, incoming, spent, costs, kept, totals, len(txids))

    def _incoming(self, transaction: Transaction, watched: Watched) -> list[Incoming]:
        """Outputs of a transaction that pay scripts of ours."""
        txid, made = transaction.txid, transaction.coinbase
        return [
            Incoming(f"{txid}:{place}", txid, owned, "", amount, made)
            for place, (amount, script) in enumerate(transaction.outputs)
            if (owned := watched.get(script.hex())) is not None
        ]

    async def _cost(self, transaction: Transaction) -> int:
        """What a transaction pays its miner: what it spends, by the whole transactions before it."""
        if transaction.coinbase:
            return 0
        names = [previous[::-1].hex() for previous, _ in transaction.inputs]
        told = await self._rpc.batch([("getrawtransaction", (name, False)) for name in names])
        spent = 0
        for name, raw, (_, place) in zip(names, told, transaction.inputs, strict=True):
            outputs = self._whole(raw, name).outputs
            if place >= len(outputs):
                raise NodeFault(f"{self.name}: {name} has no output {place}")
            spent += outputs[place][0]
        return spent - sum(amount for amount, _ in transaction.outputs)

    def _whole(self, told: object, txid: str) -> Transaction:
        """The transaction that was asked for, and no other."""
        if isinstance(told, RpcError):
            raise told
        try:
            found = bitcoin_raw.read_transaction(some_bytes(told))
        except Malformed as error:
            raise NodeFault(f"{self.name}: {error}") from error
        if found.txid != txid:
            raise NodeFault(f"{self.name}: the node gives another transaction than {txid}")
        return found

    async def pending(self, watched: Watched) -> Sequence[Incoming]:
        """What waits in the node's pool and pays us; each is read once, some hundreds of new ones at a time."""
        info = an_object(await self._rpc.call("getmempoolinfo"))
        if a_count(info.get("size")) > _MEMPOOL:
            return []
        listed = await self._rpc.call("getrawmempool")
        if not isinstance(listed, list):
            raise NodeFault(f"{self.name}: no list of waiting transactions")
        txids = [a_hash(txid) for txid in listed]
        self._waiting = {txid: self._waiting[txid] for txid in txids if txid in self._waiting}
        new = [txid for txid in txids if txid not in self._waiting][:_MEMPOOL_AT_ONCE]
        for txid, raw in zip(
            new, await self._rpc.batch([("getrawtransaction", (txid, False)) for txid in new]), strict=True
        ):
            if not isinstance(raw, RpcError):  # else it has been mined meanwhile, or dropped
                self._waiting[txid] = self._incoming_of(raw, watched)
        return [one for paid in self._waiting.values() for one in paid]

    def _incoming_of(self, raw: object, watched: Watched) -> list[Incoming]:
        try:
            return self._incoming(bitcoin_raw.read_transaction(some_bytes(raw)), watched)
        except Malformed:
            return []  # Litecoin's pool has transactions without anything that can be seen

    def address(self, text: str) -> str:
        """The address as we write it. Raises `BadAddress`."""
        return bitcoin_address.normal(self.network, text)

    def key_of(self, address: str) -> str:
        """Its scriptPubKey in hexadecimal."""
        return bitcoin_address.script_of(self.network, address).hex()

    def spends(self, raw: bytes) -> Sequence[str]:
        """The outpoints that a transaction of our books spends."""
        return list(bitcoin_raw.read_transaction(raw).spends())

    async def balances(self, addresses: Sequence[str], contract: str, header: Header) -> Sequence[int]:
        """What the node's set of unspent outputs has for each; it can say so of its newest block only."""
        del contract  # there are none here
        wanted = [f"addr({address})" for address in addresses]
        scan = await self._rpc.call_within(_SCAN_SECONDS, "scantxoutset", "start", wanted)
        found = an_object(scan)
        if found.get("success") is not True or found.get("bestblock") != header.hash:
            raise NodeFault(f"{self.name}: the node went on from block {header.height} while it was counting")
        sums = dict.fromkeys((self.key_of(address) for address in addresses), 0)
        unspent = found.get("unspents")
        for coin in unspent if isinstance(unspent, list) else ():
            script = an_object(coin).get("scriptPubKey")
            if script not in sums:
                raise NodeFault(f"{self.name}: the node counts a coin that is not ours")
            sums[script] += atoms(coin.get("amount"))
        return [sums[self.key_of(address)] for address in addresses]

    async def find(self, txid: str) -> Found:
        """Where a transaction stands: in a block of the best chain, in the pool, or neither."""
        try:
            told = an_object(await self._rpc.call("getrawtransaction", txid, True))
        except RpcError as error:
            if error.code == _NOT_THERE and "index" not in error.message:  # else its index is not complete yet
                return Found(Standing.UNKNOWN)
            raise
        if told.get("blockhash") is None:
            return Found(Standing.PENDING)
        named = a_hash(told["blockhash"])
        block = an_object(await self._rpc.call("getblockheader", named))
        if type(block.get("confirmations")) is not int or block["confirmations"] < 1:
            return Found(Standing.UNKNOWN)  # its block was orphaned, and it is not in the pool
        header = await self._header(named, a_count(block.get("height")))
        return Found(Standing.MINED, header, await self._cost(self._whole(told.get("hex"), txid)))

    async def hand(self, raw: bytes) -> Handed:
        """Broadcast."""
        try:
            await self._rpc.call("sendrawtransaction", raw.hex())
        except RpcError as error:
            return _handed(error)
        return Handed.ACCEPTED

    async def used(self, claim: str) -> bool:
        """Whether an outpoint is spent in the best chain, or what makes it is in neither block nor pool."""
        txid, _, place = claim.partition(":")
        if await self._rpc.call("gettxout", txid, int(place), False) is not None:
            return False
        return (await self.find(txid)).standing is not Standing.PENDING


def _handed(error: RpcError) -> Handed:
    """What a refusal of a broadcast means. Raises it again if it says nothing of the transaction."""
    words = error.message.lower()
    if error.code == _IN_A_BLOCK or any(word in words for word in _KNOWN):
        return Handed.KNOWN
    if any(word in words for word in _CONFLICT):
        return Handed.CONFLICT
    if error.code in {-22, -25, -26}:
        return Handed.REFUSED
    raise error
