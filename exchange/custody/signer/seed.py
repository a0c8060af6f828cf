"""What is made of the seed: its words, the accounts' public keys, and the key of one address. In the signer only.

The derivation (BIP32) is ours, over libsecp256k1; tests hold it against the published vectors, embit and eth_account.
"""

from __future__ import annotations

import hmac
from typing import Final

from coincurve import PrivateKey
from embit import bip39

from exchange.custody.derivation import HARD, Xpub, hash160

_ROOT: Final = b"Bitcoin seed"


class Node:
    """A private key and its chain code. `__repr__` shows neither."""

    __slots__ = ("_code", "_depth", "_number", "_parent", "key")

    def __init__(self, key: PrivateKey, code: bytes, depth: int = 0, parent: bytes = bytes(4), number: int = 0) -> None:
        """`parent` is the parent's fingerprint, `number` its own below it."""
        self.key = key
        self._code = code
        self._depth = depth
        self._parent = parent
        self._number = number

    def child(self, number: int) -> Node:
        """The key below it; hardened from `HARD` on."""
        point = self.key.public_key.format()
        content = b"\x00" + self.key.secret if number >= HARD else point
        mixed = hmac.digest(self._code, content + number.to_bytes(4, "big"), "sha512")
        return Node(self.key.add(mixed[:32]), mixed[32:], self._depth + 1, hash160(point)[:4], number)

    def below(self, steps: tuple[int, ...]) -> Node:
        """The key at the end of a path."""
        node = self
        for number in steps:
            node = node.child(number)
        return node

    def xpub(self) -> Xpub:
        """Its public half."""
        return Xpub(self.key.public_key.format(), self._code, self._depth, self._parent, self._number)

    def __repr__(self) -> str:
        return "Node(…)"


def words(entropy: bytes) -> list[str]:
    """The 24 words (BIP39) of 32 bytes."""
    return str(bip39.mnemonic_from_bytes(entropy)).split()


def entropy_of(text: str) -> bytes | None:
    """The inverse of `words`, however they are spaced; None for words that are none, or whose checksum is wrong."""
    try:
        return bytes(bip39.mnemonic_to_bytes(" ".join(text.lower().split())))
    except (ValueError, KeyError):
        return None


def seed_of(entropy: bytes) -> bytes:
    """The seed (BIP39, without an extra word): what other wallets make of the same words."""
    return bytes(bip39.mnemonic_to_seed(" ".join(words(entropy))))


def root(seed: bytes) -> Node:
    """The root of the tree (BIP32)."""
    mixed = hmac.digest(_ROOT, seed, "sha512")
    return Node(PrivateKey(mixed[:32]), mixed[32:])
