"""A VFS that writes down, in one order, every write, sync, truncation and removal of SQLite's, and what it is told.

The head file is written by `os.pwrite`, so in the process that records that is watched as well. Acknowledgements go
into the same order, so that for each moment it is known what had been promised by then.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

import apsw
import msgspec

from tests.faults.promises import Promised

NAME = "recording"


class Created(msgspec.Struct, tag=True, frozen=True):
    """A file of that name began; `file` numbers it, for another of the same name may follow."""

    file: int
    name: str


class Removed(msgspec.Struct, tag=True, frozen=True):
    """The name is gone; `synced`: its folder was synced before anything else happened."""

    name: str
    synced: bool


class Wrote(msgspec.Struct, tag=True, frozen=True):
    """So many bytes at that place."""

    file: int
    offset: int
    content: bytes


class Cut(msgspec.Struct, tag=True, frozen=True):
    """The file is so long from here on."""

    file: int
    size: int


class SyncBegan(msgspec.Struct, tag=True, frozen=True):
    """Whatever was written to the file before is on the disk once the sync of that number is done."""

    file: int
    sync: int


class SyncDone(msgspec.Struct, tag=True, frozen=True):
    """See `SyncBegan`."""

    file: int
    sync: int


class Sent(msgspec.Struct, tag=True, frozen=True):
    """Bytes left for the world outside: whoever keeps them must have had them on the disk before."""

    content: bytes


Step = Created | Removed | Wrote | Cut | SyncBegan | SyncDone | Promised | Sent


class Recorder:
    """The timeline of one process. Steps that change something and their entry are one: no other step gets between."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.turn = Lock()
        self.vfs: apsw.VFS | None = None
        self._numbers: dict[str, int] = {}
        self._files = self._syncs = 0

    def number(self, path: str) -> int:
        """The number of the file at `path`, which begins here if it is not known."""
        name = Path(path).name
        if name not in self._numbers:
            self._files += 1
            self._numbers[name] = self._files
            self.steps.append(Created(self._files, name))
        return self._numbers[name]

    def removed(self, path: str, synced: bool) -> None:
        """The file at `path` is no more."""
        if self._numbers.pop(Path(path).name, None) is not None:
            self.steps.append(Removed(Path(path).name, synced))

    def next_sync(self) -> int:
        """A new number for a sync."""
        self._syncs += 1
        return self._syncs

    def promised(self, promise: Promised) -> None:
        """Somebody is being answered."""
        with self.turn:
            self.steps.append(promise)

    def save(self, path: Path) -> None:
        """Write the timeline, for `load`."""
        path.write_bytes(msgspec.msgpack.encode(self.steps))


def load(path: Path) -> list[Step]:
    """A timeline that was saved."""
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Step])


def record(folder: Path) -> Recorder:
    """From here on what happens to files in `folder` is written down. To be called before any file is opened.

    The VFS with checksums is loaded later and stands on top of this one, so what is seen is what the disk sees.
    """
    recorder = Recorder()
    recorder.vfs = RecordingVFS(recorder)
    pwrite = os.pwrite

    def recorded(descriptor: int, content: bytes, offset: int) -> int:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.parent != folder.resolve():
            return pwrite(descriptor, content, offset)
        with recorder.turn:
            recorder.steps.append(Wrote(recorder.number(str(path)), offset, bytes(content)))
            return pwrite(descriptor, content, offset)

    os.pwrite = recorded  # type: ignore[assignment]
    return recorder


class RecordingVFS(apsw.VFS):
    """The system's own VFS, watched; the default of this process."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        super().__init__(NAME, "", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:
            return apsw.VFSFile("unix", name, flags)  # a file of its own, which nobody finds after a crash
        with self._recorder.turn:
            opened = RecordingFile(self._recorder, name, flags)
            opened.number = self._recorder.number(path)
        return opened

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        with self._recorder.turn:
            super().xDelete(filename, syncdir)
            self._recorder.removed(filename, bool(syncdir))


class RecordingFile(apsw.VFSFile):
    """One open file."""

    number = 0

    def __init__(self, recorder: Recorder, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._recorder = recorder
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        with self._recorder.turn:
            self._recorder.steps.append(Wrote(self.number, offset, bytes(data)))
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self._recorder.turn:
            self._recorder.steps.append(Cut(self.number, newsize))
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        with self._recorder.turn:
            sync = self._recorder.next_sync()
            self._recorder.steps.append(SyncBegan(self.number, sync))
        super().xSync(flags)
        with self._recorder.turn:
            self._recorder.steps.append(SyncDone(self.number, sync))
