"""What the README tells people to type is typed here, against the demo that the README starts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.faults.server import Running, demo

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str, mark: str) -> str:
    """The first code block of that language with `mark` in it."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(text for text in blocks if mark in text)


def filled_in(text: str, server: Running) -> str:
    """The block with the demo's own address, key and secret where the README leaves room."""
    alice = server.ready.accounts[0]
    text = text.replace("127.0.0.1:8080", server.ready.http.removeprefix("http://"))
    text = text.replace("KEY=...", f"KEY={alice.api_key}").replace("SECRET=...", f"SECRET={alice.secret}")
    return text.replace('"apiKey": "..."', f'"apiKey": "{alice.api_key}"').replace(
        '"secret": "..."', f'"secret": "{alice.secret}"'
    )


async def said(server: Running, *command: str) -> str:
    """What a command prints; it must succeed."""
    done = await trio.run_process([*command], capture_stdout=True, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is not installed")
async def test_the_first_order_with_curl_is_accepted(tmp_path: Path) -> None:
    async with demo(tmp_path / "demo", "--bare") as server:
        reply = await said(server, "bash", "-c", filled_in(block("sh", "curl -X POST"), server))
    assert '"status":"NEW"' in reply
    assert '"symbol":"BTCUSDT"' in reply


async def test_the_first_order_with_ccxt_is_accepted(tmp_path: Path) -> None:
    async with demo(tmp_path / "demo", "--bare") as server:
        reply = await said(
            server, sys.executable, "-W", "ignore", "-c", filled_in(block("python", "import ccxt"), server)
        )
    assert "'status': 'open'" in reply
    assert "'used': 25.0" in reply


def test_every_command_stands_in_the_readme() -> None:
    from exchange.cli import parser

    actions = [action for action in parser()._actions if action.choices]
    commands = [name for action in actions for name in action.choices or ()]
    assert commands
    assert [name for name in commands if f"`exchange {name}" not in README and f"`{name}`" not in README] == []
