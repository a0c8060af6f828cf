"""init, serve, verify and market: what they make, what they refuse, and in which words."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from pathlib import Path

import pytest

from exchange import cli
from exchange.app import open_house
from exchange.clock import SystemClock
from exchange.settings import Settings

MARKETS = Path(__file__).parents[2] / "config" / "markets.toml"

Capture = pytest.CaptureFixture[str]


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder, and what is in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def said(capture: Capture, *argv: str, status: int = 0) -> str:
    """What a command printed: on stdout if it went well, on stderr if it did not."""
    capture.readouterr()
    assert cli.main(list(argv)) == status
    out, err = capture.readouterr()
    if status:
        assert out == ""
        assert "Traceback" not in err
    return err if status else out


@pytest.fixture
def folder(tmp_path: Path, capsys: Capture) -> Path:
    """A data folder with the markets of the presets that operators copy."""
    made = tmp_path / "data"
    said(capsys, "init", "--dir", str(made), "--markets", str(MARKETS))
    return made


def test_init_makes_a_folder_that_only_its_owner_reads(folder: Path) -> None:
    """Key, ledger and office 0600; others may only pass, to the operators' socket; every setting is explained."""
    assert folder.stat().st_mode & 0o777 == 0o711
    assert (folder / "keystore").stat().st_mode & 0o777 == 0o700
    for name in ("ledger.db", "office.db", "keystore/master.key"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    assert "# http_port = 8080" in (folder / "exchange.toml").read_text()


def test_init_twice_is_refused_and_changes_nothing(folder: Path, capsys: Capture) -> None:
    """Not a byte."""
    before = contents(folder)
    message = said(capsys, "init", "--dir", str(folder), "--markets", str(MARKETS), status=1)
    assert "is a data folder already. Nothing was changed." in message
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("presets", "fault"),
    [
        ("nonsense =", "Invalid value"),
        ('[[asset]]\ncode = "BTC"\ndecimals = 8\ncolour = "red"\n', "colour"),
        ('[[asset]]\ncode = "BTC"\ndecimals = "8"\n', "decimals"),
    ],
)
def test_presets_that_cannot_be_read_leave_no_folder(tmp_path: Path, capsys: Capture, presets: str, fault: str) -> None:
    """They are read before anything is made."""
    file = tmp_path / "markets.toml"
    file.write_text(presets)
    message = said(capsys, "init", "--dir", str(tmp_path / "data"), "--markets", str(file), status=1)
    assert fault in message
    assert "Nothing was changed" in message
    assert not (tmp_path / "data").exists()


def test_an_asset_that_cannot_be_listed_is_told_in_a_sentence(tmp_path: Path, capsys: Capture) -> None:
    """With its name, and what stays."""
    file = tmp_path / "markets.toml"
    file.write_text('[[asset]]\ncode = "B-C"\ndecimals = 8\n')
    message = said(capsys, "init", "--dir", str(tmp_path / "data"), "--markets", str(file), status=1)
    assert message.startswith("exchange: B-C: These rules cannot be listed.")


def test_an_argument_that_is_no_text_is_refused(tmp_path: Path, capsys: Capture) -> None:
    """Bytes that are not UTF-8 could be stored nowhere."""
    assert "not UTF-8" in said(capsys, "account", "create", "\udcff", "--dir", str(tmp_path), status=2)


def test_serve_says_who_owns_a_busy_folder(folder: Path, capsys: Capture) -> None:
    """By process id; and verify, which only reads, does not mind."""
    with open_house(folder, Settings(), SystemClock()):
        message = said(capsys, "serve", "--dir", str(folder), status=1)
        assert f"in use by process {os.getpid()}. Nothing was changed." in message
        assert "Every row agrees" in said(capsys, "verify", "--dir", str(folder))
        assert "BTCUSDT" in said(capsys, "market", "list", "--dir", str(folder))


def test_serve_without_a_folder_says_how_to_make_one(tmp_path: Path, capsys: Capture) -> None:
    """And makes none."""
    assert "exchange init --dir" in said(capsys, "serve", "--dir", str(tmp_path / "none"), status=1)
    assert not (tmp_path / "none").exists()


def test_serve_with_wrong_settings_or_ports_starts_nothing(folder: Path, capsys: Capture) -> None:
    """All faults at once."""
    assert "at most 65535" in said(capsys, "serve", "--dir", str(folder), "--port", "65536", status=1)
    (folder / "exchange.toml").write_text('http_port = "80"\nqueue = 5\n')
    message = said(capsys, "serve", "--dir", str(folder), status=1)
    assert "unknown key 'queue'" in message
    assert "http_port must be int" in message


def test_a_ledger_that_is_none_is_told_by_every_command(folder: Path, capsys: Capture) -> None:
    """In a sentence, and the file stays."""
    (folder / "ledger.db").write_bytes(b"not a database, and long enough to be looked at closely" * 100)
    before = contents(folder)
    for argv in (["serve"], ["verify"], ["market", "list"]):
        assert "Nothing was changed" in said(capsys, *argv, "--dir", str(folder), status=1)
    after = contents(folder)
    assert {path: after[path] for path in before if "lock" not in path} == {
        path: what for path, what in before.items() if "lock" not in path
    }


def test_market_list_shows_all_or_those_that_match(folder: Path, capsys: Capture) -> None:
    """Aligned for people, CSV for spreadsheets."""
    lines = said(capsys, "market", "list", "--dir", str(folder)).splitlines()
    assert [line.split()[0] for line in lines] == ["symbol", "BTCUSDT", "ETHUSDT"]
    assert len({len(line) for line in lines}) == 1
    found = list(
        csv.DictReader(io.StringIO(said(capsys, "market", "list", "--dir", str(folder), "--match", "ETH", "--csv")))
    )
    assert [(row["symbol"], row["last"]) for row in found] == [("ETHUSDT", "2000.00000000")]
    assert said(capsys, "market", "list", "--dir", str(folder), "--match", "DOGE", "--csv").splitlines() == [
        "symbol,phase,last,tick,lot,maker_ppm,taker_ppm"
    ]


def test_market_show_shows_the_rules_or_what_there_is_instead(folder: Path, capsys: Capture) -> None:
    """In decimal numbers with their assets."""
    text = said(capsys, "market", "show", "BTCUSDT", "--dir", str(folder))
    assert "tick size     0.01000000 USDT" in text
    assert "lot size      0.00001000 BTC" in text
    message = said(capsys, "market", "show", "DOGE", "--dir", str(folder), status=1)
    assert message == "exchange: no market is called DOGE (there are: BTCUSDT, ETHUSDT).\n"
