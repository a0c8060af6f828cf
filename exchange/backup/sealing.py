"""Encrypted chunks: a stream of any length, sealed piece by piece, of which nothing can be changed, cut or swapped.

A file is a head and chunks. The head: a mark, the key's name, and libsodium's own 24 bytes. A chunk: its length, then
the sealed content (XChaCha20-Poly1305 "secretstream"), which also vouches for the head and for the chunk's number. The
last chunk is marked as such inside. So a bit that flips, a chunk that is missing, doubled, out of order or from another
backup, an end that is cut off and bytes behind the end are all found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, Protocol

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey

CHUNK: Final = 256 << 10
"""Bytes of content in a chunk; the last one has what is left."""
_MARK: Final = b"1BOX-BACKUP-1\n\0\0"
_NAME: Final = 8
_STREAM: Final = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_EXTRA: Final = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_MESSAGE: Final = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL: Final = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_LENGTH: Final = 4


class Source(Protocol):
    """What sealed bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


def _vouched(head: bytes, number: int) -> bytes:
    """What a chunk vouches for besides its content."""
    return hashlib.sha256(head).digest() + number.to_bytes(8, "big")


class Sealer:
    """Takes content with `write`, hands sealed bytes on. Without `finish` it is no backup."""

    def __init__(self, key: BackupKey, out: Callable[[bytes], object]) -> None:
        """`out` takes all the bytes that it is given, or raises."""
        self._out = out
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        stream = sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, key.secret)
        self._head = _MARK + bytes.fromhex(key.name) + stream
        self._waiting = bytearray()
        self._chunks = 0
        out(self._head)

    def write(self, content: bytes) -> int:
        """Take more; its length."""
        self._waiting += content
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), _MESSAGE)
            del self._waiting[:CHUNK]
        return len(content)

    def finish(self) -> None:
        """Seal what is left, and say inside that this is the end."""
        self._seal(bytes(self._waiting), _FINAL)
        self._waiting.clear()

    def _seal(self, content: bytes, tag: int) -> None:
        vouched = _vouched(self._head, self._chunks)
        sealed = sodium.crypto_secretstream_xchacha20poly1305_push(self._state, content, vouched, tag)
        self._chunks += 1
        self._out(len(sealed).to_bytes(_LENGTH, "big") + sealed)


class Opener:
    """Reads content back. Nothing that it returns was altered; only after `finish` is it known to be all."""

    def __init__(self, key: BackupKey, source: Source, name: str) -> None:
        """`name` is for messages. Raises `BackupFault` when this is no backup, or one of another key."""
        self._source = source
        self._name = name
        head = self._exactly(len(_MARK) + _NAME + _STREAM, "its head")
        if head[: len(_MARK)] != _MARK:
            raise BackupFault(f"{name}: this is not a backup of this program. Nothing was changed.")
        made_with = head[len(_MARK) : len(_MARK) + _NAME].hex()
        if made_with != key.name:
            raise BackupFault(
                f"{name}: it was made with the key {made_with}, and this is the key {key.name} (or its head was "
                "altered). Nothing was changed. Bring the key that belongs to it."
            )
        self._head = head
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, head[-_STREAM:], key.secret)
        self._chunks = 0
        self._ended = False
        self._ready = bytearray()

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end. Raises `BackupFault`."""
        while len(self._ready) < size and not self._ended:
            self._ready += self._next()
        content = bytes(self._ready[:size])
        del self._ready[:size]
        return content

    def finish(self) -> None:
        """Read on to the end. Raises `BackupFault` when it does not end as its maker ended it."""
        while not self._ended:
            self._next()
        self._ready.clear()
        if self._source.read(1):
            raise BackupFault(f"{self._name}: there are bytes behind its end. Nothing was changed. Use another backup.")

    def _next(self) -> bytes:
        length = int.from_bytes(self._exactly(_LENGTH, f"chunk {self._chunks}"), "big")
        if not _EXTRA <= length <= CHUNK + _EXTRA:
            raise self._altered()
        sealed = self._exactly(length, f"chunk {self._chunks}")
        vouched = _vouched(self._head, self._chunks)
        try:
            content, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(self._state, sealed, vouched)
        except CryptoError as error:
            raise self._altered() from error
        self._chunks += 1
        self._ended = tag == _FINAL
        return content

    def _altered(self) -> BackupFault:
        return BackupFault(
            f"{self._name}: chunk {self._chunks} was altered, moved, or is of another backup. Nothing was changed. "
            "Use another backup."
        )

    def _exactly(self, size: int, what: str) -> bytes:
        content = bytearray()
        while len(content) < size:
            piece = self._source.read(size - len(content))
            if not piece:
                raise BackupFault(
                    f"{self._name}: it was cut off within {what}. Nothing was changed. Use another backup."
                )
            content += piece
        return bytes(content)
