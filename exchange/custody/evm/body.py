"""An EVM transaction before it is signed: what a draft's body holds, and what it would do, read back from its bytes.

Used on both sides of the wall: `evm_spending` writes bodies, the signer decodes and judges them.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from eth_utils.address import to_checksum_address

from exchange.custody.port import Payment, Purpose

TRANSFER: Final = bytes.fromhex("a9059cbb")
"""What `transfer(address,uint256)` of a token is called by."""
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,77}")
_WORD: Final = 2**256
_GAS_AT_MOST: Final = 30_000_000
_PRICE_AT_MOST: Final = 2**63


class Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A type-2 transaction (EIP-1559), and which of our addresses sends it. Addresses in lower case; `value` in wei."""

    chain_id: int
    nonce: int
    tip: int
    """Wei per gas to whoever makes the block, at most."""
    price: int
    """Wei per gas in all, at most."""
    gas: int
    to: str
    value: str
    """Decimal digits: more than 64 bits hold."""
    data: bytes
    sender: str
    purpose: Purpose
    index: int
    """The sender's place in the wallet of its purpose."""
    aim: tuple[Purpose, int] | None = None
    """The recipient's place where it is an address of ours (sweeps, gas), so that the signer can derive it itself."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Body).decode


def encode(body: Body) -> bytes:
    """The one encoding of a body: equal bodies, equal bytes."""
    return _encode(body)


def decode(raw: bytes) -> Body:
    """A body, every field of it within bounds. Raises `ValueError` with what is wrong."""
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not the body of an EVM transaction: {error}") from error
    if encode(body) != raw:
        raise ValueError("not the one encoding of this body")
    _check(body)
    return body


def payment(body: Body, id: str) -> Payment:
    """What this transaction pays, and to whom, in the words of an approval. Raises `ValueError` for anything else.

    Two shapes exist: the chain's own coin with no data, or exactly `transfer(address,uint256)` with no coin.
    """
    if not body.data:
        return Payment(id, to_checksum_address(body.to), int(body.value))
    if body.value != "0":
        raise ValueError("a call that carries coins as well")
    to, amount = transferred(body.data)
    return Payment(id, to_checksum_address(to), amount, body.to)


def transfer(to: str, amount: int) -> bytes:
    """The data that has a token send an amount to a lower-case address."""
    return TRANSFER + bytes(12) + bytes.fromhex(to[2:]) + amount.to_bytes(32, "big")


def transferred(data: bytes) -> tuple[str, int]:
    """Lower-case address and amount of exactly one `transfer`. Raises `ValueError` for any other data."""
    if len(data) != 68 or data[:4] != TRANSFER or any(data[4:16]):
        raise ValueError("a call of something else than transfer(address,uint256)")
    return "0x" + data[16:36].hex(), int.from_bytes(data[36:], "big")


def unsigned(body: Body) -> dict[str, Any]:
    """The transaction as eth_account wants it for signing."""
    return {
        "type": 2,
        "chainId": body.chain_id,
        "nonce": body.nonce,
        "maxPriorityFeePerGas": body.tip,
        "maxFeePerGas": body.price,
        "gas": body.gas,
        "to": bytes.fromhex(body.to[2:]),
        "value": int(body.value),
        "data": body.data,
        "accessList": [],
    }


def claim(body: Body) -> str:
    """What it uses up: two transactions with one sender and one nonce exclude each other."""
    return f"{body.sender}:{body.nonce}"


def _check(body: Body) -> None:
    if not (_ADDRESS.fullmatch(body.to) and _ADDRESS.fullmatch(body.sender)):
        raise ValueError("an address that is none")
    if not _NUMBER.fullmatch(body.value) or int(body.value) >= _WORD:
        raise ValueError("a value out of range")
    if not (0 < body.chain_id < 2**63 and 0 <= body.nonce < 2**63 and 0 <= body.index < 2**31):
        raise ValueError("chain id, nonce or index out of range")
    if not 0 <= body.tip <= body.price <= _PRICE_AT_MOST:
        raise ValueError("a price of gas out of range")
    if not 21_000 <= body.gas <= _GAS_AT_MOST:
        raise ValueError("an amount of gas out of range")
