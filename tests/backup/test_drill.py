"""A drill proves a backup by restoring it, keeps a dated report, and leaves nothing else behind."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange import cli
from exchange.backup.drill import DRILLS, drill, newest_first
from exchange.backup.names import stamp
from exchange.backup.until import Until
from exchange.backup_settings import BackupSettings
from exchange.core.units import Seq
from exchange.ledger.fingerprint import read_fingerprint
from exchange.settings import Settings
from tests.backup.furnished import NO_RESERVE, Furnished, furnish, quiet


def scheduled(here: Furnished) -> Settings:
    schedule = BackupSettings(folder=str(here.backups), key_file=str(here.folder.parent / "backup.key"))
    return msgspec.structs.replace(NO_RESERVE, backup=schedule)


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "scratch" in path.name]


async def test_the_newest_backup_is_proven_with_its_segments(tmp_path: Path) -> None:
    """Books, sums, rows and hash chain; the report says so, with the time and the figures."""
    here = await furnish(tmp_path)
    here.back_up()
    newest = here.back_up()
    await here.go_on("a")
    here.segment()
    report = drill(here.folder, None, scheduled(here), here.key, here.clock, quiet)
    assert report.good, report.words
    assert (report.backup, report.batches_from_segments) == (newest.name, 3)
    assert report.ledger == read_fingerprint(here.ledger)
    assert list(newest_first(here.folder)) == [report]
    assert left_behind(here.folder) == []


async def test_without_a_schedule_a_backup_is_made_for_the_drill(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    report = drill(here.folder, None, NO_RESERVE, here.key, here.clock, quiet)
    assert report.good, report.words
    assert left_behind(here.folder) == []


async def test_a_damaged_backup_fails_the_drill_and_the_report_says_why(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    backup = here.back_up()
    good = drill(here.folder, backup, NO_RESERVE, here.key, here.clock, quiet)
    content = bytearray(backup.read_bytes())
    content[1000] ^= 1
    backup.write_bytes(content)
    bad = drill(here.folder, backup, NO_RESERVE, here.key, here.clock, quiet)
    assert (good.good, bad.good) == (True, False)
    assert "altered" in bad.words
    assert list(newest_first(here.folder)) == [bad, good]
    assert left_behind(here.folder) == []


async def test_a_sound_backup_of_another_history_is_no_proof(tmp_path: Path) -> None:
    """Of a stranger's ledger; and of this one as it was before it was restored to an older state."""
    here, other = await furnish(tmp_path, commands=50), await furnish(tmp_path / "other", commands=60)
    strange = drill(here.folder, other.back_up(), NO_RESERVE, other.key, here.clock, quiet)
    assert not strange.good
    assert "another history" in strange.words
    backup, end = here.back_up(), read_fingerprint(here.ledger).seq
    await here.go_on("a")
    given_up = here.back_up()
    here.restore(backup, "second", Until(Seq(end), None))
    report = drill(tmp_path / "second", given_up, NO_RESERVE, here.key, here.clock, quiet)
    assert "another history" in report.words


async def test_the_command_prints_the_report_s_path_last_and_exits_1_when_it_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = await furnish(tmp_path, commands=50)
    (here.folder / "exchange.toml").write_text("free_disk_reserve_mib = 1\n")
    backup = here.back_up()
    argv = ["drill", "--dir", str(here.folder), "--from", str(backup), "--key-file", str(tmp_path / "backup.key")]
    assert cli.main(argv) == 0
    [report] = newest_first(here.folder)
    path = here.folder / DRILLS / f"drill-{stamp(report.time)}.json"
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    assert msgspec.json.decode(path.read_bytes())["good"] is True
    backup.write_bytes(backup.read_bytes()[:-1])
    assert cli.main(argv) == 1
    assert "the drill failed" in capsys.readouterr().err
