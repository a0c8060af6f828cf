"""Whether this tree may be released: every step is tried and told, and one that fails stops the release.

`python -m release.check [--without-tests]`. Exit status 0 if all is well, else 1.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from release.sbom import canonical, read_lock, write

ROOT: Final = Path(__file__).parent.parent
_RELEASED: Final = re.compile(r"\d+\.\d+\.\d+")
_DATED: Final = r"^## \[{}\] - \d{{4}}-\d{{2}}-\d{{2}}$"
_NEEDED: Final = ("exchange/ledger/migrations/0001_genesis.sql", "exchange/api/docs/manual/guide.md", "tui/app.py")


class Fault(Exception):
    """Why it may not go out, and what to do."""


def tree(root: Path) -> str:
    """Nothing is changed that was not committed."""
    changed = _ran(["git", "status", "--porcelain"], root)
    if changed:
        raise Fault(f"these files are changed and not committed: {', '.join(changed.split()[1::2])}")
    return f"clean, at {_ran(['git', 'rev-parse', '--short', 'HEAD'], root)}"


def version(root: Path) -> str:
    """A version that is one, and the changelog has a dated section for it."""
    found = project(root)["version"]
    if not _RELEASED.fullmatch(found):
        raise Fault(f"pyproject.toml says {found}: a release is MAJOR.MINOR.PATCH")
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(_DATED.format(re.escape(found)), text, re.MULTILINE):
        raise Fault(f"CHANGELOG.md has no line `## [{found}] - YEAR-MONTH-DAY`")
    if unreleased(text):
        raise Fault(f"CHANGELOG.md has lines under [Unreleased]: move them to [{found}]")
    return f"{found}, and the changelog has it"


def unreleased(changelog: str) -> bool:
    """Whether something stands in the section for what is not released."""
    section = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return section is not None and "- " in section[1]


def lock(root: Path) -> str:
    """Every pin of the project file is in the lock file, and every package there has hashes."""
    packages = {one.name: one for one in read_lock((root / "requirements.lock").read_text(encoding="utf-8"))}
    missing = [pin for pin in pins(root) if pin not in {f"{one.name}=={one.version}" for one in packages.values()}]
    if missing:
        raise Fault(f"requirements.lock lacks {', '.join(missing)}: `make lock`")
    bare = [one.name for one in packages.values() if not one.hashes]
    if bare:
        raise Fault(f"requirements.lock has no hash for {', '.join(bare)}")
    return f"{len(packages)} packages, each with hashes, and every pin among them"


def pins(root: Path) -> Iterator[str]:
    """`name==version` of every dependency of the project file."""
    about = project(root)
    lists = [about["dependencies"], *about["optional-dependencies"].values()]
    for line in (line for each in lists for line in each):
        name, _, pinned = line.partition("==")
        yield f"{canonical(name)}=={pinned}"


def project(root: Path) -> dict:  # type: ignore[type-arg]
    """`[project]` of the project file."""
    content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict = content["project"]  # type: ignore[type-arg]
    return found


def checked(root: Path) -> str:
    """`make check`."""
    _ran(["make", "check"], root)
    return "lint, format, types and walls"


def tested(root: Path) -> str:
    """`make test`."""
    return _ran(["make", "test"], root).splitlines()[-1]


def built(root: Path) -> str:
    """A wheel, with all that is not Python in it, which a fresh environment takes, and which then answers."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        _ran([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", name], root)
        (wheel,) = place.glob("*.whl")
        inside = zipfile.ZipFile(wheel).namelist()
        if lacking := [one for one in _NEEDED if one not in inside]:
            raise Fault(f"the wheel lacks {', '.join(lacking)}: see [tool.setuptools.package-data]")
        _ran([sys.executable, "-m", "venv", str(place / "fresh")], root)
        python = str(place / "fresh" / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _ran([*pip, "--require-hashes", "-r", str(root / "requirements.lock")], root)
        _ran([*pip, "--no-deps", str(wheel)], root)
        program = str(place / "fresh" / "bin" / "exchange")
        said = _ran([program, "--version"], place)
        _ran([program, "--help"], place)
        (root / "dist").mkdir(exist_ok=True)
        for one in (wheel, root / "requirements.lock"):
            shutil.copy2(one, root / "dist")
        return f"dist/{wheel.name}; installed by its hashes it says: {said}"


def listed(root: Path) -> str:
    """The software bill of materials."""
    return f"dist/sbom.cdx.json: {write(root / 'requirements.lock', root / 'dist' / 'sbom.cdx.json')} packages"


def _ran(command: list[str], place: Path) -> str:
    """What a command says. Raises `Fault` with its last lines."""
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fault(f"`{' '.join(command[:3])}` failed: {' / '.join((done.stdout + done.stderr).splitlines()[-3:])}")
    return done.stdout.strip()


def main(argv: list[str]) -> int:
    """Try all steps; the exit status."""
    steps: list[Callable[[Path], str]] = [tree, version, lock, checked, tested, built, listed]
    if argv == ["--without-tests"]:
        steps.remove(tested)
    elif argv:
        print("usage: python -m release.check [--without-tests]", file=sys.stderr)
        return 2
    faults = 0
    for step in steps:
        try:
            print(f"ok     {step.__name__:<8} {step(ROOT)}", flush=True)
        except Fault as fault:
            faults += 1
            print(f"FAULT  {step.__name__:<8} {fault}", flush=True)
    print("This may go out: `make release-sign KEY=...`." if not faults else f"{faults} faults: it may not go out.")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
