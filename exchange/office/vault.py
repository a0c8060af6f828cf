"""The vault: secrets at rest, each in an envelope that opens only with the master key and only for its own record.

An envelope is a version byte, a fresh data key sealed with the master key, and the content sealed with that data key.
The content begins with the record's id, so that an envelope copied to another record is found out. Changing the master
key means sealing the data keys anew (`rewrap`); the contents stay as they are.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from exchange.clock import Clock

_VERSION: Final = b"\x01"
_NONCE: Final = SecretBox.NONCE_SIZE
_SEALED_KEY: Final = _NONCE + SecretBox.KEY_SIZE + SecretBox.MACBYTES
_MAX_ID: Final = 255


class VaultShut(Exception):
    """The master key cannot be used. The message says why, what was not changed, and what to do."""


class EnvelopeBroken(Exception):
    """An envelope was altered, belongs to another record, or was sealed with another master key."""


def create_master_key(path: Path, clock: Clock) -> None:
    """Write a new master key to `path`, readable by its owner only. Raises `VaultShut` when there is one already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise VaultShut(
            f"{path}: there is a master key already. It was not touched; without it no secret opens."
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(clock.token_bytes(SecretBox.KEY_SIZE).hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_master_key(path: Path) -> bytes:
    """The master key in `path`. Raises `VaultShut` when it is missing, malformed or open to others."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1024)
    except OSError as error:
        raise VaultShut(
            f"{path}: no master key can be read here ({error.strerror}). Nothing was changed. "
            "`exchange init` makes one in a new folder; an old folder needs its own, from the backup."
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise VaultShut(
            f"{path}: others may read the master key (mode {stat.S_IMODE(mode):04o}). Nothing was opened. "
            f"Run `chmod 600 {path}`, and think about who may have read it."
        )
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != SecretBox.KEY_SIZE:
        raise VaultShut(f"{path}: this is not a master key. Nothing was changed. Bring the right file from the backup.")
    return key


class Vault:
    """Seals and opens envelopes. Keeps the master key to itself."""

    __slots__ = ("_clock", "_master")

    def __init__(self, master_key: bytes, clock: Clock) -> None:
        """`master_key` is 32 bytes."""
        self._master = SecretBox(master_key)
        self._clock = clock

    def seal(self, record: str, secret: bytes) -> bytes:
        """An envelope with `secret` for `record`, the only id that opens it."""
        name = record.encode()
        assert len(name) <= _MAX_ID, "record ids are short and ours"
        data_key = self._clock.token_bytes(SecretBox.KEY_SIZE)
        content = bytes((len(name),)) + name + secret
        return _VERSION + self._encrypt(self._master, data_key) + self._encrypt(SecretBox(data_key), content)

    def open(self, record: str, envelope: bytes) -> bytes:
        """The secret in `envelope`. Raises `EnvelopeBroken`."""
        data_key = self._data_key(record, envelope)
        content = _decrypt(SecretBox(data_key), envelope[1 + _SEALED_KEY :], record)
        size = content[0] + 1
        if content[1:size] != record.encode():
            raise EnvelopeBroken(f"the envelope of {record} was made for another record")
        return content[size:]

    def rewrap(self, record: str, envelope: bytes, new: Vault) -> bytes:
        """The same envelope under the master key of `new`. Raises `EnvelopeBroken`."""
        data_key = self._data_key(record, envelope)
        return _VERSION + new._encrypt(new._master, data_key) + envelope[1 + _SEALED_KEY :]

    def _data_key(self, record: str, envelope: bytes) -> bytes:
        if envelope[:1] != _VERSION:
            raise EnvelopeBroken(f"the envelope of {record} has an unknown version")
        return _decrypt(self._master, envelope[1 : 1 + _SEALED_KEY], record)

    def _encrypt(self, box: SecretBox, content: bytes) -> bytes:
        return bytes(box.encrypt(content, self._clock.token_bytes(_NONCE)))


def _decrypt(box: SecretBox, sealed: bytes, record: str) -> bytes:
    try:
        return box.decrypt(sealed)
    except (CryptoError, ValueError) as error:
        raise EnvelopeBroken(f"the envelope of {record} does not open: altered, or another master key's") from error
