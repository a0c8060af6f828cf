"""Chains of the EVM family as one node sees them: the chain's own coin, and tokens of contracts that are listed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog
import trio

from exchange.custody.evm import address as evm_address
from exchange.custody.evm import handing as evm_handing
from exchange.custody.evm import reading as evm_reading
from exchange.custody.evm import tokens as evm_tokens
from exchange.custody.evm.balances import Balances
from exchange.custody.evm.growth import Growth, explained, settled
from exchange.custody.evm.node import Node
from exchange.custody.evm.shapes import BlockShape, ReceiptShape, cost, hash32, header, whole
from exchange.custody.evm.traces import Traces
from exchange.custody.port import (
    BadAddress,
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

_log = structlog.get_logger("exchange.custody")


class Evm:
    """A chain by its id. Satisfies `port.Chain`."""

    def __init__(
        self, name: str, chain_id: int, rpc: Rpc, listed: Callable[[], Collection[str]], genesis: str = ""
    ) -> None:
        """`listed` tells the contracts whose tokens are taken, in lower case. `genesis`: a hash, if it is known."""
        self.name = name
        self.identity = str(chain_id)
        self._genesis = genesis.lower()
        self._listed = listed
        self._promised: int | None = None
        self._node = Node(rpc)
        self._balances = Balances(self._node)
        self._growth = Growth(self._balances)
        self.traces = Traces(self._node, name)

    async def check(self) -> None:
        """The node names our chain id, and our genesis block. Raises `WrongChain`."""
        told = await self._node.number("eth_chainId")
        if str(told) != self.identity:
            raise WrongChain(f"{self.name}: the node follows chain {told}, not {self.identity}")
        if self._genesis and (first := await self.header(0)) is not None and first.hash != self._genesis:
            raise WrongChain(f"{self.name}: the node has another genesis block")

    async def tip(self) -> Header:
        """The newest block that the node has."""
        head = await self._node.head("latest")
        if head is None:
            raise NodeFault("the node has no block at all")
        return header(head)

    async def finalized(self) -> int | None:
        """The newest block that the chain's validators have bound themselves to; None where there is no such thing.

        What has promised once has not lost the habit: a node that was just started knows of no promise for a while.
        """
        try:
            head = await self._node.head("finalized")
        except RpcError:
            return self._promised
        if head is not None:
            self._promised = max(self._promised or 0, header(head).height)
        return self._promised

    async def header(self, height: int) -> Header | None:
        """The block at a height of the node's best chain; None above its tip."""
        head = await self._node.head(hex(height))
        if head is None:
            return None
        found = header(head)
        if found.height != height:
            raise NodeFault("the node gave a block of another height")
        return found

    async def block(self, header: Header, watched: Watched, ours: frozenset[str]) -> Block:
        """This very block: what it pays us, the nonces of ours that it uses, and how our own transactions ended."""
        content = await self._node.full(header)
        logs = await self._node.transfers(header)
        view = evm_reading.view(content, watched, ours, evm_tokens.concerned(logs, watched))
        await trio.lowlevel.checkpoint()
        receipts = await self._node.receipts(view.wanted, header)
        coins = await self._coins(content, view, receipts, watched, header)
        tokens = evm_tokens.incoming(receipts, watched, self._listed())
        tokens = await evm_tokens.doubted(tokens, receipts, watched, self._listed(), self._balances, header)
        told = dict.fromkeys((*view.ours, *evm_reading.sent_from_cold(view, watched)))
        mined = [Mined(txid, evm_tokens.paid(view.by_id[txid], receipts[txid]), cost(receipts[txid])) for txid in told]
        spent = [(f"{one.sender.lower()}:{whole(one.nonce)}", one.hash.lower()) for one in view.sent]
        return Block(header, [*coins, *tokens], spent, mined, transactions=len(content.transactions))

    async def _coins(
        self,
        content: BlockShape,
        view: evm_reading.View,
        receipts: Mapping[str, ReceiptShape],
        watched: Watched,
        header: Header,
    ) -> list[Incoming]:
        """Payments of the chain's own coin: by transactions, by calls inside them, or found by balances alone."""
        found = evm_reading.paid_plainly(view, receipts, watched)
        moved = await self.traces.block(header, content)
        if moved is not None:
            found += evm_reading.paid_inside(moved, watched)
        await trio.lowlevel.checkpoint()
        told = explained(found, view.sent, receipts)
        named = sorted({one.to.address.lower() for one in found} | evm_reading.paid_by_the_chain(content, watched))
        try:
            if moved is None:
                grown = await self._growth.all(watched, told, header)
            else:
                grown = await self._growth.few(named, header) if named else {}
            return settled(found, told, grown, watched, header)
        except RpcError:
            if not await self._balances.forgotten(header):
                raise
        # Plain payments stand without it: a receipt says so. Coins moved by calls, if any, show at reconciliation.
        _log.warning("balances_forgotten", chain=self.name, height=header.height, traced=moved is not None)
        return found

    async def pending(self, watched: Watched) -> Sequence[Incoming]:
        """Payments that the node would put into its next block, as far as they can be seen from outside."""
        return await evm_reading.pending(self._node, watched, self._listed())

    def address(self, text: str) -> str:
        """The address with its checksum. Raises `BadAddress`, for a token's own contract too."""
        written = evm_address.read(text)
        if written.lower() in self._listed():
            raise BadAddress("this is the contract of a token, nobody's address: what is sent there is lost")
        return written

    def key_of(self, address: str) -> str:
        """The address in lower case."""
        return address.lower()

    def spends(self, raw: bytes) -> Sequence[str]:
        """None: here accounts pay, and the books keep no transactions of others."""
        del raw
        return ()

    async def balances(self, addresses: Sequence[str], contract: str, header: Header) -> Sequence[int]:
        """What each address had at that block, some hundreds in a call."""
        keys = [address.lower() for address in addresses]
        if contract:
            return await self._balances.tokens(contract.lower(), keys, header.hash)
        return await self._balances.coins(keys, header.hash)

    async def find(self, txid: str) -> Found:
        """Where a transaction stands. One that moved no token though it was sent to move some counts as reverted."""
        transaction = await self._node.transaction(txid)
        receipt = await self._node.receipt(txid)
        if transaction is None:
            return Found(Standing.UNKNOWN)
        if receipt is None or transaction.block_hash is None:
            return Found(Standing.PENDING)
        place = await self.header(whole(receipt.block_number))
        if place is None or place.hash != hash32(receipt.block_hash):
            return Found(Standing.UNKNOWN)
        return Found(evm_tokens.standing(transaction, receipt), place, cost(receipt))

    async def hand(self, raw: bytes) -> Handed:
        """Broadcast. Raises `OutcomeUnknown` where the node may have taken it."""
        return await evm_handing.hand(self._node, raw)

    async def used(self, claim: str) -> bool:
        """Whether a nonce (`sender:nonce`) is used up in the best chain."""
        sender, _, nonce = claim.partition(":")
        return await self._node.number("eth_getTransactionCount", sender, "latest") > int(nonce)
