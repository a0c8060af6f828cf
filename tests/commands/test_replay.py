"""replay: the recorded day through sequencer and ledger; bad recordings by file, line and fault."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from exchange import cli

DATA = Path(__file__).parents[2] / "exchange" / "demo" / "recording"
BOOK, ORDERS, VENUE = (DATA / f"bitstamp-2015-05-01-{name}.csv" for name in ("book", "orders", "trades"))
Capture = pytest.CaptureFixture[str]


def replay(folder: Path, book: Path, orders: Path, out: Path) -> int:
    files = ["--book", str(book), "--orders", str(orders), "--trades-out", str(out)]
    return cli.main(["replay", "--dir", str(folder), "--market", "BTCUSD", *files])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole recording in its ledger, and T.csv beside it."""
    place = tmp_path_factory.mktemp("replay")
    assert replay(place / "data", BOOK, ORDERS, place / "T.csv") == 0
    return place


def test_the_real_day_yields_369_trades_of_which_363_are_the_venues_own(replayed: Path) -> None:
    """The same price and quantity, each counted once."""
    ours = Counter((row["price_cents"], row["amount_satoshi"]) for row in rows_of(replayed / "T.csv"))
    theirs = Counter((row["price_cents"], row["amount_satoshi"]) for row in rows_of(VENUE))
    assert (ours.total(), (ours & theirs).total()) == (369, 363)


def test_trades_carry_the_recordings_own_ids_and_times(replayed: Path) -> None:
    """A maker that was there before its taker, at the maker's price, both of the recording."""
    trades = rows_of(replayed / "T.csv")
    assert list(trades[0]) == ["time_ms", "price_cents", "amount_satoshi", "maker_order_id", "taker_order_id"]
    recorded = {row["order_id"]: row for row in [*rows_of(BOOK), *rows_of(ORDERS)] if row.get("action") != "cancel"}
    for trade in trades:
        maker, taker = recorded[trade["maker_order_id"]], recorded[trade["taker_order_id"]]
        assert maker["side"] != taker["side"]
        assert trade["price_cents"] == maker["price_cents"]
        assert trade["time_ms"] == taker["time_ms"]
    times = [int(trade["time_ms"]) for trade in trades]
    assert times == sorted(times)


def test_the_replayed_ledger_is_verified(replayed: Path, capsys: Capture) -> None:
    """All of it, trades and all."""
    assert cli.main(["verify", "--dir", str(replayed / "data")]) == 0
    assert "369 trades" in capsys.readouterr().out


def test_a_folder_that_is_one_already_is_left_alone(replayed: Path, capsys: Capture) -> None:
    """Replay wants a fresh one."""
    before = (replayed / "data" / "ledger.db").read_bytes()
    assert replay(replayed / "data", BOOK, ORDERS, replayed / "again.csv") == 1
    assert "is a data folder already. Nothing was changed." in capsys.readouterr().err
    assert (replayed / "data" / "ledger.db").read_bytes() == before
    assert not (replayed / "again.csv").exists()


HEAD = "time_ms,action,order_id,side,price_cents,amount_satoshi\n"
GOOD = "1,create,7,buy,23000,100\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the first line must be"),
        ("time,action\n", "the first line must be"),
        (HEAD + GOOD + "1,create,8,buy,x,100\n", "line 3: 'x' is not a whole number"),
        (HEAD + GOOD + "\n\n1,create,8,buy,-1,100\n", "line 5: '-1' is not"),
        (HEAD + "1,create,8,buy,23000.5,100\n", "line 2: '23000.5' is not"),
        (HEAD + "1,create,8,buy,NaN,100\n", "line 2: 'NaN' is not"),
        (HEAD + "1,create,8,buy,1_0,100\n", "line 2: '1_0' is not"),
        (HEAD + "1,create,8,buy,23000," + "9" * 30 + "\n", "line 2:"),
        (HEAD + "1,amend,8,buy,23000,100\n", "line 2: action 'amend'"),
        (HEAD + "1,create,8,both,23000,100\n", "line 2: side 'both' is neither"),
        (HEAD + "1,create,8,buy,23000\n", "line 2: None is not"),
        (HEAD + "1,create,8,buy,23000,100,5\n", "line 2: too many columns"),
        (HEAD + "1,create,8,buy,23000,\0\n", "line 2"),
    ],
)
def test_a_bad_recording_is_refused_by_line_and_nothing_is_made(
    tmp_path: Path, capsys: Capture, text: str, fault: str
) -> None:
    """Every line is read before the folder is."""
    bad = tmp_path / "orders.csv"
    bad.write_text(text)
    assert replay(tmp_path / "data", BOOK, bad, tmp_path / "T.csv") == 1
    message = capsys.readouterr().err
    assert str(bad) in message
    assert fault in message
    assert "Nothing was changed" in message
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path, capsys: Capture) -> None:
    """In a sentence."""
    assert replay(tmp_path / "data", BOOK, tmp_path / "none.csv", tmp_path / "T.csv") == 1
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    assert replay(tmp_path / "data", binary, ORDERS, tmp_path / "T.csv") == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_symbol_that_nobody_could_ask_for_or_nowhere_to_write_is_refused_first(
    tmp_path: Path, capsys: Capture
) -> None:
    """Before the long work, and before anything is made."""
    assert replay(tmp_path / "data", BOOK, ORDERS, tmp_path / "none" / "T.csv") == 1
    assert "no such folder to write to" in capsys.readouterr().err
    argv = ["replay", "--dir", str(tmp_path / "data"), "--market", "btc usd", "--book", str(BOOK)]
    assert cli.main([*argv, "--orders", str(ORDERS), "--trades-out", str(tmp_path / "T.csv")]) == 1
    assert "capital letters and digits" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_cancel_of_nothing_and_a_create_of_nothing_are_counted_and_refused(tmp_path: Path, capsys: Capture) -> None:
    """As a venue would; the others trade."""
    book, orders, out = tmp_path / "b.csv", tmp_path / "o.csv", tmp_path / "T.csv"
    book.write_text("order_id,side,price_cents,amount_satoshi\n1,sell,23000,100000000\n")
    lines = ["5,cancel,99,buy,23000,100", "6,create,2,buy,23000,0", "7,create,3,buy,23100,40000000"]
    orders.write_text(HEAD + "\n".join(lines) + "\n")
    assert replay(tmp_path / "data", book, orders, out) == 0
    assert "4 commands, 1 trades" in capsys.readouterr().out
    assert out.read_text().splitlines()[1:] == ["7,23000,40000000,1,3"]
