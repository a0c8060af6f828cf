"""A data folder with a busy ledger, people and custody's books, and a key to back it up with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from exchange.app import init_folder
from exchange.backup.key import BackupKey, create_backup_key
from exchange.backup.making import back_up_into
from exchange.backup.placing import Placed, restore_to
from exchange.backup.restoring import Wanted
from exchange.backup.segments import write_segment
from exchange.backup.until import EVERYTHING, Until
from exchange.clock import SystemClock
from exchange.core.commands import OpenAccount
from exchange.core.units import Micros
from exchange.custody.store import Store
from exchange.ledger.reconcile import Verified, verify
from exchange.office.db import open_office
from exchange.office.trail import Trail
from exchange.settings import Settings
from tests.core.world import Dice
from tests.ledger.busy import live, pour, sequencing

NO_RESERVE = Settings(free_disk_reserve_mib=1)


class Wound(SystemClock):
    """A clock that moves on by a minute each time it is looked at, from a given day on."""

    def __init__(self, now: int = 1_800_000_000_000_000) -> None:
        self.time = now

    def now(self) -> Micros:
        self.time += 60_000_000
        return Micros(self.time)


class Furnished(msgspec.Struct):
    """The folder, where its backups go, and their key."""

    folder: Path
    backups: Path
    key: BackupKey
    clock: Wound

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    def back_up(self, *, ledger: bool = True) -> Path:
        """A full backup (or one of what lies beside the ledger)."""
        name = back_up_into(self.backups, self.folder, NO_RESERVE, self.key, self.clock, quiet, ledger=ledger)
        return self.backups / name.text

    def segment(self) -> Path | None:
        """What the backups lack of the journal."""
        name = write_segment(self.ledger, self.backups, self.key, self.clock)
        return self.backups / name.text if name else None

    async def go_on(self, tag: str, count: int = 3) -> None:
        """So many more batches in the ledger."""
        async with sequencing(self.ledger, self.clock) as sequencer:
            for number in range(count):
                await pour(sequencer, [OpenAccount(f"{tag}{number}")])

    async def trade(self, commands: int) -> None:
        """Whatever dice throw, in batches of many sizes."""
        dice = Dice(7)
        async with sequencing(self.ledger, self.clock) as sequencer:
            while commands > 0:
                batch = []
                for _ in range(dice.random.choice([1, 2, 5, 40])):
                    dice.newest_order = sequencer.state.next_order - 1
                    batch.append(dice.command())
                await pour(sequencer, batch)
                commands -= len(batch)

    def restore(self, backup: Path, name: str, until: Until = EVERYTHING) -> Placed:
        """Restore to the folder `name` beside this one."""
        with backup.open("rb") as file:
            wanted = Wanted(file, backup.name, backup.parent, until)
            return restore_to(self.folder.parent / name, wanted, self.key, self.clock, quiet)


def quiet(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def hidden(place: Path) -> list[Path]:
    """What an unfinished restore would leave."""
    return list(place.glob(".*"))


def verified(folder: Path) -> Verified:
    """What `exchange verify` finds."""
    return verify(folder / "ledger.db", lambda done, total: None)


async def furnish(place: Path, commands: int = 400) -> Furnished:
    """Make all that below `place`."""
    folder, backups = place / "data", place / "backups"
    init_folder(folder, SystemClock())
    (folder / "ledger.db").unlink()
    (folder / "ledger.head").unlink()
    await live(folder / "ledger.db", 5, commands)
    with closing(open_office(folder / "office.db")) as office:
        Trail(office, SystemClock(), folder / "trail.head").refused("ann", 1, "credit", "{}")
    Store(folder / "custody.db").close()
    (folder / "deny.txt").write_text("bad1 a reason\n")
    backups.mkdir()
    return Furnished(folder, backups, create_backup_key(place / "backup.key", SystemClock()), Wound())
