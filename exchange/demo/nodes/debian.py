"""A program of a Debian package, unpacked into the cache with all libraries of its suite; the system is left as it is.

apt does the work in a private corner: its own lists, its own idea of what is installed. Mirror, proxy and keys come
from the system's apt; every archive is checked against the suite's signed index.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from exchange.demo.nodes import CACHE, NoNode, one_at_a_time

NEWEST: Final = "unstable"
_GET_SECONDS: Final = 300
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_NOT_NEEDED: Final = ("systemd", "debconf", "lsb-base", "init-system-helpers", "adduser")
"""Taken for installed: a node that runs from a folder has no use for them."""

_APT: Final = """
Dir::Etc::SourceList "{corner}/sources";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{corner}/state";
Dir::State::Lists "{corner}/lists";
Dir::State::status "{corner}/status";
Dir::Cache "{corner}/cache";
APT::Default-Release "";
APT::Sandbox::User "root";
Acquire::http::Timeout "20";
Acquire::Retries "2";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
"""


def installed_suite() -> str:
    """The codename of the Debian that runs here. Raises `NoNode` where it is none."""
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        release = ""
    found = re.search(r"^VERSION_CODENAME=(\w+)$", release, flags=re.MULTILINE)
    if found is None or not re.search(r"^ID=debian$", release, flags=re.MULTILINE):
        raise NoNode("this is no Debian, whose packages have the node")
    return found[1]


def command(package: str, suite: str, program: str) -> list[str]:
    """The words that start `program` (a path inside the package), got on first use. Raises `NoNode`."""
    root = CACHE / f"{package}-{suite}"
    if not root.exists():
        with one_at_a_time(root.name):
            if not root.exists():
                _get(package, suite, root)
    loader = next(root.glob("usr/lib*/ld-linux*.so.*"), None) or next(root.glob("lib*/ld-linux*.so.*"), None)
    libc = [found.parent for found in root.glob("**/libc.so.6")]
    if loader is None or not libc or not (root / program).exists():
        raise NoNode(f"{root} is not complete; remove it, and it is got again")
    libraries = {str(found.parent) for found in root.glob("**/*.so.*") if found.parent.name == libc[0].name}
    return [str(loader), "--library-path", ":".join(sorted(libraries)), str(root / program)]


def _get(package: str, suite: str, root: Path) -> None:
    """Fetch the package with what it needs, and unpack all of it; `root` appears whole or not at all."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoNode(f"{package} comes from Debian, and apt is not here")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="getting-") as scratch:
        corner = Path(scratch)
        _furnish(corner, suite)
        apt = ["apt-get", "-c", str(corner / "apt.conf"), "-qq", "--yes"]
        _run([*apt, "update"], f"the list of Debian's {suite} could not be fetched")
        install = [*apt, "install", "--no-install-recommends", "--download-only", package]
        _run(install, f"{package} of Debian's {suite} could not be fetched")
        for archive in sorted(corner.glob("cache/archives/*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(corner / "root")], f"{archive.name} could not be unpacked")
        (corner / "root").rename(root)


def _furnish(corner: Path, suite: str) -> None:
    """An apt of its own, in which nothing is installed but what is not needed."""
    for folder in ("lists/partial", "cache/archives/partial", "state", "root"):
        (corner / folder).mkdir(parents=True)
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    (corner / "sources").write_text(f"deb {signed}{_mirror()} {suite} main\n", encoding="utf-8")
    (corner / "apt.conf").write_text(_APT.format(corner=corner), encoding="utf-8")
    architecture = _run(["dpkg", "--print-architecture"], "dpkg does not know this machine").strip()
    stanza = (
        "Package: {}\nStatus: install ok installed\nArchitecture: {}\nVersion: 99999\nMaintainer: -\nDescription: -\n"
    )
    installed = "\n".join(stanza.format(name, architecture) for name in _NOT_NEEDED)
    (corner / "status").write_text(installed, encoding="utf-8")


def _mirror() -> str:
    """Where the system's apt would get its own suite from; it need not have any list yet."""
    suite = installed_suite()
    planned = _run(["apt-get", "update", "--print-uris"], "apt does not say where it gets packages from")
    found = re.search(rf"^'(\S+/)dists/{suite}/InRelease'", planned, flags=re.MULTILINE)
    if found is None:
        raise NoNode(f"apt knows no mirror of Debian {suite}")
    return found[1]


def _run(words: list[str], failure: str) -> str:
    """What a command prints. Raises `NoNode` with `failure` and the command's last line."""
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            words, check=True, capture_output=True, text=True, timeout=_GET_SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.CalledProcessError as error:
        last = str(error.stderr).strip().rpartition("\n")[2]
        raise NoNode(f"{failure}: {last}") from error
    except (subprocess.TimeoutExpired, OSError) as error:
        raise NoNode(f"{failure}: {type(error).__name__}") from error
    return done.stdout
