"""The server's side of the signer: it starts the process or finds it at its socket, asks, and never sees a key.

One question at a time. A signer that dies or stays silent is ended and started anew with the next question, locked
again; what it had signed it has on record, so the same wish may be asked again. One that is a service of its own, under
its own user, is only hung up on, and keeps its state: whoever keeps it running restarts it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import trio
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox
from nacl.signing import VerifyKey

from exchange.custody.port import NodeFault
from exchange.custody.signer import wire as signer_wire
from exchange.custody.signer.folder import Folder
from exchange.custody.signing import Refused, Signed, Wish

ANSWER_SECONDS: Final = 120
"""Longest wait for an answer: an unlocking checks the whole record."""
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "CREDENTIALS_DIRECTORY")
"""Of the server's environment, what the signer gets."""


class SignerGone(NodeFault):
    """The signer did not answer: it may have signed. Ask again under the same id, and the same bytes come back."""


class NotTheSigner(Exception):
    """What is to open a passphrase is not vouched for by the folder's standing key. Nothing was sent."""


def seal(passphrase: bytes, box: bytes, proof: bytes, identity: bytes) -> bytes:
    """A passphrase that only this very signer process can open. Raises `NotTheSigner`."""
    try:
        VerifyKey(identity).verify(signer_wire.UNLOCKING + box, proof)
    except (CryptoError, ValueError) as error:
        raise NotTheSigner("whoever answers is not the signer of this folder. The passphrase was not sent") from error
    return bytes(SealedBox(PublicKey(box)).encrypt(passphrase))


class SignerClient:
    """Asks the signer of one folder. Use `open_signer`."""

    def __init__(self, folder: Path, service: Path | None = None) -> None:
        """`folder` is the signer's own; the process starts with the first question, unless it is a `service`.

        That is a Unix socket at which the signer answers.
        """
        self._folder = folder
        self._service = service
        self._turn = trio.CapacityLimiter(1)
        self._stream: trio.SocketStream | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def has_wallet(self) -> bool:
        """Whether a wallet was made in its folder."""
        return Folder(self._folder).public.exists()

    @property
    def pid(self) -> int | None:
        """Of the signer's process, once it was started."""
        return self._process.pid if self._process else None

    async def sign(self, wish: Wish) -> Signed | Refused:
        """The signed transaction, or why not. Raises `SignerGone`."""
        answer = await self.ask(wish)
        if isinstance(answer, (Signed, Refused)):
            return answer
        raise SignerGone("the signer answered something else than was asked")

    async def look(self) -> signer_wire.Looked:
        """How the signer stands. Raises `SignerGone`."""
        answer = await self.ask(signer_wire.Look())
        if isinstance(answer, signer_wire.Looked):
            return answer
        raise SignerGone("the signer answered something else than was asked")

    async def unlock(self, sealed: bytes) -> signer_wire.Looked | Refused:
        """Relay a passphrase that was sealed with `seal`. Raises `SignerGone`."""
        answer = await self.ask(signer_wire.Unlock(sealed))
        if isinstance(answer, (signer_wire.Looked, Refused)):
            return answer
        raise SignerGone("the signer answered something else than was asked")

    async def recall(self, after: int = 0) -> Sequence[signer_wire.Row]:
        """A page of what was signed, after a row's number; empty at the end. Raises `SignerGone`, if locked too."""
        answer = await self.ask(signer_wire.Recall(after))
        if isinstance(answer, signer_wire.Recalled):
            return answer.rows
        raise SignerGone(answer.reason if isinstance(answer, Refused) else "the signer answered something else")

    async def ask(self, question: signer_wire.Ask) -> signer_wire.Answer:
        """Ask and wait. Raises `SignerGone`; a caller that is cancelled ends the signer, whose answer nobody knows."""
        async with self._turn:
            try:
                stream = self._stream or await self._start()
                with trio.fail_after(ANSWER_SECONDS):
                    await stream.send_all(signer_wire.frame(question))
                    head = await _exactly(stream, signer_wire.HEAD)
                    return signer_wire.answered(await _exactly(stream, signer_wire.size(head)))
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError) as error:
                self.end()
                raise SignerGone(f"the signer did not answer ({type(error).__name__} {error})") from error
            except BaseException:
                self.end()
                raise

    def end(self) -> None:
        """End the process; the next question starts another."""
        if self._stream is not None:
            self._stream.socket.close()
            self._stream = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()  # it is dead by now: this only takes it off the system's list
            self._process = None

    async def _start(self) -> trio.SocketStream:
        self.end()
        if not Folder(self._folder).vault.exists():
            raise SignerGone(f"there is no wallet in {self._folder}: `exchange wallet init` makes one")
        if self._service is not None:
            self._stream = await trio.open_unix_socket(self._service)
            return self._stream
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await trio.to_thread.run_sync(self._spawn, theirs.fileno())
                self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
            except BaseException:
                ours.close()
                raise
        return self._stream

    def _spawn(self, descriptor: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "exchange.custody.signer.process", str(self._folder), str(descriptor)],
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )


@contextmanager
def open_signer(folder: Path, service: Path | None = None) -> Iterator[SignerClient]:
    """A client of the signer of `folder`; its process starts with the first question and ends with the block.

    But for one that is a `service` of its own.
    """
    client = SignerClient(folder, service)
    try:
        yield client
    finally:
        client.end()


async def _exactly(stream: trio.SocketStream, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = await stream.receive_some(min(size - len(content), 1 << 20))
        if not part:
            raise trio.BrokenResourceError("it ended")
        content += part
    return bytes(content)
