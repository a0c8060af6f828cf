"""The server's schedule: what is due when, what is tried again, and what operators are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from exchange.backup import keeping
from exchange.backup.drill import Report, _keep
from exchange.backup.keeping import Keeper
from exchange.backup.names import CopyName
from exchange.backup.standing import Standing, look, read_noted
from exchange.backup_settings import BackupSettings
from exchange.clock import SystemClock
from exchange.core.units import Micros, Seq
from exchange.settings import Settings

START = 1_800_000_000_000_000
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class TrioClock(SystemClock):
    """The time that Trio's clock shows, so that a test can let days go by."""

    def now(self) -> Micros:
        return Micros(START + int(trio.current_time() * 1_000_000))


class Played:
    """Jobs that leave behind what the real ones do, or fail as they are told."""

    def __init__(self, place: Path) -> None:
        self.folder, self.backups = place / "data", place / "backups"
        self.folder.mkdir()
        self.backups.mkdir()
        self.runs: Counter[str] = Counter()
        self.times: dict[str, list[float]] = {"full": [], "segment": [], "drill": []}
        self.broken: dict[str, str] = {}
        self.clock = TrioClock()
        schedule = BackupSettings(folder=str(self.backups), key_file="/k", every_hours=12, segment_minutes=4)
        self.settings = Settings(backup=schedule)
        self.keeper = Keeper(self.folder, self.settings, self.clock, self.do, at_once)

    async def do(self, job: str) -> str:
        self.runs[job] += 1
        self.times[job].append(trio.current_time())
        if job in self.broken:
            return self.broken[job]
        now = self.clock.now()
        if job == "full":
            (self.backups / CopyName("full", now, Seq(1), "0" * 12).text).touch()
        if job == "drill":
            _keep(self.folder / "drills", Report(now, True, "well", "it", 1, "test"))
        return ""

    def alarms(self) -> str:
        return " ".join(look(self.folder, self.settings, read_noted(self.folder), self.clock.now()).alarms)

    async def go(self, seconds: float) -> None:
        """Let the keeper run for so long."""
        with trio.move_on_after(seconds):
            await self.keeper.run()


async def at_once(look: Callable[[], Standing]) -> Standing:
    """In place of a thread, of which a clock that jumps knows nothing."""
    await trio.lowlevel.checkpoint()
    return look()


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return Played(tmp_path)


async def test_a_first_backup_is_made_at_once_then_every_so_many_hours(
    played: Played, autojump_clock: MockClock
) -> None:
    await played.go(13 * HOUR)
    assert played.runs["full"] == 2
    gaps = [later - one for one, later in pairwise(played.times["full"])]
    assert all(12 * HOUR <= gap <= 12 * HOUR + MINUTE for gap in gaps)
    assert played.alarms() == ""


async def test_the_journal_is_saved_every_so_many_minutes(played: Played, autojump_clock: MockClock) -> None:
    """Never later than five minutes after the time before."""
    await played.go(HOUR)
    times = played.times["segment"]
    assert len(times) >= 13
    assert all(later - one <= 5 * MINUTE for one, later in pairwise([0.0, *times]))


async def test_a_long_full_backup_holds_up_no_segment(played: Played, autojump_clock: MockClock) -> None:
    await played.go(10 * MINUTE)
    count, whole = played.runs["segment"], played.do

    async def slow(job: str) -> str:
        if job == "full":
            await trio.sleep(2 * HOUR)
        return await whole(job)

    played.keeper._run_job = slow
    await played.go(14 * HOUR)
    assert played.runs["segment"] - count > 13 * HOUR / (5 * MINUTE)
    assert all(later - one <= 5 * MINUTE for one, later in pairwise(played.times["segment"][count:]))


