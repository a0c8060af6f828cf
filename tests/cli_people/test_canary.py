"""B40: secrets stay where they belong. Each is let loose in the house, then looked for everywhere."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trio

from exchange.cli import main
from exchange.ops import logs
from tests.admin.furnished import code, enrol, furnished, served


async def test_b40_no_secret_is_found_in_files_logs_or_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B40: API secret, TOTP secret, one-time code and master key, after use, misuse and failure."""
    logs.configure()
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        used = code(house, totp)
        async with served(house):
            monkeypatch.setattr("sys.stdin", io.StringIO(used + "\n"))
            assert await typed(tmp_path, "key", "create", "alice", "--scope", "trade") == 0
            made = capfd.readouterr().out
            monkeypatch.setattr("sys.stdin", io.StringIO(used + "\n"))
            assert await typed(tmp_path, "key", "list") == 1
        told = "".join(capfd.readouterr())
    opened = damage_master_key(tmp_path)
    assert await typed(tmp_path, "account", "list") == 1
    complaint = "".join(capfd.readouterr())
    found = re.search(r"^secret   (\w{64})$", made, re.MULTILINE)
    assert found
    assert "this is not a master key" in complaint
    totp_secret = base64.b32decode(totp.secret)
    quoted = f'"{used}"'.encode()  # six digits alone may turn up by chance
    secrets = [found[1].encode(), totp.secret.encode(), totp_secret, quoted, opened.encode()]
    everywhere = (told + complaint).encode() + contents(tmp_path)
    assert [secret in everywhere for secret in secrets] == [False] * len(secrets)


def test_b40_the_secret_of_an_operator_is_only_in_his_qr_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """B40: printed once, on stdout, and nowhere on disk in the clear."""
    assert main(["init", "--dir", str(tmp_path / "data")]) == 0
    assert main(["operator", "add", "ann", "--uid", "1234", "--role", "auditor", "--dir", str(tmp_path / "data")]) == 0
    told = capfd.readouterr()
    uri = re.findall(r"otpauth://\S+", told.out)[0]
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    everywhere = contents(tmp_path)
    assert secret not in told.err
    assert secret.encode() not in everywhere
    assert base64.b32decode(secret) not in everywhere


def damage_master_key(folder: Path) -> str:
    """Put the key where the commands look for it, its last digit missing; what is left of it."""
    opened = (folder / "master.key").read_text().strip()[:-1]
    (folder / "keystore").mkdir()
    (folder / "keystore" / "master.key").write_text(opened)
    (folder / "keystore" / "master.key").chmod(0o600)
    return opened


def contents(folder: Path) -> bytes:
    """All files below a folder, but for the master key."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "master.key")
    return b"".join(path.read_bytes() for path in files)


async def typed(folder: Path, *words: str) -> int:
    """Type a command beside this test's own server."""
    return await trio.to_thread.run_sync(main, [*words, "--dir", str(folder)])
