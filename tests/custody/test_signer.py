"""The signer as it runs: a process over a socket pair, locked at first, killed at will, silent about its secrets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from exchange.custody.derivation import path
from exchange.custody.port import Payment
from exchange.custody.signer import wire as signer_wire
from exchange.custody.signer.client import NotTheSigner, SignerClient, SignerGone, open_signer, seal
from exchange.custody.signer.folder import Folder, read_public
from exchange.custody.signer.seed import seed_of, words
from exchange.custody.signing import Refused, Signed
from tests.custody import signing_kit as kit
from tests.custody.signing_kit import ANN, PASSPHRASE, SATS

PAID = Payment("w-1", kit.STRANGER, SATS // 2)
WISH = kit.bitcoin_wish(PAID, kit.approve(PAID, ANN))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return kit.make_wallet(tmp_path / "signer")


def sealed_to(looked: signer_wire.Looked, identity: bytes, passphrase: bytes = PASSPHRASE) -> bytes:
    return seal(passphrase, looked.box, looked.proof, identity)


async def unlock(client: SignerClient, folder: Folder, passphrase: bytes = PASSPHRASE) -> signer_wire.Looked | Refused:
    identity = bytes.fromhex(read_public(folder).identity)
    return await client.unlock(sealed_to(await client.look(), identity, passphrase))


@asynccontextmanager
async def unlocked(folder: Folder) -> AsyncIterator[SignerClient]:
    with open_signer(folder.path) as client:
        assert isinstance(await unlock(client, folder), signer_wire.Looked)
        yield client


async def test_a_locked_signer_signs_nothing_and_says_so(folder: Folder) -> None:
    with open_signer(folder.path) as client:
        answer = await client.sign(WISH)
    assert isinstance(answer, Refused)
    assert answer.locked


async def test_unlocked_it_signs_an_approved_draft_and_refuses_a_changed_one(folder: Folder) -> None:
    async with unlocked(folder) as client:
        assert isinstance(await client.sign(WISH), Signed)
        swapped = kit.bitcoin_wish(PAID, kit.approve(PAID, ANN), id="draft-2", to=b"\x00\x14" + bytes(20))
        answer = await client.sign(swapped)
        assert isinstance(await client.sign(kit.evm_wish(kit.body(), (kit.half_ether("w-3"),), id="draft-3")), Signed)
        changed = kit.evm_wish(kit.body(value="1"), (kit.half_ether("w-4"),), id="draft-4")
        assert isinstance(await client.sign(changed), Refused)
    assert isinstance(answer, Refused)
    assert not answer.locked
    assert "not paid as approved" in answer.reason


async def test_a_wrong_passphrase_leaves_it_locked(folder: Folder) -> None:
    with open_signer(folder.path) as client:
        answer = await unlock(client, folder, b"another passphrase")
        assert isinstance(answer, Refused)
        assert "the passphrase is wrong" in answer.reason
        assert not (await client.look()).unlocked


async def test_guessing_passphrases_is_slowed_down(folder: Folder) -> None:
    with open_signer(folder.path) as client:
        for _ in range(5):
            await unlock(client, folder, b"another passphrase")
        answer = await unlock(client, folder)
    assert isinstance(answer, Refused)
    assert "wait" in answer.reason


async def test_a_passphrase_is_sealed_to_one_process_only(folder: Folder) -> None:
    identity = bytes.fromhex(read_public(folder).identity)
    with open_signer(folder.path) as client:
        sealed = sealed_to(await client.look(), identity)
        client.end()
        answer = await client.unlock(sealed)
    assert isinstance(answer, Refused)
    assert "another signer" in answer.reason


async def test_a_server_that_offers_its_own_key_gets_no_passphrase(folder: Folder) -> None:
    with open_signer(folder.path) as client:
        looked = await client.look()
    with pytest.raises(NotTheSigner, match="not sent"):
        seal(PASSPHRASE, bytes(32), looked.proof, bytes.fromhex(read_public(folder).identity))


async def test_killed_after_its_answer_it_gives_the_same_bytes_and_keeps_its_limits(folder: Folder) -> None:
    async with unlocked(folder) as client:
        signed = await client.sign(WISH)
        assert client.pid
        os.kill(client.pid, signal.SIGKILL)
        with pytest.raises(SignerGone):
            await client.look()
        assert not (await client.look()).unlocked
        looked = await unlock(client, folder)
        assert isinstance(looked, signer_wire.Looked)
        assert looked.rows == 1
        assert await client.sign(WISH) == signed
        other = kit.bitcoin_wish(PAID, kit.approve(PAID, ANN), id="draft-2", coin=kit.Coin(kit.HOT, 3 * SATS, salt=9))
        answer = await client.sign(other)
    assert isinstance(answer, Refused)
    assert "could be paid twice" in answer.reason


async def test_killed_while_it_signs_no_answer_is_forgotten(folder: Folder) -> None:
    """Six kills in the middle of a question: every draft that was answered is on record with the answer's bytes."""
    answered: dict[str, bytes] = {}

    async def sign_until_killed(client: SignerClient, turn: int, enough: trio.Event) -> None:
        for number in range(1_000):
            name = f"draft-{turn}-{number}"
            wish = kit.inside_wish(name, kit.Coin(kit.HOT, SATS, turn), [(kit.script(kit.HOT), SATS, kit.HOT)])
            try:
                signed = await client.sign(wish)
            except SignerGone:
                return
            assert isinstance(signed, Signed)
            answered[name] = signed.raw
            if number == 5 + turn:
                enough.set()
        raise AssertionError("it was never killed")

    for turn in range(6):
        async with unlocked(folder) as client, trio.open_nursery() as nursery:
            enough = trio.Event()
            nursery.start_soon(sign_until_killed, client, turn, enough)
            await enough.wait()
            assert client.pid
            os.kill(client.pid, signal.SIGKILL)
    async with unlocked(folder) as client:
        recorded: dict[str, bytes] = {}
        while rows := await client.recall(len(recorded)):
            recorded |= {row.id: row.raw for row in rows}
    assert answered.items() <= recorded.items()
    assert len(answered) >= 6 * 6


