"""What proves that a request was made by a key's owner: an HMAC-SHA256 secret, or an Ed25519 public key."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point

_SPKI_ED25519: Final = bytes.fromhex("302a300506032b6570032100")
_BEGIN: Final = "-----BEGIN PUBLIC KEY-----"
_END: Final = "-----END PUBLIC KEY-----"


class KeyRefused(Exception):
    """The key was not made, changed or revoked, and nothing was changed. The message says why."""


class Mac:
    """HMAC-SHA256 with one secret, whose two blocks are hashed once and not for every message."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def __call__(self, message: bytes) -> str:
        """The code of `message`, in hex."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()


_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def parse_public_key(pem: str) -> bytes:
    """The 32 bytes of an Ed25519 public key in PEM. Raises `KeyRefused` for anything else."""
    if "PRIVATE KEY" in pem:
        raise KeyRefused("this is a private key: nobody needs it but you. Give the public half. No key was made.")
    lines = pem.split()
    text = " ".join(lines)
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise KeyRefused("this is not a public key in PEM (-----BEGIN PUBLIC KEY-----). No key was made.")
    try:
        der = base64.b64decode(text[len(_BEGIN) : -len(_END)].replace(" ", ""), validate=True)
    except binascii.Error:
        der = b""
    point = der.removeprefix(_SPKI_ED25519)
    if len(der) != len(_SPKI_ED25519) + 32 or len(point) != 32 or not crypto_core_ed25519_is_valid_point(point):
        raise KeyRefused("this is not an Ed25519 public key (others, such as RSA, are not supported). No key was made.")
    return point
