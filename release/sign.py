"""Signs what is handed out: a list of all files with their digests, and an SSH signature over each and over the list.

`python -m release.sign KEY [FOLDER]`. KEY is the private key's file, or the public one of a key that an ssh-agent has.
A passphrase is asked for by ssh-keygen itself, once, on the terminal: it never passes through here. The signatures take
their places when all of them are made and verified, so a refusal leaves the folder as it was.
"""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from release.check import ROOT, project
from release.verify import IDENTITY, NAMESPACE, SIGNATURE, SUMS, NotVerified, Signers, digest, faults, read_sums

_NEEDED: Final = ("sbom.cdx.json", "requirements.lock")
_MAGIC: Final = b"SSHSIG"


class NotSigned(Exception):
    """Nothing was signed; the message says why."""


def handed_out(folder: Path, version: str) -> list[Path]:
    """What is signed: every file but earlier signatures. Raises `NotSigned` where it is not one whole release."""
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [path for path in there if path.suffix != SIGNATURE and path.name != SUMS]
    if odd := [path.name for path in files if path.is_symlink() or not path.is_file()]:
        raise NotSigned(f"{folder}: {', '.join(odd)} is no plain file. Nothing was signed. Take it away.")
    names = {path.name for path in files}
    wheels = [name for name in names if name.endswith(".whl")]
    if missing := [name for name in _NEEDED if name not in names] or ([] if wheels else ["a wheel"]):
        raise NotSigned(f"{folder} lacks {', '.join(missing)}. Nothing was signed. `make release-check` writes it.")
    if others := [name for name in sorted(wheels) if name.split("-")[1] != version]:
        raise NotSigned(f"{folder}: {', '.join(others)} is not of version {version}. Nothing was signed. Remove it.")
    return files


def list_of(files: list[Path]) -> str:
    """The list, as `sha256sum` writes it. Raises `NotVerified` for a name that it could not have."""
    text = "".join(f"{digest(path.read_bytes())}  {path.name}\n" for path in files)
    read_sums(text)
    return text


def signed(folder: Path, key: Path, version: str) -> str:
    """Sign all of `folder`; the line for a file of allowed signers. Raises `NotSigned`, `NotVerified`."""
    files = handed_out(folder, version)
    _require_key(key, folder)
    with tempfile.TemporaryDirectory(prefix=".signing-", dir=folder.parent) as scratch:
        place, allowed = Path(scratch) / "release", Path(scratch) / "allowed"
        place.mkdir()
        for path in files:
            shutil.copyfile(path, place / path.name)
        (place / SUMS).write_text(list_of(sorted(place.iterdir())))
        _sign(sorted(place.iterdir()), key)
        line = f'{IDENTITY} namespaces="{NAMESPACE}" {signer_of((place / f"{SUMS}{SIGNATURE}").read_text())}'
        allowed.write_text(line + "\n")
        if found := list(faults(place, Signers(allowed, IDENTITY))):
            raise NotSigned(f"what ssh-keygen wrote does not verify: {'; '.join(found)}. Nothing was signed.")
        _take_over(place, folder)
    return line


def _require_key(key: Path, folder: Path) -> None:
    if not key.is_file():
        raise NotSigned(
            f"{key}: there is no such key. Nothing was signed. `make release-sign KEY=/path/to/release.key`"
        )
    for forbidden in (ROOT, folder.resolve()):
        if key.suffix != ".pub" and key.resolve().is_relative_to(forbidden):
            raise NotSigned(f"{key} lies in {forbidden}, from where it may go out. Nothing was signed. Move it away.")


def _sign(files: list[Path], key: Path) -> None:
    """All in one call, so that a passphrase is asked for once."""
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, *map(str, files)]
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, check=False)
    except FileNotFoundError:
        raise NotSigned("ssh-keygen is not installed (Debian: openssh-client). Nothing was signed.") from None
    if done.returncode:
        raise NotSigned(f"ssh-keygen refused: {' / '.join(done.stderr.splitlines()[-3:])}. Nothing was signed.")


def _take_over(place: Path, folder: Path) -> None:
    """The list and all signatures come in; those of a former time, of files that are gone, go."""
    for old in folder.glob(f"*{SIGNATURE}"):
        old.unlink()
    for new in (place / SUMS, *place.glob(f"*{SIGNATURE}")):
        new.replace(folder / new.name)


def signer_of(armoured: str) -> str:
    """Type and text of the public key that an SSH signature names. Raises `NotSigned` for what is none."""
    raw = base64.b64decode("".join(armoured.split("\n")[1:-2]))
    if not raw.startswith(_MAGIC):
        raise NotSigned("ssh-keygen wrote something that is no signature. Nothing was signed.")
    (size,) = struct.unpack_from(">I", raw, len(_MAGIC) + 4)
    blob = raw[len(_MAGIC) + 8 :][:size]
    (length,) = struct.unpack_from(">I", blob)
    return f"{blob[4 : 4 + length].decode()} {base64.b64encode(blob).decode()}"


def main(argv: list[str]) -> int:
    """Sign a folder; the exit status."""
    if len(argv) not in {1, 2} or not argv[0]:
        print(
            "usage: python -m release.sign KEY [FOLDER], or make release-sign KEY=/path/to/release.key", file=sys.stderr
        )
        return 2
    folder = Path(argv[1]) if argv[1:] else ROOT / "dist"
    try:
        line = signed(folder, Path(argv[0]), project(ROOT)["version"])
    except (NotSigned, NotVerified, OSError) as error:
        print(f"release.sign: {error}", file=sys.stderr)
        return 1
    for name in (*read_sums((folder / SUMS).read_text()), SUMS):
        print(f"signed {folder / name}{SIGNATURE}")
    print(f"Publish this line once, apart from the files; whoever installs keeps it as allowed_signers:\n{line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
