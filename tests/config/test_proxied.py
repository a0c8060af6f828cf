"""Restarts behind the very proxy of config/nginx.conf: no request fails there either."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from tests.faults import test_restart as restart
from tests.faults.handover import Supervisor, supervised

CONFIG = Path(__file__).parents[2] / "config" / "nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")

patient = restart.patient


def plain(supervisor: Supervisor, port: int, folder: Path) -> str:
    """The example, upon these doors, without TLS, on a port of loopback."""
    text = CONFIG.read_text()
    for said, name in ((8080, "main"), (8081, "fast")):
        text = text.replace(f"127.0.0.1:{said}", f"127.0.0.1:{supervisor.listening[name].getsockname()[1]}")
    text = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"    ssl_.*\n|    listen \[::\]:443 ssl;\n", "", text)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("/var/log/nginx", str(folder))
    assert "443" not in text
    outer = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    return f"{outer}http {{\n{text}\n}}\n"


@asynccontextmanager
async def nginx(supervisor: Supervisor, folder: Path) -> AsyncIterator[str]:
    """A running proxy; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    await trio.Path(folder / "nginx.conf").write_text(plain(supervisor, port, folder))
    command = [NGINX or "", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    process = await trio.lowlevel.open_process(command, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
                break
            except OSError:
                assert process.returncode is None, await trio.Path(folder / "error.log").read_text()
                await trio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        with trio.CancelScope(shield=True):
            await process.wait()


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed: restarts behind a proxy are NOT tried")
async def test_r13_a_restart_behind_nginx_fails_no_request(tmp_path: Path) -> None:
    """R13: its connections to the server are kept and shared by all clients, and nothing is sent twice."""
    stop, callers = trio.Event(), list[restart.Caller]()
    with trio.fail_after(2 * restart.PATIENCE):
        async with (
            supervised(tmp_path) as supervisor,
            nginx(supervisor, tmp_path) as url,
            trio.open_nursery() as nursery,
        ):
            for number in range(2):
                async with supervisor.start(tmp_path / "data", "--bare") as server:
                    if not number:
                        there = msgspec.structs.replace(server.ready, http=url, fast=url)
                        callers = [restart.Caller(one, there) for one in range(restart.CALLERS)]
                        for caller in callers:
                            nursery.start_soon(caller.run, stop)
                    await restart.each_answered(callers, restart.EACH)
                    if number:
                        stop.set()
                        await restart.done(callers)
                    await restart.ended(server)
    assert [caller.failures for caller in callers] == [[]] * restart.CALLERS
