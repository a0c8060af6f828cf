"""Encrypted chunks: what comes back is what went in, or a fault; nothing altered, moved, cut or added gets through."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey, create_backup_key
from exchange.backup.sealing import CHUNK, Opener, Sealer
from exchange.clock import SystemClock

KEY = BackupKey(bytes(range(32)), "00" * 8)
HEAD = 16 + 8 + 24
SEALED = CHUNK + 17 + 4


def sealed(content: bytes, key: BackupKey = KEY) -> bytes:
    out = bytearray()
    sealer = Sealer(key, out.extend)
    for at in range(0, len(content), 100_000):
        sealer.write(content[at : at + 100_000])
    sealer.finish()
    return bytes(out)


def opened(content: bytes, key: BackupKey = KEY) -> bytes:
    opener = Opener(key, io.BytesIO(content), "it")
    found = bytearray()
    while piece := opener.read(70_000):
        found += piece
    opener.finish()
    return bytes(found)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_content_of_any_size_comes_back(size: int) -> None:
    content = random.Random(size).randbytes(size)
    assert opened(sealed(content)) == content


def test_no_two_seals_are_alike_and_none_shows_its_content() -> None:
    content = b"the secret of the house" * 1_000
    first, second = sealed(content), sealed(content)
    assert first != second
    assert b"secret" not in first


@given(st.integers(0, 2 * SEALED), st.integers(0, 7))
def test_every_flipped_bit_is_found(at: int, bit: int) -> None:
    content = bytearray(SEALED_TWICE)
    content[at % len(content)] ^= 1 << bit
    with pytest.raises(BackupFault):
        opened(bytes(content))


@given(st.integers(0, 3 * SEALED))
def test_every_truncation_is_found(at: int) -> None:
    with pytest.raises(BackupFault):
        opened(SEALED_TWICE[: at % len(SEALED_TWICE)])


SEALED_TWICE = sealed(random.Random(2).randbytes(2 * CHUNK + 100))


def chunks(content: bytes) -> tuple[bytes, list[bytes]]:
    """Head and chunks."""
    pieces, at = [], HEAD
    while at < len(content):
        size = 4 + int.from_bytes(content[at : at + 4], "big")
        pieces.append(content[at : at + size])
        at += size
    return content[:HEAD], pieces


def test_chunks_that_are_swapped_left_out_doubled_or_of_another_backup_are_found() -> None:
    """The other backup has the same key and the same content."""
    content = random.Random(3).randbytes(3 * CHUNK + 10)
    head, (one, two, three, last) = chunks(sealed(content))
    strange_head, (strange, _, _, strange_last) = chunks(sealed(content))
    assert opened(head + one + two + three + last) == content
    for wrong in (
        [head, two, one, three, last],
        [head, one, three, last],
        [head, one, one, two, three, last],
        [head, one, two, three],
        [head, one, two, three, last, last],
        [head, strange, two, three, last],
        [head, one, two, three, strange_last],
        [strange_head, one, two, three, last],
        [head, last],
    ):
        with pytest.raises(BackupFault):
            opened(b"".join(wrong))


def test_bytes_behind_the_end_are_found() -> None:
    with pytest.raises(BackupFault, match="bytes behind its end"):
        opened(sealed(b"content") + b"x")


def test_another_key_is_told_from_damage(tmp_path: Path) -> None:
    other = create_backup_key(tmp_path / "k", SystemClock())
    with pytest.raises(BackupFault, match=f"made with the key {KEY.name}, and this is the key {other.name}"):
        opened(sealed(b"content"), other)


def test_what_is_no_backup_is_refused() -> None:
    for content in (b"", b"hello", b"SQLite format 3\0" * 100):
        with pytest.raises(BackupFault):
            opened(content)
