"""The signer's side of the socket pair, in bytes: frames, and what may be asked beside a signature.

A frame is four bytes of length (big-endian) and MessagePack. Amounts travel as decimal text: wei do not fit 64 bits.
Besides `Wish` there is a question about the signer's standing, an unlocking, and a look at its record; none of them
makes it sign.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from exchange.custody.port import Payment
from exchange.custody.signing import Approval, Refused, Signed, Wish

FRAME_AT_MOST: Final = 32 << 20
"""Bytes of a frame: some hundred whole previous transactions of the largest kind."""
HEAD: Final = 4
PAGE: Final = 100
"""Rows of the record in one answer."""
UNLOCKING: Final = b"onebox-signer-unlocking-1"
"""What a signer's standing key signs before its passing one."""


class Look(msgspec.Struct, frozen=True, tag="look"):
    """How the signer stands: answered by `Looked`."""


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """`box` seals a passphrase to this very process (X25519); `proof` is the folder's standing key upon it.

    `rows` and `head`: how many drafts its record has, and the last one's hash; 0 and "" while locked.
    """

    unlocked: bool
    memory_locked: bool
    box: bytes
    proof: bytes
    rows: int = 0
    head: str = ""
    chains: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()


class Unlock(msgspec.Struct, frozen=True, tag="unlock"):
    """Open the vault with a passphrase that was sealed to `Looked.box`. Answered by `Looked` or `Refused`."""

    sealed: bytes


class Recall(msgspec.Struct, frozen=True, tag="recall"):
    """What was signed, from a row of the record on: for the reconciliation after a restore."""

    after: int


class Row(msgspec.Struct, frozen=True):
    """One signed draft, as the record has it. `fee` is decimal text in the coin's smallest unit."""

    number: int
    time: int
    id: str
    chain: str
    txid: str
    payments: tuple[str, ...]
    claims: tuple[str, ...]
    fee: str
    raw: bytes


class Recalled(msgspec.Struct, frozen=True, tag="recalled"):
    """At most `PAGE` rows, oldest first; none when there are no more."""

    rows: tuple[Row, ...]


class _Payment(msgspec.Struct, frozen=True, array_like=True):
    id: str
    address: str
    amount: str
    contract: str


class _Wish(msgspec.Struct, frozen=True, tag="sign"):
    id: str
    chain: str
    body: bytes
    payments: tuple[_Payment, ...]
    approvals: tuple[Approval, ...]


Ask = Wish | Look | Unlock | Recall
Answer = Signed | Refused | Looked | Recalled

_encode: Final = msgspec.msgpack.Encoder().encode
_asked: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(_Wish | Look | Unlock | Recall)
_answered: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(Signed | Refused | Looked | Recalled)
_DIGITS: Final = 78


class BadFrame(Exception):
    """Bytes that are no frame of this protocol; what they were is not repeated."""


def frame(said: Ask | Answer) -> bytes:
    """A frame, its length in front."""
    content = _encode(_plain(said) if isinstance(said, Wish) else said)
    if len(content) > FRAME_AT_MOST:
        raise BadFrame(f"a frame of {len(content)} bytes; at most {FRAME_AT_MOST}")
    return len(content).to_bytes(HEAD, "big") + content


def size(head: bytes) -> int:
    """The length that a frame's first bytes announce. Raises `BadFrame`."""
    length = int.from_bytes(head, "big")
    if not 0 < length <= FRAME_AT_MOST:
        raise BadFrame(f"a frame of {length} bytes; at most {FRAME_AT_MOST}")
    return length


def asked(content: bytes) -> Ask:
    """What the server asks. Raises `BadFrame`."""
    try:
        ask = _asked.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame("a question that is none of this protocol") from error
    return _full(ask) if isinstance(ask, _Wish) else ask


def answered(content: bytes) -> Answer:
    """What the signer answers. Raises `BadFrame`."""
    try:
        return _answered.decode(content)  # type: ignore[no-any-return]  # the decoder's own union
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame("an answer that is none of this protocol") from error


def _plain(wish: Wish) -> _Wish:
    payments = tuple(_Payment(one.id, one.address, str(one.amount), one.contract) for one in wish.payments)
    return _Wish(wish.id, wish.chain, wish.body, payments, wish.approvals)


def _full(wish: _Wish) -> Wish:
    return Wish(wish.id, wish.chain, wish.body, tuple(map(_payment, wish.payments)), wish.approvals)


def _payment(one: _Payment) -> Payment:
    if not (one.amount.isascii() and one.amount.isdigit() and len(one.amount) <= _DIGITS):
        raise BadFrame("an amount that is not decimal digits")
    return Payment(one.id, one.address, int(one.amount), one.contract)