async def test_a_failing_job_is_tried_again_more_and_more_slowly_and_told(
    played: Played, autojump_clock: MockClock
) -> None:
    """With its own words, since when; gone once it works."""
    played.broken["full"] = "the disk is full"
    await played.go(6 * HOUR)
    gaps = [later - one for one, later in pairwise(played.times["full"])]
    assert gaps == sorted(gaps)
    assert MINUTE <= gaps[0] <= 2 * MINUTE
    assert gaps[-1] <= HOUR + MINUTE
    assert 8 <= played.runs["full"] <= 14
    assert "the full backup fails since 6 hours: the disk is full" in played.alarms()
    assert "there is no full backup yet" in played.alarms()
    assert played.runs["segment"] == played.runs["drill"] == 0
    played.broken.clear()
    await played.go(2 * HOUR)
    assert played.alarms() == ""


async def test_trouble_outlives_a_restart_of_the_server(played: Played, autojump_clock: MockClock) -> None:
    played.broken["full"] = "the disk is full"
    await played.go(MINUTE)
    again = Keeper(played.folder, played.settings, played.clock, played.do, at_once)
    with trio.move_on_after(1):
        await again.run()
    assert again.standing is not None
    assert any("the disk is full" in alarm for alarm in again.standing.alarms)


async def test_a_child_that_hangs_is_ended_and_told(played: Played, autojump_clock: MockClock) -> None:
    """A disk that is gone lets its callers wait for ever."""

    async def hang(job: str) -> str:
        played.runs[job] += 1
        await trio.sleep_forever()
        raise AssertionError

    played.keeper._run_job = hang
    await played.go(12 * HOUR + 2 * MINUTE)
    assert "the full backup fails since 12 hours: it took longer than 720 minutes and was ended" in played.alarms()


async def test_a_process_that_cannot_be_started_ends_nothing(played: Played, autojump_clock: MockClock) -> None:
    async def no_more(job: str) -> str:
        raise OSError(11, "Resource temporarily unavailable")

    played.keeper._run_job = no_more
    await played.go(MINUTE)
    assert "no process could be started" in played.alarms()


async def test_a_drill_comes_by_itself_every_week(
    played: Played, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 1_200)
    await played.go(8 * DAY)
    assert played.runs["drill"] == 2
    assert all(7 * DAY <= later - one <= 7 * DAY + HOUR for one, later in pairwise(played.times["drill"]))


async def test_an_old_or_failed_drill_and_old_backups_are_alarms(played: Played, autojump_clock: MockClock) -> None:
    """Eight days after the last good one; when backups and segments stay away."""
    await played.go(HOUR)
    assert played.alarms() == ""
    await trio.sleep(7 * DAY)
    said = played.alarms()
    assert "the newest full backup is 7 days old" in said
    assert "the journal was last saved 7 days ago" in said
    assert "drill" not in said
    await trio.sleep(DAY)
    assert "the last good restore drill is 8 days old" in played.alarms()
    _keep(played.folder / "drills", Report(played.clock.now(), False, "it was altered", "it", 1, "test"))
    assert "the last restore drill failed, 0 minutes ago: it was altered" in played.alarms()


async def test_a_folder_that_is_gone_is_an_alarm(played: Played, autojump_clock: MockClock) -> None:
    played.backups.rmdir()
    await played.go(1)
    assert "cannot be read" in played.alarms()
    assert "Is its disk mounted?" in played.alarms()


async def test_without_a_schedule_nothing_is_done_and_operators_are_told_unless_it_is_a_demo(
    played: Played, autojump_clock: MockClock
) -> None:
    for demo in (False, True):
        keeper = Keeper(played.folder, Settings(demo=demo), played.clock, played.do, at_once)
        with trio.move_on_after(DAY):
            await keeper.run()
        assert keeper.standing is not None
        assert keeper.standing.alarms == (() if demo else ("no backups are made: exchange.toml has no [backup]",))
    assert not played.runs


async def test_a_restored_folder_begins_with_a_backup_of_its_own(played: Played, autojump_clock: MockClock) -> None:
    """Although the backup folder has a young one, of the history before."""
    await played.go(MINUTE)
    (played.folder / "backups.json").unlink()
    again = Keeper(played.folder, played.settings, played.clock, played.do, at_once)
    with trio.move_on_after(MINUTE):
        await again.run()
    assert played.runs["full"] == 2
