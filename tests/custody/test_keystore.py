"""The vault: what opens it, what does not, and what it says then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.clock import SystemClock
from exchange.custody.signer import keystore
from exchange.custody.signer.keystore import Secrets, Vault, VaultDamaged, WrongPassphrase, open_vault
from tests.custody.signing_kit import LITTLE, PASSPHRASE

CLOCK = SystemClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.json"


@pytest.fixture
def vault(path: Path) -> Vault:
    return keystore.create(path, PASSPHRASE, keystore.fresh(CLOCK, "rules"), CLOCK, LITTLE)


def test_the_passphrase_opens_what_was_kept(vault: Vault, path: Path) -> None:
    assert open_vault(path, PASSPHRASE, CLOCK).secrets == vault.secrets


def test_by_default_opening_costs_256_mib() -> None:
    assert keystore.MEMORY == 256 << 20


def test_a_wrong_passphrase_is_named_and_not_repeated(vault: Vault, path: Path) -> None:
    with pytest.raises(WrongPassphrase, match="the passphrase is wrong") as refused:
        open_vault(path, b"another passphrase", CLOCK)
    assert "another passphrase" not in str(refused.value)


def test_every_flipped_bit_is_found(vault: Vault, path: Path) -> None:
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        with pytest.raises((VaultDamaged, WrongPassphrase)):
            open_vault(path, PASSPHRASE, CLOCK)


def test_a_cut_file_is_found(vault: Vault, path: Path) -> None:
    whole = path.read_bytes()
    for size in range(0, len(whole), 11):
        path.write_bytes(whole[:size])
        with pytest.raises(VaultDamaged):
            open_vault(path, PASSPHRASE, CLOCK)


def forged(path: Path, part: str, value: object) -> None:
    """Change one part and make the checksum right again, as an attacker would."""
    file = json.loads(path.read_bytes())
    (file["header"] if part in file["header"] else file)[part] = value
    given = keystore._File(keystore._Header(**file["header"]), file["key"], file["secrets"], "")
    file["checksum"] = keystore._checksum(given)
    path.write_text(json.dumps(file))


@pytest.mark.parametrize("part", ["salt", "key", "secrets"])
def test_a_forged_part_is_found_even_with_its_checksum(vault: Vault, path: Path, part: str) -> None:
    file = json.loads(path.read_bytes())
    old = str(file["header"]["salt"] if part == "salt" else file[part])
    forged(path, part, ("0" if old[0] != "0" else "1") + old[1:])
    with pytest.raises((VaultDamaged, WrongPassphrase), match="altered"):
        open_vault(path, PASSPHRASE, CLOCK)


@pytest.mark.parametrize(
    ("part", "value"), [("memory", 1 << 40), ("memory", 0), ("passes", 10**9), ("version", 2), ("kdf", "scrypt")]
)
def test_a_header_out_of_bounds_is_refused_before_anything_is_computed(
    vault: Vault, path: Path, part: str, value: object
) -> None:
    forged(path, part, value)
    with pytest.raises(VaultDamaged, match="header"):
        open_vault(path, PASSPHRASE, CLOCK)


def test_a_header_of_another_vault_does_not_fit(vault: Vault, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    keystore.create(other, PASSPHRASE, vault.secrets, CLOCK, LITTLE * 2)
    forged(path, "memory", LITTLE * 2)
    with pytest.raises(WrongPassphrase):
        open_vault(path, PASSPHRASE, CLOCK)


def test_others_may_not_read_it(vault: Vault, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(VaultDamaged, match="others may read"):
        open_vault(path, PASSPHRASE, CLOCK)


def test_a_vault_is_never_overwritten_by_a_new_one(vault: Vault, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(VaultDamaged, match="already"):
        keystore.create(path, PASSPHRASE, keystore.fresh(CLOCK, ""), CLOCK, LITTLE)
    assert path.read_bytes() == before


def test_a_missing_vault_is_said_to_be_missing(path: Path) -> None:
    with pytest.raises(VaultDamaged, match="no vault can be read"):
        open_vault(path, PASSPHRASE, CLOCK)


def test_a_change_leaves_no_half_file_behind(vault: Vault, path: Path) -> None:
    (path.parent / "vault.json.new").write_text("cut short by a crash")
    vault.change(keystore.fresh(CLOCK, "new rules"))
    assert open_vault(path, PASSPHRASE, CLOCK).secrets.rules == "new rules"
    assert [file.name for file in path.parent.iterdir()] == ["vault.json"]


def test_after_a_rotation_only_the_new_passphrase_opens(vault: Vault, path: Path) -> None:
    vault.rotate(b"quite another passphrase", LITTLE)
    assert open_vault(path, b"quite another passphrase", CLOCK).secrets == vault.secrets
    with pytest.raises(WrongPassphrase):
        open_vault(path, PASSPHRASE, CLOCK)


def test_nothing_secret_is_shown_when_it_is_printed(vault: Vault) -> None:
    assert repr(vault.secrets) == str(vault.secrets) == "Secrets(…)"
    assert vault.secrets.entropy.hex() not in repr(vault)


@pytest.mark.parametrize(
    ("passphrase", "why"),
    [(b"short", "too short"), (b"a" * 20, "repeated"), (b"x1" * 2_000, "too long"), (b"\xff" * 20, "not text")],
)
def test_a_poor_passphrase_is_refused(passphrase: bytes, why: str) -> None:
    assert why in keystore.check_passphrase(passphrase)


def test_secrets_differ_from_wallet_to_wallet() -> None:
    one, other = keystore.fresh(CLOCK, ""), keystore.fresh(CLOCK, "")
    assert isinstance(one, Secrets)
    assert one.entropy != other.entropy
    assert one.record_key != other.record_key
