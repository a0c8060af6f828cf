"""Whether orders can be taken now: the ledger answers and can be written, the restore is done, the clock is sane.

A chain that is late is told and shuts nothing but itself: its own deposits and withdrawals wait.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.custody.status import Following
from exchange.monitoring.house import House

ANSWER_SECONDS: Final = 2.0
"""A sequencer that has not answered after this is stuck, or its disk is."""

AHEAD_US: Final = 2_000_000
"""By so much the ledger's last event may be later than the clock."""

_FRESH: Final = {Following.FOLLOWING, Following.CATCHING_UP}
OK: Final = "ok"


class Ready(msgspec.Struct, frozen=True):
    """`checks` and `chains` say "ok" or what is wrong; `ready` is about the checks alone."""

    ready: bool
    checks: dict[str, str]
    chains: dict[str, str]


async def readiness(house: House, *, opened: bool) -> Ready:
    """How it stands. `opened`: what was under way at the last stop is done and the doors are open."""
    checks = {
        "started": OK if opened else "the doors are not open yet",
        "ledger": await _ledger(house),
        "disk": await trio.to_thread.run_sync(_disk, house),
        "clock": _clock(house),
    }
    chains = {
        line.status.name: _chain(line.status.following, line.status.words) for line in house.custody.lines.values()
    }
    return Ready(all(said == OK for said in checks.values()), checks, chains)


async def _ledger(house: House) -> str:
    """The sequencer answers only once all before it is on the disk."""
    try:
        with trio.fail_after(ANSWER_SECONDS):
            await house.sequencer.read(lambda _: None)
    except trio.TooSlowError:
        return f"no answer in {ANSWER_SECONDS:.0f} seconds: the ledger's disk, or the loop, is stuck"
    except trio.ClosedResourceError:
        return "the sequencer has stopped"
    return OK


def _disk(house: House) -> str:
    if house.sequencer.storage_low:
        return "less free space than free_disk_reserve_mib: orders are refused"
    if read_only(house.folder):
        return "the file system is mounted read-only"
    return OK


def read_only(folder: Path) -> bool:
    """Whether the folder's file system takes no writes."""
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _clock(house: House) -> str:
    ahead = house.sequencer.last_time - house.clock.now()
    if ahead > AHEAD_US:
        return f"the clock is {ahead / 1_000_000:.0f} seconds behind the ledger's last event: it was set back"
    return OK


def _chain(following: Following, words: str) -> str:
    return OK if following in _FRESH else f"{following.value}: {words}"
