"""R2: power cuts. Whatever part of the unsynced writes a disk kept, nothing acknowledged is lost or half there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.core import audit
from exchange.ledger import db
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import Difference, verify
from exchange.ledger.restore import restore
from tests.conftest import NIGHTLY
from tests.faults.crash_images import Image, images
from tests.faults.promises import Lost, Promised, check
from tests.faults.recording import Step, load

RUNS = 20 if NIGHTLY else 2
IMAGES = 500 if NIGHTLY else 150


def recorded(folder: Path, seed: int, mutant: str = "none", run: str = "recorded_run") -> list[Step]:
    """A run in a process of its own, with a bug planted in it if so wished."""
    argv = [sys.executable, "-m", f"tests.faults.{run}", str(folder / "data"), str(seed), mutant]
    subprocess.run(argv, check=True, timeout=300)
    return load(folder / "timeline")


def judge(image: Image, folder: Path) -> None:
    """Start on what the disk kept, as the server does, and verify. Raises what is wrong."""
    image.write(folder)
    path = folder / "ledger.db"
    journal = Journal(path)
    try:
        state = restore(journal.connection)
        assert list(audit.violations(state)) == []
        check(image.promises, journal.connection, state)
    finally:
        journal.close()
    verify(path, lambda done, total: None)


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    """300 images by day, 10,000 by night, of runs with checkpoints, a clean stop and a second start."""
    steps, promised = recorded(tmp_path, seed), 0
    for image in images(steps, IMAGES, seed):
        try:
            judge(image, tmp_path / "image")
        except BaseException:
            print(f"seed {seed}, power cut after step {image.moment} of {len(steps)}")
            raise
        promised += len(image.promises)
    assert promised > IMAGES


def test_a_power_cut_while_a_ledger_is_made_leaves_what_can_be_made(tmp_path: Path) -> None:
    """Whatever of the first pages is there: the next start goes on."""
    steps = recorded(tmp_path, 15)
    made = next(number for number, step in enumerate(steps) if isinstance(step, Promised))
    for image in images(steps[:made], IMAGES // 3, 15):
        judge(image, tmp_path / "image")


def failures(tmp_path: Path, mutant: str, count: int) -> Iterator[Exception]:
    """What is found of the images of a run with that bug."""
    for image in images(recorded(tmp_path, 7, mutant), count, 7):
        try:
            judge(image, tmp_path / "image")
        except (Lost, db.LedgerDamaged, Difference, AssertionError) as error:
            yield error


@pytest.mark.parametrize("mutant", ["normal", "off", "early", "lost-cancel"])
def test_the_suite_finds_what_is_planted(tmp_path: Path, mutant: str) -> None:
    """Commits that are not synced, answers before the commit, cancels that are answered and never done."""
    found = list(failures(tmp_path, mutant, 40))
    print(f"{mutant}: {len(found)} of 40 images")
    assert any(isinstance(error, Lost) for error in found), found
