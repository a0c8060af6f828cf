"""Anvil, a real EVM node for demos and tests: got once from npm, kept in a cache, run on loopback, ended by its pid."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import platform
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.demo.nodes import CACHE, NoNode, one_at_a_time

VERSION: Final = "1.7.1"
_PACKAGES: Final = {
    "x86_64": (
        "@foundry-rs/anvil-linux-amd64",
        "+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
    ),
}
"""The npm package that holds the program itself, by machine, and the SHA-512 of its archive."""
_GET_SECONDS: Final = 300
_START_SECONDS: Final = 20
_STOP_SECONDS: Final = 5
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG


class Anvil(msgspec.Struct, frozen=True):
    """A running node."""

    url: str
    pid: int


def program() -> Path:
    """The program, got from npm on first use. Raises `NoNode` where it cannot be had."""
    folder = CACHE / f"anvil-{VERSION}"
    found = folder / "anvil"
    if found.exists():
        return found
    if platform.system() != "Linux" or platform.machine() not in _PACKAGES:
        raise NoNode(f"no Anvil for {platform.system()} on {platform.machine()}")
    with one_at_a_time("anvil"):
        if not found.exists():
            _get(*_PACKAGES[platform.machine()], folder)
    return found


@asynccontextmanager
async def running(*options: str, chain_id: int = 31337, port: int = 0) -> AsyncIterator[Anvil]:
    """A fresh node that mines only when told (`evm_mine`), unless the options say otherwise; gone when the block ends.

    Port 0 takes any free one. Raises `NoNode` where there is none or it does not start.
    """
    path = await trio.to_thread.run_sync(program)
    mining = () if "--block-time" in options else ("--no-mining",)
    process = _start([str(path), "--port", str(port), "--chain-id", str(chain_id), *mining, *options])
    discarding = threading.Thread(target=_discard, args=(process,), daemon=True)
    try:
        url = await _address(process)
        discarding.start()
        yield Anvil(url, process.pid)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(_end, process, discarding)


def _get(package: str, digest: str, folder: Path) -> None:
    """Have npm fetch the package, see that it is the very one we mean, and put its program into the cache."""
    if shutil.which("npm") is None:
        raise NoNode("Anvil comes from npm, which is not installed")
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", f"{package}@{VERSION}", "--pack-destination", scratch, "--silent"]
        try:
            subprocess.run(  # noqa: S603  # our own words
                command, check=True, timeout=_GET_SECONDS, stdin=subprocess.DEVNULL, capture_output=True
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise NoNode(f"npm could not fetch {package} {VERSION}") from error
        archive = next(Path(scratch).glob("*.tgz"))
        if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != digest:
            raise NoNode(f"{package} {VERSION} is not the archive that was pinned")
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as content:
            member = content.extractfile("package/bin/anvil")
            assert member is not None
            partial = folder / "anvil.partial"
            partial.write_bytes(member.read())
        partial.chmod(0o755)
        partial.rename(folder / "anvil")


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """From this very thread: the kernel ends the child when the thread that started it is gone."""
    libc = ctypes.CDLL(None)
    return subprocess.Popen(  # noqa: S603  # our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,  # ctrl-C is for us; we end it
        preexec_fn=lambda: libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0),  # noqa: PLW1509  # one system call
    )


async def _address(process: subprocess.Popen[bytes]) -> str:
    """The address that the node prints once it listens."""
    assert process.stdout is not None
    printed = b""
    while not (found := re.search(rb"Listening on ([0-9.]+:[0-9]+)\n", printed)):
        with trio.move_on_after(_START_SECONDS) as waiting:
            await trio.lowlevel.wait_readable(process.stdout.fileno())
        some = b"" if waiting.cancelled_caught else process.stdout.read(65_536)
        if not some:
            raise NoNode(f"Anvil did not start: {printed[-300:].decode(errors='replace')}")
        printed += some
    return f"http://{found[1].decode()}"


def _discard(process: subprocess.Popen[bytes]) -> None:
    """Take whatever the node prints until it ends, so that it never waits for us."""
    assert process.stdout is not None
    while process.stdout.read(65_536):
        pass


def _end(process: subprocess.Popen[bytes], discarding: threading.Thread) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if discarding.is_alive():
        discarding.join()
    assert process.stdout is not None
    process.stdout.close()
