"""office.db: durable, private, and never half migrated."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import pytest

from exchange.office.db import OfficeDamaged, open_office
from exchange.office.operators import Role
from tests.office.rooms import Office


def test_the_file_is_for_its_owner_only(office: Office) -> None:
    assert stat.S_IMODE(office.path.stat().st_mode) == 0o600


def test_what_is_committed_is_on_disk(office: Office) -> None:
    """WAL and FULL, read back."""
    assert (office.db.pragma("journal_mode"), office.db.pragma("synchronous")) == ("wal", 2)


def test_what_is_erased_is_overwritten(office: Office) -> None:
    assert office.db.pragma("secure_delete") == 1


def test_opening_again_changes_nothing(office: Office) -> None:
    office.operators.add("ann", 1, Role.AUDITOR)
    assert [operator.name for operator in office.reopened().operators.list()] == ["ann"]


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    db = open_office(tmp_path / "office.db")
    db.pragma("user_version", 99)
    db.close()
    with pytest.raises(OfficeDamaged, match="newer program"):
        open_office(tmp_path / "office.db")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "office.db").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(OfficeDamaged, match="not a database"):
        open_office(tmp_path / "office.db")


def test_a_living_hmac_key_without_a_secret_cannot_be_stored(office: Office) -> None:
    with pytest.raises(apsw.ConstraintError):
        office.db.execute(
            "INSERT INTO api_keys (api_key, account, kind, scopes, label, secret, created) "
            "VALUES ('k', 100, 'hmac', 'read', '', NULL, 1)"
        )
