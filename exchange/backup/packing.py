"""Files into one encrypted stream and back: a tar archive within sealed chunks, written and read in one pass."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from exchange.backup.contents import MANIFEST, VERSION, Manifest, is_safe
from exchange.backup.copies import Copies, Progress
from exchange.backup.fault import BackupFault
from exchange.backup.key import BackupKey
from exchange.backup.sealing import CHUNK, Opener, Sealer, Source

_MANIFEST_AT_MOST: Final = 16 << 20
_PIECE: Final = 1 << 20


def pack(copied: Copies, key: BackupKey, out: Callable[[bytes], object], progress: Progress) -> None:
    """Write the whole backup to `out`."""
    sealer = Sealer(key, out)
    total = sum(copied.manifest.files.values())
    done = 0

    def read(piece: int) -> None:
        nonlocal done
        done += piece
        progress("sealing", done, total)

    with tarfile.open(fileobj=sealer, mode="w|", bufsize=CHUNK, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]  # it needs `write` only
        manifest = msgspec.json.encode(copied.manifest)
        archive.addfile(_entry(MANIFEST, len(manifest)), io.BytesIO(manifest))
        for name, path in copied.files.items():
            with path.open("rb") as file:
                archive.addfile(_entry(name, copied.manifest.files[name]), _Counting(file, read))
    sealer.finish()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """A file of the archive; owner and times say nothing."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


class _Counting(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._told(len(content))
        return content


def unpack(source: Source, name: str, key: BackupKey, into: Path, progress: Progress) -> Manifest:
    """Decrypt a backup, called `name`, into the folder `into`; what it says of itself.

    Raises `BackupFault` unless all of it is there and nothing else is; then what was written so far means nothing.
    """
    opener = Opener(key, source, name)
    try:
        with tarfile.open(fileobj=opener, mode="r|", bufsize=CHUNK) as archive:  # type: ignore[call-overload]  # it needs `read` only
            members = iter(archive)
            manifest = _manifest(archive, members, name)
            found = _files(archive, members, manifest, into, progress)
    except (tarfile.TarError, EOFError, msgspec.DecodeError) as error:
        raise _strange(name, str(error)) from error
    opener.finish()
    if missing := manifest.files.keys() - found:
        raise _strange(name, f"{', '.join(sorted(missing))} is missing")
    return manifest


def _manifest(archive: tarfile.TarFile, members: Iterator[tarfile.TarInfo], name: str) -> Manifest:
    first = next(members, None)
    file = archive.extractfile(first) if first is not None else None
    if first is None or first.name != MANIFEST or first.size > _MANIFEST_AT_MOST or file is None:
        raise _strange(name, f"it does not begin with {MANIFEST}")
    manifest = msgspec.json.decode(file.read(), type=Manifest)
    if manifest.version > VERSION:
        raise BackupFault(f"{name}: a newer version of this program made it. Nothing was changed. Use that version.")
    return manifest


def _files(
    archive: tarfile.TarFile, members: Iterator[tarfile.TarInfo], manifest: Manifest, into: Path, progress: Progress
) -> set[str]:
    """Write every file that the manifest names; their names."""
    found: set[str] = set()
    total, done = sum(manifest.files.values()), 0
    for member in members:
        content = archive.extractfile(member)
        expected = manifest.files.get(member.name)
        if content is None or expected != member.size or not is_safe(member.name) or member.name in found:
            raise _strange(into.name, f"{member.name!r} is not what its list of files says")
        target = into / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.touch(mode=0o600, exist_ok=False)
        with target.open("wb") as file:
            while piece := content.read(_PIECE):
                file.write(piece)
                done += len(piece)
                progress("unsealing", done, total)
        found.add(member.name)
    return found


def _strange(name: str, why: str) -> BackupFault:
    return BackupFault(f"{name}: it opens, and {why}: another program wrote it. Nothing was changed.")
