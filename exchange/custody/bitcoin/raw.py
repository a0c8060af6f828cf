"""Blocks and transactions of Bitcoin's family, read from their own bytes: nobody else's word is needed for an id.

The bytes come from a node that may lie: whatever does not add up raises `Malformed`, and nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

import msgspec

_HEADER: Final = 80
_WITNESS: Final = 1
_HIDDEN: Final = 8
"""Litecoin's flag of a transaction that belongs to its extension block (MWEB)."""
_SMALLEST: Final = 60
"""Bytes of the shortest transaction."""
_NOWHERE: Final = bytes(32)


class Malformed(ValueError):
    """These bytes are not what they should be."""


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction. `stripped` is without signatures: what its id is the hash of, and what PSBTs show."""

    txid: str
    stripped: bytes
    inputs: Sequence[tuple[bytes, int]]
    outputs: Sequence[tuple[int, bytes]]

    @property
    def coinbase(self) -> bool:
        """It makes new coins."""
        return self.inputs[0][0] == _NOWHERE

    def spends(self) -> Iterator[str]:
        """The outpoints it spends, as `txid:vout`."""
        for previous, place in self.inputs:
            yield f"{previous[::-1].hex()}:{place}"


class BlockHeader(msgspec.Struct, frozen=True):
    """What the 80 bytes say, and what they hash to."""

    hash: str
    parent: str
    root: bytes
    time: int


def double(content: bytes) -> bytes:
    """SHA-256 twice."""
    return sha256(sha256(content).digest()).digest()


def read_header(raw: bytes) -> BlockHeader:
    """A block's header. Raises `Malformed`."""
    if len(raw) < _HEADER:
        raise Malformed("a header is too short")
    raw = raw[:_HEADER]
    return BlockHeader(double(raw)[::-1].hex(), raw[4:36][::-1].hex(), raw[36:68], int.from_bytes(raw[68:72], "little"))


def read_transactions(block: bytes) -> Iterator[Transaction]:
    """The transactions of a block, in order. What follows them (Litecoin's extension) is left. Raises `Malformed`."""
    count, at = _number(block, _HEADER)
    if not 0 < count <= len(block) // _SMALLEST:
        raise Malformed(f"a block of {count} transactions")
    for _ in range(count):
        transaction, at = read_one(block, at)
        yield transaction


def read_transaction(raw: bytes) -> Transaction:
    """A whole transaction and nothing behind it. Raises `Malformed`."""
    transaction, end = read_one(raw, 0)
    if end != len(raw):
        raise Malformed("bytes behind a transaction")
    return transaction


def read_one(raw: bytes, start: int) -> tuple[Transaction, int]:
    """The transaction that begins at `start`, and where it ends. Raises `Malformed`."""
    flags = 0
    at = start + 4
    if raw[at : at + 1] == b"\0":
        flags = raw[at + 1] if at + 1 < len(raw) else 0
        at += 2
        if not flags or flags & ~(_WITNESS | _HIDDEN):
            raise Malformed(f"a transaction with flags {flags:#x}")
    body = at
    inputs, at = _inputs(raw, at)
    outputs, at = _outputs(raw, at)
    end = at
    if flags & _WITNESS:
        for _ in inputs:
            at = _past_witness(raw, at)
    if flags & _HIDDEN:
        if raw[at : at + 1] != b"\0":
            raise Malformed("a transaction of the extension block, where none can be")
        at += 1
    if at + 4 > len(raw):
        raise Malformed("a transaction that ends too early")
    stripped = raw[start : start + 4] + raw[body:end] + raw[at : at + 4]
    return Transaction(double(stripped)[::-1].hex(), stripped, inputs, outputs), at + 4


def merkle_root(txids: Sequence[str]) -> bytes:
    """What a block's header says of its transactions, worked out from them."""
    level = [bytes.fromhex(txid)[::-1] for txid in txids]
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [double(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def _inputs(raw: bytes, at: int) -> tuple[list[tuple[bytes, int]], int]:
    count, at = _number(raw, at)
    if not 0 < count <= (len(raw) - at) // 41 + 1:
        raise Malformed(f"a transaction of {count} inputs")
    found = []
    for _ in range(count):
        found.append((raw[at : at + 32], int.from_bytes(raw[at + 32 : at + 36], "little")))
        length, at = _number(raw, at + 36)
        at += length + 4
    return found, at


def _outputs(raw: bytes, at: int) -> tuple[list[tuple[int, bytes]], int]:
    count, at = _number(raw, at)
    if count > (len(raw) - at) // 9 + 1:
        raise Malformed(f"a transaction of {count} outputs")
    found = []
    for _ in range(count):
        value = int.from_bytes(raw[at : at + 8], "little")
        length, at = _number(raw, at + 8)
        found.append((value, raw[at : at + length]))
        at += length
    return found, at


def _past_witness(raw: bytes, at: int) -> int:
    count, at = _number(raw, at)
    if count > len(raw) - at:
        raise Malformed(f"a witness of {count} items")
    for _ in range(count):
        length, at = _number(raw, at)
        at += length
    return at


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """A count as it is written there (CompactSize), and where it ends."""
    if at >= len(raw):
        raise Malformed("it ends too early")
    first = raw[at]
    if first < 0xFD:
        return first, at + 1
    size = 1 << (first - 0xFC)
    return int.from_bytes(raw[at + 1 : at + 1 + size], "little"), at + 1 + size
