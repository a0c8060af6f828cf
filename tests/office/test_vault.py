"""Secrets at rest: what opens an envelope, and what does not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.clock import SystemClock
from exchange.office.vault import EnvelopeBroken, Vault, VaultShut, create_master_key, read_master_key

CLOCK = SystemClock()
VAULT = Vault(bytes(range(32)), CLOCK)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_what_was_sealed_opens_again(secret: bytes, record: str) -> None:
    assert VAULT.open(record, VAULT.seal(record, secret)) == secret


def test_b38_an_envelope_opens_for_its_own_record_only() -> None:
    """B38: the record's id stands inside the plaintext, so a secret cannot be moved to another row."""
    envelope = VAULT.seal("api_keys:alice", b"secret")
    with pytest.raises(EnvelopeBroken, match="another record"):
        VAULT.open("api_keys:mallory", envelope)


def test_b38_the_secret_is_not_in_the_envelope() -> None:
    """B38: nor is anything that repeats: the same secret sealed twice gives two envelopes."""
    one, other = VAULT.seal("r", b"canary"), VAULT.seal("r", b"canary")
    assert b"canary" not in one
    assert one != other


@pytest.mark.parametrize("position", [0, 1, 40, 80, 100, -1])
def test_b19_an_altered_envelope_does_not_open(position: int) -> None:
    """B19: version, nonces, sealed key and content are all under seal."""
    envelope = bytearray(VAULT.seal("r", b"secret"))
    envelope[position] ^= 1
    with pytest.raises(EnvelopeBroken):
        VAULT.open("r", bytes(envelope))


@pytest.mark.parametrize("size", [0, 1, 50, 73, 90])
def test_b19_a_cut_envelope_does_not_open(size: int) -> None:
    with pytest.raises(EnvelopeBroken):
        VAULT.open("r", VAULT.seal("r", b"secret")[:size])


def test_b38_another_master_key_opens_nothing() -> None:
    with pytest.raises(EnvelopeBroken):
        Vault(bytes(32), CLOCK).open("r", VAULT.seal("r", b"secret"))


def test_b39_rewrapped_for_a_new_master_key_the_content_stays_as_it_is() -> None:
    """B39: envelope by envelope, so that a change of the master key needs no pause."""
    new = Vault(bytes(32), CLOCK)
    envelope = VAULT.seal("r", b"secret")
    moved = VAULT.rewrap("r", envelope, new)
    assert new.open("r", moved) == b"secret"
    assert moved[73:] == envelope[73:]


def test_b38_the_master_key_is_a_file_for_its_owner_only(tmp_path: Path) -> None:
    create_master_key(tmp_path / "keystore" / "master.key", CLOCK)
    assert stat.S_IMODE((tmp_path / "keystore" / "master.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keystore").stat().st_mode) == 0o700
    assert len(read_master_key(tmp_path / "keystore" / "master.key")) == 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_b38_a_master_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_master_key(tmp_path / "master.key", CLOCK)
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(VaultShut, match="others may read"):
        read_master_key(tmp_path / "master.key")


def test_a_master_key_is_never_overwritten(tmp_path: Path) -> None:
    create_master_key(tmp_path / "master.key", CLOCK)
    before = read_master_key(tmp_path / "master.key")
    with pytest.raises(VaultShut, match="not touched"):
        create_master_key(tmp_path / "master.key", CLOCK)
    assert read_master_key(tmp_path / "master.key") == before


@pytest.mark.parametrize("content", [b"", b"00", b"zz" * 32, b"\xff" * 64, b"00" * 33])
def test_what_is_no_master_key_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(VaultShut, match="not a master key"):
        read_master_key(path)


def test_a_missing_master_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(VaultShut, match="exchange init"):
        read_master_key(tmp_path / "master.key")
