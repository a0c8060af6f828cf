"""Handing a signed transaction to an EVM node, and what its words of refusal mean.

Nodes of every make say the same few things in words of their own; the codes are the same for all.
"""

from __future__ import annotations

from typing import Final

from eth_utils.crypto import keccak

from exchange.custody.evm.node import Node
from exchange.custody.evm.shapes import hash32
from exchange.custody.port import Handed, OutcomeUnknown
from exchange.custody.rpc import RpcError

_KNOWN: Final = ("already known", "already imported", "known transaction", "alreadyknown", "already in mempool")
_CONFLICT: Final = ("nonce too low", "nonce is too low", "oldnonce", "old nonce", "nonce already used")
_UNSURE: Final = ("timeout", "timed out", "internal", "try again", "rate limit", "too many requests")
_INTERNAL_ERROR: Final = -32603


async def hand(node: Node, raw: bytes) -> Handed:
    """Broadcast. Raises `OutcomeUnknown` where the node may have taken it, or names another id for it than it has."""
    try:
        told = await node.rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
    except RpcError as refusal:
        return meaning(refusal)
    if hash32(told) != txid(raw):
        raise OutcomeUnknown("the node gave another id to our transaction than it has")
    return Handed.ACCEPTED


def txid(raw: bytes) -> str:
    """A signed transaction's id on the chain."""
    return "0x" + keccak(raw).hex()


def meaning(refusal: RpcError) -> Handed:
    """What a refusal says. `REFUSED`: the node took nothing, as this is or as things are; it may later."""
    words = refusal.message.lower()
    if any(some in words for some in _KNOWN):
        return Handed.KNOWN
    if any(some in words for some in _CONFLICT):
        return Handed.CONFLICT
    if refusal.code == _INTERNAL_ERROR or any(some in words for some in _UNSURE):
        raise OutcomeUnknown(f"the node may have taken our transaction: {refusal}")
    return Handed.REFUSED
