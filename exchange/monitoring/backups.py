"""When backups, journal segments and restore drills last went well: the note that the schedule keeps in the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from exchange.core.units import Micros

NOTE: Final = "backups.json"
JOBS: Final = ("full", "segment", "drill")


class _Note(msgspec.Struct, frozen=True):
    """The part of it that is told here."""

    done: dict[str, Micros] = {}


def last_done(folder: Path) -> dict[str, Micros]:
    """When each of `JOBS` last went well; 0 where it never did, or where nobody can read the note."""
    try:
        done = msgspec.json.decode((folder / NOTE).read_bytes(), type=_Note).done
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        done = {}
    return {job: done.get(job, Micros(0)) for job in JOBS}
