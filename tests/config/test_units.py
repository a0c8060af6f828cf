"""B55: the systemd units shut what they can, and let the server and the signer do what they really do."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from exchange.custody.signer.client import SignerClient
from exchange.custody.signer.folder import read_public
from tests.custody import signing_kit as kit
from tests.custody.test_signer import WISH, sealed_to
from tests.faults.handover import LAUNCH
from tests.faults.server import SYMBOL, demo

CONFIG = Path(__file__).parents[2] / "config"
SERVICES = ["exchange.service", "exchange-signer.service"]
SECONDS = 120
_AS_ROOT = {"fchown"} if os.geteuid() == 0 else set()
"""SQLite gives its files to the folder's owner, where root runs it; tests do, the unit does not."""

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (apt-get install systemd): units are NOT checked",
)
needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: system calls of the units are NOT checked"
)


def analyze(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@needs_analyze
@pytest.mark.parametrize("unit", SERVICES)
def test_b55_a_unit_scores_at_most_1_5(unit: str) -> None:
    """B55: by systemd's own measure, where 10 is a service that is shut from nothing."""
    said = analyze("security", "--offline=true", "--threshold=15", str(CONFIG / unit))
    found = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert found, said
    assert float(found.group(1)) <= 1.5, said


@needs_analyze
@pytest.mark.parametrize("unit", sorted(path.name for path in CONFIG.glob("exchange*.s*")))
def test_systemd_understands_every_line_of_a_unit(unit: str, tmp_path: Path) -> None:
    """Lines that it does not know are ignored with a warning, and then shut nothing."""
    for one in CONFIG.glob("exchange*.s*"):
        text = re.sub(r"^(ExecStart\w*)=\S+", r"\1=/bin/true", one.read_text(), flags=re.MULTILINE)
        (tmp_path / one.name).write_text(text)
    said = analyze("verify", "--man=no", str(tmp_path / unit))
    ours = [line for line in said.splitlines() if "exchange" in line]
    assert ours == []


def test_a_folder_is_brought_up_to_date_before_the_server_starts() -> None:
    """While the service is being started its sockets start nothing further: whoever comes waits."""
    lines = settings_of("exchange.service", "Service")
    start, before = lines["ExecStart"][0].split(), lines["ExecStartPre"][0].split()
    assert (start[0], start[2:]) == (before[0], before[2:])
    assert (start[1], before[1]) == ("serve", "upgrade")


def settings_of(unit: str, section: str) -> dict[str, list[str]]:
    """The unit's settings, each with all its lines."""
    found: dict[str, list[str]] = {}

    inside = ""
    for line in (CONFIG / unit).read_text().splitlines():
        if line.startswith("["):
            inside = line.strip("[]")
        elif "=" in line and not line.startswith("#") and inside == section:
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def allowed(unit: str) -> set[str]:
    """The system calls that the unit's SystemCallFilter= lines leave, by systemd's own lists."""
    groups: dict[str, set[str]] = {}
    name = ""
    for line in analyze("syscall-filter").splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = set()
        elif line.startswith("    ") and not line.strip().startswith("#"):
            groups[name].add(line.strip())

    def calls(word: str) -> Iterator[str]:
        if not word.startswith("@"):
            yield word
            return
        for below in groups[word]:
            yield from calls(below)

    left: set[str] = set()
    for line in settings_of(unit, "Service")["SystemCallFilter"]:
        named = {call for word in line.removeprefix("~").split() for call in calls(word)}
        left = left - named if line.startswith("~") else left | named
    return left


def traced(file: Path) -> tuple[set[str], list[str]]:
    """The system calls in strace's record, and the lines that make memory both writable and executable."""
    calls, unsafe = set(), []
    for line in file.read_text(errors="replace").splitlines():
        found = re.match(r"(?:\d+ +)?(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", line)
        if found:
            calls.add(found.group(1))
        if "PROT_WRITE|PROT_EXEC" in line:
            unsafe.append(line)
    return calls, unsafe


def strace(file: Path) -> list[str]:
    """Before a command: it is traced, and is itself the process that is started."""
    return ["strace", "-D", "-f", "-q", "-o", str(file)]


async def written(file: Path, pid: int) -> None:
    """Returns once strace, which ends a little later, has seen that process end."""

    def seen() -> bool:
        return bool(re.search(rf"^{pid} +\+\+\+ ", file.read_text(errors="replace"), re.MULTILINE))

    while not seen():  # noqa: ASYNC110  # it writes a file and tells nobody
        await trio.sleep(0.05)


@needs_analyze
@needs_strace
async def test_the_server_makes_no_system_call_that_its_unit_forbids(tmp_path: Path) -> None:
    """From its start over an order to its stop. Whatever strace sees would be refused with EPERM otherwise."""
    record = tmp_path / "calls.txt"
    with trio.fail_after(SECONDS):
        async with demo(tmp_path / "data", "--bare", before=strace(record)) as server:
            order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
            client = server.client(0)
            await client.signed("POST", "/api/v3/order", **order, quantity="0.1", price="25000")
            await client._drop()
            server.process.terminate()
            await server.process.wait()
            await written(record, server.process.pid)
    calls, unsafe = traced(record)
    assert {"fdatasync", "accept4", "epoll_wait"} <= calls
    assert calls - allowed("exchange.service") - _AS_ROOT - {"execve", "exit_group"} == set()
    assert unsafe == []


@needs_analyze
@needs_strace
async def test_the_signer_makes_no_system_call_that_its_unit_forbids(tmp_path: Path) -> None:
    """Unlocked and asked to sign, over the socket that systemd would hand it."""
    folder, record = kit.make_wallet(tmp_path / "signer"), tmp_path / "calls.txt"
    path = tmp_path / "signer.sock"
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    with listener, trio.fail_after(SECONDS):
        await listener.bind(str(path))
        listener.listen()
        command = [*strace(record), sys.executable, "-c", LAUNCH, "signer", str(listener.fileno()), sys.executable]
        command += ["-m", "exchange.custody.signer.process", str(folder.path), "--peer", getpass.getuser()]
        process = await trio.lowlevel.open_process(command, pass_fds=[listener.fileno()])
        client = SignerClient(folder.path, path)
        looked = await client.look()
        await client.unlock(sealed_to(looked, bytes.fromhex(read_public(folder).identity)))
        await client.sign(WISH)
        client.end()
        process.terminate()
        await process.wait()
        await written(record, process.pid)
    calls, unsafe = traced(record)
    assert {"getsockopt", "fdatasync", "prctl"} <= calls
    assert calls - allowed("exchange-signer.service") - _AS_ROOT - {"execve", "exit_group"} == set()
    assert unsafe == []
