"""The server's own schedule of backups: what is due is done by a child process; what fails is tried again, and told.

Nothing here can end or stall trading: the work is done elsewhere, at the lowest priority, and whatever goes wrong is an
alarm.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio

from exchange.backup.standing import Noted, Standing, Trouble, look, read_noted, write_noted
from exchange.clock import Clock
from exchange.core.units import MILLION, Micros
from exchange.settings import Settings

InThread = Callable[[Callable[[], Standing]], Awaitable[Standing]]
"""Calls something that may block for long."""

RunJob = Callable[[str], Awaitable[str]]
"""Does a job to its end; "", or in words why it failed."""

LOOK_SECONDS: Final = 20
"""How often the schedule is looked at."""
_FIRST_WAIT: Final = 60 * MILLION
_LONGEST_WAIT: Final = {"segment": 5 * 60 * MILLION, "full": 3_600 * MILLION, "drill": 6 * 3_600 * MILLION}
LIMIT_SECONDS: Final = {"segment": 1_800, "full": 12 * 3_600, "drill": 24 * 3_600}
"""A child that takes longer is ended: the disk that it waits for may be gone."""
_WORDS_AT_MOST: Final = 500
_HOUR: Final = 3_600 * MILLION
_FIGURES: Final = re.compile(r"\d+ (?:minutes|hours|days)")
"""What of an alarm grows while it lasts; that is no news."""
_log = structlog.get_logger("exchange.backup")


class Keeper:
    """Keeps one data folder's backups."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        clock: Clock,
        run_job: RunJob | None = None,
        in_thread: InThread | None = None,
    ) -> None:
        """Unless a test says otherwise a job is a child process of its own, and a look at the folder is in a thread."""
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._in_thread = in_thread or partial(trio.to_thread.run_sync, abandon_on_cancel=True)
        self._run_job = run_job or self._child
        self._noted = read_noted(folder)
        self._tried: dict[str, Micros] = {}
        self._told: set[str] = set()
        self.standing: Standing | None = None
        """As of the last look; None before the first."""

    async def run(self) -> None:
        """Look, and do what is due, for ever. Journal and full backups do not wait for each other."""
        if not self._settings.backup.folder:
            await self._look()
            await trio.sleep_forever()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, ("segment",))
            nursery.start_soon(self._keep, ("full", "drill"))

    async def _keep(self, jobs: tuple[str, ...]) -> None:
        while True:
            await self._look()
            for job in jobs:
                if self._due(job):
                    await self._do(job)
            await trio.sleep(LOOK_SECONDS)

    def _due(self, job: str) -> bool:
        """Whether it is time for a job, or time to try it again."""
        now, standing, backup = self._clock.now(), self.standing, self._settings.backup
        trouble = self._noted.troubles.get(job)
        if trouble is not None:
            return now >= self._again(job, trouble)
        if standing is None or (standing.listing.newest is None and job != "full"):
            return False
        newest = standing.listing.newest
        if job == "full":
            first = job not in self._noted.done  # a folder, also a restored one, begins with a backup of its own
            return first or newest is None or now >= newest.made + backup.every_hours * _HOUR
        if job == "segment":
            return now >= self._noted.done.get(job, 0) + backup.segment_minutes * 60 * MILLION
        good = standing.last_good
        return good is None or now >= good.time + backup.drill_every_days * 24 * _HOUR

    def _again(self, job: str, trouble: Trouble) -> int:
        wait: int = min(_FIRST_WAIT << min(trouble.times - 1, 20), _LONGEST_WAIT[job])
        return self._tried[job] + wait if job in self._tried else 0

    async def _do(self, job: str) -> None:
        begun = self._tried[job] = self._clock.now()
        fault = ""
        try:
            with trio.move_on_after(LIMIT_SECONDS[job]) as limit:
                fault = await self._run_job(job)
            if limit.cancelled_caught:
                fault = f"it took longer than {LIMIT_SECONDS[job] // 60} minutes and was ended"
        except OSError as error:
            fault = f"no process could be started: {error}"
        self._note(job, begun, fault[-_WORDS_AT_MOST:])
        await self._look()

    def _note(self, job: str, begun: Micros, fault: str) -> None:
        done, troubles = dict(read_noted(self._folder).done), dict(self._noted.troubles)
        before = troubles.pop(job, None)
        if fault:
            troubles[job] = Trouble(before.since if before else begun, before.times + 1 if before else 1, fault)
            _log.warning("backup failed", job=job, times=troubles[job].times, reason=fault)
        else:
            done[job] = begun
            _log.info("backup done", job=job)
        self._noted = Noted(done, troubles)
        try:
            write_noted(self._folder, self._noted)
        except OSError as error:
            _log.warning("the state of backups was not noted", reason=str(error))

    async def _look(self) -> None:
        """See how things stand, in a thread: the folder may be on a disk that is gone."""
        args = (self._folder, self._settings, self._noted, self._clock.now())
        self.standing = await self._in_thread(partial(look, *args))
        before, self._told = self._told, {_FIGURES.sub("", alarm) for alarm in self.standing.alarms}
        for alarm in self.standing.alarms:
            if _FIGURES.sub("", alarm) not in before:
                _log.warning("backup alarm", text=alarm)

    async def _child(self, job: str) -> str:
        """Run `exchange backup-job`, nice to everybody; its last words where it failed."""
        argv = [sys.executable, "-m", "exchange", "backup-job", job, "--dir", str(self._folder)]
        done = await trio.run_process(
            argv, stdin=subprocess.DEVNULL, capture_stdout=True, capture_stderr=True, check=False
        )
        if not done.returncode:
            return ""
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return said[-1].removeprefix("exchange: ") if said else f"it ended with status {done.returncode}"
