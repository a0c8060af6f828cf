"""The vault: the file that has the seed, opened by a passphrase and by nothing else.

Passphrase -> argon2id (256 MiB) -> key -> opens the data key -> opens the secrets. The header is authenticated by both
boxes, so nobody can weaken the derivation or bring an old half. The file is 0600 and is replaced whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import Aead

from exchange.clock import Clock

MEMORY: Final = 256 << 20
PASSES: Final = 3
SHORTEST: Final = 15
"""Letters of a passphrase, as for operators."""
LONGEST: Final = 1_024

_VERSION: Final = 1
_LARGEST: Final = 1 << 20
_MEMORY_AT_MOST: Final = 2 << 30
_PASSES_AT_MOST: Final = 64
_ENTROPY: Final = 32


class VaultDamaged(Exception):
    """The file is missing, malformed, altered or open to others. The message says which, and what to do."""


class WrongPassphrase(Exception):
    """The vault does not open with this passphrase. Nothing was changed."""


class Secrets(msgspec.Struct, frozen=True, array_like=True):
    """What the vault keeps. `__repr__` shows none of it."""

    entropy: bytes
    """32 bytes: the 24 words (BIP39) of the seed."""
    record_key: bytes
    """Authenticates the signer's record."""
    rules: str
    """The signer's own limits, as the operator wrote them (`rules`)."""
    approvers: dict[str, bytes]
    """Name -> Ed25519 public key."""
    cold: dict[str, tuple[str, ...]]
    """Chain -> extended public keys, or single addresses, whose seed is elsewhere."""
    backed_up: bool = False
    """The words were shown, and typed in again without a mistake."""

    def __repr__(self) -> str:
        return "Secrets(…)"


class _Header(msgspec.Struct, frozen=True):
    version: int
    kdf: str
    passes: int
    memory: int
    salt: str


class _File(msgspec.Struct, frozen=True):
    header: _Header
    key: str
    secrets: str
    checksum: str
    """Tells a damaged disk from a wrong passphrase; proves nothing against people."""


class _Lock(NamedTuple):
    """A header, the data key as the file has it, and the data key."""

    header: _Header
    sealed: bytes
    data_key: bytes


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Secrets).decode


def fresh(clock: Clock, rules: str) -> Secrets:
    """A new seed and a new record's key, under `rules`."""
    return Secrets(clock.token_bytes(_ENTROPY), clock.token_bytes(32), rules, {}, {})


def check_passphrase(passphrase: bytes) -> str:
    """What is wrong with a new passphrase, in words; "" when nothing is."""
    try:
        letters = len(passphrase.decode())
    except UnicodeDecodeError:
        return "the passphrase is not text"
    if letters < SHORTEST:
        return f"the passphrase is too short: at least {SHORTEST} letters"
    if letters > LONGEST:
        return f"the passphrase is too long: at most {LONGEST} letters"
    return "the passphrase is one letter repeated" if len(set(passphrase)) == 1 else ""


class Vault:
    """An opened vault: its secrets, and the data key that seals changes of them."""

    __slots__ = ("_clock", "_lock", "_path", "secrets")

    def __init__(self, path: Path, clock: Clock, secrets: Secrets, lock: _Lock) -> None:
        """Use `create` or `open_vault`."""
        self._path = path
        self._clock = clock
        self.secrets = secrets
        self._lock = lock

    def change(self, secrets: Secrets) -> None:
        """Replace the secrets, under the same passphrase; on disk when it returns."""
        lock = self._lock
        sealed = _seal(lock.data_key, _pack(secrets), _about(lock.header, b"secrets"), self._clock)
        fields = _File(lock.header, lock.sealed.hex(), sealed.hex(), "")
        _write(self._path, _encode(msgspec.structs.replace(fields, checksum=_checksum(fields))))
        self.secrets = secrets

    def rotate(self, passphrase: bytes, memory: int = MEMORY) -> None:
        """A new passphrase, salt and data key: the old passphrase opens no more than old copies of the file."""
        self._lock = _new_lock(passphrase, self._clock, memory)
        self.change(self.secrets)


