"""The signer: a process of its own whose one verb is "sign this approved request". The only one that sees a key.

It speaks over one socket that it was started with, one question at a time; or, as a service under a user of its own, to
one peer after the other at a listening socket that systemd holds, and to no user but the server's. Its memory is not
dumpable and, where the system lets it, locked. What goes wrong with a question is a refusal; what goes wrong with its
own record or disk ends it. Nothing it writes or answers holds a secret.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from exchange.clock import Clock, SystemClock
from exchange.custody.signer import keystore
from exchange.custody.signer import wire as signer_wire
from exchange.custody.signer.folder import CREDENTIAL, Folder, read_identity
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.judged import No
from exchange.custody.signer.keystore import VaultDamaged, WrongPassphrase
from exchange.custody.signer.record import Record, RecordDamaged
from exchange.custody.signer.rules import BadRules, read_rules
from exchange.custody.signer.seed import root, seed_of
from exchange.custody.signing import Refused, Signed, Wish
from exchange.custody.treasury.cold import cold_keys
from exchange.ops.notify import BadHandover, inherited, notify

LISTENER: Final = "signer"
"""What systemd calls its socket (FileDescriptorName=)."""

_UCRED: Final = struct.Struct("3i")
"""Process, user, group: `struct ucred`."""
_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_TRIES: Final = 5
"""Wrong passphrases before each further one costs waiting."""
_WAIT: Final = 30_000_000
"""Microseconds."""


class Signer:
    """One vault, locked at first, and the answers to what is asked."""

    def __init__(self, folder: Folder, clock: Clock, *, memory_locked: bool) -> None:
        """Raises `VaultDamaged` when the folder has no standing key."""
        self._folder = folder
        self._clock = clock
        self._memory_locked = memory_locked
        self._identity = SigningKey(read_identity(folder))
        self._box = PrivateKey.generate()
        self._judge: Judge | None = None
        self._record: Record | None = None
        self._chains: tuple[str, ...] = ()
        self._approvers: tuple[str, ...] = ()
        self._wrong = 0
        self._not_before = 0

    def answer(self, ask: signer_wire.Ask) -> signer_wire.Answer:
        """The answer to one question."""
        match ask:
            case Wish():
                return self._sign(ask)
            case signer_wire.Look():
                return self._looked()
            case signer_wire.Unlock():
                return self._unlock(ask)
            case signer_wire.Recall():
                return self._recall(ask)

    def unlock(self, passphrase: bytes) -> None:
        """Open vault and record. Raises `WrongPassphrase`, `VaultDamaged`, `RecordDamaged`, `BadRules`."""
        secrets = keystore.open_vault(self._folder.vault, passphrase, self._clock).secrets
        rules = read_rules(secrets.rules)
        record = Record(self._folder.record, secrets.record_key, self._clock)
        cold: Mapping[str, frozenset[str]] = cold_keys(rules, secrets.cold)
        self._judge = Judge(rules, secrets.approvers, cold, root(seed_of(secrets.entropy)), record)
        self._record = record
        self._chains = tuple(rules)
        self._approvers = tuple(secrets.approvers)

    def _sign(self, wish: Wish) -> Signed | Refused:
        if self._judge is None:
            return Refused("the signer's vault is locked: `exchange wallet unlock`", locked=True)
        try:
            return self._judge.sign(wish)
        except No as no:
            return Refused(str(no))

    def _unlock(self, ask: signer_wire.Unlock) -> signer_wire.Answer:
        if self._judge is not None:
            return self._looked()
        if self._clock.now() < self._not_before:
            return Refused("too many wrong passphrases: wait half a minute", locked=True)
        try:
            self.unlock(SealedBox(self._box).decrypt(ask.sealed))
        except CryptoError:
            return Refused("the passphrase was sealed to another signer: ask for its standing again", locked=True)
        except WrongPassphrase as wrong:
            self._wrong += 1
            self._not_before = self._clock.now() + _WAIT if self._wrong >= _TRIES else 0
            return Refused(str(wrong), locked=True)
        except (VaultDamaged, RecordDamaged, BadRules) as damaged:
            return Refused(str(damaged), locked=True)
        return self._looked()

    def _looked(self) -> signer_wire.Looked:
        box = bytes(self._box.public_key)
        return signer_wire.Looked(
            unlocked=self._judge is not None,
            memory_locked=self._memory_locked,
            box=box,
            proof=self._identity.sign(signer_wire.UNLOCKING + box).signature,
            rows=self._record.rows if self._record else 0,
            head=self._record.head if self._record else "",
            chains=self._chains,
            approvers=self._approvers,
        )

    def _recall(self, ask: signer_wire.Recall) -> signer_wire.Recalled | Refused:
        if self._record is None:
            return Refused("the signer's vault is locked: `exchange wallet unlock`", locked=True)
        return signer_wire.Recalled(
            tuple(
                signer_wire.Row(
                    number,
                    entry.time,
                    entry.id,
                    entry.chain,
                    entry.txid,
                    tuple(paid.id for paid in entry.payments),
                    entry.claims,
                    entry.cost,
                    entry.raw,
                )
                for number, entry in self._record.page(max(0, ask.after), signer_wire.PAGE)
            )
        )


def serve(signer: Signer, connection: socket.socket) -> None:
    """Answer until the other side is gone. A frame that is none ends the connection: what follows it means nothing."""
    while head := _exactly(connection, signer_wire.HEAD):
        content = _exactly(connection, signer_wire.size(head))
        if not content:
            return
        try:
            answer = signer.answer(signer_wire.asked(content))
        except signer_wire.BadFrame as bad:
            answer = Refused(str(bad))
        connection.sendall(signer_wire.frame(answer))


def _exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes; none when the other side is gone."""
    parts, missing = [], size
    while missing:
        part = connection.recv(min(missing, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def guard_memory() -> bool:
    """No core dumps, no tracing by others of this uid, no swapping where allowed; whether memory is locked."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the signer cannot make itself non-dumpable. Nothing was opened")
    may_lock, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if may_lock != resource.RLIM_INFINITY:
        # a finite limit would make a later allocation fail, argon2id's first
        return False
    return bool(library.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)


def _credential() -> bytes:
    """The passphrase that systemd handed over as a credential; empty where there is none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    file = Path(folder) / CREDENTIAL
    return file.read_bytes().rstrip(b"\r\n") if folder and file.exists() else b""


def serve_peers(signer: Signer, listener: socket.socket, uid: int) -> None:
    """Answer one peer after the other, for ever; a peer of another user than `uid`, by the kernel's word, is sent away.

    What goes wrong with a peer ends its connection and nothing else.
    """
    while True:
        connection, _ = listener.accept()
        with connection:
            found = peer_uid(connection)
            if found != uid:
                sys.stderr.write(f"signer: user {found} was sent away; this signer answers user {uid}\n")
                continue
            try:
                serve(signer, connection)
            except signer_wire.BadFrame as bad:
                sys.stderr.write(f"signer: {bad}\n")
            except (BrokenPipeError, ConnectionResetError):
                continue


def peer_uid(connection: socket.socket) -> int:
    """Whose process is at the other end of a Unix socket."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(credentials)[1])


def main(argv: list[str]) -> int:
    """`python -m exchange.custody.signer.process FOLDER [DESCRIPTOR]`, or `FOLDER --peer USER` as a service.

    Without a descriptor the socket is number 3. A service answers at the listening socket that systemd calls `signer`.
    """
    locked = guard_memory()
    try:
        signer = Signer(Folder(Path(argv[0])), SystemClock(), memory_locked=locked)
        if passphrase := _credential():
            signer.unlock(passphrase)
        if argv[1:2] == ["--peer"]:
            listener, uid = _handed_over(), _uid(argv[2])
            notify("READY=1")
            serve_peers(signer, listener, uid)
        with socket.socket(fileno=int(argv[1]) if len(argv) > 1 else 3) as connection:
            serve(signer, connection)
    except (VaultDamaged, WrongPassphrase, RecordDamaged, BadRules, BadHandover, signer_wire.BadFrame) as error:
        sys.stderr.write(f"signer: {error}\n")
        return 1
    except (BrokenPipeError, ConnectionResetError):
        return 0
    return 0


def _uid(name: str) -> int:
    """Of the user of that name. Raises `BadHandover`."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise BadHandover(f"there is no user called {name}. Nothing was opened.") from None


def _handed_over() -> socket.socket:
    """The listening socket. Raises `BadHandover`."""
    sockets = inherited()
    if set(sockets) != {LISTENER}:
        got = ", ".join(sockets) or "none"
        raise BadHandover(f"one socket called {LISTENER} is to be handed over, not {got}. Nothing was opened.")
    listener = sockets[LISTENER]
    listener.setblocking(True)
    return listener


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
