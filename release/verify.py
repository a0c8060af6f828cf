"""Whether a folder is a release as it was handed out: every file is there, unchanged, and signed by whom you trust.

`python -m release.verify --signers FILE [--identity releases] [FOLDER]`. Exit status 0 if all is well, else 1. It
needs nothing but Python and `ssh-keygen`, so this one file can be kept and used alone: a copy that came with the
release would say of itself whatever it likes.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

SUMS: Final = "SHA256SUMS"
"""The list of all files, as `sha256sum` writes and reads it; signed too, so that none can be left out unseen."""
SIGNATURE: Final = ".sig"
NAMESPACE: Final = "file"
"""What a signature is for: one that was made for something else does not count."""
IDENTITY: Final = "releases"
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._+-]*)")


class NotVerified(Exception):
    """Nothing could be said of the release; the message says why."""


def digest(content: bytes) -> str:
    """As it stands in the list."""
    return hashlib.sha256(content).hexdigest()


def read_sums(text: str) -> Mapping[str, str]:
    """Name to digest. Raises `NotVerified` for a line that is none, a name with a folder in it, a name twice."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise NotVerified(f"{SUMS}: not a line of such a list: {line[:100]!r}. Do not install this.")
        found[match[2]] = match[1]
    return found


class Signers:
    """Those whose signature counts."""

    def __init__(self, allowed: Path, identity: str) -> None:
        """`allowed`: a file as `ssh-keygen` wants it, one line a key. Raises `NotVerified` when nobody can be asked."""
        if shutil.which("ssh-keygen") is None:
            raise NotVerified("ssh-keygen is not installed (Debian: openssh-client). Nothing was verified.")
        if not allowed.is_file():
            raise NotVerified(f"{allowed}: there is no such file of allowed signers. Nothing was verified.")
        self._command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", identity, "-n", NAMESPACE]

    def fault(self, path: Path, content: bytes) -> str:
        """What is wrong with a file's signature; "" when it is by one of them, over this very content."""
        signature = path.with_name(path.name + SIGNATURE)
        if not signature.is_file():
            return "not signed"
        done = subprocess.run([*self._command, "-s", str(signature)], input=content, capture_output=True, check=False)
        if done.returncode == 0:
            return ""
        said = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
        return (
            f"its signature is not by an allowed signer over this content ({said[-1] if said else 'no reason given'})"
        )


def faults(folder: Path, signers: Signers) -> Iterator[str]:
    """One sentence for each file that is missing, changed, not signed or not of the release; none: all is well.

    Raises `NotVerified` when there is no list, or what is no list.
    """
    sums = folder / SUMS
    if not sums.is_file():
        raise NotVerified(f"{sums}: there is no such list, so nobody knows what belongs here. Do not install this.")
    content = sums.read_bytes()
    if fault := signers.fault(sums, content):
        yield f"{SUMS}: {fault}"
    listed = read_sums(content.decode(errors="replace"))
    for name, wanted in listed.items():
        if fault := _fault(folder / name, wanted, signers):
            yield f"{name}: {fault}"
    known = {SUMS, *listed}
    for path in sorted(folder.iterdir()):
        if path.name.removesuffix(SIGNATURE) not in known:
            yield f"{path.name}: not in {SUMS}, so not of this release"


def _fault(path: Path, wanted: str, signers: Signers) -> str:
    if not path.is_file():
        return "missing"
    content = path.read_bytes()
    if digest(content) != wanted:
        return f"changed: its content is not the one in {SUMS}"
    return signers.fault(path, content)


def main(argv: list[str]) -> int:
    """Look a folder over; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m release.verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("dist"), help="where the files are (dist)")
    parser.add_argument("--signers", type=Path, required=True, help="whose signatures count, as ssh-keygen reads it")
    parser.add_argument("--identity", default=IDENTITY, help=f"by what name they stand there ({IDENTITY})")
    given = parser.parse_args(argv)
    try:
        found = list(faults(given.folder, Signers(given.signers, given.identity)))
    except (NotVerified, OSError) as error:
        print(f"release.verify: {error}", file=sys.stderr)
        return 1
    for line in found:
        print(f"FAULT  {line}")
    if found:
        print(f"{len(found)} faults: do not install this. Get it anew, from where its makers hand it out.")
        return 1
    for name in read_sums((given.folder / SUMS).read_text()):
        print(f"ok     {name}")
    print(f"All of it is signed by {given.identity}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
