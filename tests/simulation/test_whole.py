"""R4: the whole house from a seed. Whatever the order of tasks and the moment of a crash, all promises are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NIGHTLY
from tests.faults.mutants import planted
from tests.faults.promises import Lost
from tests.simulation.whole import make_template, simulate

SEEDS = int(os.environ.get("WHOLE_SEEDS", "100000" if NIGHTLY else "60"))
EACH = 1_000 if NIGHTLY else 20
"""Seeds of one test, so that all cores have some."""
MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where all seeds live, in memory if that can be; with the furnished folder that they begin with."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        make_template(Path(name))
        yield Path(name)


@pytest.mark.parametrize("first", range(0, SEEDS, EACH))
def test_all_promises_are_kept_from_every_seed(folder: Path, first: int) -> None:
    """Orders, deposits, payouts and timers, two crashes each; to the last unit in the ledger and on the chain."""
    acts = crashes = 0
    for seed in range(first, min(SEEDS, first + EACH)):
        try:
            world = simulate(folder, seed)
        except BaseException:
            print(f"seed {seed}")
            raise
        acts, crashes = acts + world.acts, crashes + world.crashes
    assert crashes
    assert acts > 10 * crashes


def test_the_same_seed_is_the_same_journal(folder: Path) -> None:
    """In this process, and in another whose sets and dictionaries of text are in another order."""
    here = [simulate(folder, seed).digest for seed in (1, 2, 1)]
    assert here[0] == here[2] != here[1]
    source = "import sys; from pathlib import Path; from tests.simulation.whole import *;"
    source += "make_template(Path(sys.argv[1])); print(simulate(Path(sys.argv[1]), 1).digest)"
    with tempfile.TemporaryDirectory() as name:
        argv = [sys.executable, "-c", source, name]
        environment = {**os.environ, "PYTHONHASHSEED": "77"}
        said = subprocess.run(argv, check=True, capture_output=True, text=True, env=environment, timeout=300).stdout
    assert said.splitlines()[-1] == here[0]


@pytest.mark.parametrize("mutant", ["early", "lost-cancel", "double-credit"])
def test_what_is_planted_is_found(folder: Path, mutant: str) -> None:
    """Answers before the commit, cancels that never happen, deposits that are credited again: within a few seeds."""
    with planted(mutant):
        found = next((seed for seed in range(60) if not_kept(folder, seed)), None)
    print(f"{mutant}: found by seed {found}")
    assert found is not None


def not_kept(folder: Path, seed: int) -> BaseException | None:
    """What this seed finds wrong."""
    try:
        simulate(folder, seed)
    except (Lost, AssertionError) as error:
        return error
    except BaseExceptionGroup as group:
        wrong = group.subgroup((Lost, AssertionError))
        if wrong is None:
            raise
        return wrong
    return None
