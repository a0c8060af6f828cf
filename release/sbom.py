"""The software bill of materials: CycloneDX 1.5, from the lock file and what is known of each installed package.

The same lock file gives the same bytes: there is neither a time nor a random number in it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import msgspec
from packaging.requirements import Requirement

OURS: Final = "onebox-exchange"
_LOCKED: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SHORT: Final = 100
_NOT_A_NAME: Final = re.compile(r"[-_.]+")


class Locked(msgspec.Struct, frozen=True):
    """One package of the lock file, and the hashes of the files that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read_lock(text: str) -> list[Locked]:
    """Every package of a lock file, in its order."""
    found: list[Locked] = []
    for part in re.split(r"\n(?=\S)", text):
        head = _LOCKED.match(part)
        if head:
            found.append(Locked(canonical(head[1]), head[2], tuple(sorted(_HASH.findall(part)))))
    return found


def canonical(name: str) -> str:
    """The one spelling of a package's name."""
    return _NOT_A_NAME.sub("-", name).lower()


def needs(name: str) -> Iterator[str]:
    """What an installed package asks for here, without extras."""
    for line in metadata.requires(name) or ():
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield canonical(wanted.name)


def closure(name: str) -> set[str]:
    """Everything that comes with an installed package."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for one in needs(waiting.pop()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def document(lock: list[Locked], version: str) -> dict[str, Any]:
    """The whole document. What only building and testing want is "excluded": it is not in what is handed out."""
    shipped = closure(OURS)
    reference = {one.name: f"pkg:pypi/{one.name}@{one.version}" for one in lock}
    ours = f"pkg:pypi/{OURS}@{version}"
    root = {"type": "application", "bom-ref": ours, "name": OURS, "version": version, "purl": ours}
    root["licenses"] = [{"expression": "Apache-2.0"}]  # type: ignore[assignment]
    direct = sorted(reference[name] for name in needs(OURS))
    edges = [{"ref": ours, "dependsOn": direct}]
    edges += [
        {"ref": reference[name], "dependsOn": sorted(reference[one] for one in set(needs(name)))}
        for name in sorted(shipped)
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": root},
        "components": [_component(one, reference[one.name], shipped=one.name in shipped) for one in lock],
        "dependencies": edges,
    }


def _component(one: Locked, reference: str, *, shipped: bool) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": one.name,
        "version": one.version,
        "purl": reference,
        "scope": "required" if shipped else "excluded",
        "properties": [{"name": "lock:sha256", "value": each} for each in one.hashes],
    }
    if licence := _licence(one.name):
        component["licenses"] = [licence]
    return component


def _licence(name: str) -> Mapping[str, Any] | None:
    """As the package itself says; a whole text is not one."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None  # of another platform
    if "License-Expression" in about:
        return {"expression": about["License-Expression"]}
    classes = about.get_all("Classifier") or []
    words = [line.rpartition(" :: ")[2] for line in classes if line.startswith("License ::")]
    said = next(iter(about.get_all("License") or []), "")
    text = said if 0 < len(said) < _SHORT and "\n" not in said else " OR ".join(words)
    return {"license": {"name": text}} if text else None


def write(lock: Path, out: Path) -> int:
    """Write the document; how many packages are in it."""
    packages = read_lock(lock.read_text(encoding="utf-8"))
    out.parent.mkdir(parents=True, exist_ok=True)
    told = msgspec.json.format(msgspec.json.encode(document(packages, metadata.version(OURS))), indent=1)
    out.write_bytes(told + b"\n")
    return len(packages)


if __name__ == "__main__":
    print(f"{sys.argv[2]}: {write(Path(sys.argv[1]), Path(sys.argv[2]))} packages")
