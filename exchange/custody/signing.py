"""What is said between the server and its signer: wishes, approvals, and the two answers.

An approval is a signature over one payment on one chain: whoever changes a digit, or shows it again for another
payment, has no approval.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from exchange.custody.port import Payment

_VERSION: Final = "onebox-payment-1"
_encode: Final = msgspec.json.Encoder().encode


def content(payment: Payment, chain: str, identity: str) -> bytes:
    """What is approved, in bytes that a person can read: one JSON array of texts, the same wherever it is made."""
    return _encode([_VERSION, chain, identity, payment.id, payment.contract, payment.address, str(payment.amount)])


def digest(payment: Payment, chain: str, identity: str) -> bytes:
    """SHA-256 of `content`: what an approver's Ed25519 key signs."""
    return hashlib.sha256(content(payment, chain, identity)).digest()


class Approval(msgspec.Struct, frozen=True):
    """An operator's word for one payment: his public key (32 bytes) and its signature over `digest`."""

    payment: str
    approver: bytes
    signature: bytes


class Wish(msgspec.Struct, frozen=True, tag="sign"):
    """Sign this draft. A draft without payments moves coins between our own addresses and needs no approval."""

    id: str
    chain: str
    body: bytes
    payments: tuple[Payment, ...]
    approvals: tuple[Approval, ...] = ()


class Signed(msgspec.Struct, frozen=True, tag="signed"):
    """The whole signed transaction, ready to be handed to a node, and its id on the chain."""

    raw: bytes
    txid: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Nothing was signed; why, in words for an operator. `locked`: it will do once the vault is unlocked."""

    reason: str
    locked: bool = False