def create(path: Path, passphrase: bytes, secrets: Secrets, clock: Clock, memory: int = MEMORY) -> Vault:
    """Write a new vault. Raises `VaultDamaged` when a file is there already, which is not touched."""
    if path.exists():
        raise VaultDamaged(f"{path}: there is a vault already. It was not touched; without it no coin moves.")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    vault = Vault(path, clock, secrets, _new_lock(passphrase, clock, memory))
    vault.change(secrets)
    return vault


def open_vault(path: Path, passphrase: bytes, clock: Clock) -> Vault:
    """Open the vault at `path`: half a second and 256 MiB. Raises `VaultDamaged`, `WrongPassphrase`."""
    file = _read(path)
    header = file.header
    try:
        data_key = Aead(_stretch(passphrase, header)).decrypt(bytes.fromhex(file.key), _about(header, b"key"))
    except CryptoError as error:
        said = "the passphrase is wrong, or somebody altered the file and its checksum. Nothing was changed"
        raise WrongPassphrase(f"{path}: {said}.") from error
    try:
        content = Aead(data_key).decrypt(bytes.fromhex(file.secrets), _about(header, b"secrets"))
        secrets = _unpack(content)
    except (CryptoError, msgspec.DecodeError) as error:
        raise VaultDamaged(f"{path}: the passphrase is right, but the secrets were altered. {_RESTORE}") from error
    return Vault(path, clock, secrets, _Lock(header, bytes.fromhex(file.key), data_key))


_RESTORE: Final = "Nothing was changed. Bring the file from the backup, and find out who wrote to this one."


def _new_lock(passphrase: bytes, clock: Clock, memory: int) -> _Lock:
    """A fresh salt and data key."""
    header = _Header(_VERSION, "argon2id", PASSES, memory, clock.token_bytes(argon2id.SALTBYTES).hex())
    data_key = clock.token_bytes(Aead.KEY_SIZE)
    return _Lock(header, _seal(_stretch(passphrase, header), data_key, _about(header, b"key"), clock), data_key)


def _stretch(passphrase: bytes, header: _Header) -> bytes:
    salt = bytes.fromhex(header.salt)
    return argon2id.kdf(Aead.KEY_SIZE, passphrase, salt, opslimit=header.passes, memlimit=header.memory)


def _seal(key: bytes, content: bytes, about: bytes, clock: Clock) -> bytes:
    return bytes(Aead(key).encrypt(content, about, clock.token_bytes(Aead.NONCE_SIZE)))


def _about(header: _Header, part: bytes) -> bytes:
    """What is authenticated beside a box: the whole header, and which of the two boxes it is."""
    return _encode(header) + b"|" + part


def _checksum(file: _File) -> str:
    bare = msgspec.structs.replace(file, checksum="")
    return hashlib.blake2b(_encode(bare), digest_size=16).hexdigest()


def _read(path: Path) -> _File:
    """The file, its shape and bounds checked before anything is computed from it."""
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise VaultDamaged(f"{path}: no vault can be read here ({error.strerror}). Nothing was changed.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise VaultDamaged(
            f"{path}: others may read the vault (mode {stat.S_IMODE(mode):04o}). Nothing was opened. "
            f"Run `chmod 600 {path}`, and think about who may have a copy."
        )
    try:
        file = msgspec.json.decode(content, type=_File)
        sizes = [len(bytes.fromhex(text)) for text in (file.header.salt, file.key, file.secrets)]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise VaultDamaged(f"{path}: this is not a vault, or it was damaged. {_RESTORE}") from error
    header = file.header
    fair = argon2id.MEMLIMIT_MIN <= header.memory <= _MEMORY_AT_MOST and 1 <= header.passes <= _PASSES_AT_MOST
    if header.version != _VERSION or header.kdf != "argon2id" or not fair or sizes[0] != argon2id.SALTBYTES:
        raise VaultDamaged(f"{path}: its header says what no vault of this program says. {_RESTORE}")
    if file.checksum != _checksum(file) or min(sizes[1:]) < Aead.NONCE_SIZE + Aead.MACBYTES:
        raise VaultDamaged(f"{path}: the file was damaged: its checksum differs. {_RESTORE}")
    return file


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step: whoever opens it sees the old one or the new one, whole."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
