"""`exchange reserves make` and `check`, as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange import cli
from exchange.core import commands as co
from exchange.core.units import AccountId, Amount, AssetId
from tests.ledger.busy import sequencing


async def furnish(folder: Path) -> None:
    """A ledger that owes two people."""
    async with sequencing(folder / "ledger.db") as sequencer:
        commands: list[co.Command] = [co.ListAsset("BTC", 8), co.OpenAccount("ann"), co.OpenAccount("bob")]
        commands += [co.Credit(AccountId(100 + n), AssetId(1), Amount(n + 5), f"credit {n}") for n in range(2)]
        for command in commands:
            assert (await sequencer.call(command)).reject is None


async def test_what_make_writes_check_finds_true(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await furnish(tmp_path)
    root, paths = tmp_path / "root.json", tmp_path / "paths"
    assert cli.main(["reserves", "make", "--dir", str(tmp_path), "--out", str(root), "--paths", str(paths)]) == 0
    assert "0.00000011 owed to 2 accounts" in capsys.readouterr().out
    for name, has in (("100.json", "0.00000005 of ann"), ("101.json", "0.00000006 of bob")):
        assert (paths / name).stat().st_mode & 0o777 == 0o600
        assert cli.main(["reserves", "check", str(paths / name), "--root", str(root)]) == 0
        out = capsys.readouterr().out
        assert f"{has} is counted in 0.00000011" in out
        assert "against the published root" in out


async def test_make_reads_beside_a_running_writer(tmp_path: Path) -> None:
    await furnish(tmp_path)
    async with sequencing(tmp_path / "ledger.db"):
        assert cli.main(["reserves", "make", "--dir", str(tmp_path), "--out", str(tmp_path / "root.json")]) == 0


async def test_an_altered_file_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await furnish(tmp_path)
    root, paths = tmp_path / "root.json", tmp_path / "paths"
    cli.main(["reserves", "make", "--dir", str(tmp_path), "--out", str(root), "--paths", str(paths)])
    mine = paths / "100.json"
    mine.write_text(mine.read_text(encoding="utf-8").replace('"available":"5"', '"available":"6"'), encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["reserves", "check", str(mine)]) == 1
    assert "do not add up" in capsys.readouterr().err


def test_a_folder_without_a_ledger_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reserves", "make", "--dir", str(tmp_path), "--out", str(tmp_path / "root.json")]) == 1
    assert "there is no ledger" in capsys.readouterr().err
