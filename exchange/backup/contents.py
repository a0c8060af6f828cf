"""What a backup of a data folder consists of, and what it says of itself."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from exchange.core.units import Micros
from exchange.ledger.fingerprint import Fingerprint
from exchange.settings import DEFAULT_FILE, Settings

LEDGER: Final = "ledger.db"
LEDGER_HEAD: Final = "ledger.head"
OFFICE: Final = "office.db"
TRAIL_HEAD: Final = "trail.head"
CUSTODY: Final = "custody.db"
MASTER_KEY: Final = "keystore/master.key"
MANIFEST: Final = "manifest.json"
VERSION: Final = 1


class Manifest(msgspec.Struct, frozen=True):
    """The first file in a backup. `ledger` is what the ledger came to when the copies had been made.

    `kind` is "full", or "side" for a copy without the ledger. `files` are names and sizes of what follows.
    """

    version: int
    kind: str
    made: Micros
    program: str
    ledger: Fingerprint
    files: dict[str, int]


def named_by_settings(folder: Path, settings: Settings) -> list[str]:
    """Files of the folder that `exchange.toml` names (deny-list, certificates, credentials), besides itself.

    What lies elsewhere is its owner's to keep: a restore cannot put it back there.
    """
    names = [settings.deny_list_file, settings.tls_certificate, settings.tls_key]
    for chain in settings.chains.values():
        names += [chain.rpc_credentials_file, chain.second_rpc_credentials_file]
    home = folder.absolute()  # not resolved: a link in the folder is a file of the folder
    inside = [_inside(home, Path(name)) for name in (DEFAULT_FILE, *names) if name]
    return list(dict.fromkeys(name for name in inside if is_safe(name) and (folder / name).is_file()))


def _inside(home: Path, path: Path) -> str:
    """Its name within the folder; an absolute one, which is none, where it lies elsewhere."""
    return (path.relative_to(home) if path.is_relative_to(home) else path).as_posix()


def is_safe(name: str) -> bool:
    """Whether a file of that name stays within the folder that it is unpacked into."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and name == path.as_posix()
