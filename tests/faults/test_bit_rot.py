"""R10: flipped bits and files cut short: every one is found at start or by `exchange verify`, or changes nothing.

What changes nothing lies where no row is: in a page that was given up, or whose newer form is in the WAL.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio

from exchange.app import open_house
from exchange.cli import main
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.units import Amount, AssetId
from exchange.custody.store import CustodyDamaged
from exchange.ledger.db import LedgerDamaged, load_checksums
from exchange.office.db import OfficeDamaged
from exchange.office.keys import Scope
from exchange.office.trail import TrailBroken
from tests.conftest import NIGHTLY
from tests.simulation.scheduler import run
from tests.simulation.whole import ALICE, SETTINGS, World, make_template

FLIPS = 200 if NIGHTLY else 30
CUTS = 20 if NIGHTLY else 5
FILES = ("ledger.db", "ledger.db-wal", "office.db", "office.db-wal", "custody.db", "custody.db-wal")


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has lived, and whose last process was killed: each database has a WAL with commits in it."""
    folder = tmp_path_factory.mktemp("rot")
    make_template(folder)

    async def live(dice: random.Random) -> None:
        await World(folder / "lived", folder / "template", dice).run()

    run(live, 3)
    trio.run(write_on, folder / "lived", folder / "crashed")
    return folder / "crashed"


async def write_on(lived: Path, crashed: Path) -> None:
    """Write to each database of `lived`, and copy the folder before anything is folded."""
    with open_house(lived, SETTINGS, SystemClock(), {}) as house:
        async with trio.open_nursery() as nursery:
            await nursery.start(house.sequencer.run)
            for number in range(30):
                await house.sequencer.call(co.Credit(ALICE, AssetId(2), Amount(1), f"late {number}"))
                house.keyring.create(ALICE, frozenset({Scope.READ}), "hmac", label=f"late {number}")
                await house.custody.store.write(partial(add_block, number=number))
            house.sequencer.close()
        shutil.copytree(lived, crashed)
    for name in FILES:
        assert (crashed / name).stat().st_size > 4_096, name


def add_block(connection: apsw.Connection, number: int) -> None:
    connection.execute("INSERT INTO blocks VALUES ('LATE', ?, 'hash', 'parent', 0)", (number,))


def found(folder: Path) -> str:
    """What is wrong with the folder, by starting on it and by `exchange verify`; "": nothing is found."""
    try:
        with open_house(folder, SETTINGS, SystemClock(), {}):
            pass
    except (LedgerDamaged, OfficeDamaged, CustodyDamaged, TrailBroken) as error:
        return str(error)
    words = io.StringIO()
    with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
        return words.getvalue() if main(["verify", "--dir", str(folder)]) else ""


def content(folder: Path) -> list[object]:
    """Every row of every table of all three files."""
    load_checksums()
    rows: list[object] = []
    for name in ("ledger.db", "office.db", "custody.db"):
        connection = apsw.Connection(str(folder / name))
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows += [(name, table, list(connection.execute(f"SELECT * FROM {table}"))) for table in tables]
        connection.close()
    return rows


class Damage:
    """One file of copies of a folder, damaged again and again."""

    def __init__(self, crashed: Path, name: str, tmp_path: Path) -> None:
        self._crashed = crashed
        self._name = name
        self._copy = tmp_path / "copy"
        self.found = self.harmless = 0
        self.missed: list[str] = []
        self._whole = self._as_it_starts()

    def _as_it_starts(self) -> list[object]:
        self._take()
        assert found(self._copy) == ""
        return content(self._copy)

    def _take(self) -> None:
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._crashed, self._copy)

    def try_one(self, damage: Callable[[bytearray], str]) -> None:
        """Damage a fresh copy, and see who notices."""
        self._take()
        path = self._copy / self._name
        raw = bytearray(path.read_bytes())
        where = damage(raw)
        path.write_bytes(raw)
        if found(self._copy):
            self.found += 1
        elif content(self._copy) == self._whole:
            self.harmless += 1
        else:
            self.missed.append(where)


@pytest.mark.parametrize("name", FILES)
def test_bits_that_flip_and_files_that_end_early_are_found(tmp_path: Path, crashed: Path, name: str) -> None:
    """At start, or by `exchange verify`; or all rows are what they were."""
    dice, damage = random.Random(name), Damage(crashed, name, tmp_path)

    def flip(raw: bytearray) -> str:
        bit = dice.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        return f"bit {bit % 8} of byte {bit // 8}"

    def cut(raw: bytearray) -> str:
        size = dice.randrange(len(raw))
        del raw[size:]
        return f"cut to {size} bytes"

    for _ in range(FLIPS):
        damage.try_one(flip)
    for _ in range(CUTS):
        damage.try_one(cut)
    print(f"{name}: of {FLIPS} flips and {CUTS} cuts {damage.found} found, {damage.harmless} change nothing")
    assert not damage.missed
