"""The commands: what they print last, how they fail, and what they leave."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
import trio

from exchange import cli
from exchange.backup.standing import read_noted
from tests.backup.furnished import Furnished, furnish, verified

Capture = pytest.CaptureFixture[str]


async def small(place: Path) -> Furnished:
    """A folder whose settings leave little in reserve."""
    here = await furnish(place, commands=50)
    (here.folder / "exchange.toml").write_text("free_disk_reserve_mib = 1\n")
    return here


def said(capture: Capture, *argv: str, status: int = 0) -> list[str]:
    """The lines that a command printed: on stdout if it went well, on stderr if it did not."""
    capture.readouterr()
    assert cli.main(list(argv)) == status, capture.readouterr().err
    out, err = capture.readouterr()
    assert "Traceback" not in err
    return (err if status else out).splitlines()


async def test_a_backup_is_made_and_restored_by_what_it_printed_last(tmp_path: Path, capsys: Capture) -> None:
    """The folder for it is made; the note for metrics too; a second restore to the same place is refused."""
    here, target = await small(tmp_path), tmp_path / "to" / "there"
    key = ("--key-file", str(tmp_path / "backup.key"))
    path = said(capsys, "backup", "--dir", str(here.folder), "--to", str(target), *key)[-1]
    assert [str(target / one.name) for one in target.iterdir()] == [path]
    assert "full" in read_noted(here.folder).done
    assert (here.folder / "backups.json").stat().st_mode & 0o777 == 0o600
    argv = ("restore", "--from", path, *key, "--dir", str(tmp_path / "new"))
    assert said(capsys, *argv)[-1] == str(tmp_path / "new")
    assert verified(tmp_path / "new").events == verified(here.folder).events + 1
    assert "there is something here already" in said(capsys, *argv, status=1)[0]
    assert "Replayed" in said(capsys, "restore", "--from", path, *key, "--verify-only")[-1]


async def test_a_backup_travels_through_pipes(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out through a command, back in by standard input."""
    here, key = await small(tmp_path), ("--key-file", str(tmp_path / "backup.key"))
    said(capsys, "backup", "--dir", str(here.folder), "--to-command", f"cat > {tmp_path}/piped", *key)
    content = (tmp_path / "piped").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    said(capsys, "restore", "--from", "-", *key, "--dir", str(tmp_path / "new"))
    assert verified(tmp_path / "new").events == verified(here.folder).events + 1


async def test_a_key_beside_what_it_opens_is_warned_of(tmp_path: Path, capsys: Capture) -> None:
    here = await small(tmp_path)
    said(capsys, "backup-key", "new", "--out", str(here.folder / "k"))
    said(capsys, "backup-key", "new", "--out", str(here.folder / "k"), status=1)
    assert (
        cli.main(
            ["backup", "--dir", str(here.folder), "--to", str(tmp_path / "to"), "--key-file", str(here.folder / "k")]
        )
        == 0
    )
    assert "warning: the key" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["backup", "--key-file", "k"],
        ["backup", "--to", "a", "--to-command", "b", "--key-file", "k"],
        ["backup", "--to", "a"],
        ["restore", "--from", "f", "--key-file", "k"],
        ["restore", "--from", "f", "--key-file", "k", "--dir", "d", "--verify-only"],
        ["backup-job", "frobnicate"],
    ],
)
def test_wrong_usage_is_status_2(argv: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    assert capsys.readouterr().err


async def test_status_shows_files_and_alarms(tmp_path: Path, capsys: Capture) -> None:
    """Exit 1 while there is an alarm, 0 in a demo without a schedule; the list as CSV too."""
    here = await small(tmp_path)
    status = ("backup-status", "--dir", str(here.folder))
    assert "ALARM: no backups are made" in said(capsys, *status, status=1)[0]
    key = tmp_path / "backup.key"
    (here.folder / "exchange.toml").write_text(
        f'free_disk_reserve_mib = 1\n[backup]\nfolder = "{here.backups}"\nkey_file = "{key}"\n'
    )
    assert "there is no full backup yet" in said(capsys, *status, status=1)[0]
    for job in ("full", "segment", "drill"):  # each in a process of its own, for it makes itself nice
        await trio.run_process([sys.executable, "-m", "exchange", "backup-job", job, "--dir", str(here.folder)])
    assert said(capsys, *status)[-1].endswith("good")
    lines = said(capsys, *status, "--csv", "--match", "full-")
    assert lines[0] == "made,file"
    assert len(lines) == 2
    (here.folder / "exchange.toml").write_text("demo = true\n")
    said(capsys, *status)
