"""docs/custody.md is complete: every key of a chain's settings, every alarm and every state has its row there."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import msgspec
import pytest

from exchange.chain_settings import CHAIN_HELP, ChainSettings
from exchange.cli import parser
from exchange.core.transfers import DepositState, WithdrawalState

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "custody.md").read_text(encoding="utf-8")
_RAISED = re.compile(
    r"""(?:raise_alarm\(db, [\w.]+, |_alarm\(|alarm\(db, chain, |(?:_KIND|_NODE): Final = )"([^"]+)\""""
)


def test_every_setting_of_a_chain_stands_there_with_its_default_and_words() -> None:
    for field in msgspec.structs.fields(ChainSettings):
        default = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
        assert f"| `{field.name}` | `{default}` | {CHAIN_HELP[field.name]} |" in GUIDE


def test_every_alarm_stands_there() -> None:
    """Those that custody raises, and no other."""
    files = (ROOT / "exchange" / "custody").rglob("*.py")
    raised = {kind for file in files for kind in _RAISED.findall(file.read_text(encoding="utf-8"))}
    assert len(raised) > 10
    section = GUIDE.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)) == raised


@pytest.mark.parametrize("states", [DepositState, WithdrawalState])
def test_every_state_stands_there(states: type[DepositState | WithdrawalState]) -> None:
    assert [one.name for one in states if f"`{one.name.lower()}`" not in GUIDE] == []


def test_every_command_that_it_names_exists() -> None:
    commands = _verbs(parser())
    named = set(re.findall(r"exchange ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+(?:-[a-z]+)*))?(?=[ `\n])", GUIDE))
    wrong = [(verb, sub) for verb, sub in named if verb in commands and commands[verb] and sub not in commands[verb]]
    assert [one for one in wrong if one[1]] == []


def _verbs(top: argparse.ArgumentParser) -> dict[str, set[str]]:
    return {name: set(_below(one)) for name, one in _below(top).items()}


def _below(one: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    kinds = [action for action in one._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: found for action in kinds for name, found in action.choices.items()}
