"""What is handed out is signed as a whole, and whoever installs it is told of each file that is not what was signed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from release import check, sign, verify

ROOT = Path(__file__).parents[2]
VERSION = check.project(ROOT)["version"]
WHEEL = f"onebox_exchange-{VERSION}-py3-none-any.whl"
PASSPHRASE = "a passphrase that nobody may see"

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed: signatures of releases are NOT tried"
)


def make_key(path: Path, passphrase: str = "") -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "releases", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key without a passphrase."""
    return make_key(tmp_path / "release.key")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """What `make release-check` leaves, in small."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in (WHEEL, "sbom.cdx.json", "requirements.lock"):
        (folder / name).write_text(f"content of {name}\n")
    return folder


def signed(dist: Path, key: Path) -> Path:
    """Sign it; the file of allowed signers."""
    allowed = dist.parent / "allowed_signers"
    allowed.write_text(sign.signed(dist, key, VERSION) + "\n")
    return allowed


def found(dist: Path, allowed: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The faults that the command tells; its exit status agrees."""
    status = verify.main([str(dist), "--signers", str(allowed)])
    told = capsys.readouterr()
    faults = [line.removeprefix("FAULT  ") for line in told.out.splitlines() if line.startswith("FAULT")]
    assert status == int(bool(faults or told.err))
    return faults or told.err.splitlines()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_file_and_the_list_are_signed_and_verify(
    dist: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also by hand, with no code of ours."""
    allowed = signed(dist, key)
    names = {WHEEL, "sbom.cdx.json", "requirements.lock", "SHA256SUMS"}
    assert {path.name for path in dist.iterdir()} == names | {f"{name}.sig" for name in names}
    assert found(dist, allowed, capsys) == []
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, check=True, capture_output=True)
    by_hand = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "releases", "-n", "file"]
    for name in names:
        command = [*by_hand, "-s", str(dist / f"{name}.sig")]
        subprocess.run(command, input=(dist / name).read_bytes(), check=True, capture_output=True)
    assert allowed.read_text().split()[2:] == (key.with_suffix(".key.pub")).read_text().split()[:2]


def change(dist: Path) -> None:
    (dist / WHEEL).write_text("something else")


def change_and_list(dist: Path) -> None:
    """As somebody would who can write here, and has no key."""
    change(dist)
    old = verify.read_sums((dist / "SHA256SUMS").read_text())[WHEEL]
    new = verify.digest((dist / WHEEL).read_bytes())
    (dist / "SHA256SUMS").write_text((dist / "SHA256SUMS").read_text().replace(old, new))


def sign_by_another(dist: Path) -> None:
    """All of it, and well."""
    sign.signed(dist, make_key(dist.parent / "other.key"), VERSION)


def leave_out(dist: Path) -> None:
    """A file, and its line."""
    for path in (dist / WHEEL, dist / f"{WHEEL}.sig"):
        path.unlink()
    lines = (dist / "SHA256SUMS").read_text().splitlines(keepends=True)
    (dist / "SHA256SUMS").write_text("".join(line for line in lines if WHEEL not in line))


def swap_signatures(dist: Path) -> None:
    shutil.copy(dist / "sbom.cdx.json.sig", dist / f"{WHEEL}.sig")


BY_NOBODY = "its signature is not by an allowed signer"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change, {WHEEL: "changed: its content"}),
        (change_and_list, {WHEEL: BY_NOBODY, "SHA256SUMS": BY_NOBODY}),
        (sign_by_another, dict.fromkeys([WHEEL, "sbom.cdx.json", "requirements.lock", "SHA256SUMS"], BY_NOBODY)),
        (leave_out, {"SHA256SUMS": BY_NOBODY}),
        (swap_signatures, {WHEEL: BY_NOBODY}),
        (lambda dist: (dist / WHEEL).unlink(), {WHEEL: "missing"}),
        (lambda dist: (dist / f"{WHEEL}.sig").unlink(), {WHEEL: "not signed"}),
        (lambda dist: (dist / "SHA256SUMS.sig").unlink(), {"SHA256SUMS": "not signed"}),
        (lambda dist: (dist / "setup.sh").write_text(""), {"setup.sh": "not in SHA256SUMS"}),
        (lambda dist: (dist / "setup.sh.sig").write_text(""), {"setup.sh.sig": "not in SHA256SUMS"}),
    ],
)
def test_each_file_that_is_not_what_was_signed_is_named(
    dist: Path, key: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], said: dict[str, str]
) -> None:
    allowed = signed(dist, key)
    damage(dist)
    faults = dict(line.split(": ", 1) for line in found(dist, allowed, capsys))
    assert faults.keys() == said.keys()
    assert all(fault.startswith(said[name]) for name, fault in faults.items()), faults


def test_a_signature_that_was_made_for_something_else_does_not_count(
    dist: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that also signs commits or logs in would else vouch for files with those signatures."""
    allowed = signed(dist, key)
    (dist / f"{WHEEL}.sig").unlink()
    subprocess.run(["ssh-keygen", "-Y", "sign", "-f", key, "-n", "git", dist / WHEEL], check=True, capture_output=True)
    (fault,) = found(dist, allowed, capsys)
    assert fault.startswith(f"{WHEEL}: {BY_NOBODY}")


@pytest.mark.parametrize(
    "line", ["no list", f"{'0' * 64}  ../outside", f"{'0' * 64}  .hidden", f"{'0' * 64}  a\n{'0' * 64}  a"]
)
def test_a_list_that_is_none_or_leads_elsewhere_is_refused(
    dist: Path, key: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    allowed = signed(dist, key)
    (dist / "SHA256SUMS").write_text(f"{line}\n")
    assert "SHA256SUMS: not a line of such a list" in found(dist, allowed, capsys)[-1]


def test_without_list_or_signers_nothing_is_said_to_be_well(
    dist: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fault,) = found(dist, key, capsys)
    assert "there is no such list" in fault
    (fault,) = found(dist, dist / "nobody", capsys)
    assert "there is no such file of allowed signers" in fault


def test_signing_again_takes_the_place_of_what_was_signed_before(
    dist: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is asked whether to overwrite, and no signature of a file that is gone stays."""
    (dist / "old.txt").write_text("old")
    signed(dist, key)
    (dist / "old.txt").unlink()
    change(dist)
    assert found(dist, signed(dist, key), capsys) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda dist: (dist / "sbom.cdx.json").unlink(), "lacks sbom.cdx.json"),
        (lambda dist: (dist / WHEEL).unlink(), "lacks a wheel"),
        (lambda dist: (dist / "onebox_exchange-0.0.1-py3-none-any.whl").touch(), "is not of version"),
        (lambda dist: (dist / "folder").mkdir(), "folder is no plain file"),
        (lambda dist: (dist / "with a blank").touch(), "not a line of such a list"),
    ],
)
def test_what_is_not_one_whole_release_is_not_signed(
    dist: Path, key: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(dist)
    before = sorted(path.name for path in dist.iterdir())
    with pytest.raises((sign.NotSigned, verify.NotVerified), match=said):
        sign.signed(dist, key, VERSION)
    assert sorted(path.name for path in dist.iterdir()) == before


def test_a_key_that_could_go_out_with_the_files_is_refused(dist: Path, key: Path) -> None:
    inside = dist.parent / "inside"
    shutil.copytree(dist, inside)
    shutil.move(key, inside / "release.sig")
    with pytest.raises(sign.NotSigned, match="from where it may go out"):
        sign.signed(inside, inside / "release.sig", VERSION)
    with pytest.raises(sign.NotSigned, match="there is no such key"):
        sign.signed(dist, key, VERSION)


def test_what_ssh_keygen_refuses_leaves_earlier_signatures_as_they_were(dist: Path, key: Path) -> None:
    signed(dist, key)
    before = contents(dist)
    key.chmod(0o644)
    with pytest.raises(sign.NotSigned, match="ssh-keygen refused"):
        sign.signed(dist, key, VERSION)
    assert contents(dist) == before
    assert [path.name for path in dist.parent.iterdir() if path.name.startswith(".signing")] == []


def ran(words: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_a_passphrase_is_asked_for_once_by_ssh_keygen_and_is_in_no_argument_and_no_word(
    dist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program in its place writes down with what it was called."""
    key, called, asked = make_key(tmp_path / "sealed.key", PASSPHRASE), tmp_path / "called", tmp_path / "asked"
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder / "ssh-keygen", f'echo "$@" >> {called}\nexec {shutil.which("ssh-keygen")} "$@"')
    ask = program(folder / "ask", f"echo asked >> {asked}\necho '{PASSPHRASE}'")
    path = f"{folder}:{os.environ['PATH']}"
    words = [sys.executable, "-m", "release.sign", str(key), str(dist)]
    done = ran(words, PATH=path, SSH_ASKPASS=str(ask), SSH_ASKPASS_REQUIRE="force")
    assert done.returncode == 0, done.stderr
    assert asked.read_text() == "asked\n"
    assert "-Y sign" in called.read_text()
    assert PASSPHRASE not in called.read_text() + done.stdout + done.stderr
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(done.stdout.splitlines()[-1])
    assert found(dist, allowed, capsys) == []


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="ssh-agent is not installed: it is NOT tried")
def test_a_key_that_only_an_agent_has_signs(dist: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named by its public half. The agent ends with the command."""
    command = f"ssh-add -q {key} && rm {key} && exec {sys.executable} -m release.sign {key}.pub {dist}"
    done = ran(["ssh-agent", "sh", "-c", command])
    assert done.returncode == 0, done.stderr
    assert not key.exists()
    allowed = dist.parent / "allowed_signers"
    allowed.write_text(done.stdout.splitlines()[-1])
    assert found(dist, allowed, capsys) == []


def test_the_verifier_works_alone_for_whoever_has_nothing_else_of_ours(dist: Path, key: Path, tmp_path: Path) -> None:
    allowed = signed(dist, key)
    alone = shutil.copy(ROOT / "release" / "verify.py", tmp_path)
    done = ran([sys.executable, "-I", "-S", str(alone), "--signers", str(allowed), str(dist)])
    assert (done.returncode, done.stderr) == (0, "")
    assert f"ok     {WHEEL}" in done.stdout


def test_without_ssh_keygen_it_is_said_and_nothing_is_done(
    dist: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(sign.NotSigned, match="ssh-keygen is not installed"):
        sign.signed(dist, key, VERSION)
    with pytest.raises(verify.NotVerified, match="ssh-keygen is not installed"):
        verify.Signers(key, "releases")


def test_a_missing_key_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """As `make release-sign` without KEY has it."""
    assert sign.main([""]) == 2
    assert "make release-sign KEY=" in capsys.readouterr().err
