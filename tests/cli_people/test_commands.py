"""The commands about people, as somebody types them: on a stopped server's folder and beside a running one."""

from __future__ import annotations

import argparse
import base64
import csv
import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

from exchange import cli_people
from exchange.app import init_folder
from exchange.cli import main, parser
from exchange.cli_people.verbs import AT_DESK
from exchange.clock import SystemClock
from exchange.core.units import AccountId
from tests.admin.furnished import code, enrol, furnished, served

SPKI = bytes.fromhex("302a300506032b6570032100")

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder, as `exchange init` makes it."""
    init_folder(tmp_path / "data", SystemClock())
    return tmp_path / "data"


@pytest.fixture
def typed(folder: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type a command about that folder: exit status, what it printed, what it complained."""

    def run(*words: str) -> tuple[int, str, str]:
        status = main([*words, "--dir", str(folder)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def commands(of: argparse.ArgumentParser, name: str = "") -> dict[str, argparse.ArgumentParser]:
    """Every command of this room by its full name."""
    found = {}
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, sub in action.choices.items():
                found.update(commands(sub, f"{name} {verb}".strip()))
    return found or {name: of}


def of_this_room() -> dict[str, argparse.ArgumentParser]:
    top = argparse.ArgumentParser()
    cli_people.add_commands(top.add_subparsers())
    return commands(top)


@pytest.mark.parametrize("name", sorted(of_this_room()))
def test_every_command_has_help_and_an_example(name: str) -> None:
    command = of_this_room()[name]
    assert command.description
    assert str(command.epilog).startswith(f"example: exchange {name}")


def test_every_command_does_something() -> None:
    assert of_this_room().keys() == AT_DESK.keys() | {"audit verify"}


@pytest.mark.parametrize("name", sorted(of_this_room()))
def test_every_example_can_be_typed(name: str) -> None:
    """An example that the command itself would not take helps nobody."""
    example = str(of_this_room()[name].epilog).removeprefix("example: exchange ")
    assert parser().parse_args(shlex.split(example)).does == name


@pytest.mark.parametrize("name", sorted(of_this_room()))
def test_no_option_takes_a_secret(name: str) -> None:
    """What stands in argv can be read by everybody on the machine."""
    options = {action.dest for action in of_this_room()[name]._actions}
    assert options.isdisjoint({"secret", "code", "totp", "password", "master_key"})


@pytest.mark.parametrize("name", sorted(name for name in of_this_room() if name.endswith("list")))
def test_every_list_can_be_searched_and_exported(name: str) -> None:
    options = {action.dest for action in of_this_room()[name]._actions}
    assert {"match", "csv"} <= options


def test_an_account_is_opened_and_listed(typed: Typed) -> None:
    assert typed("account", "create", "alice")[0] == 0
    status, out, _ = typed("account", "list", "--csv")
    assert (status, [row["name"] for row in csv.DictReader(io.StringIO(out))]) == (0, ["alice"])


def test_a_taken_name_is_refused_in_a_sentence(typed: Typed) -> None:
    typed("account", "create", "alice")
    status, out, err = typed("account", "create", "alice")
    assert (status, out) == (1, "")
    assert err == "exchange: there is an account called alice already. No account was opened.\n"


def test_a_key_is_shown_once(typed: Typed) -> None:
    typed("account", "create", "alice")
    _, out, _ = typed("key", "create", "alice", "--scope", "trade")
    found = re.search(r"^secret   (\w{64})$", out, re.MULTILINE)
    assert found
    assert found[1] not in typed("key", "list", "--csv")[1]


def test_an_ed25519_key_comes_from_a_file(typed: Typed, tmp_path: Path) -> None:
    der = base64.encodebytes(SPKI + bytes(SigningKey.generate().verify_key)).decode()
    (tmp_path / "public.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{der}-----END PUBLIC KEY-----\n")
    typed("account", "create", "alice")
    status, out, _ = typed("key", "create", "alice", "--scope", "read", "--ed25519", str(tmp_path / "public.pem"))
    assert (status, "secret" in out) == (0, False)
    assert "ed25519" in typed("key", "list")[1]


def test_a_key_file_that_is_missing_is_told_in_a_sentence(typed: Typed, tmp_path: Path) -> None:
    typed("account", "create", "alice")
    status, _, err = typed("key", "create", "alice", "--scope", "read", "--ed25519", str(tmp_path / "none.pem"))
    assert (status, "none.pem" in err) == (1, True)


def test_b22_a_key_is_limited_to_addresses_and_freed(typed: Typed) -> None:
    """B22: when it is made, later, and never by leaving something out."""
    typed("account", "create", "alice")
    _, out, _ = typed("key", "create", "alice", "--scope", "read", "--ip", "203.0.113.0/24", "--ip", "::1")
    key = re.findall(r"^api key  (\w+)$", out, re.MULTILINE)[0]
    assert "from 203.0.113.0/24, ::1" in out
    assert "from 2001:db8::/48," in typed("key", "ips", key, "2001:db8::/48")[1]
    (row,) = csv.DictReader(io.StringIO(typed("key", "list", "--csv")[1]))
    assert (row["addresses"], row["last used"], row["expired"]) == ("2001:db8::/48", "", "")
    assert typed("key", "ips", key, "203.0.113.5/24")[2].endswith("or that one address? Nothing was changed.\n")
    with pytest.raises(SystemExit):
        typed("key", "ips", key)
    assert "from any address" in typed("key", "ips", key, "--any")[1]


def test_a_key_is_revoked(typed: Typed) -> None:
    typed("account", "create", "alice")
    key = re.findall(r"^api key  (\w+)$", typed("key", "create", "alice", "--scope", "read")[1], re.MULTILINE)[0]
    assert typed("key", "revoke", key)[0] == 0
    (row,) = csv.DictReader(io.StringIO(typed("key", "list", "--match", key[:9], "--csv")[1]))
    assert row["revoked"]


def test_outside_of_a_demo_nothing_is_credited(typed: Typed) -> None:
    typed("account", "create", "alice")
    status, _, err = typed("credit", "alice", "BTC", "1")
    assert (status, "in a demo only" in err, "Nothing was changed" in err) == (1, True, True)


def test_an_operator_gets_a_qr_code(typed: Typed) -> None:
    status, out, _ = typed("operator", "add", "ann", "--uid", "1234", "--role", "auditor")
    assert (status, "█" in out, "otpauth://totp/" in out) == (0, True, True)
    (row,) = csv.DictReader(io.StringIO(typed("operator", "list", "--csv")[1]))
    assert (row["name"], row["uid"], row["role"]) == ("ann", "1234", "auditor")


def test_an_operator_goes_by_login_name(typed: Typed) -> None:
    typed("operator", "add", "ann", "--uid", "root", "--role", "auditor")
    assert "0" in typed("operator", "list", "--csv")[1].splitlines()[1].split(",")


def test_a_login_name_that_nobody_has_is_refused(typed: Typed) -> None:
    status, _, err = typed("operator", "add", "ann", "--uid", "no-such-user", "--role", "auditor")
    assert (status, "no-such-user" in err, "Nobody was added" in err) == (1, True, True)


def test_an_operator_is_removed(typed: Typed) -> None:
    typed("operator", "add", "ann", "--uid", "1234", "--role", "auditor")
    assert typed("operator", "remove", "ann")[0] == 0
    assert typed("operator", "remove", "ann")[0] == 1


def test_the_trail_is_listed_and_verified(typed: Typed) -> None:
    typed("account", "create", "alice")
    rows = list(csv.DictReader(io.StringIO(typed("audit", "list", "--match", "account.create", "--csv")[1])))
    assert [row["stage"] for row in rows] == ["asked", "done"]
    status, out, _ = typed("audit", "verify")
    assert (status, out.startswith("verified: 4 entries")) == (0, True)


def test_b42_a_trail_that_was_cut_is_named(typed: Typed, folder: Path) -> None:
    """B42: from the command line, with a head kept elsewhere."""
    typed("account", "create", "alice")
    kept = folder.parent / "kept.head"
    kept.write_bytes((folder / "trail.head").read_bytes().replace(b'"seq":2', b'"seq":9'))
    status, _, err = typed("audit", "verify", "--head", str(kept))
    assert (status, "row 9 was written once and is missing" in err) == (1, True)


def test_a_folder_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", "list", "--dir", str(tmp_path)]) == 1
    assert "Nothing was changed" in capsys.readouterr().err


def test_a_cell_that_a_spreadsheet_would_compute_is_made_text(typed: Typed) -> None:
    typed("account", "create", "=1+1")
    (row,) = csv.DictReader(io.StringIO(typed("account", "list", "--csv")[1]))
    assert row["name"] == "'=1+1"


async def beside(folder: Path, *words: str) -> int:
    """Type a command beside this test's own server."""
    return await trio.to_thread.run_sync(main, [*words, "--dir", str(folder)])


async def test_beside_a_running_demo_a_command_goes_through_its_socket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server itself knows the new account at once."""
    async with furnished(tmp_path, demo=True) as house, served(house):
        assert await beside(tmp_path, "account", "create", "carol") == 0
        assert await house.sequencer.read(lambda state: "carol" in state.names)
        assert await beside(tmp_path, "credit", "carol", "USDT", "2.50") == 0
        assert "carol has 2.50000000 USDT available" in capsys.readouterr().out


async def test_beside_a_running_server_a_code_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a pipe here; a terminal does not show it."""
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        async with served(house):
            monkeypatch.setattr("sys.stdin", io.StringIO(code(house, totp) + "\n"))
            assert await beside(tmp_path, "key", "create", "alice", "--scope", "trade") == 0
            assert len(house.keyring.list(AccountId(100))) == 1
            monkeypatch.setattr("sys.stdin", io.StringIO("000000\n"))
            assert await beside(tmp_path, "account", "create", "carol") == 1
    assert "that code is wrong" in capsys.readouterr().err


async def test_beside_a_running_server_an_unknown_user_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with furnished(tmp_path) as house, served(house):
        assert await beside(tmp_path, "account", "list") == 1
    assert "belongs to no operator" in capsys.readouterr().err


async def test_a_long_list_is_fetched_page_by_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """500 rows come at a time."""
    async with furnished(tmp_path, demo=True) as house:
        from exchange.core.commands import OpenAccount

        for number in range(600):
            house.sequencer.submit(OpenAccount(f"trader-{number}"), lambda outcome: None)
        async with served(house):
            assert await beside(tmp_path, "account", "list", "--match", "trader", "--csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 601


def test_networks_limits_and_payouts_are_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    markets = Path(__file__).parents[2] / "config" / "markets.toml"
    there = ("--dir", str(tmp_path / "house"))
    assert main(["init", *there, "--markets", str(markets)]) == 0
    capsys.readouterr()

    def said(*words: str) -> str:
        status, told = main([*words, *there]), capsys.readouterr()
        assert (status, told.err) == (0, "")
        return told.out

    said("network", "set", "BTC", "BTC", "--decimals", "8", "--minimum", "0.001", "--confirmations", "0:2", "1:6")
    (row,) = csv.DictReader(io.StringIO(said("network", "list", "--csv")))
    assert (row["asset"], row["minimum"], row["confirmations"]) == ("BTC", "0.00100000", "0.00000000:2 1.00000000:6")
    assert "withdraw 2.00000000 BTC" in said("tier", "limit", "0", "BTC", "--day", "2", "--month", "20")
    assert "20.00000000" in said("tier", "list")
    assert "are shut: a drill" in said("payouts", "shut", "--asset", "BTC", "--reason", "a drill")
    assert "a drill" in said("payouts", "list")
    assert "shut still: nothing" in said("payouts", "open", "--asset", "BTC", "--reason", "over")
