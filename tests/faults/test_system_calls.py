"""R3: the disk refuses. The server ends, nobody is told of anything after that, and nothing told before is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trio

from tests.conftest import NIGHTLY
from tests.faults.server import Ledger, Load, NotStarted, assert_all_there, demo

CONNECTIONS = 4
ROUND_SECONDS = 120
FATAL = [
    (call, error, when)
    for call, error, day, night in (
        ("fdatasync", "EIO", [12], range(1, 61, 2)),
        ("pwrite64", "ENOSPC", [300], range(1, 901, 30)),
        ("fdatasync", "ENOSPC", [], range(2, 61, 6)),
        ("pwrite64", "EIO", [], range(16, 901, 90)),
    )
    for when in (night if NIGHTLY else day)
]
"""At its `when`th call, of each thread's own, the disk begins to refuse, and goes on doing so."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's folder that has been made, and stopped."""
    folder = tmp_path_factory.mktemp("calls") / "data"

    async def make() -> None:
        async with demo(folder, "--bare") as server:
            server.process.terminate()
            assert await server.process.wait() == 0

    trio.run(make)
    return folder


def refusing(call: str, error: str, when: str) -> list[str]:
    """A command before a command: from then on the kernel's answer to `call` is `error`."""
    inject = f"inject={call}:error={error}:when={when}"
    return ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]


@pytest.mark.parametrize(("call", "error", "when"), FATAL)
async def test_a_disk_that_refuses_ends_the_server_and_loses_nothing(
    tmp_path: Path, furnished: Path, call: str, error: str, when: int
) -> None:
    """Under load, or while it starts. It ends by itself, non-zero; after that the ledger has all that was told."""
    folder, load = tmp_path / "data", Load("e", when)
    shutil.copytree(furnished, folder)
    status = 0
    try:
        async with demo(folder, "--bare", before=refusing(call, error, f"{when}+")) as server:
            with trio.fail_after(ROUND_SECONDS):
                await load.run(server, CONNECTIONS)
                status = await server.process.wait()
        assert load.dropped == CONNECTIONS
    except NotStarted as failed:
        status = failed.status
    assert status > 0
    assert load.placed or NIGHTLY  # by night some fail at the start
    assert "the disk refused" in (tmp_path / "stderr.txt").read_text() or NIGHTLY
    assert_all_there(folder, load)
    assert Ledger(folder).verify() > 0


async def test_a_call_that_was_interrupted_is_made_again(tmp_path: Path, furnished: Path) -> None:
    """EINTR at every third write: nobody notices, and a polite stop is polite."""
    folder, load = tmp_path / "data", Load("i", 1)
    shutil.copytree(furnished, folder)
    async with demo(folder, "--bare", before=refusing("pwrite64", "EINTR", "3+3")) as server:
        load.on_step = lambda: server.process.terminate() if load.answered == 60 else None
        with trio.fail_after(ROUND_SECONDS):
            await load.run(server, CONNECTIONS)
            assert await server.process.wait() == 0
    assert len(load.placed) + len(load.cancelled) > 30
    assert_all_there(folder, load)
    assert Ledger(folder).verify() > 0
