"""The jobs of the schedule: what each leaves in the backup folder, and what a command carries off."""

from __future__ import annotations

import fcntl
import os
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from exchange.backup.fault import BackupFault
from exchange.backup.jobs import run_job
from exchange.backup.names import list_folder
from exchange.backup.scratch import scratch_in
from exchange.backup_settings import BackupSettings
from exchange.clock import SystemClock
from exchange.ledger.fingerprint import read_fingerprint
from exchange.office.db import open_office
from exchange.office.trail import Trail
from exchange.settings import Settings
from tests.backup.furnished import NO_RESERVE, Furnished, furnish, quiet


def scheduled(here: Furnished, **changes: object) -> Settings:
    schedule = BackupSettings(folder=str(here.backups), key_file=str(here.folder.parent / "backup.key"))
    return msgspec.structs.replace(NO_RESERVE, backup=msgspec.structs.replace(schedule, **changes))


def job(here: Furnished, name: str, **changes: object) -> str:
    return run_job(name, here.folder, scheduled(here, **changes), SystemClock(), quiet)


async def test_full_and_segment_together_hold_everything(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=100)
    job(here, "full")
    await here.go_on("a")
    assert "journal-" in job(here, "segment")
    listing = list_folder(here.backups)
    assert listing.newest is not None
    placed = here.restore(here.backups / listing.newest.text, "new")
    assert placed.rebuilt.ledger == read_fingerprint(here.ledger)


async def test_what_lies_beside_the_ledger_is_copied_when_it_changed_and_only_then(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    job(here, "full")
    await here.go_on("a")
    job(here, "segment")
    assert list_folder(here.backups).sides == ()
    with closing(open_office(here.folder / "office.db")) as office:
        Trail(office, SystemClock(), here.folder / "trail.head").refused("bob", 2, "credit", "{}")
    job(here, "segment")
    job(here, "segment")
    assert len(list_folder(here.backups).sides) == 1


async def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    job(here, "full")
    assert job(here, "segment") == "there was nothing new to save"
    assert list_folder(here.backups).segments == ()


async def test_a_segment_with_nothing_to_lead_on_from_becomes_a_full_backup(tmp_path: Path) -> None:
    """A stranger's files in the folder are nothing to lead on from."""
    here, other = await furnish(tmp_path, commands=50), await furnish(tmp_path / "other", commands=60)
    strange = other.back_up()
    strange.rename(here.backups / strange.name)
    assert "backed up as full-" in job(here, "segment")
    assert len(list_folder(here.backups).fulls) == 2


async def test_what_a_command_has_taken_is_not_offered_again_and_what_it_has_not_is(tmp_path: Path) -> None:
    """A command that fails is a failed job; no second backup is needed once it works."""
    here = await furnish(tmp_path, commands=50)
    (tmp_path / "away").mkdir()
    carry = f'cat > "{tmp_path}/away/$EXCHANGE_BACKUP_NAME"'
    with pytest.raises(BackupFault, match="This backup does not count"):
        job(here, "full", command="cat > /dev/null; exit 1")
    job(here, "full", command=carry)
    [newest] = list_folder(here.backups).fulls  # the day's last; the one before is gone
    assert {path.name for path in (tmp_path / "away").iterdir()} == {newest.text}
    assert (tmp_path / "away" / newest.text).read_bytes() == (here.backups / newest.text).read_bytes()
    (tmp_path / "away" / newest.text).unlink()
    await here.go_on("a")
    job(here, "segment", command=carry)
    [segment] = list_folder(here.backups).segments
    assert {path.name for path in (tmp_path / "away").iterdir()} == {segment.text}


async def test_a_drill_that_fails_is_a_failed_job(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    job(here, "full")
    assert "rows agree" in job(here, "drill")
    newest = list_folder(here.backups).newest
    assert newest is not None
    path = here.backups / newest.text
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BackupFault, match="the restore drill failed"):
        job(here, "drill")


async def test_the_same_job_is_not_done_twice_at_a_time(tmp_path: Path) -> None:
    """Two would write two segments from one place on."""
    here = await furnish(tmp_path, commands=50)
    job(here, "full")
    handle = os.open(here.backups / ".segment.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(BackupFault, match="another segment is being made here"):
        job(here, "segment")
    os.close(handle)
    job(here, "segment")


async def test_what_killed_processes_left_is_swept_away_and_of_living_ones_nothing(tmp_path: Path) -> None:
    """Copies of secrets in scratch folders; halves of files."""
    here = await furnish(tmp_path, commands=50)
    dead = 4_000_000  # beyond the largest process id
    (here.folder / f"backup-{dead}-x.scratch").mkdir()
    (here.folder / f"backup-{dead}-x.scratch" / "office.db").touch()
    (here.folder / f"drill-{os.getpid()}-x.scratch").mkdir()
    (here.backups / f".full-x.backup.{dead}.part").touch()
    job(here, "full")
    assert [path.name for path in here.folder.glob("*.scratch")] == [f"drill-{os.getpid()}-x.scratch"]
    assert not list(here.backups.glob(".*.part"))


def test_a_scratch_folder_is_its_owner_s_alone_and_goes_whatever_happens(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch_in(tmp_path, "backup") as place:
            assert place.stat().st_mode & 0o777 == 0o700
            (place / "secret").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


async def test_a_job_without_a_schedule_or_without_its_disk_is_refused(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    with pytest.raises(BackupFault, match=r"has no \[backup\]"):
        run_job("full", here.folder, NO_RESERVE, SystemClock(), quiet)
    for name in ("full", "segment"):
        with pytest.raises(BackupFault, match="Is its disk mounted"):
            job(here, name, folder=str(tmp_path / "gone"))
    assert not (tmp_path / "gone").exists()
