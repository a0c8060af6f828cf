"""A restore drill: a backup is restored to a scratch folder, replayed and compared, and a dated report is kept.

A backup that has not been restored does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup.contents import LEDGER
from exchange.backup.copies import Progress
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey
from exchange.backup.making import back_up_into
from exchange.backup.names import list_folder, stamp
from exchange.backup.placing import prove
from exchange.backup.restoring import Rebuilt, Wanted
from exchange.backup.scratch import require_room, scratch_in
from exchange.clock import Clock
from exchange.core.units import Micros
from exchange.custody.store import CustodyDamaged
from exchange.ledger.db import LedgerDamaged
from exchange.ledger.excerpts import Excerpts
from exchange.ledger.fingerprint import Fingerprint
from exchange.office.db import OfficeDamaged
from exchange.office.trail import TrailBroken
from exchange.office.vault import VaultShut
from exchange.settings import Settings, SettingsError

DRILLS: Final = "drills"
"""The reports' folder, in the data folder."""
KEPT: Final = 100
"""So many of the newest reports are kept."""
_FAULTS: Final = (
    BackupFault,
    LedgerDamaged,
    OfficeDamaged,
    CustodyDamaged,
    TrailBroken,
    VaultShut,
    SettingsError,
    OSError,
)


class Report(msgspec.Struct, frozen=True):
    """What a drill found. `words` say why it failed, or what was compared; `ledger` is the restored one."""

    time: Micros
    good: bool
    words: str
    backup: str
    took_seconds: int
    program: str
    ledger: Fingerprint | None = None
    batches_from_segments: int = 0
    rows_compared: dict[str, int] = {}


def drill(
    folder: Path, backup: Path | None, settings: Settings, key: BackupKey, clock: Clock, progress: Progress
) -> Report:
    """Prove `backup` (the newest of the schedule's; without any, one made for this) against the ledger in `folder`.

    The report is kept whether it went well or not. Raises only what keeps a report from being written.
    """
    begun, name = clock.now(), backup.name if backup is not None else ""
    rebuilt, words = None, ""
    try:
        with scratch_in(folder, "drill") as scratch:
            path = backup or _newest(settings) or _made(folder, scratch, settings, key, clock, progress)
            name = path.name
            sizes = path.stat().st_size + sum(one.stat().st_size for one in path.parent.glob("*.segment"))
            require_room(scratch, sizes, settings, "a restored copy")
            with path.open("rb") as file:
                rebuilt = prove(Wanted(file, name, path.parent), key, progress, scratch)
            _require_history(folder, name, rebuilt)
    except _FAULTS as fault:
        words = str(fault)
    report = _report(begun, clock.now(), name, rebuilt, words)
    _keep(folder / DRILLS, report)
    return report


def _newest(settings: Settings) -> Path | None:
    """The newest full backup of the schedule, if there is any."""
    if not settings.backup.folder:
        return None
    place = Path(settings.backup.folder)
    newest = list_folder(place).newest
    return place / newest.text if newest is not None else None


def _made(folder: Path, scratch: Path, settings: Settings, key: BackupKey, clock: Clock, progress: Progress) -> Path:
    return scratch / back_up_into(scratch, folder, settings, key, clock, progress, scratch).text


def _require_history(folder: Path, name: str, rebuilt: Rebuilt) -> None:
    """What was restored must be this very ledger, as it was."""
    with closing(Excerpts(folder / LEDGER)) as journal:
        found = journal.hash_at(rebuilt.ledger.seq)
        if found is None or found.hex() != rebuilt.ledger.hash:
            raise BackupFault(
                f"{name}: it is sound, and of another history than the ledger in {folder}: they differ at event "
                f"{rebuilt.ledger.seq}. Was the ledger restored since? Make a full backup."
            )


def _report(begun: Micros, ended: Micros, name: str, rebuilt: Rebuilt | None, fault: str) -> Report:
    took, program = (ended - begun) // 1_000_000, version("onebox-exchange")
    if rebuilt is None or fault:
        return Report(begun, False, fault, name, took, program)
    rows = sum(rebuilt.compared.values())
    words = (
        f"restored as of event {rebuilt.ledger.seq:,}: {rows:,} rows agree with the journal, the books and sums with "
        "the backup's own, the hash chain with the ledger in use"
    )
    seen = (rebuilt.ledger, rebuilt.rows, rebuilt.compared)
    return Report(begun, True, words, name, took, program, *seen)


def _keep(place: Path, report: Report) -> None:
    place.mkdir(mode=0o700, exist_ok=True)
    fresh = place / ".fresh"
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    fresh.replace(place / f"drill-{stamp(report.time)}.json")
    for old in _files(place)[:-KEPT]:
        old.unlink()


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("drill-*.json"))


def newest_first(folder: Path) -> Iterator[Report]:
    """The reports of a data folder, read as they are asked for; what is none is left out."""
    for path in reversed(_files(folder / DRILLS)):
        try:
            report = msgspec.json.decode(path.read_bytes(), type=Report)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        yield report


def last_good(folder: Path) -> Report | None:
    """The newest report of a drill that went well."""
    return next((report for report in newest_first(folder) if report.good), None)
