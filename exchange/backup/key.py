"""The backup key: 32 bytes in a file of its own, to be kept apart from the data and from the backups."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup.fault import BackupFault
from exchange.clock import Clock

KEY_SIZE: Final = 32
_MARK: Final = "exchange-backup-key-1:"
"""What such a file begins with, so that no other secret of the house is taken for one."""
_PERSON: Final = b"1box-backup-key"


class BackupKey(msgspec.Struct, frozen=True):
    """The key, and `name`: what may be shown of it, to tell one key from another."""

    secret: bytes
    name: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"BackupKey({self.name})"


def create_backup_key(path: Path, clock: Clock) -> BackupKey:
    """Write a new key to `path`, mode 0600, on disk when this returns. Raises `BackupFault` when there is a file."""
    secret = clock.token_bytes(KEY_SIZE)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise BackupFault(
            f"{path}: there is a file already. It was not touched: what an old key sealed opens with that key only."
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(f"{_MARK}{secret.hex()}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return _named(secret)


def read_backup_key(path: Path) -> BackupKey:
    """The key in `path`. Raises `BackupFault` when it is missing, malformed or open to others."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1_024)
    except OSError as error:
        raise BackupFault(
            f"{path}: no backup key can be read here ({error.strerror}). Nothing was done. "
            "`exchange backup-key new --out FILE` makes one; old backups need the key that they were made with."
        ) from error
    if mode & 0o077:
        raise BackupFault(
            f"{path}: others may read the backup key (mode {mode:04o}). Nothing was done. "
            f"Run `chmod 600 {path}`, and think about who may have read it."
        )
    mark, secret = text[: len(_MARK)], b""
    if mark == _MARK.encode():
        try:
            secret = bytes.fromhex(text[len(_MARK) :].decode("ascii"))
        except ValueError:
            secret = b""
    if len(secret) != KEY_SIZE:
        raise BackupFault(f"{path}: this is not a backup key. Nothing was done.")
    return _named(secret)


def _named(secret: bytes) -> BackupKey:
    return BackupKey(secret, hashlib.blake2b(secret, digest_size=8, person=_PERSON).hexdigest())


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
