"""Archived segments: moved whole, kept for good, and compared with the ledger's chain whenever somebody asks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exchange import cli
from exchange.backup.archive import put_away, verify_archive
from exchange.backup.fault import BackupFault
from exchange.backup.jobs import run_job
from exchange.backup.names import list_folder
from exchange.ledger.fingerprint import read_fingerprint
from tests.backup.furnished import Furnished, furnish, quiet
from tests.backup.test_jobs import scheduled
from tests.ledger.busy import tamper


async def archived(place: Path) -> tuple[Furnished, Path, list[Path]]:
    """Three segments in an archive."""
    here, archive = await furnish(place, commands=80), place / "archive"
    archive.mkdir()
    here.back_up()
    segments = []
    for tag in "abc":
        await here.go_on(tag)
        segments.append(here.segment())
    for segment in segments:
        assert segment is not None
        put_away(segment, archive)
        assert not segment.exists()
    return here, archive, sorted(archive.iterdir())


async def test_what_the_schedule_gives_up_of_the_journal_goes_into_the_archive(tmp_path: Path) -> None:
    """Full backups on one day: what led on from the first is not needed beside the last, but for the newest piece."""
    here = await furnish(tmp_path, commands=80)
    (tmp_path / "archive").mkdir()
    settings = scheduled(here, archive=str(tmp_path / "archive"), keep_daily=1, keep_weekly=0)
    for tag in "abc":
        run_job("full", here.folder, settings, here.clock, quiet)
        await here.go_on(tag)
        run_job("segment", here.folder, settings, here.clock, quiet)
    run_job("full", here.folder, settings, here.clock, quiet)
    kept, left = list_folder(tmp_path / "archive").segments, list_folder(here.backups).segments
    assert (len(kept), len(left)) == (2, 1)
    assert kept[-1].last + 1 == left[0].first
    found = verify_archive(tmp_path / "archive", here.ledger, here.key, quiet)
    assert (found.segments, found.rows) == (2, 6)


async def test_an_archive_agrees_with_its_ledger_for_ever(tmp_path: Path) -> None:
    here, archive, _ = await archived(tmp_path)
    await here.go_on("later")
    found = verify_archive(archive, here.ledger, here.key, quiet)
    assert (found.segments, found.rows) == (3, 9)
    assert found.last < read_fingerprint(here.ledger).seq


async def test_a_ledger_whose_past_was_rewritten_contradicts_its_archive(tmp_path: Path) -> None:
    """Even where the whole chain was computed anew: here another ledger in its place."""
    here, archive, _ = await archived(tmp_path)
    other = await furnish(tmp_path / "other", commands=300)
    with pytest.raises(BackupFault, match="is not what the ledger's journal says"):
        verify_archive(archive, other.ledger, here.key, quiet)
    tamper(here.ledger, "UPDATE journal SET hash = zeroblob(32) WHERE first_seq = (SELECT max(first_seq) FROM journal)")
    here.ledger.with_suffix(".head").unlink()
    with pytest.raises(BackupFault, match="is not what the ledger's journal says"):
        verify_archive(archive, here.ledger, here.key, quiet)


async def test_a_missing_swapped_or_altered_segment_is_named(tmp_path: Path) -> None:
    here, archive, files = await archived(tmp_path)
    good = [path.read_bytes() for path in files]
    altered = bytearray(good[1])
    altered[len(altered) // 2] ^= 1
    for content in (bytes(altered), good[1][:-1], good[2]):
        files[1].write_bytes(content)
        with pytest.raises(BackupFault, match=files[1].name):
            verify_archive(archive, here.ledger, here.key, quiet)
    files[1].unlink()
    with pytest.raises(BackupFault, match=f"{files[2].name} does not follow"):
        verify_archive(archive, here.ledger, here.key, quiet)


async def test_a_history_that_was_given_up_is_told(tmp_path: Path) -> None:
    here, archive, _ = await archived(tmp_path)
    newest = list_folder(here.backups).fulls[0]
    placed = here.restore(here.backups / newest.text, "new")
    assert placed.rebuilt.ledger.seq == newest.seq
    with pytest.raises(BackupFault, match="restored to an older state"):
        verify_archive(archive, tmp_path / "new" / "ledger.db", here.key, quiet)


async def test_nothing_is_deleted_before_the_archive_has_it(tmp_path: Path) -> None:
    """No folder there: the segment stays. Copied but not deleted, as after a kill: the next time it goes."""
    here, archive, files = await archived(tmp_path)
    back = here.backups / files[0].name
    shutil.copyfile(files[0], back)
    with pytest.raises(BackupFault, match="stays where it is"):
        put_away(back, tmp_path / "none")
    assert back.exists()
    put_away(back, archive)
    assert not back.exists()
    assert len(list(archive.iterdir())) == 3


async def test_verify_takes_the_archive_along(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, archive, files = await archived(tmp_path)
    argv = ["verify", "--dir", str(here.folder), "--archive", str(archive)]
    key = ["--key-file", str(tmp_path / "backup.key")]
    assert cli.main([*argv, *key]) == 0
    assert "archive: 3 segments, 9 rows" in capsys.readouterr().out
    assert cli.main(argv) == 1
    assert "--archive needs --key-file" in capsys.readouterr().err
    files[2].write_bytes(files[2].read_bytes()[:-1])
    assert cli.main([*argv, *key]) == 1
    assert "cut off" in capsys.readouterr().err
