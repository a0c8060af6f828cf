"""The signer as a service of its own: B33 and B57, another user's process behind a socket that knows its peer."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.custody.signer import wire as signer_wire
from exchange.custody.signer.client import SignerClient, SignerGone, open_signer, seal
from exchange.custody.signer.folder import Folder, read_public
from exchange.custody.signing import Signed
from tests.custody import signing_kit as kit
from tests.custody.signing_kit import PASSPHRASE
from tests.custody.test_signer import WISH
from tests.faults.handover import LAUNCH

SECONDS = 60


@contextmanager
def service(folder: Folder, peer: str, name: str = "signer") -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A signer's process at a socket that we hold; ended at the end."""
    path = folder.path.parent / "signer.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        command = [sys.executable, "-c", LAUNCH, name, str(listener.fileno()), sys.executable]
        command += ["-m", "exchange.custody.signer.process", str(folder.path), "--peer", peer]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.PIPE, text=True)
        try:
            yield path, process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return kit.make_wallet(tmp_path / "signer")


async def unlock(client: SignerClient, folder: Folder) -> None:
    looked, identity = await client.look(), bytes.fromhex(read_public(folder).identity)
    opened = await client.unlock(seal(PASSPHRASE, looked.box, looked.proof, identity))
    assert isinstance(opened, signer_wire.Looked)


async def test_a_service_stays_unlocked_when_the_server_restarts_and_signs_the_same_bytes(folder: Folder) -> None:
    """Its memory is its own: the server that comes back needs nobody to type a passphrase."""
    with service(folder, getpass.getuser()) as (path, process):
        with open_signer(folder.path, path) as client:
            await unlock(client, folder)
            signed = await client.sign(WISH)
            assert isinstance(signed, Signed)
            assert client.pid is None
        with open_signer(folder.path, path) as again:
            assert (await again.look()).unlocked
            assert await again.sign(WISH) == signed
        assert process.poll() is None


async def test_b33_a_peer_of_another_user_is_sent_away_by_the_kernels_word(folder: Folder) -> None:
    """B33: however it came by the socket."""
    with service(folder, "nobody") as (path, process):
        with open_signer(folder.path, path) as client, pytest.raises(SignerGone):
            await client.look()
        process.terminate()
        _, said = process.communicate(timeout=SECONDS)
    assert f"user {os.getuid()} was sent away" in said


async def test_a_peer_that_speaks_nonsense_ends_only_its_own_connection(folder: Folder) -> None:
    with service(folder, getpass.getuser()) as (path, _):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(SECONDS)
            stranger.connect(str(path))
            stranger.sendall(b"\xff\xff\xff\xff")
            assert stranger.recv(1) == b""
        with open_signer(folder.path, path) as client:
            assert not (await client.look()).unlocked


@pytest.mark.parametrize(
    ("peer", "name", "said"),
    [
        ("nobody-is-called-so", "signer", "there is no user called nobody-is-called-so"),
        ("nobody", "other", "one socket called signer is to be handed over, not other"),
    ],
)
def test_a_service_that_cannot_be_is_refused_in_a_sentence(folder: Folder, peer: str, name: str, said: str) -> None:
    with service(folder, peer, name) as (_, process):
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 1
    assert said in errors
    assert "Traceback" not in errors


async def test_without_the_service_payouts_wait(folder: Folder, tmp_path: Path) -> None:
    with open_signer(folder.path, tmp_path / "none.sock") as client, pytest.raises(SignerGone):
        await client.look()
