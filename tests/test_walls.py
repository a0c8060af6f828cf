"""The walls of the house stand, and they bite: each planted violation breaks the contract that names it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
LINT = Path(sys.executable).with_name("lint-imports")

SUBMIT_ONLY = "doors and custody submit commands and never see State"

# Where a line is planted, the line, and the contract that must then be broken.
PLANTED = [
    ("exchange/core/planted.py", "import exchange.ledger", "imports go down only"),
    ("exchange/ledger/planted.py", "import exchange.sequencer", "imports go down only"),
    ("exchange/sequencer.py", "import exchange.api", "imports go down only"),
    ("exchange/market_data/planted.py", "import exchange.office", "imports go down only"),
    ("exchange/custody/planted.py", "import exchange.market_data", "imports go down only"),
    ("exchange/api/planted.py", "import exchange.admin", "imports go down only"),
    ("exchange/admin/planted.py", "import exchange.app", "imports go down only"),
    ("exchange/app.py", "import exchange.demo", "imports go down only"),
    ("exchange/demo.py", "import exchange.cli", "imports go down only"),
    ("exchange/clock.py", "import exchange.core", "imports go down only"),
    ("exchange/settings.py", "import exchange.core", "imports go down only"),
    ("exchange/ops/planted.py", "import exchange.ledger", "imports go down only"),
    ("exchange/utils.py", "", "imports go down only"),  # a room without a floor
    ("exchange/core/planted.py", "import exchange.clock", "core is pure"),
    ("exchange/core/planted.py", "from exchange import settings", "core is pure"),
    ("exchange/core/planted.py", "import exchange.ops", "core is pure"),
    ("exchange/core/planted.py", "import trio", "core is pure"),
    ("exchange/core/planted.py", "import asyncio", "core is pure"),
    ("exchange/core/planted.py", "from time import time", "core is pure"),
    ("exchange/core/planted.py", "import random", "core is pure"),
    ("exchange/core/planted.py", "import secrets", "core is pure"),
    ("exchange/core/planted.py", "from decimal import Decimal", "core is pure"),
    ("exchange/core/planted.py", "import logging", "core is pure"),
    ("exchange/core/planted.py", "import structlog", "core is pure"),
    ("exchange/core/planted.py", "import sqlite3", "core is pure"),
    ("exchange/core/planted.py", "import apsw", "apsw only in ledger, office and custody"),
    ("exchange/api/planted.py", "import apsw", "apsw only in ledger, office and custody"),
    ("exchange/market_data/planted.py", "import apsw", "apsw only in ledger, office and custody"),
    ("tui/planted.py", "import apsw", "apsw only in ledger, office and custody"),
    ("exchange/ledger/planted.py", "import sqlite3", "no second SQLite in the server"),
    ("exchange/app.py", "import asyncio", "no asyncio in the trading process"),
    ("tui/planted.py", "import exchange.core", "the dashboard knows the admin wire and nothing else"),
    ("tui/planted.py", "import exchange.admin", "the dashboard knows the admin wire and nothing else"),
    (
        "tui/screens/planted.py",
        "import exchange.clock",
        "the dashboard knows the admin wire and nothing else",
    ),
    ("exchange/app.py", "import tui", "only the command line starts the dashboard"),
    ("exchange/api/endpoints/planted.py", "import quart", "endpoints know no web framework"),
    ("exchange/ledger/planted.py", "import httptools", "no network below the doors"),
    ("exchange/custody/planted.py", "import eth_account", "nothing that lifts the limit of recursion"),
    ("exchange/api/planted.py", "import exchange.core.state", SUBMIT_ONLY),
    ("exchange/admin/planted.py", "from exchange.core import state", SUBMIT_ONLY),
    ("exchange/custody/planted.py", "from exchange.core.state import State", SUBMIT_ONLY),
]

# What the walls let through.
ALLOWED = [
    ("exchange/app.py", "import exchange.api, exchange.custody, exchange.clock"),
    ("exchange/sequencer.py", "import exchange.ledger, exchange.core.state, exchange.settings, trio"),
    ("exchange/api/planted.py", "import exchange.sequencer, exchange.core.units"),
    ("exchange/ledger/planted.py", "import apsw, time"),
    ("exchange/office/planted.py", "import apsw"),
    ("exchange/custody/planted.py", "import apsw"),
    ("exchange/cli_serving.py", "import tui"),
    ("tui/planted.py", "import exchange.admin.wire, asyncio, aiosqlite"),
]

# Rooms that the plan has and the tree may not have yet.
PLANNED = [
    *("exchange/__main__.py", "exchange/cli.py", "exchange/demo.py", "exchange/app.py", "exchange/clock.py"),
    *(
        "exchange/settings.py",
        "exchange/sequencer.py",
        "exchange/custody/__init__.py",
        "exchange/admin/wire.py",
    ),
]


def lint(where: Path) -> tuple[bool, str]:
    """Whether the contracts hold for the packages in this folder, and what the linter printed."""
    run = subprocess.run([LINT, "--no-cache"], cwd=where, capture_output=True, text=True, check=False)
    return run.returncode == 0, run.stdout + run.stderr


def broken(report: str) -> set[str]:
    """The names of the contracts that this report calls broken."""
    return set(re.findall(r"^(.+) BROKEN$", report, flags=re.MULTILINE))


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """The house with its rooms empty: the same modules with nothing in them, under the same contracts."""
    rooms = [path.relative_to(HOUSE) for name in ("exchange", "tui") for path in (HOUSE / name).rglob("*.py")]
    for room in [*rooms, *map(Path, PLANNED)]:
        (tmp_path / room).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / room).touch()
    (tmp_path / "pyproject.toml").write_text((HOUSE / "pyproject.toml").read_text())
    return tmp_path


def test_the_walls_stand() -> None:
    """Every import in the house keeps every contract."""
    kept, report = lint(HOUSE)
    assert kept, report


def test_empty_rooms_keep_every_contract(shell: Path) -> None:
    """The shell that violations are planted in is clean, so what breaks is what was planted."""
    kept, report = lint(shell)
    assert kept, report


@pytest.mark.parametrize(("room", "line", "contract"), PLANTED)
def test_a_planted_violation_is_found(shell: Path, room: str, line: str, contract: str) -> None:
    """One forbidden import breaks the contract that forbids it."""
    (shell / room).write_text(f"{line}\n")
    kept, report = lint(shell)
    assert not kept
    assert contract in broken(report), report


def test_what_is_allowed_passes(shell: Path) -> None:
    """The walls have doors: what the plan allows breaks nothing."""
    for room, line in ALLOWED:
        (shell / room).write_text(f"{line}\n")
    kept, report = lint(shell)
    assert kept, report


def test_every_contract_has_its_reason_and_its_planted_violation() -> None:
    """A wall that nobody can explain or that was never tried does not stand here."""
    contracts = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert all(contract["broken_contract_guidance"].strip() for contract in contracts)
    assert {contract["name"] for contract in contracts} == {contract for _, _, contract in PLANTED}
