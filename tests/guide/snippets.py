"""Snippets of a page: code, and behind it what it prints."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.guide.server import Served

FOLDER = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r"^```(sh|python|js)(?: ([\w-]+))?\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
_SECONDS = 240


class Snippet(NamedTuple):
    """`where`: the environment it wants, "" for ours. `expected`: what it prints, `…` standing for anything."""

    language: str
    where: str
    code: str
    expected: str


def page(name: str) -> str:
    """A page of the manual."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def snippets(name: str) -> list[Snippet]:
    """The snippets of a page, in order. Each says what it prints, and no fenced code is left out but JSON."""
    text = page(name)
    found = [Snippet(*parts) for parts in _BLOCK.findall(text)]
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 4 * len(found) + 2 * len(
        re.findall(r"^```json$", text, re.MULTILINE)
    )
    return found


def run(server: Served, snippet: Snippet, *command: str) -> None:
    """Type it as it stands, with this server's addresses and a key in the environment; it must print what it says."""
    code = server.here(snippet.code)
    done = subprocess.run(
        [*command, code], env=server.environment(), capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    pattern = ".*".join(re.escape(part) for part in snippet.expected.strip().split("…"))
    assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), done.stdout
