"""systemd's two small protocols: what is told, what is taken over, and what is refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.ops.notify import BadHandover, inherited, notify, watchdog_seconds

ME = str(os.getpid())


@pytest.mark.parametrize("abstract", [False, True])
def test_a_notice_is_one_datagram(tmp_path: Path, abstract: bool) -> None:
    """To a path, or to a name that no folder has."""
    name = f"onebox-test-{ME}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}" if abstract else str(tmp_path / "s"))
        assert notify("READY=1\nSTATUS=well", {"NOTIFY_SOCKET": f"@{name}" if abstract else str(tmp_path / "s")})
        assert listener.recv(100) == b"READY=1\nSTATUS=well"


def test_a_notice_to_nobody_is_lost_and_harms_nothing(tmp_path: Path) -> None:
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "none")})
    assert not notify("READY=1", {"NOTIFY_SOCKET": "relative"})


def test_the_watchdog_is_ours_only_if_it_names_us() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ME}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000"}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({}) is None
    for nonsense in ("soon", "0", "-5"):
        with pytest.raises(BadHandover, match="not a number of microseconds"):
            watchdog_seconds({"WATCHDOG_USEC": nonsense})


def test_sockets_handed_to_another_process_are_not_ours() -> None:
    assert inherited({}) == {}
    assert inherited({"LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}) == {}


@pytest.mark.parametrize(
    ("fds", "names", "said"),
    [
        ("two", "a:b", "not a number"),
        ("2", "a", "needs a name of its own"),
        ("2", "a:a", "needs a name of its own"),
        ("1", "", "is no listening stream socket|is no socket"),
    ],
)
def test_a_handover_that_cannot_be_used_is_refused(fds: str, names: str, said: str) -> None:
    """In a process of its own, whose descriptor 3 is a plain pipe."""
    program = (
        "import os, sys; os.dup2(0, 3); os.environ['LISTEN_PID'] = str(os.getpid())\n"
        "from exchange.ops.notify import inherited, BadHandover\n"
        "try: inherited()\nexcept BadHandover as bad: print(bad)"
    )
    environment = {**os.environ, "LISTEN_FDS": fds, "LISTEN_FDNAMES": names}
    done = subprocess.run(
        [sys.executable, "-c", program], input=b"", capture_output=True, env=environment, check=True, timeout=60
    )
    assert any(part in done.stdout.decode() for part in said.split("|"))
    assert "Nothing was started." in done.stdout.decode()
