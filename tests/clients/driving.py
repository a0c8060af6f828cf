"""Run a driver, a client in a process of its own, against a running house, and read its verdicts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import trio

from tests.api.fast import Fast
from tests.api.house import Person
from tests.clients.environments import CACHE

ROOT = Path(__file__).parents[2]
SECONDS = 300
"""How long a driver may take on the busiest machine."""


async def drive(
    fast: Fast, person: Person, *command: str, http: str = "", trusted: str = "", seconds: int = SECONDS
) -> dict[str, str]:
    """The verdict on each function of a client.

    `http`: another address than the main door's. `trusted`: the file with the certificate that the fast door shows.
    `seconds`: how long it may take.
    """
    house = {
        "http": http or fast.house.url,
        "fast": f"http://127.0.0.1:{fast.port}",
        "ws": f"{'wss' if trusted else 'ws'}://127.0.0.1:{fast.port}",
        "key": person.key.api_key,
        "secret": person.key.secret,
    }
    quiet = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = quiet | {
        "HOUSE": json.dumps(house),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"SSL_CERT_FILE": trusted} if trusted else {}),
        "NODE_MODULES": str(CACHE / "npm" / "node_modules"),
    }
    with trio.fail_after(seconds):
        done = await trio.run_process(
            list(command), capture_stdout=True, capture_stderr=True, check=False, env=environment, cwd=ROOT
        )
    assert done.returncode == 0, done.stderr.decode()[-4_000:]
    verdicts: dict[str, str] = json.loads(done.stdout.decode().rstrip().rpartition("\n")[2])
    return verdicts


def python(module: str, *options: str, interpreter: str = sys.executable) -> tuple[str, ...]:
    """The command that runs a driver written in Python."""
    return interpreter, "-W", "ignore", "-m", f"tests.clients.drivers.{module}", *options
