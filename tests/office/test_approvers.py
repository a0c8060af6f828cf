"""Keys that approve: whose they are, and the file that the private half is in."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from nacl import pwhash
from nacl.signing import SigningKey

from exchange.office import approver_file
from exchange.office.approver_file import BadApproverFile
from exchange.office.approvers import ApproverRefused, Approvers, is_signed, registration
from tests.office.rooms import Office

QUICK = (pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)
WORDS = "correct horse battery"


def _key(office: Office, name: str = "ann") -> tuple[Approvers, SigningKey]:
    approvers, key = Approvers(office.db, office.clock), SigningKey.generate()
    approvers.register(name, bytes(key.verify_key), key.sign(registration(name)).signature)
    return approvers, key


def test_a_registered_key_approves_in_its_owners_name(office: Office) -> None:
    approvers, key = _key(office)
    living = approvers.living("ann")
    assert living is not None
    assert living.public_key == bytes(key.verify_key)


def test_a_new_key_takes_the_place_of_the_old_one(office: Office) -> None:
    """And the old one stays known, so that what it approved can be checked."""
    approvers, old = _key(office)
    _, new = _key(office)
    living, known = approvers.living("ann"), approvers.of_key(bytes(old.verify_key))
    assert living is not None
    assert living.public_key == bytes(new.verify_key)
    assert known is not None
    assert known.revoked


def test_nobody_registers_what_he_does_not_hold(office: Office) -> None:
    approvers, key = _key(office)
    with pytest.raises(ApproverRefused, match="does not sign as yours"):
        approvers.register("bert", bytes(key.verify_key), key.sign(registration("ann")).signature)
    with pytest.raises(ApproverRefused, match="does not sign as yours"):
        approvers.register("bert", b"short", b"")


def test_b29_one_key_is_never_two_operators(office: Office) -> None:
    """B29: four eyes are two people's."""
    approvers, key = _key(office)
    with pytest.raises(ApproverRefused, match="registered before"):
        approvers.register("bert", bytes(key.verify_key), key.sign(registration("bert")).signature)


def test_a_revoked_key_does_not_come_back(office: Office) -> None:
    approvers, key = _key(office)
    approvers.revoke("ann")
    assert approvers.living("ann") is None
    with pytest.raises(ApproverRefused, match="registered before"):
        approvers.register("ann", bytes(key.verify_key), key.sign(registration("ann")).signature)
    with pytest.raises(ApproverRefused, match="no key"):
        approvers.revoke("ann")


def test_the_key_comes_back_from_its_file_under_its_passphrase(tmp_path: Path) -> None:
    made = approver_file.create(tmp_path / "ann.key", WORDS, *QUICK)
    assert bytes(approver_file.unlock(tmp_path / "ann.key", WORDS)) == bytes(made)
    assert stat.S_IMODE((tmp_path / "ann.key").stat().st_mode) == 0o600
    assert bytes(made) not in (tmp_path / "ann.key").read_bytes()


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    approver_file.create(tmp_path / "ann.key", WORDS, *QUICK)
    with pytest.raises(BadApproverFile, match="passphrase is wrong"):
        approver_file.unlock(tmp_path / "ann.key", "correct horse batterx")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"kind":"x","salt":"","box":""}'])
def test_what_is_no_key_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ann.key").write_bytes(content)
    with pytest.raises(BadApproverFile, match="is no key for approvals"):
        approver_file.unlock(tmp_path / "ann.key", WORDS)


def test_a_key_file_is_never_overwritten_and_wants_a_long_passphrase(tmp_path: Path) -> None:
    approver_file.create(tmp_path / "ann.key", WORDS, *QUICK)
    with pytest.raises(BadApproverFile, match="exists"):
        approver_file.create(tmp_path / "ann.key", WORDS, *QUICK)
    with pytest.raises(BadApproverFile, match="at least 10"):
        approver_file.create(tmp_path / "bert.key", "short", *QUICK)


def test_what_is_no_signature_did_not_sign() -> None:
    key = SigningKey.generate()
    assert is_signed(bytes(key.verify_key), key.sign(b"this").signature, b"this")
    assert not is_signed(bytes(key.verify_key), key.sign(b"this").signature, b"that")
    assert not is_signed(bytes(32), bytes(64), b"that")
