"""Every command, option and argument says what it is for, and every example is one that works."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from exchange import cli


def walk(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from walk(below)


COMMANDS = [parser for parser in walk(cli.parser()) if parser.prog != "exchange"]


def test_all_promised_commands_are_there() -> None:
    """Those of the README and of the manual."""
    names = {parser.prog for parser in COMMANDS}
    promised = "init serve tui demo verify account key credit operator market replay".split()  # noqa: SIM905
    assert {f"exchange {name}" for name in promised} <= names
    assert {"exchange market list", "exchange market show", "exchange account create"} <= names
    assert {"exchange key create", "exchange operator add"} <= names


@pytest.mark.parametrize("command", COMMANDS, ids=lambda parser: parser.prog)
def test_a_command_has_help_and_an_example_that_it_accepts(command: argparse.ArgumentParser) -> None:
    """Every option and argument too; the example is parsed by the very parser."""
    assert command.description
    assert command.epilog
    assert command.epilog.startswith("example: exchange ")
    for action in command._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction) or action.dest in {"symbol", "name"}, (
            action
        )
    words = shlex.split(command.epilog.removeprefix("example: "))
    assert callable(cli.parser().parse_args(words[1:]).run)


def test_a_wrong_command_is_refused_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """And the ones that exist are listed."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["frobnicate"])
    assert caught.value.code == 2
    assert "init" in capsys.readouterr().err


def test_the_module_and_the_script_are_the_same_command() -> None:
    """`python -m exchange` shows the help of `exchange`."""
    shown = subprocess.run([sys.executable, "-m", "exchange", "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("usage: exchange ")
    assert "verify" in shown.stdout
