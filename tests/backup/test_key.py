"""The backup key: readable by its owner alone, never overwritten, never mistaken for another file."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.backup.fault import BackupFault
from exchange.backup.key import create_backup_key, read_backup_key
from exchange.clock import SystemClock
from exchange.office.vault import create_master_key


def test_a_new_key_is_read_back_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    made = create_backup_key(tmp_path / "k", SystemClock())
    assert read_backup_key(tmp_path / "k") == made
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create_backup_key(tmp_path / "k", SystemClock())
    before = (tmp_path / "k").read_bytes()
    with pytest.raises(BackupFault, match="It was not touched"):
        create_backup_key(tmp_path / "k", SystemClock())
    assert (tmp_path / "k").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_backup_key(tmp_path / "k", SystemClock())
    (tmp_path / "k").chmod(mode)
    with pytest.raises(BackupFault, match="others may read the backup key"):
        read_backup_key(tmp_path / "k")


def test_the_secret_is_not_in_what_is_shown_of_a_key(tmp_path: Path) -> None:
    made = create_backup_key(tmp_path / "k", SystemClock())
    assert made.secret.hex() not in f"{made!r} {made} {made.name}"


def test_no_other_file_is_taken_for_a_backup_key(tmp_path: Path) -> None:
    """The master key has as many bytes; what is too short or no hexadecimal is none either."""
    create_master_key(tmp_path / "master.key", SystemClock())
    for number, text in enumerate(["", "exchange-backup-key-1:", "exchange-backup-key-1:" + "g" * 64, "\xff" * 64]):
        (tmp_path / str(number)).write_text(text, encoding="latin-1")
        (tmp_path / str(number)).chmod(0o600)
    for name in ("master.key", "0", "1", "2", "3"):
        with pytest.raises(BackupFault, match="this is not a backup key"):
            read_backup_key(tmp_path / name)


def test_a_missing_key_is_told_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match="exchange backup-key new"):
        read_backup_key(tmp_path / "k")
