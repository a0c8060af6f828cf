"""A folder that an older version wrote: tried on a copy, kept, changed; and what refuses leaves it as it was."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest

from exchange import cli, upgrading
from exchange.app import init_folder, open_house
from exchange.clock import SystemClock
from exchange.ledger import db
from exchange.ledger.reconcile import verify
from exchange.settings import Settings

OLD = Path(__file__).parents[1] / "ledger" / "schema_1.db.gz"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose ledger has the first schema."""
    made = tmp_path / "data"
    init_folder(made, SystemClock())
    for path in made.glob("ledger.*"):
        path.unlink()
    with gzip.open(OLD) as packed, (made / "ledger.db").open("wb") as ledger:
        shutil.copyfileobj(packed, ledger)
    (made / "ledger.db").chmod(0o600)
    return made


def contents(folder: Path) -> dict[str, str]:
    """Every file but the lock and what SQLite shares among readers."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if path.name != "lock" and not path.name.endswith(("-shm", "-wal"))]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def quiet(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_a_dry_run_replays_a_copy_and_changes_nothing(folder: Path, capsys: Capture) -> None:
    before = contents(folder)
    assert cli.main(["upgrade", "--dir", str(folder), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert f"ledger.db: schema 1 becomes {db.newest()}" in said
    assert "every row agrees" in said
    assert contents(folder) == before


def test_an_upgrade_keeps_the_files_as_they_were_and_changes_the_folder(folder: Path, capsys: Capture) -> None:
    """What was kept can be put back, and is what it was."""
    was = db.open_reader(folder / "ledger.db", older=True)
    rows = list(was.execute("SELECT * FROM journal"))
    was.close()
    assert cli.main(["upgrade", "--dir", str(folder)]) == 0
    assert "is up to date: start the server" in capsys.readouterr().out
    assert verify(folder / "ledger.db", quiet).events > 100
    (kept,) = folder.glob("before-upgrade-*")
    assert kept.stat().st_mode & 0o777 == 0o700
    assert db.versions(kept / "ledger.db")[0] == 1
    again = db.open_reader(kept / "ledger.db", older=True)
    assert list(again.execute("SELECT * FROM journal")) == rows
    again.close()
    assert list(folder.glob("trial-*")) == []
    with open_house(folder, Settings(), SystemClock()) as house:
        assert house.sequencer.state.orders
    assert cli.main(["upgrade", "--dir", str(folder)]) == 0
    assert "up to date. Nothing was changed." in capsys.readouterr().out


def test_a_server_does_not_start_on_a_folder_that_is_to_be_upgraded(folder: Path, capsys: Capture) -> None:
    """It would be changed without a copy, and could not go back."""
    before = contents(folder)
    assert cli.main(["serve", "--dir", str(folder)]) == 1
    assert f"`exchange upgrade --dir {folder}`" in capsys.readouterr().err
    assert contents(folder) == before


def test_an_upgrade_of_a_running_server_is_refused_and_a_dry_run_is_not(folder: Path, capsys: Capture) -> None:
    upgrading.upgrade(folder, SystemClock(), lambda *_: None)
    shutil.rmtree(next(folder.glob("before-upgrade-*")))
    with open_house(folder, Settings(), SystemClock()):
        assert cli.main(["upgrade", "--dir", str(folder), "--dry-run"]) == 0
        with pytest.raises(Exception, match="in use by process"):
            upgrading.upgrade(folder, SystemClock(), lambda *_: None)
    assert list(folder.glob("before-upgrade-*")) == []


def test_a_copy_that_differs_from_its_journal_stops_it_and_nothing_is_changed(folder: Path, capsys: Capture) -> None:
    """Here because somebody changed a balance in the older file."""
    connection = db._connect(folder / "ledger.db", 2)
    connection.execute("UPDATE balances SET amount = amount + 1 WHERE rowid = (SELECT min(rowid) FROM balances)")
    connection.close()
    before = contents(folder)
    for words in ([], ["--dry-run"]):
        assert cli.main(["upgrade", "--dir", str(folder), *words]) == 1
        assert "differs from its journal" in capsys.readouterr().err
        assert contents(folder) == before


def test_too_little_room_is_told_beforehand(folder: Path, capsys: Capture) -> None:
    (folder / "exchange.toml").write_text("free_disk_reserve_mib = 1000000000\n")
    before = contents(folder)
    assert cli.main(["upgrade", "--dir", str(folder)]) == 1
    assert "MiB are needed" in capsys.readouterr().err
    assert contents(folder) == before


def test_a_folder_of_a_newer_program_is_refused(folder: Path, capsys: Capture) -> None:
    connection = db._connect(folder / "ledger.db", 2)
    connection.pragma("user_version", 99)
    connection.close()
    for command in ("upgrade", "serve"):
        assert cli.main([command, "--dir", str(folder)]) == 1
        assert "written by a newer program" in capsys.readouterr().err


def test_the_version_is_told(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("exchange ")
