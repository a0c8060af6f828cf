"""Judging and signing for EVM chains: one type-2 transaction that does one of the two things `evm_body` has words for.

Anything else that calldata could say (approve, permit, delegate, create) has no words here, and is refused.
"""

from __future__ import annotations

from typing import Final

from coincurve import PrivateKey
from eth_hash.auto import keccak

from exchange.custody.derivation import EVM, address, checksummed, path
from exchange.custody.evm import body as evm_body
from exchange.custody.signer.judged import FURTHEST, No, Output, Place, Reading
from exchange.custody.signer.seed import Node
from exchange.custody.signing import Signed

_TYPE: Final = b"\x02"


def lower_case(text: str) -> str:
    """An address as the chain compares it. Raises `No` for what is none; a wrong checksum makes it none."""
    digits = text[2:].lower()
    hexadecimal = len(digits) == 40 and all(digit in "0123456789abcdef" for digit in digits)
    if not (text.startswith("0x") and hexadecimal and text[2:] in {digits, checksummed(digits)[2:]}):
        raise No(f"{text!r} is no address of an EVM chain")
    return "0x" + digits


def read(body: bytes, root: Node) -> Reading:
    """What this transaction would do. Raises `No`."""
    try:
        fields = evm_body.decode(body)
        output = _output(fields, root)
    except ValueError as error:
        raise No(str(error)) from error
    sender = (fields.purpose, fields.index)
    key = _own(sender, root)
    if key is None or _address(key) != fields.sender:
        raise No(f"{fields.sender} is not the place of ours that it is said to be")
    claims = (evm_body.claim(fields),)
    fee = fields.gas * fields.price
    return Reading(
        str(fields.chain_id), frozenset({fields.purpose}), (output,), claims, fee, lambda: _sign(fields, key)
    )


def _output(fields: evm_body.Body, root: Node) -> Output:
    """Whom it pays what. Raises `ValueError` for a call that is no transfer, `No` for a recipient that is not ours."""
    paid = evm_body.payment(fields, "")
    to = paid.address.lower()
    if fields.aim is not None:
        key = _own(fields.aim, root)
        if key is None or _address(key) != to:
            raise No("the recipient is said to be ours and is not")
    return Output(to, paid.contract, paid.amount, fields.aim)


def _own(where: Place, root: Node) -> PrivateKey | None:
    purpose, index = where
    try:
        steps = path(EVM, purpose, index)
    except KeyError:
        return None
    return root.below(steps).key if 0 <= index <= FURTHEST else None


def _address(key: PrivateKey) -> str:
    return address(EVM, key.public_key.format()).lower()


def _sign(fields: evm_body.Body, key: PrivateKey) -> Signed:
    """The signed transaction (EIP-1559), deterministically (RFC 6979, low s)."""
    recipient = bytes.fromhex(fields.to[2:])
    unsigned: list[Item] = [
        fields.chain_id,
        fields.nonce,
        fields.tip,
        fields.price,
        fields.gas,
        recipient,
        int(fields.value),
        fields.data,
        [],
    ]
    signature = key.sign_recoverable(keccak(_TYPE + rlp(unsigned)), hasher=None)
    r, s, parity = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    raw = _TYPE + rlp([*unsigned, parity, r, s])
    return Signed(raw, "0x" + keccak(raw).hex())


Item = int | bytes | list["Item"]


def rlp(item: Item) -> bytes:
    """Ethereum's encoding of numbers, bytes and lists of them."""
    if isinstance(item, list):
        return _sized(b"".join(map(rlp, item)), 0xC0)
    content = item.to_bytes((item.bit_length() + 7) // 8, "big") if isinstance(item, int) else item
    return content if len(content) == 1 and content[0] < 0x80 else _sized(content, 0x80)


def _sized(content: bytes, base: int) -> bytes:
    if len(content) <= 55:
        return bytes((base + len(content),)) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((base + 55 + len(length),)) + length + content
