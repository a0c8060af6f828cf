"""What an EVM node says, and what it must look like to be believed: every number, hash and address is checked.

Shapes are records with the few fields that we read; whatever else a node adds is ignored. A node's own faults raise
`NodeFault`. What a contract's author may choose freely (topics and data of a log) is taken as it comes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
import trio

from exchange.custody.port import Header, NodeFault

_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")

_PIECES: Final = 200
"""Records read before the other tasks have their turn: a millisecond or so."""
_T = TypeVar("_T")


class HeadShape(msgspec.Struct, frozen=True, rename="camel", gc=False):
    number: str
    hash: str
    parent_hash: str
    timestamp: str
    base_fee_per_gas: str | None = None


class TxShape(msgspec.Struct, frozen=True, rename={"sender": "from"}, gc=False):
    hash: str
    sender: str
    to: str | None
    value: str
    nonce: str
    input: str


class WithdrawalShape(msgspec.Struct, frozen=True, gc=False):
    address: str


class BlockShape(HeadShape, frozen=True, rename="camel", gc=False):
    """`miner` and `withdrawals`: to whom the chain itself pays fees and validators' coins."""

    miner: str = ""
    transactions: list[TxShape] = msgspec.field(default_factory=list[TxShape])
    withdrawals: list[WithdrawalShape] | None = None


class UnreadBlockShape(HeadShape, frozen=True, rename="camel", gc=False):
    """The same, its transactions not read yet."""

    miner: str = ""
    transactions: list[msgspec.Raw] = msgspec.field(default_factory=list[msgspec.Raw])
    withdrawals: list[WithdrawalShape] | None = None


class FoundShape(TxShape, frozen=True, rename={"sender": "from", "block_hash": "blockHash"}, gc=False):
    """A transaction that was asked for by its id."""

    block_hash: str | None = None


class LogShape(msgspec.Struct, frozen=True, rename="camel", gc=False):
    address: str
    topics: list[str]
    data: str
    block_hash: str
    transaction_hash: str
    log_index: str
    removed: bool = False


class ReceiptShape(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`l1_fee`: what chains that settle on another one charge besides."""

    transaction_hash: str
    block_hash: str
    block_number: str
    status: str
    gas_used: str
    effective_gas_price: str
    logs: list[LogShape]
    l1_fee: str | None = None


class FeesShape(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`eth_feeHistory`; the last base fee is that of the next block."""

    base_fee_per_gas: list[str]


def shaped(answer: Any, shape: type[_T]) -> _T:  # noqa: ANN401  # JSON
    """A node's answer as a record."""
    try:
        return msgspec.convert(answer, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise NodeFault(f"the node's answer has not the shape of {shape.__name__}: {error}") from error


async def read_in_pieces(pieces: Sequence[msgspec.Raw], decoder: msgspec.json.Decoder[_T]) -> list[_T]:
    """A long list of records, the other tasks having their turn again and again."""
    found: list[_T] = []
    try:
        for start in range(0, len(pieces), _PIECES):
            found += [decoder.decode(piece) for piece in pieces[start : start + _PIECES]]
            await trio.lowlevel.checkpoint()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NodeFault(f"the node's answer has not the shape that it should have: {error}") from error
    return found


def read(raw: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """A node's answer, not read yet, as a record."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NodeFault(f"the node's answer has not the shape that it should have: {error}") from error


def whole(text: object) -> int:
    """A quantity, below 2^256."""
    if not isinstance(text, str) or not _QUANTITY.fullmatch(text):
        raise NodeFault("the node gave something else for a number")
    return int(text, 16)


def hash32(text: object) -> str:
    """A hash or transaction id, in lower case."""
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise NodeFault("the node gave something else for a hash")
    return text.lower()


def address20(text: object) -> str:
    """An address, in lower case."""
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        raise NodeFault("the node gave something else for an address")
    return text.lower()


def raw_bytes(text: object) -> bytes:
    """Any number of bytes."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise NodeFault("the node gave something else for bytes")
    try:
        return binascii.unhexlify(text[2:])
    except ValueError as error:
        raise NodeFault("the node gave something else for bytes") from error


def header(shape: HeadShape) -> Header:
    """A block's place in the chain."""
    height, time = whole(shape.number), whole(shape.timestamp)
    if height >= 2**63 or time >= 2**63:
        raise NodeFault("the node gave a height or time that cannot be")
    return Header(height, hash32(shape.hash), hash32(shape.parent_hash), time)


def cost(receipt: ReceiptShape) -> int:
    """What a transaction paid the network, in wei."""
    return whole(receipt.gas_used) * whole(receipt.effective_gas_price) + whole(receipt.l1_fee or "0x0")


def succeeded(receipt: ReceiptShape) -> bool:
    """Whether it was not reverted."""
    status = whole(receipt.status)
    if status > 1:
        raise NodeFault("the node gave a receipt with a status that does not exist")
    return status == 1
