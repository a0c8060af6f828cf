"""Which transactions of an EVM block concern us, and what they pay plainly or by calls inside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from exchange.custody.evm import body as evm_body
from exchange.custody.evm.node import Node
from exchange.custody.evm.shapes import BlockShape, ReceiptShape, TxShape, hash32, raw_bytes, shaped, succeeded, whole
from exchange.custody.evm.traces import Moved
from exchange.custody.port import Incoming, NodeFault, Purpose, Watched
from exchange.custody.rpc import RpcError

_PENDING_AT_MOST: Final = 1_000


class View(msgspec.Struct, frozen=True):
    """The transactions of a block that matter to us. `ours`: ids asked for that are in it; `wanted`: all of them."""

    by_id: Mapping[str, TxShape]
    paying: Sequence[TxShape]
    sent: Sequence[TxShape]
    ours: Sequence[str]
    wanted: Sequence[str]


def view(content: BlockShape, watched: Watched, ours: frozenset[str], logged: Collection[str]) -> View:
    """Raises `NodeFault` for a block that holds a transaction twice, or has not the one whose log it has."""
    by_id: dict[str, TxShape] = {}
    paying: list[TxShape] = []
    sent: list[TxShape] = []
    for one in content.transactions:
        by_id[one.hash.lower()] = one
        if one.to is not None and one.to.lower() in watched:
            paying.append(one)
        if one.sender.lower() in watched:
            sent.append(one)
    if len(by_id) != len(content.transactions):
        raise NodeFault("the node gave a block that holds a transaction twice")
    if not all(txid in by_id for txid in logged):
        raise NodeFault("the node gave a log of a transaction that is not in its block")
    wanted = {hash32(one.hash) for one in (*paying, *sent)} | set(logged) | (ours & by_id.keys())
    in_order = [txid for txid in by_id if txid in wanted]
    return View(by_id, paying, sent, [txid for txid in in_order if txid in ours], in_order)


def sent_from_cold(found: View, watched: Watched) -> list[str]:
    """Transactions of addresses of ours whose keys are elsewhere, as their ids are kept."""
    return [
        one.hash.lower() for one in found.sent if watched[one.sender.lower()].purpose in {Purpose.WARM, Purpose.COLD}
    ]


def paid_plainly(found: View, receipts: Mapping[str, ReceiptShape], watched: Watched) -> list[Incoming]:
    """Transactions whose recipient is ours, that succeeded, and that carry more than nothing."""
    return [
        one
        for transaction in found.paying
        if (one := _plain(transaction, watched)) is not None and succeeded(receipts[one.txid])
    ]


def paid_inside(moved: Sequence[Moved], watched: Watched) -> list[Incoming]:
    """Calls that brought coins to an address of ours."""
    return [
        Incoming(f"{one.txid}:call:{one.path}", one.txid, watched[one.to], "", one.amount, sender=one.sender)
        for one in moved
        if one.to in watched
    ]


def paid_by_the_chain(content: BlockShape, watched: Watched) -> set[str]:
    """Lower-case addresses of ours that the block names for fees or validators' coins."""
    named = {content.miner.lower(), *(one.address.lower() for one in content.withdrawals or ())}
    return {address for address in named if address in watched}


async def pending(node: Node, watched: Watched, listed: Collection[str]) -> Sequence[Incoming]:
    """What the node's own next block, if it has one, would pay us plainly and by `transfer` of a listed token."""
    try:
        answer = await node.rpc.call("eth_getBlockByNumber", "pending", True)
    except RpcError:
        return ()
    if answer is None:
        return ()
    found: list[Incoming] = []
    for transaction in shaped(answer, _Pending).transactions:
        one = _plain(transaction, watched) or _transfer(transaction, watched, listed)
        if one is not None:
            found.append(one)
    return found[:_PENDING_AT_MOST]


class _Pending(msgspec.Struct, frozen=True):
    """A block that is none yet has neither hash nor number."""

    transactions: list[TxShape]


def _plain(transaction: TxShape, watched: Watched) -> Incoming | None:
    owned = watched.get((transaction.to or "").lower())
    amount = whole(transaction.value) if owned else 0
    if owned is None or not amount:
        return None
    txid = hash32(transaction.hash)
    return Incoming(f"{txid}:native", txid, owned, "", amount, sender=transaction.sender.lower())


def _transfer(transaction: TxShape, watched: Watched, listed: Collection[str]) -> Incoming | None:
    contract = (transaction.to or "").lower()
    if contract not in listed:
        return None
    try:
        to, amount = evm_body.transferred(raw_bytes(transaction.input))
    except ValueError:
        return None
    if to not in watched or not amount:
        return None
    txid = hash32(transaction.hash)
    return Incoming(f"{txid}:log:0", txid, watched[to], contract, amount, sender=transaction.sender.lower())
