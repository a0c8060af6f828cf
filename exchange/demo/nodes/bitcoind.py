"""bitcoind and litecoind on a chain of their own (regtest), for demos and tests: on loopback, ended by their pid."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from exchange.demo.nodes import NoNode
from exchange.demo.nodes.debian import NEWEST, command, installed_suite

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 20
_CALL_SECONDS: Final = 60
_USER: Final = "exchange"
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # no file system is quicker; the folder's name is random


class Kind(msgspec.Struct, frozen=True):
    """A node's program and where it comes from. `parameters` is the chain's name in `exchange.toml`."""

    package: str
    newest: bool
    program: str
    config: str
    parameters: str


BITCOIN: Final = Kind("bitcoin-knots", True, "usr/bin/bitcoind", "bitcoin.conf", "bitcoin-regtest")
LITECOIN: Final = Kind("litecoind", False, "usr/lib/litecoin/litecoind", "litecoin.conf", "litecoin-regtest")

_CONFIG: Final = """
regtest=1
server=1
txindex=1
fallbackfee=0.0002
corepolicy=1
softwareexpiry=0
dbcache=16
printtoconsole=0
rpcuser={user}
rpcpassword={password}
[regtest]
listen=0
dnsseed=0
connect=0
rpcbind=127.0.0.1
rpcallowip=127.0.0.1
rpcport={port}
"""
"""A file, so that no list of processes shows the password. Litecoin passes over what only Knots knows."""


class Refusal(Exception):
    """The node refused a call of ours; `code` is its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


class Node:
    """One node with a folder of its own. It may be killed and started again; its port and login stay."""

    def __init__(self, kind: Kind, folder: Path, *options: str) -> None:
        """Got into the cache first, if need be; nothing is started. Raises `NoNode`."""
        self.kind = kind
        self.folder = folder
        self._words = command(kind.package, NEWEST if kind.newest else installed_suite(), kind.program)
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._login = f"{_USER}:{secrets.token_hex(16)}"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.url_with_login = f"http://{self._login}@127.0.0.1:{self.port}"
        self.login_file = folder / "login"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None, "it is not running"
        return self._process.pid

    def meet(self, port: int) -> None:
        """Speak to a node in this folder that another process has started."""
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._login = self.login_file.read_text(encoding="utf-8")
        self.url_with_login = f"http://{self._login}@127.0.0.1:{port}"

    def launch(self) -> None:
        """Start the process; the kernel ends it with the thread that called this."""
        self.folder.mkdir(parents=True, exist_ok=True)
        user, _, password = self._login.partition(":")
        config = self.folder / self.kind.config
        for file, content in (
            (config, _CONFIG.format(user=user, password=password, port=self.port)),
            (self.login_file, self._login),
        ):
            file.touch(0o600)
            file.write_text(content, encoding="utf-8")
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / "printed").open("wb") as printed:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [*guard, *self._words, f"-datadir={self.folder}", *self._options],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # ctrl-C is for us; we end it
            )

    def await_answers(self) -> None:
        """Return once it answers. Raises `NoNode` where it does not come to that."""
        assert self._process is not None, "it was launched"
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                self.call("getblockchaininfo")
            except (OSError, http.client.HTTPException, Refusal):
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
            else:
                return
        said = (self.folder / "printed").read_text(encoding="utf-8", errors="replace").strip()
        self.kill()
        raise NoNode(f"{self.kind.program} does not start: {said[-300:] or 'it says nothing'}")

    def start(self) -> None:
        """Launch it and wait until it answers. Raises `NoNode`."""
        self.launch()
        self.await_answers()

    def kill(self) -> None:
        """As a power cut would; what it had in memory is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let it write everything and end, or end it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def call(self, method: str, *params: object, wallet: str = "") -> Any:  # noqa: ANN401  # JSON
        """One call by whoever runs the node, amounts as `Decimal`. Raises `Refusal`, or `OSError`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_CALL_SECONDS)
        body = json.dumps({"id": 1, "method": method, "params": params}, default=str)
        headers = {"Authorization": "Basic " + b64encode(self._login.encode()).decode()}
        try:
            connection.request("POST", f"/wallet/{wallet}" if wallet else "/", body, headers)
            reply = json.loads(connection.getresponse().read() or b"{}", parse_float=Decimal)
        except json.JSONDecodeError as error:
            raise ConnectionError("no JSON") from error
        finally:
            connection.close()
        if reply.get("error"):
            raise Refusal(reply["error"]["code"], reply["error"]["message"])
        return reply.get("result")


@contextmanager
def running(kind: Kind = BITCOIN, *options: str) -> Iterator[Node]:
    """A fresh node, gone with its folder when the block ends. Raises `NoNode`."""
    with _scratch() as folder:
        node = Node(kind, folder, *options)
        try:
            node.start()
            yield node
        finally:
            node.kill()


@asynccontextmanager
async def running_beside(kind: Kind = BITCOIN, *options: str) -> AsyncIterator[Node]:
    """The same for a program with a loop to keep: nothing here holds it up."""
    with _scratch() as folder:
        node = await trio.to_thread.run_sync(lambda: Node(kind, folder, *options))
        try:
            node.launch()  # from this very thread, which lives as long as the loop
            await trio.to_thread.run_sync(node.await_answers)
            yield node
        finally:
            node.kill()


@contextmanager
def _scratch() -> Iterator[Path]:
    where = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where, prefix="onebox-node-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
