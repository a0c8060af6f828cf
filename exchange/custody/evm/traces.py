"""Coins that move inside a transaction, read from a node's traces of its calls.

Nodes trace in two ways: `trace_block` (Erigon, Nethermind, Reth, Besu, Anvil) lists all calls of a block, the
`callTracer` of `debug_traceBlockByHash` (geth) nests them. Whatever lies within a call that failed was undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import structlog

from exchange.custody.evm.node import Node
from exchange.custody.evm.shapes import BlockShape, address20, hash32, whole
from exchange.custody.port import Header, NodeFault
from exchange.custody.rpc import RpcError

FLAT: Final = "trace_block"
NESTED: Final = "debug_traceBlockByHash"
_NO_SUCH_METHOD: Final = -32601
_CALLS_AT_MOST: Final = 5_000_000

_log = structlog.get_logger("exchange.custody")


class Moved(msgspec.Struct, frozen=True, gc=False):
    """Coins moved by a call inside a transaction; `path` counts the calls of each call from 0. Lower-case addresses."""

    txid: str
    path: str
    sender: str
    to: str
    amount: int


class Traces:
    """Asks in the way that the node knows, and asks no more for what it does not know."""

    def __init__(self, node: Node, chain: str) -> None:
        """`chain` is for the log."""
        self._node = node
        self._chain = chain
        self.ways = [FLAT, NESTED]

    async def block(self, header: Header, content: BlockShape) -> list[Moved] | None:
        """What moved inside this block's transactions; None where the node cannot tell, for now or at all."""
        while self.ways:
            if not content.transactions:
                return []
            try:
                return await self._ask(self.ways[0], header, content)
            except NodeFault as fault:
                _log.warning("no_trace", chain=self._chain, height=header.height, why=str(fault))
                if not (isinstance(fault, RpcError) and fault.code == _NO_SUCH_METHOD):
                    return None  # too deep, too large, too slow: this time balances tell
                del self.ways[0]
        return None

    async def _ask(self, way: str, header: Header, content: BlockShape) -> list[Moved]:
        if way == FLAT:
            return flat(await self._node.listed(FLAT, hex(header.height)), header, content)
        return nested(await self._node.listed(NESTED, header.hash, {"tracer": "callTracer"}), content)


def flat(answer: object, header: Header, content: BlockShape) -> list[Moved]:
    """The calls of a block in their order, each with its path. Raises `NodeFault`."""
    if not isinstance(answer, list):
        raise NodeFault("the node gave traces that are none")
    outermost = {one.hash.lower(): False for one in content.transactions}
    found: list[Moved] = []
    failed: tuple[str, list[int]] | None = None
    for call in answer:
        if not isinstance(call, dict) or call.get("blockHash") != header.hash:
            raise NodeFault("the node gave traces of another block")
        txid, path = call.get("transactionHash"), _path(call.get("traceAddress"))
        if txid is None:  # what the chain itself pays out
            continue
        if not isinstance(txid, str) or txid not in outermost or outermost[txid] is (not path):
            raise NodeFault("the node gave traces that do not belong to the block's transactions")
        outermost[txid] = True
        if failed and failed[0] == txid and path[: len(failed[1])] == failed[1]:
            continue
        if call.get("error"):
            failed = txid, path
        elif path and (one := _moved(txid, path, call.get("type"), call.get("action"))):
            found.append(one)
    if not all(outermost.values()):
        raise NodeFault("the node left out the traces of a transaction")
    return found


def _moved(txid: str, path: Sequence[int], kind: object, action: object) -> Moved | None:
    """A delegated call repeats its caller's amount, and a created contract is nobody's deposit address."""
    if not isinstance(action, dict):
        raise NodeFault("the node gave a trace that says nothing")
    if kind == "call" and action.get("callType") == "call":
        sender, to, amount = action.get("from"), action.get("to"), action.get("value")
    elif kind == "suicide":
        sender, to, amount = action.get("address"), action.get("refundAddress"), action.get("balance")
    else:
        return None
    value = whole(amount)
    return Moved(txid, ".".join(map(str, path)), address20(sender), address20(to), value) if value else None


def _path(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(place) is int and place >= 0 for place in value):
        raise NodeFault("the node gave a trace without its place")
    return value


def nested(answer: object, content: BlockShape) -> list[Moved]:
    """The calls of each transaction of a block within its outermost call. Raises `NodeFault`."""
    if not isinstance(answer, list) or len(answer) != len(content.transactions):
        raise NodeFault("the node traced another number of transactions than the block has")
    found: list[Moved] = []
    for transaction, one in zip(content.transactions, answer, strict=True):
        if not isinstance(one, dict) or not isinstance(one.get("result"), dict):
            raise NodeFault("the node could not trace a transaction")
        txid = hash32(transaction.hash)
        if hash32(one.get("txHash", txid)) != txid:
            raise NodeFault("the node traced the transactions in another order")
        found += _walked(txid, one["result"])
    return found


def _walked(txid: str, top: dict[str, Any]) -> Iterator[Moved]:
    """Without recursion: whoever writes a contract chooses how deep its calls nest."""
    waiting: list[tuple[dict[str, Any], str]] = [(top, "")]
    for _ in range(_CALLS_AT_MOST):
        if not waiting:
            return
        frame, path = waiting.pop()
        if frame.get("error"):
            continue
        moves = path and frame.get("type") in {"CALL", "SELFDESTRUCT"}
        if moves and (amount := whole(frame.get("value", "0x0"))):
            yield Moved(txid, path, address20(frame.get("from")), address20(frame.get("to")), amount)
        waiting += reversed(_inner(frame, path))
    raise NodeFault("the node traced more calls than can be")


def _inner(frame: dict[str, Any], path: str) -> list[tuple[dict[str, Any], str]]:
    calls = frame.get("calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise NodeFault("the node gave calls that are none")
    return [(call, f"{path}.{place}" if path else str(place)) for place, call in enumerate(calls)]
