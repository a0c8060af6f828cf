"""Environments of their own for clients that cannot live beside us: made once, with pinned hashes, in .venv/clients.

The pins: `make lock` for Python, `npm install --package-lock-only` for npm; addresses stay out of both.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parents[2] / ".venv" / "clients"
_SECONDS: Final = 600


def interpreter(name: str) -> str:
    """The Python of an environment, which is made when it is missing or its pins have changed."""
    folder = CACHE / name
    pins = HERE / f"{name}.txt"
    _make(folder, pins, [_python(folder, pins)])
    return str(folder / "bin" / "python")


def node_modules() -> Path:
    """The folder with the npm packages, installed as package-lock.json pins them."""
    folder = CACHE / "npm"
    lock = HERE.parent / "npm" / "package-lock.json"
    _make(folder, lock, [["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]])
    return folder / "node_modules"


def version(name: str, environment: str = "") -> str:
    """The version of a client that is pinned: in that environment or one of its own name, or as an npm package."""
    pins = HERE / f"{environment or name}.txt"
    if pins.exists():
        found = re.search(rf"^{re.escape(name)}\S*==(\S+)", pins.read_text(), re.MULTILINE)
        assert found is not None, name
        return found[1]
    lock = json.loads((HERE.parent / "npm" / "package-lock.json").read_text())
    return str(lock["packages"][f"node_modules/{name}"]["version"])


def _python(folder: Path, pins: Path) -> list[str]:
    uv = Path(sys.executable).with_name("uv")
    return [str(uv), "pip", "install", "--quiet", "--python", str(folder), "--require-hashes", "-r", str(pins)]


def _make(folder: Path, pins: Path, commands: list[list[str]]) -> None:
    """Run the commands in an empty folder unless they have been run for these very pins; one process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp, wanted = folder / ".stamp", hashlib.sha256(pins.read_bytes()).hexdigest()
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if pins.suffix == ".json":
            for file in pins.parent.glob("package*.json"):
                shutil.copy(file, folder)
        else:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=_SECONDS)
        for command in commands:
            subprocess.run(command, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, cwd=folder)
        stamp.write_text(wanted)
