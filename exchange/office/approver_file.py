"""An operator's own key for approvals: a file on his side, under his passphrase. The server never sees either."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.signing import SigningKey
from nacl.utils import random

_KIND: Final = "onebox-approver-file-1"
_OPS: Final = pwhash.argon2id.OPSLIMIT_MODERATE
_MEMORY: Final = pwhash.argon2id.MEMLIMIT_MODERATE
_MOST_BYTES: Final = 4_096
LEAST_CHARS: Final = 10
"""The shortest passphrase that is taken."""


class BadApproverFile(Exception):
    """The file cannot be made or opened. The message says why; nothing was changed."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    salt: bytes
    box: bytes


def create(path: Path, passphrase: str, ops: int = _OPS, memory: int = _MEMORY) -> SigningKey:
    """Make a new key in a new file, readable by its owner alone. Raises `BadApproverFile`."""
    if len(passphrase) < LEAST_CHARS:
        raise BadApproverFile(f"the passphrase must have at least {LEAST_CHARS} characters. No file was made.")
    key, salt = SigningKey.generate(), random(pwhash.argon2id.SALTBYTES)
    cost = ops.to_bytes(4, "big") + memory.to_bytes(8, "big")
    box = SecretBox(_stretched(passphrase, salt, ops, memory)).encrypt(bytes(key))
    content = msgspec.json.encode(_File(_KIND, salt + cost, bytes(box)))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadApproverFile(f"{path}: {error.strerror}. No file was made.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def unlock(path: Path, passphrase: str) -> SigningKey:
    """The key in the file. Raises `BadApproverFile`."""
    try:
        with path.open("rb") as opened:
            file = msgspec.json.decode(opened.read(_MOST_BYTES), type=_File)
    except OSError as error:
        raise BadApproverFile(f"{path}: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise BadApproverFile(f"{path} is no key for approvals: {error}.") from error
    salt, cost = file.salt[: pwhash.argon2id.SALTBYTES], file.salt[pwhash.argon2id.SALTBYTES :]
    ops, memory = int.from_bytes(cost[:4], "big"), int.from_bytes(cost[4:], "big")
    if file.kind != _KIND or len(cost) != 12 or ops > _OPS or memory > _MEMORY:
        raise BadApproverFile(f"{path} is no key for approvals that this program knows.")
    try:
        return SigningKey(SecretBox(_stretched(passphrase, salt, ops, memory)).decrypt(file.box))
    except (CryptoError, ValueError) as error:
        raise BadApproverFile("the passphrase is wrong, or the file was altered.") from error


def _stretched(passphrase: str, salt: bytes, ops: int, memory: int) -> bytes:
    return pwhash.argon2id.kdf(SecretBox.KEY_SIZE, passphrase.encode(), salt, opslimit=ops, memlimit=memory)
