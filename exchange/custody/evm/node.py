"""What we ask an EVM node, each question once and by a block's hash where it can be; answers in checked shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import trio

from exchange.custody.evm.shapes import (
    BlockShape,
    FoundShape,
    HeadShape,
    LogShape,
    ReceiptShape,
    TxShape,
    UnreadBlockShape,
    address20,
    hash32,
    raw_bytes,
    read,
    read_in_pieces,
    shaped,
    whole,
)
from exchange.custody.port import Header, NodeFault
from exchange.custody.rpc import Rpc, RpcError

TRANSFER_EVENT: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256 of Transfer(address,address,uint256)."""
_AT_ONCE: Final = 50
_BLOCK: Final = msgspec.json.Decoder(UnreadBlockShape | None)
_UNREAD: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TRANSACTION: Final = msgspec.json.Decoder(TxShape)
_ANYTHING: Final = msgspec.json.Decoder()
_LOG: Final = msgspec.json.Decoder(LogShape)


class Node:
    """One node's answers. `RpcError`s are let through: what a refusal means depends on who asked."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc: Final = rpc

    async def number(self, method: str, *params: Any) -> int:  # noqa: ANN401  # JSON
        return whole(await self.rpc.call(method, *params))

    async def head(self, tag: str) -> HeadShape | None:
        """The block at a height or tag, without its transactions."""
        answer = await self.rpc.call("eth_getBlockByNumber", tag, False)
        return None if answer is None else shaped(answer, HeadShape)

    async def full(self, header: Header) -> BlockShape:
        """This very block with its transactions. A node that lost it raises `NodeFault`: ask again after a reorg."""
        unread = read(await self.rpc.call_raw("eth_getBlockByHash", header.hash, True), _BLOCK)
        if unread is None:
            raise NodeFault(f"the node no longer has block {header.height}")
        await trio.lowlevel.checkpoint()
        transactions = await read_in_pieces(unread.transactions, _TRANSACTION)
        fields = {name: getattr(unread, name) for name in BlockShape.__struct_fields__}
        block = BlockShape(**(fields | {"transactions": transactions}))
        told = (whole(block.number), hash32(block.hash), hash32(block.parent_hash))
        if told != (header.height, header.hash, header.parent):
            raise NodeFault(f"the node gave another block than {header.height} that was asked for by its hash")
        return block

    async def transfers(self, header: Header) -> list[LogShape]:
        """Every log of the block that is called Transfer, whoever wrote it, whatever it holds."""
        wanted = {"blockHash": header.hash, "topics": [TRANSFER_EVENT]}
        unread = read(await self.rpc.call_raw("eth_getLogs", wanted), _UNREAD)
        await trio.lowlevel.checkpoint()
        logs = await read_in_pieces(unread, _LOG)
        if any(hash32(log.block_hash) != header.hash or log.removed for log in logs):
            raise NodeFault("the node gave logs of another block")
        return logs

    async def listed(self, method: str, *params: Any) -> list[Any]:  # noqa: ANN401  # JSON
        """An answer that is a long list of anything, read in pieces."""
        unread = read(await self.rpc.call_raw(method, *params), _UNREAD)
        await trio.lowlevel.checkpoint()
        return await read_in_pieces(unread, _ANYTHING)

    async def receipts(self, txids: Sequence[str], header: Header) -> Mapping[str, ReceiptShape]:
        """The receipts of transactions of this block, each with all of its logs, in their order."""
        found: dict[str, ReceiptShape] = {}
        for start in range(0, len(txids), _AT_ONCE):
            some = txids[start : start + _AT_ONCE]
            answers = await self.answers([("eth_getTransactionReceipt", (txid,)) for txid in some])
            for txid, answer in zip(some, answers, strict=True):
                found[txid] = _receipt(answer, txid, header.hash)
        return found

    async def receipt(self, txid: str) -> ReceiptShape | None:
        """None while it waits to be mined, and for a moment after."""
        answer = await self.rpc.call("eth_getTransactionReceipt", txid)
        return None if answer is None else _receipt(answer, txid)

    async def transaction(self, txid: str) -> FoundShape | None:
        answer = await self.rpc.call("eth_getTransactionByHash", txid)
        if answer is None:
            return None
        found = shaped(answer, FoundShape)
        if hash32(found.hash) != txid:
            raise NodeFault("the node gave another transaction than the one that was asked for")
        return found

    async def run(self, call: Mapping[str, str], block: str) -> bytes:
        """What a call would return at a block, given by its hash, or at a tag."""
        return raw_bytes(await self.rpc.call("eth_call", call, at(block)))

    async def answers(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results of several calls; the first refusal is raised."""
        answers = await self.rpc.batch(calls)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
        return answers


def at(block: str) -> Any:  # noqa: ANN401  # JSON
    """A block as a parameter (EIP-1898): its hash, or a tag as it is."""
    return {"blockHash": block} if len(block) == 66 else block


def _receipt(answer: Any, txid: str, block: str = "") -> ReceiptShape:  # noqa: ANN401  # JSON
    receipt = shaped(answer, ReceiptShape)
    found = hash32(receipt.block_hash)
    if hash32(receipt.transaction_hash) != txid or (block and found != block):
        raise NodeFault("the node gave a receipt of another transaction or another block")
    last = -1
    for log in receipt.logs:
        index = whole(log.log_index)
        if hash32(log.transaction_hash) != txid or hash32(log.block_hash) != found or log.removed or index <= last:
            raise NodeFault("the node gave a receipt with logs that are not its own, or not in order")
        address20(log.address)
        last = index
    return receipt
