"""Coins that move inside a transaction, read from a node's traces of its calls (`callTracer`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from exchange.custody.evm_node import Node
from exchange.custody.evm_shapes import BlockShape, address20, hash32, whole
from exchange.custody.port import Header, NodeFault

_TRACER: Final = {"tracer": "callTracer"}
_MOVES: Final = frozenset({"CALL", "SELFDESTRUCT"})
"""Frames that carry coins to an account that may be ours. A delegated call repeats its caller's amount; a created
contract is nobody's deposit address."""
_FRAMES_AT_MOST: Final = 5_000_000


class Moved(msgspec.Struct, frozen=True, gc=False):
    """Coins moved by a call inside a transaction; `path` counts the calls of each frame from 0."""

    txid: str
    path: str
    sender: str
    to: str
    amount: int


async def block(node: Node, header: Header, content: BlockShape) -> list[Moved]:
    """What moved inside this block's transactions, reverted calls left out."""
    answers = await node.rpc.call("debug_traceBlockByHash", header.hash, _TRACER)
    if not isinstance(answers, list) or len(answers) != len(content.transactions):
        raise NodeFault("the node traced another number of transactions than the block has")
    found: list[Moved] = []
    for transaction, answer in zip(content.transactions, answers, strict=True):
        if not isinstance(answer, dict) or not isinstance(answer.get("result"), dict):
            raise NodeFault("the node could not trace a transaction")
        txid = hash32(transaction.hash)
        if hash32(answer.get("txHash", txid)) != txid:
            raise NodeFault("the node traced the transactions in another order")
        found += moved(txid, answer["result"])
    return found


def moved(txid: str, top: dict[str, Any]) -> Iterator[Moved]:
    """What moved below the outermost call, which is the transaction's own and is not told here.

    Whatever lies within a frame that failed was undone. The frames are walked without recursion: whoever writes a
    contract chooses how deep they nest.
    """
    waiting: list[tuple[dict[str, Any], str]] = [(top, "")]
    for _ in range(_FRAMES_AT_MOST):
        if not waiting:
            return
        frame, path = waiting.pop()
        if frame.get("error"):
            continue
        if path and frame.get("type") in _MOVES and (amount := whole(frame.get("value", "0x0"))):
            yield Moved(txid, path, address20(frame.get("from")), address20(frame.get("to")), amount)
        waiting += _inner(frame, path)
    raise NodeFault("the node traced more calls than can be")


def _inner(frame: dict[str, Any], path: str) -> list[tuple[dict[str, Any], str]]:
    calls: Sequence[Any] = frame.get("calls") or ()
    if not isinstance(calls, list | tuple) or not all(isinstance(call, dict) for call in calls):
        raise NodeFault("the node gave calls that are none")
    return [(call, f"{path}.{place}" if path else str(place)) for place, call in enumerate(calls)]