async def test_what_was_signed_can_be_recalled_in_pages(folder: Folder) -> None:
    async with unlocked(folder) as client:
        signed = await client.sign(WISH)
        rows = await client.recall()
        assert await client.recall(1) == ()
    assert isinstance(signed, Signed)
    assert [(row.id, row.txid, row.payments, row.raw) for row in rows] == [
        ("draft-1", signed.txid, ("w-1",), signed.raw)
    ]
    assert rows[0].claims == (f"{kit.Coin(kit.HOT, 3 * SATS).previous().txid().hex()}:0",)


async def test_a_damaged_record_keeps_it_locked(folder: Folder) -> None:
    folder.record.unlink()
    with open_signer(folder.path) as client:
        answer = await unlock(client, folder)
    assert isinstance(answer, Refused)
    assert "record is missing" in answer.reason


async def test_a_systemd_credential_unlocks_it_at_its_start(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.path / "signer-passphrase").write_bytes(PASSPHRASE + b"\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder.path))
    with open_signer(folder.path) as client:
        assert isinstance(await client.sign(WISH), Signed)


@pytest.mark.parametrize(
    "hostile",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x05hello",
        b"\x00\x00\x00\x02\x81\xa4",
        (9_999).to_bytes(4, "big") + b"\x91" * 9_999,
    ],
)
def test_hostile_frames_end_or_refuse_and_never_crash(folder: Folder, hostile: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = start(folder, theirs, subprocess.PIPE)
        ours.sendall(hostile)
        ours.shutdown(socket.SHUT_WR)
        _, said = process.communicate(timeout=60)
    assert process.returncode in {0, 1}
    assert b"Traceback" not in said


def start(folder: Folder, theirs: socket.socket, errors: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "exchange.custody.signer.process", str(folder.path), str(theirs.fileno())]
    return subprocess.Popen(command, pass_fds=(theirs.fileno(),), stderr=errors, stdout=errors)


def test_its_memory_cannot_be_dumped() -> None:
    told = (
        "import ctypes, resource; from exchange.custody.signer.process import guard_memory; guard_memory();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    said = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    assert said == "0 (0, 0)\n"


async def test_nothing_that_it_says_or_writes_holds_a_secret(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    """The canary: passphrase, entropy, seed, words and keys are looked for in all that leaves the process."""
    tree = kit.TREE
    secrets = [
        PASSPHRASE,
        kit.ENTROPY,
        kit.ENTROPY.hex().encode(),
        " ".join(words(kit.ENTROPY)).encode(),
        seed_of(kit.ENTROPY),
        tree.key.secret,
        tree.below(path(kit.BTC, *kit.HOT)).key.secret,
        tree.below(path(kit.BTC, *kit.HOT)).key.secret.hex().encode(),
    ]
    said: list[bytes] = []
    with open_signer(folder.path) as client:
        said += [repr(await unlock(client, folder, b"wrong" + PASSPHRASE[:-1])).encode()]
        said += [repr(await unlock(client, folder)).encode()]
        answers = [await client.sign(WISH), await client.sign(kit.bitcoin_wish(PAID, id="draft-9"))]
        said += [signer_wire.frame(answer) for answer in answers]
        said += [repr(await client.recall()).encode()]
        said += [await trio.Path(f"/proc/{client.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    said += [file.read_bytes() for file in folder.path.iterdir()]
    out, err = capfd.readouterr()
    said += [out.encode(), err.encode()]
    for secret in secrets:
        assert not any(secret in one for one in said)
