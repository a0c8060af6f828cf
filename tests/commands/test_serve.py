"""`exchange serve --tui`: a server that outlives the dashboard it was started beside."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from exchange import cli
from exchange.cli_beside import LOG
from tests.faults.server import Ledger

PORTS = ["--port", "0", "--fast-port", "0"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert cli.main(["init", "--dir", str(tmp_path / "data")]) == 0
    return tmp_path / "data"


def _end(pid: int) -> int:
    """Ask it to stop; its exit status."""
    os.kill(pid, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_server_runs_on_when_the_dashboard_is_quit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The dashboard finds its socket there, and may end as it likes."""
    shown: list[str] = []

    def show(path: str) -> int:
        shown.append(path)
        return 0

    monkeypatch.setattr("tui.app.main", show)
    assert cli.main(["serve", "--dir", str(folder), "--tui", *PORTS]) == 0
    said = capsys.readouterr().out
    found = re.search(r"runs on as process (\d+)", said)
    assert found is not None, said
    pid = int(found[1])
    try:
        assert shown == [str(folder / "admin.sock")]
        assert os.getsid(pid) == pid, "ctrl-C in this terminal would reach it"
        assert cli.main(["serve", "--dir", str(folder), "--tui", *PORTS]) == 1
        assert "is being served. Nothing was started." in capsys.readouterr().err
    finally:
        assert _end(pid) == 0
    assert "main door http://" in (folder / LOG).read_text()
    assert (folder / LOG).stat().st_mode & 0o777 == 0o600
    assert Ledger(folder).verify() == 0


def test_a_server_that_cannot_start_says_why_and_no_dashboard_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tui.app.main", lambda _path: pytest.fail("nothing is there to be shown"))
    with (folder / "exchange.toml").open("a") as settings:
        settings.write("no_such_key = 1\n")
    assert cli.main(["serve", "--dir", str(folder), "--tui", *PORTS]) == 1
    said = capsys.readouterr().err
    assert "the server did not start" in said
    assert "unknown key 'no_such_key'" in said
    assert cli.main(["serve", "--dir", str(folder / "none"), "--tui", *PORTS]) == 1
    assert "is not a data folder. Nothing was started." in capsys.readouterr().err
